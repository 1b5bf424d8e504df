"""Exercise leaky_split of lesson 00: the answer, what it is tried on, and what people get wrong."""

from tinygpt.course.judging import Exercise, Mistake


def leaky_split():
    return "B"


LEAKY_SPLIT = Exercise(
    name="leaky_split",
    reference=leaky_split,
    examples=lambda: [()],
    choice=True,
    why="B trains on one sentence of a definition and tests on the next, which repeats its words. A and C keep whole "
    "documents apart.",
    hints=(
        "For each split, take one held-out sentence. Where is the sentence that stood next to it?",
        "In which of them can the first half of a definition be trained on and its second half be tested?",
    ),
    mistakes=(
        Mistake(
            "A keeps each document whole, on one side. Terms about similar things may still fall on two sides; but one "
            "of the three is far worse.",
            lambda: "A",
        ),
        Mistake(
            "C tests on the later documents. That may make the test harder, when later terms are about other organs, "
            "but no document lies on both sides.",
            lambda: "C",
        ),
    ),
    advice={"is not defined": 'a letter stands in quotes: "A".'},
    explain=lambda got, expected: (
        "Nothing came back: is there a return?"
        if got is None
        else f'Answer with "A", "B" or "C"; {got!r} is none of them.'
    ),
)
