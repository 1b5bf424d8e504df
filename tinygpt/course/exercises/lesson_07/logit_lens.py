"""Exercise logit_lens of lesson 07: how an answer is tried, and what is said of it."""

import torch

from tinygpt.course.exercises.lesson_07.logit_lens_answers import MISTAKES, logit_lens
from tinygpt.course.exercises.lesson_07.toy_lens import lens_cases
from tinygpt.course.judging import Exercise


def look_at_lens(got, expected, streams, targets, norm, head):
    n = len(streams)
    if isinstance(got, list | tuple):
        return f"A tensor ({n},) is wanted: torch.stack(list of tensors) or torch.tensor(list of numbers) makes one."
    if not isinstance(got, torch.Tensor):
        return None
    if tuple(got.shape) != (n,):
        return f"The shape is {tuple(got.shape)}; a price for each of the {n} streams is ({n},)."
    if got.isnan().any():
        return "There are nan in it: a token of probability 0 has the logarithm -inf. log_softmax(-1) knows no such 0."
    if (got < 0).any():
        return "A price can't be negative: it is minus the logarithm of a probability."
    return "Take one place of one stream by hand: norm, head, softmax, and minus the logarithm at the target's id."


LOGIT_LENS = Exercise(
    name="logit_lens",
    reference=logit_lens,
    examples=lens_cases,
    explain=look_at_lens,
    advice={
        "not implemented for 'Long'": "the scores come first, the targets second: F.cross_entropy(logits, targets).",
        "shapes cannot be multiplied": "head and norm are the functions that you are given; model.head reads our "
        "model's 128 numbers only.",
        "is invalid for input of size": "take the sizes from what you are given: n, B, T, C = streams.shape, and V is "
        "logits.shape[-1].",
        "must match the existing size": "take the sizes from what you are given: n, B, T, C = streams.shape.",
        "to match target batch_size": "as many targets as places: flatten both, logits.flatten(0, 1) of one stream "
        "and targets.flatten().",
        "has no attribute": "norm and head are functions here: call them, head(norm(stream)).",
        "Size does not match": "gather wants an index with as many axes as the logits, (n, B, T, 1).",
        "same number of dimensions": "gather wants an index with as many axes as the logits, (n, B, T, 1).",
        "Expected target size": "the V scores belong at axis 1 for cross_entropy: flatten places first, "
        "logits.flatten(0, 1) and targets.flatten().",
    },
    hints=(
        "Do one stream first: logits = head(norm(stream)), and then the price of the targets as in lesson 03.",
        "F.cross_entropy takes (places, V) and (places,): logits.flatten(0, 1) and targets.flatten(). A loop over the "
        "streams is fine.",
        "return torch.stack([F.cross_entropy(head(norm(s)).flatten(0, 1), targets.flatten()) for s in streams])",
    ),
    mistakes=MISTAKES,
)
