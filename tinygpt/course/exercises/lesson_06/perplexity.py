"""Exercise perplexity of lesson 06: the answer, what it is tried on, and what people get wrong."""

import math

import torch
import torch.nn.functional as F

from tinygpt.course.judging import Exercise, Mistake


def perplexity(logits, targets):
    nats = F.cross_entropy(logits, targets)  # the mean over the tokens
    return nats.exp().item()


def rows():
    yield torch.zeros(1, 4), torch.tensor([2])
    halves = torch.tensor([[0.5, 0.25, 0.25], [0.0625, 0.9375 / 2, 0.9375 / 2], [0.25, 0.25, 0.5]]).log() + 3
    yield halves, torch.tensor([0, 0, 2])
    yield torch.tensor([[200.0, 201.0, 199.0], [-300.0, -300.0, -301.0]]), torch.tensor([0, 2])
    dear = torch.tensor([[60.0, -60.0, 0.0], [1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [2.0, 1.0, 0.0]])
    yield dear, torch.tensor([1, 2, 0, 0])  # the first token costs 120 nats
    yield torch.arange(2000 * 3.0).mul(1.7).sin().mul(2).view(2000, 3), torch.arange(2000) % 3


def by_hand(got, expected, logits, targets):
    if isinstance(got, torch.Tensor) and got.ndim:
        return "One number for the whole text, please: the mean over the tokens comes before the power of e."
    if isinstance(got, torch.Tensor):
        got = got.item()
    if not isinstance(got, int | float):
        return None
    if math.isnan(got) or math.isinf(got) or got == 0:
        if logits.abs().max() > 100:
            return (
                "e to the power of 200 is too large for a float, and e to the power of -300 too small: it becomes 0. "
                "(One maximum for all rows does not help: a row far below it is all 0.) log_softmax takes the "
                "logarithm without going there."
            )
        if expected > TOO_DEAR:
            return (
                "The first token's probability is e to the power of -120. That is too small for a float and became 0, "
                "which has no logarithm. log_softmax gets the logarithm without going through the probability."
            )
        return "A product of many probabilities is soon too small for a float. Add logarithms instead."
    if len(targets) > 8:
        return None
    if expected > TOO_DEAR and got < expected / 2:
        return (
            "The first token costs 120 nats; yours pays less. Is something added inside the logarithm, or cut off? "
            "log_softmax needs no such help."
        )
    nats = -logits.log_softmax(-1)[torch.arange(len(targets)), targets]
    return (
        f"By hand: the prices are {', '.join(f'{x:.3g}' for x in nats.tolist())} nats, {nats.mean():.3g} on average, "
        f"and e to the power of that is {expected:.4g}."
    )


TOO_DEAR = 1e6  # a perplexity that only the token of 120 nats brings about


def came(logits, targets):
    return logits.log_softmax(-1)[torch.arange(len(targets)), targets]  # (N,)


PERPLEXITY = Exercise(
    name="perplexity",
    reference=perplexity,
    examples=rows,
    explain=by_hand,
    tolerance=1e-4,
    advice={
        "Expected floating point type for target": "cross_entropy takes the logits first, then the targets.",
        "cannot be raised to a negative power": "a product of many probabilities is soon too small for a float, and "
        "becomes 0. Add logarithms instead.",
        "math range error": "that number is too large: e to the power of the mean price, not of the sum.",
        "only one element tensors can be converted": "math functions take one number: average first.",
        "a Tensor with": ".item() is for one number: average first.",
        "expected np.ndarray": "torch's own functions do: logits.log_softmax(-1), .mean(), .exp().",
        "out of bounds for dimension 0": "targets are columns, one for each row: logits[i, targets[i]].",
        "to match target batch_size": "the logits are (N, V) as they stand, a row for each token.",
        "not in list": "targets are the numbers of columns: logits[i, targets[i]].",
        "multi-target not supported": "cross_entropy takes the logits (N, V) first, then the targets (N,).",
    },
    hints=(
        "Three steps: what did each token that came cost, in nats? What did they cost on average? And how do you get "
        "from the logarithm of a number back to the number?",
        "The first two steps are one function of lesson 03: cross_entropy(logits, targets). The third is tensor.exp(); "
        ".item() makes a float of it.",
    ),
    mistakes=(
        Mistake(
            "That is the mean price in nats. Perplexity is the number of equally likely tokens that cost as much: e to "
            "the power of it.",
            lambda logits, targets: -came(logits, targets).mean().item(),
        ),
        Mistake(
            "That is the mean price in bits. Perplexity is 2 to the power of it, or e to the power of the nats.",
            lambda logits, targets: -came(logits, targets).mean().item() / math.log(2),
        ),
        Mistake(
            "The price is in nats, so the base is e, not 2. (2 to the power of the bits would be the same number.)",
            lambda logits, targets: 2 ** -came(logits, targets).mean().item(),
        ),
        Mistake(
            "The power of the sum grows with the length of the text. Divide by the number of tokens first.",
            lambda logits, targets: math.exp(min(700, -came(logits, targets).sum().item())),
        ),
        Mistake(
            "You averaged 1/p over the tokens: a single token that nobody expected rules it all. Average the prices, "
            "then take the power.",
            lambda logits, targets: came(logits, targets).neg().exp().mean().item(),
        ),
        Mistake(
            "One over the average probability: average the prices, then take the power.",
            lambda logits, targets: 1 / came(logits, targets).exp().mean().item(),
        ),
        Mistake(
            "Below 1: the sign. A price is minus the logarithm of a probability.",
            lambda logits, targets: came(logits, targets).mean().exp().item(),
        ),
        Mistake(
            "The softmax was taken twice. cross_entropy takes the logits as they are.",
            lambda logits, targets: F.cross_entropy(logits.softmax(-1), targets).exp().item(),
        ),
        Mistake(
            "The softmax was taken twice: log_softmax and cross_entropy both take one. Give cross_entropy the logits.",
            lambda logits, targets: F.nll_loss(logits.softmax(-1), targets).exp().item(),
        ),
        Mistake(
            "These are logits, not logarithms of probabilities: they need a softmax (log_softmax) along the vocabulary "
            "first.",
            lambda logits, targets: logits[torch.arange(len(targets)), targets].mean().neg().clamp(max=80).exp().item(),
        ),
        Mistake(
            "Your softmax runs over the tokens of the text (dim 0). Each token's row of V scores has a softmax of its "
            "own: dim=-1.",
            lambda logits, targets: (
                logits.log_softmax(0)[torch.arange(len(targets)), targets].mean().neg().exp().item()
            ),
        ),
        Mistake(
            "That is the perplexity the model expects, from its entropy. Pay for the token that came: targets.",
            lambda logits, targets: (-(logits.softmax(-1) * logits.log_softmax(-1)).sum(-1)).mean().exp().item(),
        ),
        Mistake(
            "You took e to the power of the bits. It is 2 to the power of the bits, or e to the power of the nats.",
            lambda logits, targets: math.exp(-came(logits, targets).mean().item() / math.log(2)),
        ),
        Mistake(
            "You divided by the size of the vocabulary. The mean is over the tokens that came, N of them.",
            lambda logits, targets: math.exp(min(700, -came(logits, targets).sum().item() / logits.shape[1])),
        ),
        Mistake(
            "Nothing has to be shifted here: row i of the logits is the prediction of targets[i] already.",
            lambda logits, targets: F.cross_entropy(logits[:-1], targets[1:]).exp().item(),
        ),
        Mistake(
            "[:, targets] takes from every row the columns of all targets: (N, N) prices. Row i goes with targets[i] "
            "alone: [torch.arange(len(targets)), targets].",
            lambda logits, targets: logits.log_softmax(-1)[:, targets].mean().neg().exp().item(),
        ),
        Mistake(
            "A little something added inside the logarithm puts a ceiling on every price: with 1e-9 no token costs "
            "more than 20.7 nats, and this one costs 120. log_softmax needs no such help.",
            lambda logits, targets: (
                (logits.softmax(-1)[torch.arange(len(targets)), targets] + 1e-9).log().mean().neg().exp().item()
            ),
        ),
        Mistake(
            "You priced the model's favourite each time: targets was not used. What came is paid for.",
            lambda logits, targets: logits.log_softmax(-1).amax(-1).mean().neg().exp().item(),
        ),
        Mistake(
            "The median token is a cheap one; the surprises are in the others. Take the mean price.",
            lambda logits, targets: came(logits, targets).neg().median().exp().item(),
        ),
        Mistake(
            "You priced all tokens of the vocabulary. Only the one that came is paid for: column targets[i] of row i.",
            lambda logits, targets: logits.log_softmax(-1).mean().neg().exp().item(),
        ),
    ),
)
