"""Exercise four_broken of lesson 02: the answer, what it is tried on, and what people get wrong."""

from tinygpt.course.choices import Choices
from tinygpt.course.judging import Exercise, Mistake

DIAGNOSES = {  # what would be seen
    "mask after softmax": "rows would sum to less than 1, and a gradient would come from every later token",
    "mask shifted by one": "each token would hear exactly one token of the future, the next, and rows would sum to 1",
    "no scale": "the influence map would look healthy, and at D = 256 a token would listen to one or two keys",
    "divided by D": "the influence map would look healthy, and a token would listen to nearly all keys alike",
    "softmax over the queries": "columns would sum to 1, rows would not: all values 1 would give other numbers than 1, "
    "some of them above 1",
    "heads without a transpose": "with one head all would be well; with two, a part of the past would be missing",
}


def four_broken():
    return {
        "A": "mask after softmax",
        "B": "heads without a transpose",
        "C": "mask shifted by one",
        "D": "no scale",
    }


CHOICES = Choices(
    four_broken, DIAGNOSES, "diagnoses", lambda patient, name: f"with {name!r} {DIAGNOSES[name]}. Look again."
)


FOUR_BROKEN = Exercise(
    name="four_broken",
    reference=four_broken,
    examples=lambda: [()],
    use=CHOICES.use,
    explain=CHOICES.explain,
    choice=True,
    hints=(
        "Begin with the influence maps. Two patients hear something of the future: one only the next token, the other "
        "all of it.",
        "Of the other two, one misses part of its past, though only with two heads; the last one looks healthy and "
        "listens to too few.",
        "In one of them rows don't sum to 1: something took its share before it was hidden.",
    ),
    mistakes=(
        Mistake(
            "A and C both hear the future, and you have them swapped. The mask that is shifted by one lets in the next "
            "token and nothing else.",
            lambda: {**four_broken(), "A": "mask shifted by one", "C": "mask after softmax"},
        ),
        Mistake(
            "3 of 4 are right. D listens to very few keys, not to nearly all: too large scores do that, not too small.",
            lambda: {**four_broken(), "D": "divided by D"},
        ),
        Mistake(
            "3 of 4 are right. A's rows sum to less than 1. Over the queries, columns would sum to 1, and some rows "
            "would come out above 1.",
            lambda: {**four_broken(), "A": "softmax over the queries"},
        ),
        Mistake(
            "3 of 4 are right. B hears nothing of the future, so its mask does what it should; but look at what its "
            "later tokens hear of the earlier ones.",
            lambda: {**four_broken(), "B": "mask shifted by one"},
        ),
    ),
)
