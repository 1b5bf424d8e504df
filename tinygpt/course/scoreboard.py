"""The scoreboard: one measure, bits per byte of the same held-out text, from the first lesson to the last."""

from tinygpt.config import require
from tinygpt.course import records

NAME = "scoreboard.json"


def score(name, bits_per_byte, lesson):
    """Enter a result, or replace the one of that name. bits_per_byte: of the whole validation text."""
    bits_per_byte = bits_per_byte.item() if hasattr(bits_per_byte, "item") else bits_per_byte  # of torch, of numpy
    require(
        is_price(bits_per_byte),
        f"bits_per_byte={bits_per_byte!r} must be a number between 0 and 100",
    )
    records.enter(NAME, {name: {"bits_per_byte": round(float(bits_per_byte), 4), "lesson": lesson}})
    return read()


def read():
    """What has been entered so far: {name: {"bits_per_byte", "lesson"}}."""
    return {name: row for name, row in records.read(NAME).items() if is_row(row)}


def is_row(row):
    return isinstance(row, dict) and is_price(row.get("bits_per_byte")) and isinstance(row.get("lesson", ""), str)


def is_price(value):
    return isinstance(value, int | float) and 0 < value < 100


def scoreboard(*new, lesson=""):
    """Enter results, (name, bits per byte) each, and draw the board, the worst on top, the new ones marked.

    lesson: that of the results, such as "03"; what later lessons have entered is not shown in it.
    """
    from tinygpt import plots  # brings matplotlib, which only the lessons have

    for name, value in new:
        score(name, value, lesson)
    shown = {
        name: row["bits_per_byte"] for name, row in read().items() if not lesson or row.get("lesson", "") <= lesson
    }
    board = shown | {name: float(value) for name, value in new}
    require(board, "the scoreboard is empty: run lesson 00, or enter a result")
    ranked = dict(sorted(board.items(), key=lambda item: -item[1]))
    told = ", ".join(f"{name} {value:.2f}" for name, value in ranked.items())
    return plots.bars(
        ranked,
        "bits per byte of the validation text (less is better)",
        f"The scoreboard, from the worst: {told}.",
        marked=[name for name, _ in new],
    )
