"""Exercise encode_word of lesson 01: the answer, what it is tried on, and what people get wrong."""

from itertools import pairwise

from tinygpt.course.exercises.lesson_01.merge_pair import merge_pair
from tinygpt.course.judging import Exercise, Mistake


def encode_word(ids, merges):
    ids = list(ids)
    while True:
        known = [pair for pair in pairwise(ids) if pair in merges]
        if not known:
            return ids
        earliest = min(known, key=lambda pair: merges[pair])
        ids = merge_pair(ids, earliest, merges[earliest])


def words_to_encode():
    yield [1, 2], {(1, 2): 257}
    yield [1, 2, 3], {(2, 3): 257, (1, 2): 258}
    yield [1, 2, 3], {(1, 2): 257, (2, 3): 258}
    yield [1, 2, 3], {(2, 3): 257, (1, 2): 258, (1, 257): 259}
    yield [1, 2, 1, 2], {(1, 2): 257, (257, 257): 258}
    yield [3, 1], {(1, 2): 257}
    yield [1, 2, 3, 4], {(2, 3): 257, (1, 2): 258, (258, 3): 259, (259, 4): 260}
    yield [1, 2, 3, 4, 5], {(4, 5): 257, (1, 2): 258, (258, 3): 259, (259, 257): 260}
    yield [4, 4, 4, 4, 4], {(4, 4): 257, (257, 257): 258}
    yield [7], {(1, 2): 257}
    yield [], {(1, 2): 257}


def look_at_encoded(got, expected, ids, merges):
    if isinstance(got, str | bytes):
        return "A list of ids is wanted, no text."
    if isinstance(got, list | tuple) and any(pair in merges for pair in pairwise(got)):
        pair = next(pair for pair in pairwise(got) if pair in merges)
        return f"{pair} still stand side by side, and there is a merge for them: go on until there is none."
    return None


def leftmost_first(ids, merges):
    ids = list(ids)
    while hit := next((pair for pair in pairwise(ids) if pair in merges), None):
        ids = merge_pair(ids, hit, merges[hit])
    return ids


def latest_first(ids, merges):
    ids = list(ids)
    while known := [pair for pair in pairwise(ids) if pair in merges]:
        latest = max(known, key=merges.get)
        ids = merge_pair(ids, latest, merges[latest])
    return ids


def longest_first(ids, merges):
    """Greedy: at each place the longest token that fits."""
    spelled = {}
    for (left, right), new_id in merges.items():
        spelled[new_id] = (*spelled.get(left, (left,)), *spelled.get(right, (right,)))
    out, i = [], 0
    while i < len(ids):
        fitting = [(len(s), id) for id, s in spelled.items() if tuple(ids[i : i + len(s)]) == s]
        length, id = max(fitting, default=(1, ids[i]))
        out.append(id)
        i += length
    return out


def one_merge_only(ids, merges):
    known = [pair for pair in pairwise(ids) if pair in merges]
    earliest = min(known, key=merges.get, default=None)
    return merge_pair(ids, earliest, merges[earliest]) if known else ids


def one_walk(ids, merges):
    out = []
    for id in ids:
        if out and (out[-1], id) in merges:
            out[-1] = merges[out[-1], id]
        else:
            out.append(id)
    return out


ENCODE_WORD = Exercise(
    name="encode_word",
    reference=encode_word,
    examples=words_to_encode,
    explain=look_at_encoded,
    advice={"KeyError": "most pairs have no merge: ask `pair in merges` first."},
    hints=(
        "Of the pairs that now stand side by side and have a merge, which was learned first? merge_pair does the rest; "
        "then look again, since new pairs have come about.",
        "The id that a merge makes says when it was learned: 257 first, 258 next. So take the known pair with the "
        "smallest merges[pair], and stop when no pair is known.",
        "known = [pair for pair in zip(ids, ids[1:]) if pair in merges]; earliest = min(known, key=merges.get)",
    ),
    mistakes=(
        Mistake(
            "Not the pair that was learned first: this is what merging from the left gives, or by the pairs' own ids. "
            "The smallest new id goes first, wherever it stands.",
            leftmost_first,
        ),
        Mistake(
            "You took the longest token that fits at each place. That may be shorter, but it is not what training did: "
            "replay the merges in the order in which they were learned.",
            longest_first,
        ),
        Mistake(
            "You took the latest merge first. The smallest new id was learned first.",
            latest_first,
        ),
        Mistake(
            "One merge was made, then you stopped. Look again: new pairs have come about.",
            one_merge_only,
        ),
        Mistake(
            "One walk from left to right merges what it meets first. The order is that of learning, not of reading.",
            one_walk,
        ),
        Mistake("Nothing was merged: these are the ids that came in.", lambda ids, merges: ids),
    ),
)
