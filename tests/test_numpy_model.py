"""The model in numpy computes what the one in torch does."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tinygpt.config import InputError, ModelConfig
from tinygpt.model import TinyGPT
from tinygpt.numpy_model import NumpyGPT, erf

V, T = 50, 12
SWITCHES = {
    "positions": ("learned", "rotary"),
    "norm": ("layernorm", "rmsnorm"),
    "qk_norm": (False, True),
    "mlp": ("gelu", "swiglu"),
}
GPT2, MODERN = dict.fromkeys(SWITCHES, 0), dict.fromkeys(SWITCHES, 1)
MIXTURES = [dict(zip(SWITCHES, choice, strict=True)) for choice in itertools.product((0, 1), repeat=4)]


def scrambled(mixture, tied=False):
    """A model without a weight that is zero, one or small: a term that is left out shows."""
    switches = {name: SWITCHES[name][choice] for name, choice in mixture.items()}
    config = ModelConfig(V, T, d_model=16, n_heads=2, n_layers=2, tied=tied, **switches)
    torch.manual_seed(0)
    model = TinyGPT(config).eval().requires_grad_(False)
    for p in model.parameters():
        p += 0.3 * torch.randn_like(p)
    return model


MODELS = {"gpt2": scrambled(GPT2, tied=True), "modern": scrambled(MODERN)}
PRESETS = tuple(MODELS)
both = pytest.mark.parametrize("preset", PRESETS)


def torch_logits(model, ids):
    return model(torch.tensor([list(ids)]))[0].numpy()  # (T, V)


def random_ids(*shape, seed=0):
    return np.random.default_rng(seed).integers(V, size=shape)


def assert_close(a, b):
    np.testing.assert_allclose(a, b, atol=1e-4, rtol=0)


# The same as torch


@pytest.mark.parametrize("mixture", MIXTURES, ids=lambda mixture: "".join(map(str, mixture.values())))
def test_any_mixture_of_switches_token_by_token_and_at_once(mixture):
    model = scrambled(mixture)
    ids, ours = random_ids(T), NumpyGPT.from_torch(model)
    expected = torch_logits(model, ids)
    assert_close([ours([i]) for i in ids], expected)
    for end in range(1, T + 1):
        ours.forget()
        assert_close(ours(ids[:end]), expected[end - 1])


@both
@given(cuts=st.sets(st.integers(1, T - 1)), seed=st.integers(0, 99))
def test_any_cutting_of_a_text_into_pieces_gives_the_same(preset, cuts, seed):
    ids, ours = random_ids(T, seed=seed), NumpyGPT.from_torch(MODELS[preset])
    expected = torch_logits(MODELS[preset], ids)
    for piece in np.split(ids, sorted(cuts)):
        assert_close(ours(piece.tolist()), expected[ours.length - 1])
    assert ours.length == T


@both
def test_the_same_greedy_tokens(preset):
    model, ours = MODELS[preset], NumpyGPT.from_torch(MODELS[preset])
    for prompt in random_ids(50, 4):
        ids, written = prompt.tolist(), []
        while len(ids) < T:
            ids.append(int(torch_logits(model, ids)[-1].argmax()))
        ours.forget()
        logits = ours(prompt)
        for _ in range(T - len(prompt)):
            written.append(int(logits.argmax()))
            if ours.length < T:
                logits = ours(written[-1:])
        assert written == ids[len(prompt) :]


def test_huge_scores_do_not_overflow():
    model = scrambled(GPT2)
    for block in model.blocks:
        block.attention.qkv.weight *= 1000
    with np.errstate(over="raise", invalid="raise"):
        logits = NumpyGPT.from_torch(model)(random_ids(T))
    assert np.isfinite(logits).all()


def test_gates_far_from_zero_do_not_spoil_the_logits():
    model = scrambled(MODERN)
    for block in model.blocks:
        block.mlp.gate.weight *= 1000
    ids = random_ids(T)
    logits, expected = NumpyGPT.from_torch(model)(ids), torch_logits(model, ids)[-1]
    np.testing.assert_allclose(logits, expected, atol=1e-3 * np.abs(expected).max())


def test_erf_is_that_of_the_standard_library():
    x = np.linspace(-8, 8, 4001, dtype=np.float32)
    expected = [math.erf(value) for value in x]
    np.testing.assert_allclose(erf(x), expected, atol=5e-7)
    assert erf(x).dtype == np.float32


# Weights


@both
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_of_any_precision(preset, dtype):
    rounded = TinyGPT(MODELS[preset].config).eval()
    rounded.load_state_dict({name: w.to(dtype).float() for name, w in MODELS[preset].state_dict().items()})
    stored = TinyGPT(MODELS[preset].config).to(dtype)
    stored.load_state_dict(MODELS[preset].state_dict())
    ours = NumpyGPT.from_torch(stored)
    assert {w.dtype for w in ours.w.values()} == {np.dtype(np.float32)}
    with torch.no_grad():
        assert_close(ours(random_ids(T)), torch_logits(rounded, random_ids(T))[-1])


def test_weights_as_arrays_of_half_precision():
    config = MODELS["modern"].config
    halves = {name: w.numpy().astype(np.float16) for name, w in MODELS["modern"].state_dict().items()}
    whole = {name: w.astype(np.float32) for name, w in halves.items()}
    from_halves, from_whole = (NumpyGPT(config, weights)(random_ids(T)) for weights in (halves, whole))
    assert from_halves.dtype == np.float32 and from_halves.tolist() == from_whole.tolist()


# What it remembers


@both
def test_a_forgotten_text_leaves_no_trace(preset):
    ours, ids = NumpyGPT.from_torch(MODELS[preset]), random_ids(2, T)
    ours(ids[0])
    assert ours.length == T
    ours.forget()
    assert ours.length == 0
    assert_close(ours(ids[1, :5]), torch_logits(MODELS[preset], ids[1])[4])
    assert_close(ours(ids[1, 5:]), torch_logits(MODELS[preset], ids[1])[-1])


@both
def test_a_text_that_is_too_long(preset):
    ours, ids = NumpyGPT.from_torch(MODELS[preset]), random_ids(T + 1)
    with pytest.raises(InputError, match=f"^{T + 1} tokens exceed the context of {T}$"):
        ours(ids)
    ours(ids[:-2])
    with pytest.raises(InputError, match=f"^{T + 1} tokens exceed the context of {T}$"):
        ours(ids[-2:])
    assert_close(ours(ids[-2:-1]), torch_logits(MODELS[preset], ids[:-1])[-1])  # nothing has been spoilt
