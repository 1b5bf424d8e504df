"""Exercise merge_pair of lesson 01: the answer, what it is tried on, and what people get wrong."""

from itertools import pairwise

from tinygpt.course.judging import Exercise, Mistake


def merge_pair(ids, pair, new_id):
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def merges_to_do():
    yield [5, 6, 7, 5, 6], (5, 6), 257
    yield [5, 6], (5, 6), 257
    yield [8, 5, 6, 7], (5, 6), 257
    yield [5, 5, 5], (5, 5), 257
    yield [6, 5, 7], (5, 6), 257
    yield [5, 5, 6, 5], (5, 6), 257
    yield [5, 5, 5, 5, 5, 7, 5, 5], (5, 5), 258
    yield [15, 6, 5, 61, 5, 6], (5, 6), 257
    yield [3], (5, 6), 257
    yield [], (5, 6), 257


def look_at_merged(got, expected, ids, pair, new_id):
    if isinstance(got, list | tuple) and pair in pairwise(got) and pair[0] != pair[1]:
        return f"{pair} still stand next to each other."
    if isinstance(got, list | tuple) and len(got) > len(expected):
        return "It is too long: the new id takes the place of both halves of the pair."
    if isinstance(got, list | tuple) and len(got) < len(expected):
        return "It is too short: something that was not part of the pair was lost."
    return None


def with_overlap(ids, pair, new_id):
    merged, skip = [], False
    for i, id in enumerate(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new_id)
            skip = True
        elif skip:
            skip = False
        else:
            merged.append(id)
    return merged


def without_the_last(ids, pair, new_id):
    merged, i = [], 0
    while i < len(ids) - 1:
        hit = tuple(ids[i : i + 2]) == pair
        merged.append(new_id if hit else ids[i])
        i += 2 if hit else 1
    return merged


def right_half_stays(ids, pair, new_id):
    return [new_id if tuple(ids[i : i + 2]) == pair else id for i, id in enumerate(ids)]


def the_first_only(ids, pair, new_id):
    for i, found in enumerate(pairwise(ids)):
        if found == pair:
            return [*ids[:i], new_id, *ids[i + 2 :]]
    return ids


def merged_as_digits(ids, pair, new_id):
    return [int(n) for n in ", ".join(map(str, ids)).replace(f"{pair[0]}, {pair[1]}", str(new_id)).split(", ") if n]


def in_any_order(ids, pair, new_id):
    merged, i = [], 0
    while i < len(ids):
        hit = sorted(ids[i : i + 2]) == sorted(pair)
        merged.append(new_id if hit else ids[i])
        i += 2 if hit else 1
    return merged


MERGE_PAIR = Exercise(
    name="merge_pair",
    reference=merge_pair,
    examples=merges_to_do,
    explain=look_at_merged,
    advice={"index out of range": "the last id has no neighbour to its right."},
    hints=(
        "Go from left to right and build a new list. At each place: do the pair's two ids stand here?",
        "A while loop with an index i: on a hit append new_id and go on by 2, else append ids[i] and go on by 1. "
        "A slice such as ids[i : i + 2] never runs over the end.",
        "if tuple(ids[i : i + 2]) == pair: merged.append(new_id); i += 2\nelse: merged.append(ids[i]); i += 1",
    ),
    mistakes=(
        Mistake(
            "In 5, 5, 5 the middle one was used twice. After a hit go on behind it, 2 places further.",
            with_overlap,
        ),
        Mistake(
            "The last id gets lost when no pair ends there: let the loop reach the end of the list.",
            without_the_last,
        ),
        Mistake(
            "The right half of the pair is still there: the new id stands for both. After a hit go on 2 places.",
            right_half_stays,
        ),
        Mistake("Only the first place was merged. The pair may occur again further on.", the_first_only),
        Mistake(
            "You merged the pair the other way round too. (5, 6) is not (6, 5).",
            in_any_order,
        ),
        Mistake(
            "You went from right to left: in 5, 5, 5 the first two are to be merged, from the left.",
            lambda ids, pair, new_id: merge_pair(ids[::-1], pair[::-1], new_id)[::-1],
        ),
        Mistake(
            "Every id of the pair was replaced, wherever it stands. Both must stand side by side.",
            lambda ids, pair, new_id: [new_id if id in pair else id for id in ids],
        ),
        Mistake(
            "You searched in the digits of a written list: there 15, 6 holds a 5, 6. Compare ids, not their text.",
            lambda ids, pair, new_id: merged_as_digits(ids, pair, new_id),
        ),
        Mistake("Nothing was merged: this is the list that came in.", lambda ids, pair, new_id: ids),
    ),
)
