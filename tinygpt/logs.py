"""What a training run writes down: a row per evaluation, as text and, where TensorBoard is installed, for it too."""

import math
import os
import socket
import time
from contextlib import nullcontext
from dataclasses import astuple, dataclass, fields
from importlib.util import find_spec

from tinygpt.atomic import naming, write_atomically
from tinygpt.config import require
from tinygpt.reading import read_text

NAME = "logs/train_loss.txt"


@dataclass(frozen=True)
class Row:
    """One line of the log. Losses are mean nats per token; those of training since the last row, nan at the start."""

    step: int
    epoch: float
    tokens: int
    train_loss: float
    validation_loss: float
    bits_per_byte: float  # of the validation text
    lr: float
    tokens_per_s: float  # since the last row, without evaluations

    def __str__(self):
        return "\t".join(map(repr, astuple(self)))


COLUMNS = {field.name: field.type for field in fields(Row)}
HEADER = "\t".join(COLUMNS)


def read_log(folder):
    """The rows of a run folder's log."""
    path = folder / NAME
    require(path.is_file(), f"{path} is missing; bring it back or train again")
    try:
        # After the last line's end there is nothing, or what a full disk left of a line.
        header, *lines, _ = read_text(path).split("\n")
        rows = [[kind(x) for kind, x in zip(COLUMNS.values(), line.split("\t"), strict=True)] for line in lines]
    except (OSError, ValueError):
        header, rows = None, []
    require(header == HEADER, f"{path} is damaged: it should hold the columns {', '.join(COLUMNS)}; train again")
    return [Row(*values) for values in rows]


class Log:
    """The open log of a run. A resumed run forgets the rows after its checkpoint and writes them anew."""

    def __init__(self, folder, after_step=None):
        rows = [] if after_step is None else [row for row in read_log(folder) if row.step <= after_step]
        write_atomically(folder / NAME, "".join(f"{line}\n" for line in [HEADER, *rows]).encode())
        self.file = (folder / NAME).open("a", encoding="utf-8")
        self.board = Board(folder / "logs", after_step) if find_spec("tensorboard") else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with naming(self.file.name), self.file, self.board.file if self.board else nullcontext():
            pass  # closed, both of them: each tries once more to write what a full disk did not take

    def write(self, row):
        with naming(self.file.name):
            self.file.write(f"{row}\n")
            self.file.flush()
        if self.board:
            self.board.write(row)


class Board:
    """The rows for TensorBoard, in a file of events.

    SummaryWriter leaves the writing to a thread: on a full disk that prints a traceback of its own and may never come
    back. A few numbers need no thread.
    """

    def __init__(self, folder, after_step):
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        self.event = Event
        path = folder / f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"  # read in order
        self.file = path.open("wb")
        self.records = RecordWriter(self.file)
        with naming(path):
            self.add(file_version="brain.Event:2")
            if after_step is not None:  # what other files hold from this step on is forgotten
                self.add(step=after_step + 1, session_log=SessionLog(status=SessionLog.START))

    def write(self, row):
        names = ("train_loss", "validation_loss", "bits_per_byte", "lr", "tokens_per_s")
        values = [{"tag": name, "simple_value": getattr(row, name)} for name in names]
        with naming(self.file.name):
            self.add(step=row.step, summary={"value": [v for v in values if math.isfinite(v["simple_value"])]})

    def add(self, **content):
        self.records.write(self.event(wall_time=time.time(), **content).SerializeToString())
        self.records.flush()
