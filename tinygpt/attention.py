"""Causal self-attention: every position averages what earlier positions offer, with weights of its own choosing."""

import math

import torch
from torch import nn


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
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (..., T, S)
    weights = scores.masked_fill(~mask, -math.inf).softmax(-1)  # (..., T, S)
    return weights @ v  # (..., T, D)


def rotary_angles(positions, head_size):
    """Angles by which the pairs of a head's numbers turn: slow ones for far, fast ones for near distances.

    positions (T,) -> (T, head_size / 2), in radians.
    Source: Su et al. 2021, RoFormer, section 3.2.2.
    """
    pair = torch.arange(0, head_size, 2, device=positions.device)  # (D/2,)
    return positions[:, None] * ROTARY_BASE ** (-pair / head_size)  # (T, D/2)


ROTARY_BASE = 10_000.0


def rotate(x, angles):
    """Turn each pair (x[i], x[i + D/2]) by its angle, so that q·k depends on the distance of q and k only.

    x (..., T, D), angles (T, D/2) -> (..., T, D).
    """
    a, b = x.chunk(2, dim=-1)  # (..., T, D/2) each
    cos, sin = angles.cos(), angles.sin()  # (T, D/2)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)  # (..., T, D)


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
        self.rotary = config.positions == "rotary"
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model, bias=config.bias)
        self.output = nn.Linear(config.d_model, config.d_model, bias=config.bias)
        norm = nn.RMSNorm if config.qk_norm else nn.Identity
        self.q_norm = norm(config.head_size, eps=1e-6)
        self.k_norm = norm(config.head_size, eps=1e-6)

    def forward(self, x, positions, mask, cache=None):
        """x (B, T, C), positions (T,), mask (T, S) -> (B, T, C)."""
        B, T, C = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.n_heads, C // self.n_heads).unbind(2)  # (B, T, H, D) each
        q, k, v = self.q_norm(q).transpose(1, 2), self.k_norm(k).transpose(1, 2), v.transpose(1, 2)  # (B, H, T, D)
        if self.rotary:
            angles = rotary_angles(positions, C // self.n_heads)  # (T, D/2)
            q, k = rotate(q, angles), rotate(k, angles)  # (B, H, T, D)
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)  # (B, H, S, D)
        heads = scaled_dot_product(q, k, v, mask)  # (B, H, T, D)
        return self.output(heads.transpose(1, 2).reshape(B, T, C))  # (B, T, C)
