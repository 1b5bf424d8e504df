"""Files that are there whole or not at all."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path

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
def replacing(path):
    """A binary file to write to, which takes the place of `path` when the block ends well.

    Until then it has a temporary name in the same folder, so that renaming it is one step; when anything goes wrong
    it vanishes, and what was at `path` stays.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    with parents_of(path):
        try:
            with unfinished.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            if error.filename is None:  # such as: no space left on device
                error.filename = str(path)
            raise
        finally:
            unfinished.unlink(missing_ok=True)


def remove_unfinished(folder):
    """Clear away what a program that was killed in the middle of `replacing` left."""
    for path in Path(folder).rglob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def write_atomically(path, data):
    """Put bytes into a file, all of them or none."""
    with replacing(path) as file:
        file.write(data)
