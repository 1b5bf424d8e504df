"""Exercise bootstrap_interval of lesson 06: the answer, what it is tried on, and what people get wrong."""

import math

import numpy as np
import torch

from tinygpt.course.judging import Exercise, Mistake


def bootstrap_interval(nats, n_bytes, draws):
    values = nats[draws].sum(1) / math.log(2) / n_bytes[draws].sum(1)  # (R,)
    low, high = torch.quantile(values, torch.tensor([0.025, 0.975], dtype=values.dtype)).tolist()
    return low, high


def resamples():
    """41, 201 or 2,001 draws, of which the two quantiles are members themselves, by every rule of counting.

    The last one is for those who ask torch for 4 million numbers one by one: the lesson would take minutes on that.
    """
    bits = torch.tensor([8.0, 2.0, 30.0], dtype=torch.double)
    generator = torch.Generator().manual_seed(0)
    yield bits * math.log(2), torch.tensor([4, 2, 20]), torch.randint(3, (41, 3), generator=generator)
    n_bytes = torch.randint(20, 400, (12,), generator=generator)
    nats = n_bytes * (0.6 + torch.rand(12, generator=generator, dtype=torch.double))
    yield nats, n_bytes, torch.randint(12, (41, 12), generator=generator)
    yield nats, n_bytes, torch.randint(12, (201, 12), generator=generator)
    n_bytes = torch.randint(20, 400, (2000,), generator=generator)
    nats = n_bytes * (0.6 + torch.rand(2000, generator=generator, dtype=torch.double))
    yield nats, n_bytes, torch.randint(2000, (2001, 2000), generator=generator)


def as_pair(answer, nats, n_bytes, draws):
    """Any two numbers in a row are a pair: a tuple, a list, a tensor or an array."""
    pair = answer(nats, n_bytes, draws)
    if isinstance(pair, torch.Tensor | np.ndarray) and pair.shape == (2,):
        return tuple(pair.tolist())
    if isinstance(pair, list | tuple) and len(pair) == 2:
        return tuple(x.item() if hasattr(x, "item") and x.ndim == 0 else x for x in pair)
    return pair


def look_at_pair(got, expected, nats, n_bytes, draws):
    if not isinstance(got, tuple) or len(got) != 2 or not all(isinstance(x, int | float) for x in got):
        if isinstance(got, torch.Tensor) and got.shape == (len(draws),):
            return "These are the figures of all resamples. Give back two numbers: their 2.5% and 97.5% quantiles."
        return "Two numbers, please: (low, high)."
    values = sorted((nats[draws].sum(1) / math.log(2) / n_bytes[draws].sum(1)).tolist())
    k = round(0.025 * (len(values) - 1))
    rank = [min(range(len(values)), key=lambda i: abs(values[i] - x)) for x in got]
    if all(abs(values[i] - x) < 1e-6 for i, x in zip(rank, got, strict=True)):
        return (
            "Did you draw for yourself? The resamples are given: `draws`. If you used it: of its "
            f"{len(values)} figures in order you took number {rank[0] + 1} and number {rank[1] + 1}; 95% lie between "
            f"number {k + 1} and number {len(values) - k}."
        )
    if math.isclose(got[1] - got[0], expected[1] - expected[0], rel_tol=1e-4):
        return "The right width, but moved. Give back the two quantiles themselves, nothing added or mirrored."
    return (
        f"The first resample has the documents {draws[0].tolist()}: {nats[draws[0]].sum() / math.log(2):.4g} bits over "
        f"{n_bytes[draws[0]].sum()} bytes. Get that figure for each of the {len(values)} rows, then the quantiles. "
        "(Was `draws` used? It holds the resamples; don't draw for yourself.)"
    )


def figures(nats, n_bytes, draws):
    return nats[draws].sum(1) / math.log(2) / n_bytes[draws].sum(1)


def quantiles(values, low=0.025, high=0.975):
    return tuple(torch.quantile(values.double(), torch.tensor([low, high], dtype=torch.double)).tolist())


def around(values, width=1.96):
    return (values.mean() - width * values.std()).item(), (values.mean() + width * values.std()).item()


