"""Exercise top_p of lesson 05: the answer, what it is tried on, and what people get wrong."""

import math

import torch

from tinygpt.course.comparing import same
from tinygpt.course.exercises.lesson_05.top_k import look_at_kept, ordered, spread, staying
from tinygpt.course.exercises.lesson_05.with_temperature import renewed
from tinygpt.course.judging import Exercise, Mistake


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
    yield torch.tensor([0.0, -20.0, 0.0]).softmax(-1), 1.0  # here it is 1 before the last
    yield spread(), 0.9
    yield torch.full((32,), 1 / 32), 0.5  # long enough for a sort that is not stable to show it
    yield torch.tensor([0.9375, 0.0625]), 0.5


def use_top_p(answer, probs, p):
    """What comes back; where p is 1 also who stays, since whoever is missing may have next to nothing."""
    kept = answer(probs, p)
    return (kept, staying(kept)) if p == 1 and isinstance(kept, torch.Tensor) else kept


def walk(got, expected, probs, p):
    """How far one gets by hand."""
    if p == 1:
        said = look_at_kept(got[0], expected[0]) if isinstance(got, tuple) else None
        return said and f"{said} With p = 1 everything stays, whatever rounding makes of the sum."
    said = look_at_kept(got, expected)
    if said is None or not isinstance(got, torch.Tensor) or staying(got) == staying(expected):
        return said
    if same(ordered(got), ordered(expected), 1e-6):
        return "Of two that are equally likely the one with the lower id comes first: sort with stable=True."
    if len(probs) > 12:
        return said
    sizes, order = probs.sort(descending=True, stable=True)
    n = len(staying(expected))
    sums = ", ".join(f"{total:g}" for total in sizes.cumsum(-1)[:n].tolist())
    return f"{said} By hand, most likely first: {sums}. The last one reaches {p:g}; its token, {order[n - 1]}, stays."


TOP_P = Exercise(
    name="top_p",
    reference=top_p,
    examples=p_cases,
    use=use_top_p,
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
            "Do you compare each probability with p times the largest? That is another filter, min-p. Here it is the "
            "sum of the likeliest that has to reach p, and the token that gets it there stays.",
            lambda probs, p: renewed(probs * (probs >= p * probs.max())),
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
            "The way back, turned round: out[order] takes from the ids, out[order] = … puts at the ids. "
            "kept[order] = those in order of size brings each one home.",
            lambda probs, p: in_the_wrong_direction(probs, p),
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


def in_the_wrong_direction(probs, p):
    own, order = probs.sort(descending=True, stable=True)
    return renewed(own * (own.cumsum(-1) - own < p))[order]
