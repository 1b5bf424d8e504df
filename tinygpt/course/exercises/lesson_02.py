"""Exercises of lesson 02: the mask, a softmax that holds, attention weights, heads, and four broken attentions."""

import math

import torch

from tinygpt.course.judging import Exercise, Mistake, same

# The mask


def causal_mask(T):
    return torch.ones(T, T, dtype=torch.bool).tril()


def pattern(T, diagonal=0):
    return torch.ones(T, T, dtype=torch.bool).tril(diagonal)


def look_at_the_mask(got, expected, T):
    if isinstance(got, torch.Tensor) and got.shape == expected.shape and got.dtype != torch.bool:
        if got.isinf().any():
            return "Minus infinity is what we will put at hidden scores; here we only say which: True or False."
        if (got != 0).equal(expected):
            return "The pattern is right, the type is not: the next cells need True and False, dtype=torch.bool."
    if isinstance(got, torch.Tensor) and got.shape == expected.shape and got.dtype == torch.bool:
        row = (got != expected).any(dim=1).int().argmax().item()
        return f"Row {row} is wrong: token {row} may listen to the tokens from 0 to {row}, itself included."
    return None


CAUSAL_MASK = Exercise(
    name="causal_mask",
    reference=causal_mask,
    examples=lambda: ((T,) for T in (2, 3, 1, 6)),
    explain=look_at_the_mask,
    hints=(
        "Write the table for T = 3 on paper: a row for each token that listens, a column for each it may hear.",
        "It is a triangle. torch.tril keeps the lower one; its diagonal argument says where it ends.",
        "torch.ones(T, T, dtype=torch.bool).tril()",
    ),
    mistakes=(
        Mistake(
            "This is the other triangle: your first token hears everything that comes after it. Rows listen, columns "
            "are heard.",
            lambda T: pattern(T).T,
        ),
        Mistake(
            "Shifted by one: each token also hears the next one, which is what it will have to predict.",
            lambda T: pattern(T, 1),
        ),
        Mistake(
            "Shifted by one: no token hears itself, and the first one hears nobody. A softmax over nobody is nan.",
            lambda T: pattern(T, -1),
        ),
        Mistake(
            "True and False are swapped: here True means may listen. (nn.MultiheadAttention wants it your way round.)",
            lambda T: ~pattern(T),
        ),
        Mistake(
            "Everybody may hear everybody: the past hears the future.",
            lambda T: torch.ones(T, T, dtype=torch.bool),
        ),
        Mistake(
            "Each token hears only itself; it may hear all that came before it too.",
            lambda T: torch.eye(T, dtype=torch.bool),
        ),
        Mistake(
            "Each row already sums to 1. That is an average; here we only say who may be heard: True or False.",
            lambda T: pattern(T) / pattern(T).sum(1, keepdim=True),
        ),
    ),
)


# A softmax that holds


def stable_softmax(scores):
    shifted = scores - scores.amax(-1, keepdim=True)  # (..., S), none above 0
    exponentials = shifted.exp()  # (..., S)
    return exponentials / exponentials.sum(-1, keepdim=True)  # (..., S)


class NoGradient(ValueError):
    """What the lesson would miss later in an answer whose numbers are right."""


def with_gradient(reference):
    """How to use an answer that has to pass gradients on, as the lesson tests causality and trains with them."""

    def use(answer, *arguments):
        result = answer(*arguments)
        if answer is not reference and same(result, reference(*arguments), 1e-5):
            floats = [a.clone().requires_grad_() if is_float(a) else a for a in arguments]
            if not answer(*floats).requires_grad:
                raise NoGradient(
                    "the numbers are right, but no gradient comes through: .tolist(), .item(), .detach() and "
                    "torch.tensor(…) cut its way. Stay with tensors."
                )
        return result

    return use


def is_float(x):
    return isinstance(x, torch.Tensor) and x.is_floating_point()


