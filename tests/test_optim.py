"""Muon, AdamW and the schedule: by hand, and against torch's."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from tinygpt.config import ModelConfig, TrainConfig
from tinygpt.model import TinyGPT
from tinygpt.optim import Muon, learning_rate_factor, make_optimizers, orthogonalise, set_learning_rates

PRESETS = ("gpt2", "modern")


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Orthogonal updates


@pytest.mark.parametrize("shape", [(4, 16), (16, 4), (128, 352), (24, 8), (1, 5), (5, 1), (2, 3, 6, 12)])
def test_all_singular_values_are_pushed_to_about_one(shape):
    for seed in range(20):
        matrix = random(*shape, seed=seed)
        sizes = torch.linalg.svdvals(orthogonalise(matrix))
        assert orthogonalise(matrix).shape == shape
        assert sizes.min() > 0.6 and sizes.max() < 1.3


def test_a_square_matrix_with_one_weak_direction():
    q, _ = torch.linalg.qr(random(6, 6))
    matrix = q @ torch.tensor([1.0, 1, 1, 1, 1, 0.05]).diag()
    sizes = torch.linalg.svdvals(orthogonalise(matrix))
    assert sizes.min() > 0.6 and sizes.max() < 1.3


def test_half_precision_is_enough():
    sizes = torch.linalg.svdvals(orthogonalise(random(16, 48).bfloat16()).float())
    assert sizes.min() > 0.6 and sizes.max() < 1.3


def test_directions_stay():
    matrix = random(5, 9)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    inside = u.T @ orthogonalise(matrix) @ vh.T  # diagonal where the directions are the same
    assert_close(inside, inside.diag().diag(), atol=1e-4, rtol=0)
    assert (inside.diag() > 0.6).all()


def test_size_and_orientation_make_no_difference():
    matrix = random(7, 12)
    assert_close(orthogonalise(1000 * matrix), orthogonalise(matrix), atol=1e-4, rtol=1e-4)
    assert_close(orthogonalise(matrix.T), orthogonalise(matrix).T, atol=1e-4, rtol=1e-4)


def test_nothing_stays_nothing():
    assert orthogonalise(torch.zeros(3, 4)).equal(torch.zeros(3, 4))


def test_a_batch_of_matrices_one_by_one():
    for shape in [(5, 4, 9), (5, 9, 4), (2, 3, 4, 4)]:
        matrices = random(*shape)
        one_by_one = [orthogonalise(matrix) for matrix in matrices.flatten(0, -3)]
        assert_close(orthogonalise(matrices).flatten(0, -3), torch.stack(one_by_one), atol=1e-5, rtol=1e-4)


# Muon by hand: momentum m = 0.95 m + 0.05 g, looking ahead 0.95 m + 0.05 g, made orthogonal, times the root of
# rows / columns where there are more rows; and each weight shrinks by lr x weight decay.


def muon_by_hand(p, grads, lr, weight_decay):
    m = torch.zeros_like(p)
    for g in grads:
        m = 0.95 * m + 0.05 * g
        step = orthogonalise(0.95 * m + 0.05 * g) * math.sqrt(max(1, p.shape[0] / p.shape[1]))
        p = p * (1 - lr * weight_decay) - lr * step
    return p


def take_steps(optimizer, params, grads_of_steps):
    for grads in grads_of_steps:
        for p, g in zip(params, grads, strict=True):
            p.grad = g.clone()
        optimizer.step()


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6)])
def test_muon_by_hand(shape):
    p, grads = nn.Parameter(random(*shape, seed=1)), random(3, *shape, seed=2)
    expected = muon_by_hand(p.detach().clone(), grads, lr=0.1, weight_decay=0.5)
    take_steps(Muon([p], lr=0.1, weight_decay=0.5), [p], [[g] for g in grads])
    assert_close(p.detach(), expected, atol=1e-5, rtol=1e-4)


def test_matrices_of_several_shapes_do_not_disturb_each_other():
    shapes = [(4, 4), (6, 3), (4, 4), (3, 6), (4, 4)]
    params = [nn.Parameter(random(*shape, seed=i)) for i, shape in enumerate(shapes)]
    grads = [[random(*shape, seed=10 * step + i) for i, shape in enumerate(shapes)] for step in (1, 2)]
    grads_of = zip(*grads, strict=True)
    expected = [muon_by_hand(p.detach().clone(), g, 0.1, 0.0) for p, g in zip(params, grads_of, strict=True)]
    take_steps(Muon(params, lr=0.1), params, grads)
    for p, e in zip(params, expected, strict=True):
        assert_close(p.detach(), e, atol=1e-5, rtol=1e-4)


def test_queries_keys_and_values_are_made_orthogonal_apart():
    stacked, grads = nn.Parameter(random(12, 4)), random(2, 12, 4, seed=1)
    grads[:, 4:8] *= 100  # loud keys must not drown the rest
    parts, grads_of = stacked.detach().clone().chunk(3), grads.chunk(3, dim=1)
    expected = [muon_by_hand(part, g, 0.1, 0.0) for part, g in zip(parts, grads_of, strict=True)]
    take_steps(Muon([{"params": [stacked], "parts": 3}], lr=0.1), [stacked], [[g] for g in grads])
    assert_close(stacked.detach(), torch.cat(expected), atol=1e-5, rtol=1e-4)


# Who gets which rule


def tiny(preset, **changes):
    torch.manual_seed(0)
    sizes = dict(vocab_size=30, context_length=8, d_model=8, n_heads=2, n_layers=2)
    return TinyGPT(ModelConfig.preset(preset, **sizes, **changes))


def groups(model, config):
    """(optimizer, group, names of the group's parameters) of each group."""
    names = {p: name for name, p in model.named_parameters()}
    for optimizer in make_optimizers(model, config):
        for group in optimizer.param_groups:
            yield optimizer, group, [names[p] for p in group["params"]]


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("tied", [True, False])
def test_every_parameter_is_in_one_group(preset, tied, optimizer):
    model = tiny(preset, tied=tied)
    found = [name for *_, names in groups(model, TrainConfig(optimizer=optimizer)) for name in names]
    assert sorted(found) == sorted(name for name, _ in model.named_parameters())


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("preset", PRESETS)
def test_vectors_do_not_decay(preset, optimizer):
    model = tiny(preset)
    for _, group, names in groups(model, TrainConfig(optimizer=optimizer, weight_decay=0.3)):
        assert group["weight_decay"] in (0, 0.3)
        for name in names:
            is_table = "embedding" in name or name == "head.weight"
            decays = model.get_parameter(name).ndim == 2 and not (optimizer == "muon" and is_table)
            assert (group["weight_decay"] > 0) == decays, name


@pytest.mark.parametrize("preset", PRESETS)
def test_muon_is_for_the_matrices_of_the_blocks(preset):
    config = TrainConfig(matrix_lr=0.1, embedding_lr=0.2, head_lr=0.3, lr=0.4)
    lr_of = {}
    for optimizer, group, names in groups(tiny(preset, tied=False), config):
        assert isinstance(optimizer, Muon) == (group["lr"] == 0.1)
        if isinstance(optimizer, Muon):
            assert all((group["parts"] == 3) == name.endswith("qkv.weight") for name in names)
        lr_of |= dict.fromkeys(names, group["lr"])
    for name, lr in lr_of.items():
        is_vector = "norm" in name or name.endswith("bias")
        assert lr == (0.4 if is_vector else 0.2 if "embedding" in name else 0.3 if name == "head.weight" else 0.1), name


def test_a_replaced_embedding_is_trained():
    model = tiny("modern")
    model.token_embedding = nn.Sequential(nn.Embedding(30, 4), nn.Linear(4, 8, bias=False))
    found = [name for *_, names in groups(model, TrainConfig()) for name in names]
    assert {"token_embedding.0.weight", "token_embedding.1.weight"} < set(found)


def test_adamw_by_hand():
    """Kingma and Ba 2015, algorithm 1, with the decay of Loshchilov and Hutter 2019."""
    model, config = tiny("gpt2"), TrainConfig(optimizer="adamw", lr=0.01, weight_decay=0.1)
    [optimizer] = make_optimizers(model, config)
    params = dict(model.named_parameters())
    p = {name: w.detach().clone() for name, w in params.items()}
    m, v = ({name: torch.zeros_like(w) for name, w in p.items()} for _ in range(2))
    for t in (1, 2, 3):
        for i, (name, w) in enumerate(params.items()):
            w.grad = random(*w.shape, seed=100 * t + i)
            decay = 0.1 if w.ndim == 2 else 0
            m[name] = 0.9 * m[name] + 0.1 * w.grad
            v[name] = 0.99 * v[name] + 0.01 * w.grad**2
            step = m[name] / (1 - 0.9**t) / ((v[name] / (1 - 0.99**t)).sqrt() + 1e-10)
            p[name] = p[name] - 0.01 * decay * p[name] - 0.01 * step
        optimizer.step()
    for name, w in params.items():
        assert_close(w.detach(), p[name], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_step_moves_every_weight_and_lowers_the_loss(preset, optimizer):
    model = tiny(preset)
    optimizers = make_optimizers(model, TrainConfig(optimizer=optimizer, lr=0.01))
    ids = torch.randint(30, (4, 9), generator=torch.Generator().manual_seed(0))
    before, losses = {name: p.detach().clone() for name, p in model.named_parameters()}, []
    for _ in range(10):
        losses.append(model.loss(ids[:, :-1], ids[:, 1:]))
        losses[-1].backward()
        for each in optimizers:
            each.step()
            each.zero_grad()
    assert losses[-1] < losses[0] - 0.1
    assert not [name for name, p in model.named_parameters() if p.equal(before[name])]


# The schedule


def test_learning_rate_by_hand():
    config = TrainConfig(steps=10, warmup=0.2, decay=0.5)  # 2 steps up, 5 down
    factors = [learning_rate_factor(step, config) for step in range(11)]
    assert factors == pytest.approx([1 / 2, 1, 1, 1, 1, 1, 4 / 5, 3 / 5, 2 / 5, 1 / 5, 0])


def test_without_warm_up_and_decay_the_rate_is_constant():
    config = TrainConfig(steps=5, warmup=0, decay=0)
    assert [learning_rate_factor(step, config) for step in range(5)] == [1] * 5


@given(st.integers(1, 300), st.floats(0, 1), st.floats(0, 1))
def test_the_rate_rises_stays_and_falls_and_is_never_zero(steps, warmup, decay):
    config = TrainConfig(steps=steps, warmup=warmup * (1 - decay), decay=decay)
    factors = [learning_rate_factor(step, config) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1]) and factors[top:] == sorted(factors[top:], reverse=True)
    assert factors[-1] <= 1 / max(1, decay * steps) + 1e-9


def test_groups_keep_their_proportions():
    optimizers = make_optimizers(
        tiny("modern", norm="layernorm"), TrainConfig(matrix_lr=0.1, embedding_lr=0.2, head_lr=0.3, lr=0.4)
    )
    for factor in (0.5, 0.5, 0.1, 1.0):  # always of the full rate, never of the last
        set_learning_rates(optimizers, factor)
        rates = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
        assert rates == pytest.approx([rate * factor for rate in (0.1, 0.1, 0.2, 0.3, 0.4)])
