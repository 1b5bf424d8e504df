"""Attention: against torch's own, by hand, and whatever way a text is cut."""

import doctest
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from tinygpt import attention
from tinygpt.attention import (
    CausalSelfAttention,
    KeyValueCache,
    attention_maps,
    attention_weights,
    causal_mask,
    rotary_tables,
    rotate,
    scaled_dot_product,
)
from tinygpt.config import ModelConfig
from tinygpt.model import TinyGPT

T, C, H = 6, 16, 2
PRESETS = ("gpt2", "modern")


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def layer(preset, **changes):
    torch.manual_seed(0)
    config = ModelConfig.preset(preset, d_model=C, n_heads=H, n_layers=1, context_length=12, **changes)
    return CausalSelfAttention(config, layer=0), config


def attend(module, config, x, start=0, cache=None):
    """The layer's output for x (B, T, C), which stands at the positions from `start` on."""
    end = start + x.shape[1]
    rotary = rotary_tables(torch.arange(start, end), C // H) if config.positions == "rotary" else None
    return module(x, causal_mask(x.shape[1], end if cache else None), rotary, cache)


def turned(x, positions):
    """x (..., T, D) turned by the angles of the positions (T,)."""
    return rotate(x, rotary_tables(torch.tensor(positions), x.shape[-1]))


def test_docstring_examples():
    assert doctest.testmod(attention).failed == 0


# The mask


def test_mask_by_hand():
    assert causal_mask(3).int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert causal_mask(1).tolist() == [[True]]


def test_mask_of_the_last_queries_by_hand():
    assert causal_mask(2, 4).int().tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert causal_mask(1, 3).int().tolist() == [[1, 1, 1]]


@given(st.integers(1, 20), st.integers(0, 20))
def test_the_mask_of_some_queries_is_the_lower_part_of_the_whole(n_queries, n_before):
    assert causal_mask(n_queries, n_before + n_queries).equal(causal_mask(n_before + n_queries)[n_before:])


# Scaled dot product. By hand: q·k1 = 2 ln 3, over the root of D = 4 that is ln 3, and q·k2 = 0: weights 3 to 1.

Q = torch.tensor([[2 * math.log(3), 0, 0, 0]])
K = torch.tensor([[1.0, 0, 0, 0], [0, 5, 0, 0]])
V = torch.tensor([[4.0, 0, 8, 0], [0, 4, 8, -4]])


def test_weighted_average_by_hand():
    assert_close(scaled_dot_product(Q, K, V, causal_mask(1, 2)), torch.tensor([[3.0, 1, 8, -1]]))


def test_what_is_masked_weighs_nothing():
    queries = Q.expand(2, -1)
    assert_close(scaled_dot_product(queries, K, V, causal_mask(2)), torch.tensor([[4.0, 0, 8, 0], [3, 1, 8, -1]]))


def test_weights_by_hand():
    expected = torch.tensor([[1, 0], [0.75, 0.25]])
    assert_close(attention_weights(Q.expand(2, -1), K, causal_mask(2)), expected)


def test_huge_scores_do_not_overflow():
    assert_close(scaled_dot_product(1e20 * Q, 1e10 * K, V, causal_mask(1, 2)), V[:1])


@given(st.integers(1, 7), st.integers(0, 5), st.integers(1, 9), st.integers(0, 99))
def test_same_as_torch_s_own(n_queries, n_before, head_size, seed):
    q = random(2, 3, n_queries, head_size, seed=seed)
    k, v = random(2, 2, 3, n_before + n_queries, head_size, seed=seed + 1)
    mask = causal_mask(n_queries, n_before + n_queries)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    assert_close(scaled_dot_product(q, k, v, mask), expected, atol=1e-5, rtol=1e-5)


# Rotary positions


def test_rotation_by_hand():
    x = torch.tensor([[1.0, 10, 2, 20]]).expand(2, 4)  # the pairs are (1, 2) and (10, 20)
    fast, slow = 3, 0.03  # radians at position 3: 1 a position for the first pair, 10,000^(-1/2) for the second
    expected = [
        1 * math.cos(fast) - 2 * math.sin(fast),
        10 * math.cos(slow) - 20 * math.sin(slow),
        2 * math.cos(fast) + 1 * math.sin(fast),
        20 * math.cos(slow) + 10 * math.sin(slow),
    ]
    assert_close(turned(x, [0, 3]), torch.tensor([[1.0, 10, 2, 20], expected]))


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.sampled_from([2, 4, 16]))
def test_the_product_depends_on_the_distance_only(query, key, shift, head_size):
    q, k = random(2, 1, head_size).double()

    def product(t, s):
        return (turned(q, [t]) * turned(k, [s])).sum()

    assert_close(product(query, key), product(query + shift, key + shift), atol=1e-3, rtol=0)