def score_rows():
    yield (torch.tensor([0.0, math.log(3)]),)
    yield (torch.tensor([[0.0, 0.0], [math.log(3), 0.0]]),)
    yield (torch.tensor([1000.0, 1000.0]),)
    yield (torch.tensor([0.0, 1000.0]),)
    yield (torch.tensor([-1000.0, -1000.0 + math.log(3)]),)
    yield (torch.tensor([1.0, -math.inf]),)
    yield (torch.tensor([[1000.0, 999.0, 998.0], [-1000.0, -1001.0, -1002.0]]),)
    yield (torch.arange(9.0).view(3, 3).sin() * 5,)
    yield (torch.arange(24.0).view(2, 3, 4).cos() * 200,)


def look_at_weights(got, expected, *arguments):
    """What can be said of a table whose rows should sum to 1."""
    if not isinstance(got, torch.Tensor) or got.shape != expected.shape:
        return None
    if got.isnan().any():
        return (
            "There are nan in it. Infinity divided by infinity, infinity minus infinity, or 0 divided by 0: which of "
            "them happens here?"
        )
    sums = got.double().sum(-1)
    if not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        worst = sums.flatten()[(sums - 1).abs().argmax()]
        return f"Rows must sum to 1; one of yours sums to {worst:.3g}."
    return None


def by_powers_of_two(scores):
    return torch.softmax(scores * math.log(2), -1)


STABLE_SOFTMAX = Exercise(
    name="stable_softmax",
    reference=stable_softmax,
    examples=score_rows,
    use=with_gradient(stable_softmax),
    advice={"Dimension out of range": "scores may have one axis or many; count from the end: dim=-1."},
    explain=look_at_weights,
    hints=(
        "exp, then divide by the sum of the row: dim=-1, keepdim=True. That is right until a score is large.",
        "e^(a - c) / e^(b - c) = e^a / e^b: the same number c can be taken off a whole row. Which c makes the largest "
        "exponential 1?",
        "shifted = scores - scores.amax(-1, keepdim=True), then exp of that, divided by its own sum.",
    ),
    mistakes=(
        Mistake(
            "e^1000 is too large for a float: infinity divided by infinity is nan. The weights stay the same when you "
            "take one number off every score of a row, so take off the largest.",
            lambda scores: scores.exp() / scores.exp().sum(-1, keepdim=True),
        ),
        Mistake(
            "A fixed number fails for rows that are far from it. What is taken off depends on the row: its largest.",
            lambda scores: over_own_sum((scores - 100).exp()),
        ),
        Mistake(
            "You took the largest of the whole table off every row. A row far below it becomes 0 divided by 0: take "
            "off each row's own largest, dim=-1, keepdim=True.",
            lambda scores: (scores - scores.max()).exp() / (scores - scores.max()).exp().sum(-1, keepdim=True),
        ),
        Mistake(
            "Taking off the mean leaves scores far above 0 when a row is spread out, and their exponentials overflow. "
            "What has to become 0 is the largest.",
            lambda scores: over_own_sum((scores - scores.mean(-1, keepdim=True)).exp()),
        ),
        Mistake(
            "Taking off the smallest makes the others larger still. What has to become 0 is the largest.",
            lambda scores: over_own_sum((scores - scores.amin(-1, keepdim=True)).exp()),
        ),
        Mistake(
            "Cutting large scores off makes different scores equal. Take the same number off all scores of a row.",
            lambda scores: over_own_sum(scores.clamp(-80, 80).exp()),
        ),
        Mistake(
            "The columns sum to 1: the sum ran over dim=0. A row belongs to one listener and shares out its 1: dim=-1.",
            lambda scores: torch.softmax(scores, 0),
        ),
        Mistake(
            "The whole table sums to 1. Each row has its own 1 to share out: sum(-1, keepdim=True).",
            lambda scores: (scores - scores.max()).exp() / (scores - scores.max()).exp().sum(),
        ),
        Mistake(
            "Divided by the sum without e^: a negative score would be a negative weight. Take exp first.",
            lambda scores: over_own_sum(scores),
        ),
        Mistake(
            "These are the logarithms of the weights.",
            lambda scores: torch.log_softmax(scores, -1),
        ),
        Mistake(
            "Without keepdim=True the sums line up with the columns: each row must be divided by its own.",
            lambda scores: torch.softmax(scores, -1) * total(scores, True) / total(scores, False),
        ),
        Mistake(
            "Without keepdim=True the largest scores line up with the columns: take off each row its own.",
            lambda scores: over_own_sum((scores - scores.amax(-1)).exp()),
        ),
        Mistake(
            "Above the line the largest was taken off, below it was not. Use the same exponentials in both places.",
            lambda scores: (scores - scores.amax(-1, keepdim=True)).exp() / scores.exp().sum(-1, keepdim=True),
        ),
        Mistake(
            "The exponentials are there; a row has to sum to 1, so divide each by its row's sum.",
            lambda scores: (scores - scores.amax(-1, keepdim=True)).exp(),
        ),
        Mistake(
            "Everything goes to the largest score. Soft means that the others get their share, e^score each.",
            lambda scores: (scores == scores.amax(-1, keepdim=True)).float(),
        ),
        Mistake(
            "Dividing by the largest changes how many times one weighs another. Taking it off does not.",
            lambda scores: (scores / scores.amax(-1, keepdim=True)).softmax(-1),
        ),
        Mistake("The base is e: torch.exp, not 2 to the power of the score.", by_powers_of_two),
    ),
)


