"""Exercise fair_claims of lesson 06: the answer, what it is tried on, and what people get wrong."""

from tinygpt.course.choices import Choices
from tinygpt.course.judging import Exercise

FLAWS = ("other units", "other texts", "missing baseline", "chosen on the test text", "chance")


def fair_claims():
    return {"A": "other units", "B": "chosen on the test text", "C": "missing baseline"}


WHY_NOT = {
    ("A", "other texts"): "both read the same 827 documents, it says so. What is counted on each side?",
    ("A", "missing baseline"): "each is the other's baseline. Could they be compared at all?",
    ("A", "chosen on the test text"): "nothing was chosen here, two models were measured once. What is a step of each?",
    ("A", "chance"): "25 and 78 are too far apart for chance. But are they numbers of the same thing?",
    ("B", "other units"): "bits per byte on both sides. How many times was the judge asked?",
    ("B", "other texts"): "the same documents on both sides. How many times was the judge asked?",
    ("B", "missing baseline"): "the old settings are the baseline. How many times was the judge asked?",
    ("B", "chance"): "chance is what helped, yes; but the interval was computed, and looks fine. What makes it a lie?",
    ("C", "other units"): "a share of right answers has no unit that could differ. What would someone reach who knows "
    "no medicine?",
    ("C", "other texts"): "the same questions for everybody. What would someone reach who knows no medicine?",
    ("C", "chosen on the test text"): "it was asked once. What would someone reach who knows no medicine?",
    ("C", "chance"): "the interval ends far above the 25% of guessing. What would someone reach who guesses better "
    "than blindly?",
}


CHOICES = Choices(fair_claims, FLAWS, "flaws", lambda claim, flaw: WHY_NOT[claim, flaw])


FAIR_CLAIMS = Exercise(
    name="fair_claims",
    reference=fair_claims,
    examples=lambda: [()],
    use=CHOICES.use,
    choice=True,
    explain=CHOICES.explain,
    why="Units, a judge that is asked once, and somebody who knows nothing as the opponent.",
    hints=(
        "For each claim ask four things: the same unit on both sides? The same documents? How often was the judge "
        "asked? What does the simplest rule reach?",
        "One compares prices of steps of different length. One picked the luckiest of forty. One forgot what copying "
        "words alone would reach.",
    ),
)
