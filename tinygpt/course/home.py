"""Where the course keeps what it makes: models, progress, scores. The same place from wherever Jupyter was started."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import tinygpt
from tinygpt.cache import cache_folder

ROOM_BYTES = 2**20  # a disk with less than this is full
spares = {}  # of this session: what stands in for a folder that can't be written to


def home():
    """The folder `TINYGPT_HOME`; else the checkout that tinygpt is imported from; else the user's cache folder."""
    if folder := os.environ.get("TINYGPT_HOME"):
        return Path(folder).expanduser().absolute()
    return checkout() or cache_folder()


def checkout():
    """The folder of the repository, None where tinygpt was installed without it."""
    folder = Path(tinygpt.__file__).absolute().parents[1]
    return folder if (folder / "pyproject.toml").is_file() and (folder / "solutions").is_dir() else None


def described():
    """Which folder home is, in words that are true on every machine."""
    if os.environ.get("TINYGPT_HOME"):
        return "the folder TINYGPT_HOME"
    return "the course's folder" if checkout() else "your cache folder"


def typed(path):
    """How to write a path in a terminal: from the course's folder where it lies there, else the whole of it."""
    root = checkout()
    inside = root is not None and path.is_relative_to(root)
    text = str(path.relative_to(root) if inside else path)
    return f'"{text}"' if " " in text else text


def runs():
    """Where the course's own runs and records are kept; where home can't be written to, a spare folder."""
    folder = home() / "runs"
    if folder not in spares:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(ROOM_BYTES))
        except OSError as error:
            return do_without(error)
        return folder
    return Path(spares[folder].name)


def do_without(error):
    """From now on, a temporary folder in place of one that can't be written to; why is said once."""
    folder = home() / "runs"
    if folder not in spares:
        try:
            spares[folder] = tempfile.TemporaryDirectory(prefix="tinygpt-", ignore_cleanup_errors=True)
        except OSError:  # no room there either
            spares[folder] = SimpleNamespace(name=folder)
        print(
            f"⚠ Nothing can be kept in {folder}: {error.strerror or error}. The lesson goes on, but what it makes is "
            "gone when it ends. To keep it, make room or set TINYGPT_HOME to another folder, and restart the notebook.",
            flush=True,
        )
    return Path(spares[folder].name)
