"""From a lesson's source to what a learner gets: one notebook in, one notebook out.

`solutions/NN_name.ipynb` is written by hand. `execute` runs it in strict mode and keeps its outputs; `release` is pure
text: answers and guesses cut, outputs stripped, badges stamped, into `notebooks/`.
"""

import itertools
import os
import re
import tomllib
from contextlib import contextmanager
from pathlib import Path

import nbformat

from tinygpt.atomic import write_atomically
from tinygpt.config import InputError, require
from tinygpt.course.home import checkout
from tinygpt.course.judging import YOUR_TURN
from tinygpt.course.lesson_model import load_or_train

STUB = f'raise NotImplementedError("{YOUR_TURN}")'
GUESS = re.compile(r"^(\w+ = )\S.*?(  +# your guess.*)$", re.MULTILINE)  # the learner writes one
BADGES, BADGES_END = "<!-- badges -->", "<!-- /badges -->"
SOURCE = '"git+REPOSITORY"'  # what a lesson's first cell installs on Colab
ON_COLAB = (
    "On Colab, *File → Save a copy in Drive* keeps your answers; each new runtime trains the course's model again, "
    "where a lesson needs it, in a minute or two."
)
TIMEOUT_S = 600


def lesson_paths(names=()):
    """The sources of the lessons that are named by number or name, or of all: solutions/NN_name.ipynb."""
    root = checkout()
    require(root is not None, "the lessons' sources are in the repository only: run this from a checkout of it")
    paths = sorted((root / "solutions").glob("[0-9][0-9]_*.ipynb"))
    unknown = [name for name in names if not any(matches(path, name) for path in paths)]
    require(not unknown, f"there is no lesson {', '.join(unknown)}; there are {', '.join(path.stem for path in paths)}")
    return [path for path in paths if not names or any(matches(path, name) for name in names)]


def matches(path, name):
    return path.stem == name or path.stem[:2] == name


def execute(path):
    """Run a source from top to bottom in strict mode and keep its outputs in it."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError

    before = path.read_bytes()
    notebook = nbformat.reads(before.decode(), as_version=4)
    if any("load_or_train" in cell.source for cell in notebook.cells):
        load_or_train()  # to be seen, and not within a cell's time
    with environment(TINYGPT_STRICT="1"):
        folder = {"metadata": {"path": str(path.parent)}}
        options = {"timeout": TIMEOUT_S, "record_timing": False, "coalesce_streams": True, "resources": folder}
        client = NotebookClient(notebook, **options)
        try:
            client.execute()
        except CellTimeoutError:
            raise InputError(f"a cell of {path.name} took more than {TIMEOUT_S} s; is the machine busy?") from None
    require(path.read_bytes() == before, f"{path.name} was changed while it ran: run it again")
    number_new_cells(notebook, path.name[:2])
    notebook.metadata.language_info = {"name": "python"}  # no versions: they differ from machine to machine
    write_notebook(path, notebook)


def number_new_cells(notebook, lesson):
    """Cells that an editor added have ids of its making: they get the next numbers, such as l05-83."""
    numbers = [re.fullmatch(rf"l{lesson}-(\d+)", cell.id) for cell in notebook.cells]
    free = itertools.count(1 + max((int(number[1]) for number in numbers if number), default=-1))
    for cell, number in zip(notebook.cells, numbers, strict=True):
        if not number:
            cell.id = f"l{lesson}-{next(free)}"


@contextmanager
def environment(**values):
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def release(path):
    """Write the student's notebook of a source; returns its path."""
    target = path.parents[1] / "notebooks" / path.name
    write_notebook(target, student_version(nbformat.read(path, as_version=4), path.name))
    return target


def student_version(notebook, name):
    """The notebook that a learner gets: the same text without answers and outputs."""
    from nbgrader import preprocessors
    from traitlets.config import Config

    for cell in notebook.cells:
        require(
            "### BEGIN SOLUTION" not in cell.source or cell.metadata.get("nbgrader", {}).get("solution"),
            f"{name}, cell {cell.id}: an answer without nbgrader's metadata; copy that of another exercise's cell",
        )
    config = Config()
    config.ClearSolutions.code_stub = {"python": STUB}
    for step in (
        "LockCells",
        "ClearSolutions",
        "ClearOutput",
        "CheckCellMetadata",
        "ComputeChecksums",
        "ClearHiddenTests",
    ):
        notebook, _ = getattr(preprocessors, step)(config=config).preprocess(notebook, {})
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(BADGES, f"{badges(name)}\n\n{ON_COLAB}" if badges(name) else "")
        else:
            cell.source = GUESS.sub(r"\1None\2", cell.source)
            cell.source = cell.source.replace(SOURCE, f'"git+{address()}"' if address() else SOURCE)
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("widgets", None)
    return notebook


def address():
    """The repository's address, which pyproject.toml alone knows; empty where it has none yet."""
    with open(checkout() / "pyproject.toml", "rb") as file:
        return (
            tomllib.load(file)["project"].get("urls", {}).get("Repository", "").removesuffix("/").removesuffix(".git")
        )


def badges(name):
    """Links that open a student's notebook on Colab and Binder; nothing where the repository isn't on GitHub yet."""
    if not address().startswith("https://github.com/"):
        return ""
    repository = address().removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{repository}/blob/main/notebooks/{name}"
    binder = f"https://mybinder.org/v2/gh/{repository}/main?labpath=notebooks/{name}"
    return (
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}) "
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder})"
    )


def stamped_readme(text):
    """The README's text with the badges of the first lesson and the address to clone."""
    between = f"{BADGES}{badges('00_start_here.ipynb')}{BADGES_END}"
    text = re.sub(f"{BADGES}.*{BADGES_END}", lambda _: between, text)
    return re.sub(r"(?<=git clone )\S+", lambda _: address() or "ADDRESS-OF-THIS-REPOSITORY", text)


def stamp_readme():
    """Write the README anew with the repository's address; returns its path."""
    path = checkout() / "README.md"
    write_atomically(path, stamped_readme(path.read_text(encoding="utf-8")).encode())
    return path


def write_notebook(path, notebook):
    nbformat.validate(notebook)
    write_atomically(Path(path), nbformat.writes(notebook).rstrip("\n").encode() + b"\n")
