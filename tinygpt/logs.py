"""What a training run writes down: a row per evaluation, as text and, where TensorBoard is installed, for it too."""

import math
from dataclasses import astuple, dataclass, fields
from importlib.util import find_spec

from tinygpt.atomic import write_atomically
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
        self.board = tensorboard_writer(folder, after_step)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        if self.board:
            self.board.close()

    def write(self, row):
        self.file.write(f"{row}\n")
        self.file.flush()
        if self.board:
            for name in ("train_loss", "validation_loss", "bits_per_byte", "lr", "tokens_per_s"):
                if math.isfinite(getattr(row, name)):
                    self.board.add_scalar(name, getattr(row, name), row.step)
            self.board.flush()


def tensorboard_writer(folder, after_step):
    if not find_spec("tensorboard"):
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder / "logs", purge_step=None if after_step is None else after_step + 1)
