"""The small parts of the course: home, scoreboard, glossary, environment check, the learner's copies, the model."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

import tinygpt
from tinygpt.config import InputError
from tinygpt.course import check_environment, environment, glossary, lesson_model, load_or_train, score, scoreboard
from tinygpt.course.exercises import lessons
from tinygpt.course.glossary import TERMS, found
from tinygpt.course.home import checkout, described, home, typed
from tinygpt.course.scoreboard import read
from tinygpt.training import is_done


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGPT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


# Home


def test_home_is_the_folder_named_else_the_checkout_else_the_cache(monkeypatch, tmp_path, own_home):
    assert home() == own_home and described() == "the folder TINYGPT_HOME"
    monkeypatch.delenv("TINYGPT_HOME")
    monkeypatch.chdir(tmp_path)  # wherever Jupyter was started
    monkeypatch.setattr(tinygpt, "__file__", str(tmp_path / "clone/tinygpt/__init__.py"))
    monkeypatch.setenv("TINYGPT_CACHE", str(tmp_path / "cache"))
    assert checkout() is None and home() == tmp_path / "cache" and described() == "your cache folder"
    (tmp_path / "clone/solutions").mkdir(parents=True)
    assert checkout() is None  # somebody else's folder
    (tmp_path / "clone/pyproject.toml").write_text("")
    assert home() == checkout() == tmp_path / "clone" and described() == "the course's folder"


def test_a_path_is_typed_from_the_course_s_folder_where_it_lies_there(monkeypatch, tmp_path):
    monkeypatch.setattr(tinygpt, "__file__", str(tmp_path / "clone/tinygpt/__init__.py"))
    outside = tmp_path / "elsewhere/my run"
    assert typed(outside) == f'"{outside}"' and typed(tmp_path) == str(tmp_path)
    (tmp_path / "clone/solutions").mkdir(parents=True)
    (tmp_path / "clone/pyproject.toml").write_text("")
    assert typed(tmp_path / "clone/runs/one") == str(Path("runs/one"))
    assert typed(tmp_path / "clone/runs/my run") == f'"{Path("runs/my run")}"' and typed(outside) == f'"{outside}"'


# Scoreboard


def test_scores_are_kept_and_replaced_by_name(own_home):
    score("bigram", 3.6, "00")
    score("bigram", 3.58, "00")
    score("gpt", 1.3, "04")
    assert read() == {"bigram": {"bits_per_byte": 3.58, "lesson": "00"}, "gpt": {"bits_per_byte": 1.3, "lesson": "04"}}


def test_the_board_is_drawn_from_the_worst_to_the_best():
    score("gzip", 2.66, "00")
    picture = scoreboard(("uniform", 8.04), ("gpt", 1.3), lesson="04")
    assert picture.alt == "The scoreboard, from the worst: uniform 8.04, gzip 2.66, gpt 1.30."
    assert set(read()) == {"gzip", "uniform", "gpt"}


def test_a_lesson_shows_what_was_known_by_then():
    score("gpt", 1.3, "04")
    assert scoreboard(("bigram", 3.58), lesson="00").alt == "The scoreboard, from the worst: bigram 3.58."
    assert "gpt 1.30" in scoreboard().alt


@pytest.mark.parametrize("value", [3.5, torch.tensor(3.5), np.float32(3.5)])
def test_a_number_of_torch_or_numpy_is_a_score_too(value):
    assert score("x", value, "00")["x"]["bits_per_byte"] == 3.5
    assert scoreboard(("y", value), lesson="00").alt.endswith("x 3.50, y 3.50.")


@pytest.mark.parametrize("value", [0, -1, 100, "1.3", None])
def test_what_is_no_score_is_refused(value):
    with pytest.raises(InputError, match="must be a number between 0 and 100"):
        score("x", value, "00")


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "{"])
def test_a_damaged_board_starts_anew(own_home, content):
    (own_home / "runs").mkdir(parents=True)
    (own_home / "runs/scoreboard.json").write_text(content)
    assert score("a", 2.0, "00") == {"a": {"bits_per_byte": 2.0, "lesson": "00"}}


def test_an_empty_board_says_so():
    with pytest.raises(InputError, match="the scoreboard is empty"):
        scoreboard()


# Glossary


def test_terms_are_found_as_people_type_them(capsys):
    for term in ("bigram", "Bigrams", "  Bits   per byte ", "bits-per-byte"):
        glossary(term)
    assert capsys.readouterr().out.count("(lesson 00): ") == 4
    glossary("nucleus")
    assert capsys.readouterr().out.startswith("top-p, also nucleus, nucleus sampling (lesson 05): ")
    glossary()
    assert len(capsys.readouterr().out.splitlines()) == len(TERMS)


def test_every_term_is_found_by_its_name():
    assert [found(name) for name in TERMS] == list(TERMS)
    assert all(found(other) == name for name, entry in TERMS.items() for other in entry.get("also", ()))
    assert found("utf-8") == "UTF-8"


def test_an_unknown_term_suggests_near_ones():
    with pytest.raises(InputError, match=r"'bigrm' is not in the glossary; did you mean bigram or n-gram\?"):
        glossary("bigrm")
    with pytest.raises(InputError, match=r"glossary\(\) lists all terms"):
        glossary("zzzz")


def test_every_term_has_one_sentence():
    for term, entry in TERMS.items():
        assert entry["lesson"] in lessons() and term == term.strip()
        assert re.fullmatch(r"[^.]+(?:\.[^ ][^.]*)*\.", entry["means"]) and len(entry["means"]) < 160


# The environment check


def test_it_names_what_is_missing_and_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(environment, "PYTHONS", ((3, 0), (3, 1)))
    monkeypatch.setattr(environment, "NEEDED", ("torch", "no-such-package"))
    monkeypatch.setattr(environment, "DISK_GB", 1e9)
    check_environment()
    out = capsys.readouterr().out
    assert "is untested" in out and "no-such-package missing: python -m pip install" in out and "is free where" in out
    assert "torch," not in out and "Everything is there" not in out


def test_it_says_when_all_is_well(monkeypatch, capsys):
    monkeypatch.setattr(environment, "DISK_GB", 0)
    monkeypatch.setattr("torch.get_num_threads", lambda: 2)
    check_environment()
    assert "Everything is there." in capsys.readouterr().out


# The lessons' model


@pytest.fixture
def small_course(monkeypatch, corpus_file):
    from tinygpt.corpora import open_corpus

    monkeypatch.setattr(lesson_model, "open_corpus", lambda spec: open_corpus(str(corpus_file)))
    monkeypatch.setenv("TINYGPT_QUICK", "1")
    monkeypatch.setattr(lesson_model, "QUICK_STEPS", 2)


@pytest.mark.usefixtures("small_course")
def test_the_model_is_made_once_and_anew_where_it_is_damaged(capsys):
    run = load_or_train(show_progress=False)
    assert is_done(run) and run.train_config.steps == 2
    assert "This happens once." in capsys.readouterr().out
    made = (run.folder / "model.safetensors").stat().st_mtime_ns
    assert load_or_train(show_progress=False).folder == run.folder and capsys.readouterr().out == ""
    assert (run.folder / "model.safetensors").stat().st_mtime_ns == made
    assert load_or_train(show_progress=False, seed=1).folder != run.folder
    (run.folder / "model.safetensors").write_bytes(b"broken")
    assert is_done(load_or_train(show_progress=False))
    assert load_or_train(show_progress=False).model() is not None


@pytest.mark.usefixtures("small_course")
def test_two_who_ask_at_once_do_not_train_twice(monkeypatch):
    trained = []
    train = lesson_model.train
    monkeypatch.setattr(lesson_model, "train", lambda run, **options: trained.append(1) or train(run, **options))
    threads = [threading.Thread(target=load_or_train, kwargs={"show_progress": False}) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trained) == 1


# Sources and students' notebooks


def test_the_authors_command_names_the_lessons_there_are():
    command = [sys.executable, "-m", "tinygpt.course", "release", "77"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "there is no lesson 77; there are 00_start_here" in result.stderr


def lesson_names():
    return [path.name for path in sorted(Path(checkout() / "solutions").glob("*.ipynb"))]


@pytest.mark.parametrize("name", lesson_names())
def test_students_notebooks_are_what_release_makes_of_the_sources(name, tmp_path):
    from tinygpt.course.notebooks import release

    copy = tmp_path / "solutions" / name
    copy.parent.mkdir()
    copy.write_bytes((checkout() / "solutions" / name).read_bytes())
    assert release(copy).read_bytes() == (checkout() / "notebooks" / name).read_bytes()
    cells = json.loads((checkout() / "notebooks" / name).read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    assert not any("BEGIN SOLUTION" in "".join(cell["source"]) for cell in cells)
