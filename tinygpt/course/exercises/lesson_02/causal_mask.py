"""Exercise causal_mask of lesson 02: the answer, what it is tried on, and what people get wrong."""

import torch

from tinygpt.course.judging import Exercise, Mistake


def causal_mask(T):
    return torch.ones(T, T, dtype=torch.bool).tril()


def pattern(T, diagonal=0):
    return torch.ones(T, T, dtype=torch.bool).tril(diagonal)


def look_at_the_mask(got, expected, T):
    if isinstance(got, torch.Tensor) and got.shape == expected.shape and got.dtype != torch.bool:
        if got.isinf().any():
            return "Minus infinity is what we will put at hidden scores; here we only say which: True or False."
        if (got != 0).equal(expected):
            return "The pattern is right, the type is not: the next cells need True and False, dtype=torch.bool."
    if isinstance(got, torch.Tensor) and got.shape == expected.shape and got.dtype == torch.bool:
        row = (got != expected).any(dim=1).int().argmax().item()
        return f"Row {row} is wrong: token {row} may listen to the tokens from 0 to {row}, itself included."
    return None


CAUSAL_MASK = Exercise(
    name="causal_mask",
    reference=causal_mask,
    examples=lambda: ((T,) for T in (2, 3, 1, 6)),
    explain=look_at_the_mask,
    hints=(
        "Write the table for T = 3 on paper: a row for each token that listens, a column for each it may hear.",
        "It is a triangle. torch.tril keeps the lower one; its diagonal argument says where it ends.",
        "torch.ones(T, T, dtype=torch.bool).tril()",
    ),
    mistakes=(
        Mistake(
            "This is the other triangle: your first token hears everything that comes after it. Rows listen, columns "
            "are heard.",
            lambda T: pattern(T).T,
        ),
        Mistake(
            "Shifted by one: each token also hears the next one, which is what it will have to predict.",
            lambda T: pattern(T, 1),
        ),
        Mistake(
            "Shifted by one: no token hears itself, and the first one hears nobody. A softmax over nobody is nan.",
            lambda T: pattern(T, -1),
        ),
        Mistake(
            "True and False are swapped: here True means may listen. (nn.MultiheadAttention wants it your way round.)",
            lambda T: ~pattern(T),
        ),
        Mistake(
            "Everybody may hear everybody: the past hears the future.",
            lambda T: torch.ones(T, T, dtype=torch.bool),
        ),
        Mistake(
            "Each token hears only itself; it may hear all that came before it too.",
            lambda T: torch.eye(T, dtype=torch.bool),
        ),
        Mistake(
            "Each row already sums to 1. That is an average; here we only say who may be heard: True or False.",
            lambda T: pattern(T) / pattern(T).sum(1, keepdim=True),
        ),
    ),
)
