"""A class that works at the same time, in one home: one trains, nobody's entry is lost, and no fault stops the rest."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from tinygpt.atomic import UNFINISHED

HOW_MANY = 30
SCORES = 5  # of each learner
LEARNER = """
from tinygpt.corpora import open_corpus
from tinygpt.course import check, exercise, lesson_model, load_or_train, progress, score, speedrun, speedrun_board
from tinygpt.course.exercises import exercises, lessons
from tinygpt.storage import file_digest

number = {number}
mine = [each for lesson in lessons()[:4] for each in exercises(lesson)][number % 12]
exercise(mine.name, stars=1, minutes=1)(mine.reference)
check(mine.name)
progress()
for n in range({scores}):
    score(f"learner {{number}}, {{n}}", 1 + n, "00")
lesson_model.open_corpus = lambda spec: open_corpus({corpus!r})
run = load_or_train(steps=4, evaluations=2, batch_size=4, bigram_steps=0, show_progress=False)
run.model()
print("weights", file_digest(run.folder / "model.safetensors"))
entry = dict(corpus="hpo", budget="minute", seconds=1.0, cores=1, machine="ours", seeds=(0, 1), steps=1, recipe={{}})
if {enters}:
    speedrun.enter(speedrun_board.Entry(name=f"learner {{number}}", bits_per_byte=(2.0, 2.0), **entry))
