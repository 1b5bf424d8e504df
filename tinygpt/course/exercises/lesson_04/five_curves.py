"""Exercise five_curves of lesson 04: the answer, what it is tried on, and what people get wrong."""

from tinygpt.course.choices import Choices
from tinygpt.course.clinic import DIAGNOSES
from tinygpt.course.judging import Exercise, Mistake


def five_curves():
    return {
        "A": "no warm-up",
        "B": "dead gradients",
        "C": "rate too high",
        "D": "targets leaked",
        "E": "rate too low",
    }


SHOWS = {
    "rate too high": "the loss falls while the rate is still small, and climbs once it is large, for as long as it is",
    "rate too low": "the loss falls from step to step, but too slowly to get anywhere",
    "no warm-up": "the loss leaps above ln V within the first few steps, and comes back",
    "targets leaked": "the training loss is too good for any honest model, and the validation text knows nothing of it",
    "dead gradients": "nothing changes at all: the validation loss is the same number each time",
    "gradients added up": "each step repeats earlier ones: the loss falls a little, then stays until the rate falls",
    "learned by heart": "training goes on falling while validation turns and rises; for that a text must be read often",
}


CHOICES = Choices(
    five_curves, DIAGNOSES, "diagnoses", lambda patient, name: f"with {name!r} {SHOWS[name]}. Look again."
)


FIVE_CURVES = Exercise(
    name="five_curves",
    reference=five_curves,
    examples=lambda: [()],
    use=CHOICES.use,
    choice=True,
    explain=CHOICES.explain,
    why="Where it begins, whether it moves, when it turns, what validation says.",
    hints=(
        "Begin with the table of validation losses. In whom does not a single digit change? In whom is training far "
        "better than validation?",
        "D pays next to nothing for windows that it has never met: how could it know them? Of the three others, one is "
        "on a good way and slow. Two went above ln V: one in its first steps, one later, "
        "when the rate had grown.",
        "A leaps at once and comes back; C falls first, then climbs. What did the rate do in the first steps of each?",
    ),
    mistakes=(
        Mistake(
            "3 of 5 are right. A and C are swapped: a warm-up delays the harm of a high rate. Who suffered at once?",
            lambda: {**five_curves(), "A": "rate too high", "C": "no warm-up"},
        ),
        Mistake(
            "3 of 5 are right. B and E are swapped: one of them moves, if only a little. Look at their last digits.",
            lambda: {**five_curves(), "B": "rate too low", "E": "dead gradients"},
        ),
        Mistake(
            "4 of 5 are right. D drew fresh windows in each step, 6 in 100 of the text in all: hardly a place came "
            "twice, so there was none to learn by heart. How else can texts cost next to nothing when first met?",
            lambda: {**five_curves(), "D": "learned by heart"},
        ),
    ),
)