BOOTSTRAP_INTERVAL = Exercise(
    name="bootstrap_interval",
    reference=bootstrap_interval,
    use=as_pair,
    examples=resamples,
    explain=look_at_pair,
    advice={
        "TooLong": " Or does it look up 4 million draws one by one? nats[draws] looks up all at once.",
        "must be in the range [0, 1]": "a quantile is a share: 0.025 and 0.975, not 2.5 and 97.5.",
        "q tensor must be same dtype": "give the two shares the dtype of the values: dtype=values.dtype.",
        "input tensor must be either float or double": "the figures need fractions.",
        "only one element tensors can be converted": "in a loop over draws, each row is a tensor of indices: "
        "nats[row].sum().",
        "out of bounds": "draws holds numbers of documents: nats[draws], not draws[nats].",
    },
    hints=(
        "nats[draws] has the shape of draws, (R, n): each row holds the prices of one resample's documents. Add up "
        "along the rows, and do the same with the bytes.",
        "values = nats[draws].sum(1) / math.log(2) / n_bytes[draws].sum(1) are R figures. 95% of them lie between "
        "their 2.5% and 97.5% quantiles: torch.quantile(values, 0.025).",
    ),
    mistakes=(
        Mistake(
            "In nats per byte. Divide by ln 2.",
            lambda nats, n_bytes, draws: quantiles(nats[draws].sum(1) / n_bytes[draws].sum(1)),
        ),
        Mistake(
            "You averaged the documents' own figures. A resample is scored like the text itself: all its bits over all "
            "its bytes.",
            lambda nats, n_bytes, draws: quantiles((nats / n_bytes)[draws].mean(1) / math.log(2)),
        ),
        Mistake(
            "These borders leave out 5% on each side, so 90% lie between them. For 95% it is 2.5% on each side.",
            lambda nats, n_bytes, draws: quantiles(figures(nats, n_bytes, draws), 0.05, 0.95),
        ),
        Mistake(
            "The lower border is at 2.5%, the upper at 97.5%: you took 95% for one of them.",
            lambda nats, n_bytes, draws: quantiles(figures(nats, n_bytes, draws), 0.025, 0.95),
        ),
        Mistake(
            "0.25 and 0.75 hold the middle half. For 95%: 0.025 and 0.975.",
            lambda nats, n_bytes, draws: quantiles(figures(nats, n_bytes, draws), 0.25, 0.75),
        ),
        Mistake(
            "The smallest and the largest: they go on widening with every further resample. Take the quantiles.",
            lambda nats, n_bytes, draws: (
                figures(nats, n_bytes, draws).min().item(),
                figures(nats, n_bytes, draws).max().item(),
            ),
        ),
        Mistake(
            "Mean ± 1.96 spreads is the interval of a bell curve. Here we read it off the figures themselves, by their "
            "quantiles, whatever shape they have.",
            lambda nats, n_bytes, draws: around(figures(nats, n_bytes, draws)),
        ),
        Mistake(
            "Mean ± 2 spreads is the interval of a bell curve. Here we read it off the figures themselves, by their "
            "quantiles, whatever shape they have.",
            lambda nats, n_bytes, draws: around(figures(nats, n_bytes, draws), 2.0),
        ),
        Mistake(
            "That is where single documents lie, not where the figure of the whole text might: draws was not used.",
            lambda nats, n_bytes, draws: quantiles(nats / n_bytes / math.log(2)),
        ),
        Mistake(
            "Mean ± 1.96 spreads of the single documents: that is where one document lies, not where the figure of the "
            "whole text might. draws was not used.",
            lambda nats, n_bytes, draws: around(nats / n_bytes / math.log(2)),
        ),
        Mistake(
            "Mean ± 1.96 spreads / √n of the single documents: draws was not used, and a short document counted as "
            "much as a long one. Score each resample, then read the quantiles off.",
            lambda nats, n_bytes, draws: around(nats / n_bytes / math.log(2), 1.96 / math.sqrt(len(nats))),
        ),
        Mistake(
            "sum() without an axis adds up all resamples together, and one figure is left. One for each row: sum(1).",
            lambda nats, n_bytes, draws: quantiles(nats[draws].sum().view(1) / math.log(2) / n_bytes[draws].sum()),
        ),
        Mistake(
            "The spread of the resampled figures is that of the figure already; divided by √R it shrinks with every "
            "resample you add. And we read the borders off: quantiles.",
            lambda nats, n_bytes, draws: around(figures(nats, n_bytes, draws), 1.96 / math.sqrt(len(draws))),
        ),
        Mistake(
            "0.5% on each side leaves 99% in between. For 95% it is 2.5% on each side.",
            lambda nats, n_bytes, draws: quantiles(figures(nats, n_bytes, draws), 0.005, 0.995),
        ),
        Mistake(
            "percentile counts in per cent: 2.5 and 97.5. quantile takes shares: 0.025 and 0.975.",
            lambda nats, n_bytes, draws: quantiles(figures(nats, n_bytes, draws), 0.00025, 0.00975),
        ),
        Mistake(
            "(high, low): the lower one comes first.",
            lambda nats, n_bytes, draws: quantiles(figures(nats, n_bytes, draws))[::-1],
        ),
        Mistake(
            "The bytes have to be those of the documents drawn: n_bytes[draws], too.",
            lambda nats, n_bytes, draws: quantiles(nats[draws].sum(1) / math.log(2) / n_bytes.sum()),
        ),
        Mistake(
            "Each row of draws is one resample; you added up along the columns.",
            lambda nats, n_bytes, draws: quantiles(nats[draws].sum(0) / math.log(2) / n_bytes[draws].sum(0)),
        ),
        Mistake(
            "You multiplied by ln 2. One nat is 1.44 bits: divide.",
            lambda nats, n_bytes, draws: quantiles(nats[draws].sum(1) * math.log(2) / n_bytes[draws].sum(1)),
        ),
        Mistake(
            "Bits per document. Divide by the bytes of the documents drawn, not by their number.",
            lambda nats, n_bytes, draws: quantiles(nats[draws].mean(1) / math.log(2)),
        ),
        Mistake(
            "Each document drawn counts once in yours, however often it was drawn. Twice drawn is twice paid, and "
            "twice counted: nats[draws] does that.",
            lambda nats, n_bytes, draws: quantiles(
                torch.stack([nats[r.unique()].sum() / n_bytes[r.unique()].sum() for r in draws]) / math.log(2)
            ),
        ),
    ),
)
