"""Exercise previous_token_scores of lesson 07: the answer, what it is tried on, and what people get wrong."""

import math

import numpy as np
import torch

from tinygpt.course.judging import Exercise, Mistake


def previous_token_scores(maps):
    before = maps.diagonal(-1, -2, -1)  # (layers, B, heads, T - 1), the weight at key t - 1 of each query t
    return before.mean((1, 3))


def weights(layers, B, heads, T):
    """Attention of its own for every head: a row sums to 1, nothing above the diagonal."""
    scores = (torch.arange(float(layers * B * heads * T * T)) * 2.3).sin().view(layers, B, heads, T, T) * 2
    return scores.masked_fill(~torch.ones(T, T, dtype=torch.bool).tril(), -math.inf).softmax(-1)


def head_cases():
    yield (torch.tensor([[1, 0, 0], [0.75, 0.25, 0], [0.125, 0.5, 0.375]]).view(1, 1, 1, 3, 3),)
    yield (weights(1, 1, 2, 3),)
    yield (weights(1, 3, 1, 3),)  # three texts: their median is none of the extremes
    yield (weights(2, 3, 2, 5),)
    yield (weights(3, 2, 4, 7),)


def look_at_scores(got, expected, maps):
    layers, B, heads, T, _ = maps.shape
    if isinstance(got, list | tuple):
        return "A tensor (layers, heads) is wanted: torch.tensor(...) or torch.stack(...) makes one of lists."
    if isinstance(got, np.ndarray):
        return "An array came back; the lesson goes on with a tensor: torch.from_numpy(...) makes one of it."
    if not isinstance(got, torch.Tensor):
        return None
    if tuple(got.shape) != (layers, heads):
        names = {layers: "layers", B: "texts", heads: "heads"}
        if len({layers, B, heads, T, T - 1}) < 5:
            return f"The shape is {tuple(got.shape)}; a number for each layer and head is {(layers, heads)}."
        axes = ", ".join(f"{n} ({names.get(n, 'tokens')})" for n in got.shape) or "a single number"
        return f"The shape is {tuple(got.shape)}: {axes}. Average over texts and queries; (layers, heads) stay."
    return "Take one head and one text, and write down for each query but the first its weight at the key before it."


