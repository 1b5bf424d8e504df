"""Exercise learn_merges of lesson 01: the answer, what it is tried on, and what people get wrong."""

from collections import Counter
from itertools import pairwise

from tinygpt.course.exercises.lesson_01.best_pair import best_pair, with_tuples
from tinygpt.course.exercises.lesson_01.merge_pair import merge_pair
from tinygpt.course.exercises.lesson_01.pair_counts import pair_counts
from tinygpt.course.judging import Exercise, Mistake

FIRST = 257  # the id of the first merge


def learn_merges(words, counts, n_merges):
    words, merges = list(words), []
    while len(merges) < n_merges:
        totals = {}
        for word, n in zip(words, counts, strict=True):
            for pair, times in pair_counts(word).items():
                totals[pair] = totals.get(pair, 0) + times * n
        if not totals or max(totals.values()) < 2:
            break
        best = best_pair(totals)
        words = [merge_pair(word, best, FIRST + len(merges)) for word in words]
        merges.append(best)
    return merges


LOW = [[12, 15, 23], [1, 12, 15, 23, 5, 18], [1, 12, 15, 23, 5, 19, 20]]  # low, lower, lowest; 1 is the space


def texts_to_learn_from():
    yield [[1, 2, 3], [1, 2]], [2, 3], 2
    yield [[1, 2], [3, 4]], [2, 5], 1
    yield [[1, 2]], [3], 1
    yield [[1, 2], [2, 3]], [3, 1], 5  # the second pair occurs only once
    yield [[1, 2]], [5], 3  # after one merge no pair is left
    yield LOW, [1, 1, 1], 3
    yield LOW, [4, 3, 2], 6
    yield [[4, 4, 4, 4], [4, 5, 4, 5]], [2, 3], 4
    yield [[1], []], [9, 9], 2


def is_pair(merge):
    return isinstance(merge, list | tuple) and len(merge) == 2 and all(isinstance(id, int) for id in merge)


def look_at_merges(got, expected, words, counts, n_merges):
    if not isinstance(got, list | tuple):
        return None if got is None else "A list is wanted: the pairs that were merged, in order."
    if got == list(got) and got and isinstance(got[0], list) and len(got) == len(words):
        return "Those are the words after merging. Return the list of the pairs, merges."
    number = next((i for i, (mine, right) in enumerate(zip(got, expected, strict=False)) if mine != right), None)
    if number is not None and not is_pair(got[number]):
        return "Only the pair (left, right) belongs into merges, without its new id."
    if number == 0 and not any(got[0] in pairwise(word) for word in words):
        return f"{got[0]} stands in no word. Were the words glued together? No merge crosses from one into the next."
    if number is not None:
        return f"Merge number {number + 1} should be {expected[number]}, the most frequent pair after those before it."
    if len(got) > n_merges:
        return f"{n_merges} merges were asked for, {len(got)} came back."
    if len(got) > len(expected):
        return f"After {len(expected)} merges no pair occurs twice any more: stop there."
    if len(got) < len(expected):
        return f"There are {len(expected)} merges to find, and yours stopped after {len(got)}."
    return None


def learned(
    words,
    counts,
    n_merges,
    weigh=True,
    apply=True,
    rarest=2,
    ids=lambda n: FIRST + n,
    where=slice(None),
    anew=True,
    once=False,
    skip=True,
):
    """Learning with one thing or another gone wrong."""
    words, merges, totals = list(words), [], Counter()
    while len(merges) < n_merges:
        totals = Counter() if anew else totals
        for word, n in zip(words, counts, strict=True):
            for pair, times in pair_counts(word).items():
                totals[pair] += (1 if once else times) * (n if weigh else 1)
        if not apply and skip:
            for pair in merges:
                del totals[pair]
        if not totals or max(totals.values()) < rarest:
            break
        best = best_pair(totals)
        if apply:
            words[where] = [merge_pair(word, best, ids(len(merges))) for word in words[where]]
        merges.append(best)
    return merges


LEARN_MERGES = Exercise(
    name="learn_merges",
    reference=learn_merges,
    use=with_tuples,
    examples=texts_to_learn_from,
    explain=look_at_merges,
    advice={"empty sequence": "no pair is left: leave the loop where totals is empty, before best_pair looks at it."},
    hints=(
        "Inside the loop, three steps: totals over all words, the best pair, every word merged. You have a function "
        "for each of the last two.",
        "totals[pair] grows by (how often the pair is in the word) times (how often the word is in the text). Leave "
        "the loop with break when totals is empty or the best pair occurs less than twice.",
        "for word, n in zip(words, counts): for pair, times in pair_counts(word).items(): totals[pair] += times * n\n"
        "best = best_pair(totals); words = [merge_pair(word, best, 257 + len(merges)) for word in words]; "
        "merges.append(best)",
    ),
    mistakes=(
        Mistake(
            "Each word was counted once. A word that stands in the text counts[i] times brings its pairs that often.",
            lambda words, counts, n: learned(words, counts, n, weigh=False),
        ),
        Mistake(
            "The second count saw what the first saw: either the words were never merged, or the totals are old. After "
            "each merge put the new id into all words, words = [merge_pair(…) …], and count again.",
            lambda words, counts, n: learned(words, counts, n, apply=False),
        ),
        Mistake(
            "The words stayed as they were, so the same pair came again. Replace them all after each merge: words = "
            "[merge_pair(word, …) for word in words]. In `for word in words`, `word = …` changes the name only.",
            lambda words, counts, n: learned(words, counts, n, apply=False, skip=False),
        ),
        Mistake(
            "The totals of earlier rounds are still in it: start an empty table in each round, inside the while.",
            lambda words, counts, n: learned(words, counts, n, anew=False),
        ),
        Mistake(
            "A pair that stands twice in a word counts twice: pair_counts says how often.",
            lambda words, counts, n: learned(words, counts, n, once=True),
        ),
        Mistake(
            "You went on to pairs that occur only once. Stop when the best one occurs less than twice.",
            lambda words, counts, n: learned(words, counts, n, rarest=1),
        ),
        Mistake(
            "You stopped too early: a pair that occurs exactly twice is still merged.",
            lambda words, counts, n: learned(words, counts, n, rarest=3),
        ),
        Mistake(
            "The new ids start one too late. The first merge makes id 257: take the id before you append to merges.",
            lambda words, counts, n: learned(words, counts, n, ids=lambda k: FIRST + 1 + k),
        ),
        Mistake(
            "All merges got the same new id, so different tokens look alike. The next one is 257 + len(merges).",
            lambda words, counts, n: learned(words, counts, n, ids=lambda k: FIRST),
        ),
        Mistake(
            "One merge more than was asked for: while len(merges) < n_merges.",
            lambda words, counts, n: learned(words, counts, n + 1),
        ),
        Mistake(
            "Only the first word was merged; the pair has to go from all of them.",
            lambda words, counts, n: learned(words, counts, n, where=slice(0, 1)),
        ),
    ),
)
