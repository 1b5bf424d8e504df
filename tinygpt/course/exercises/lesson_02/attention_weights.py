"""Exercise attention_weights of lesson 02: the answer, what it is tried on, and what people get wrong."""

import math

import torch

from tinygpt.course.exercises.lesson_02.causal_mask import pattern
from tinygpt.course.exercises.lesson_02.stable_softmax import (
    look_at_weights,
    over_own_sum,
    stable_softmax,
    with_gradient,
)
from tinygpt.course.judging import Exercise, Mistake


def attention_weights(q, k, mask):
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (..., T, S)
    hidden = scores.masked_fill(~mask, -math.inf)  # (..., T, S)
    return stable_softmax(hidden)  # (..., T, S)


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


AXES = "texts and heads may come first, so count axes from the end: dim=-1, and k.mT swaps the last two."


def queries_and_keys():
    q = torch.tensor([[2 * math.log(2), 0, 0, 0]])
    yield q, torch.tensor([[0.0, 5, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0]]), torch.ones(1, 3, dtype=torch.bool)
    yield (
        torch.tensor([[0.0, 1, 0, 0], [2, 0, 0, 0]]),
        torch.tensor([[1.0, 0, 0, 0], [0, 3, 1, 0]]),
        pattern(2),
    )
    yield random(3, 9), random(3, 9, seed=1), pattern(3)
    yield random(2, 4), random(4, 4, seed=1), torch.ones(4, 4, dtype=torch.bool).tril()[2:]
    yield random(5, 256), random(5, 256, seed=1), pattern(5)
    yield 100 * random(5, 16), 100 * random(5, 16, seed=1), pattern(5)
    yield random(2, 3, 4), random(2, 3, 4, seed=1), pattern(3)
    yield random(2, 2, 5, 8), random(2, 2, 5, 8, seed=1), pattern(5)


def look_at_attention(got, expected, q, k, mask):
    if isinstance(got, torch.Tensor) and got.shape == expected.shape and (got * ~mask).abs().max() > 1e-5:
        return "Something that the mask hides gets a weight. Hidden scores must be minus infinity before the softmax."
    told = look_at_weights(got, expected)
    factor = None if told else factor_of(got, q, k, mask)
    if factor is not None:
        return (
            f"Rows sum to 1 ✓ but you multiply q·k by {factor:.3g}. Here D = {q.shape[-1]}, so it has to be "
            f"1/√D = {q.shape[-1] ** -0.5:.3g}. Take D from q, its last dimension."
        )
    return told


def factor_of(weights, q, k, mask):
    """The one number by which all q·k must have been multiplied to give these weights, or None."""
    if not isinstance(weights, torch.Tensor) or weights.shape != (*q.shape[:-1], k.shape[-2]):
        return None
    dots, logs = (q @ k.mT).double(), weights.double().log()  # (..., T, S)
    seen = mask & logs.isfinite() & (logs > -20)
    first = seen.int().argmax(-1, keepdim=True)  # (..., T, 1), the first key that each query hears
    gaps = (dots - dots.gather(-1, first))[seen]
    logs = (logs - logs.gather(-1, first))[seen]
    if not len(gaps) or gaps.abs().max() < 1e-6:
        return None
    factor = (gaps * logs).sum() / (gaps * gaps).sum()
    fits = torch.allclose(logs, factor * gaps, atol=1e-3) and factor.abs() > 1e-3
    return factor.item() if fits else None


def with_scores(change):
    """An answer that masks and weighs as it should, with scores of its own."""
    return lambda q, k, mask: change(q, k).masked_fill(~mask, -math.inf).softmax(-1)


def scaled(q, k):
    return q @ k.mT / math.sqrt(q.shape[-1])


def one_key_each(q, k):
    T, S = q.shape[-2], k.shape[-2]
    return (q[..., : min(T, S), :] * k[..., : min(T, S), :]).sum(-1, keepdim=True).expand(*q.shape[:-2], min(T, S), S)