PREVIOUS_TOKEN_SCORES = Exercise(
    name="previous_token_scores",
    reference=previous_token_scores,
    examples=head_cases,
    explain=look_at_scores,
    advice={
        "out of range": "maps has five axes: (layers, texts, heads, queries, keys), numbered 0 to 4.",
        "with size 1": "take the sizes from maps.shape, not from our model: here there are 1 layer, 1 text, 1 head.",
        "with size 3": "the fields are [t, t - 1] for t from 1 to T - 1, with T = maps.shape[-1]. The first token has "
        "none before it: there is one query less than tokens.",
    },
    hints=(
        "For query t we want the weight at key t - 1: row 1 column 0, row 2 column 1, and so on. What is the line of "
        "these fields called?",
        "maps.diagonal(offset, -2, -1) takes a diagonal of the last two axes; offset 0 is each token itself. It puts "
        "the diagonal's numbers into a new last axis.",
        "return maps.diagonal(-1, -2, -1).mean((1, 3)): averaged over texts and over the T - 1 queries.",
    ),
    mistakes=(
        Mistake(
            "Slightly too small: the first token has none before it, and you count it as if it gave 0. Average over "
            "the other T - 1 queries.",
            lambda maps: maps.diagonal(-1, -2, -1).sum(3).mean(1) / maps.shape[-1],
        ),
        Mistake(
            "All zero: that is the diagonal above, where each token would hear the one after it. Queries are rows, "
            "keys are columns: the one before stands to the left, offset -1.",
            lambda maps: maps.diagonal(1, -2, -1).mean((1, 3)),
        ),
        Mistake(
            "That is what each token gives to itself. The one before stands one to the left: offset -1.",
            lambda maps: maps.diagonal(0, -2, -1).mean((1, 3)),
        ),
        Mistake(
            "That is what each token gives to itself, without the first one. Key t - 1, not key t.",
            lambda maps: maps.diagonal(0, -2, -1)[..., 1:].mean((1, 3)),
        ),
        Mistake(
            "Two to the left: that is the token before the previous one.",
            lambda maps: maps.diagonal(-2, -2, -1).mean((1, 3)),
        ),
        Mistake(
            "That is what goes to the first token of the text. The previous one is at another key for each query.",
            lambda maps: maps[..., 1:, 0].mean((1, 3)),
        ),
        Mistake(
            "That is what goes to the first token of the text, its own weight included. The previous one is at "
            "another key for each query.",
            lambda maps: maps[..., 0].mean((1, 3)),
        ),
        Mistake(
            "You add up over the queries: average instead, so that texts of different lengths can be compared.",
            lambda maps: maps.diagonal(-1, -2, -1).sum(3).mean(1),
        ),
        Mistake(
            "You add up over texts and queries: average, so that the score is a share between 0 and 1.",
            lambda maps: maps.diagonal(-1, -2, -1).sum((1, 3)),
        ),
        Mistake(
            "Only the first text is counted. Average over all of them (axis 1).",
            lambda maps: maps[:, 0].diagonal(-1, -2, -1).mean(2),
        ),
        Mistake(
            "You add up over the texts: average over them, so that the score is a share between 0 and 1.",
            lambda maps: maps.diagonal(-1, -2, -1).sum(1).mean(-1),
        ),
        Mistake(
            "This is per cent. A share between 0 and 1 is asked for: no 100.",
            lambda maps: 100 * previous_token_scores(maps),
        ),
        Mistake(
            "You take the middle text's score. The mean over all texts is asked for.",
            lambda maps: maps.diagonal(-1, -2, -1).mean(-1).median(1).values,
        ),
        Mistake(
            "For each query you take the middle one of the texts. Their mean is asked for.",
            lambda maps: maps.diagonal(-1, -2, -1).median(1).values.mean(-1),
        ),
        Mistake(
            "You take the text with the highest score. The mean over all texts is asked for.",
            lambda maps: maps.diagonal(-1, -2, -1).mean(-1).amax(1),
        ),
        Mistake(
            "You take the text with the lowest score. The mean over all texts is asked for.",
            lambda maps: maps.diagonal(-1, -2, -1).mean(-1).amin(1),
        ),
        Mistake(
            "You count how often the previous token gets most. We want the mean weight that it gets.",
            lambda maps: (maps[..., 1:, :].argmax(-1) == torch.arange(maps.shape[-1] - 1)).float().mean((1, 3)),
        ),
        Mistake(
            "You take the middle one of the weights. Their mean is asked for.",
            lambda maps: maps.diagonal(-1, -2, -1).median(-1).values.mean(1),
        ),
        Mistake(
            "One query too many is left out: the second token has one before it, so row 1 counts too.",
            lambda maps: maps.diagonal(-1, -2, -1)[..., 1:].mean((1, 3)),
        ),
        Mistake(
            "The last query is left out. It has a token before it too: all rows but the first count.",
            lambda maps: maps.diagonal(-1, -2, -1)[..., :-1].mean((1, 3)),
        ),
        Mistake(
            "Only the last query is counted. Average over all that have a token before them.",
            lambda maps: maps[..., -1, -2].mean(1),
        ),
        Mistake(
            "Heads before layers: the result is (layers, heads).",
            lambda maps: previous_token_scores(maps).T,
        ),
        Mistake(
            "The scores still have an axis for the texts (axis 1). Average over it as well.",
            lambda maps: maps.diagonal(-1, -2, -1).mean(-1),
        ),
        Mistake(
            "You average over the heads (axis 2) and keep the texts. maps is (layers, texts, heads, queries, keys).",
            lambda maps: maps.diagonal(-1, -2, -1).mean((2, 3)),
        ),
        Mistake(
            "One number for the whole model; each layer and head has a score of its own.",
            lambda maps: maps.diagonal(-1, -2, -1).mean(),
        ),
    ),
)
