"""The model: shapes, presets, parameters, initialisation, what it can and can't see."""

import itertools
import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close
from transformers import GPT2LMHeadModel, Qwen3ForCausalLM

from tinygpt.attention import KeyValueCache, causal_mask
from tinygpt.config import InputError, ModelConfig
from tinygpt.model import TinyGPT, from_torch_encoder, to_torch_encoder
from tinygpt.share.huggingface import their_config, their_weights

PRESETS = ("gpt2", "modern")
V, T = 50, 12
TINY = dict(vocab_size=V, context_length=T, d_model=16, n_heads=2, n_layers=4)


def fresh(preset, **changes):
    torch.manual_seed(0)
    return TinyGPT(ModelConfig.preset(preset, **{**TINY, **changes}))


def scrambled(preset, **changes):
    """A model without a weight that is zero, one or small: a term that is left out shows."""
    model = fresh(preset, **changes)
    scramble(model)
    return model


def scramble(module):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in module.parameters():
            p += 0.3 * torch.randn(p.shape, generator=generator)


def random_ids(*shape, vocab_size=V, seed=0):
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(seed))


# How a model begins


@pytest.mark.parametrize("preset", PRESETS)
def test_at_first_every_token_is_about_as_likely(preset):
    model = fresh(preset, vocab_size=2048, d_model=128, context_length=32)
    ids = random_ids(4, 33, vocab_size=2048)
    assert model.loss(ids[:, :-1], ids[:, 1:]).item() == pytest.approx(math.log(2048), rel=0.05)


@pytest.mark.parametrize("preset", PRESETS)
def test_at_first_the_blocks_leave_the_stream_as_it_is(preset):
    model, streams = fresh(preset), []
    for part in (model.blocks[0], model.norm):
        part.register_forward_pre_hook(lambda _, inputs: streams.append(inputs[0]))
    model(random_ids(2, T))
    first, last = streams
    assert first.equal(last)


def count_of_gpt2(V, T, C, L):
    attention, mlp, norms = 4 * C**2 + 4 * C, 8 * C**2 + 5 * C, 4 * C
    return V * C + T * C + L * (attention + mlp + norms) + 2 * C


def count_of_modern(V, C, L, d_ff):
    return 2 * V * C + L * (4 * C**2 + 3 * C * d_ff)


def test_number_of_parameters():
    assert fresh("gpt2").count_parameters() == count_of_gpt2(V, T, C=16, L=4)
    assert fresh("modern").count_parameters() == count_of_modern(V, C=16, L=4, d_ff=48)
    with torch.device("meta"):
        original = fresh("gpt2", vocab_size=50_257, context_length=1024, d_model=768, n_heads=12, n_layers=12)
    assert original.count_parameters() == 124_439_808  # as published


def test_the_tied_head_is_the_embedding():
    tied, untied = fresh("gpt2"), fresh("gpt2", tied=False)
    assert tied.head.weight is tied.token_embedding.weight
    assert untied.head.weight is not untied.token_embedding.weight
    assert untied.count_parameters() - tied.count_parameters() == V * 16
    with torch.no_grad():
        tied.token_embedding.weight[7] = 0
    assert (tied(random_ids(1, 3))[..., 7] == 0).all()


# What it computes


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("changed", [1, 5, T - 1])
def test_the_future_never_changes_the_past(preset, changed):
    model, ids = scrambled(preset), random_ids(2, T)
    edited = ids.clone()
    edited[:, changed:] = (ids[:, changed:] + 1) % V
    before, after = model(ids), model(edited)
    assert_close(before[:, :changed], after[:, :changed], atol=1e-6, rtol=0)
    assert not torch.isclose(before[:, changed:], after[:, changed:]).all(-1).any()


@pytest.mark.parametrize("preset", PRESETS)
def test_the_past_changes_the_future(preset):
    model, ids = scrambled(preset), random_ids(1, T)
    edited = ids.clone()
    edited[:, 0] = (ids[:, 0] + 1) % V
    assert not torch.isclose(model(ids), model(edited)).all(-1).any()


