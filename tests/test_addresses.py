"""One address for all: what `release` stamps into lessons, their first cells and the README, from pyproject.toml."""

import re

import nbformat
import pytest

from tinygpt.course import notebooks
from tinygpt.course.home import checkout
from tinygpt.course.notebooks import address, badges, lesson_paths, stamped_readme, student_version
from tinygpt.course.reading_edition import without_badges

ELSEWHERE = "https://github.com/someone/tinygpt"
README = (checkout() / "README.md").read_text(encoding="utf-8")
ADDRESS = re.compile(
    r"https://(?:github\.com|colab\.research\.google\.com/github|mybinder\.org/v2/gh)/([\w.-]+/[\w.-]+)"
)


def student(path):
    return student_version(nbformat.read(path, as_version=4), path.name)


def named(text):
    """Every repository that a text's links and its install line lead to."""
    return {found.removesuffix(".git") for found in ADDRESS.findall(text)}


def opening(lesson):
    """A lesson's first two cells: title with badges, and what fetches the package."""
    return "\n".join(cell.source for cell in lesson.cells[:2])


def test_what_is_committed_is_what_the_address_gives():
    ours = {address().removeprefix("https://github.com/")} if address() else set()
    assert stamped_readme(README) == README
    for path in lesson_paths():
        released = nbformat.read(checkout() / "notebooks" / path.name, as_version=4)
        assert opening(released) == opening(student(path)) and named(opening(released)) == ours


@pytest.mark.parametrize("path", lesson_paths(), ids=lambda path: path.stem)
def test_an_address_reaches_every_lesson(path, monkeypatch):
    monkeypatch.setattr(notebooks, "address", lambda: ELSEWHERE)
    told = opening(student(path))
    assert named(told) == {"someone/tinygpt"} and told.count(f"notebooks/{path.name})") == 2
    assert f'"git+{ELSEWHERE}"' in told and "REPOSITORY" not in told and "<!--" not in told
    assert "http" not in without_badges(student(path), path.name).cells[0].source.replace("https://hpo", "")


def test_an_address_reaches_the_readme_and_can_change(monkeypatch):
    for owner in ("someone", "else"):
        monkeypatch.setattr(notebooks, "address", lambda owner=owner: f"https://github.com/{owner}/tinygpt")
        text = stamped_readme(README)
        assert f"git clone https://github.com/{owner}/tinygpt tinygpt && cd tinygpt" in text
        assert text.count("colab-badge.svg") == 1 and badges("00_start_here.ipynb") in text
        assert stamped_readme(stamped_readme(text)) == text
    monkeypatch.setattr(notebooks, "address", lambda: "")
    assert stamped_readme(text) == re.sub(
        r"git clone \S+", "git clone ADDRESS-OF-THIS-REPOSITORY", stamped_readme(README)
    )
    monkeypatch.setattr(notebooks, "address", lambda: "https://example.org/tinygpt.git")  # to clone, with no badges
    assert "git clone https://example.org/tinygpt.git tinygpt" in stamped_readme(text) and badges("x") == ""
