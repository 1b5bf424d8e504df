"""Exercise split_heads of lesson 02: the answer, what it is tried on, and what people get wrong."""

import math

import torch

from tinygpt.course.judging import Exercise, Mistake


def split_heads(x, n_heads):
    B, T, C = x.shape
    return x.view(B, T, n_heads, C // n_heads).transpose(1, 2)  # (B, H, T, D)


def numbered(*shape):
    return torch.arange(math.prod(shape), dtype=torch.float32).view(shape)


def streams():
    yield numbered(1, 3, 4), 2
    yield numbered(2, 3, 6), 3
    yield numbered(1, 3, 6), 2
    yield numbered(2, 2, 4), 1
    yield numbered(1, 5, 4), 4


def look_at_heads(got, expected, x, n_heads):
    if not isinstance(got, torch.Tensor):
        return None
    if got.shape != expected.shape:
        return f"The shape is {tuple(got.shape)}; we want (B, H, T, D) = {tuple(expected.shape)}."
    return "Right shape, wrong places: head 0 must hold the first D numbers of every token, head 1 the next D."


SPLIT_HEADS = Exercise(
    name="split_heads",
    reference=split_heads,
    examples=streams,
    explain=look_at_heads,
    advice={
        "too many values to unpack": "x has three axes: B, T, C = x.shape.",
        "unsupported operand": "x.split takes the size of a part, D, and gives a tuple of parts.",
    },
    hints=(
        "First cut the last axis in two, (B, T, H, D): that moves no number. Then bring H before T.",
        "After the cut the axes 0, 1, 2, 3 are B, T, H, D. Which two have to change places?",
        "x.view(B, T, n_heads, C // n_heads) and then transpose(1, 2).",
    ),
    mistakes=(
        Mistake(
            "Right shape, wrong places: a view moves no number, so your head 0 holds all numbers of the first "
            "tokens and none of the others. Cut the last axis first, (B, T, H, D), then swap axes 1 and 2.",
            lambda x, n: x.reshape(x.shape[0], n, x.shape[1], x.shape[2] // n),
        ),
        Mistake(
            "Head 0 got every H-th number of a token. Cut the last axis as (H, D), in this order, so that a head is D "
            "neighbours.",
            lambda x, n: x.reshape(*x.shape[:2], x.shape[2] // n, n).permute(0, 3, 1, 2),
        ),
        Mistake(
            "The numbers are cut, but the axes are (B, T, H, D); swap axes 1 and 2.",
            lambda x, n: x.reshape(*x.shape[:2], n, x.shape[2] // n),
        ),
        Mistake(
            "The last two axes are swapped: a head must be a table with a row for each token, (T, D).",
            lambda x, n: x.reshape(*x.shape[:2], n, x.shape[2] // n).permute(0, 2, 3, 1),
        ),
        Mistake(
            "Here the heads are the outermost axis. We want (B, H, T, D): the batch stays first.",
            lambda x, n: torch.stack(x.chunk(n, -1)),
        ),
        Mistake(
            "You cut the tokens into groups. Every head sees all tokens, and a part of each one's numbers.",
            lambda x, n: torch.stack(x.tensor_split(n, 1), 1) if x.shape[1] % n == 0 else x.tensor_split(n, 1),
        ),
    ),
)
