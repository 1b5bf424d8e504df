"""Exercise five_curves of lesson 04: the answer, what it is tried on, and what people get wrong."""

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


def use_diagnoses(answer):
    """The diagnoses, however they were spelled."""
    got = answer()
    if not isinstance(got, dict):
        return got
    return {tidied(key).upper() if isinstance(key, str) else key: tidied(value) for key, value in got.items()}


def tidied(text):
    return " ".join(text.lower().split()) if isinstance(text, str) else text


SHOWS = {
    "rate too high": "the loss falls while the rate is still small, and climbs once it is large, for as long as it is",
    "rate too low": "the loss falls from step to step, but too slowly to get anywhere",
    "no warm-up": "the loss leaps above ln V within the first few steps, and comes back",
    "targets leaked": "the training loss is too good for any honest model, and the validation text knows nothing of it",
    "dead gradients": "nothing changes at all: the validation loss is the same number each time",
    "gradients added up": "each step repeats all earlier ones, so the loss swings from early on and settles nowhere",
    "learned by heart": "training goes on falling while validation turns and rises; for that a text must be read often",
}


def look_at_diagnoses(got, expected):
    if not isinstance(got, dict) or set(got) != set(expected):
        return 'Give back a dict with the keys "A" to "E".'
    unknown = [name for name in got.values() if name not in DIAGNOSES]
    if unknown:
        return f"{unknown[0]!r} is none of the diagnoses; they are: {', '.join(DIAGNOSES)}."
    right = sum(got[patient] == expected[patient] for patient in expected)
    patient = next(p for p in expected if got[p] != expected[p])
    return f"{right} of 5 are right. {patient}: with {got[patient]!r} {SHOWS[got[patient]]}. Look again."


FIVE_CURVES = Exercise(
    name="five_curves",
    reference=five_curves,
    examples=lambda: [()],
    use=use_diagnoses,
    choice=True,
    explain=look_at_diagnoses,
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
