"""Letters of a gardener who does not exist: a small folder of text to try one's own corpus with."""

import random
from pathlib import Path

THINGS = ["beans", "roses", "cress", "leeks", "apples", "peas", "chard", "onions"]
DOINGS = ("have come up", "want rain", "are for the snails", "flower early", "went to Ada", "taste of summer")
PLACES = ("by the wall", "in the glass house", "under the pear tree", "at the gate")
NAMES = ("Tom", "Mei", "Zoe")


def letter(dice):
    """One letter. dice: a random.Random."""
    lines = [f"Dear {dice.choice(NAMES)},"]
    for _ in range(dice.randint(3, 8)):
        lines.append(f"The {dice.choice(THINGS)} {dice.choice(PLACES)} {dice.choice(DOINGS)}.")
    return "\n".join(lines)


def write_letters(folder, n=120, seed=0):
    """Write so many letters into a folder, a file each; returns the last one."""
    dice, folder = random.Random(seed), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        text = letter(dice)
        (folder / f"letter_{number:03}.txt").write_text(text, encoding="utf-8")
    return text
