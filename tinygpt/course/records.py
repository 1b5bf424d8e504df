"""Records that all notebooks of a home share, such as the scoreboard: one at a time changes them."""

import json
from contextlib import contextmanager, suppress

from filelock import FileLock

from tinygpt.atomic import UNFINISHED, write_atomically
from tinygpt.course.home import do_without, home, runs
from tinygpt.reading import load_json

PATIENCE_S = 30.0  # a change takes milliseconds; who holds the lock for so long has been stopped


def read(name):
    """What a record holds, {key: value}; nothing where it is missing or damaged."""
    return of_file(home() / "runs" / name) | of_file(runs() / name)


def of_file(path):
    with suppress(OSError, ValueError):
        content = load_json(path)
        if isinstance(content, dict):
            return content
    return {}


def enter(name, entries):
    """Put entries into a record, {key: value}; where nothing can be written the lesson goes on."""
    try:
        put(runs() / name, entries)
    except OSError as error:
        with suppress(OSError):  # has been said
            put(do_without(error) / name, entries)


def put(path, entries):
    with turn(path):
        write_atomically(path, json.dumps(of_file(path) | entries, indent=1).encode())


@contextmanager
def turn(path):
    """While the block lasts, nobody else who asks for a turn changes the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock"), timeout=PATIENCE_S):
        for left in path.parent.glob(f".{path.name}.*{UNFINISHED}"):
            left.unlink(missing_ok=True)  # by a notebook that was killed
        yield
