"""Exercise join_heads of lesson 02: the answer, what it is tried on, and what people get wrong."""

import torch

from tinygpt.course.exercises.lesson_02.split_heads import numbered, split_heads
from tinygpt.course.judging import Exercise, Mistake


def join_heads(heads):
    B, H, T, D = heads.shape
    return heads.transpose(1, 2).reshape(B, T, H * D)  # (B, T, C)


def head_tables():
    yield (numbered(1, 2, 3, 2),)
    yield (numbered(2, 3, 2, 2),)
    yield (numbered(2, 1, 3, 4),)
    yield (split_heads(numbered(1, 5, 6), 3),)


def look_at_joined(got, expected, heads):
    if not isinstance(got, torch.Tensor):
        return None
    if got.shape != expected.shape:
        return f"The shape is {tuple(got.shape)}; we want (B, T, C) = {tuple(expected.shape)}, with C = H·D."
    return "Right shape, wrong places: token 0 is its row of head 0, then its row of head 1, and so on."


JOIN_HEADS = Exercise(
    name="join_heads",
    reference=join_heads,
    examples=head_tables,
    explain=look_at_joined,
    advice={
        "view size is not compatible": "after a swap of axes the numbers no longer lie in order in memory, and a view "
        "moves none; .reshape copies them into order.",
    },
    hints=(
        "Go back the way that split_heads came: first the axes, then the shape.",
        "heads.transpose(1, 2) is (B, T, H, D); reshape it to (B, T, H * D). A view can't: the numbers no longer lie "
        "in a row.",
    ),
    mistakes=(
        Mistake(
            "Right shape, wrong places: without swapping axes 1 and 2 first, your token 0 is made of rows of one head, "
            "those of several tokens.",
            lambda heads: heads.reshape(heads.shape[0], heads.shape[2], -1),
        ),
        Mistake(
            "The heads are interleaved: the first number of each, then the second of each. Head 0's D numbers stay "
            "together.",
            lambda heads: heads.permute(0, 2, 3, 1).reshape(heads.shape[0], heads.shape[2], -1),
        ),
        Mistake(
            "You added the heads up: a token is D numbers now. Put them side by side, H·D numbers.",
            lambda heads: heads.sum(1),
        ),
        Mistake(
            "You averaged the heads: a token is D numbers now. Put them side by side, H·D numbers.",
            lambda heads: heads.mean(1),
        ),
        Mistake(
            "The axes are back in order, (B, T, H, D); the last two have still to become one.",
            lambda heads: heads.transpose(1, 2),
        ),
        Mistake(
            "The heads are one below the other: H·T tokens of D numbers. Put them side by side, T tokens of H·D.",
            lambda heads: heads.flatten(1, 2),
        ),
        Mistake(
            "The heads side by side are right, but the batch is gone: it stays the first axis.",
            lambda heads: torch.cat(list(heads[0]), -1),
        ),
    ),
)
