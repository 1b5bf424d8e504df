"""Exercise pair_counts of lesson 01: the answer, what it is tried on, and what people get wrong."""

from collections import Counter
from itertools import pairwise

from tinygpt.course.judging import Exercise, Mistake


def pair_counts(ids):
    counts = {}
    for pair in pairwise(ids):
        counts[pair] = counts.get(pair, 0) + 1
    return counts


def lists_of_ids():
    yield ([5, 6, 7, 5, 6],)
    yield ([5, 6],)
    yield ([7, 7, 7],)
    yield ([6, 5, 6],)
    yield ([3],)
    yield ([],)
    yield ([1, 2, 3, 1, 2, 257, 257, 1, 2, 2, 2, 257],)


def look_at_pairs(got, expected, ids):
    if not isinstance(got, dict):
        return None if got is None else "A dictionary is wanted, {pair: how often}; a Counter is one too."
    wrong_keys = [key for key in got if not (isinstance(key, tuple) and len(key) == 2)]
    if wrong_keys:
        return f"The keys are pairs, tuples of two neighbouring ids; {wrong_keys[0]!r} is none."
    if set(got) - set(expected):
        return f"{min(set(got) - set(expected))} never stand next to each other in that order."
    if set(expected) - set(got):
        return f"{min(set(expected) - set(got))} are neighbours too."
    return None


def counted_without_overlap(ids):
    counts, i = {}, 0
    while i < len(ids) - 1:
        pair = ids[i], ids[i + 1]
        counts[pair] = counts.get(pair, 0) + 1
        i += 2 if ids[i + 1 : i + 3] == [ids[i], ids[i]] else 1
    return counts


PAIR_COUNTS = Exercise(
    name="pair_counts",
    reference=pair_counts,
    examples=lists_of_ids,
    explain=look_at_pairs,
    advice={"index out of range": "the last id has no neighbour to its right."},
    hints=(
        "Walk along the list with two fingers, one id apart. How do you write that with zip?",
        "zip(ids, ids[1:]) gives every pair of neighbours. Count them in a dictionary: counts.get(pair, 0) + 1.",
        "from collections import Counter; return Counter(zip(ids, ids[1:]))",
    ),
    mistakes=(
        Mistake(
            "You cut the list into pairs: 1st with 2nd, 3rd with 4th. But the 2nd and 3rd are neighbours too.",
            lambda ids: dict(Counter(zip(ids[::2], ids[1::2]))),  # noqa: B905
        ),
        Mistake(
            "The order inside a pair counts: (5, 6) and (6, 5) are two different pairs. Don't sort them.",
            lambda ids: dict(Counter(tuple(sorted(pair)) for pair in pairwise(ids))),
        ),
        Mistake(
            "Each pair has the count 1. When it comes again, its count grows: counts.get(pair, 0) + 1.",
            lambda ids: dict.fromkeys(pairwise(ids), 1),
        ),
        Mistake(
            "The last pair of neighbours is missing: range(len(ids) - 1) reaches it.",
            lambda ids: dict(Counter(list(pairwise(ids))[:-1])),
        ),
        Mistake(
            "The last id was paired with the first. A text is a line, not a circle.",
            lambda ids: dict(Counter(zip(ids, ids[1:] + ids[:1]))),  # noqa: B905
        ),
        Mistake(
            "In 7, 7, 7 there are two pairs of neighbours, 1st with 2nd and 2nd with 3rd; we count both, as the "
            "library does, though only one of them can be merged.",
            counted_without_overlap,
        ),
        Mistake("Those are counts of single ids. We want pairs of neighbours.", lambda ids: dict(Counter(ids))),
        Mistake(
            "You paired each id with all that come later. Neighbours only.",
            lambda ids: dict(Counter((a, b) for i, a in enumerate(ids) for b in ids[i + 1 :])),
        ),
    ),
)
