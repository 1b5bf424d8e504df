"""Exercises of lesson 05: temperature, top-k, top-p, attention that remembers, writing with it, and what for."""

import math

import torch

from tinygpt.course.judging import Exercise, Mistake

# Temperature


def with_temperature(logits, temperature):
    return (logits / temperature).softmax(-1)  # (V,)


def scored():
    quarters = torch.tensor([0.5, 0.25, 0.25]).log()
    yield quarters, 0.5
    yield quarters, 2.0
    yield quarters, 1.0
    yield torch.tensor([0.0, 3.0, -2.0]), 0.7
    yield torch.tensor([100.0, 99.0, 0.0]), 0.1
    yield torch.arange(12.0).sin() * 4, 1.3


def look_at_sum(got, expected, *arguments):
    """What can be said of numbers that should be probabilities."""
    if not isinstance(got, torch.Tensor) or got.shape != expected.shape:
        return None
    if got.isnan().any():
        return (
            "There are nan in it: e to the power of a large score is infinity, and infinity divided by infinity is "
            "nothing. torch's softmax holds."
        )
    if not math.isclose(total := got.double().sum().item(), 1, abs_tol=1e-4):
        return f"Probabilities sum to 1; yours sum to {total:.3g}."
    return None


WITH_TEMPERATURE = Exercise(
    name="with_temperature",
    reference=with_temperature,
    examples=scored,
    explain=look_at_sum,
    hints=(
        "Softmax takes e to the power of each score. Temperature changes the scores before that.",
        "Below 1 the gaps between scores must grow, above 1 shrink: multiply or divide?",
        "(logits / temperature).softmax(-1)",
    ),
    mistakes=(
        Mistake(
            "You multiply (or take the power), and a low temperature makes everything more alike. It should sharpen: "
            "divide the scores by it.",
            lambda logits, temperature: (logits * temperature).softmax(-1),
        ),
        Mistake(
            "These are the scores, divided. We want probabilities: softmax comes after.",
            lambda logits, temperature: logits / temperature,
        ),
        Mistake(
            "Softmax first, then a division: all probabilities change by the same factor, and they no longer sum to "
            "1. Divide the scores, before the softmax.",
            lambda logits, temperature: logits.softmax(-1) / temperature,
        ),
        Mistake(
            "The temperature changes nothing here. Softmax doesn't notice a number that is added to all scores, and "
            "sharing out anew undoes a factor on all probabilities. Divide the scores, before the softmax.",
            lambda logits, temperature: logits.softmax(-1),
        ),
        Mistake(
            "Two softmaxes: the scores themselves are what is divided by the temperature, not their probabilities.",
            lambda logits, temperature: (logits.softmax(-1) / temperature).softmax(-1),
        ),
        Mistake(
            "The power is right; what comes out still has to be shared out anew, so that it sums to 1.",
            lambda logits, temperature: logits.softmax(-1) ** (1 / temperature),
        ),
        Mistake(
            "Minus: your least likely token is now the likeliest.",
            lambda logits, temperature: (-logits / temperature).softmax(-1),
        ),
        Mistake(
            "These are logarithms of the probabilities: softmax, not log_softmax.",
            lambda logits, temperature: (logits / temperature).log_softmax(-1),
        ),
        Mistake(
            "Right for these scores, but e to the power of a large one overflows. torch's softmax takes the largest "
            "off first.",
            lambda logits, temperature: renewed((logits / temperature).exp()),
        ),
        Mistake(
            "Whole-number division: // throws the fraction away. Use /.",
            lambda logits, temperature: (logits // temperature).softmax(-1),
        ),
    ),
)


def renewed(probs):
    return probs / probs.sum()


# Top-k


def top_k(probs, k):
    if k >= len(probs):
        return probs
    kth = probs.topk(k).values[-1]
    kept = probs.masked_fill(probs < kth, 0.0)  # (V,)
    return kept / kept.sum()


def spread():
    """A long distribution without ties, in no order."""
    return torch.arange(40.0).mul(2.4).sin().mul(3).softmax(-1)


def k_cases():
    yield torch.tensor([0.5, 0.25, 0.125, 0.0625, 0.0625]), 2
    yield torch.tensor([0.125, 0.25, 0.5, 0.125]), 1
    yield torch.tensor([0.25, 0.5, 0.125, 0.125]), 3
    yield torch.tensor([0.5, 0.25, 0.25]), 5
    yield spread(), 7


def named(ids):
    return ", ".join(map(str, ids)) or "none"


def staying(probs):
    return probs.nonzero().flatten().tolist()


def look_at_kept(got, expected, *arguments):
    """Who stays and should not, or the other way round; else how it is shared out."""
    if not isinstance(got, torch.Tensor):
        return None
    if got.shape != expected.shape:
        return (
            f"The shape is {tuple(got.shape)}, it should be {tuple(expected.shape)}: every token keeps its place, "
            "those ruled out with probability 0."
        )
    if got.dtype == torch.bool:
        return "True and False say who stays; we want the probabilities of those that do, shared out anew."
    if got.isnan().any():
        return "There are nan in it: nothing was left, and 0 divided by 0 is nan. At least one token always stays."
    if got.isinf().any() or (got < 0).any():
        return "Ruled out means probability 0 here; minus infinity is for scores."
    kept, wanted = staying(got), staying(expected)
    if kept != wanted and len(expected) <= 12:
        return f"The ids that should stay: {named(wanted)}; in yours: {named(kept)}."
    if kept != wanted:
        return f"{len(wanted)} tokens stay; in yours it is {len(kept)}" + (
            ", others." if len(kept) == len(wanted) else "."
        )
    return look_at_sum(got, expected) or "The right tokens stay; share out the 1 in proportion: divide by their sum."


def look_at_k(got, expected, probs, k):
    said = look_at_kept(got, expected)
    if isinstance(got, torch.Tensor) and got.shape == expected.shape:
        missing = set(staying(expected)) - set(staying(got))
        if missing and all(probs[i] == kth_of(probs, k) for i in missing) and len(staying(got)) == k:
            said += f" Token {min(missing)} is as likely as the k-th, and those stay too."
    return said


TOP_K = Exercise(
    name="top_k",
    reference=top_k,
    examples=k_cases,
    explain=look_at_k,
    advice={
        "index k out of range": "there are fewer than k tokens. Then all of them stay: min(k, len(probs)).",
        "list index out of range": "there are fewer than k tokens. Then all of them stay.",
        "out of bounds": "there are fewer than k tokens. Then all of them stay.",
    },
    hints=(
        "How likely is the k-th most likely token? Everything less likely goes.",
        "probs.topk(k).values[-1] is its probability. masked_fill puts 0 where a condition holds; then divide by the "
        "sum. And k may be larger than len(probs).",
        "kth = probs.topk(min(k, len(probs))).values[-1]; kept = probs.masked_fill(probs < kth, 0.0); return kept / "
        "kept.sum()",
    ),
    mistakes=(
        Mistake(
            "The right tokens stay, but what is left sums to less than 1. Share it out anew: divide by the sum.",
            lambda probs, k: probs.masked_fill(probs < kth_of(probs, k), 0.0),
        ),
        Mistake(
            "These are the k probabilities alone. Which tokens do they belong to? Every token keeps its place, the "
            "others get 0.",
            lambda probs, k: probs.topk(min(k, len(probs))).values,
        ),
        Mistake(
            "These are the k probabilities alone, shared out. Which tokens do they belong to? Every token keeps its "
            "place, the others get 0.",
            lambda probs, k: renewed(probs.topk(min(k, len(probs))).values),
        ),
        Mistake(
            "These are the ids of the tokens that stay; we want the probabilities of all tokens.",
            lambda probs, k: probs.topk(min(k, len(probs))).indices,
        ),
        Mistake(
            "The k-th itself has to stay: rule out what is less likely than it, and not what is as likely.",
            lambda probs, k: renewed(probs * (probs > kth_of(probs, k))),
        ),
        Mistake(
            "Exactly k stay here. Of two that are equally likely nobody should decide by their place: those as likely "
            "as the k-th stay too. Compare each probability with the k-th.",
            lambda probs, k: exactly_k(probs, k),
        ),
        Mistake(
            "Your probabilities are in order of size, so they belong to other tokens now. Every token keeps its place.",
            lambda probs, k: renewed(ordered(probs) * (ordered(probs) >= kth_of(probs, k))),
        ),
        Mistake(
            "These are the k least likely.",
            lambda probs, k: renewed(probs * (probs <= probs.topk(min(k, len(probs)), largest=False).values[-1])),
        ),
        Mistake(
            "kthvalue counts from the smallest; topk from the largest.",
            lambda probs, k: renewed(probs * (probs >= torch.kthvalue(probs, k).values)),
        ),
        Mistake(
            "You kept the first k of the vocabulary, and not the k most likely.",
            lambda probs, k: renewed(probs * (torch.arange(len(probs)) < k)),
        ),
        Mistake(
            "softmax takes e to the power of each first: the tokens with 0 come back with e⁰ = 1. Divide by the sum.",
            lambda probs, k: probs.masked_fill(probs < kth_of(probs, k), 0.0).softmax(-1),
        ),
        Mistake(
            "softmax takes e to the power of each first, and that changes the proportions. Divide by the sum.",
            lambda probs, k: probs.masked_fill(probs < kth_of(probs, k), -math.inf).softmax(-1),
        ),
        Mistake(
            "Ruled out means probability 0 here; minus infinity is for scores.",
            lambda probs, k: probs.masked_fill(probs < kth_of(probs, k), -math.inf),
        ),
        Mistake(
            "All tokens that stay have the same probability now. They keep their proportions: divide by the sum.",
            lambda probs, k: renewed((probs >= kth_of(probs, k)).float()),
        ),
        Mistake("Nothing was ruled out.", lambda probs, k: probs),
    ),
)


def kth_of(probs, k):
    return probs.topk(min(k, len(probs))).values[-1]


def exactly_k(probs, k):
    order = probs.sort(descending=True, stable=True).indices[:k]
    return renewed(torch.zeros_like(probs).scatter(0, order, probs[order]))


def ordered(probs):
    return probs.sort(descending=True).values


# Top-p


def top_p(probs, p):
    if p == 1:
        return probs
    ordered, order = probs.sort(descending=True, stable=True)  # (V,), of two alike the first one first
    before = ordered.cumsum(-1) - ordered  # (V,) what all likelier tokens have together
    stays = order[before < p]
    kept = torch.zeros_like(probs).scatter(-1, stays, probs[stays])  # (V,)
    return kept / kept.sum()


def p_cases():
    quarters = torch.tensor([0.5, 0.25, 0.125, 0.125])
    yield quarters, 0.625
    yield quarters, 0.75
    yield torch.tensor([0.125, 0.5, 0.125, 0.25]), 0.8
    yield torch.tensor([0.25, 0.25, 0.25, 0.25]), 0.5
    yield torch.tensor([0.25, 0.5, 0.25]), 1e-6
    yield torch.tensor([0.25, 0.5, 0.25]), 1.0
    yield torch.arange(30.0).mul(2.4).sin().mul(3).softmax(-1), 1.0  # the running sum ends below 1
    yield spread(), 0.9
    yield torch.tensor([0.9375, 0.0625]), 0.5


def walk(got, expected, probs, p):
    """How far one gets by hand."""
    said = look_at_kept(got, expected)
    if said and p == 1:
        return f"{said} With p = 1 everything stays, whatever rounding makes of the sum."
    if said is None or len(probs) > 12 or not isinstance(got, torch.Tensor) or staying(got) == staying(expected):
        return said
    sizes, order = probs.sort(descending=True, stable=True)
    n = len(staying(expected))
    sums = ", ".join(f"{total:g}" for total in sizes.cumsum(-1)[:n].tolist())
    return f"{said} By hand, most likely first: {sums}. The last one reaches {p:g}; its token, {order[n - 1]}, stays."


TOP_P = Exercise(
    name="top_p",
    reference=top_p,
    examples=p_cases,
    explain=walk,
    advice={
        "out of bounds": "the running sum never reached p: rounding. Treat p = 1 by itself.",
        "list index out of range": "did the running sum never reach p? Rounding. Treat p = 1 by itself.",
        "negative dimensions": "the running sum never reached p: rounding. Treat p = 1 by itself.",
    },
    hints=(
        "Sort with probs.sort(descending=True, stable=True): it gives the sizes and the ids they belong to. A token "
        "stays while those before it, all together, have less than p.",
        "before = ordered.cumsum(-1) - ordered is what all likelier tokens have. order[before < p] are the ids that "
        "stay, the likeliest always among them: it has 0 before it.",
        "kept = torch.zeros_like(probs); kept[stays] = probs[stays]; return kept / kept.sum(). Return probs at once "
        "where p is 1.",
    ),
    mistakes=(
        Mistake(
            "The right tokens stay, but what is left sums to less than 1. Share it out anew: divide by the sum.",
            lambda probs, p: chosen_by(probs, p, lambda sums, own: sums - own < p, share=False),
        ),
        Mistake(
            "The token that crosses the line is missing: the others alone do not reach p.",
            lambda probs, p: chosen_by(probs, p, lambda sums, own: sums <= p),
        ),
        Mistake(
            "One always stays, good. But the token that crosses the line has to stay too: without it the sum does not "
            "reach p.",
            lambda probs, p: chosen_by(probs, p, lambda sums, own: (sums <= p) | (sums == own)),
        ),
        Mistake(
            "Where the sum reaches p exactly, we have enough: your version takes one token more. Stay while the sum of "
            "those before is less than p.",
            lambda probs, p: chosen_by(probs, p, lambda sums, own: sums - own <= p),
        ),
        Mistake(
            "The running sum is taken in the order of the vocabulary. Most likely first: sort.",
            lambda probs, p: renewed(probs * (probs.cumsum(-1) - probs < p)),
        ),
        Mistake(
            "Your sum runs from the least likely. Most likely first: descending=True.",
            lambda probs, p: upside_down(probs, p),
        ),
        Mistake(
            "You compare each probability by itself with p. It is the sum of the likeliest that has to reach p.",
            lambda probs, p: renewed(probs * (probs >= p)),
        ),
        Mistake(
            "You compare each probability by itself with 1 - p. It is the sum of the likeliest that has to reach p.",
            lambda probs, p: renewed(probs * (probs >= 1 - p)),
        ),
        Mistake(
            "Your probabilities are in order of size, so they belong to other tokens now. order says which: put each "
            "one back at its id.",
            lambda probs, p: renewed(ordered(probs) * (ordered(probs).cumsum(-1) - ordered(probs) < p)),
        ),
        Mistake(
            "The mask is in order of size, the probabilities in that of the vocabulary. order says which token each "
            "place belongs to.",
            lambda probs, p: renewed(probs * (ordered(probs).cumsum(-1) - ordered(probs) < p)),
        ),
        Mistake(
            "Too many: all tokens as likely as the last one stay. We want the fewest that reach p; of two alike the "
            "one with the lower id.",
            lambda probs, p: renewed(probs * (probs >= probs[top_p(probs, p) > 0].min())),
        ),
        Mistake(
            "Of two that are equally likely the one with the lower id comes first: sort with stable=True.",
            lambda probs, p: top_p(probs.flip(-1), p).flip(-1),
        ),
        Mistake(
            "softmax takes e to the power of each first, and that changes the proportions. Divide by the sum.",
            lambda probs, p: torch.where(top_p(probs, p) > 0, probs, -math.inf).softmax(-1),
        ),
        Mistake(
            "Ruled out means probability 0 here; minus infinity is for scores.",
            lambda probs, p: torch.where(top_p(probs, p) > 0, probs, -math.inf),
        ),
        Mistake("Nothing was ruled out.", lambda probs, p: probs),
    ),
)


def chosen_by(probs, p, stays, share=True):
    """Top-p with a rule of its own: stays(running sums, own probabilities), most likely first -> a mask."""
    own, order = probs.sort(descending=True, stable=True)
    ids = order[stays(own.cumsum(-1), own)]
    kept = torch.zeros_like(probs).scatter(-1, ids, probs[ids])
    return renewed(kept) if share else kept


def upside_down(probs, p):
    own, order = probs.sort(stable=True)
    ids = order[own.cumsum(-1) - own < p]
    return renewed(torch.zeros_like(probs).scatter(-1, ids, probs[ids]))


# Attention that remembers


def attend_cached(q, k, v, past):
    keys, values = torch.cat([past[0], k], dim=1), torch.cat([past[1], v], dim=1)  # (H, S + T, D)
    T, S = q.shape[1], past[0].shape[1]
    mask = torch.ones(T, S + T, dtype=torch.bool).tril(S)  # (T, S + T)
    scores = (q @ keys.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf)  # (H, T, S + T)
    return scores.softmax(-1) @ values, (keys, values)


def attended(H, S, T, D):
    """Numbers of their own for H heads, S tokens in the past and T new ones: q, k, v, past."""
    numbers = (torch.arange(float(H * D * (2 * S + 3 * T))) * 1.7).sin() * 2
    pieces = numbers.split([H * D * n for n in (T, T, T, S, S)])
    q, k, v, keys, values = (x.view(H, -1, D) if len(x) else x.new_empty(H, 0, D) for x in pieces)
    return q, k, v, (keys, values)


def attention_cases():
    one = torch.ones(1, 1, 1)
    yield one * math.log(3), one * 0, one * 0, (one, one * 4)
    yield attended(1, 0, 2, 1)
    yield attended(1, 1, 2, 1)
    yield attended(2, 3, 1, 4)
    yield attended(2, 3, 4, 8)


def look_at_attention(got, expected, q, k, v, past):
    if not (isinstance(got, tuple | list) and len(got) == 2):
        return "Two things come back: what the tokens take home, and the pair (keys, values) of all tokens so far."
    heads, memory = got
    if not (isinstance(memory, tuple | list) and len(memory) == 2):
        return "The second thing that comes back is the pair (keys, values) of all tokens so far."
    shapes = [tuple(x.shape) if isinstance(x, torch.Tensor) else type(x).__name__ for x in (heads, *memory)]
    wanted = [tuple(x.shape) for x in (expected[0], *expected[1])]
    for name, shape, right in zip(("what is taken home", "keys", "values"), shapes, wanted, strict=True):
        if shape != right:
            return (
                f"The shape of {name} is {shape}, it should be {right}: (H, S + T, D) for the keys, tokens are dim 1."
            )
    if not all(torch.allclose(x, y) for x, y in zip(memory, expected[1], strict=True)):
        return "The keys or values that come back are not those of the past, then those of the new tokens, in order."
    T, S = q.shape[1], past[0].shape[1]
    off = (heads - expected[0]).abs().amax(dim=(0, 2)) > 1e-5  # (T,)
    return (
        f"What comes home is wrong for the new token(s) {named(off.nonzero().flatten().tolist())} of {T}, with {S} in "
        "the past. Who may hear whom, and is it divided by √D?"
    )


def attending(mask_of=None, scale=True):
    """attend_cached with another mask, mask_of(T, S) -> (T, S + T) bool, or without the scale."""

    def attend(q, k, v, past):
        keys, values = torch.cat([past[0], k], dim=1), torch.cat([past[1], v], dim=1)
        T, S = q.shape[1], past[0].shape[1]
        mask = (mask_of or right_mask)(T, S)
        scores = q @ keys.mT / (math.sqrt(q.shape[-1]) if scale else 1)
        return scores.masked_fill(~mask, -math.inf).softmax(-1) @ values, (keys, values)

    return attend


def right_mask(T, S):
    return torch.ones(T, S + T, dtype=torch.bool).tril(S)


def new_first(q, k, v, past):
    heads, _ = attend_cached(q, k, v, past)
    return heads, (torch.cat([k, past[0]], dim=1), torch.cat([v, past[1]], dim=1))


def new_only(q, k, v, past):
    empty = k[:, :0], v[:, :0]
    return attend_cached(q, k, v, empty)[0], (torch.cat([past[0], k], 1), torch.cat([past[1], v], 1))


ATTEND_CACHED = Exercise(
    name="attend_cached",
    reference=attend_cached,
    examples=attention_cases,
    explain=look_at_attention,
    advice={
        "first two dimensions": "two shapes that do not fit. Keys and values are those of all S + T tokens, joined "
        "along dim=1, and keys.mT turns their last two axes.",
        "Sizes of tensors must match": "tokens are dim 1 of (H, S, D): torch.cat([past[0], k], dim=1).",
        "must match the size of tensor": "two shapes that do not fit. T new tokens ask, S + T are heard: the mask is "
        "(T, S + T).",
    },
    hints=(
        "First make all keys and all values: torch.cat([past[0], k], dim=1) puts the new ones behind the old. The "
        "queries are those of the new tokens only.",
        "Write down who may hear whom for S = 2 and T = 2: a row for each new token, four columns. The first row has "
        "three True. tril takes a number: where the triangle ends.",
        "mask = torch.ones(T, S + T, dtype=torch.bool).tril(S); scores = (q @ keys.mT / D**0.5).masked_fill(~mask, "
        "-math.inf); return scores.softmax(-1) @ values, (keys, values)",
    ),
    mistakes=(
        Mistake(
            "The mask: tril() without a number starts in the corner, as if the first new token were the first of the "
            "text. It has S tokens behind it and may hear all of them: tril(S).",
            attending(lambda T, S: torch.ones(T, S + T, dtype=torch.bool).tril()),
        ),
        Mistake(
            "Without a mask the first of several new tokens hears those after it. One new token at a time would not "
            "notice; a prompt is read in one go.",
            attending(lambda T, S: torch.ones(T, S + T, dtype=torch.bool)),
        ),
        Mistake(
            "Shifted by one: new token t may hear itself too, tril(S).",
            attending(lambda T, S: torch.ones(T, S + T, dtype=torch.bool).tril(S - 1)),
        ),
        Mistake(
            "Shifted by one: each new token also hears the next one.",
            attending(lambda T, S: torch.ones(T, S + T, dtype=torch.bool).tril(S + 1)),
        ),
        Mistake(
            "The scale is missing: divide q·k by √D, as in lesson 02.",
            attending(scale=False),
        ),
        Mistake(
            "New tokens hear only new tokens here: the queries have to meet the keys of the past as well.",
            new_only,
        ),
        Mistake(
            "What is taken home is right, but the past comes back as it was. The next token needs the new keys and "
            "values too.",
            lambda q, k, v, past: (attend_cached(q, k, v, past)[0], past),
        ),
        Mistake(
            "What is taken home is right; what comes back as the past holds the new tokens only. It has to hold all.",
            lambda q, k, v, past: (attend_cached(q, k, v, past)[0], (k, v)),
        ),
        Mistake(
            "Two things come back: what the tokens take home, and the pair (keys, values) of all tokens so far.",
            lambda q, k, v, past: attend_cached(q, k, v, past)[0],
        ),
        Mistake(
            "The order of the text: first the past, then the new tokens.",
            new_first,
        ),
    ),
)


# Writing with it


class Reader:
    """A small stand-in for the model: what it says depends on every token that it has read, and on their order."""

    def __init__(self):
        self.n_read = 0

    def __call__(self, ids, past=None):
        if isinstance(ids, int) or (isinstance(ids, torch.Tensor) and ids.ndim == 0):
            raise TypeError("read takes a list of ids; for one token that is [token]")
        ids = [int(i) for i in ids]
        if not ids:
            raise ValueError("read was given nothing to read")
        self.n_read += len(ids)
        past = (*(past or ()), *ids)
        state = 1
        for i in past:
            state = (31 * state + 3 * i + 1) % 101
        return -(torch.arange(10.0) - state % 10).abs(), past


def likeliest(logits):
    return int(logits.argmax())


def generate_cached(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    while len(written) < n:
        token = choose(logits)
        if token == end:
            break
        written.append(token)
        logits, past = read([token], past)
    return written


def use_reader(answer, ids, n, end):
    """What an answer writes, and how much it read for that; one reading of the last token is neither here nor there."""
    read = Reader()
    written = answer(read, likeliest, list(ids), n, end)
    if not isinstance(written, list | tuple):
        return written
    whole = len(ids) + len(written)
    once = read.n_read in (whole - 1, whole)
    return {"written": list(written), "read": "each token once" if once else f"{read.n_read} tokens"}


def texts():
    yield [3, 1], 2, 10
    yield [4], 1, 10
    yield [3, 1], 6, 10
    yield [5, 2, 8], 8, 2
    yield [3, 1], 8, 3  # the end comes at once


def look_at_writing(got, expected, ids, n, end):
    if got is None:
        return None
    if not isinstance(got, dict):
        return "A list of the new ids comes back."
    if got["written"] == expected["written"]:
        return (
            f"The right tokens, but read {got['read']} to write {len(expected['written'])} after a prompt of "
            f"{len(ids)}. What has been read is in the past: hand over only what is new."
        )
    if len(got["written"]) > n:
        return f"At most {n} new tokens were asked for; yours has {len(got['written'])}."
    if got["written"] == expected["written"][: len(got["written"])]:
        return (
            f"Right so far, but yours stops after {len(got['written'])} new tokens of {len(expected['written'])}. Does "
            "your count hold the prompt too?"
        )
    first = next(
        (i for i, (a, b) in enumerate(zip(got["written"], expected["written"], strict=False)) if a != b),
        min(len(got["written"]), len(expected["written"])),
    )
    return (
        f"New token number {first} is the first that is wrong. Does read get [token] and the past of the call before, "
        "each time, and does the next choice use the logits that came from it?"
    )


def rereading(read, choose, ids, n, end):
    written = []
    while len(written) < n and (token := choose(read([*ids, *written], None)[0])) != end:
        written.append(token)
    return written


def twice(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    while len(written) < n and (token := choose(logits)) != end:
        written.append(token)
        logits, past = read([*ids, *written], past)
    return written


def forgetting(read, choose, ids, n, end):
    logits, _ = read(ids, None)
    written = []
    while len(written) < n and (token := choose(logits)) != end:
        written.append(token)
        logits, _ = read([token], None)
    return written


def same_past(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    while len(written) < n and (token := choose(logits)) != end:
        written.append(token)
        logits, _ = read([token], past)
    return written


def never_ending(read, choose, ids, n, end):
    return generate_cached(read, choose, ids, n, None)


def with_end(read, choose, ids, n, end):
    written = generate_cached(read, choose, ids, n, end)
    return [*written, end] if len(written) < n else written


def going_round_it(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    for _ in range(n):
        token = choose(logits)
        if token != end:
            written.append(token)
        logits, past = read([token], past)
    return written


def last_twice(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written, token = [], ids[-1]
    while len(written) < n:
        logits, past = read([token], past)
        token = choose(logits)
        if token == end:
            break
        written.append(token)
    return written


def stale(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    while len(written) < n and (token := choose(logits)) != end:
        written.append(token)
        _, past = read([token], past)
    return written


GENERATE_CACHED = Exercise(
    name="generate_cached",
    reference=generate_cached,
    examples=texts,
    use=use_reader,
    explain=look_at_writing,
    advice={
        "not enough values to unpack": "read gives back two things: logits, past = read(…).",
        "'tuple' object": "read gives back two things: logits, past = read(…).",
        "must be Tensor, not tuple": "read gives back two things: logits, past = read(…).",
    },
    hints=(
        "Before the loop: read the whole prompt once. In the loop: choose, look whether it is the end, keep it, read "
        "it.",
        "The loop's last line is logits, past = read([token], past): one new token, the newest past.",
        "logits, past = read(ids, None); written = []; for _ in range(n): token = choose(logits); if token == end: "
        "break; written.append(token); logits, past = read([token], past)",
    ),
    mistakes=(
        Mistake(
            "The right tokens, but everything is read anew for each of them: that is the slow way. Keep the past that "
            "read gives back, and read only [token].",
            rereading,
        ),
        Mistake(
            "You hand over the whole text with a past that holds it already: the model reads it twice, and says "
            "something else. Only [token] is new.",
            twice,
        ),
        Mistake(
            "read([token], None) starts a new text: everything before it is forgotten. Hand over the past.",
            forgetting,
        ),
        Mistake(
            "The past stays that of the prompt: each new token is read as if it were the first after it. Keep the past "
            "that each reading gives back.",
            same_past,
        ),
        Mistake(
            "The last token of the prompt is read twice: once with the prompt, once in the loop. The prompt's reading "
            "has already given the logits of the first new token.",
            last_twice,
        ),
        Mistake(
            "You throw away the logits of the new token and choose from the prompt's each time.",
            stale,
        ),
        Mistake("It does not stop: compare each token with end before you keep it.", never_ending),
        Mistake("The end itself is no part of the text: stop before you keep it.", with_end),
        Mistake("Leaving the end out is not stopping: after it another document would begin. break.", going_round_it),
        Mistake(
            "Only the new ids come back, without the prompt.",
            lambda read, choose, ids, n, end: [*ids, *generate_cached(read, choose, ids, n, end)],
        ),
        Mistake(
            "One token too many: n new ones, the first of which comes from the prompt's own reading.",
            lambda read, choose, ids, n, end: generate_cached(read, choose, ids, n + 1, end),
        ),
        Mistake(
            "One token too few: the prompt's own reading already gives the first new one.",
            lambda read, choose, ids, n, end: generate_cached(read, choose, ids, n - 1, end),
        ),
    ),
)


# What for

TASKS = {"form": "A", "quiz": "B", "survey": "C"}
WHY_NOT = {
    ("form", "B"): "drawn anew each time, so the same name gives another text tomorrow",
    ("form", "C"): "drawn anew each time, so the same name gives another text tomorrow",
    ("form", "D"): "drawn anew each time, and one word in five is unseen",
    ("quiz", "A"): "writes the same text fifty times: nothing is left to chance",
    ("quiz", "C"): "about one word in ten is unseen, see the table: the forgery is found out",
    ("quiz", "D"): "one word in five is unseen: the forgery is found out at once",
    ("survey", "A"): "always writes the same; how often a word comes up would be never or always",
    ("survey", "B"): "frequent words come out too often, rare ones never: it asks another model than the one trained",
    ("survey", "D"): "rare words come out too often: it asks another model than the one trained",
}


def choose_settings():
    return {"form": "A", "quiz": "B", "survey": "C"}


def use_choices(answer):
    given = answer()
    if isinstance(given, dict):
        return {key: value.strip().upper() if isinstance(value, str) else value for key, value in given.items()}
    return given


def look_at_choices(got, expected):
    if not isinstance(got, dict) or set(got) != set(TASKS):
        return 'A dict with the keys "form", "quiz" and "survey" and a letter for each.'
    wrong = [task for task in TASKS if got[task] != TASKS[task]]
    for task in wrong:
        if (task, got[task]) not in WHY_NOT:
            return f'{task}: {got[task]!r} is none of "A", "B", "C", "D".'
    task = wrong[0]
    right = len(TASKS) - len(wrong)
    return f"{right} of {len(TASKS)} are right. {task} with {got[task]}: {WHY_NOT[task, got[task]]}."


CHOOSE_SETTINGS = Exercise(
    name="choose_settings",
    reference=choose_settings,
    examples=lambda: [()],
    use=use_choices,
    choice=True,
    explain=look_at_choices,
    why="No chance for the form, few unseen words for the quiz, nothing changed for the survey.",
    hints=(
        "For each task ask: what would be wrong with a text that is always the same? With one that contains a word "
        "that does not exist? With frequencies that are not the model's?",
        "One task forbids chance. One forbids any change of the probabilities. The third wants both chance and words "
        "that exist.",
    ),
)

EXERCISES = (WITH_TEMPERATURE, TOP_K, TOP_P, ATTEND_CACHED, GENERATE_CACHED, CHOOSE_SETTINGS)
