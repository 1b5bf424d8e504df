"""Causal self-attention: every position averages what earlier positions offer, with weights of its own choosing."""

import math
from contextlib import ExitStack

import torch
from torch import nn

from tinygpt.norm import RMSNorm


def causal_mask(T, S=None, device=None):
    """(T, S) bool: True where query t may look at key s. The T queries are the last of the S positions.

    >>> causal_mask(2, 3).int().tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    S = T if S is None else S
    return torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)


def scaled_dot_product(q, k, v, mask):
    """Weighted averages of values, one for each query.

    q (..., T, D), k and v (..., S, D), mask (T, S) bool -> (..., T, D).
    Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.1.
    """
    return attention_weights(q, k, mask) @ v


def attention_weights(q, k, mask):
    """How much each query listens to each key; a row sums to 1.

    q (..., T, D), k (..., S, D), mask (T, S) bool -> (..., T, S).
    """
    *outer, T, D = q.shape
    q, k = (x.reshape(-1, *x.shape[-2:]) for x in (q, k))
    hidden = torch.zeros_like(mask, dtype=q.dtype).masked_fill(~mask, -math.inf)  # (T, S)
    scores = torch.baddbmm(hidden, q, k.mT, alpha=1 / math.sqrt(D))  # (..., T, S), q·k/√D, or -inf where hidden
    return scores.softmax(-1).view(*outer, T, -1)


ROTARY_BASE = 10_000.0


def rotary_tables(positions, head_size):
    """Cosines and sines of the angles by which the pairs of a head's numbers turn at each position.

    Some pairs turn fast, for near distances, some slowly, for far ones. positions (T,) -> two of (T, D).
    Source: Su et al. 2021, RoFormer, section 3.2.2.
    """
    pair = torch.arange(0, head_size, 2, device=positions.device)  # (D/2,)
    angles = positions[:, None] * ROTARY_BASE ** (-pair / head_size)  # (T, D/2)
    cos, sin = angles.cos(), angles.sin()  # (T, D/2)
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)  # (T, D) each


def rotate(x, tables):
    """Turn each pair (x[i], x[i + D/2]) by its angle, so that q·k depends on the distance of q and k only.

    x (..., T, D), tables as of rotary_tables -> (..., T, D).
    """
    cos, sin = (table.to(x.dtype) for table in tables)  # (T, D)
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)  # (..., T, D)


class KeyValueCache:
    """Keys and values of the positions seen so far: a new token needs only its own, not all of them again.

    Holds 2 x n_layers x B x d_model x context_length numbers.
    """

    def __init__(self, config, batch_size=1, device=None):
        shape = (config.n_layers, 2, batch_size, config.n_heads, config.context_length, config.head_size)
        self.store = torch.zeros(shape, device=device)  # (layers, 2, B, H, context_length, D)
        self.length = 0

    def extend(self, layer, k, v):
        """Append k and v (B, H, T, D) of one layer; returns all of that layer's: (B, H, length + T, D) each."""
        end = self.length + k.shape[2]
        self.store[layer, 0, :, :, self.length : end] = k
        self.store[layer, 1, :, :, self.length : end] = v
        return self.store[layer, :, :, :, :end].unbind(0)


class CausalSelfAttention(nn.Module):
    """Multi-head attention in which position t sees positions up to t only: (B, T, C) -> (B, T, C)."""

    def __init__(self, config, layer):
        super().__init__()
        self.layer = layer
        self.n_heads = config.n_heads
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model, bias=config.bias)
        self.output = nn.Linear(config.d_model, config.d_model, bias=config.bias)
        self.qk_norm = RMSNorm() if config.qk_norm else nn.Identity()

    def forward(self, x, mask, rotary=None, cache=None):
        """x (B, T, C), mask (T, S), rotary: tables of the positions or None -> (B, T, C)."""
        q, k, v = self.project(x, rotary)  # (B, H, T, D) each
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)  # (B, H, S, D)
        heads = scaled_dot_product(q, k, v, mask)  # (B, H, T, D)
        return self.output(heads.transpose(1, 2).reshape(x.shape))  # (B, T, C)

    def project(self, x, rotary=None):
        """What each head asks, what it answers to and what it offers: x (B, T, C) -> q, k, v (B, H, T, D)."""
        B, T, C = x.shape
        qkv = self.qkv(x).view(B, T, 3, self.n_heads, C // self.n_heads).permute(2, 0, 3, 1, 4)  # (3, B, H, T, D)
        qk, v = qkv.split((2, 1))  # (2, B, H, T, D), (1, B, H, T, D)
        qk, v = self.qk_norm(qk), v.squeeze(0)  # (2, B, H, T, D), (B, H, T, D)
        q, k = rotate(qk, rotary) if rotary is not None else qk  # (B, H, T, D) each
        return q, k, v


def attention_maps(model, ids):
    """Who looks at whom when a TinyGPT reads ids (B, T): the weights of all heads, (n_layers, B, H, T, T).

    They are computed a second time beside the model's own, so that whoever doesn't ask pays nothing.
    """
    maps = []

    def keep(attention, inputs):
        x, mask, rotary, *_ = inputs
        q, k, _ = attention.project(x, rotary)  # (B, H, T, D) each
        maps.append(attention_weights(q, k, mask))  # (B, H, T, T)

    with torch.no_grad(), ExitStack() as hooks:
        for block in model.blocks:
            hooks.callback(block.attention.register_forward_pre_hook(keep).remove)
        model(ids)
    return torch.stack(maps)