"""


@pytest.fixture
def class_of(faulty, tmp_path, corpus_file):
    """class_of(n, **fault): the n learners that work in tmp_path/"home" at once, and what they leave there."""

    def class_of(n, enters=True, **fault):
        environment = {"TINYGPT_HOME": str(tmp_path / "home")}
        sources = [
            LEARNER.format(number=number, scores=SCORES, corpus=str(corpus_file), enters=enters) for number in range(n)
        ]
        answer = faulty(*({"source": source, "environment": environment, **fault} for source in sources))
        return answer.children

    return class_of


def records(home):
    """The scoreboard's names, the exercises in the record of progress, the names on the speedrun's board."""
    scores, progress = (json.loads((home / "runs" / name).read_text()) for name in ("scoreboard.json", "progress.json"))
    entries = [json.loads(line)["name"] for line in (home / "runs/speedrun.jsonl").read_text().splitlines()]
    assert {entry["status"] for entry in progress.values()} == {"passed"}
    return set(scores), set(progress), entries


def assert_nothing_is_left(home):
    assert not [path for path in home.rglob(".*") if path.is_dir() or path.name.endswith(UNFINISHED)]


def weights(learners):
    return {line for learner in learners for line in learner.said.splitlines() if line.startswith("weights ")}


def test_thirty_at_once_train_once_and_lose_nothing(class_of, tmp_path):
    learners = class_of(HOW_MANY)
    assert {learner.code for learner in learners} == {0}, learners[0].said
    assert sum("This happens once." in learner.said for learner in learners) == 1
    assert len(weights(learners)) == 1
    scores, solved, entries = records(tmp_path / "home")
    assert scores == {f"learner {number}, {n}" for number in range(HOW_MANY) for n in range(SCORES)}
    assert len(solved) == 12 and sorted(entries) == sorted(f"learner {number}" for number in range(HOW_MANY))
    assert_nothing_is_left(tmp_path / "home")


@pytest.mark.parametrize(("where", "call"), [("lessons", 12), ("lessons", 32), (".scoreboard.json.", 15)])
def test_the_rest_go_on_when_one_is_killed(class_of, tmp_path, where, call):
    """While the model is prepared, while it is trained, and while the scoreboard is written."""
    learners = class_of(6, folder=str(tmp_path / "home/runs" / where), kill_at=call)
    assert sorted(learner.code for learner in learners) == [-9, 0, 0, 0, 0, 0], [learner.said for learner in learners]
    assert sum("This happens once." in learner.said for learner in learners) <= 2
    assert len(weights(learners)) == 1
    scores, _, _ = records(tmp_path / "home")
    alive = [number for number, learner in enumerate(learners) if learner.code == 0]
    assert scores >= {f"learner {number}, {n}" for number in alive for n in range(SCORES)}
    assert_nothing_is_left(tmp_path / "home")


# A home in which nothing can be kept

NOTICE = "⚠ Nothing can be kept in {}: {}. The lesson goes on"
FAULTS = {
    "read-only": ({"read_only": True}, "Read-only file system"),
    "full": ({"full_at": 1}, "No space left on device"),
    "full while training": ({"full_at": 90}, "No space left on device"),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_lesson_goes_on_where_nothing_can_be_kept(class_of, tmp_path, fault, reason):
    home = tmp_path / "home"
    home.mkdir()
    [learner] = class_of(1, folder=str(home), **fault)
    assert learner.code == 0, learner.said
    assert learner.said.count(NOTICE.format(home / "runs", reason)) == learner.said.count("⚠") == 1
    assert len(weights([learner])) == 1 and "✅" in learner.said and "1 of 1 exercises solved" in learner.said
    assert_nothing_is_left(home)


def test_a_model_is_found_in_a_home_that_can_only_be_read(class_of, tmp_path, snapshot):
    [teacher] = class_of(1)
    before = snapshot(tmp_path / "home")
    learners = class_of(2, folder=str(tmp_path / "home"), read_only=True)
    assert {learner.code for learner in learners} == {0} and weights(learners) == weights([teacher])
    assert not any("This happens once." in learner.said for learner in learners)
    assert snapshot(tmp_path / "home") == before


def test_without_any_room_the_exercises_go_on_and_the_model_is_one_clear_line(class_of):
    [learner] = class_of(1, folder="/", full_at=1)
    assert learner.said.count("⚠") == 1 and "1 of 1 exercises solved" in learner.said
    *_, line = learner.said.splitlines()
    assert line.startswith(
        "tinygpt.config.InputError: the lesson's model can't be kept anywhere: No space left on device"
    )
    assert line.endswith("make room, or set TINYGPT_HOME to a folder with room")


# Real notebooks


@pytest.mark.slow
def test_thirty_notebooks_at_once(tmp_path, monkeypatch):
    import nbclient
    import nbformat
    import psutil

    monkeypatch.setenv("TINYGPT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TINYGPT_QUICK", "1")
    lesson = nbformat.read(Path(__file__).parents[1] / "notebooks/00_start_here.ipynb", as_version=4)
    ask = "from tinygpt.course import load_or_train, score\nscore('learner {}', 5, '00'), load_or_train().model()"
    learners, most = [], 0
    for number in range(HOW_MANY):
        cell = nbformat.v4.new_code_cell(ask.format(number))
        notebook = nbformat.v4.new_notebook(cells=[*lesson.copy().cells, cell], metadata=lesson.metadata)
        learners.append(nbclient.NotebookClient(notebook, timeout=1500, kernel_name="python3", startup_timeout=600))

    async def work():
        nonlocal most
        everybody = asyncio.gather(*(learner.async_execute() for learner in learners))
        while not everybody.done():
            kernels = psutil.Process().children(recursive=True)
            most = max(most, sum(memory_of(kernel) for kernel in kernels))
            await asyncio.sleep(2)
        return await everybody

    def memory_of(process):
        try:
            return process.memory_full_info().pss  # what several share is counted once
        except psutil.Error:
            return 0

    began = time.monotonic()
    notebooks = asyncio.run(work())
    print(f"{HOW_MANY} notebooks in {time.monotonic() - began:.0f} s, {most / 1e9:.1f} GB in all")
    said = ["".join(o.get("text", "") for c in n.cells for o in c.get("outputs", [])) for n in notebooks]
    assert sum("This happens once." in text for text in said) == 1
    scores = json.loads((tmp_path / "home/runs/scoreboard.json").read_text())
    assert set(scores) > {f"learner {number}" for number in range(HOW_MANY)}
    assert_nothing_is_left(tmp_path / "home")
