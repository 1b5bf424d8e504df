"""Exercise bigram_probs of lesson 00: the answer, what it is tried on, and what people get wrong."""

import torch

from tinygpt.course.judging import Exercise, Mistake


def bigram_probs(counts):
    smoothed = counts + 1  # (V, V)
    return smoothed / smoothed.sum(dim=1, keepdim=True)  # (V, V)


def count_tables():
    yield (torch.tensor([[3, 1], [2, 0]]),)
    yield (torch.tensor([[3, 1], [0, 0]]),)
    yield (torch.tensor([[0, 2, 1], [5, 0, 0], [1, 1, 1]]),)
    yield (torch.arange(25).view(5, 5) % 7,)


def look_at_rows(got, expected, counts):
    if not isinstance(got, torch.Tensor) or got.shape != counts.shape:
        return None
    if torch.allclose(got.double().sum(dim=1), torch.ones(len(counts)).double(), atol=1e-4):
        return None
    if not got[-1].any():
        return "The last row is empty: did a loop end too soon, or does its return stand inside it?"
    if torch.allclose(got.double(), expected.double(), atol=0.01):
        return "Almost: something rounds. Half precision, or a round()?"
    added = ((counts + 1) / got - counts.sum(dim=1, keepdim=True)).double()  # (V, V), to each sum
    if torch.allclose(added, added[0, 0].round(), atol=1e-2) and added[0, 0] > 0.5:
        return (
            f"You added {added[0, 0]:.0f} to each row's sum. Each row has {len(counts)} columns here, 257 in the "
            + ("lesson: take the number from the table, counts.shape[1], or sum after adding.")
        )
    return "The rows do not sum to 1: after a given symbol, something has to come next."


BIGRAM_PROBS = Exercise(
    name="bigram_probs",
    reference=bigram_probs,
    examples=count_tables,
    explain=look_at_rows,
    hints=(
        "Row a holds how often each symbol followed a. What must a row of probabilities sum to?",
        "Add 1 to every count, then divide each row by its own sum: dim=1, keepdim=True.",
        "smoothed = counts + 1; return smoothed / smoothed.sum(dim=1, keepdim=True)",
    ),
    mistakes=(
        Mistake(
            "Pairs that were never seen get probability 0, and a row without any count nan. One of them in the "
            "held-out text costs infinitely many bits. Add 1 to every count first.",
            lambda counts: counts / counts.sum(dim=1, keepdim=True),
        ),
        Mistake(
            "You added 1 above the line and not below: V additions make the row's sum larger by V. Divide by the sum "
            "of what you have after adding.",
            lambda counts: (counts + 1) / counts.sum(dim=1, keepdim=True),
        ),
        Mistake(
            "You added 1 to each count, V of them in a row, but only 1 to the sum.",
            lambda counts: (counts + 1) / (counts.sum(dim=1, keepdim=True) + 1),
        ),
        Mistake(
            "Your columns sum to 1. The row is what we know (the symbol before), so each row shares out its 1: dim=1.",
            lambda counts: (counts + 1) / (counts + 1).sum(dim=0, keepdim=True),
        ),
        Mistake(
            "Here the columns were divided by the rows' sums: without keepdim=True the sums (V,) line up with the "
            "columns.",
            lambda counts: (counts + 1) / (counts + 1).sum(dim=1),
        ),
        Mistake(
            "Two things: without keepdim=True the sums (V,) line up with the columns, not with the rows; and every "
            "count gets its 1 first.",
            lambda counts: counts / counts.sum(dim=1),
        ),
        Mistake(
            "The whole table sums to 1: that is how likely a pair is. We want how likely a symbol is once we know the "
            "one before it; each row sums to 1.",
            lambda counts: (counts + 1) / (counts + 1).sum(),
        ),
        Mistake(
            "Whole numbers: a probability below 1 becomes 0. // throws the fraction away, and so does a table of whole "
            "numbers, such as torch.zeros_like(counts).",
            lambda counts: (counts + 1) // (counts + 1).sum(dim=1, keepdim=True),
        ),
        Mistake(
            "You added 1 where the count was 0 only. Every count gets its 1, so that a pair seen once stays ahead of "
            "one never seen.",
            lambda counts: filled(counts) / filled(counts).sum(dim=1, keepdim=True),
        ),
        Mistake(
            "Add 1 to the counts, before dividing: these numbers are all above 1.",
            lambda counts: counts / counts.sum(dim=1, keepdim=True) + 1,
        ),
        Mistake(
            "These are the smoothed counts. Divide each row by its sum.",
            lambda counts: counts + 1,
        ),
        Mistake(
            "Division comes before addition: only the 1 was divided. Put counts + 1 in brackets.",
            lambda counts: counts + 1 / (counts + 1).sum(dim=1, keepdim=True),
        ),
        Mistake(
            "Division comes before addition: only the 1 was divided. Put counts + 1 in brackets, above "
            "the line and below it.",
            lambda counts: counts + 1 / counts.sum(dim=1, keepdim=True),
        ),
        Mistake(
            "The 1 went into the sum and not into the counts: pairs never seen still get probability 0.",
            lambda counts: counts / (counts + 1).sum(dim=1, keepdim=True),
        ),
        Mistake(
            "The table lies on its side: your columns sum to 1. Row a holds what came after a; leave it a row.",
            lambda counts: ((counts + 1) / (counts + 1).sum(dim=1, keepdim=True)).T,
        ),
        Mistake(
            "You turned the table: your row a holds what came before a. Row a of counts is what came after it already.",
            lambda counts: (counts.T + 1) / (counts.T + 1).sum(dim=1, keepdim=True),
        ),
        Mistake(
            "These are logarithms of the probabilities. Here the probabilities themselves are asked for.",
            lambda counts: ((counts + 1) / (counts + 1).sum(dim=1, keepdim=True)).log(),
        ),
        Mistake(
            "softmax takes the exponential of its input first: a count of 5 would weigh e⁵ = 148 times a count of 0. "
            "Counts only need dividing.",
            lambda counts: (counts + 1.0).softmax(dim=1),
        ),
    ),
)


def filled(counts):
    return counts.masked_fill(counts == 0, 1)
