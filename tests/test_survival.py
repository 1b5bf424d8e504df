"""A run that is killed, whose disk fills up, or whose folder can't be written to: nothing is lost, and it is said."""

import os
import random
import re
import shutil
import subprocess

import pytest

from tinygpt.checkpoint import CONFIG, LAST, MODEL, open_run
from tinygpt.logs import read_log
from tinygpt.storage import load_tensors
from tinygpt.training import train

SMALL = ["--d-model=16", "--n-heads=2", "--n-layers=1", "--context-length=16", "--batch-size=4", "--vocab-size=300"]
slow = pytest.mark.slow


def settings(steps, evaluations):
    return {"steps": steps, "evaluations": evaluations, "bigram_steps": 3}


@pytest.fixture
def resume(faulty, tmp_path):
    """resume(**fault): the answer of a program that goes on with the run, and meets a fault while it does."""

    def resume(**fault):
        words = ["train", "--resume", "--out", str(tmp_path / "run")]
        answer = faulty({"words": words, "folder": str(tmp_path), **fault})
        return *vars(answer.children[0]).values(), answer

    return resume


@pytest.fixture
def finished(resume, tmp_path, outcome):
    """finished(): what becomes of the run when it goes on without a fault. Nothing half-written may be left."""

    def finished():
        code, said, _ = resume()
        assert code == 0 and "Traceback" not in said and "tinygpt: " not in said, said
        assert not left_over(tmp_path / "run")
        return outcome(tmp_path / "run")

    return finished


def left_over(folder):
    return [path for path in folder.rglob(".*")]


# Kill -9


@pytest.mark.parametrize("n", [4, pytest.param(50, marks=slow)])
def test_kill_9_at_random_moments_loses_nothing(n, make_run, tmp_path, resume, finished):
    """Half of them at a random time, half at a random call that changes something on the disk."""
    seed = random.SystemRandom().randrange(10**6) if n > 10 else 7
    dice = random.Random(seed)
    fresh = make_run(tmp_path / "fresh", **settings(40, 20)).folder
    shutil.copytree(fresh, tmp_path / "run")
    code, said, whole = resume()
    assert code == 0, said
    expected, killed, before_step = finished(), [], []
    while len(killed) < n:
        shutil.rmtree(tmp_path / "run")
        shutil.copytree(fresh, tmp_path / "run")
        if len(killed) % 2:
            moment = {"kill_at": dice.randint(1, whole.calls)}
        else:
            moment = {"kill_after": dice.uniform(0, whole.seconds)}
        code, said, _ = resume(**moment)
        assert code in (-9, 0), said
        if code == -9:  # another machine's load may have let it come to its end before
            killed.append(moment)
            run = open_run(tmp_path / "run")
            if (run.folder / MODEL).exists():
                assert run.model() is not None
            there = (run.folder / LAST).exists()
            before_step.append(int(load_tensors(run.folder / LAST)[1]["step"]) if there else None)
            assert finished() == expected, f"seed {seed}, {moment}"
            print(f"seed {seed}, kill {len(killed)}: {moment}, equal to the last bit", flush=True)
    print(f"seed {seed}: killed {n} times; last checkpoints at steps {before_step}")


def test_kill_9_again_and_again_loses_nothing(make_run, tmp_path, resume, finished, outcome):
    once = make_run(tmp_path / "once", **settings(30, 10))
    make_run(tmp_path / "run", **settings(30, 10))
    for call in (1, 2, 3, 5, 8, 13, 21, 34):  # it gets further each time
        assert resume(kill_at=call)[0] == -9
    assert train(once)
    assert finished() == outcome(once.folder)