def total(scores, keepdim):
    return (scores - scores.amax(-1, keepdim=True)).exp().sum(-1, keepdim=keepdim)


def over_own_sum(x):
    return x / x.sum(-1, keepdim=True)


# Attention weights


def attention_weights(q, k, mask):
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (..., T, S)
    hidden = scores.masked_fill(~mask, -math.inf)  # (..., T, S)
    return stable_softmax(hidden)  # (..., T, S)


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


AXES = "texts and heads may come first, so count axes from the end: dim=-1, and k.mT swaps the last two."


def queries_and_keys():
    q = torch.tensor([[2 * math.log(2), 0, 0, 0]])
    yield q, torch.tensor([[0.0, 5, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0]]), torch.ones(1, 3, dtype=torch.bool)
    yield (
        torch.tensor([[0.0, 1, 0, 0], [2, 0, 0, 0]]),
        torch.tensor([[1.0, 0, 0, 0], [0, 3, 1, 0]]),
        pattern(2),
    )
    yield random(3, 9), random(3, 9, seed=1), pattern(3)
    yield random(2, 4), random(4, 4, seed=1), torch.ones(4, 4, dtype=torch.bool).tril()[2:]
    yield random(5, 256), random(5, 256, seed=1), pattern(5)
    yield 100 * random(5, 16), 100 * random(5, 16, seed=1), pattern(5)
    yield random(2, 3, 4), random(2, 3, 4, seed=1), pattern(3)
    yield random(2, 2, 5, 8), random(2, 2, 5, 8, seed=1), pattern(5)


def look_at_attention(got, expected, q, k, mask):
    if isinstance(got, torch.Tensor) and got.shape == expected.shape and (got * ~mask).abs().max() > 1e-5:
        return "Something that the mask hides gets a weight. Hidden scores must be minus infinity before the softmax."
    told = look_at_weights(got, expected)
    factor = None if told else factor_of(got, q, k, mask)
    if factor is not None:
        return (
            f"Rows sum to 1 ✓ but you multiply q·k by {factor:.3g}. Here D = {q.shape[-1]}, so it has to be "
            f"1/√D = {q.shape[-1] ** -0.5:.3g}. Take D from q, its last dimension."
        )
    return told


