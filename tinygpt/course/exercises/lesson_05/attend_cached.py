"""Exercise attend_cached of lesson 05: the answer, what it is tried on, and what people get wrong."""

import math

import torch

from tinygpt.course.exercises.lesson_05.top_k import named
from tinygpt.course.judging import Exercise, Mistake


def attend_cached(q, k, v, past):
    keys, values = torch.cat([past[0], k], dim=1), torch.cat([past[1], v], dim=1)  # (H, S + T, D)
    T, S = q.shape[1], past[0].shape[1]
    mask = torch.ones(T, S + T, dtype=torch.bool).tril(S)  # (T, S + T)
    scores = (q @ keys.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf)  # (H, T, S + T)
    return scores.softmax(-1) @ values, (keys, values)


def attended(H, S, T, D):
    """Numbers of their own for H heads, S tokens in the past and T new ones: q, k, v, past."""
    numbers = (torch.arange(float(H * D * (2 * S + 3 * T))) * 1.7).sin() * 2
    pieces = numbers.split([H * D * n for n in (T, T, T, S, S)])
    q, k, v, keys, values = (x.view(H, -1, D) if len(x) else x.new_empty(H, 0, D) for x in pieces)
    return q, k, v, (keys, values)


def attention_cases():
    one = torch.ones(1, 1, 1)
    yield one * math.log(3), one * 0, one * 0, (one, one * 4)
    yield attended(1, 0, 2, 1)
    yield attended(1, 1, 2, 1)
    yield attended(2, 3, 1, 4)
    yield attended(2, 3, 4, 8)


def look_at_attention(got, expected, q, k, v, past):
    if not (isinstance(got, tuple | list) and len(got) == 2):
        return "Two things come back: what the tokens take home, and the pair (keys, values) of all tokens so far."
    heads, memory = got
    if not (isinstance(memory, tuple | list) and len(memory) == 2):
        return "The second thing that comes back is the pair (keys, values) of all tokens so far."
    row = "a row for each token so far, (H, S + T, D): tokens are dim 1"
    for name, x, right, why in (
        ("keys", memory[0], expected[1][0], row),
        ("values", memory[1], expected[1][1], row),
        ("what is taken home", heads, expected[0], "a row for each new token, (H, T, D)"),
    ):
        shape = tuple(x.shape) if isinstance(x, torch.Tensor) else type(x).__name__
        if shape != right.shape:
            return f"The shape of {name} is {shape}, it should be {tuple(right.shape)}: {why}."
    if not all(torch.allclose(x, y) for x, y in zip(memory, expected[1], strict=True)):
        return "The keys or values that come back are not those of the past, then those of the new tokens, in order."
    T, S = q.shape[1], past[0].shape[1]
    off = ((heads - expected[0]).abs().amax(dim=(0, 2)) > 1e-5).nonzero().flatten() + 1  # those that are wrong, from 1
    return (
        f"With {T} new token(s) after {S} in the past, what comes home is wrong for new token {named(off.tolist())}. "
        "Who may hear whom, and is it divided by √D?"
    )


def attending(mask_of=None, scale=True, along=-1):
    """attend_cached with another mask, mask_of(T, S) -> (T, S + T) bool, without the scale, or another softmax."""

    def attend(q, k, v, past):
        keys, values = torch.cat([past[0], k], dim=1), torch.cat([past[1], v], dim=1)
        T, S = q.shape[1], past[0].shape[1]
        mask = (mask_of or right_mask)(T, S)
        scores = q @ keys.mT / (math.sqrt(q.shape[-1]) if scale else 1)
        return scores.masked_fill(~mask, -math.inf).softmax(along) @ values, (keys, values)

    return attend


def masking_with_zeros(where):
    """attend_cached that puts 0 for what may not be heard, before or after the softmax, where -inf before is right."""

    def attend(q, k, v, past):
        keys, values = torch.cat([past[0], k], dim=1), torch.cat([past[1], v], dim=1)
        mask = right_mask(q.shape[1], past[0].shape[1])
        scores = q @ keys.mT / math.sqrt(q.shape[-1])
        weights = (scores * mask).softmax(-1) if where == "before" else scores.softmax(-1) * mask
        return weights @ values, (keys, values)

    return attend


