"""The form of every lesson, and a class that hands one in."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tinygpt.course.exercises import exercises, lessons
from tinygpt.course.notebooks import STUB, student_version

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "solutions").glob("*.ipynb"))
STUDENTS = sorted((ROOT / "notebooks").glob("*.ipynb"))
by_lesson = pytest.mark.parametrize("path", SOURCES + STUDENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_there_is_a_student_s_notebook_for_every_source():
    assert [path.name for path in SOURCES] == [path.name for path in STUDENTS]
    assert [path.name[:2] for path in SOURCES] == lessons()


@by_lesson
def test_code_cells_are_short_and_fit_the_page(path):
    for cell in cells(path, "code"):
        lines = cell.source.splitlines()
        assert 1 <= len(lines) <= 25, cell.source
        assert [line for line in lines if len(line) > 88] == []


@by_lesson
def test_a_lesson_opens_and_closes_as_all_do(path):
    first, *_, questions, last = [cell.source for cell in cells(path, "markdown")]
    last = f"{questions}\n\n{last}"  # "Next" is a cell of its own
    assert first.startswith(f"# {path.name[:2]} · ") and "**You will be able to**" in first and "**You need**" in first
    assert re.search(r"\d+ minutes to read.*\d+ seconds to run", first)
    assert "### Check yourself" in last and "<details>" in last and "**Next:**" in last and "**Sources:**" in last
    assert any(cell.source.startswith("## What we have seen") for cell in cells(path, "markdown"))
    for after in SOURCES[int(path.name[:2]) + 1 :][:1]:
        assert re.search(rf"\*\*Next:\*\* \[{after.name[:2]} · [a-z ]+\]\({after.name}\)", last)


README, GUIDE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "solutions/README.md"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_readme_guide_and_lesson_count_the_same_exercises_minutes_and_points(path):
    notebook = nbformat.read(path, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    asked = re.findall(r'@exercise\("(\w+)", stars=(\d), minutes=(\d+)\)', code)
    graded = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    points = {cell["grade_id"].removeprefix("check_"): cell["points"] for cell in graded if cell.get("grade")}
    read, run, total = (
        re.search(pattern, notebook.cells[0].source)[1]
        for pattern in (r"(\d+) minutes to read", r"(\d+) seconds to run", r"(\d+) to solve")
    )
    minutes = sum(int(each) for *_, each in asked)
    [row] = re.findall(
        rf"^\| {path.name[:2]} \|.*\| (\d+) min \| (\d+), (\d+) min \| (\d+) s \|$", README, re.MULTILINE
    )
    assert row == (read, str(len(asked)), str(minutes), run), "the README's row; what the lesson says and holds"
    assert abs(int(total) - minutes) <= 5  # a lesson rounds
    section = GUIDE.split(f"\n## {path.name[:2]} ")[1].split("\n## ")[0]
    told = re.findall(r"^\| `(\w+)` \| (★+) \| (\d+) \| (\d+) \|$", section, re.MULTILINE)
    assert told == [(name, "★" * int(stars), each, str(points[name])) for name, stars, each in asked]
    sessions = re.findall(r"^\| (\d+) \|", section, re.MULTILINE)
    n_sessions, length = re.search(r"^[^:]*: (a|two) sessions? of (\d+) minutes", section).groups()
    assert sum(map(int, sessions)) == int(length) * (2 if n_sessions == "two" else 1)


def test_readme_counts_all_exercises():
    assert f"{sum(len(exercises(lesson)) for lesson in lessons())} exercises;" in README


@by_lesson
def test_headings_have_two_levels_below_the_title(path):
    headings = [line for c in cells(path, "markdown") for line in c.source.splitlines() if line.startswith("#")]
    assert headings[0].startswith("# ") and all(re.match(r"###? \S", heading) for heading in headings[1:])


@by_lesson
def test_no_widget_state_and_stable_ids(path):
    notebook = nbformat.read(path, as_version=4)
    assert "widgets" not in notebook.metadata
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert [id for id in ids if not re.fullmatch(rf"l{path.name[:2]}-\d+", id)] == []


@by_lesson
def test_every_exercise_is_asked_and_graded_once(path):
    code = "\n".join(cell.source for cell in cells(path, "code"))
    for exercise in exercises(path.name[:2]):
        assert len(re.findall(rf'@exercise\("{exercise.name}", stars=[123], minutes=\d+\)', code)) == 1
        assert code.count(f'check("{exercise.name}")') == 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_outputs_are_whole_and_pictures_can_be_heard(path):
    for cell in cells(path, "code"):
        assert cell.execution_count
        for output in cell.outputs:
            assert output.output_type != "error" and output.get("name") != "stderr", output
            text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
            assert not re.search(r"(/tmp|/home|/root|/Users|/work)/|[A-Z]:\\", text), text  # of one machine
            html = output.get("data", {}).get("text/html", "")
            assert all(re.search(r'alt="[^"]{20,}"', image) for image in re.findall(r"<img[^>]*>", html))
            assert "image/png" not in output.get("data", {})


@pytest.mark.parametrize("path", STUDENTS, ids=lambda path: path.stem)
def test_students_get_neither_answers_nor_outputs(path):
    text = path.read_text(encoding="utf-8")
    assert "SOLUTION" not in text and all(not c.outputs and not c.execution_count for c in cells(path, "code"))
    assert sum(STUB in cell.source for cell in cells(path, "code")) == len(exercises(path.name[:2]))


# A class of three


HALF = {"leaky_split": 'return "A"', "bits_per_byte": "return 0.0"}  # two of three wrong


def submission(kind, release, source):
    """A student's notebook, filled in: all answers right, most of them wrong, or none."""
    answers = {c.metadata.nbgrader.grade_id: c.source for c in cells(source, "code") if is_answer(c)}
    notebook = nbformat.read(release, as_version=4)
    for cell in notebook.cells:
        if is_answer(cell):
            name = cell.metadata.nbgrader.grade_id
            if kind == "half" and name in HALF:
                cell.source = cell.source.replace(STUB, HALF[name])
            elif kind != "empty":
                cell.source = answers[name]
    return notebook


