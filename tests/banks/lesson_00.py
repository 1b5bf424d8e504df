"""Answers that people give to the exercises of lesson 00: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import math
from itertools import pairwise

import numpy as np
import torch


def probs_with_a_loop(counts):
    rows = []
    for row in counts:
        total = sum(n.item() + 1 for n in row)
        rows.append([(n.item() + 1) / total for n in row])
    return torch.tensor(rows)


def probs_with_numpy(counts):
    smoothed = counts.numpy() + 1
    return smoothed / smoothed.sum(axis=1, keepdims=True)


def probs_in_place_on_a_copy(counts):
    probs = counts.clone().float()
    probs += 1
    probs /= probs.sum(1).unsqueeze(1)
    return probs


def price_with_a_loop(probs, ids):
    bits = 0.0
    n_bytes = 0
    for before, came in zip(ids.tolist(), ids.tolist()[1:], strict=False):
        bits -= math.log2(probs[before][came])
        n_bytes += came != len(probs) - 1
    return bits / n_bytes


def price_by_cross_entropy(probs, ids):
    nats = torch.nn.functional.nll_loss(probs.log()[ids[:-1]], ids[1:], reduction="sum")
    return nats / math.log(2) / (ids < probs.shape[0] - 1).sum()


def price_with_numpy(probs, ids):
    p, i = probs.numpy(), ids.numpy()
    return -np.log2(p[i[:-1], i[1:]]).sum() / np.count_nonzero(i != len(p) - 1)


def price_by_gather(probs, ids):
    picked = probs[ids[:-1]].gather(1, ids[1:, None])
    return (picked.log2().sum() * -1 / torch.sum(ids != probs.size(0) - 1)).item()


def end_is_256(probs, ids):
    return (-probs[ids[:-1], ids[1:]].log2().sum() / (ids != 256).sum()).item()


def divided_by_a_number_from_outside(probs, ids):
    return (-probs[ids[:-1], ids[1:]].log2().sum() / 196_985).item()


def without_quotes():
    return B  # noqa: F821


def one_pair_after_the_other_times(probs, ids):
    likely = 1.0
    for before, came in pairwise(ids):
        likely *= probs[before, came].item()
    return -math.log2(likely) / (ids != len(probs) - 1).sum().item()


def shape_from_outside(counts):
    return (counts + 1) / ((counts + 1).sum(dim=1, keepdim=True) + 257 - len(counts))


RIGHT = {
    "bigram_probs": [
        lambda counts: (counts + 1) / (counts + 1).sum(1, keepdim=True),
        lambda counts: (counts + 1) / (counts.sum(-1, keepdim=True) + counts.shape[1]),
        lambda counts: torch.nn.functional.normalize(counts + 1.0, p=1, dim=1),
        lambda counts: (1 + counts.double()) / (1 + counts.double()).sum(dim=1).reshape(-1, 1),
        lambda counts: ((counts + 1).T / (counts + 1).sum(dim=1)).T,
        lambda counts: (counts + 1).log().softmax(dim=1),
        probs_with_a_loop,
        probs_in_place_on_a_copy,
    ],
    "bits_per_byte": [
        lambda probs, ids: -torch.log2(probs[ids[:-1], ids[1:]]).sum().item() / (ids != len(probs) - 1).sum().item(),
        lambda probs, ids: (probs.log2().neg()[ids[:-1], ids[1:]].sum() / (ids < len(probs) - 1).sum()).item(),
        lambda probs, ids: -probs[ids[:-1], ids[1:]].log().sum() / math.log(2) / (ids != len(probs) - 1).sum(),
        price_with_a_loop,
        price_by_cross_entropy,
        price_with_numpy,
        price_by_gather,
    ],
    "leaky_split": [lambda: "B", lambda: "b", lambda: " B "],
}

WRONG = {
    "bigram_probs": [
        (lambda counts: (counts + 1) / (counts.sum(1, keepdim=True) + 2), "You added 2"),
        (lambda counts: counts * 2, "rows do not sum to 1"),
        (lambda counts: counts.softmax(dim=1), "x.float() makes them"),
        (lambda counts: None, "is there a return?"),
        (lambda counts: counts / counts.sum(), "rows do not sum to 1"),
        (lambda counts: (counts + 0.1) / (counts + 0.1).sum(1, keepdim=True), "largest difference"),
        (lambda counts: ((counts + 1) / (counts + 1).sum(1, keepdim=True)).sum(0), "shape"),
        (lambda counts: ((counts + 1) / (counts + 1).sum(1, keepdim=True)).log(), "logarithms"),
        (lambda counts: counts.add_(1) / counts.sum(1, keepdim=True), "in place"),
        (lambda counts: (counts + 1) / (counts + 1).sum(axis=2), "stopped with IndexError"),
        (lambda counts: [[1.0] * len(counts)] * len(counts), "type list"),
        (shape_from_outside, "take the number from the table"),
        (probs_with_numpy, "of type ndarray, it should be a tensor"),
    ],
    "bits_per_byte": [
        (lambda probs, ids: -probs[ids[:-1]].log2().mean().item(), "expected"),
        (lambda probs, ids: -probs[ids, ids].log2().sum().item() / (ids != len(probs) - 1).sum().item(), "expected"),
        (lambda probs, ids: -torch.log2(probs[ids[:-1], ids[1:]]) / (ids != len(probs) - 1).sum(), "One number"),
        (lambda probs, ids: 2.0, "expected"),
        (end_is_256, "len(probs) - 1"),
        (divided_by_a_number_from_outside, "divided it by 196,985"),
        (lambda probs, ids: -math.log2(math.prod(probs[ids[:-1], ids[1:]].tolist())) / 1, "price of the whole text"),
        (lambda probs, ids: probs[ids[:-1]][ids[1:]].sum(), "By hand: 3 + 1"),
        (lambda probs, ids: -probs[ids[:-1], ids[1:]].half().log2().sum() / (ids < len(probs) - 1).sum(), "yours"),
        (
            lambda probs, ids: round((-probs[ids[:-1], ids[1:]].log2().sum() / (ids < len(probs) - 1).sum()).item()),
            "2.2",
        ),
        (lambda probs, ids: (-probs[ids[:-1], ids[1:]].log2().sum() / (ids != 3).sum()).item(), "By hand"),
        (lambda probs, ids: torch.sparse_coo_tensor(size=(2, 2)), "can't be compared"),
        (lambda probs, ids: 10**400, "can't be compared"),
        (lambda probs, ids: sum(probs[i, ids[n + 1]] for n, i in enumerate(ids)), "out of bounds"),
        (one_pair_after_the_other_times, "become 0?"),
    ],
    "leaky_split": [
        (lambda: "D", "none of them"),
        (lambda: None, "is there a return?"),
        (without_quotes, "stands in quotes"),
        (lambda: 1, "none of them"),
    ],
}
