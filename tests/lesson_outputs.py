"""What stands in a lesson's stored outputs, for the tests that hold them to the lesson's text."""

import re
from pathlib import Path

import nbformat

SOLUTIONS = Path(__file__).parents[1] / "solutions"


def notebook_of(number):
    """The source of lesson NN."""
    (path,) = SOLUTIONS.glob(f"{number}_*.ipynb")
    return nbformat.read(path, as_version=4)


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def numbers(pattern, text):
    """What a pattern's groups match, as floats: of one group a number each, of several a tuple; never nothing."""
    found = re.findall(pattern, text, re.MULTILINE)
    assert found, pattern
    return [tuple(map(float, each)) if isinstance(each, tuple) else float(each) for each in found]