def test_the_product_does_depend_on_the_distance():
    x = turned(random(1, 8).expand(5, 8), [0, 1, 2, 3, 4])
    assert len((x @ x[0]).round(decimals=3).unique()) == 5


@given(st.integers(0, 10_000), st.sampled_from([2, 6, 32]))
def test_rotation_keeps_the_length_of_every_pair(position, head_size):
    x = random(1, head_size)
    assert_close(turned(x, [position]).view(2, -1).norm(dim=0), x.view(2, -1).norm(dim=0))


# The layer


def test_same_as_torch_s_multihead_attention():
    ours, config = layer("gpt2")
    theirs = nn.MultiheadAttention(C, H, batch_first=True)
    with torch.no_grad():
        for name, p in ours.named_parameters():
            p.copy_(random(*p.shape, seed=len(name)))
        theirs.in_proj_weight.copy_(ours.qkv.weight)
        theirs.in_proj_bias.copy_(ours.qkv.bias)
        theirs.out_proj.load_state_dict(ours.output.state_dict())
    x = random(3, T, C)
    expected, _ = theirs(x, x, x, attn_mask=~causal_mask(T), need_weights=False)
    assert_close(attend(ours, config, x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_gradient_flows_from_the_past_to_the_future(preset):
    module, config = layer(preset)
    x = random(1, T, C)
    jacobian = torch.autograd.functional.jacobian(lambda x: attend(module, config, x), x)  # (1, T, C, 1, T, C)
    influence = jacobian.abs().amax(dim=(0, 2, 3, 5))  # (T, S): of the input at s on the output at t
    assert (influence > 0).equal(causal_mask(T))


@pytest.mark.parametrize("preset", PRESETS)
def test_texts_of_a_batch_know_nothing_of_each_other(preset):
    module, config = layer(preset)
    x = random(3, T, C)
    assert_close(attend(module, config, x), torch.cat([attend(module, config, one[None]) for one in x]))


def test_rotary_attention_notices_order_and_not_place():
    module, config = layer("modern")
    x = random(1, T, C)
    here = attend(module, config, x)
    there = module(x, causal_mask(T), rotary_tables(torch.arange(100, 100 + T), C // H))
    assert_close(here, there, atol=1e-5, rtol=1e-4)
    swapped = attend(module, config, x[:, [1, 0, *range(2, T)]])
    assert not torch.allclose(here[:, -1], swapped[:, -1], atol=1e-4)


def test_qk_norm_makes_the_size_of_queries_and_keys_irrelevant():
    module, config = layer("modern")
    x = random(1, T, C)
    before = attend(module, config, x)
    with torch.no_grad():
        module.qkv.weight[: 2 * C] *= 10
    assert_close(attend(module, config, x), before, atol=1e-4, rtol=1e-4)
    plain, config = layer("modern", qk_norm=False)
    before = attend(plain, config, x)
    with torch.no_grad():
        plain.qkv.weight[: 2 * C] *= 10
    assert not torch.allclose(attend(plain, config, x), before, atol=1e-2)


# Looking at a model's attention


def model_and_ids(preset):
    torch.manual_seed(0)
    config = ModelConfig.preset(preset, d_model=C, n_heads=H, n_layers=3, context_length=12, vocab_size=50)
    model = TinyGPT(config).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(random(*p.shape) / 2)  # or the blocks would do nothing
    return model, torch.arange(2 * T).view(2, T)


@pytest.mark.parametrize("preset", PRESETS)
def test_maps_are_causal_averages_and_leave_the_model_as_it_was(preset):
    model, ids = model_and_ids(preset)
    before = model(ids)
    maps = attention_maps(model, ids)
    assert maps.shape == (3, 2, H, T, T) and not maps.requires_grad
    assert_close(maps.sum(-1), torch.ones(3, 2, H, T))
    assert (maps > 0).equal(causal_mask(T).expand_as(maps))
    assert not any(block.attention._forward_pre_hooks for block in model.blocks)
    assert model(ids).equal(before)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_maps_are_what_the_layers_average_with(preset):
    model, ids = model_and_ids(preset)
    seen = []
    for block in model.blocks:
        block.attention.register_forward_hook(lambda _, inputs, output: seen.append((inputs, output)))
    maps = attention_maps(model, ids)
    for block, ((x, _, rotary, _), output), map in zip(model.blocks, seen, maps, strict=True):
        _, _, v = block.attention.project(x, rotary)
        assert_close(block.attention.output((map @ v).transpose(1, 2).flatten(2)), output, atol=1e-5, rtol=1e-4)


def test_the_hooks_go_when_the_model_stops_on_an_error():
    model, _ = model_and_ids("gpt2")
    with pytest.raises(ValueError, match="exceed the context"):
        attention_maps(model, torch.zeros(1, 13, dtype=torch.long))
    assert not any(block.attention._forward_pre_hooks for block in model.blocks)


def test_the_maps_are_torch_s():
    model, ids = model_and_ids("gpt2")
    theirs = nn.MultiheadAttention(C, H, batch_first=True)
    layer = model.blocks[0]
    names = {"in_proj_weight": layer.attention.qkv.weight, "in_proj_bias": layer.attention.qkv.bias}
    output = {f"out_proj.{name}": p for name, p in layer.attention.output.named_parameters()}
    theirs.load_state_dict(names | output)
    x = layer.attention_norm(model.token_embedding(ids) + model.position_embedding(torch.arange(T)))
    _, expected = theirs(x, x, x, attn_mask=~causal_mask(T), average_attn_weights=False)
    assert_close(attention_maps(model, ids)[0], expected, atol=1e-5, rtol=1e-4)


# The cache


def test_cache_by_hand():
    config = ModelConfig(d_model=4, n_heads=2, n_layers=2, context_length=3)
    cache = KeyValueCache(config, batch_size=1)
    k, v = random(2, 1, 2, 2, 2)  # (B, H, T, D) each
    for i in range(2):
        assert all(map(torch.equal, cache.extend(i, (i + 1) * k, (i + 1) * v), ((i + 1) * k, (i + 1) * v)))
    cache.length = 2
    later_k, later_v = cache.extend(0, k[:, :, :1], v[:, :, :1])
    assert later_k.equal(torch.cat([k, k[:, :, :1]], dim=2)) and later_v.equal(torch.cat([v, v[:, :, :1]], dim=2))
    other_k, _ = cache.extend(1, k[:, :, 1:], v[:, :, 1:])
    assert other_k.equal(torch.cat([2 * k, k[:, :, 1:]], dim=2))


@pytest.mark.parametrize("preset", PRESETS)
@given(cuts=st.sets(st.integers(1, 11)), batch_size=st.integers(1, 3))
def test_any_cutting_of_a_text_into_pieces_gives_the_same(preset, cuts, batch_size):
    module, config = layer(preset)
    x = random(batch_size, 12, C)
    cache, pieces = KeyValueCache(config, batch_size), []
    for piece in x.tensor_split(sorted(cuts), dim=1):
        pieces.append(attend(module, config, piece, cache.length, cache))
        cache.length += piece.shape[1]
    assert_close(torch.cat(pieces, dim=1), attend(module, config, x), atol=1e-5, rtol=1e-4)