def factor_of(weights, q, k, mask):
    """The one number by which all q·k must have been multiplied to give these weights, or None."""
    if not isinstance(weights, torch.Tensor) or weights.shape != (*q.shape[:-1], k.shape[-2]):
        return None
    dots, logs = (q @ k.mT).double(), weights.double().log()  # (..., T, S)
    seen = mask & logs.isfinite() & (logs > -20)
    first = seen.int().argmax(-1, keepdim=True)  # (..., T, 1), the first key that each query hears
    gaps = (dots - dots.gather(-1, first))[seen]
    logs = (logs - logs.gather(-1, first))[seen]
    if not len(gaps) or gaps.abs().max() < 1e-6:
        return None
    factor = (gaps * logs).sum() / (gaps * gaps).sum()
    fits = torch.allclose(logs, factor * gaps, atol=1e-3) and factor.abs() > 1e-3
    return factor.item() if fits else None


def with_scores(change):
    """An answer that masks and weighs as it should, with scores of its own."""
    return lambda q, k, mask: change(q, k).masked_fill(~mask, -math.inf).softmax(-1)


def scaled(q, k):
    return q @ k.mT / math.sqrt(q.shape[-1])


def one_key_each(q, k):
    T, S = q.shape[-2], k.shape[-2]
    return (q[..., : min(T, S), :] * k[..., : min(T, S), :]).sum(-1, keepdim=True).expand(*q.shape[:-2], min(T, S), S)


ATTENTION_WEIGHTS = Exercise(
    name="attention_weights",
    reference=attention_weights,
    examples=queries_and_keys,
    use=with_gradient(attention_weights),
    advice={
        "Dimension out of range": AXES,
        "must match the size": AXES,
        "shapes cannot be multiplied": AXES,
        "Expected size for first two dimensions": AXES,
        "the indexed tensor": "scores[~mask] = … wants a mask of the same shape; masked_fill repeats it by itself.",
    },
    explain=look_at_attention,
    hints=(
        "Three steps: a table of scores, hide what the mask says, softmax over each row. The new thing is one factor.",
        "q @ k.mT has a row for each query. Divide by the square root of q.shape[-1]; then masked_fill(~mask, …).",
        "scores = q @ k.mT / math.sqrt(q.shape[-1]); scores = scores.masked_fill(~mask, -math.inf); and stable_softmax "
        "of that.",
    ),
    mistakes=(
        Mistake(
            "Infinity times 0 is nan. Where the mask is True add nothing: masked_fill touches hidden ones only.",
            lambda q, k, mask: stable_softmax(scaled(q, k) * mask - math.inf * (~mask)),
        ),
        Mistake(
            "Each query met one key only, that of its own place. Every query asks every key: q @ k.mT.",
            lambda q, k, mask: one_key_each(q, k).masked_fill(~mask, -math.inf).softmax(-1),
        ),
        Mistake(
            "Rows sum to 1 ✓ but with D = 256 a query of yours listens to 1.3 of 32 keys, one of ours to 20. Which "
            "number is missing?",
            with_scores(lambda q, k: q @ k.mT),
        ),
        Mistake(
            "Now a query listens to all keys alike: you divided by D. The spread of q·k grows like √D.",
            with_scores(lambda q, k: q @ k.mT / q.shape[-1]),
        ),
        Mistake(
            "You multiplied by √D, so long vectors shout even louder. Divide.",
            with_scores(lambda q, k: q @ k.mT * math.sqrt(q.shape[-1])),
        ),
        Mistake(
            "Scaled by the root of how many keys there are. What makes q·k large is how long q and k are: D, the last "
            "dimension of q.",
            with_scores(lambda q, k: q @ k.mT / math.sqrt(k.shape[-2])),
        ),
        Mistake(
            "Scaled by the root of how many queries there are. What makes q·k large is how long q and k are: D, the "
            "last dimension of q.",
            with_scores(lambda q, k: q @ k.mT / math.sqrt(q.shape[-2])),
        ),
        Mistake(
            "Your rows sum to 1/√D. Scale before the softmax, not after it.",
            lambda q, k, mask: (q @ k.mT).masked_fill(~mask, -math.inf).softmax(-1) / math.sqrt(q.shape[-1]),
        ),
        Mistake(
            "Your columns sum to 1. Each query (a row) shares out its attention over the keys: dim=-1.",
            lambda q, k, mask: scaled(q, k).masked_fill(~mask, -math.inf).softmax(-2),
        ),
        Mistake(
            "Here keys ask and queries answer: row t must belong to query t, so q comes first, q @ k.mT.",
            lambda q, k, mask: scaled(k, q).masked_fill(~mask.mT, -math.inf).softmax(-1),
        ),
        Mistake(
            "Here keys ask and queries answer: row t must belong to query t; q @ k.mT, not k @ q.mT.",
            lambda q, k, mask: scaled(k, q).masked_fill(~mask, -math.inf).softmax(-1),
        ),
        Mistake(
            "The mask does nothing yet: the first token listens to the later ones.",
            lambda q, k, mask: scaled(q, k).softmax(-1),
        ),
        Mistake(
            "You hid after the softmax: what was hidden had already taken its share, and a row no longer sums to 1. "
            "Hide first, with minus infinity.",
            lambda q, k, mask: scaled(q, k).softmax(-1) * mask,
        ),
        Mistake(
            "The rows sum to 1 again, but the softmax has already seen what is hidden: a gradient reaches it, and with "
            "large scores only 0 may be left to divide. Hide before the softmax.",
            lambda q, k, mask: over_own_sum(scaled(q, k).softmax(-1) * mask),
        ),
        Mistake(
            "A hidden score became 0 (or nearly), and e⁰ = 1 is not nothing. Only minus infinity has e^ of 0.",
            lambda q, k, mask: (scaled(q, k) * mask).softmax(-1),
        ),
        Mistake(
            "You hid what may be heard and left what may not: masked_fill fills where its mask is True, so it needs "
            "~mask.",
            lambda q, k, mask: scaled(q, k).masked_fill(mask, -math.inf).softmax(-1),
        ),
        Mistake(
            "You made a mask of your own. Use the one that is given: there may be more keys than queries, as in "
            "lesson 05.",
            lambda q, k, mask: scaled(q, k).masked_fill(~torch.ones_like(mask).tril(), -math.inf).softmax(-1),
        ),
        Mistake(
            "These are the scores; they have still to go through the softmax.",
            lambda q, k, mask: scaled(q, k).masked_fill(~mask, -math.inf),
        ),
    ),
)


