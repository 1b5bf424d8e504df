"""Exercise cross_entropy of lesson 03: the answer, what it is tried on, and what people get wrong."""

import torch

from tinygpt.course.exercises.lesson_03.trainable import CLOSE, look_at_use, tried_with_gradients
from tinygpt.course.judging import Exercise, Mistake


def cross_entropy(logits, targets):
    shifted = logits - logits.amax(dim=-1, keepdim=True)  # (N, V), the largest is 0: exp can't overflow
    log_probs = shifted - shifted.exp().sum(dim=-1, keepdim=True).log()  # (N, V)
    return -log_probs[torch.arange(len(targets)), targets].mean()  # ()


def scores():
    dice = torch.Generator().manual_seed(5)
    yield torch.tensor([[0.0, 0.0]]), torch.tensor([0])
    yield torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]]), torch.tensor([2, 1])
    yield torch.tensor([[1000.0, 0.0]]), torch.tensor([1])
    yield torch.tensor([[1000.0, 0.0]]), torch.tensor([0])
    yield torch.tensor([[-1000.0, -1001.0]]), torch.tensor([0])
    yield torch.tensor([[1000.0, 999.0], [0.0, 1.0]]), torch.tensor([1, 0])
    yield torch.randn(6, 6, generator=dice) * 3, torch.tensor([0, 5, 1, 3, 3, 2])
    yield torch.randn(6, 9, generator=dice) * 3, torch.tensor([0, 5, 1, 8, 3, 2])


def use_cross_entropy(answer, logits, targets):
    if len(targets) < 6:
        return answer(logits, targets)
    return tried_with_gradients(answer, cross_entropy, logits, targets)


def picked(table, targets):
    return table[torch.arange(len(targets)), targets]


CROSS_ENTROPY = Exercise(
    name="cross_entropy",
    reference=cross_entropy,
    examples=scores,
    use=use_cross_entropy,
    explain=lambda got, expected, *arguments: look_at_price(got, expected) or look_at_use(got, expected),
    tolerance=CLOSE,
    forbidden=("cross_entropy", "log_softmax", "logsumexp"),
    hints=(
        "The price is log(sum of exp(logits)) - logit of the target, for each row; then the mean. Which line can "
        "overflow?",
        "Subtract each row's largest logit first: logits - logits.amax(dim=-1, keepdim=True). The probabilities stay "
        "the same, and no exp is larger than 1.",
        "log_probs = shifted - shifted.exp().sum(-1, keepdim=True).log(); pick log_probs[torch.arange(N), targets].",
    ),
    mistakes=(
        Mistake(
            "exp(1000) is infinite: too large for a float. Subtract each row's largest logit first; the probabilities "
            "do not change.",
            lambda logits, targets: -picked(logits.exp() / logits.exp().sum(-1, keepdim=True), targets).log().mean(),
        ),
        Mistake(
            "exp(1000) is infinite: too large for a float. Subtract each row's largest logit before exp; nothing else "
            "changes.",
            lambda logits, targets: (logits.exp().sum(-1).log() - picked(logits, targets)).mean(),
        ),
        Mistake(
            "What you subtracted was not the row's largest logit, so that still overflows. Take off the largest: no "
            "exp is then above 1.",
            lambda logits, targets: (
                (logits - logits.amin(-1, keepdim=True)).exp().sum(-1).log()
                - picked(logits - logits.amin(-1, keepdim=True), targets)
            ).mean(),
        ),
        Mistake(
            "softmax gave a probability of exactly 0, and its logarithm is -inf. Stay with logarithms all the way: "
            "logit - log(sum of exp), never softmax and then log.",
            lambda logits, targets: -picked(logits.softmax(-1), targets).log().mean(),
        ),
        Mistake(
            "A small number added before the log only hides the 0: the true price here is 1000 nats, and at your "
            "plateau no gradient is left. Use logit - log(sum of exp).",
            lambda logits, targets: -(picked(logits.softmax(-1), targets) + 1e-9).log().mean(),
        ),
        Mistake(
            "One largest logit for the whole table is not enough: a row far below it underflows to 0. Each row has its "
            "own: amax(dim=-1, keepdim=True).",
            lambda logits, targets: (
                -picked((logits - logits.max()) - (logits - logits.max()).exp().sum(-1, keepdim=True).log(), targets)
            ).mean(),
        ),
        Mistake(
            "You took a softmax twice: the probabilities are no logits. Use the logits as they come.",
            lambda logits, targets: -picked(logits.softmax(-1).log_softmax(-1), targets).mean(),
        ),
        Mistake(
            "The sign: a log-probability is below 0, a price is above.",
            lambda logits, targets: picked(logits.log_softmax(-1), targets).mean(),
        ),
        Mistake(
            "That is the sum over the rows; we want the mean.",
            lambda logits, targets: -picked(logits.log_softmax(-1), targets).sum(),
        ),
        Mistake(
            "That is one price for each row; we want their mean, a single number.",
            lambda logits, targets: -picked(logits.log_softmax(-1), targets),
        ),
        Mistake(
            "That is in bits. The loss is in nats: log, not log2.",
            lambda logits, targets: -picked(logits.log_softmax(-1), targets).mean() / 0.6931471805599453,
        ),
        Mistake(
            "A logit is not yet a log-probability: subtract the logarithm of the row's sum of exp.",
            lambda logits, targets: -picked(logits, targets).mean(),
        ),
        Mistake(
            "You averaged over all V tokens. Only the one that came is paid for: pick it by targets.",
            lambda logits, targets: -logits.log_softmax(-1).mean(),
        ),
        Mistake(
            "The columns were made to sum to 1. Each row is one prediction: dim=-1.",
            lambda logits, targets: -picked(logits.log_softmax(0), targets).mean(),
        ),
        Mistake(
            "log_probs[:, targets] takes all targets from every row, N times N numbers. Row n wants targets[n]: "
            "log_probs[torch.arange(N), targets].",
            lambda logits, targets: -logits.log_softmax(-1)[:, targets].mean(),
        ),
        Mistake(
            "That is the mean probability that the targets had; their price is -log of it, taken for each first.",
            lambda logits, targets: picked(logits.softmax(-1), targets).mean(),
        ),
        Mistake(
            "You took the logarithm of the average probability. The average of the logarithms is another number.",
            lambda logits, targets: -picked(logits.softmax(-1), targets).mean().log(),
        ),
    ),
)


def look_at_price(got, expected):
    if not isinstance(got, torch.Tensor) or got.ndim:
        return None
    if not got.isfinite():
        return (
            "An infinity or nan: somewhere exp became infinite, or log saw a 0. Subtract each row's largest logit "
            "first, and never take the log of a probability."
        )
    if expected > 100 and 0 <= got < expected / 2:
        return (
            f"The true price is {expected:.0f} nats. A clamp, or a small number added before the log, cuts it off, and "
            "with it the gradient. Use logit - log(sum of exp)."
        )
    return None
