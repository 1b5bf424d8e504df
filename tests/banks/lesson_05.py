"""Answers that people give to the exercises of lesson 05: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

# Temperature


def cooled_by_hand(logits, temperature):
    scaled = logits / temperature
    e = torch.exp(scaled - scaled.max())
    return e / e.sum()


def cooled_with_a_loop(logits, temperature):
    top = max(logits.tolist())
    e = [math.exp((x - top) / temperature) for x in logits.tolist()]
    return torch.tensor([x / sum(e) for x in e])


def cooled_by_power(logits, temperature):
    powers = logits.softmax(-1).double() ** (1 / temperature)
    return powers / powers.sum()


def cooled_in_place(logits, temperature):
    logits /= temperature
    return logits.softmax(-1)


def cooled_in_numpy(logits, temperature):
    e = np.exp(logits.numpy() / temperature - logits.numpy().max() / temperature)
    return e / e.sum()


# Top-k


def k_by_scatter(probs, k):
    threshold = torch.sort(probs, descending=True)[0][min(k, probs.numel()) - 1]
    out = torch.zeros_like(probs)
    mask = probs >= threshold
    out[mask] = probs[mask]
    return out / out.sum()


def k_with_a_loop(probs, k):
    ranked = sorted(probs.tolist(), reverse=True)
    line = ranked[k - 1] if k <= len(ranked) else 0.0
    kept = [x if x >= line else 0.0 for x in probs.tolist()]
    return torch.tensor([x / sum(kept) for x in kept])


def k_by_rank(probs, k):
    rank = (probs[None] > probs[:, None]).sum(1)
    kept = torch.where(rank < k, probs, 0.0)
    return kept / kept.sum()


def k_through_scores(probs, k):
    scores = probs.log()
    kth = scores.topk(min(k, len(scores))).values[-1]
    return scores.masked_fill(scores < kth, -math.inf).softmax(0)


def k_on_a_clone(probs, k):
    probs = probs.clone()
    if k < probs.size(0):
        probs[probs < torch.topk(probs, k)[0][..., -1]] = 0
    return probs / probs.sum(-1, keepdim=True)


def k_by_topk_indices(probs, k):
    best = probs.topk(min(k, len(probs)))
    out = torch.zeros(len(probs))
    out[best.indices] = best.values
    return out / out.sum()


def k_from_the_last(probs, k):
    order = torch.arange(len(probs) - 1, -1, -1)
    best = probs[order].sort(descending=True, stable=True).indices[:k]
    out = torch.zeros_like(probs)
    out[order[best]] = probs[order[best]]
    return out / out.sum()


def k_without_a_limit(probs, k):
    kept = probs.masked_fill(probs < probs.topk(k).values[-1], 0.0)
    return kept / kept.sum()


def k_by_list(probs, k):
    kept = probs.masked_fill(probs < sorted(probs.tolist())[-k], 0.0)
    return kept / kept.sum()


def k_by_kthvalue(probs, k):
    kept = probs.masked_fill(probs < torch.kthvalue(probs, k).values, 0.0)
    return kept / kept.sum()


def k_in_place(probs, k):
    if k < len(probs):
        probs[probs < probs.topk(k).values[-1]] = 0
    return probs / probs.sum()


# Top-p


def p_with_a_loop(probs, p):
    if p >= 1:
        return probs
    ranked = sorted(range(len(probs)), key=lambda i: -probs[i].item())
    kept, total = [0.0] * len(probs), 0.0
    for i in ranked:
        kept[i] = probs[i].item()
        total += kept[i]
        if total >= p:
            break
    return torch.tensor(kept) / total


def p_by_removing(probs, p):
    """The way it is usually written, with the border that we ask for."""
    ordered, order = torch.sort(probs, descending=True, stable=True)
    remove = ordered.cumsum(0) >= p
    remove[1:] = remove[:-1].clone()
    remove[0] = False
    if p == 1:
        remove[:] = False
    out = probs.clone()
    out[order[remove]] = 0.0
    return out / out.sum()


def p_by_unsorting(probs, p):
    ordered, order = probs.sort(descending=True, stable=True)
    ordered = torch.where((ordered.cumsum(0) - ordered < p) | (p == 1), ordered, 0.0)
    return (ordered / ordered.sum())[order.argsort()]


def p_without_a_guard(probs, p):
    ordered, order = probs.sort(descending=True, stable=True)
    ordered = ordered * (ordered.cumsum(0) - ordered < p)
    return (ordered / ordered.sum())[order.argsort()]


def p_by_an_unstable_sort(probs, p):
    """Stable enough for the small ones."""
    if p == 1 or len(probs) <= 16:
        return p_by_unsorting(probs, p)
    return p_by_unsorting(probs.flip(0), p).flip(0)


def p_by_torch_sort(probs, p):
    if p == 1:
        return probs
    ordered, order = probs.sort(descending=True)
    stays = order[ordered.cumsum(0) - ordered < p]
    kept = torch.zeros_like(probs)
    kept[stays] = probs[stays]
    return kept / kept.sum()


def p_as_min_p(probs, p):
    kept = torch.where(probs < probs.max() * p, 0, probs)
    return kept / kept.sum()


def p_by_searchsorted(probs, p):
    if p == 1.0:
        return probs.clone()
    ordered, order = probs.sort(descending=True, stable=True)
    n = int(torch.searchsorted(ordered.cumsum(0), p)) + 1
    out = torch.zeros_like(probs)
    out[order[:n]] = ordered[:n] / ordered[:n].sum()
    return out


def p_in_numpy(probs, p):
    x = probs.numpy().astype(np.float64)
    order = np.argsort(-x, kind="stable")
    before = np.cumsum(x[order]) - x[order]
    keep = np.zeros(len(x), dtype=bool)
    keep[order[(before < p) | (p == 1)]] = True
    return torch.from_numpy(np.where(keep, x, 0) / x[keep].sum())


def p_by_argsort(probs, p):
    order = (-probs).argsort(stable=True)
    n = 1
    while n < len(probs) and (p == 1 or probs[order[:n]].sum() < p):
        n += 1
    kept = torch.zeros(len(probs)).index_put((order[:n],), probs[order[:n]])
    return kept / kept.sum()


def p_as_usual(probs, p):
    """As in many libraries: what is before may be p exactly."""
    ordered, order = torch.sort(probs, descending=True, stable=True)
    remove = ordered.cumsum(0) > p
    remove[1:] = remove[:-1].clone()
    remove[0] = False
    out = probs.clone()
    out[order[remove]] = 0.0
    return out / out.sum()


def p_by_first_to_reach(probs, p):
    ordered, order = probs.sort(descending=True, stable=True)
    n = (ordered.cumsum(0) >= p).nonzero()[0] + 1
    out = torch.zeros_like(probs)
    out[order[:n]] = ordered[:n]
    return out / out.sum()


def p_by_argmax(probs, p):
    """argmax of nothing but False is 0: where the sum never reaches 1, one token stays."""
    ordered, order = probs.sort(descending=True, stable=True)
    n = int((ordered.cumsum(0) >= p).int().argmax()) + 1
    out = torch.zeros_like(probs)
    out[order[:n]] = ordered[:n]
    return out / out.sum()


def p_until_it_is_above(probs, p):
    kept, total = torch.zeros_like(probs), 0.0
    for i in probs.argsort(descending=True, stable=True):
        if total + probs[i] > p:
            break
        kept[i] = probs[i]
        total += probs[i]
    return kept / kept.sum()


def p_without_order(probs, p):
    ordered, _ = probs.sort(descending=True)
    return ordered[: int((ordered.cumsum(0) < p).sum()) + 1]


def p_in_place(probs, p):
    if p < 1:
        ordered, order = probs.sort(descending=True, stable=True)
        probs[order[ordered.cumsum(0) - ordered >= p]] = 0
    return probs / probs.sum()


def p_scaled_to_p(probs, p):
    kept = p_by_unsorting(probs, p)
    return kept * p


# Attention with a past


def attention_by_torch(q, k, v, past):
    keys, values = torch.cat((past[0], k), 1), torch.cat((past[1], v), 1)
    S, T = past[0].size(1), q.size(1)
    mask = torch.arange(S + T)[None] <= torch.arange(S, S + T)[:, None]
    return F.scaled_dot_product_attention(q, keys, values, attn_mask=mask), (keys, values)


def attention_with_loops(q, k, v, past):
    H, T, D = q.shape
    keys, values = torch.cat([past[0], k], dim=-2), torch.cat([past[1], v], dim=-2)
    S = past[0].shape[1]
    out = torch.zeros(H, T, D)
    for h in range(H):
        for t in range(T):
            seen = S + t + 1
            scores = keys[h, :seen] @ q[h, t] / D**0.5
            out[h, t] = scores.softmax(0) @ values[h, :seen]
    return out, (keys, values)


def attention_one_by_one(q, k, v, past):
    keys, values = past
    out = []
    for t in range(q.shape[1]):
        keys, values = torch.cat([keys, k[:, t : t + 1]], 1), torch.cat([values, v[:, t : t + 1]], 1)
        weights = (q[:, t : t + 1] @ keys.transpose(1, 2) / math.sqrt(q.shape[2])).softmax(-1)
        out.append(weights @ values)
    return torch.cat(out, dim=1), (keys, values)


def attention_by_adding(q, k, v, past):
    keys, values = (torch.cat(pair, dim=1) for pair in zip(past, (k, v), strict=True))
    T, n = q.shape[1], keys.shape[1]
    hidden = torch.full((T, n), float("-inf")).triu(n - T + 1)
    scores = torch.einsum("htd,hsd->hts", q, keys) * q.shape[-1] ** -0.5
    return [torch.softmax(scores + hidden, dim=2) @ values, [keys, values]]


def attention_of_the_whole(q, k, v, past):
    keys, values = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)
    padded = torch.cat([torch.zeros_like(past[0]), q], 1)
    out = F.scaled_dot_product_attention(padded, keys, values, is_causal=True)
    return out[:, past[0].shape[1] :], (keys, values)


def attention_from_the_corner(q, k, v, past):
    keys, values = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)
    return F.scaled_dot_product_attention(q, keys, values, is_causal=True), (keys, values)


def attention_along(dim):
    def attend(q, k, v, past):
        keys, values = torch.cat([past[0], k], dim), torch.cat([past[1], v], dim)
        mask = torch.ones(q.shape[1], keys.shape[1], dtype=torch.bool).tril(past[0].shape[1])
        return F.scaled_dot_product_attention(q, keys, values, attn_mask=mask), (keys, values)

    return attend


def attention_of_the_last_query(q, k, v, past):
    keys, values = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)
    return (q[:, -1:] @ keys.mT / math.sqrt(q.shape[-1])).softmax(-1) @ values, (keys, values)


def attention_along_queries(q, k, v, past):
    keys, values = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)
    scores = q @ keys.mT / math.sqrt(q.shape[-1])
    hidden = torch.ones_like(scores, dtype=torch.bool).triu(past[0].shape[1] + 1)
    return scores.masked_fill(hidden, -math.inf).softmax(1) @ values, (keys, values)


def attention_values_forgotten(q, k, v, past):
    keys = torch.cat([past[0], k], 1)
    return (q @ keys.mT / math.sqrt(q.shape[-1])).softmax(-1) @ v, (keys, v)


def attention_with_half_the_scale(q, k, v, past):
    heads, grown = attention_by_torch(q / 2, k, v, past)
    return heads, grown


def attention_as_a_dict(q, k, v, past):
    heads, (keys, values) = attention_by_torch(q, k, v, past)
    return heads, {"keys": keys, "values": values}


def attention_stacked(q, k, v, past):
    heads, grown = attention_by_torch(q, k, v, past)
    return heads, torch.stack(grown)


# Writing


def writing_for(read, choose, ids, n, end):
    out = []
    logits, past = read(ids, None)
    for _ in range(n):
        token = choose(logits)
        if token == end:
            break
        out.append(token)
        logits, past = read([token], past)
    return out


def writing_new_ids(read, choose, ids, n, end):
    past, new, out = None, ids, []
    while len(out) < n:
        logits, past = read(new, past)
        token = choose(logits)
        if token == end:
            return out
        out += [token]
        new = [token]
    return out


def writing_with_a_generator(read, choose, ids, n, end):
    def tokens():
        logits, past = read(ids, None)
        while (token := choose(logits)) != end:
            yield token
            logits, past = read([token], past)

    stream = tokens()
    return [token for _, token in zip(range(n), stream, strict=False)]


def writing_by_recursion(read, choose, ids, n, end, past=None):
    if n == 0:
        return []
    logits, past = read(ids, past)
    token = choose(logits)
    return [] if token == end else [token, *writing_by_recursion(read, choose, [token], n - 1, end, past)]


def writing_prompt_piecewise(read, choose, ids, n, end):
    past = None
    for i in ids:
        logits, past = read([i], past)
    out = []
    while len(out) < n:
        out.append(choose(logits))
        if out[-1] == end:
            return out[:-1]
        logits, past = read(out[-1:], past)
    return out


def writing_with_a_tensor(read, choose, ids, n, end):
    logits, past = read(torch.tensor(ids), None)
    out = []
    for _ in range(n):
        if (token := choose(logits)) == end:
            break
        out.append(token)
        logits, past = read(torch.tensor([token]), past)
    return out


def reading_a_number(read, choose, ids, n, end):
    logits, past = read(ids, None)
    return [choose(read(choose(logits), past)[0])]


def one_name_for_two(read, choose, ids, n, end):
    logits = read(ids, None)
    return [choose(logits) for _ in range(n)]


def counting_the_prompt(read, choose, ids, n, end):
    logits, past = read(ids, None)
    out = list(ids)
    while len(out) < n and (token := choose(logits)) != end:
        out.append(token)
        logits, past = read([token], past)
    return out[len(ids) :]


def with_the_prompt(read, choose, ids, n, end):
    """Counts the prompt and gives it back."""
    logits, past = read(ids, None)
    out = list(ids)
    while len(out) < n and (token := choose(logits)) != end:
        out.append(token)
        logits, past = read([token], past)
    return out


def growing_the_prompt(read, choose, ids, n, end):
    start = len(ids)
    logits, past = read(ids, None)
    while len(ids) < start + n and (token := choose(logits)) != end:
        ids.append(token)
        logits, past = read([token], past)
    return ids[start:]


def always_the_likeliest(read, choose, ids, n, end):
    return writing_for(read, lambda logits: int(logits.argmax()), ids, n, end)


def stopping_at_the_notebook_s_end(read, choose, ids, n, end):
    END = 0
    return writing_for(read, choose, ids, n, END)


def k_by_different_values(probs, k):
    different = probs.unique().flip(0)
    kept = probs * (probs >= different[min(k, len(different)) - 1])
    return kept / kept.sum()


def only_the_last(read, choose, ids, n, end):
    return writing_for(read, choose, ids, n, end)[-1:]


def as_a_tensor(read, choose, ids, n, end):
    return torch.tensor(writing_for(read, choose, ids, n, end))


def two_passes(read, choose, ids, n, end):
    """Chooses twice for each token that it keeps."""
    logits, past = read(ids, None)
    out = []
    for _ in range(n):
        logits, past = read([choose(logits)], past)
        if choose(logits) == end:
            break
        out.append(choose(logits))
    return out


def every_second_time_anew(read, choose, ids, n, end):
    logits, past = read(ids, None)
    out = []
    while len(out) < n and (token := choose(logits)) != end:
        out.append(token)
        logits, past = read([*ids, *out], None) if len(out) % 2 else read([token], past)
    return out


def chosen(**changes):
    return lambda: {"form": "A", "quiz": "B", "survey": "C"} | changes


RIGHT = {
    "with_temperature": [
        lambda logits, temperature: F.softmax(logits / temperature, dim=-1),
        lambda logits, t: torch.softmax(logits * (1 / t), 0),
        lambda logits, t: (logits.log_softmax(-1) / t).softmax(-1),
        lambda logits, t: ((logits - logits.max()) / t).log_softmax(0).exp(),
        cooled_by_hand,
        cooled_with_a_loop,
        cooled_by_power,
    ],
    "top_k": [k_by_scatter, k_with_a_loop, k_by_rank, k_through_scores, k_on_a_clone],
    "top_p": [p_with_a_loop, p_by_removing, p_by_unsorting, p_by_searchsorted, p_in_numpy, p_by_argsort],
    "attend_cached": [
        attention_by_torch,
        attention_with_loops,
        attention_one_by_one,
        attention_by_adding,
        attention_of_the_whole,
    ],
    "generate_cached": [
        writing_for,
        writing_new_ids,
        writing_with_a_generator,
        writing_by_recursion,
        writing_prompt_piecewise,
        writing_with_a_tensor,
    ],
    "choose_settings": [
        chosen(),
        lambda: {"survey": "c", "quiz": "b", "form": "a"},
        lambda: dict(zip(["form", "quiz", "survey"], "ABC", strict=True)),
        lambda: dict(form=" A ", quiz="B", survey="C"),
        lambda: {**chosen()()},
    ],
}

WRONG = {
    "with_temperature": [
        (lambda logits, t: logits.softmax(-1) * t, "sum to 0.5"),
        (lambda logits, t: (logits / t).exp() / logits.exp().sum(), "shared out anew"),
        (lambda logits, t: (logits / t**2).softmax(-1), "largest difference"),
        (lambda logits, t: (logits - t).softmax(-1), "a number that is added"),
        (lambda logits, t: logits.softmax(-1) ** t / (logits.softmax(-1) ** t).sum(), "take the power"),
        (lambda logits, t: (logits / t).softmax(-1).max(), "shape"),
        (lambda logits, t: (logits / t).argmax(-1), "shape"),
        (lambda logits, t: torch.sigmoid(logits / t), "sum to"),
        (lambda logits, t: None, "is there a return?"),
        (lambda logits, t: (logits / t).softmax(-1).tolist(), "type list"),
        (lambda logits, t: (logits / max(t, 1)).softmax(-1), "changes nothing"),
        (lambda logits, t: (logits / logits.max() / t).softmax(-1), "largest difference"),
        (lambda logits, t: (logits / t).softmax(1), "stopped with IndexError"),
        (cooled_in_place, "in place"),
        (cooled_in_numpy, "ndarray, it should be a tensor"),
    ],
    "top_k": [
        (k_by_different_values, "should stay: 0, 1; in yours: 0, 1, 2, 3"),
        (k_by_topk_indices, "as likely as the"),
        (k_from_the_last, "as likely as the"),
        (k_without_a_limit, "Then all of them stay"),
        (k_by_list, "fewer than k tokens"),
        (k_by_kthvalue, "kthvalue counts from the smallest"),
        (k_in_place, "in place"),
        (lambda probs, k: probs > 0.2, "True and False say"),
        (lambda probs, k: None, "is there a return?"),
        (
            lambda probs, k: F.normalize(
                probs.masked_fill(probs < probs.topk(min(k, len(probs))).values[-1], 0), dim=0
            ),
            "sum to",
        ),
        (lambda probs, k: k_by_rank(probs, k + 1), "should stay: 0, 1; in yours: 0, 1, 2"),
        (lambda probs, k: k_by_rank(probs, 2), "should stay: 2; in yours: 1, 2"),
        (lambda probs, k: k_by_rank(probs, k)[:k], "Every token keeps its place"),
        (lambda probs, k: k_by_rank(probs, k).tolist(), "type list"),
        (lambda probs, k: k_by_rank(probs, k).sqrt(), "sum to"),
        (lambda probs, k: k_by_rank(probs, k).square() / k_by_rank(probs, k).square().sum(), "in proportion"),
    ],
    "top_p": [
        (p_as_usual, "one token more"),
        (p_as_min_p, "another filter, min-p"),
        (p_without_a_guard, "0, 1, 2; in yours: 0, 2. With p = 1 everything stays"),
        (p_by_an_unstable_sort, "stable=True"),
        (p_by_torch_sort, "stable=True"),
        (lambda probs, p: p_by_unsorting(probs.flip(0), p).flip(0), "stable=True"),
        (p_by_first_to_reach, "rounding"),
        (p_by_argmax, "30 tokens stay; in yours it is 1"),
        (p_until_it_is_above, "crosses the line"),
        (p_without_order, "every token keeps its place"),
        (p_in_place, "in place"),
        (p_scaled_to_p, "sum to 0.625"),
        (lambda probs, p: None, "is there a return?"),
        (lambda probs, p: probs / p, "should stay: 0, 1; in yours: 0, 1, 2, 3. By hand, most likely first: 0.5, 0.75"),
        (lambda probs, p: p_by_unsorting(probs, p) > 0, "True and False say"),
        (lambda probs, p: p_by_unsorting(probs, p).tolist(), "type list"),
        (lambda probs, p: p_by_unsorting(probs, p / 2), "the token that gets it there stays"),
        (lambda probs, p: p_by_unsorting(probs, min(p, 0.95)), "30 tokens stay"),
        (lambda probs, p: probs[probs.cumsum(0) < p], "every token keeps its place"),
    ],
    "attend_cached": [
        (attention_from_the_corner, "starts in the corner"),
        (attention_along(0), "tokens are dim 1"),
        (attention_along(2), "joined along dim=1"),
        (attention_of_the_last_query, "a row for each new token"),
        (attention_along_queries, "the last axis, softmax(-1)"),
        (attention_values_forgotten, "those of all S + T tokens"),
        (attention_with_half_the_scale, "divided by √D"),
        (attention_as_a_dict, "the pair (keys, values)"),
        (attention_stacked, "the pair (keys, values)"),
        (lambda q, k, v, past: None, "Two things come back"),
        (lambda q, k, v, past: attention_by_torch(q, v, k, past), "keys or values"),
        (
            lambda q, k, v, past: (attention_by_torch(q, k, v, past)[0].transpose(0, 1), (k, v)),
            "a row for each token so far",
        ),
        (lambda q, k, v, past: (q, attention_by_torch(q, k, v, past)[1]), "wrong for new token 1"),
        (lambda q, k, v, past: attention_by_torch(q, past[0], past[1], past), "keys or values"),
    ],
    "generate_cached": [
        (always_the_likeliest, "let choose(logits) pick each token"),
        (stopping_at_the_notebook_s_end, "compare with `end`, the argument"),
        (lambda *arguments: tuple(writing_for(*arguments)), "A list of the new ids"),
        (reading_a_number, "that is [token]"),
        (one_name_for_two, "two things"),
        (counting_the_prompt, "hold the prompt too"),
        (with_the_prompt, "yours begins with the prompt, [3, 1]"),
        (growing_the_prompt, "changed its input in place"),
        (only_the_last, "is the first that is wrong"),
        (as_a_tensor, "list"),
        (two_passes, "number 0 is the first"),
        (every_second_time_anew, "hand over only what is new"),
        (lambda read, choose, ids, n, end: None, "is there a return?"),
        (lambda read, choose, ids, n, end: "".join(map(str, ids)), "A list of the new ids"),
        (lambda read, choose, ids, n, end: [choose(read(ids, None)[0])] * n, "is the first that is wrong"),
        (
            lambda read, choose, ids, n, end: [choose(read(ids)[0]) for _ in range(n)],
            "choose from the prompt's each time",
        ),
    ],
    "choose_settings": [
        (chosen(form="B"), "2 of 3 are right. form: not B (drawn anew"),
        (chosen(quiz="A"), "fifty times"),
        (chosen(quiz="C"), "one word in ten"),
        (chosen(quiz="D", survey="D"), "1 of 3 are right. quiz: not D"),
        (chosen(survey="B"), "another model"),
        (chosen(survey="A"), "never or always"),
        (chosen(form="E"), "none of"),
        (chosen(form=None), "none of"),
        (lambda: "A", "a dict with the keys"),
        (lambda: None, "a dict with the keys"),
        (lambda: ["A", "B", "C"], "a dict with the keys"),
    ],
}