# Heads


def split_heads(x, n_heads):
    B, T, C = x.shape
    return x.view(B, T, n_heads, C // n_heads).transpose(1, 2)  # (B, H, T, D)


def join_heads(heads):
    B, H, T, D = heads.shape
    return heads.transpose(1, 2).reshape(B, T, H * D)  # (B, T, C)


def numbered(*shape):
    return torch.arange(math.prod(shape), dtype=torch.float32).view(shape)


def streams():
    yield numbered(1, 3, 4), 2
    yield numbered(2, 3, 6), 3
    yield numbered(1, 3, 6), 2
    yield numbered(2, 2, 4), 1
    yield numbered(1, 5, 4), 4


def look_at_heads(got, expected, x, n_heads):
    if not isinstance(got, torch.Tensor):
        return None
    if got.shape != expected.shape:
        return f"The shape is {tuple(got.shape)}; we want (B, H, T, D) = {tuple(expected.shape)}."
    return "Right shape, wrong places: head 0 must hold the first D numbers of every token, head 1 the next D."


SPLIT_HEADS = Exercise(
    name="split_heads",
    reference=split_heads,
    examples=streams,
    explain=look_at_heads,
    advice={
        "too many values to unpack": "x has three axes: B, T, C = x.shape.",
        "unsupported operand": "x.split takes the size of a part, D, and gives a tuple of parts.",
    },
    hints=(
        "First cut the last axis in two, (B, T, H, D): that moves no number. Then bring H before T.",
        "x.view(B, T, n_heads, C // n_heads) and then transpose(1, 2).",
    ),
    mistakes=(
        Mistake(
            "Right shape, wrong places: a view moves no number, so your head 0 holds whole tokens, the first of them, "
            "and never sees the others. Cut the last axis first, (B, T, H, D), then swap axes 1 and 2.",
            lambda x, n: x.reshape(x.shape[0], n, x.shape[1], x.shape[2] // n),
        ),
        Mistake(
            "Head 0 got every H-th number of a token. Cut the last axis as (H, D), in this order, so that a head is D "
            "neighbours.",
            lambda x, n: x.reshape(*x.shape[:2], x.shape[2] // n, n).permute(0, 3, 1, 2),
        ),
        Mistake(
            "The numbers are cut, but the axes are (B, T, H, D); swap axes 1 and 2.",
            lambda x, n: x.reshape(*x.shape[:2], n, x.shape[2] // n),
        ),
        Mistake(
            "The last two axes are swapped: a head must be a table with a row for each token, (T, D).",
            lambda x, n: x.reshape(*x.shape[:2], n, x.shape[2] // n).permute(0, 2, 3, 1),
        ),
        Mistake(
            "Here the heads are the outermost axis. We want (B, H, T, D): the batch stays first.",
            lambda x, n: torch.stack(x.chunk(n, -1)),
        ),
        Mistake(
            "You cut the tokens into groups. Every head sees all tokens, and a part of each one's numbers.",
            lambda x, n: torch.stack(x.tensor_split(n, 1), 1) if x.shape[1] % n == 0 else x.tensor_split(n, 1),
        ),
    ),
)


def head_tables():
    yield (numbered(1, 2, 3, 2),)
    yield (numbered(2, 3, 2, 2),)
    yield (numbered(2, 1, 3, 4),)
    yield (split_heads(numbered(1, 5, 6), 3),)


def look_at_joined(got, expected, heads):
    if not isinstance(got, torch.Tensor):
        return None
    if got.shape != expected.shape:
        return f"The shape is {tuple(got.shape)}; we want (B, T, C) = {tuple(expected.shape)}, with C = H·D."
    return "Right shape, wrong places: token 0 is its row of head 0, then its row of head 1, and so on."


JOIN_HEADS = Exercise(
    name="join_heads",
    reference=join_heads,
    examples=head_tables,
    explain=look_at_joined,
    hints=(
        "Go back the way that split_heads came: first the axes, then the shape.",
        "heads.transpose(1, 2) is (B, T, H, D); reshape it to (B, T, H * D). A view can't: the numbers no longer lie "
        "in a row.",
    ),
    mistakes=(
        Mistake(
            "Right shape, wrong places: without swapping axes 1 and 2 first, your token 0 is made of rows of one head, "
            "those of several tokens.",
            lambda heads: heads.reshape(heads.shape[0], heads.shape[2], -1),
        ),
        Mistake(
            "The heads are interleaved: the first number of each, then the second of each. Head 0's D numbers stay "
            "together.",
            lambda heads: heads.permute(0, 2, 3, 1).reshape(heads.shape[0], heads.shape[2], -1),
        ),
        Mistake(
            "You added the heads up: a token is D numbers now. Put them side by side, H·D numbers.",
            lambda heads: heads.sum(1),
        ),
        Mistake(
            "You averaged the heads: a token is D numbers now. Put them side by side, H·D numbers.",
            lambda heads: heads.mean(1),
        ),
        Mistake(
            "The axes are back in order, (B, T, H, D); the last two have still to become one.",
            lambda heads: heads.transpose(1, 2),
        ),
        Mistake(
            "The heads are one below the other: H·T tokens of D numbers. Put them side by side, T tokens of H·D.",
            lambda heads: heads.flatten(1, 2),
        ),
        Mistake(
            "The heads side by side are right, but the batch is gone: it stays the first axis.",
            lambda heads: torch.cat(list(heads[0]), -1),
        ),
    ),
)


# Four broken attentions. Each takes q, k, v (T, width), the numbers of T tokens, and gives (T, width of v).


def heads_of(x, n_heads):
    return split_heads(x[None], n_heads)[0]  # (H, T, D)


def mask_after_softmax(q, k, v, n_heads):
    q, k, v = (heads_of(x, n_heads) for x in (q, k, v))
    return join_heads((scaled(q, k).softmax(-1) * pattern(q.shape[1]) @ v)[None])[0]


def heads_by_view(q, k, v, n_heads):
    T = len(q)
    q, k, v = (x.reshape(n_heads, T, -1) for x in (q, k, v))
    return (attention_weights(q, k, pattern(T)) @ v).reshape(T, -1)


def mask_shifted(q, k, v, n_heads):
    q, k, v = (heads_of(x, n_heads) for x in (q, k, v))
    return join_heads((attention_weights(q, k, pattern(q.shape[1], 1)) @ v)[None])[0]


def no_scale(q, k, v, n_heads):
    q, k, v = (heads_of(x, n_heads) for x in (q, k, v))
    return join_heads((attention_weights(q * math.sqrt(q.shape[-1]), k, pattern(q.shape[1])) @ v)[None])[0]


PATIENTS = {"A": mask_after_softmax, "B": heads_by_view, "C": mask_shifted, "D": no_scale}
DIAGNOSES = {  # what would be seen
    "mask after softmax": "rows would sum to less than 1, and a gradient would come from every later token",
    "mask shifted by one": "each token would hear exactly one token of the future, the next, and rows would sum to 1",
    "no scale": "the influence map would look healthy, and at D = 256 a token would listen to one or two keys",
    "divided by D": "the influence map would look healthy, and a token would listen to nearly all keys alike",
    "softmax over the queries": "columns would sum to 1, rows would not: all values 1 would give other numbers than 1, "
    "some of them above 1",
    "heads without a transpose": "with one head all would be well; with two, a part of the past would be missing",
}


def four_broken():
    return {
        "A": "mask after softmax",
        "B": "heads without a transpose",
        "C": "mask shifted by one",
        "D": "no scale",
    }


def look_at_diagnoses(got, expected):
    if not isinstance(got, dict) or set(got) != set(expected):
        return 'Give back a dict with the keys "A", "B", "C" and "D".'
    unknown = [name for name in got.values() if not isinstance(name, str) or name not in DIAGNOSES]
    if unknown:
        return f"{unknown[0]!r} is none of the diagnoses; they are: {', '.join(DIAGNOSES)}."
    right = sum(got[patient] == expected[patient] for patient in expected)
    patient = next(p for p in expected if got[p] != expected[p])
    return f"{right} of 4 are right. {patient}: with {got[patient]!r} {DIAGNOSES[got[patient]]}. Look again."


FOUR_BROKEN = Exercise(
    name="four_broken",
    reference=four_broken,
    examples=lambda: [()],
    explain=look_at_diagnoses,
    choice=True,
    hints=(
        "Begin with the influence maps. Two patients hear something of the future: one only the next token, the other "
        "all of it.",
        "Of the other two, one misses part of its past, though only with two heads; the last one looks healthy and "
        "listens to too few.",
        "In one of them rows don't sum to 1: something took its share before it was hidden.",
    ),
    mistakes=(
        Mistake(
            "A and C both hear the future, and you have them swapped. The mask that is shifted by one lets in the next "
            "token and nothing else.",
            lambda: {**four_broken(), "A": "mask shifted by one", "C": "mask after softmax"},
        ),
        Mistake(
            "3 of 4 are right. D listens to very few keys, not to nearly all: too large scores do that, not too small.",
            lambda: {**four_broken(), "D": "divided by D"},
        ),
        Mistake(
            "3 of 4 are right. A's rows sum to less than 1. Over the queries, columns would sum to 1, and some rows "
            "would come out above 1.",
            lambda: {**four_broken(), "A": "softmax over the queries"},
        ),
        Mistake(
            "3 of 4 are right. B hears nothing of the future, so its mask does what it should; but look at what its "
            "later tokens hear of the earlier ones.",
            lambda: {**four_broken(), "B": "mask shifted by one"},
        ),
    ),
)

EXERCISES = (CAUSAL_MASK, STABLE_SOFTMAX, ATTENTION_WEIGHTS, SPLIT_HEADS, JOIN_HEADS, FOUR_BROKEN)
