"""Answers that people give to the exercises of lesson 02: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import math

import torch
import torch.nn.functional as F


def mask_with_loops(T):
    mask = torch.zeros(T, T, dtype=torch.bool)
    for t in range(T):
        for s in range(t + 1):
            mask[t, s] = True
    return mask


def softmax_with_a_loop(scores):
    rows = scores.reshape(-1, scores.shape[-1])
    out = torch.empty_like(rows)
    for i, row in enumerate(rows):
        e = torch.exp(row - max(row))
        out[i] = e / sum(e)
    return out.view(scores.shape)


def weights_with_loops(q, k, mask):
    outer, (T, D), S = q.shape[:-2], q.shape[-2:], k.shape[-2]
    q, k = q.reshape(-1, T, D), k.reshape(-1, S, D)
    out = torch.zeros(len(q), T, S)
    for n in range(len(q)):
        for t in range(T):
            seen = [s for s in range(S) if mask[t, s]]
            scores = torch.stack([q[n, t] @ k[n, s] / D**0.5 for s in seen])
            out[n, t, seen] = scores.softmax(0)
    return out.view(*outer, T, S)


def weights_by_where(q, k, mask):
    scores = torch.einsum("...td,...sd->...ts", q, k) * q.size(-1) ** -0.5
    return F.softmax(torch.where(mask, scores, float("-inf")), dim=-1)


def weights_by_adding(q, k, mask):
    bias = torch.zeros(mask.shape).masked_fill(mask.logical_not(), float("-inf"))
    return torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(k.shape[-1]) + bias, -1)


def weights_by_identity(q, k, mask):
    eye = torch.eye(k.shape[-2]).expand(*k.shape[:-1], -1)
    return F.scaled_dot_product_attention(q, k, eye, attn_mask=mask)


def weights_in_place(q, k, mask):
    scores = q @ k.mT
    scores /= q.shape[-1] ** 0.5
    scores[..., ~mask] = -torch.inf
    return scores.softmax(dim=-1)


def split_by_loop(x, n_heads):
    D = x.shape[-1] // n_heads
    return torch.stack([x[..., h * D : (h + 1) * D] for h in range(n_heads)], dim=1)


def join_by_loop(heads):
    return torch.cat([heads[:, h] for h in range(heads.shape[1])], dim=-1)


def diagnosed(**changes):
    return lambda: (
        {
            "A": "mask after softmax",
            "B": "heads without a transpose",
            "C": "mask shifted by one",
            "D": "no scale",
        }
        | changes
    )


RIGHT = {
    "causal_mask": [
        lambda T: torch.tril(torch.ones(T, T)).bool(),
        lambda T: torch.arange(T)[:, None] >= torch.arange(T),
        lambda T: torch.ones(T, T).triu(1) == 0,
        lambda T: ~torch.triu(torch.ones(T, T, dtype=torch.bool), diagonal=1),
        lambda T: torch.tensor([[s <= t for s in range(T)] for t in range(T)]),
        lambda T: torch.ones(T, T).cumsum(1) <= torch.arange(1, T + 1)[:, None],
        mask_with_loops,
    ],
    "stable_softmax": [
        lambda scores: (scores - scores.logsumexp(-1, keepdim=True)).exp(),
        lambda scores: F.normalize(torch.exp(scores - scores.max(-1, keepdim=True).values), p=1, dim=-1),
        lambda scores: 1 / (scores[..., None, :] - scores[..., :, None]).nan_to_num(0.0).exp().sum(-1),
        softmax_with_a_loop,
    ],
    "attention_weights": [
        lambda q, k, mask: F.softmax((q / q.shape[-1] ** 0.5 @ k.mT).masked_fill(~mask, -1e9), dim=-1),
        weights_with_loops,
        weights_by_where,
        weights_by_adding,
        weights_by_identity,
        weights_in_place,
    ],
    "split_heads": [
        lambda x, n: x.reshape(*x.shape[:2], n, -1).permute(0, 2, 1, 3),
        lambda x, n: x.unflatten(-1, (n, -1)).transpose(1, 2),
        lambda x, n: torch.stack(x.chunk(n, dim=-1), dim=1),
        lambda x, n: torch.stack(x.split(x.shape[2] // n, 2), 1),
        lambda x, n: x.mT.reshape(x.shape[0], n, x.shape[2] // n, x.shape[1]).mT,
        split_by_loop,
    ],
    "join_heads": [
        lambda heads: heads.transpose(1, 2).flatten(2),
        lambda heads: heads.transpose(1, 2).contiguous().view(heads.shape[0], heads.shape[2], -1),
        lambda heads: heads.permute(0, 2, 1, 3).reshape(heads.shape[0], heads.shape[2], -1),
        lambda heads: torch.cat(heads.unbind(1), dim=-1),
        lambda heads: torch.einsum("bhtd->bthd", heads).flatten(-2),
        join_by_loop,
    ],
    "four_broken": [
        diagnosed(),
        lambda: dict(zip("CABD", ["mask shifted by one", *list(diagnosed()().values())[:2], "no scale"], strict=True)),
        lambda: dict(sorted(diagnosed()().items(), reverse=True)),
    ],
}

WRONG = {
    "causal_mask": [
        (lambda T: torch.ones(T, T).tril(), "type is not"),
        (lambda T: torch.tril(torch.ones(T, T, dtype=torch.long)), "dtype=torch.bool"),
        (lambda T: torch.zeros(T, T).masked_fill(~torch.ones(T, T, dtype=torch.bool).tril(), -math.inf), "True or Fal"),
        (lambda T: torch.ones(T, dtype=torch.bool), "shape"),
        (lambda T: torch.zeros(T, T, dtype=torch.bool), "Row 0 is wrong"),
        (lambda T: [[s <= t for s in range(T)] for t in range(T)], "list"),
        (lambda T: None, "is there a return?"),
        (lambda T: torch.ones(T, T).tril().triu(-1).bool(), "Row 2 is wrong"),
        (lambda T: torch.ones(T, T).tril(k=0), "stopped with TypeError"),
        (lambda T: torch.ones(3, 3, dtype=torch.bool).tril(), "shape is (3, 3)"),
    ],
    "stable_softmax": [
        (lambda s: s.exp(), "sum to"),
        (lambda s: (s - s.amax()).exp() / (s - s.amax()).exp().sum(-1, keepdim=True), "whole table"),
        (lambda s: s.exp() / s.exp().sum(-1), "sums to"),
        (lambda s: s.exp() / (s.exp().sum(-1, keepdim=True) + 1), "sums to"),
        (lambda s: torch.sigmoid(s), "sums to"),
        (lambda s: (s / s.max()).softmax(-1), "largest changes"),
        (lambda s: torch.ones_like(s) / s.shape[-1], "largest difference"),
        (lambda s: s.exp().nan_to_num() / s.exp().nan_to_num().sum(-1, keepdim=True), "sums to"),
        (lambda s: torch.softmax(s, 1), "dim=-1, and"),
        (lambda s: (s - s.max(-1, keepdim=True)).exp(), "stopped with TypeError"),
        (lambda s: s.softmax(-1).tolist(), "type list"),
        (lambda s: s.sub_(s.amax(-1, keepdim=True)).softmax(-1), "in place"),
        (lambda s: torch.tensor(s.softmax(-1).tolist()), "no gradient comes through"),
        (lambda s: torch.from_numpy(s.softmax(-1).numpy()), "Can't call numpy()"),
        (lambda s: print(s.softmax(-1)), "is there a return?"),
        (lambda s: F.softmax(s, dim=-1), "torch's own softmax has made them"),
        (lambda s: torch.nn.Softmax(-1)(s), "torch's own softmax has made them"),
        (lambda s: s.log_softmax(-1).exp(), "torch's own log_softmax has made them"),
        (lambda s: s.softmax(-1) if s.ndim == 1 else softmax_with_a_loop(s), "torch's own softmax has made them"),
        (lambda s: s.exp() / s.exp().sum(), "And e^1000 is too"),
        (lambda s: s.clamp(max=80).exp() / s.clamp(max=80).exp().sum(-1, keepdim=True), "0 / 0 is nan"),
    ],
    "attention_weights": [
        (lambda q, k, mask: (q @ k.mT / 8).masked_fill(~mask, -math.inf).softmax(-1), "Take D from q"),
        (lambda q, k, mask: (q @ k.mT / 2).masked_fill(~mask, -math.inf).softmax(-1), "you multiply q·k by 0.5"),
        (lambda q, k, mask: (q @ k.mT / q.shape[-1] ** 2).masked_fill(~mask, -math.inf).softmax(-1), "1/√D = 0.5"),
        (lambda q, k, mask: (-(q @ k.mT) / 2).masked_fill(~mask, -math.inf).softmax(-1), "by -0.5"),
        (lambda q, k, mask: (q @ k.T / 2).masked_fill(~mask, -math.inf).softmax(-1), "you multiply"),
        (
            lambda q, k, mask: (q @ k.transpose(0, 1) / q.shape[-1] ** 0.5).masked_fill(~mask, -math.inf).softmax(-1),
            "k.mT swaps the last two",
        ),
        (
            lambda q, k, mask: (q @ k.mT / q.shape[1] ** 0.5).masked_fill(~mask, -math.inf).softmax(1),
            "Rows must sum to 1",
        ),
        (lambda q, k, mask: (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, 1e-9).softmax(-1), "nearly"),
        (lambda q, k, mask: (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, -5).softmax(-1), "mask hides"),
        (lambda q, k, mask: (q @ k / q.shape[-1] ** 0.5).softmax(-1), "stopped with RuntimeError"),
        (lambda q, k, mask: (q * k).sum(-1).softmax(-1), "shape"),
        (lambda q, k, mask: weights_by_where(q, k, mask) @ k, "shape"),
        (lambda q, k, mask: weights_by_where(q, k, mask).log(), "sums to"),
        (lambda q, k, mask: None, "is there a return?"),
        (lambda q, k, mask: weights_by_where(q, k, mask).detach(), "no gradient comes through"),
        (lambda q, k, mask: weights_by_where(q, k, torch.ones_like(mask).tril()), "mask of your own"),
    ],
    "split_heads": [
        (lambda x, n: x.view(x.shape[0], x.shape[1], n, -1), "swap axes 1 and 2"),
        (lambda x, n: x.view(x.shape[0], n, x.shape[1], -1), "a view moves no number"),
        (lambda x, n: x.chunk(n, dim=-1), "tuple"),
        (lambda x, n: x.view(x.shape[0], x.shape[1], 2, -1).transpose(1, 2), "we want"),
        (lambda x, n: x.view(-1, n, x.shape[2] // n).transpose(0, 1), "we want (B, H, T, D)"),
        (lambda x, n: x.view(*x.shape[:2], n, x.shape[2] / n).transpose(1, 2), "stopped with TypeError"),
        (lambda x, n: x.view(*x.shape[:2], n, -1).transpose(1, 2)[0], "we want (B, H, T, D)"),
        (lambda x, n: x.view(*x.shape[:2], n, -1).transpose(1, 2).flip(1), "wrong places"),
        (lambda x, n: None, "is there a return?"),
        (lambda x, n: x.unsqueeze(1).repeat(1, n, 1, 1), "we want"),
    ],
    "join_heads": [
        (lambda h: h.transpose(1, 2).view(h.shape[0], h.shape[2], -1), "copies them into order"),
        (lambda h: h.view(h.shape[0], h.shape[2], h.shape[1] * h.shape[3]), "without swapping"),
        (lambda h: torch.cat(h.unbind(1), dim=1), "one below the other"),
        (lambda h: torch.cat(h.unbind(1), dim=0), "we want (B, T, C)"),
        (lambda h: h.flatten(2), "we want (B, T, C)"),
        (lambda h: h.transpose(1, 2).flatten(2).flip(-1), "wrong places"),
        (lambda h: h.transpose(2, 3).flatten(2).mT, "we want (B, T, C)"),
        (lambda h: h.amax(1), "we want (B, T, C)"),
        (lambda h: None, "is there a return?"),
        (lambda h: h.transpose(1, 2).reshape(h.shape[2], -1), "batch is gone"),
    ],
    "four_broken": [
        (diagnosed(A="no scale", D="mask after softmax"), "2 of 4 are right. A: with 'no scale' the influence map"),
        (diagnosed(B="no scale"), "3 of 4 are right. B:"),
        (diagnosed(C="softmax over the queries"), "3 of 4 are right. C:"),
        (diagnosed(A="No scale"), "A: with 'no scale'"),
        (diagnosed(A=None), "none of the diagnoses"),
        (lambda: ["no scale"] * 4, "dict with the keys"),
        (lambda: None, "dict with the keys"),
        (lambda: {"A": "no scale"}, "dict with the keys"),
    ],
}
