"""Exercise bits_per_byte of lesson 00: the answer, what it is tried on, and what people get wrong."""

import math

import torch
from torch.nn import functional as F

from tinygpt.course.judging import Exercise, Mistake

END = 3  # in the small examples: three bytes, 0 to 2, and the end of a document


def bits_per_byte(probs, ids):
    price = -probs[ids[:-1], ids[1:]].log2()  # (N - 1,), of each symbol but the first
    n_bytes = (ids != len(probs) - 1).sum()
    return (price.sum() / n_bytes).item()


def streams():
    three = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.125, 0.5, 0.375]])
    yield three, torch.tensor([2, 0, 0, 1, 0, 0, 2])  # 3 + 1 + 2 + 2 + 1 + 2 bits, 5 bytes
    skewed = torch.tensor(
        [[0.5, 0.25, 0.125, 0.125], [0.125, 0.5, 0.25, 0.125], [0.3, 0.3, 0.2, 0.2], [0.125, 0.25, 0.5, 0.125]]
    )
    yield skewed, torch.tensor([END, 0, 1, END])
    yield skewed, torch.tensor([END, 0, 1, 2, END, 2, 0, END, 1, 1, END])
    yield skewed, torch.tensor([END, *([0, 1, 2, END] * 400)])


def follow_the_price(got, expected, probs, ids):
    """What the answer divided by, where that can be told; else the prices one by one."""
    if isinstance(got, torch.Tensor) and got.numel() > 1:
        return "One number for the whole text, please: add up the prices of its symbols."
    if isinstance(got, torch.Tensor) and got.ndim:
        return f"A number, please: a tensor of shape {tuple(got.shape)} becomes one with .item()."
    if isinstance(got, torch.Tensor):
        got = got.item()
    if not isinstance(got, int | float):
        return None
    prices = (-probs[ids[:-1], ids[1:]].log2()).tolist()
    total, n_bytes = sum(prices), int((ids != len(probs) - 1).sum())
    divisor = total / got if got else 0.0
    if divisor > 20 and abs(divisor - round(divisor)) < 1e-4 * divisor:
        return (
            f"The price is right, {total:g} bits in all, but you divided it by {divisor:,.0f}; of these {len(ids)} "
            + (f"symbols {n_bytes} are bytes. Count them inside the function, in ids.")
        )
    if len(prices) > 12:
        return None
    return (
        f"By hand: {' + '.join(f'{p:g}' for p in prices)} = {total:g} bits in all. Bytes: {n_bytes}. So {expected:g}."
    )


