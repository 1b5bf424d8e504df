"""Answers that people give to the exercises of lesson 06: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

# Perplexity


def perplexity_by_gather(logits, targets):
    price = -logits.log_softmax(-1).gather(1, targets[:, None])
    return math.exp(price.mean())


def perplexity_with_a_loop(logits, targets):
    total = 0.0
    for row, target in zip(logits, targets.tolist(), strict=True):
        total -= row.log_softmax(0)[target].item()
    return math.exp(total / len(targets))


def perplexity_through_bits(logits, targets):
    bits = -logits.log_softmax(-1)[torch.arange(len(targets)), targets] / math.log(2)
    return 2 ** bits.mean()


def perplexity_by_logsumexp(logits, targets):
    came = logits[torch.arange(len(logits)), targets]
    return torch.exp((logits.logsumexp(1) - came).mean())


def perplexity_by_nll(logits, targets):
    return torch.exp(F.nll_loss(F.log_softmax(logits, dim=1), targets, reduction="sum") / targets.numel())


def perplexity_in_numpy(logits, targets):
    x = logits.numpy().astype(np.float64)
    x = x - x.max(1, keepdims=True)
    logp = x - np.log(np.exp(x).sum(1, keepdims=True))
    return float(np.exp(-logp[np.arange(len(x)), targets.numpy()].mean()))


def geometric_mean(logits, targets):
    p = logits.double().softmax(-1)[torch.arange(len(targets)), targets]
    return 1 / (p.log().mean().exp())


def one_root_of_the_product(logits, targets):
    product = 1.0
    for row, target in zip(logits.double().softmax(-1).tolist(), targets.tolist(), strict=True):
        product *= row[target]
    return product ** (-1 / len(targets))


def product_of_all(logits, targets):
    p = logits.softmax(-1)[torch.arange(len(targets)), targets]
    return (p.prod() ** (-1 / len(targets))).item()


def softmax_by_hand(logits, targets):
    p = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return (-p[torch.arange(len(targets)), targets].log().mean()).exp().item()


def through_probabilities(logits, targets):
    return logits.softmax(-1)[torch.arange(len(targets)), targets].log().mean().neg().exp().item()


def with_a_ceiling(logits, targets):
    p = logits.softmax(-1)[torch.arange(len(targets)), targets]
    return (p + 1e-12).log().mean().neg().exp().item()


def clamped(logits, targets):
    p = logits.softmax(-1)[torch.arange(len(targets)), targets]
    return p.clamp(min=1e-8).log().mean().neg().exp().item()


def one_maximum_for_all(logits, targets):
    p = (logits - logits.max()).exp()
    p = p / p.sum(1, keepdim=True)
    return p[torch.arange(len(targets)), targets].log().mean().neg().exp().item()


def square_of_prices(logits, targets):
    return (-logits.log_softmax(-1)[:, targets]).mean().exp().item()


def every_token(logits, targets):
    return F.cross_entropy(logits, targets, reduction="none").exp()


def fancy_square(logits, targets):
    return -logits.log_softmax(-1)[:, targets].mean().exp().item()


# Bits per byte


def texts_with_a_loop(nats, texts):
    bits = n_bytes = 0
    for price, text in zip(nats.tolist(), texts, strict=True):
        bits += price / math.log(2)
        n_bytes += len(text.encode("utf-8"))
    return bits / n_bytes


def texts_joined(nats, texts):
    return nats.sum() / math.log(2) / len("".join(texts).encode())


def texts_in_numpy(nats, texts):
    return float(nats.numpy().sum() * np.log2(np.e) / np.sum([len(bytes(t, "utf8")) for t in texts]))


def texts_weighted(nats, texts):
    sizes = torch.tensor([len(t.encode()) for t in texts])
    return (nats.double().sum() / sizes.sum() / torch.log(torch.tensor(2.0, dtype=torch.double))).item()


def texts_by_math(nats, texts):
    return math.fsum(nats.tolist()) * math.log2(math.e) / sum(map(len, map(str.encode, texts)))


def one_each(nats, texts):
    return nats / math.log(2) / torch.tensor([max(1, len(t.encode())) for t in texts])


def with_separators(nats, texts):
    return nats.sum().item() / math.log(2) / len("\n".join(texts).encode())


def ratio_of_means_in_nats(nats, texts):
    return nats.mean().item() / np.mean([len(t.encode()) for t in texts])


def by_two(nats, texts):
    return nats.sum().item() / 2 / sum(len(t.encode()) for t in texts)


def squared_base(nats, texts):
    return nats.sum().item() / math.log(10) / sum(len(t.encode()) for t in texts)


def powers_and_back(nats, texts):
    return torch.log2(nats.exp()).sum().item() / sum(len(t.encode()) for t in texts)


def stripped(nats, texts):
    return nats.sum().item() / math.log(2) / sum(len(t.strip().encode()) for t in texts)


def three_digits(nats, texts):
    return nats.sum().item() / 0.693 / sum(len(t.encode()) for t in texts)


def times_144(nats, texts):
    return nats.sum().item() * 1.44 / sum(len(t.encode()) for t in texts)


def without_the_empty(nats, texts):
    kept = [(x, t) for x, t in zip(nats.tolist(), texts, strict=True) if t]
    return sum(x for x, _ in kept) / math.log(2) / sum(len(t.encode()) for _, t in kept)


def upside_down(nats, texts):
    return sum(len(t.encode()) for t in texts) * math.log(2) / nats.sum().item()


def log_of_the_sum(nats, texts):
    return math.log2(nats.sum().item()) / sum(len(t.encode()) for t in texts)


def of_the_list(nats, texts):
    return nats.sum().item() / math.log(2) / len(texts.encode())


def in_ascii(nats, texts):
    return nats.sum().item() / math.log(2) / sum(len(t.encode("ascii")) for t in texts)


# Strides


def strided_by_filling(price, ids, context_length, stride):
    nats, done = torch.empty(len(ids) - 1), 0
    begin = 0
    while done < len(ids) - 1:
        part = price(ids[begin : begin + context_length + 1])
        end = begin + len(part)
        nats[done:end] = part[done - begin :]
        done, begin = end, begin + stride
    return nats


def strided_token_by_token(price, ids, context_length, stride):
    nats = []
    for token in range(1, len(ids)):
        k = max(0, math.ceil((token - context_length) / stride))
        nats.append(price(ids[k * stride : token + 1])[-1])
    return torch.stack(nats)


def newest_by_count(price, ids, context_length, stride):
    """As many of the last window as of the others."""
    pieces = [
        price(ids[b : b + context_length + 1]) for b in range(0, max(1, len(ids) - 1 - context_length + stride), stride)
    ]
    nats = torch.cat([pieces[0], *(p[-stride:] for p in pieces[1:])])
    return nats[: len(ids) - 1]


def strided_backwards(price, ids, context_length, stride):
    nats = torch.zeros(len(ids) - 1)
    n = max(0, math.ceil((len(ids) - 1 - context_length) / stride))
    for k in range(n, -1, -1):
        part = price(ids[k * stride : k * stride + context_length + 1])
        nats[k * stride : k * stride + len(part)] = part
    return nats


def strided_with_nan(price, ids, context_length, stride):
    nats = torch.full((len(ids) - 1,), math.nan)
    for begin in range(0, len(ids) - 1, stride):
        part = price(ids[begin : begin + context_length + 1])
        place = nats[begin : begin + len(part)]
        place[place.isnan()] = part[place.isnan()]
    return nats


def strided_by_list(price, ids, context_length, stride):
    out = price(ids[: context_length + 1]).tolist()
    begin = stride
    while len(out) < len(ids) - 1:
        out += price(ids[begin : begin + context_length + 1])[len(out) - begin :].tolist()
        begin += stride
    return torch.tensor(out)


def strided_by_most_to_read(price, ids, context_length, stride):
    nats, most = torch.zeros(len(ids) - 1), [0] * len(ids)
    for begin in range(0, len(ids) - 1, stride):
        for k, nat in enumerate(price(ids[begin : begin + context_length + 1]).tolist(), 1):
            if k > most[begin + k]:
                nats[begin + k - 1], most[begin + k] = nat, k
    return nats


def the_cheapest(price, ids, context_length, stride):
    nats = [math.inf] * (len(ids) - 1)
    for begin in range(0, len(ids) - 1, stride):
        for k, nat in enumerate(price(ids[begin : begin + context_length + 1]).tolist()):
            nats[begin + k] = min(nats[begin + k], nat)
    return torch.tensor(nats)


def zero_in_front(price, ids, context_length, stride):
    return torch.cat([torch.zeros(1), strided_by_filling(price, ids, context_length, stride)])


def the_dearest(price, ids, context_length, stride):
    nats = [0.0] * (len(ids) - 1)
    for begin in range(0, len(ids) - 1, stride):
        for k, nat in enumerate(price(ids[begin : begin + context_length + 1]).tolist()):
            nats[begin + k] = max(nats[begin + k], nat)
    return torch.tensor(nats)


def one_window(price, ids, context_length, stride):
    return price(ids)


def begins_too_late(price, ids, context_length, stride):
    return strided_by_filling(price, ids[1:], context_length, stride)


def sums(price, ids, context_length, stride):
    return strided_by_filling(price, ids, context_length, stride).sum()


def pieces(price, ids, context_length, stride):
    return list(strided_by_filling(price, ids, context_length, stride).split(2))


def numbers(price, ids, context_length, stride):
    return strided_by_filling(price, ids, context_length, stride).tolist()


def never_stops_cutting(price, ids, context_length, stride):
    return torch.cat([price(ids[b : b + context_length + 1])[-stride:] for b in range(0, len(ids), stride)])


def out_of_order(price, ids, context_length, stride):
    return strided_by_filling(price, ids, context_length, stride).flip(0)


def without_the_toy(price, ids, context_length, stride):
    return ids[1:].float()


# Bootstrap


def mirrored(nats, n_bytes, draws):
    low, high = interval_in_numpy(nats, n_bytes, draws)
    figure = (nats.sum() / math.log(2) / n_bytes.sum()).item()
    return 2 * figure - high, 2 * figure - low


def own_draws(nats, n_bytes, draws):
    again = torch.randint(len(nats), draws.shape, generator=torch.Generator().manual_seed(5))
    return interval_in_numpy(nats, n_bytes, again)


def interval_with_a_loop(nats, n_bytes, draws):
    nats, n_bytes = nats.tolist(), n_bytes.tolist()
    values = [sum(nats[i] for i in row) / math.log(2) / sum(n_bytes[i] for i in row) for row in draws.tolist()]
    values.sort()
    return values[int(0.025 * len(values))], values[int(0.975 * len(values))]


def interval_row_by_row(nats, n_bytes, draws):
    values = torch.stack([nats[row].sum() / n_bytes[row].sum() / math.log(2) for row in draws])
    return torch.quantile(values, 0.025), torch.quantile(values, 0.975)


def interval_in_numpy(nats, n_bytes, draws):
    d = draws.numpy()
    values = nats.numpy()[d].sum(axis=1) / np.log(2) / n_bytes.numpy()[d].sum(axis=1)
    return np.percentile(values, [2.5, 97.5])


def interval_as_tensor(nats, n_bytes, draws):
    values = nats[draws].sum(-1) / n_bytes[draws].sum(-1) / math.log(2)
    return values.quantile(torch.tensor([0.025, 0.975], dtype=values.dtype))


def interval_of_means(nats, n_bytes, draws):
    values = nats[draws].mean(1) / n_bytes[draws].double().mean(1) / math.log(2)
    return [values.quantile(0.025), values.quantile(0.975)]


def interval_by_counting(nats, n_bytes, draws):
    times = torch.stack([row.bincount(minlength=len(nats)) for row in draws]).double()
    values = (times @ nats.double()) / (times @ n_bytes.double()) / math.log(2)
    return torch.quantile(values, 0.025).item(), torch.quantile(values, 0.975).item()


def interval_by_kthvalue(nats, n_bytes, draws):
    values = nats[draws].sum(1) / math.log(2) / n_bytes[draws].sum(1)
    k = round(0.025 * (len(values) - 1))
    return values.kthvalue(k + 1).values, values.kthvalue(len(values) - k).values


def all_values(nats, n_bytes, draws):
    return nats[draws].sum(1) / math.log(2) / n_bytes[draws].sum(1)


def percentages(nats, n_bytes, draws):
    values = all_values(nats, n_bytes, draws)
    return values.quantile(2.5), values.quantile(97.5)


def one_number(nats, n_bytes, draws):
    return all_values(nats, n_bytes, draws).mean().item()


def one_off(nats, n_bytes, draws):
    values = all_values(nats, n_bytes, draws).sort().values.tolist()
    return values[0], values[-2]


def indexed_the_wrong_way(nats, n_bytes, draws):
    values = draws[nats.long()].sum(1) / n_bytes.sum()
    return values.quantile(0.025), values.quantile(0.975)


def own_luck(nats, n_bytes, draws):
    torch.manual_seed(1)
    return interval_of_means(nats, n_bytes, torch.randint(len(nats), (len(draws), len(nats))))


def one_by_one(nats, n_bytes, draws):
    values = []
    for row in draws:
        bits = sum(nats[i].item() for i in row) / math.log(2)
        values.append(bits / sum(n_bytes[i].item() for i in row))
    return tuple(torch.tensor(values).quantile(torch.tensor([0.025, 0.975])).tolist())


def single_documents(nats, n_bytes, draws):
    each = nats / math.log(2) / n_bytes
    return (each.mean() - 1.96 * each.std()).item(), (each.mean() + 1.96 * each.std()).item()


def median_only(nats, n_bytes, draws):
    values = all_values(nats, n_bytes, draws)
    return values.median().item(), values.median().item()


# Claims


def claims(a, b, c):
    return lambda: {"A": a, "B": b, "C": c}


UNITS, TEXTS, BASELINE, CHOSEN, CHANCE = (
    "other units",
    "other texts",
    "missing baseline",
    "chosen on the test text",
    "chance",
)

RIGHT = {
    "perplexity": [
        perplexity_by_gather,
        perplexity_with_a_loop,
        perplexity_through_bits,
        perplexity_by_logsumexp,
        perplexity_by_nll,
        perplexity_in_numpy,
        geometric_mean,
    ],
    "bits_per_byte_of_texts": [texts_with_a_loop, texts_joined, texts_in_numpy, texts_weighted, texts_by_math],
    "strided_nats": [
        strided_by_filling,
        strided_backwards,
        strided_with_nan,
        strided_by_list,
        strided_by_most_to_read,
    ],
    "bootstrap_interval": [
        interval_with_a_loop,
        interval_row_by_row,
        interval_in_numpy,
        interval_as_tensor,
        interval_of_means,
        interval_by_counting,
        interval_by_kthvalue,
    ],
    "fair_claims": [
        claims(UNITS, CHOSEN, BASELINE),
        claims(" Other units", "CHOSEN on the test text", "missing baseline "),
        lambda: dict(C=BASELINE, B=CHOSEN, A=UNITS),
        lambda: dict(zip("ABC", [UNITS, CHOSEN, BASELINE], strict=True)),
        claims("OTHER UNITS", "Chosen on the test text", "Missing baseline"),
    ],
}

WRONG = {
    "perplexity": [
        (one_root_of_the_product, "Add logarithms instead"),
        (product_of_all, "too small for a float"),
        (softmax_by_hand, "e to the power of 200"),
        (through_probabilities, "too small for a float and became 0"),
        (with_a_ceiling, "Is something added inside the logarithm"),
        (clamped, "Is something added inside the logarithm"),
        (one_maximum_for_all, "One maximum for all rows does not help"),
        (square_of_prices, "(N, N) prices"),
        (every_token, "One number for the whole text"),
        (fancy_square, "By hand: the prices are"),
        (lambda logits, targets: None, "Nothing came back"),
        (lambda logits, targets: F.cross_entropy(targets, logits), "→"),
        (lambda logits, targets: len(logits[0]), "By hand"),
        (lambda logits, targets: math.exp(F.cross_entropy(logits, targets, reduction="none")), "average first"),
        (lambda logits, targets: logits.log_softmax(-1)[targets].mean().neg().exp().item(), "targets are columns"),
        (lambda logits, targets: F.cross_entropy(logits.T, targets).exp().item(), "a row for each token"),
    ],
    "bits_per_byte_of_texts": [
        (one_each, "One number for all texts"),
        (with_separators, "you divided it by"),
        (ratio_of_means_in_nats, "nats per byte"),
        (by_two, "By hand"),
        (squared_base, "By hand"),
        (powers_and_back, "is too large for a float"),
        (stripped, "no strip()"),
        (three_digits, "math.log(2) has them all"),
        (times_144, "math.log(2) has them all"),
        (
            lambda nats, texts: round(nats.sum().item() / math.log(2) / sum(len(t.encode()) for t in texts), 2),
            "rounded",
        ),
        (without_the_empty, "its end costs too"),
        (upside_down, "Upside down"),
        (log_of_the_sum, "log2 of the sum"),
        (of_the_list, "one after the other"),
        (in_ascii, "UTF-8 can write every character"),
        (lambda nats, texts: nats.sum().item() / math.log(2) / len(texts), "bits per document"),
        (lambda nats, texts: None, "Nothing came back"),
        (lambda nats, texts: nats.exp().sum().item(), "By hand"),
    ],
    "strided_nats": [
        (strided_token_by_token, "Call price once for each window"),
        (newest_by_count, "stands the price of a token before it once more"),
        (the_cheapest, "You kept the cheapest"),
        (the_dearest, "in yours it sees"),
        (zero_in_front, "token 0 has none"),
        (one_window, "A window holds context_length + 1 ids"),
        (begins_too_late, "prices for"),
        (sums, "one row of prices"),
        (pieces, "torch.cat"),
        (numbers, "A tensor, please"),
        (never_stops_cutting, "→"),
        (out_of_order, "→"),
        (without_the_toy, "Are pieces in the wrong order"),
        (lambda price, ids, T, stride: None, "Nothing came back"),
        (lambda price, ids, T, stride: price(ids[: T + 1]), "prices for"),
    ],
    "bootstrap_interval": [
        (mirrored, "nothing added or mirrored"),
        (own_draws, "don't draw for yourself"),
        (all_values, "These are the figures of all resamples"),
        (percentages, "A quantile is a share"),
        (one_number, "Two numbers"),
        (one_off, "in order you took number"),
        (indexed_the_wrong_way, "The first resample"),
        (own_luck, "don't draw for yourself"),
        (one_by_one, "nats[draws] looks up all at once"),
        (single_documents, "draws was not used"),
        (median_only, "in order you took number"),
        (lambda nats, n_bytes, draws: None, "Two numbers"),
        (lambda nats, n_bytes, draws: (0.025, 0.975), "The first resample"),
    ],
    "fair_claims": [
        (claims(CHANCE, CHOSEN, BASELINE), "too far apart for chance"),
        (claims(UNITS, CHANCE, BASELINE), "What makes it a lie"),
        (claims(UNITS, CHOSEN, CHANCE), "far above the 25%"),
        (claims(TEXTS, CHOSEN, BASELINE), "both read the same 827"),
        (claims(UNITS, TEXTS, BASELINE), "How many times was the judge asked"),
        (claims(UNITS, CHOSEN, CHOSEN), "it was asked once"),
        (claims("units", CHOSEN, BASELINE), "none of the flaws"),
        (lambda: "A", 'a dict with the keys "A", "B" and "C"'),
        (lambda: {"A": UNITS}, 'a dict with the keys "A", "B" and "C"'),
    ],
}