ATTENTION_WEIGHTS = Exercise(
    name="attention_weights",
    reference=attention_weights,
    examples=queries_and_keys,
    use=with_gradient(attention_weights),
    advice={
        "Dimension out of range": AXES,
        "must match the size": AXES,
        "shapes cannot be multiplied": AXES,
        "Expected size for first two dimensions": AXES,
        "the indexed tensor": "scores[~mask] = … wants a mask of the same shape; masked_fill repeats it by itself.",
    },
    explain=look_at_attention,
    hints=(
        "Three steps: a table of scores, hide what the mask says, softmax over each row. The new thing is one factor.",
        "q @ k.mT has a row for each query. Divide by the square root of q.shape[-1]; then masked_fill(~mask, …).",
        "scores = q @ k.mT / math.sqrt(q.shape[-1]); scores = scores.masked_fill(~mask, -math.inf); and stable_softmax "
        "of that.",
    ),
    mistakes=(
        Mistake(
            "Infinity times 0 is nan. Where the mask is True add nothing: masked_fill touches hidden ones only.",
            lambda q, k, mask: stable_softmax(scaled(q, k) * mask - math.inf * (~mask)),
        ),
        Mistake(
            "Each query met one key only, that of its own place. Every query asks every key: q @ k.mT.",
            lambda q, k, mask: one_key_each(q, k).masked_fill(~mask, -math.inf).softmax(-1),
        ),
        Mistake(
            "Rows sum to 1 ✓ but with D = 256 a query of yours listens to 1.3 of 32 keys, one of ours to 20. Which "
            "number is missing?",
            with_scores(lambda q, k: q @ k.mT),
        ),
        Mistake(
            "Now a query listens to all keys alike: you divided by D. The spread of q·k grows like √D.",
            with_scores(lambda q, k: q @ k.mT / q.shape[-1]),
        ),
        Mistake(
            "You multiplied by √D, so long vectors shout even louder. Divide.",
            with_scores(lambda q, k: q @ k.mT * math.sqrt(q.shape[-1])),
        ),
        Mistake(
            "Scaled by the root of how many keys there are. What makes q·k large is how long q and k are: D, the last "
            "dimension of q.",
            with_scores(lambda q, k: q @ k.mT / math.sqrt(k.shape[-2])),
        ),
        Mistake(
            "Scaled by the root of how many queries there are. What makes q·k large is how long q and k are: D, the "
            "last dimension of q.",
            with_scores(lambda q, k: q @ k.mT / math.sqrt(q.shape[-2])),
        ),
        Mistake(
            "Your rows sum to 1/√D. Scale before the softmax, not after it.",
            lambda q, k, mask: (q @ k.mT).masked_fill(~mask, -math.inf).softmax(-1) / math.sqrt(q.shape[-1]),
        ),
        Mistake(
            "Your columns sum to 1. Each query (a row) shares out its attention over the keys: dim=-1.",
            lambda q, k, mask: scaled(q, k).masked_fill(~mask, -math.inf).softmax(-2),
        ),
        Mistake(
            "Here keys ask and queries answer: row t must belong to query t, so q comes first, q @ k.mT.",
            lambda q, k, mask: scaled(k, q).masked_fill(~mask.mT, -math.inf).softmax(-1),
        ),
        Mistake(
            "Here keys ask and queries answer: row t must belong to query t; q @ k.mT, not k @ q.mT.",
            lambda q, k, mask: scaled(k, q).masked_fill(~mask, -math.inf).softmax(-1),
        ),
        Mistake(
            "The mask does nothing yet: the first token listens to the later ones.",
            lambda q, k, mask: scaled(q, k).softmax(-1),
        ),
        Mistake(
            "You hid after the softmax: what was hidden had already taken its share, and a row no longer sums to 1. "
            "Hide first, with minus infinity.",
            lambda q, k, mask: scaled(q, k).softmax(-1) * mask,
        ),
        Mistake(
            "The rows sum to 1 again, but the softmax has already seen what is hidden: a gradient reaches it, and with "
            "large scores only 0 may be left to divide. Hide before the softmax.",
            lambda q, k, mask: over_own_sum(scaled(q, k).softmax(-1) * mask),
        ),
        Mistake(
            "A hidden score became 0 (or nearly), and e⁰ = 1 is not nothing. Only minus infinity has e^ of 0.",
            lambda q, k, mask: (scaled(q, k) * mask).softmax(-1),
        ),
        Mistake(
            "You hid what may be heard and left what may not: masked_fill fills where its mask is True, so it needs "
            "~mask.",
            lambda q, k, mask: scaled(q, k).masked_fill(mask, -math.inf).softmax(-1),
        ),
        Mistake(
            "You made a mask of your own. Use the one that is given: there may be more keys than queries, as in "
            "lesson 05.",
            lambda q, k, mask: scaled(q, k).masked_fill(~torch.ones_like(mask).tril(), -math.inf).softmax(-1),
        ),
        Mistake(
            "These are the scores; they have still to go through the softmax.",
            lambda q, k, mask: scaled(q, k).masked_fill(~mask, -math.inf),
        ),
    ),
)
