"""Running a lesson's source: what is kept, what is refused, and the command that does it."""

import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tinygpt.config import InputError
from tinygpt.course import __main__ as command
from tinygpt.course import notebooks, reading_edition
from tinygpt.course.notebooks import execute, student_version


@pytest.fixture
def source(tmp_path):
    """source(code): a notebook of one cell."""

    def source(code):
        path = tmp_path / "10_ten.ipynb"
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(new_notebook(cells=[new_code_cell(code)], metadata=metadata), path)
        return path

    return source


def test_a_source_runs_in_strict_mode_and_keeps_its_outputs(source, monkeypatch):
    monkeypatch.delenv("TINYGPT_STRICT", raising=False)
    path = source("import os\nprint(os.environ['TINYGPT_STRICT'])")
    execute(path)
    [cell] = nbformat.read(path, as_version=4).cells
    assert cell.outputs[0].text == "1\n" and cell.execution_count == 1 and "TINYGPT_STRICT" not in os.environ


def test_what_is_printed_in_pieces_is_kept_as_one_and_new_cells_are_numbered(source):
    path = source("for n in range(3):\n    print(n, flush=True)")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].id = "l10-4"
    notebook.cells += [new_code_cell("1"), new_code_cell("2")]
    nbformat.write(notebook, path)
    execute(path)
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.id for cell in cells] == ["l10-4", "l10-5", "l10-6"]
    assert [output.text for output in cells[0].outputs] == ["0\n1\n2\n"]


def test_an_answer_without_nbgrader_s_metadata_is_refused_by_its_cell(source):
    notebook = nbformat.read(source("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"), as_version=4)
    notebook.cells[0].id = "l10-0"
    with pytest.raises(InputError, match=r"10_ten\.ipynb, cell l10-0: an answer without nbgrader's metadata; copy"):
        student_version(notebook, "10_ten.ipynb")


def test_a_cell_that_takes_too_long_is_one_line_and_nothing_is_written(source, monkeypatch):
    monkeypatch.setattr(notebooks, "TIMEOUT_S", 1)
    path = source("import time\ntime.sleep(60)")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"a cell of 10_ten\.ipynb took more than 1 s; is the machine busy"):
        execute(path)
    assert path.read_bytes() == before


def test_what_was_written_meanwhile_is_not_lost(source):
    path = source("with open('10_ten.ipynb', 'a') as file:\n    file.write('\\n')")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"10_ten\.ipynb was changed while it ran: run it again"):
        execute(path)
    assert path.read_bytes() == before + b"\n"


def test_the_lessons_model_is_made_before_a_cell_s_time_begins(source, monkeypatch):
    made = []
    monkeypatch.setattr(notebooks, "load_or_train", lambda: made.append("model"))
    execute(source("'no model'"))
    assert made == []
    execute(source("'load_or_train'"))
    assert made == ["model"]


def test_the_command_runs_what_it_is_told_to(monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(command, "execute", lambda path: ran.append(path.stem[:2]))
    assert command.main(["execute", "01", "03"]) == 0 and ran == ["01", "03"]
    assert [line[-9:] for line in capsys.readouterr().out.splitlines()] == ["zer.ipynb", "del.ipynb"]


def test_options_may_stand_anywhere(monkeypatch):
    asked = []
    monkeypatch.setattr(reading_edition, "write_pages", lambda paths, folder: asked.append((len(paths), folder)))
    for call in (["read", "05", "--to", "here"], ["read", "--to", "here", "05"]):
        assert command.main(call) == 0
    assert asked == [(1, "here")] * 2


def test_the_command_refuses_in_one_line(capsys):
    assert command.main(["release", "42"]) == 2
    assert capsys.readouterr().err.startswith("tinygpt.course: there is no lesson 42; there are 00_start_here, ")
