"""One protocol for every figure: windows, strides, intervals, documents."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tinygpt import evaluation
from tinygpt.config import InputError, ModelConfig
from tinygpt.evaluation import Score, evaluate, evaluating, score_of, windows
from tinygpt.model import TinyGPT
from tinygpt.tokens import token_file

END = 0
IDS = {"a": 1, "b": 2, "é": 3}  # é has two bytes


def tokens_of(*texts):
    return token_file(texts, lambda text: [IDS[character] for character in text], END)


def random_tokens(n_documents, longest, vocab_size, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, n_documents)
    return token_file([" " * n for n in lengths], lambda text: rng.integers(1, vocab_size, len(text)).tolist(), END)


def model(preset="modern", context_length=5, vocab_size=20, **changes):
    torch.manual_seed(0)
    sizes = dict(vocab_size=vocab_size, context_length=context_length, d_model=16, n_heads=2, n_layers=2)
    model = TinyGPT(ModelConfig.preset(preset, **{**sizes, **changes}))
    with torch.no_grad():
        for p in model.parameters():
            p += 0.3 * torch.randn_like(p)
    return model


class Unigram(nn.Module):
    """The end has probability 1/2, a has 1/4, b and é have 1/8 each, whatever came before: 1, 2, 3 and 3 bits."""

    def __init__(self):
        super().__init__()
        self.config = ModelConfig(vocab_size=4, context_length=3)
        self.head = nn.Linear(1, 4)

    def forward(self, ids):
        return torch.tensor([1 / 2, 1 / 4, 1 / 8, 1 / 8]).log().expand(*ids.shape, 4)


# By hand: the stream is |ab||é| with | for the end. ab and its end cost 2 + 3 + 1 bits, the empty document its end
# only, 1, and é with its end 3 + 1.


def test_a_score_by_hand():
    score = evaluate(Unigram(), tokens_of("ab", "", "é"))
    np.testing.assert_allclose(score.nats / math.log(2), [6, 1, 4], rtol=1e-6)
    assert score.tokens.tolist() == [3, 1, 2]
    assert score.bytes.tolist() == [2, 0, 2]
    assert score.bits_per_byte == pytest.approx(11 / 4)
    assert score.nats_per_token == pytest.approx(11 / 6 * math.log(2))
    assert score.perplexity == pytest.approx(2 ** (11 / 6))


def test_some_documents_only():
    score = evaluate(Unigram(), tokens_of("ab", "", "é"))
    for third in (score.of([2]), score.of(np.array([False, False, True]))):
        assert third.tokens.tolist() == [2] and third.bits_per_byte == pytest.approx(4 / 2)
    assert score.of([0, 0, 2]).bits_per_byte == pytest.approx((6 + 6 + 4) / 6)


def test_the_end_belongs_to_the_document_before_it():
    tokens = tokens_of("ab", "a")  # predicted: a b | a |
    score = score_of(np.array([1.0, 10, 100, 1000, 10000]), tokens)
    assert score.nats.tolist() == [111, 11000] and score.tokens.tolist() == [3, 2]


def test_uniform_guesses_cost_the_logarithm_of_the_vocabulary():
    uniform = model(vocab_size=20)
    nn.init.zeros_(uniform.head.weight)
    tokens = random_tokens(10, 9, vocab_size=20)
    score = evaluate(uniform, tokens)
    assert score.nats_per_token == pytest.approx(math.log(20))
    assert score.perplexity == pytest.approx(20)
    n_predicted = len(tokens.ids) - 1
    assert score.bits_per_byte == pytest.approx(n_predicted * math.log2(20) / tokens.n_bytes)


# Windows


def test_windows_by_hand():
    [(inputs, targets), (last_input, last_target)] = windows(torch.arange(8), 3, 3)
    assert inputs.tolist() == [[0, 1, 2], [3, 4, 5]] and targets.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert last_input.tolist() == [[6]] and last_target.tolist() == [[7]]


@given(st.integers(1, 200), st.integers(1, 50), st.integers(1, 4))
def test_every_token_but_the_first_is_predicted_once(n_tokens, context_length, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "WINDOWS_AT_ONCE", at_once)
        batches = list(windows(torch.arange(n_tokens), context_length, context_length))
    assert [i for inputs, _ in batches for i in inputs.flatten().tolist()] == list(range(n_tokens - 1))
    assert all(targets.equal(inputs + 1) for inputs, targets in batches)
    shapes = [tuple(inputs.shape) for inputs, _ in batches]
    assert all(1 <= B <= at_once and 1 <= T <= context_length for B, T in shapes)
    assert sum(B for B, _ in shapes) == math.ceil((n_tokens - 1) / context_length)


@torch.no_grad()
def nats_one_at_a_time(model, tokens):
    """What each predicted token costs, given the earlier ones of its window."""
    ids, context_length = torch.from_numpy(tokens.ids.astype(np.int64)), model.config.context_length
    nats = []
    for i in range(1, len(ids)):
        start = (i - 1) // context_length * context_length
        nats.append(-model(ids[None, start:i])[0, -1].log_softmax(-1)[ids[i]].item())
    return nats


@pytest.mark.parametrize("preset", ["gpt2", "modern"])
@pytest.mark.parametrize("context_length", [1, 5, 6, 100])
def test_same_as_one_token_at_a_time(preset, context_length, monkeypatch):
    monkeypatch.setattr(evaluation, "WINDOWS_AT_ONCE", 3)
    scored, tokens = model(preset, context_length), random_tokens(12, 8, vocab_size=20)
    nats = nats_one_at_a_time(scored, tokens)
    score = evaluate(scored, tokens)
    expected = [sum(nats[start:end]) for start, end in zip(tokens.starts, tokens.ends, strict=True)]
    np.testing.assert_allclose(score.nats, expected, rtol=1e-5)
    assert score.tokens.sum() == len(nats) == len(tokens.ids) - 1


# Strides


def test_overlapping_windows_by_hand():
    [(inputs, targets), (last, last_target)] = windows(torch.arange(9), 4, 3)
    assert inputs.tolist() == [[0, 1, 2, 3], [3, 4, 5, 6]] and targets.tolist() == [[1, 2, 3, 4], [4, 5, 6, 7]]
    assert last.tolist() == [[6, 7]] and last_target.tolist() == [[7, 8]]


@torch.no_grad()
def nats_with_stride(model, tokens, stride):
    """What each token costs: the first window predicts all of its tokens, each later one what is left."""
    ids, context_length = torch.from_numpy(tokens.ids.astype(np.int64)), model.config.context_length
    nats = []
    for i in range(1, len(ids)):
        start = max(0, -(-(i - context_length) // stride)) * stride  # the first window that reaches the token
        nats.append(-model(ids[None, start:i])[0, -1].log_softmax(-1)[ids[i]].item())
    return nats


@pytest.mark.parametrize("context_length, stride", [(5, 1), (5, 2), (5, 4), (5, 5), (6, 3), (100, 7)])
def test_a_stride_gives_each_token_the_first_window_that_reaches_it(context_length, stride, monkeypatch):
    monkeypatch.setattr(evaluation, "WINDOWS_AT_ONCE", 3)
    scored, tokens = model("gpt2", context_length), random_tokens(12, 8, vocab_size=20)
    nats = nats_with_stride(scored, tokens, stride)
    expected = [sum(nats[start:end]) for start, end in zip(tokens.starts, tokens.ends, strict=True)]
    np.testing.assert_allclose(evaluate(scored, tokens, stride).nats, expected, rtol=1e-5)


@pytest.mark.parametrize("stride", [0, -1, 6])
def test_a_stride_beyond_the_context_is_refused(stride):
    with pytest.raises(InputError, match=f"stride={stride} "):
        evaluate(model(context_length=5), random_tokens(3, 9, vocab_size=20), stride)


# Intervals


def scores(n, seed=0):
    rng = np.random.default_rng(seed)
    n_bytes = rng.integers(50, 150, n)
    return Score(n_bytes * rng.normal(1.5, 0.3, n), n_bytes // 4, n_bytes)


@pytest.mark.parametrize("figure", ["bits_per_byte", "perplexity", "nats_per_token"])
def test_an_interval_contains_the_value_and_shrinks_with_more_documents(figure):
    widths = []
    for n in (10, 100, 1000):
        score = scores(n)
        low, high = score.interval(figure)
        assert low < getattr(score, figure) < high
        widths.append(high - low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_an_interval_is_that_of_the_mean():
    n, rng = 400, np.random.default_rng(0)
    bits = rng.normal(2, 0.5, n)  # per byte, of documents that are all 100 bytes long
    score = Score(100 * bits * math.log(2), np.full(n, 25), np.full(n, 100))
    error = 1.96 * bits.std() / math.sqrt(n)
    assert score.interval(resamples=2000) == pytest.approx((bits.mean() - error, bits.mean() + error), abs=error / 8)


def test_an_interval_depends_on_its_seed_only():
    score, state = scores(50), np.random.get_state()[1].copy()
    assert score.interval(seed=1) == score.interval(seed=1) != score.interval(seed=2)
    assert (np.random.get_state()[1] == state).all()


def test_an_interval_is_of_1000_resamples_from_seed_0_however_one_asks():
    a = scores(20)
    b = Score(2 * a.nats, a.tokens, a.bytes)
    one, other = (score.resampled(resamples=1000, seed=0) for score in (a, b))
    assert a.resampled().tolist() == one.tolist()
    assert a.interval() == evaluation.middle(one)
    assert b.interval_of_difference(a) == evaluation.middle(other - one)


def test_a_score_stays_as_it_is():
    with pytest.raises(FrozenInstanceError):
        scores(3).nats = None


def test_without_variety_there_is_no_interval():
    same = Score(np.full(9, 5.0), np.full(9, 3), np.full(9, 7))
    assert same.interval() == pytest.approx((same.bits_per_byte, same.bits_per_byte))


def test_a_pair_is_surer_than_two_scores_apart():
    a = scores(100)
    b = Score(a.nats * 0.98, a.tokens, a.bytes)
    low, high = a.interval_of_difference(b)
    assert 0 < low < a.bits_per_byte - b.bits_per_byte < high
    assert a.interval()[0] < b.interval()[1]  # side by side they overlap
    assert high - low < 0.1 * (a.interval()[1] - a.interval()[0])
    assert b.interval_of_difference(a) == pytest.approx((-high, -low))
    assert a.interval_of_difference(a) == (0, 0)


@pytest.mark.parametrize("figure", ["perplexity", "nats_per_token"])
def test_a_difference_is_that_of_the_figure_asked_for(figure):
    a = scores(100)
    b = Score(a.nats * 0.98, a.tokens, a.bytes)
    low, high = a.interval_of_difference(b, figure)
    assert low < getattr(a, figure) - getattr(b, figure) < high
    assert a.interval_of_difference(b, figure, seed=1) != (low, high) != a.interval_of_difference(b, figure, 50)


def test_every_document_is_drawn_as_often_as_any_other():
    score = Score(np.array([1, 2, 4]) * math.log(2), np.ones(3, dtype=int), np.ones(3, dtype=int))
    found, times = np.unique((3 * score.resampled(resamples=2700)).round(6), return_counts=True)
    assert found.tolist() == [3, 4, 5, 6, 7, 8, 9, 10, 12]  # 1+1+1, 1+1+2, 1+2+2, 1+1+4 or 2+2+2, ...
    np.testing.assert_allclose(times, 100 * np.array([1, 3, 3, 4, 6, 3, 3, 3, 1]), atol=80)


def test_scores_of_other_documents_are_no_pair():
    with pytest.raises(InputError, match="same documents"):
        scores(9).interval_of_difference(scores(9, seed=1))


# Modes


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_off_and_comes_back(training):
    tokens = random_tokens(5, 9, vocab_size=20)
    noisy = model(dropout=0.5).train(training)
    assert evaluate(noisy, tokens).nats.tolist() == evaluate(model(), tokens).nats.tolist()
    assert noisy.training == training and all(part.training == training for part in noisy.modules())


def test_the_mode_comes_back_after_a_failure():
    some = model().train()
    with pytest.raises(ZeroDivisionError), evaluating(some):
        assert not some.training
        1 / 0  # noqa: B018
    assert some.training


def test_a_model_can_be_trained_after_it_was_evaluated():
    some = model()
    evaluate(some, random_tokens(3, 9, vocab_size=20))
    some.loss(torch.ones(1, 4, dtype=torch.long), torch.ones(1, 4, dtype=torch.long)).backward()
    assert all(p.grad is not None for p in some.parameters())
