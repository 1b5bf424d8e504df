"""Files that are there whole or not at all."""

import os
import re
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

UNFINISHED = ".unfinished"


@contextmanager
def parents_of(path):
    """The folders above a path, made where they are missing; those made vanish again when nothing came into them."""
    missing = [folder for folder in Path(path).absolute().parents if not folder.exists()]
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        with suppress(OSError):  # not empty
            for folder in missing:
                folder.rmdir()


@contextmanager
def naming(path):
    """An OSError that names no file, such as that of a full disk, or our temporary one, gets this name."""
    path = Path(path)
    temporary = re.escape(str(path.with_name(f".{path.name}."))) + rf"[^/\\]+([/\\]{re.escape(path.name)})?"
    try:
        yield
    except OSError as error:
        error.filename = re.sub(temporary, lambda _: str(path), str(error.filename or path))
        raise


@contextmanager
def replacing(path):
    """A binary file to write to, which takes the place of `path` when the block ends well.

    Until then it has a temporary name in the same folder, so that renaming it is one step; when anything goes wrong
    it vanishes, and what was at `path` stays.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    with naming(path), parents_of(path):
        try:
            with unfinished.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def beside(path):
    """A new folder to fill and to rename to `path`, on the same disk; where it is not renamed, it vanishes."""
    path = Path(path)
    temporary = partial(TemporaryDirectory, prefix=f".{path.name}.", dir=path.parent, ignore_cleanup_errors=True)
    with naming(path), parents_of(path), temporary() as own:
        new = Path(own, path.name)  # inside, for a temporary folder is closed to other users
        new.mkdir()
        yield new


def remove_unfinished(folder):
    """Clear away what a program that was killed in the middle of `replacing` left."""
    for path in Path(folder).rglob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def write_atomically(path, data):
    """Put bytes into a file, all of them or none."""
    with replacing(path) as file:
        file.write(data)
