"""Exercise stable_softmax of lesson 02: the answer, what it is tried on, and what people get wrong."""

import math

import torch

from tinygpt.course.comparing import same
from tinygpt.course.judging import Exercise, Mistake


def stable_softmax(scores):
    shifted = scores - scores.amax(-1, keepdim=True)  # (..., S), none above 0
    exponentials = shifted.exp()  # (..., S)
    return exponentials / exponentials.sum(-1, keepdim=True)  # (..., S)


class NoGradient(ValueError):
    """What the lesson would miss later in an answer whose numbers are right."""


def with_gradient(reference):
    """How to use an answer that has to pass gradients on, as the lesson tests causality and trains with them."""

    def use(answer, *arguments):
        result = answer(*arguments)
        if answer is not reference and same(result, reference(*arguments), 1e-5):
            floats = [a.clone().requires_grad_() if is_float(a) else a for a in arguments]
            if not answer(*floats).requires_grad:
                raise NoGradient(
                    "the numbers are right, but no gradient comes through: .tolist(), .item(), .detach() and "
                    "torch.tensor(…) cut its way. Stay with tensors."
                )
        return result

    return use


def is_float(x):
    return isinstance(x, torch.Tensor) and x.is_floating_point()


def score_rows():
    yield (torch.tensor([0.0, math.log(3)]),)
    yield (torch.tensor([[0.0, 0.0], [math.log(3), 0.0]]),)
    yield (torch.tensor([1000.0, 1000.0]),)
    yield (torch.tensor([0.0, 1000.0]),)
    yield (torch.tensor([-1000.0, -1000.0 + math.log(3)]),)
    yield (torch.tensor([1.0, -math.inf]),)
    yield (torch.tensor([[1000.0, 999.0, 998.0], [-1000.0, -1001.0, -1002.0]]),)
    yield (torch.arange(9.0).view(3, 3).sin() * 5,)
    yield (torch.arange(24.0).view(2, 3, 4).cos() * 200,)


def look_at_weights(got, expected, *arguments):
    """What can be said of a table whose rows should sum to 1."""
    if not isinstance(got, torch.Tensor) or got.shape != expected.shape:
        return None
    if got.isnan().any():
        return (
            "There are nan in it. Infinity divided by infinity, infinity minus infinity, or 0 divided by 0: which of "
            "them happens here?"
        )
    sums = got.double().sum(-1)
    if not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        worst = sums.flatten()[(sums - 1).abs().argmax()]
        return f"Rows must sum to 1; one of yours sums to {worst:.3g}."
    return None


def by_powers_of_two(scores):
    return torch.softmax(scores * math.log(2), -1)


STABLE_SOFTMAX = Exercise(
    name="stable_softmax",
    reference=stable_softmax,
    examples=score_rows,
    use=with_gradient(stable_softmax),
    forbidden=("softmax", "log_softmax"),
    advice={"Dimension out of range": "scores may have one axis or many; count from the end: dim=-1."},
    explain=look_at_weights,
    hints=(
        "exp, then divide by the sum of the row: dim=-1, keepdim=True. That is right until a score is large.",
        "e^(a - c) / e^(b - c) = e^a / e^b: the same number c can be taken off a whole row. Which c makes the largest "
        "exponential 1?",
        "shifted = scores - scores.amax(-1, keepdim=True), then exp of that, divided by its own sum.",
    ),
    mistakes=(
        Mistake(
            "e^1000 is too large for a float: infinity divided by infinity is nan. The weights stay the same when you "
            "take one number off every score of a row, so take off the largest.",
            lambda scores: scores.exp() / scores.exp().sum(-1, keepdim=True),
        ),
        Mistake(
            "A fixed number fails for rows that are far from it. What is taken off depends on the row: its largest.",
            lambda scores: over_own_sum((scores - 100).exp()),
        ),
        Mistake(
            "You took the largest of the whole table off every row. A row far below it becomes 0 divided by 0: take "
            "off each row's own largest, dim=-1, keepdim=True.",
            lambda scores: (scores - scores.max()).exp() / (scores - scores.max()).exp().sum(-1, keepdim=True),
        ),
        Mistake(
            "Taking off the mean leaves scores far above 0 when a row is spread out, and their exponentials overflow. "
            "What has to become 0 is the largest.",
            lambda scores: over_own_sum((scores - scores.mean(-1, keepdim=True)).exp()),
        ),
        Mistake(
            "Taking off the smallest makes the others larger still. What has to become 0 is the largest.",
            lambda scores: over_own_sum((scores - scores.amin(-1, keepdim=True)).exp()),
        ),
        Mistake(
            "Cutting large scores off makes different scores equal. Take the same number off all scores of a row.",
            lambda scores: over_own_sum(scores.clamp(-80, 80).exp()),
        ),
        Mistake(
            "The columns sum to 1: the sum ran over dim=0. A row belongs to one listener and shares out its 1: dim=-1.",
            lambda scores: torch.softmax(scores, 0),
        ),
        Mistake(
            "The whole table sums to 1. Each row has its own 1 to share out: sum(-1, keepdim=True).",
            lambda scores: (scores - scores.max()).exp() / (scores - scores.max()).exp().sum(),
        ),
        Mistake(
            "The whole table sums to 1. Each row has its own 1 to share out: sum(-1, keepdim=True). And e^1000 is too "
            "large for a float: first take off each row's largest score.",
            lambda scores: scores.exp() / scores.exp().sum(),
        ),
        Mistake(
            "Cutting large scores off makes different scores equal, and where all are far below 0 their exponentials "
            "are 0, and 0 / 0 is nan. Take the same number off all scores of a row: its largest.",
            lambda scores: over_own_sum(scores.clamp(max=80).exp()),
        ),
        Mistake(
            "Divided by the sum without e^: a negative score would be a negative weight. Take exp first.",
            lambda scores: over_own_sum(scores),
        ),
        Mistake(
            "These are the logarithms of the weights.",
            lambda scores: torch.log_softmax(scores, -1),
        ),
        Mistake(
            "Without keepdim=True the sums line up with the columns: each row must be divided by its own.",
            lambda scores: torch.softmax(scores, -1) * total(scores, True) / total(scores, False),
        ),
        Mistake(
            "Without keepdim=True the largest scores line up with the columns: take off each row its own.",
            lambda scores: over_own_sum((scores - scores.amax(-1)).exp()),
        ),
        Mistake(
            "Above the line the largest was taken off, below it was not. Use the same exponentials in both places.",
            lambda scores: (scores - scores.amax(-1, keepdim=True)).exp() / scores.exp().sum(-1, keepdim=True),
        ),
        Mistake(
            "The exponentials are there; a row has to sum to 1, so divide each by its row's sum.",
            lambda scores: (scores - scores.amax(-1, keepdim=True)).exp(),
        ),
        Mistake(
            "Everything goes to the largest score. Soft means that the others get their share, e^score each.",
            lambda scores: (scores == scores.amax(-1, keepdim=True)).float(),
        ),
        Mistake(
            "Dividing by the largest changes how many times one weighs another. Taking it off does not.",
            lambda scores: (scores / scores.amax(-1, keepdim=True)).softmax(-1),
        ),
        Mistake("The base is e: torch.exp, not 2 to the power of the score.", by_powers_of_two),
    ),
)


def total(scores, keepdim):
    return (scores - scores.amax(-1, keepdim=True)).exp().sum(-1, keepdim=keepdim)


def over_own_sum(x):
    return x / x.sum(-1, keepdim=True)
