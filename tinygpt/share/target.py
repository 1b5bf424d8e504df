"""Where an export goes: a folder or a file that is new, and is there whole or not at all."""

from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tinygpt.atomic import beside, replacing
from tinygpt.config import InputError, require


@contextmanager
def new_folder(path):
    """A temporary folder that becomes `path` when the block ends well, and vanishes when it does not.

    Raises InputError where there is something already, other than an empty folder, or where nothing can be written.
    """
    path = Path(path).resolve()
    require(not path.exists() or path.is_dir(), f"{path} is a file; choose another --to")
    require(not path.is_dir() or not any(path.iterdir()), f"{path} holds files already; choose another --to")
    with told(path), beside(path) as new:
        yield new
        if path.is_dir():
            path.rmdir()  # empty; some systems rename to a free name only
        new.rename(path)


@contextmanager
def new_file(path):
    """A binary file to write to, which becomes `path` when the block ends well; else as new_folder."""
    path = Path(path).resolve()
    require(not path.exists(), f"{path} is there already; choose another --to")
    with told(path), replacing(path) as file:
        yield file


@contextmanager
def told(path):
    """What keeps us from writing, in one line that names the path and not the temporary one."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or " ".join(map(str, error.args))
        raise InputError(f"{path} can't be written: {reason}; choose another --to") from None


def require_extra(*packages):
    """Stop where one of the packages that sharing needs is not installed."""
    missing = [name for name in packages if find_spec(name) is None]
    names = " ".join(missing)
    require(not missing, f'this needs {names}, of the extra "share"; run: python -m pip install {names}')