def is_answer(cell):
    return cell.metadata.get("nbgrader", {}).get("solution", False)


def test_a_class_is_graded(tmp_path):
    from nbgrader.api import Gradebook

    source = SOURCES[0]
    (tmp_path / "source/00").mkdir(parents=True)
    shutil.copyfile(source, tmp_path / "source/00" / source.name)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic by name
    environment = {**os.environ, "PATH": path, "TINYGPT_HOME": str(tmp_path / "home")}

    def nbgrader(*arguments):
        command = [sys.executable, "-m", "nbgrader", *arguments, f"--CourseDirectory.root={tmp_path}"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    nbgrader("generate_assignment", "00")
    for student in ("right", "half", "empty"):
        folder = tmp_path / "submitted" / student / "00"
        folder.mkdir(parents=True)
        release = (
            tmp_path / "release/00" / source.name if student == "half" else STUDENTS[0]
        )  # either may be handed out
        nbformat.write(submission(student, release, source), folder / source.name)
    nbgrader("autograde", "00", "--ExecutePreprocessor.timeout=600")
    nbgrader("generate_feedback", "00")
    nbgrader("export")
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        scores = {s.student.id: (s.score, s.max_score) for s in book.assignment_submissions("00")}
    assert scores == {"right": (6, 6), "half": (2, 6), "empty": (0, 6)}
    with open(tmp_path / "grades.csv", encoding="utf-8", newline="") as file:
        assert {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)} == {
            student: score for student, (score, _) in scores.items()
        }
    for student in scores:
        assert (tmp_path / "feedback" / student / "00" / source.name).with_suffix(".html").is_file()


def test_a_student_s_guesses_are_the_student_s():
    source = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("predicted = 8.0  # your guess\nn = 2  # two")])
    assert student_version(source, "00_x.ipynb").cells[0].source == "predicted = None  # your guess\nn = 2  # two"
