"""Exercise top_k of lesson 05: the answer, what it is tried on, and what people get wrong."""

import math

import torch

from tinygpt.course.exercises.lesson_05.with_temperature import look_at_sum, renewed
from tinygpt.course.judging import Exercise, Mistake


def top_k(probs, k):
    if k >= len(probs):
        return probs
    kth = probs.topk(k).values[-1]
    kept = probs.masked_fill(probs < kth, 0.0)  # (V,)
    return kept / kept.sum()


def spread():
    """A long distribution without ties, in no order."""
    return torch.arange(40.0).mul(2.4).sin().mul(3).softmax(-1)


def k_cases():
    yield torch.tensor([0.5, 0.25, 0.125, 0.0625, 0.0625]), 2
    yield torch.tensor([0.125, 0.25, 0.5, 0.125]), 1
    yield torch.tensor([0.25, 0.5, 0.125, 0.125]), 3
    yield torch.tensor([0.5, 0.25, 0.25]), 5
    yield torch.tensor([0.375, 0.375, 0.125, 0.125]), 2  # a tie above the k-th
    yield spread(), 7


def named(ids):
    return ", ".join(map(str, ids)) or "none"


def staying(probs):
    return probs.nonzero().flatten().tolist()


def look_at_kept(got, expected, *arguments):
    """Who stays and should not, or the other way round; else how it is shared out."""
    if not isinstance(got, torch.Tensor):
        return None
    if got.shape != expected.shape:
        return (
            f"The shape is {tuple(got.shape)}, it should be {tuple(expected.shape)}: every token keeps its place, "
            "those ruled out with probability 0."
        )
    if got.dtype == torch.bool:
        return "True and False say who stays; we want the probabilities of those that do, shared out anew."
    if got.isnan().any():
        return "There are nan in it: nothing was left, and 0 divided by 0 is nan. At least one token always stays."
    if got.isinf().any() or (got < 0).any():
        return "Ruled out means probability 0 here; minus infinity is for scores."
    kept, wanted = staying(got), staying(expected)
    if kept != wanted and len(expected) <= 12:
        return f"The ids that should stay: {named(wanted)}; in yours: {named(kept)}."
    if kept != wanted:
        return f"{len(wanted)} tokens stay; in yours it is {len(kept)}" + (
            ", others." if len(kept) == len(wanted) else "."
        )
    return look_at_sum(got, expected) or "The right tokens stay; share out the 1 in proportion: divide by their sum."


def look_at_k(got, expected, probs, k):
    said = look_at_kept(got, expected)
    if isinstance(got, torch.Tensor) and got.shape == expected.shape:
        missing = set(staying(expected)) - set(staying(got))
        if missing and all(probs[i] == kth_of(probs, k) for i in missing) and len(staying(got)) == k:
            said += f" Token {min(missing)} is as likely as the k-th, and those stay too."
    return said


TOP_K = Exercise(
    name="top_k",
    reference=top_k,
    examples=k_cases,
    explain=look_at_k,
    advice={
        "index k out of range": "there are fewer than k tokens. Then all of them stay: min(k, len(probs)).",
        "list index out of range": "there are fewer than k tokens. Then all of them stay.",
        "out of bounds": "there are fewer than k tokens. Then all of them stay.",
    },
    hints=(
        "How likely is the k-th most likely token? Everything less likely goes.",
        "probs.topk(k).values[-1] is its probability. masked_fill puts 0 where a condition holds; then divide by the "
        "sum. And k may be larger than len(probs).",
        "kth = probs.topk(min(k, len(probs))).values[-1]; kept = probs.masked_fill(probs < kth, 0.0); return kept / "
        "kept.sum()",
    ),
    mistakes=(
        Mistake(
            "The right tokens stay, but what is left sums to less than 1. Share it out anew: divide by the sum.",
            lambda probs, k: probs.masked_fill(probs < kth_of(probs, k), 0.0),
        ),
        Mistake(
            "These are the k probabilities alone. Which tokens do they belong to? Every token keeps its place, the "
            "others get 0.",
            lambda probs, k: probs.topk(min(k, len(probs))).values,
        ),
        Mistake(
            "These are the k probabilities alone, shared out. Which tokens do they belong to? Every token keeps its "
            "place, the others get 0.",
            lambda probs, k: renewed(probs.topk(min(k, len(probs))).values),
        ),
        Mistake(
            "These are the ids of the tokens that stay; we want the probabilities of all tokens.",
            lambda probs, k: probs.topk(min(k, len(probs))).indices,
        ),
        Mistake(
            "The k-th itself has to stay: rule out what is less likely than it, and not what is as likely.",
            lambda probs, k: renewed(probs * (probs > kth_of(probs, k))),
        ),
        Mistake(
            "Exactly k stay here. Of two that are equally likely nobody should decide by their place: those as likely "
            "as the k-th stay too. Compare each probability with the k-th.",
            lambda probs, k: exactly_k(probs, k),
        ),
        Mistake(
            "Your probabilities are in order of size, so they belong to other tokens now. Every token keeps its place.",
            lambda probs, k: renewed(ordered(probs) * (ordered(probs) >= kth_of(probs, k))),
        ),
        Mistake(
            "These are the k least likely.",
            lambda probs, k: renewed(probs * (probs <= probs.topk(min(k, len(probs)), largest=False).values[-1])),
        ),
        Mistake(
            "kthvalue counts from the smallest; topk from the largest.",
            lambda probs, k: renewed(probs * (probs >= torch.kthvalue(probs, k).values)),
        ),
        Mistake(
            "You kept the first k of the vocabulary, and not the k most likely.",
            lambda probs, k: renewed(probs * (torch.arange(len(probs)) < k)),
        ),
        Mistake(
            "softmax takes e to the power of each first: the tokens with 0 come back with e⁰ = 1. Divide by the sum.",
            lambda probs, k: probs.masked_fill(probs < kth_of(probs, k), 0.0).softmax(-1),
        ),
        Mistake(
            "softmax takes e to the power of each first, and that changes the proportions. Divide by the sum.",
            lambda probs, k: probs.masked_fill(probs < kth_of(probs, k), -math.inf).softmax(-1),
        ),
        Mistake(
            "Ruled out means probability 0 here; minus infinity is for scores.",
            lambda probs, k: probs.masked_fill(probs < kth_of(probs, k), -math.inf),
        ),
        Mistake(
            "All tokens that stay have the same probability now. They keep their proportions: divide by the sum.",
            lambda probs, k: renewed((probs >= kth_of(probs, k)).float()),
        ),
        Mistake("Nothing was ruled out.", lambda probs, k: probs),
    ),
)


def kth_of(probs, k):
    return probs.topk(min(k, len(probs))).values[-1]


def exactly_k(probs, k):
    order = probs.sort(descending=True, stable=True).indices[:k]
    return renewed(torch.zeros_like(probs).scatter(0, order, probs[order]))


def ordered(probs):
    return probs.sort(descending=True).values
