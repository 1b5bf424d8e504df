"""The head start: embedding and head know what follows what before the first step."""

import doctest
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from tinygpt import bigrams
from tinygpt.bigrams import count_followers, learn_bigrams
from tinygpt.config import ModelConfig, TrainConfig
from tinygpt.model import TinyGPT

V = 12


def model_of(preset="modern", **changes):
    torch.manual_seed(0)
    return TinyGPT(ModelConfig.preset(preset, vocab_size=V, context_length=8, n_heads=2, **{"d_model": 16} | changes))


@pytest.fixture(scope="module")
def ids():
    """A text in which every token has two followers, one of them three times as likely as the other."""
    rng, stream = np.random.default_rng(0), [0]
    for likely in rng.random(4000) < 0.75:
        stream.append((stream[-1] + (1 if likely else 5)) % V)
    return np.array(stream, dtype=np.uint16)


def price(model, ids):
    """Mean nats for every token of the text but the first, with only the token before it to go by."""
    ids = torch.from_numpy(ids.astype(np.int64))
    with torch.no_grad():
        logits = model(ids[:-1, None])[:, 0]  # (N, V)
    return torch.nn.functional.cross_entropy(logits, ids[1:]).item()


def test_docstring_examples():
    assert doctest.testmod(bigrams).failed == 0


@given(st.lists(st.integers(0, V - 1), min_size=2, max_size=60), st.integers(1, 7))
def test_counting_in_pieces_counts_every_pair_once(ids, at_once):
    expected = torch.zeros(V, V)
    for before, after in itertools.pairwise(ids):
        expected[before, after] += 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bigrams, "TOKENS_AT_ONCE", at_once)
        contexts, shares = count_followers(np.array(ids, dtype=np.uint16), V)
    assert contexts.tolist() == list(range(V))
    assert_close(shares * (len(ids) - 1), expected)


def test_of_many_tokens_only_the_most_frequent_are_counted(monkeypatch):
    monkeypatch.setattr(bigrams, "MAX_CONTEXTS", 2)
    contexts, shares = count_followers(np.array([3, 1, 3, 1, 0, 3, 1]), V)
    assert contexts.tolist() == [1, 3]
    assert shares.sum() == 1 and shares[0].nonzero().flatten().tolist() == [0, 3] and shares[1, 1] == 3 / 5


@pytest.mark.parametrize("changes", [{}, {"d_model": 32}, {"preset": "gpt2", "tied": False}], ids=str)
def test_the_model_comes_to_know_the_pairs(ids, changes):
    model = model_of(**changes)
    blind = price(model, ids)
    learn_bigrams(model, ids, TrainConfig(bigram_steps=200))
    counts = np.zeros((V, V))
    np.add.at(counts, (ids[:-1].astype(int), ids[1:].astype(int)), 1)
    chances = counts / counts.sum(1, keepdims=True)
    best = -(counts[counts > 0] * np.log(chances[counts > 0])).sum() / counts.sum()  # what no table of pairs can beat
    assert abs(blind - math.log(V)) < 0.05
    assert best <= price(model, ids) < best + 0.03


def test_of_a_long_text_the_beginning_is_learned(ids, monkeypatch):
    monkeypatch.setattr(bigrams, "MAX_TOKENS", 500)
    long, short = model_of(), model_of()
    learn_bigrams(long, ids, TrainConfig(bigram_steps=3))
    learn_bigrams(short, ids[:500], TrainConfig(bigram_steps=3))
    assert_close(long.state_dict(), short.state_dict(), rtol=0, atol=0)


def test_the_rates_are_those_of_embedding_and_head_without_a_warmup(ids, monkeypatch):
    taken = []
    set_rates = bigrams.set_learning_rates

    def watched(optimizers, factor):
        set_rates(optimizers, factor)
        taken.append([group["lr"] for group in optimizers[0].param_groups])

    monkeypatch.setattr(bigrams, "set_learning_rates", watched)
    training = TrainConfig(bigram_steps=4, warmup=0.5, decay=0.5, embedding_lr=0.3, head_lr=0.06)
    learn_bigrams(model_of(), ids, training)
    assert_close(taken, [[0.3, 0.06], [0.3, 0.06], [0.3, 0.06], [0.15, 0.03]])


def test_only_embedding_and_head_move(ids):
    model, untouched = model_of("gpt2", tied=False), model_of("gpt2", tied=False)
    learn_bigrams(model, ids, TrainConfig(bigram_steps=3))
    moved = {name for name, p in model.named_parameters() if not p.equal(untouched.get_parameter(name))}
    assert moved == {"token_embedding.weight", "head.weight"}
    assert all(p.grad is None for p in model.parameters())


def test_in_bfloat16_it_learns_as_well(ids):
    model = model_of()
    learn_bigrams(model, ids, TrainConfig(bigram_steps=200), torch.bfloat16)
    exact = model_of()
    learn_bigrams(exact, ids, TrainConfig(bigram_steps=200))
    assert price(model, ids) == pytest.approx(price(exact, ids), abs=0.02)
    assert not model.head.weight.equal(exact.head.weight)  # so bfloat16 it was
    assert all(p.dtype == torch.float32 for p in model.parameters())


def test_a_table_that_takes_the_embedding_s_place_stays_out_of_it(ids):
    model = model_of()
    inner = model.token_embedding
    model.token_embedding = torch.nn.Sequential(inner, torch.nn.Linear(16, 16))
    before = model.token_embedding[1].weight.clone()
    learn_bigrams(model, ids, TrainConfig(bigram_steps=3))
    assert model.token_embedding[1].weight.equal(before) and inner.weight.grad is None
