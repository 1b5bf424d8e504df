"""Exercise mean_out_head of lesson 07: the answer, what it is tried on, and what people get wrong."""

import torch

from tinygpt.course.judging import Exercise, Mistake


def mean_out_head(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    its = slice(head * D, (head + 1) * D)
    out = joined.clone()  # (B, T, C)
    out[..., its] = joined[..., its].mean((0, 1))  # (D,), the same at every place
    return out


def numbers(B, T, C):
    return (torch.arange(float(B * T * C)) * 1.9).sin().view(B, T, C)


def joined_cases():
    by_hand = torch.tensor([[[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 7.0, 10.0], [5.0, 9.0, 9.0, 2.0]]])  # T is not D
    yield by_hand, 0, 2
    yield by_hand, 1, 2
    yield numbers(1, 3, 4), 1, 2
    yield numbers(2, 3, 4), 0, 2
    yield numbers(3, 2, 12), 1, 3


def look_at_joined(got, expected, joined, head, n_heads):
    if not isinstance(got, torch.Tensor):
        return None
    if got.shape != joined.shape:
        return f"The shape is {tuple(got.shape)}; all heads come back, changed or not: {tuple(joined.shape)}."
    D = joined.shape[-1] // n_heads
    others = [h for h in range(n_heads) if h != head and not torch.allclose(part(got, h, D), part(joined, h, D))]
    if others:
        return (
            f"Head {others[0]} has changed; only head {head} should. Its numbers are {head * D} to {head * D + D - 1}."
        )
    if torch.allclose(part(got, head, D), part(joined, head, D)):
        return f"Head {head} has not changed."
    return f"Head {head} is the one that has changed, but not to its mean over all texts and places, (0, 1)."


def part(x, head, D):
    return x[..., head * D : (head + 1) * D]


def filled(joined, its, value):
    out = joined.clone()
    out[..., its] = value
    return out


def own(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    return slice(head * D, (head + 1) * D)


MEAN_OUT_HEAD = Exercise(
    name="mean_out_head",
    reference=mean_out_head,
    examples=joined_cases,
    explain=look_at_joined,
    advice={
        "inplace": "work on a copy: joined.clone().",
        "slice indices must be integers": "a whole number is wanted, and / never makes one: C // n_heads.",
        "tuple of ints": "a whole number is wanted, and / never makes one: C // n_heads.",
        "must be int, not float": "a whole number is wanted, and / never makes one: C // n_heads.",
        "must match the size": "mean((0, 1)) of the head's numbers has shape (D,) and fits the last axis.",
    },
    hints=(
        "Each head has D = C // n_heads numbers, one head behind the other: head 0 has the first D. Which ones has "
        "head h?",
        "Copy first, joined.clone(), then write into the copy at [..., h * D : (h + 1) * D].",
        "out = joined.clone(); out[..., its] = joined[..., its].mean((0, 1)); return out, with its = slice(head * D, "
        "(head + 1) * D).",
    ),
    mistakes=(
        Mistake(
            "You put in 0. Later layers expect what this head says on average, so we put in its mean.",
            lambda joined, head, n_heads: filled(joined, own(joined, head, n_heads), 0.0),
        ),
        Mistake(
            "You average over the places of each text by itself. The mean is over all texts and places: (0, 1).",
            lambda joined, head, n_heads: filled(
                joined, own(joined, head, n_heads), joined[..., own(joined, head, n_heads)].mean(1, keepdim=True)
            ),
        ),
        Mistake(
            "You average over the texts at each place by itself. The mean is over all texts and places: (0, 1).",
            lambda joined, head, n_heads: filled(
                joined, own(joined, head, n_heads), joined[..., own(joined, head, n_heads)].mean(0, keepdim=True)
            ),
        ),
        Mistake(
            "One mean for all D numbers of the head. Each of the D numbers has a mean of its own: mean((0, 1)).",
            lambda joined, head, n_heads: filled(
                joined, own(joined, head, n_heads), joined[..., own(joined, head, n_heads)].mean()
            ),
        ),
        Mistake(
            "You average over the head's D numbers at each place. Average over texts and places, (0, 1).",
            lambda joined, head, n_heads: filled(
                joined, own(joined, head, n_heads), joined[..., own(joined, head, n_heads)].mean(-1, keepdim=True)
            ),
        ),
        Mistake(
            "All heads are replaced. Only the numbers of this one: head * D to (head + 1) * D.",
            lambda joined, head, n_heads: joined.mean((0, 1)).expand_as(joined).clone(),
        ),
        Mistake(
            "You take every n-th number. A head's numbers stand side by side: head * D to (head + 1) * D.",
            lambda joined, head, n_heads: filled(
                joined, slice(head, None, n_heads), joined[..., head::n_heads].mean((0, 1))
            ),
        ),
        Mistake(
            "You start at number `head`; the head starts at head * D.",
            lambda joined, head, n_heads: filled(
                joined,
                slice(head, head + joined.shape[-1] // n_heads),
                joined[..., head : head + joined.shape[-1] // n_heads].mean((0, 1)),
            ),
        ),
        Mistake(
            "Only one number is replaced, number `head`. A head has D = C // n_heads of them.",
            lambda joined, head, n_heads: filled(joined, slice(head, head + 1), joined[..., head].mean()),
        ),
        Mistake(
            "Heads count from 0: head 0 has the first D numbers.",
            lambda joined, head, n_heads: mean_out_head(joined, (head - 1) % n_heads, n_heads),
        ),
        Mistake(
            "Only the head's own numbers come back. The other heads' are still needed: change a copy of joined.",
            lambda joined, head, n_heads: mean_out_head(joined, head, n_heads)[..., own(joined, head, n_heads)],
        ),
        Mistake(
            "The places are swapped: this head stays, and all the others are replaced.",
            lambda joined, head, n_heads: others_out(joined, head, n_heads),
        ),
        Mistake(
            "Heads count from 0: head 0 has the numbers 0 to D - 1. Yours begins one head too early, (head - 1) * D, "
            "and for head 0 its slice is empty.",
            lambda joined, head, n_heads: mean_of(joined, before_it(joined, head, n_heads)),
        ),
        Mistake(
            "You write 64 for the length of a head. That holds for our model only; D = joined.shape[-1] // n_heads for "
            "each.",
            lambda joined, head, n_heads: mean_of(joined, slice(head * 64, (head + 1) * 64)),
        ),
        Mistake(
            "Your slice runs along the places (axis 1). A head's numbers lie along the last axis: joined[..., its].",
            lambda joined, head, n_heads: along_the_places(joined, own(joined, head, n_heads), (0, 1)),
        ),
        Mistake(
            "Your slice runs along the places (axis 1), one mean for all. A head's numbers lie along the last axis, "
            "joined[..., its], and each has a mean of its own.",
            lambda joined, head, n_heads: along_the_places(joined, own(joined, head, n_heads), None),
        ),
        Mistake(
            "Nothing has changed. The mean must be written into the copy, out[..., its] = ..., and the copy returned.",
            lambda joined, head, n_heads: joined,
        ),
    ),
)


def mean_of(joined, its):
    return filled(joined, its, joined[..., its].mean((0, 1)))


def before_it(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    return slice((head - 1) * D, head * D)


def along_the_places(joined, its, axes):
    out = joined.clone()
    out[:, its] = joined[:, its].mean(axes)
    return out


def others_out(joined, head, n_heads):
    its = own(joined, head, n_heads)
    return filled(joined.mean((0, 1)).expand_as(joined), its, joined[..., its])
