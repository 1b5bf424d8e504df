"""Exercise pair_changes of lesson 01: the answer, what it is tried on, and what people get wrong."""

from collections import Counter

from tinygpt.course.exercises.lesson_01.pair_counts import pair_counts
from tinygpt.course.judging import Exercise, Mistake


def pair_changes(before, after):
    changes = Counter(pair_counts(after))
    changes.subtract(pair_counts(before))
    return {pair: change for pair, change in changes.items() if change != 0}


def words_before_and_after():
    yield [1, 2, 3], [257, 3]
    yield [1, 2], [257]
    yield [1, 2, 3, 1, 2], [257, 3, 257]
    yield [8, 9, 1, 2], [8, 9, 257]
    yield [3, 1, 2, 3, 1], [3, 257, 3, 1]
    yield [4, 4, 4, 4], [257, 257]
    yield [5, 6], [5, 6]


def look_at_changes(got, expected, before, after):
    if not isinstance(got, dict):
        return None if got is None else "A dictionary is wanted, {pair: change of its count}."
    for pair in expected:
        if pair not in got:
            did = "is gone" if expected[pair] < 0 else "is new"
            return f"{pair} {did}, and it is not in your answer."
        if got[pair] != expected[pair]:
            old, new = pair_counts(before).get(pair, 0), pair_counts(after).get(pair, 0)
            return f"{pair} occurred {old} times before and {new} times after: that changes its count by {new - old}."
    return f"{next(iter(set(got) - set(expected)))} occurs as often as before: leave it out."


PAIR_CHANGES = Exercise(
    name="pair_changes",
    reference=pair_changes,
    examples=words_before_and_after,
    explain=look_at_changes,
    hints=(
        "Two counts of one short word, before and after. A change is the second minus the first.",
        "Start with a dictionary of the counts after; for every pair of before subtract its count (from 0 where it is "
        "not there); at last leave out the zeros.",
        "changes = dict(pair_counts(after)); for pair, n in pair_counts(before).items(): changes[pair] = "
        "changes.get(pair, 0) - n; return {pair: c for pair, c in changes.items() if c != 0}",
    ),
    mistakes=(
        Mistake(
            "What was lost is missing: a pair of before that is not in after changes its count too, to below 0. (A "
            "minus sign between two Counters drops those: use Counter.subtract.)",
            lambda before, after: dict(Counter(pair_counts(after)) - Counter(pair_counts(before))),
        ),
        Mistake(
            "The signs are turned round: a pair that is gone has a change below 0.",
            lambda before, after: pair_changes(after, before),
        ),
        Mistake(
            "Pairs whose count stays as it was are in it, with a 0. Leave them out: they are the very work that we "
            "save.",
            lambda before, after: {
                pair: pair_counts(after).get(pair, 0) - pair_counts(before).get(pair, 0)
                for pair in [*pair_counts(before), *pair_counts(after)]
            },
        ),
        Mistake(
            "New pairs are missing: those of after that were not there before.",
            lambda before, after: {p: c for p, c in pair_changes(before, after).items() if c < 0},
        ),
        Mistake(
            "Only the sizes of the changes, without their sign: a lost pair has to be subtracted.",
            lambda before, after: {p: abs(c) for p, c in pair_changes(before, after).items()},
        ),
        Mistake("Those are the counts afterwards, not their changes.", lambda before, after: pair_counts(after)),
        Mistake("Those are the counts before, not their changes.", lambda before, after: pair_counts(before)),
    ),
)