def right_mask(T, S):
    return torch.ones(T, S + T, dtype=torch.bool).tril(S)


def new_first(q, k, v, past):
    heads, _ = attend_cached(q, k, v, past)
    return heads, (torch.cat([k, past[0]], dim=1), torch.cat([v, past[1]], dim=1))


def new_only(q, k, v, past):
    empty = k[:, :0], v[:, :0]
    return attend_cached(q, k, v, empty)[0], (torch.cat([past[0], k], 1), torch.cat([past[1], v], 1))


ATTEND_CACHED = Exercise(
    name="attend_cached",
    reference=attend_cached,
    examples=attention_cases,
    explain=look_at_attention,
    advice={
        "first two dimensions": "two shapes that do not fit. Keys and values are those of all S + T tokens, joined "
        "along dim=1, and keys.mT turns their last two axes.",
        "Sizes of tensors must match": "tokens are dim 1 of (H, S, D): torch.cat([past[0], k], dim=1).",
        "must match the size of tensor": "two shapes that do not fit. T new tokens ask, S + T are heard: the mask is "
        "(T, S + T).",
    },
    hints=(
        "First make all keys and all values: torch.cat([past[0], k], dim=1) puts the new ones behind the old. The "
        "queries are those of the new tokens only.",
        "Write down who may hear whom for S = 2 and T = 2: a row for each new token, four columns. The first row has "
        "three True. tril takes a number: where the triangle ends.",
        "mask = torch.ones(T, S + T, dtype=torch.bool).tril(S); scores = (q @ keys.mT / D**0.5).masked_fill(~mask, "
        "-math.inf); return scores.softmax(-1) @ values, (keys, values)",
    ),
    mistakes=(
        Mistake(
            "The mask: tril() without a number starts in the corner, as if the first new token were the first of the "
            "text. It has S tokens behind it and may hear all of them: tril(S).",
            attending(lambda T, S: torch.ones(T, S + T, dtype=torch.bool).tril()),
        ),
        Mistake(
            "Without a mask the first of several new tokens hears those after it. One new token at a time would not "
            "notice; a prompt is read in one go.",
            attending(lambda T, S: torch.ones(T, S + T, dtype=torch.bool)),
        ),
        Mistake(
            "A score of 0 is not silence: softmax gives it e⁰ = 1, as much as to any other score of 0. What may not be "
            "heard gets the score -math.inf.",
            masking_with_zeros("before"),
        ),
        Mistake(
            "Masked after the softmax: the weights that stay no longer sum to 1. Put -math.inf into the scores before "
            "it.",
            masking_with_zeros("after"),
        ),
        Mistake(
            "Shifted by one: new token t may hear itself too, tril(S).",
            attending(lambda T, S: torch.ones(T, S + T, dtype=torch.bool).tril(S - 1)),
        ),
        Mistake(
            "Shifted by one: each new token also hears the next one.",
            attending(lambda T, S: torch.ones(T, S + T, dtype=torch.bool).tril(S + 1)),
        ),
        Mistake(
            "The scale is missing: divide q·k by √D, as in lesson 02.",
            attending(scale=False),
        ),
        Mistake(
            "Your softmax runs over the new tokens, dim 1 of (H, T, S + T). Each of them shares out a whole among the "
            "tokens that it hears: the last axis, softmax(-1).",
            attending(along=1),
        ),
        Mistake(
            "New tokens hear only new tokens here: the queries have to meet the keys of the past as well.",
            new_only,
        ),
        Mistake(
            "What is taken home is right, but the past comes back as it was. The next token needs the new keys and "
            "values too.",
            lambda q, k, v, past: (attend_cached(q, k, v, past)[0], past),
        ),
        Mistake(
            "What is taken home is right; what comes back as the past holds the new tokens only. It has to hold all.",
            lambda q, k, v, past: (attend_cached(q, k, v, past)[0], (k, v)),
        ),
        Mistake(
            "Two things come back: what the tokens take home, and the pair (keys, values) of all tokens so far.",
            lambda q, k, v, past: attend_cached(q, k, v, past)[0],
        ),
        Mistake(
            "The order of the text: first the past, then the new tokens.",
            new_first,
        ),
    ),
)
