"""Files are there whole or not at all."""

import os
import threading

import pytest

from tinygpt.atomic import UNFINISHED, parents_of, remove_unfinished, replacing, write_atomically


def test_bytes_arrive_also_in_new_folders(tmp_path):
    path = tmp_path / "new" / "deep" / "file.bin"
    write_atomically(path, b"one")
    write_atomically(str(path), b"two")
    assert path.read_bytes() == b"two" and os.listdir(path.parent) == ["file.bin"]


def test_until_the_end_the_old_file_stands_there(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new" * 10_000)
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" * 10_000


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device"), ValueError, SystemExit])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error if isinstance(error, type) else OSError), replacing(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_is_full_only_at_the_end(tmp_path, monkeypatch, call):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError) as caught:
        write_atomically(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_an_error_keeps_the_name_of_the_file_that_it_is_about(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "file"):
        (tmp_path / "gone").read_bytes()
    assert caught.value.filename == str(tmp_path / "gone")


def test_folders_made_in_vain_vanish_again(tmp_path):
    (tmp_path / "old").mkdir()
    with pytest.raises(ValueError), replacing(tmp_path / "old" / "new" / "deep" / "file"):
        raise ValueError
    assert os.listdir(tmp_path) == ["old"] and os.listdir(tmp_path / "old") == []


def test_folders_that_somebody_else_filled_meanwhile_stay(tmp_path):
    with parents_of(tmp_path / "new" / "deep" / "file"):
        (tmp_path / "new" / "note").write_text("mine")
    assert os.listdir(tmp_path / "new") == ["note"]


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError), replacing(tmp_path / "file" / "deep" / "x"):
        pass
    assert os.listdir(tmp_path) == ["file"]


def test_what_a_killed_program_left_is_cleared_away_and_nothing_else(tmp_path):
    path = tmp_path / "deep" / "file"
    holding, kill = threading.Event(), threading.Event()

    def write():
        with replacing(path):
            holding.set()
            kill.wait()

    thread = threading.Thread(target=write)
    thread.start()
    holding.wait()
    [half] = os.listdir(path.parent)
    kill.set()
    thread.join()
    for name in (half, "file", f"mine{UNFINISHED}", ".notes.2024"):
        (path.parent / name).write_text("content")
    remove_unfinished(tmp_path)
    assert sorted(os.listdir(path.parent)) == [".notes.2024", "file", f"mine{UNFINISHED}"]
