"""The speedrun's board: a file of JSON lines, one for each entry, so that a class joins its boards by joining files."""

import json
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path

from tinygpt.atomic import write_atomically
from tinygpt.config import InputError, require
from tinygpt.course.home import runs
from tinygpt.course.records import turn
from tinygpt.reading import read_text

NAME = "speedrun.jsonl"
HIGHEST_PRICE = 11  # bits per byte; guessing without a look costs 8


@dataclass(frozen=True)
class Entry:
    """A line of the board. bits_per_byte: of the whole validation text, one for each of the seeds. seconds: of the
    training of one of them, on average."""

    name: str
    corpus: str
    budget: str
    seconds: float
    cores: int
    machine: str
    seeds: tuple
    steps: int
    bits_per_byte: tuple
    recipe: dict

    @property
    def mean(self):
        return sum(self.bits_per_byte) / len(self.bits_per_byte)

    @property
    def spread(self):
        return max(self.bits_per_byte) - min(self.bits_per_byte)

    @property
    def diverged(self):
        return not all(value < HIGHEST_PRICE for value in self.bits_per_byte)  # nan isn't either


def write(entry, path=None):
    """Add an entry to a board's file, or put it in the place of an older one of the same name."""
    path = Path(path or runs() / NAME)
    with turn(path):
        others = [e for e in read(path) if (e.name, e.corpus, e.budget) != (entry.name, entry.corpus, entry.budget)]
        lines = [json.dumps(asdict(e)) + "\n" for e in [*others, entry]]
        write_atomically(path, "".join(lines).encode())


def read(path=None):
    """All entries of a board's file; none where there is no file. A line that is no entry is an InputError."""
    path = Path(path or runs() / NAME)
    entries = []
    try:
        lines = read_text(path).splitlines() if path.exists() else []
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read ({error}); mend it or take it away") from None
    for number, line in enumerate(lines, 1):
        try:
            values = json.loads(line)
            lists = {name: tuple(values[name]) for name in ("seeds", "bits_per_byte")}
            entry = Entry(**{**values, **lists})
            require(isfinite(entry.mean + entry.spread), "its bits_per_byte are no numbers")
            entries.append(entry)
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
            raise InputError(f"line {number} of {path.name} is no entry ({error!r}); take it out") from None
    return entries


def board(corpus="hpo", budget="sprint", path=None):
    """The entries of one race, the best first."""
    return sorted((e for e in read(path) if (e.corpus, e.budget) == (corpus, budget)), key=lambda e: e.mean)
