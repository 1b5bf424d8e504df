"""A lesson opened alone, as on Colab: its libraries are there, tinygpt and the repository are not."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
COLAB = ROOT / "tests/colab.txt"
SHIPPED = dict(re.findall(r"^([\w.-]+)==(\S+)$", COLAB.read_text(encoding="utf-8").lower(), re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
EXECUTE = """
import nbformat, sys
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=600).execute()
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


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A folder with the versions that Colab ships, and nothing else."""
    folder = tmp_path_factory.mktemp("image")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, f"--target={folder}", f"--requirement={COLAB}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture
def make_colab(tmp_path, wheel):
    """make_colab(folders) → colab(command...) runs Python in an empty folder, where what lies in folders is there."""

    def make_colab(*folders):
        venv.create(tmp_path / "python", with_pip=False, symlinks=os.name != "nt")
        python = next((tmp_path / "python").glob("[bS]*/python*"))
        libraries = next((tmp_path / "python").rglob("site-packages"))
        (libraries / "shipped.pth").write_text("".join(f"{folder}\n" for folder in folders))  # theirs are not read
        content = tmp_path / "content"
        content.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TINYGPT", "PYTHON"))}
        environment = kept | {
            "COLAB_RELEASE_TAG": "release-colab",
            "TINYGPT_SOURCE": wheel.as_uri(),
            "TINYGPT_CACHE": str(tmp_path / "cache"),
            "TINYGPT_QUICK": "1",
            "JUPYTER_PATH": "",
        }

        def colab(*command):
            options = {"capture_output": True, "text": True, "timeout": 900, "check": False}
            done = subprocess.run([python, *command], cwd=content, env=environment, **options)
            assert done.returncode == 0, done.stderr[-3000:]
            return done.stdout

        return colab

    return make_colab


def installed(colab):
    """Every package but tinygpt, with its version."""
    lines = colab("-m", "pip", "freeze", "--all").splitlines()
    return {line for line in lines if "==" in line and "tinygpt" not in line}


def opened(path, colab):
    """Run a lesson from top to bottom where the package is missing; nothing that was there may be another after."""
    before = installed(colab)
    assert "False" in colab("-c", "import importlib.util as u; print(u.find_spec('tinygpt') is not None)")
    colab("-c", EXECUTE, str(path))
    assert installed(colab) == before
    assert "/python/" in colab("-c", "import tinygpt; print(tinygpt.__file__)")
    return before


def test_the_first_lesson_fetches_the_package_and_replaces_nothing(make_colab):
    opened(LESSONS[0], make_colab(sysconfig.get_path("purelib")))


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_lesson_runs_on_what_colab_ships(path, make_colab, image):
    """Colab's own versions, where its list names them; the rest, torch among it, is what is installed here."""
    before = opened(path, make_colab(image, sysconfig.get_path("purelib")))
    assert {f"{name}=={version}" for name, version in SHIPPED.items()} <= {line.lower() for line in before}


def test_every_lesson_fetches_the_package_in_the_same_way():
    """So that what holds for one that is opened alone holds for all; only the extras differ."""
    cells = [next(cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code").source for path in LESSONS]
    (common,) = {re.sub(r"tinygpt\[[\w,]+\]", "tinygpt[…]", cell) for cell in cells}
    assert "import tinygpt" in common and "%pip install" in common
    asked = {extra for cell in cells for extra in re.search(r"tinygpt\[([\w,]+)\]", cell)[1].split(",")}
    assert asked <= EXTRAS.keys()


def test_no_lesson_asks_colab_for_more_than_it_ships():
    """Lower bounds of what is fetched, against Colab's versions: a higher one would replace what it ships."""
    shipped = SHIPPED | {"torch": "2.9.0"}
    asked = [*PROJECT["dependencies"], *EXTRAS["lessons"], *EXTRAS["formats"]]
    known = [need for need in map(Requirement, asked) if need.name.lower() in shipped]
    assert len(known) > 8
    for need in known:
        assert need.specifier.contains(shipped[need.name.lower()]), need


def test_the_wheel_holds_every_file_of_the_package(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    ours = {p for p in (ROOT / "tinygpt").rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {path.relative_to(ROOT).as_posix() for path in ours} <= held
