"""A lesson opened alone, as on Colab: its libraries are there, tinygpt and the repository are not."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXECUTE = """
import nbformat, sys
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
notebook.cells = notebook.cells[: int(sys.argv[2]) or None]
NotebookClient(notebook, timeout=300).execute()
nbformat.write(notebook, "executed.ipynb")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "tinygpt", folder / "source/tinygpt", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", f"--wheel-dir={folder}"]
    subprocess.run([*command, folder / "source"], check=True, timeout=300)
    return next(folder.glob("*.whl"))


@pytest.fixture
def colab(tmp_path, wheel):
    """colab(command...) runs Python where everything but tinygpt is installed, in an empty folder."""
    venv.create(tmp_path / "python", with_pip=False, symlinks=os.name != "nt")
    python = next((tmp_path / "python").glob("[bS]*/python*"))
    libraries = next((tmp_path / "python").rglob("site-packages"))
    (libraries / "shipped.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files are not read
    content = tmp_path / "content"
    content.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TINYGPT", "PYTHON"))}
    environment = kept | {
        "COLAB_RELEASE_TAG": "release-colab",
        "TINYGPT_SOURCE": wheel.as_uri(),
        "TINYGPT_CACHE": str(tmp_path / "cache"),
        "TINYGPT_QUICK": "1",
    }

    def run(*command):
        done = subprocess.run(
            [python, *command], cwd=content, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


def installed(colab):
    """Every package but tinygpt, with its version."""
    lines = colab("-m", "pip", "freeze", "--all").splitlines()
    return {line for line in lines if "==" in line and "tinygpt" not in line}


def opening(path):
    """How many cells a lesson has up to its imports."""
    cells = nbformat.read(path, as_version=4).cells
    return [cell.cell_type for cell in cells].index("code") + 2


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_fetches_the_package_and_replaces_nothing(path, colab):
    before = installed(colab)
    assert "False" in colab("-c", "import importlib.util as u; print(u.find_spec('tinygpt') is not None)")
    colab("-c", EXECUTE, str(path), str(0 if path == LESSONS[0] else opening(path)))
    assert installed(colab) == before
    assert "/python/" in colab("-c", "import tinygpt; print(tinygpt.__file__)")