def test_the_loss_is_the_mean_surprise_by_hand():
    model, ids, targets = scrambled("modern"), random_ids(2, 3), random_ids(2, 3, seed=1)
    probs = model(ids).detach().softmax(-1)
    surprises = [-math.log(probs[b, t, targets[b, t]]) for b in range(2) for t in range(3)]
    assert model.loss(ids, targets).item() == pytest.approx(sum(surprises) / 6, rel=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_loss_and_its_gradients_are_those_of_torch_s_cross_entropy(preset):
    ours, theirs, ids, targets = scrambled(preset), scrambled(preset), random_ids(40, T), random_ids(40, T, seed=1)
    loss = ours.loss(ids, targets)
    loss.backward()
    expected = nn.functional.cross_entropy(theirs(ids).flatten(0, 1), targets.flatten())
    expected.backward()
    assert_close(loss, expected)
    for (name, p), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert_close(p.grad, other.grad, atol=1e-5, rtol=1e-3, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("preset", PRESETS)
def test_half_precision_is_about_as_good_and_leaves_the_weights_whole(preset):
    model, ids, targets = scrambled(preset), random_ids(40, T), random_ids(40, T, seed=1)
    loss = model.loss(ids, targets, torch.bfloat16)
    loss.backward()
    assert loss.item() == pytest.approx(model.loss(ids, targets).item(), rel=0.02)
    assert {p.dtype for p in model.parameters()} == {p.grad.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("preset", PRESETS)
@given(cuts=st.sets(st.integers(1, T - 1)))
def test_any_cutting_of_a_text_into_pieces_gives_the_same(preset, cuts):
    model, ids = MODELS[preset], random_ids(2, T)
    cache = KeyValueCache(model.config, batch_size=2)
    pieces = [model(piece, cache) for piece in ids.tensor_split(sorted(cuts), dim=1)]
    assert cache.length == T
    assert_close(torch.cat(pieces, dim=1), model(ids), atol=1e-4, rtol=1e-4)


MODELS = {preset: scrambled(preset).requires_grad_(False) for preset in PRESETS}


@pytest.mark.parametrize("preset", PRESETS)
def test_dropout_is_for_training(preset):
    model, ids = scrambled(preset, dropout=0.5), random_ids(1, T)
    assert not torch.allclose(model(ids), model(ids), atol=1e-2)
    model.eval()
    assert model(ids).equal(model(ids))
    assert_close(model(ids), scrambled(preset)(ids))


def test_dropout_begins_with_the_embedding():
    model, seen = fresh("modern", dropout=0.5), []
    nn.init.ones_(model.token_embedding.weight)
    model.blocks[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(random_ids(4, T))
    assert sorted(seen[0].unique().tolist()) == [0, 2]  # dropped, or doubled to make up for it


@pytest.mark.parametrize("name", ["blocks.1.attention.output", "blocks.1.mlp.output"])
def test_dropout_is_inside_the_blocks(name):
    """Without weights in the embedding there is nothing else to drop than what this layer's bias brings."""
    model = fresh("gpt2", dropout=0.5)
    nn.init.zeros_(model.token_embedding.weight)
    nn.init.zeros_(model.position_embedding.weight)
    nn.init.ones_(model.get_submodule(name).bias)
    seen = []
    model.norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(random_ids(4, T))
    assert sorted(seen[0].unique().tolist()) == [0, 2]  # dropped, or doubled to make up for it


def test_the_token_embedding_can_be_replaced():
    model, ids = scrambled("modern"), random_ids(1, T)
    expected = model(ids)
    model.token_embedding = nn.Sequential(model.token_embedding, nn.Identity())
    assert model(ids).equal(expected)


def test_a_batch_can_be_learned_by_heart():
    model = fresh("modern", d_model=32, n_layers=2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    ids = random_ids(4, T + 1)
    for _ in range(40):
        loss = model.loss(ids[:, :-1], ids[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # The first token tells which of the four texts it is, and thereby everything that follows.
    assert len(ids[:, 0].unique()) == 4 and loss.item() < 0.1


@pytest.mark.parametrize("preset", PRESETS)
def test_every_weight_learns(preset):
    model = scrambled(preset)
    model.loss(random_ids(8, T), random_ids(8, T, seed=1)).backward()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())


@pytest.mark.parametrize("preset", PRESETS)
def test_the_gradient_is_the_slope(preset):
    model, ids, targets = scrambled(preset).double(), random_ids(2, T), random_ids(2, T, seed=1)

    def loss():
        return nn.functional.cross_entropy(model(ids).flatten(0, 1), targets.flatten())

    @torch.no_grad()
    def loss_beside(p, step):
        p += step
        beside = loss().item()
        p -= step
        return beside

    loss().backward()
    for name, p in model.named_parameters():
        step = 1e-5 * torch.randn(p.shape, generator=torch.Generator().manual_seed(2)).double()
        rise = loss_beside(p, step) - loss_beside(p, -step)
        assert rise == pytest.approx(2 * (p.grad * step).sum().item(), rel=1e-3, abs=1e-9), name


# What a caller can get wrong


def test_a_text_that_is_too_long():
    model = fresh("modern")
    with pytest.raises(InputError, match=f"^{T + 1} tokens exceed the context of {T}$"):
        model(random_ids(1, T + 1))
    cache = KeyValueCache(model.config)
    model(random_ids(1, T - 1), cache)
    with pytest.raises(InputError, match=f"^{T + 1} tokens exceed the context of {T}$"):
        model(random_ids(1, 2), cache)
    assert cache.length == T - 1
    model(random_ids(1, 1), cache)  # nothing has been spoilt


@pytest.mark.parametrize(
    "changes",
    [
        dict(),
        dict(norm="layernorm", qk_norm=False),
        dict(norm="layernorm", mlp="gelu"),
        dict(mlp="gelu"),
        dict(norm="layernorm", mlp="gelu", qk_norm=False),
    ],
)
def test_an_encoder_is_for_gpt2_only(changes):
    model = fresh("modern", **changes)
    encoder = to_torch_encoder(fresh("gpt2"))
    for call in (lambda: to_torch_encoder(model), lambda: from_torch_encoder(encoder, model)):
        with pytest.raises(InputError, match=re.escape("nn.TransformerEncoder computes the preset gpt2 only")):
            call()


@pytest.mark.parametrize(
    "changes",
    [dict(activation="relu"), dict(norm_first=False), dict(nhead=4), dict(dim_feedforward=8), dict(n_layers=1)],
)
def test_another_encoder_is_refused_and_nothing_is_copied(changes):
    model = fresh("gpt2")
    config, before = model.config, [p.clone() for p in model.parameters()]
    n_layers = changes.pop("n_layers", config.n_layers)
    shape = dict(d_model=config.d_model, nhead=config.n_heads, dim_feedforward=config.d_ff) | changes
    layer = torch.nn.TransformerEncoderLayer(**{**dict(activation="gelu", norm_first=True, batch_first=True), **shape})
    norm = torch.nn.LayerNorm(config.d_model)
    encoder = torch.nn.TransformerEncoder(layer, n_layers, norm, enable_nested_tensor=False)
    with pytest.raises(InputError, match=f"the encoder must have {config.n_layers} layers"):
        from_torch_encoder(encoder, model)
    assert all(a.equal(b) for a, b in zip(before, model.parameters(), strict=True))


# The same as others


def torch_encoder():
    layer = nn.TransformerEncoderLayer(16, 2, 64, 0.0, activation="gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, 4, nn.LayerNorm(16), enable_nested_tensor=False)


def encoder_logits(encoder, model, ids):
    T = ids.shape[1]
    embedded = model.token_embedding(ids) + model.position_embedding(torch.arange(T))  # (B, T, C)
    return model.head(encoder(embedded, mask=~causal_mask(T)))


@pytest.mark.parametrize("training", [True, False])
def test_gpt2_is_torch_s_encoder(training):
    model, ids = scrambled("gpt2").train(training), random_ids(3, T)
    encoder = to_torch_encoder(model)
    assert encoder.training == training
    assert_close(encoder_logits(encoder, model, ids), model(ids), atol=1e-5, rtol=1e-5)


def test_torch_s_encoder_is_gpt2():
    encoder, model, ids = torch_encoder(), fresh("gpt2"), random_ids(3, T)
    scramble(encoder)
    before = model(ids)
    assert from_torch_encoder(encoder, model) is model
    assert not torch.allclose(model(ids), before, atol=1e-2)
    assert_close(model(ids), encoder_logits(encoder, model, ids), atol=1e-5, rtol=1e-5)
    back = to_torch_encoder(model).state_dict()
    assert all(back[name].equal(weight) for name, weight in encoder.state_dict().items())


def test_an_encoder_made_from_a_model_has_weights_of_its_own():
    model, ids = scrambled("gpt2"), random_ids(1, T)
    before = model(ids)
    scramble(to_torch_encoder(model))
    assert model(ids).equal(before)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("preset, model_class", [("gpt2", GPT2LMHeadModel), ("modern", Qwen3ForCausalLM)])
def test_the_presets_are_gpt2_and_qwen3(preset, model_class, tied):
    model, ids = scrambled(preset, tied=tied), random_ids(3, T)
    theirs = model_class(their_config(model)).eval()
    missing, unexpected = theirs.load_state_dict(their_weights(model), strict=False)
    assert (missing, unexpected) == (["lm_head.weight"] if tied else [], [])
    theirs.tie_weights()
    assert_close(model(ids), theirs(ids).logits, atol=1e-4, rtol=1e-4)


# Any mixture of the four switches is a model


@pytest.mark.parametrize("switches", list(itertools.product((0, 1), repeat=4)))
def test_any_mixture_computes_and_sees_no_future(switches):
    choices = [("learned", "rotary"), ("layernorm", "rmsnorm"), ("gelu", "swiglu"), (False, True)]
    positions, norm, mlp, qk_norm = (choice[i] for choice, i in zip(choices, switches, strict=True))
    model = scrambled("modern", positions=positions, norm=norm, mlp=mlp, qk_norm=qk_norm, tied=bool(sum(switches) % 2))
    ids = random_ids(1, T)
    edited = ids.clone()
    edited[0, -1] = (ids[0, -1] + 1) % V
    logits = model(ids)
    assert logits.shape == (1, T, V) and logits.isfinite().all()
    assert_close(logits[:, :-1], model(edited)[:, :-1], atol=1e-6, rtol=0)
    assert any("bias" in name for name, _ in model.named_parameters()) == (norm == "layernorm")