BITS_PER_BYTE = Exercise(
    name="bits_per_byte",
    reference=bits_per_byte,
    examples=streams,
    explain=follow_the_price,
    advice={
        "out of bounds": "an index that is too large. Nothing comes after the last symbol: stop one earlier. And "
        "probs[a][b] takes rows twice, probs[a, b] one number a pair.",
        "out of range": "an index that is too large. Nothing comes after the last symbol: stop one earlier.",
    },
    hints=(
        "The price of one symbol is -log2 of the probability that it had. ids[:-1] are the symbols before, ids[1:] "
        "those that came.",
        "probs[ids[:-1], ids[1:]] picks one number for each pair. Add up the prices of all of them, ends included; "
        "then ask: how many of the symbols are bytes?",
        "The end is the last symbol, len(probs) - 1: n_bytes = (ids != len(probs) - 1).sum()",
    ),
    mistakes=(
        Mistake(
            "That is in nats: log is the natural logarithm. Bits want log2.",
            lambda probs, ids: (-probs[ids[:-1], ids[1:]].log().sum() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "That is the price of the whole text. Divide it by the number of bytes.",
            lambda probs, ids: -probs[ids[:-1], ids[1:]].log2().sum().item(),
        ),
        Mistake(
            "You divided by the number of predicted symbols. The end of a document costs bits but is no byte: divide "
            "by the bytes. Which symbol is the end? Here it is not 256 but V - 1: len(probs) - 1.",
            lambda probs, ids: -probs[ids[:-1], ids[1:]].log2().mean().item(),
        ),
        Mistake(
            "You divided by the number of all symbols, the ends among them. Which symbol is the end? Here it is not "
            "256 but V - 1, the last column of probs: len(probs) - 1.",
            lambda probs, ids: (-probs[ids[:-1], ids[1:]].log2().sum() / len(ids)).item(),
        ),
        Mistake(
            "You left the ends out of the price. That a document is over has to be predicted too, and paid for.",
            lambda probs, ids: price_of_bytes_only(probs, ids),
        ),
        Mistake(
            "The sign: a logarithm of a probability is below 0, and a price is above.",
            lambda probs, ids: (probs[ids[:-1], ids[1:]].log2().sum() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "The row is the symbol before and the column the one that came: probs[before, came].",
            lambda probs, ids: (-probs[ids[1:], ids[:-1]].log2().sum() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "You took the logarithm of the average probability. The average of the logarithms is another number: a "
            "model that is nearly sure and wrong has to feel it.",
            lambda probs, ids: -probs[ids[:-1], ids[1:]].mean().log2().item(),
        ),
        Mistake(
            "You added the probabilities and took one logarithm. Each symbol has its own price: first the logarithm of "
            "each, then the sum.",
            lambda probs, ids: (-probs[ids[:-1], ids[1:]].sum().log2() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "You paid for each symbol as if it came after itself. ids[:-1] are the symbols before, ids[1:] those that "
            "came: a shift by one.",
            lambda probs, ids: (-probs[ids, ids].log2().sum() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "Two things at once: log is the natural logarithm, bits want log2; and the mean divides by all predicted "
            "symbols, the ends among them.",
            lambda probs, ids: -probs[ids[:-1], ids[1:]].log().mean().item(),
        ),
        Mistake(
            "cross_entropy takes the softmax of what it is given. These are probabilities: give it probs.log().",
            lambda probs, ids: price_of_probs_taken_for_scores(probs, ids) / (ids != len(probs) - 1).sum().item(),
        ),
        Mistake(
            "cross_entropy takes the softmax of what it is given: give it probs.log(). And its mean divides by the "
            "ends too.",
            lambda probs, ids: price_of_probs_taken_for_scores(probs, ids) / (len(ids) - 1),
        ),
        Mistake(
            "The first symbol is given and costs nothing. Here it is paid for, as if the last had come before it: roll "
            "and index -1 go round in a circle.",
            lambda probs, ids: (-probs[ids.roll(1), ids].log2().sum() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "You left out what comes after an end. The first byte of each document is predicted from the end before "
            "it, and paid for.",
            lambda probs, ids: (
                -probs[ids[:-1], ids[1:]][ids[:-1] != len(probs) - 1].log2().sum() / (ids != len(probs) - 1).sum()
            ).item(),
        ),
        Mistake(
            "These are probabilities, added up. The price of each is -log2 of it.",
            lambda probs, ids: (probs[ids[:-1], ids[1:]].sum() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "You priced every symbol that might have come. Only the one that came is paid for: probs[before, came].",
            lambda probs, ids: (-probs[ids[:-1]].log2().sum() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "probs[before][came] picks rows of rows, (N - 1, V). One number for each pair: probs[before, came].",
            lambda probs, ids: (-probs[ids[:-1]][ids[1:]].log2().sum() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "// throws the fraction away. Use /.",
            lambda probs, ids: (-probs[ids[:-1], ids[1:]].log2().sum() // (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "Weighted by its probability, a price becomes an entropy: what the model expects to pay. Pay what came: "
            "-log2 of its probability, once for each symbol.",
            lambda probs, ids: (-(probs * probs.log2()).sum(1)[ids[:-1]].sum() / (ids != len(probs) - 1).sum()).item(),
        ),
        Mistake(
            "A product of many probabilities is soon too small for a float and becomes 0. Add logarithms instead.",
            lambda probs, ids: (-probs[ids[:-1], ids[1:]].prod().log2() / (ids != len(probs) - 1).sum()).item(),
        ),
    ),
)


def price_of_probs_taken_for_scores(probs, ids):
    return F.cross_entropy(probs[ids[:-1]], ids[1:], reduction="sum").item() / math.log(2)


def price_of_bytes_only(probs, ids):
    is_byte = ids[1:] != len(probs) - 1
    return (-probs[ids[:-1], ids[1:]][is_byte].log2().sum() / is_byte.sum()).item()