@pytest.fixture
def prepared(faulty, tmp_path, corpus_file, make_run, outcome):
    """prepared(call, fault): meet it at that call of a run's making, in a folder of each kind; then make it."""
    make_run(tmp_path / "old", steps=1)
    words = ["train", "--corpus", str(corpus_file), "--steps=1", "--evaluations=1", "--bigram-steps=0", "--force"]
    words += [*SMALL[:-1], "--tokenizer", str(tmp_path / "old/tokenizer"), "--out"]
    assert faulty({"words": [*words, str(tmp_path / "new")]}).children[0].code == 0
    expected = outcome(tmp_path / "new")

    def prepared(call, fault):
        for name in ("fresh", "empty", "replaced"):
            folder = tmp_path / name
            shutil.rmtree(folder, ignore_errors=True)
            if name == "replaced":
                shutil.copytree(tmp_path / "old", folder)
            if name == "empty":
                folder.mkdir()
            answer = faulty({"words": [*words, str(folder)], "folder": str(tmp_path), fault: call})
            if (folder / CONFIG).exists():
                open_run(folder)
            [child] = faulty({"words": [*words, str(folder)]}).children
            assert child.code == 0, (name, call, child.said)
            assert outcome(folder) == expected
            yield vars(answer.children[0]).values()

    return prepared


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=slow)])
def test_kill_9_while_a_run_is_prepared(every, prepared):
    """Whatever was there before, by --force there is a run afterwards; what opens is whole or says that it isn't."""
    for call in range(1, 40, every):
        assert [code for code, _ in prepared(call, "kill_at")] == [-9, -9, -9]


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=slow)])
def test_a_disk_that_is_full_while_a_run_is_prepared(every, prepared, tmp_path):
    for call in range(1, 40, every):
        for code, said in prepared(call, "full_at"):
            assert_says_that_the_disk_is_full(code, said)
    assert not left_over(tmp_path)


# A full disk


def assert_says_that_the_disk_is_full(code, said):
    assert code == 2 and "Traceback" not in said
    [line] = [line for line in said.splitlines() if line.startswith("tinygpt: ")]
    assert said.endswith(line + "\n") and line.endswith(": No space left on device") and not re.search(r"/\.", line)


@pytest.fixture
def begun(make_run, tmp_path, interrupt_after):
    """A run that has been interrupted, and what it becomes when it is not."""
    once, run = (make_run(tmp_path / name, **settings(6, 3)) for name in ("once", "run"))
    interrupt_after(2)
    train(run)
    train(once)
    return run.folder, once.folder


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=slow)])
def test_a_disk_that_is_full_at_any_call(every, begun, tmp_path, resume, finished, outcome):
    folder, once = begun
    expected, call = outcome(once), 1
    shutil.copytree(folder, tmp_path / "begun")
    while True:
        code, said, answer = resume(full_at=call)
        if code == 0:
            break
        assert_says_that_the_disk_is_full(code, said)
        assert not left_over(folder)
        assert open_run(folder).model() is not None and load_tensors(folder / LAST)[1]["step"] in "246"
        assert finished() == expected
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "begun", folder)
        call += every
    assert 20 < answer.calls <= call + 1  # the last two calls rename, and remove what is not there


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of one megabyte, on the folder that `resume` works in."""
    (tmp_path / "disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tinygpt-test", str(tmp_path / "disk")]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is for root only")
    yield tmp_path / "disk"
    subprocess.run(["umount", str(tmp_path / "disk")], check=True)


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=slow)])
def test_a_real_disk_that_fills_up(every, begun, small_disk, faulty, outcome):
    folder, once = begun
    expected, call = outcome(once), 1
    while True:
        run = shutil.copytree(folder, small_disk / "run")
        words = ["train", "--resume", "--out", str(run)]
        answer = faulty({"words": words, "folder": str(small_disk), "fill_at": call})
        [child] = answer.children
        if child.code == 0:
            break
        assert_says_that_the_disk_is_full(child.code, child.said)
        assert not left_over(run) and open_run(run).model() is not None
        (small_disk / "ballast").unlink()
        [child] = faulty({"words": words}).children
        assert child.code == 0 and outcome(run) == expected, child.said
        shutil.rmtree(run)
        call += every
    assert call > 20 and outcome(run) == expected  # what comes last needs no room: names, and lines in a block begun


LOGGING = """
import resource
from pathlib import Path
from tinygpt.logs import Log, Row

resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    with Log(Path({folder!r})) as log:
        for step in range(1000):
            log.write(Row(step, 1.0, 1, *[1.0] * 5))
except OSError as error:
    print(error)
"""


def test_a_log_that_finds_no_room_is_one_error_without_a_traceback_of_tensorboard_s(faulty, tmp_path):
    (tmp_path / "logs").mkdir()
    [child] = faulty({"source": LOGGING.format(folder=str(tmp_path))}).children
    assert child.code == 0 and child.said.startswith("[Errno 27] File too large: ") and child.said.count("\n") == 1
    assert len(read_log(tmp_path)) >= 10


# A folder that can't be written to


COMMANDS = {
    "train": ["train", "--corpus", "{corpus}", "--steps", "2", *SMALL, "--out", "{disk}/new"],
    "run": ["run", "--corpus", "{corpus}", "--steps", "2", *SMALL, "--out", "{disk}/deep/new"],
    "train --force": ["train", "--corpus", "{corpus}", "--steps", "2", *SMALL, "--force", "--out", "{disk}/run"],
    "train --resume": ["train", "--resume", "--out", "{disk}/run"],
    "tokenizer": ["tokenizer", "--corpus", "{corpus}", "--out", "{disk}/tokenizer"],
    "corpus": ["corpus", "--corpus", "{corpus}", "--to", "{disk}/corpus.txt"],
    "export huggingface": ["export", "--run", "{disk}/run", "--format", "huggingface", "--to", "{disk}/export"],
    "export gguf": ["export", "--run", "{disk}/run", "--format", "gguf", "--to", "{disk}/export.gguf"],
    "export page": ["export", "--run", "{disk}/run", "--format", "page", "--to", "{disk}/export.html"],
    "lab": ["lab", "--no-browser"],
}


@pytest.fixture(params=["stub", "mount"])
def read_only(request, make_run, tmp_path, interrupt_after):
    """A disk with a run on it to which nothing can be written any more, and the fault that makes it so."""
    disk = request.getfixturevalue("small_disk") if request.param == "mount" else tmp_path / "disk"
    run = make_run(disk / "run", **settings(6, 3))
    interrupt_after(2)
    train(run)
    if request.param == "mount":
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        return disk, {}
    return disk, {"folder": str(disk), "read_only": True}


def test_a_read_only_folder_is_said_at_once_by_every_command(read_only, faulty, corpus_file, snapshot):
    disk, fault = read_only
    before = snapshot(disk)
    for name, words in COMMANDS.items():
        words = [word.format(disk=disk, corpus=corpus_file) for word in words]
        [child] = faulty({"words": words, "environment": {"TINYGPT_HOME": str(disk / "home")}, **fault}).children
        *others, line = child.said.splitlines()
        assert child.code == 2 and not re.search("Traceback|tinygpt: |step ", "".join(others)), (name, child.said)
        assert line.startswith("tinygpt: ") and str(disk) in line and "Read-only file system" in line, (name, line)
        assert snapshot(disk) == before
    for words in (["generate", "--tokens", "3"], ["evaluate"]):
        [child] = faulty({"words": [*words, "--run", str(disk / "run")], **fault}).children
        assert child.code == 0, child.said


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a file system that nobody may write to")
@pytest.mark.parametrize("folder", ["/sys/run", "/proc/nowhere/run"])
def test_folders_that_are_not_for_files(folder, faulty, corpus_file):
    for words in COMMANDS["train"], COMMANDS["tokenizer"], COMMANDS["corpus"]:
        words = [word.format(disk=folder, corpus=corpus_file) for word in words]
        [child] = faulty({"words": words}).children
        assert child.code == 2 and child.said.splitlines()[-1].startswith(f"tinygpt: {folder[:5]}"), child.said
