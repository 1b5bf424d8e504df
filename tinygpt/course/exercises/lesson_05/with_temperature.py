"""Exercise with_temperature of lesson 05: the answer, what it is tried on, and what people get wrong."""

import math

import torch

from tinygpt.course.judging import Exercise, Mistake


def with_temperature(logits, temperature):
    return (logits / temperature).softmax(-1)  # (V,)


def scored():
    quarters = torch.tensor([0.5, 0.25, 0.25]).log()
    yield quarters, 0.5
    yield quarters, 2.0
    yield quarters, 1.0
    yield torch.tensor([0.0, 3.0, -2.0]), 0.7
    yield torch.tensor([100.0, 99.0, 0.0]), 0.1
    yield torch.arange(12.0).sin() * 4, 1.3


def look_at_sum(got, expected, *arguments):
    """What can be said of numbers that should be probabilities."""
    if not isinstance(got, torch.Tensor) or got.shape != expected.shape:
        return None
    if got.isnan().any():
        return (
            "There are nan in it: e to the power of a large score is infinity, and infinity divided by infinity is "
            "nothing. torch's softmax holds."
        )
    if not math.isclose(total := got.double().sum().item(), 1, abs_tol=1e-4):
        return f"Probabilities sum to 1; yours sum to {total:.3g}."
    return None


WITH_TEMPERATURE = Exercise(
    name="with_temperature",
    reference=with_temperature,
    examples=scored,
    explain=look_at_sum,
    hints=(
        "Softmax takes e to the power of each score. Temperature changes the scores before that.",
        "Below 1 the gaps between scores must grow, above 1 shrink: multiply or divide?",
        "(logits / temperature).softmax(-1)",
    ),
    mistakes=(
        Mistake(
            "You multiply (or take the power), and a low temperature makes everything more alike. It should sharpen: "
            "divide the scores by it.",
            lambda logits, temperature: (logits * temperature).softmax(-1),
        ),
        Mistake(
            "These are the scores, divided. We want probabilities: softmax comes after.",
            lambda logits, temperature: logits / temperature,
        ),
        Mistake(
            "Softmax first, then a division: all probabilities change by the same factor, and they no longer sum to "
            "1. Divide the scores, before the softmax.",
            lambda logits, temperature: logits.softmax(-1) / temperature,
        ),
        Mistake(
            "The temperature changes nothing here. Softmax doesn't notice a number that is added to all scores, and "
            "sharing out anew undoes a factor on all probabilities. Divide the scores, before the softmax.",
            lambda logits, temperature: logits.softmax(-1),
        ),
        Mistake(
            "Two softmaxes: the scores themselves are what is divided by the temperature, not their probabilities.",
            lambda logits, temperature: (logits.softmax(-1) / temperature).softmax(-1),
        ),
        Mistake(
            "The power is right; what comes out still has to be shared out anew, so that it sums to 1.",
            lambda logits, temperature: logits.softmax(-1) ** (1 / temperature),
        ),
        Mistake(
            "Minus: your least likely token is now the likeliest.",
            lambda logits, temperature: (-logits / temperature).softmax(-1),
        ),
        Mistake(
            "These are logarithms of the probabilities: softmax, not log_softmax.",
            lambda logits, temperature: (logits / temperature).log_softmax(-1),
        ),
        Mistake(
            "Right for these scores, but e to the power of a large one overflows. torch's softmax takes the largest "
            "off first.",
            lambda logits, temperature: renewed((logits / temperature).exp()),
        ),
        Mistake(
            "Whole-number division: // throws the fraction away. Use /.",
            lambda logits, temperature: (logits // temperature).softmax(-1),
        ),
    ),
)


def renewed(probs):
    return probs / probs.sum()
