"""Temperature, top-k, top-p and the loop that writes."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from tinygpt.config import InputError, ModelConfig, SampleConfig
from tinygpt.model import TinyGPT
from tinygpt.numpy_model import NumpyGPT
from tinygpt.sampling import (
    TorchDecoder,
    apply_temperature,
    generate,
    generate_ids,
    keep_top_k,
    keep_top_p,
    make_decoder,
    next_token_probs,
    pick,
    prompt_ids,
    whole_characters,
)
from tinygpt.tokenizer import Tokenizer

PRESETS = ("gpt2", "modern")
GREEDY = SampleConfig(temperature=0)
PLAIN = SampleConfig(temperature=1, top_p=1)
# Few different values, so that ties are common.
LOGITS = st.lists(st.integers(-8, 8).map(lambda n: n / 2), min_size=1, max_size=12).map(torch.tensor)


def logs(*probs):
    return torch.tensor(probs).log()


def kept(logits):
    return logits.isfinite().tolist()


# Temperature


def test_temperature_by_hand():
    logits = logs(0.5, 0.25, 0.25)
    assert_close(apply_temperature(logits, 1).softmax(-1), torch.tensor([0.5, 0.25, 0.25]))
    assert_close(apply_temperature(logits, 0.5).softmax(-1), torch.tensor([4 / 6, 1 / 6, 1 / 6]))  # squares
    assert_close(apply_temperature(logits, 1e9).softmax(-1), torch.full([3], 1 / 3))
    assert apply_temperature(torch.tensor([[7.0, 5], [1, 2]]), 0.5).tolist() == [[0, -4], [-2, 0]]


@given(LOGITS, st.floats(0, 1e-3, exclude_min=True))
def test_a_temperature_near_zero_is_greedy_among_the_likeliest(logits, temperature):
    likeliest = logits == logits.max()
    probs = next_token_probs(1000 * logits, SampleConfig(temperature=temperature, top_p=1))
    assert_close(probs, likeliest / likeliest.sum())


def test_temperature_zero_takes_the_likeliest():
    logits = torch.tensor([[1.0, 3, 2], [5, 4, 0]])
    assert next_token_probs(logits, GREEDY).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert [pick(row, GREEDY) for row in logits] == [1, 0]
    assert_close(next_token_probs(logits, SampleConfig(temperature=1e-4)), next_token_probs(logits, GREEDY))


# Top-k and top-p


def test_top_k_by_hand():
    logits = torch.tensor([1.0, 4, 2, 3])
    assert keep_top_k(logits, 2).tolist() == [-math.inf, 4, -math.inf, 3]
    assert keep_top_k(logits, 0).equal(logits) and keep_top_k(logits, 4).equal(logits)
    assert keep_top_k(logits, 99).equal(logits)
    assert kept(keep_top_k(torch.tensor([2.0, 1, 2, 0]), 1)) == [True, False, True, False]  # a tie


def test_top_p_by_hand():
    logits = logs(0.125, 0.5, 0.25, 0.125)
    for p, expected in [
        (0.4, [0, 1, 0, 0]),
        (0.5, [0, 1, 0, 0]),  # exactly reached
        (0.6, [0, 1, 1, 0]),
        (0.8, [1, 1, 1, 0]),  # of two that are as likely the first
        (0.9, [1, 1, 1, 1]),
        (1.0, [1, 1, 1, 1]),
        (1e-30, [0, 1, 0, 0]),
    ]:
        assert kept(keep_top_p(logits, p)) == list(map(bool, expected)), p


def test_p_1_rules_nothing_out_where_float32_adds_up_to_1_early():
    logits = torch.tensor([0.0, -50])
    assert keep_top_p(logits, 1).equal(logits)


@given(LOGITS, st.integers(0, 14))
def test_top_k_keeps_k_or_those_tied_with_the_kth(logits, k):
    before = logits.clone()
    result = keep_top_k(logits, k)
    assert logits.equal(before)
    kth = sorted(logits.tolist(), reverse=True)[min(k or 99, len(logits)) - 1]
    assert result.tolist() == [x if x >= kth else -math.inf for x in logits.tolist()]


@given(LOGITS, st.floats(0, 1, exclude_min=True))
def test_top_p_keeps_the_fewest_that_reach_p(logits, p):
    before, probs = logits.clone(), logits.double().softmax(-1)
    result = keep_top_p(logits, p)
    keeps = result.isfinite()
    assert logits.equal(before) and result[keeps].equal(logits[keeps])
    likeliest_first = sorted(range(len(logits)), key=lambda i: -logits[i])  # stable: ties in order
    n = int(keeps.sum())
    assert n >= 1
    assert set(keeps.nonzero().flatten().tolist()) == set(likeliest_first[:n])
    assert probs[likeliest_first[:n]].sum() >= p - 1e-6
    assert n == 1 or probs[likeliest_first[: n - 1]].sum() < p + 1e-6


@given(LOGITS, st.sampled_from([math.ulp(0), 1e-30, 1e-9]))
def test_a_tiny_p_keeps_the_likeliest(logits, p):
    assert keep_top_p(logits, p).isfinite().nonzero().tolist() == [[int(logits.argmax())]]


@given(LOGITS, st.integers(0, 14), st.floats(0.01, 1), st.sampled_from([0.1, 0.8, 1, 3]))
def test_what_is_kept_keeps_its_proportions_and_the_caller_s_logits_stay(logits, k, p, temperature):
    before = logits.clone()
    probs = next_token_probs(logits, SampleConfig(temperature=temperature, top_k=k, top_p=p))
    assert logits.equal(before)
    assert probs.sum().item() == pytest.approx(1, abs=1e-6)
    keeps = probs > 0
    expected = torch.where(keeps, (logits.double() / temperature).softmax(-1), 0)
    assert_close(probs.double(), expected / expected.sum(), atol=1e-6, rtol=1e-4)
    assert keeps[logits.argmax()]


def test_top_p_counts_what_top_k_and_temperature_have_left():
    logits = logs(0.5, 0.25, 0.125, 0.125)
    # At temperature 1/2 the odds are 16 : 4 : 1 : 1; of the first two the first has 0.8, of all four 0.73.
    assert next_token_probs(logits, SampleConfig(temperature=0.5, top_k=2, top_p=0.79)).tolist() == [1, 0, 0, 0]
    assert_close(next_token_probs(logits, SampleConfig(temperature=0.5, top_k=2, top_p=0.81))[:2], logs(0.8, 0.2).exp())
    assert kept(next_token_probs(logits, SampleConfig(temperature=0.5, top_p=0.79)).log()) == [True, True, False, False]


@pytest.mark.parametrize("config", [PLAIN, GREEDY, SampleConfig(temperature=0.7, top_k=4, top_p=0.8)])
def test_each_row_of_a_batch_is_on_its_own(config):
    logits = torch.randn(2, 3, 9, generator=torch.Generator().manual_seed(0))
    probs = next_token_probs(logits, config)
    assert_close(probs.sum(-1), torch.ones(2, 3))
    for b, t in itertools.product(range(2), range(3)):
        assert_close(probs[b, t], next_token_probs(logits[b, t], config))


# Picking


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (PLAIN, [0.5, 0.3, 0.15, 0.05]),
        (SampleConfig(temperature=1, top_k=2, top_p=1), [0.625, 0.375, 0, 0]),
        (SampleConfig(temperature=1, top_p=0.9), [0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0]),
    ],
)
def test_tokens_are_as_frequent_as_they_are_likely(config, expected):
    logits, generator, n = logs(0.5, 0.3, 0.15, 0.05), torch.Generator().manual_seed(0), 5000
    counts = np.bincount([pick(logits, config, generator) for _ in range(n)], minlength=4)
    expected = n * np.array(expected)
    possible = expected > 0
    assert not counts[~possible].any()
    chi_square = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    assert chi_square < 16.3  # exceeded once in 1000 seeds, for 3 degrees of freedom


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("config", [PLAIN, SampleConfig(top_p=0.5)])
def test_scores_that_are_no_numbers_are_refused(wrong, config):
    with pytest.raises(InputError, match="no token can be picked"):
        pick(torch.tensor([0.0, wrong, 1.0]), config)


def test_a_token_that_is_ruled_out_is_never_picked_and_the_only_one_left_always():
    generator = torch.Generator().manual_seed(0)
    logits = torch.full((1000,), -math.inf)
    logits[[0, 500, 999]] = 0.0
    assert {pick(logits, PLAIN, generator) for _ in range(300)} == {0, 500, 999}
    logits[[0, 999]] = -math.inf
    assert {pick(logits, PLAIN, generator) for _ in range(50)} == {500}
    assert pick(logs(0, 0, 1), PLAIN, generator) == 2


def test_the_point_is_thrown_from_the_left_and_a_piece_of_no_length_is_never_hit(monkeypatch):
    for point, expected in [(0.0, 1), (0.2, 1), (0.3, 2)]:  # 0 is ruled out, 1 ends at a quarter
        monkeypatch.setattr(torch, "rand", lambda *_, point=point, **__: torch.tensor(point, dtype=torch.double))
        assert pick(logs(0, 0.25, 0.75), PLAIN) == expected


def test_picking_takes_its_chance_from_the_generator_alone():
    logits, state = torch.zeros(100), torch.random.get_rng_state()
    first, again, other = (
        [pick(logits, PLAIN, generator) for _ in range(10)]
        for generator in (torch.Generator().manual_seed(seed) for seed in (1, 1, 2))
    )
    assert first == again != other
    assert torch.random.get_rng_state().equal(state)


# Decoders: what generate_ids asks of one


class Script:
    """A decoder that writes what it is told to, and remembers what it was given to read."""

    def __init__(self, tokens, context_length):
        self.config = SimpleNamespace(context_length=context_length)
        self.tokens, self.read, self.length = iter(tokens), [], 0

    def forget(self):
        self.length = 0
        self.read.append("forgot")

    def __call__(self, ids):
        self.length += len(ids)
        assert 0 < self.length <= self.config.context_length
        self.read.append(list(ids))
        return torch.nn.functional.one_hot(torch.tensor(next(self.tokens)), 257).float()


def write(decoder, ids, max_tokens, end_of_text=0):
    return list(generate_ids(decoder, ids, SampleConfig(temperature=0, max_tokens=max_tokens), end_of_text))


def test_each_token_is_read_once():
    script = Script([11, 12, 13, 14], context_length=10)
    assert write(script, [1, 2], max_tokens=3) == [11, 12, 13]
    assert script.read[:4] == ["forgot", [1, 2], [11], [12]]


def test_writing_stops_at_the_end_of_the_text():
    assert write(Script([11, 12, 0, 13], context_length=10), [1], max_tokens=9) == [11, 12]
    assert write(Script([0], context_length=10), [1], max_tokens=9) == []


def test_a_full_context_is_followed_by_its_later_half():
    script = Script(range(11, 30), context_length=4)
    assert write(script, [1, 2], max_tokens=7) == [11, 12, 13, 14, 15, 16, 17]
    assert script.read[:9] == ["forgot", [1, 2], [11], [12], "forgot", [12, 13], [14], [15], "forgot"]


def test_of_a_long_prompt_the_end_is_read():
    script = Script(range(11, 30), context_length=4)
    write(script, [1, 2, 3, 4, 5, 6], max_tokens=2)
    assert script.read[:4] == ["forgot", [3, 4, 5, 6], "forgot", [6, 11]]


def test_a_context_of_one():
    script = Script(range(11, 30), context_length=1)
    assert write(script, [1, 2], max_tokens=3) == [11, 12, 13]
    assert script.read[:6] == ["forgot", [2], "forgot", [11], "forgot", [12]]


# The real ones


def scrambled(preset, context_length=8, dropout=0.0, vocab_size=257):
    torch.manual_seed(0)
    config = ModelConfig.preset(
        preset,
        vocab_size=vocab_size,
        context_length=context_length,
        d_model=16,
        n_heads=2,
        n_layers=2,
        dropout=dropout,
    )
    model = TinyGPT(config)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.3 * torch.randn_like(p)
    return model


def decoders(model):
    return TorchDecoder(model), TorchDecoder(model, cached=False), NumpyGPT.from_torch(model)


@torch.no_grad()
def written_without_a_decoder(model, ids, n):
    """n greedy tokens, each from all that is in the window."""
    context, seen = model.config.context_length, list(ids)
    window = seen[-context:]
    for _ in range(n):
        seen.append(int(model(torch.tensor([window]))[0, -1].argmax()))
        window = [*window, seen[-1]] if len(window) < context else seen[-max(1, context // 2) :]
    return seen[len(ids) :]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("context_length", [1, 2, 7, 8])
@pytest.mark.parametrize("n_prompt", [1, 7, 8, 20])
def test_every_decoder_writes_the_same_beyond_the_context(preset, context_length, n_prompt):
    model = scrambled(preset, context_length).eval()
    prompt = torch.randint(257, [n_prompt], generator=torch.Generator().manual_seed(n_prompt)).tolist()
    expected = written_without_a_decoder(model, prompt, 20)
    for decoder in decoders(model):
        assert write(decoder, prompt, max_tokens=20, end_of_text=None) == expected


@pytest.mark.parametrize("preset", PRESETS)
def test_every_decoder_draws_the_same(preset):
    config = SampleConfig(temperature=0.9, top_k=50, top_p=0.9, max_tokens=30)
    model = scrambled(preset)
    texts = [
        list(generate_ids(decoder, [1, 2], config, None, torch.Generator().manual_seed(3)))
        for decoder in decoders(model)
    ]
    assert texts[0] == texts[1] == texts[2] and len(set(texts[0])) > 5


def test_a_decoder_can_be_used_again():
    for decoder in decoders(scrambled("modern")):
        assert write(decoder, [5], 12, None) == write(decoder, [5], 12, None)


def test_writing_keeps_nothing_for_gradients_and_remembers_what_it_has_read():
    decoder = TorchDecoder(scrambled("modern"))
    assert not decoder([1, 2]).requires_grad and decoder.cache.length == 2


def test_numpy_is_for_the_cpu():
    assert isinstance(make_decoder(scrambled("modern")), NumpyGPT)
    assert isinstance(make_decoder(scrambled("modern").to("meta")), TorchDecoder)  # stands for any other device


# Text

BYTES = Tokenizer([])  # 256 bytes and the end of the text
CONFIG = SampleConfig(temperature=1, max_tokens=30)


def as_is(model):
    return model


@pytest.mark.parametrize("decoder", [as_is, TorchDecoder, NumpyGPT.from_torch])
def test_equal_seeds_write_equal_texts(decoder):
    model = decoder(scrambled("modern"))
    first, again, other = ("".join(generate(model, BYTES, "é", CONFIG, seed)) for seed in (1, 1, 2))
    assert first == again != other and first
    assert "".join(generate(model, BYTES, "é", CONFIG)) == "".join(generate(model, BYTES, "é", CONFIG, seed=0))


@pytest.mark.parametrize("training", [True, False])
def test_the_model_and_torch_s_own_chance_are_left_as_found(training):
    model = scrambled("gpt2", dropout=0.5).train(training)
    state, weights = torch.random.get_rng_state(), {name: w.clone() for name, w in model.state_dict().items()}
    for decoder in (model, *decoders(model)):
        text = generate(decoder, BYTES, "a", CONFIG)
        assert isinstance(next(text), str) and model.training == training  # in the middle of it
        list(text)
        assert model.training == training
    assert torch.random.get_rng_state().equal(state)
    assert all(w.equal(weights[name]) for name, w in model.state_dict().items())


def test_dropout_does_not_disturb_the_writing():
    noisy, calm = scrambled("gpt2", dropout=0.5).train(), scrambled("gpt2")
    assert "".join(generate(TorchDecoder(noisy), BYTES, "a", CONFIG)) == "".join(generate(calm, BYTES, "a", CONFIG))


def test_a_prompt_begins_a_document():
    assert prompt_ids(BYTES, "") == [BYTES.end_of_text]
    assert prompt_ids(BYTES, "ab") == [BYTES.end_of_text, *BYTES.encode("ab")]
    script = Script([*BYTES.encode("né"), BYTES.end_of_text], context_length=20)
    assert list(generate(script, BYTES, "ab", GREEDY)) == ["n", "é"]
    assert script.read[1] == prompt_ids(BYTES, "ab")


# Whole characters


@given(st.text(), st.sets(st.integers(0, 60)))
def test_a_text_cut_anywhere_comes_back_whole(text, cuts):
    data = text.encode()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = list(whole_characters(data[a:b] for a, b in itertools.pairwise(edges)))
    assert "".join(pieces) == text
    assert all(pieces)


@given(st.lists(st.binary(max_size=3) | st.sampled_from(["🙂".encode()[:3], "é".encode(), b"\xff", b"\xed\xa0"])))
def test_what_is_no_utf8_becomes_a_replacement(pieces):
    assert "".join(whole_characters(pieces)) == b"".join(pieces).decode(errors="replace")


def test_replacements_by_hand():
    assert list(whole_characters([b"a\xff", b"\xe2\x82", b"\xac", b"\xe2"])) == ["a\ufffd", "€", "\ufffd"]


def test_text_comes_as_soon_as_it_is_whole():
    read = []

    def pieces():
        for piece in (b"a", b"\xc3", b"\xa9", b"b"):
            read.append(piece)
            yield piece

    characters = whole_characters(pieces())
    assert (next(characters), len(read)) == ("a", 1)
    assert (next(characters), len(read)) == ("é", 3)
    assert (next(characters), len(read)) == ("b", 4)
