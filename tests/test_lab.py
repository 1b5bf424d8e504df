"""`tinygpt lab`: the learner's copies through updates, new starts and moves; what JupyterLab is told."""

import json
import re
import shutil
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes

from tinygpt.config import InputError
from tinygpt.course import exercise
from tinygpt.course.lab import copy_lessons, lab, lab_options, state

FIRST, SECOND = "00_start_here.ipynb", "01_tokenizer.ipynb"
STUB = 'raise NotImplementedError("your turn")'


def lesson(text, answer=STUB, outputs=()):
    """A lesson of a heading and an exercise, in the form that the course and JupyterLab write."""
    cells = [new_markdown_cell(text, id="a"), new_code_cell(answer, id="b", outputs=list(outputs))]
    return writes(new_notebook(cells=cells))


@pytest.fixture
def course(tmp_path):
    """The course's folder in its first edition."""
    source = tmp_path / "notebooks"
    source.mkdir()
    for name in (FIRST, SECOND):
        (source / name).write_text(lesson(f"# {name}"), encoding="utf-8")
    return source


@pytest.fixture
def work(course, tmp_path):
    """A learner's copies of it."""
    assert len(list(copy_lessons(course, tmp_path / "work"))) == 2
    return tmp_path / "work"


def change(path, answer=None, outputs=()):
    """What JupyterLab saves when a learner has run a copy, and written an answer into it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if answer:
        notebook["cells"][1]["source"] = answer.splitlines(keepends=True)
    notebook["cells"][1]["outputs"] = list(outputs)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path.read_bytes()


def update(course, name=FIRST):
    (course / name).write_text(lesson("# Second edition"), encoding="utf-8")


def kept(work):
    return list(work.glob("*.kept-*.ipynb"))


def test_a_lesson_that_did_not_fit_on_the_disk_is_copied_the_next_time(course, tmp_path, monkeypatch):
    def full(file):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="00_start_here"):
        patch.setattr("os.fsync", full)
        list(copy_lessons(course, tmp_path / "work"))
    assert len(list(copy_lessons(course, tmp_path / "work"))) == 2


RAN = new_output("stream", text="❌ wrong")


def test_copies_are_the_lessons_and_are_made_once(course, work):
    for name in (FIRST, SECOND):
        ours, copy = (json.loads((folder / name).read_text(encoding="utf-8")) for folder in (course, work))
        assert copy["cells"] == ours["cells"] and state(work / name)[:2] == 2 * state(course / name)[:1]
    before = (work / FIRST).read_bytes()
    assert list(copy_lessons(course, work)) == [] and (work / FIRST).read_bytes() == before
    (course / "02_attention.ipynb").write_text(lesson("# new"), encoding="utf-8")
    assert [line.split(" → ")[0] for line in copy_lessons(course, work)] == ["02_attention.ipynb"]


def test_a_copy_with_answers_stays_and_the_new_edition_is_told_of_until_it_is_started(course, work):
    answered = change(work / FIRST, "def f():\n    return 42", [RAN])
    assert list(copy_lessons(course, work)) == []  # nothing new
    update(course)
    for _ in range(2):
        (line,) = copy_lessons(course, work)
        assert line.startswith(f"{FIRST}: there is a new edition; your copy stays") and "tinygpt lab --fresh 00" in line
        assert (work / FIRST).read_bytes() == answered and not kept(work)
    (line,) = copy_lessons(course, work, fresh=("00",))
    (old,) = kept(work)
    assert old.read_bytes() == answered and str(old) in line
    assert state(work / FIRST)[0] == state(course / FIRST)[0]
    assert list(copy_lessons(course, work)) == []


def test_a_copy_nobody_touched_becomes_the_new_edition(course, work):
    update(course)
    (line,) = copy_lessons(course, work)
    assert line == f"{FIRST}: its new edition has replaced the old" and not kept(work)
    assert state(work / FIRST)[:2] == 2 * state(course / FIRST)[:1]
    update(course, SECOND)  # and the next one
    assert len(list(copy_lessons(course, work))) == 1 and list(copy_lessons(course, work)) == []


def test_a_copy_that_was_only_run_becomes_the_new_edition_and_is_kept_beside_it(course, work):
    ran = change(work / FIRST, outputs=[RAN])
    assert list(copy_lessons(course, work)) == [] and (work / FIRST).read_bytes() == ran
    update(course)
    (line,) = copy_lessons(course, work)
    (old,) = kept(work)
    assert old.read_bytes() == ran and str(old) in line and state(work / FIRST)[0] == state(course / FIRST)[0]


def test_an_update_that_was_taken_back_leaves_everything_alone(course, work):
    first = (course / FIRST).read_bytes()
    answered = change(work / FIRST, "x = 1")
    update(course)
    list(copy_lessons(course, work))
    (course / FIRST).write_bytes(first)
    assert list(copy_lessons(course, work)) == [] and (work / FIRST).read_bytes() == answered


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": [{}]}', '{"cells": [], "metadata": []}', "my notes"])
def test_a_file_that_is_no_copy_of_ours_is_left_alone(course, work, content):
    (work / FIRST).write_text(content)
    update(course)
    assert list(copy_lessons(course, work)) == [] and (work / FIRST).read_text() == content
    list(copy_lessons(course, work, fresh=("00",)))
    assert kept(work)[0].read_text() == content and state(work / FIRST)[0] == state(course / FIRST)[0]


def test_a_notebook_from_elsewhere_is_left_alone(course, work):
    (work / FIRST).write_text(lesson("# from Colab", "my answer"))
    update(course)
    assert list(copy_lessons(course, work)) == [] and "my answer" in (work / FIRST).read_text()


@settings(max_examples=50)
@given(steps=st.lists(st.sampled_from(["answer", "run", "update", "lab", "fresh"]), max_size=12))
def test_no_answer_is_ever_lost(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("home")
    course, work = folder / "notebooks", folder / "work"
    course.mkdir()
    (course / FIRST).write_text(lesson("# edition 0"), encoding="utf-8")
    list(copy_lessons(course, work))
    answers = set()
    for n, step in enumerate(steps):
        if step == "answer":
            answers.add(f"answer_{n}")
            change(work / FIRST, "\n".join(sorted(answers)))
        elif step == "run":
            change(work / FIRST, outputs=[RAN])
        elif step == "update":
            (course / FIRST).write_text(lesson(f"# edition {n}"), encoding="utf-8")
        else:
            list(copy_lessons(course, work, fresh=("00",) if step == "fresh" else ()))
        everything = "".join(path.read_text(encoding="utf-8") for path in work.iterdir())
        assert set(re.findall(r"answer_\d+", everything)) == answers
    shutil.rmtree(folder)


def test_a_fresh_copy_keeps_the_old_one_beside_it(course, work):
    for n in range(3):  # within a minute too
        change(work / FIRST, f"answers {n}")
        list(copy_lessons(course, work, fresh=("00",)))
        assert state(work / FIRST)[0] == state(course / FIRST)[0]
    assert {json.loads(path.read_text())["cells"][1]["source"][0] for path in kept(work)} == {
        f"answers {n}" for n in range(3)
    }
    with pytest.raises(InputError, match="no lesson '7' to start again; there are 00, 01"):
        list(copy_lessons(course, work, fresh=("7",)))


@pytest.fixture
def at(monkeypatch):
    """at(home): a new session of Python there."""

    def at(home):
        monkeypatch.setenv("TINYGPT_HOME", str(home))
        monkeypatch.setattr(sys.modules["tinygpt.course.exercise"], "verdicts", {})
        return home

    return at


def test_work_and_progress_move_to_another_machine(course, work, tmp_path, at):
    """Copying work/ and runs/progress.json is all it takes."""
    answered = change(work / FIRST, "def bigram_probs(counts): ...")
    old = at(tmp_path / "old")
    exercise("bigram_probs", stars=1, minutes=6)(lambda counts: (counts + 1.0) / (counts + 1.0).sum(1)[:, None])
    new = at(tmp_path / "new")
    shutil.copytree(work, new / "work")
    (new / "runs").mkdir()
    shutil.copy(old / "runs/progress.json", new / "runs")

    assert list(copy_lessons(course, new / "work")) == [] and (new / "work" / FIRST).read_bytes() == answered
    exercise("bits_per_byte", stars=2, minutes=10)(lambda nats, n_bytes: None)
    progress = json.loads((new / "runs/progress.json").read_text())
    assert {name: kept["status"] for name, kept in progress.items()} == {
        "bigram_probs": "passed",
        "bits_per_byte": "wrong",
    }
    update(course)
    assert "tinygpt lab --fresh 00" in next(copy_lessons(course, new / "work"))


# JupyterLab


def test_jupyter_opens_at_the_first_lesson_and_takes_further_options(course, monkeypatch):
    command = lab_options(course, ["--port", "9999"])
    assert command[-2:] == ["--port", "9999"]
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in command
    for uid, as_root in ((0, True), (1000, False)):
        monkeypatch.setattr("os.geteuid", lambda uid=uid: uid, raising=False)
        assert ("--allow-root" in lab_options(course, [])) == as_root


def test_without_jupyterlab_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    with pytest.raises(InputError, match="JupyterLab is not installed: python -m pip install"):
        lab()
