"""Sampling from scores that no healthy model gives, and draws by the 100,000 against the exact probabilities."""

import itertools
import math
from collections import Counter
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tinygpt.config import InputError, SampleConfig
from tinygpt.sampling import apply_temperature, keep_top_k, keep_top_p, next_token_probs, pick

INF, NAN = math.inf, math.nan
LARGEST, TINIEST = torch.finfo(torch.float32).max, torch.finfo(torch.float32).tiny
SETTINGS = [
    SampleConfig(temperature=temperature, top_k=top_k, top_p=top_p)
    for temperature, top_k, top_p in itertools.product(
        [0, math.ulp(0), 1e-30, 0.8, 1, 1e30], [0, 1, 3, 99], [math.ulp(0), 0.5, 1 - 1e-12, 1]
    )
]
NO_NUMBERS = {
    "nan": [0, NAN, 1],
    "all nan": [NAN] * 3,
    "inf": [0, INF, 1],
    "both infinities": [INF, -INF, 0],
    "all inf": [INF] * 3,
    "all -inf": [-INF] * 3,
    "nan beside -inf": [-INF, NAN, -INF],
}
ODD = {  # scores, and the tokens that may come
    "all equal": ([3.0] * 7, range(7)),
    "all zero": ([0.0, -0.0, 0.0], range(3)),
    "one finite": ([-INF, -INF, -5.0, -INF], [2]),
    "one token": ([-7.0], [0]),
    "two finite": ([-INF, 1.0, -INF, 1.0], [1, 3]),
    "the largest numbers": ([LARGEST, -LARGEST, 0.0, LARGEST], range(4)),
    "the smallest numbers": ([TINIEST, -TINIEST, 0.0, 1e-45], range(4)),
    "far apart": ([1e30, 0.0, -1e30], range(3)),
    "far below zero": ([-1e30, -1e30, -2e30], range(3)),
}


@pytest.mark.parametrize("scores", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_scores_that_are_no_numbers_are_refused_however_a_token_is_picked(scores):
    for config in SETTINGS:
        with pytest.raises(InputError, match="no token can be picked: the scores hold nan or infinity"):
            pick(torch.tensor(scores), config)


@pytest.mark.parametrize("scores, possible", ODD.values(), ids=ODD)
def test_odd_scores_still_give_a_token_that_is_possible(scores, possible):
    generator, logits = torch.Generator().manual_seed(0), torch.tensor(scores)
    for config in SETTINGS:
        probs = next_token_probs(logits, config)
        assert probs.isfinite().all() and probs.sum().item() == pytest.approx(1, abs=1e-6)
        assert set(probs.nonzero().flatten().tolist()) <= set(possible) and probs[logits.argmax()] > 0
        for _ in range(5):
            assert probs[pick(logits, config, generator)] > 0


WIDE = st.lists(st.floats(width=32, allow_nan=False).filter(lambda x: x < INF), min_size=1, max_size=20)


@given(WIDE, st.floats(0, 1, exclude_min=True), st.integers(0, 22), st.floats(0, LARGEST))
def test_top_p_and_top_k_never_leave_nothing(scores, p, k, temperature):
    logits = torch.tensor(scores)
    if logits.amax() == -INF:
        return
    for kept in (keep_top_p(logits, p), keep_top_k(logits, k), keep_top_p(apply_temperature(logits, temperature), p)):
        assert kept.amax().isfinite()
    assert logits[pick(logits, SampleConfig(temperature=temperature, top_k=k, top_p=p))] > -INF


# By the 100,000

WEIGHTS = [1, 64, 9, 9, 0, 25, 4, 16, 36, 4]  # of ten tokens: squares, so that temperature 2 gives fractions too
DRAWN = [
    SampleConfig(temperature=1, top_p=1),
    SampleConfig(temperature=0.5, top_p=1),
    SampleConfig(temperature=2, top_p=1),
    SampleConfig(temperature=1, top_k=4, top_p=1),
    SampleConfig(temperature=1, top_k=5, top_p=1),  # the fifth and the sixth are as likely
    SampleConfig(temperature=1, top_p=0.7),
    SampleConfig(temperature=2, top_k=6, top_p=0.8),
    SampleConfig(temperature=1, top_p=1e-9),
]


def exact(config):
    """The probabilities in fractions, straight from the definitions."""
    powers = {0.5: lambda w: w**2, 1: lambda w: w, 2: math.isqrt}
    shares = {token: Fraction(powers[config.temperature](w)) for token, w in enumerate(WEIGHTS)}
    ranked = sorted(shares, key=lambda token: -shares[token])
    if config.top_k:
        ranked = [token for token in ranked if shares[token] >= shares[ranked[config.top_k - 1]]]
    total = sum(shares[token] for token in ranked)
    reached = itertools.accumulate(shares[token] / total for token in ranked)
    nucleus = ranked[: 1 + sum(share < Fraction(config.top_p) for share in reached)]
    return {token: shares[token] / sum(map(shares.get, nucleus)) for token in nucleus if shares[token]}


def test_the_exact_probabilities_by_hand():
    assert exact(SampleConfig(temperature=1, top_k=2, top_p=1)) == {1: Fraction(64, 100), 8: Fraction(36, 100)}
    assert exact(SampleConfig(temperature=2, top_k=2, top_p=0.5)) == {1: 1}


def critical(freedom):
    """What chi-square exceeds once in 10,000 times, by Wilson and Hilferty's approximation."""
    part = 2 / (9 * freedom)
    return freedom * (1 - part + 3.719 * math.sqrt(part)) ** 3


def chi_square(counts, probs):
    n = counts.total()
    return sum((counts[token] - float(n * p)) ** 2 / float(n * p) for token, p in probs.items())


@pytest.mark.parametrize("config", DRAWN)
@pytest.mark.parametrize("n", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_draws_are_as_frequent_as_the_exact_probabilities(config, n):
    generator, probs = torch.Generator().manual_seed(n), exact(config)
    logits = torch.tensor(WEIGHTS).log()
    counts = Counter(pick(logits, config, generator) for _ in range(n))
    assert set(counts) <= set(probs)
    if len(probs) > 1:
        found = chi_square(counts, probs)
        print(f"{config}: chi-square {found:.1f} of {len(probs)} tokens, {critical(len(probs) - 1):.1f} is too much")
        assert found < critical(len(probs) - 1)
