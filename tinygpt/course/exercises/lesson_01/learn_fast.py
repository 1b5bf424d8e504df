"""Exercise learn_fast of lesson 01: the answer, what it is tried on, and what people get wrong."""

import random
from collections import defaultdict

from tinygpt.course.exercises.lesson_01.best_pair import best_pair, with_tuples
from tinygpt.course.exercises.lesson_01.learn_merges import FIRST, look_at_merges, texts_to_learn_from
from tinygpt.course.exercises.lesson_01.merge_pair import merge_pair
from tinygpt.course.exercises.lesson_01.pair_changes import pair_changes
from tinygpt.course.exercises.lesson_01.pair_counts import pair_counts
from tinygpt.course.judging import Exercise, Mistake


def learn_fast(words, counts, n_merges):
    words, merges = list(words), []
    totals, where = defaultdict(int), defaultdict(set)
    for i, word in enumerate(words):
        for pair, times in pair_counts(word).items():
            totals[pair] += times * counts[i]
            where[pair].add(i)
    while len(merges) < n_merges and totals:
        best = best_pair(totals)
        if totals[best] < 2:
            break
        new_id = FIRST + len(merges)
        merges.append(best)
        for i in list(where[best]):
            after = merge_pair(words[i], best, new_id)
            for pair, change in pair_changes(words[i], after).items():
                totals[pair] += change * counts[i]
                where[pair].add(i)
                if totals[pair] == 0:
                    del totals[pair]
            words[i] = after
    return merges


TOO_MANY_VISITS = "the right merges, but too many words visited"
MANY, TIMES_OURS = 1000, 3  # from so many words on visits are counted: at most so many times as many as ours


class Watched(list):
    """A word that counts how often somebody looks into it."""

    visits = 0

    def __iter__(self):
        Watched.visits += 1
        return super().__iter__()

    def __getitem__(self, place):
        Watched.visits += 1
        return super().__getitem__(place)


def texts_to_learn_from_fast():
    yield [[1, 2, 3, 4]], [5], 3
    yield from texts_to_learn_from()
    yield [[1, 2, 3, 2, 3], [1, 2]], [2, 5], 4
    yield [[1, 2, 3, 1, 2], [2, 3], [3, 9]], [3, 9, 2], 4
    rng = random.Random(0)
    words = [[rng.randrange(1, 41) for _ in range(4)] for _ in range(8000)]
    yield words, [rng.randrange(1, 5) for _ in words], 40


def watched(answer, words, counts, n_merges):
    """The merges, or TOO_MANY_VISITS where they are right but words were visited that no merge changes."""
    if len(words) < MANY:
        return with_tuples(answer, words, counts, n_merges)
    merges, visits = counted(answer, words, counts, n_merges)
    ours, our_visits = counted(learn_fast, words, counts, n_merges)
    return TOO_MANY_VISITS if merges == ours and visits > TIMES_OURS * our_visits else merges


def counted(answer, words, counts, n_merges):
    Watched.visits = 0
    merges = with_tuples(answer, [Watched(word) for word in words], counts, n_merges)
    return merges, Watched.visits


def look_at_visits(got, expected, words, counts, n_merges):
    if got == TOO_MANY_VISITS:
        return (
            f"The merges are right, but on {len(words):,} words yours takes far longer than ours. For each merge visit "
            "only the words in where[best]; neither count nor search all of them again."
        )
    told = look_at_merges(got, expected, words, counts, n_merges)
    return f"{told} Do words, totals and where fit together after each merge?" if told else None


def framed(update):
    """The exercise as it is given, with an update where the learner writes one."""

    def learn(words, counts, n_merges):
        words, merges = list(words), []
        totals, where = books(words, counts)
        while len(merges) < n_merges and totals:
            best = best_pair(totals)
            if totals[best] < 2:
                break
            merges.append(best)
            update(words, counts, totals, where, best, FIRST + len(merges) - 1)
        return merges

    return learn


def books(words, counts):
    totals, where = defaultdict(int), defaultdict(set)
    for i, word in enumerate(words):
        for pair, times in pair_counts(word).items():
            totals[pair] += times * counts[i]
            where[pair].add(i)
    return totals, where


def forgetful(weigh=True, subtract=True, index=True, keep=True, discard=False):
    """An answer in whose update one thing or another is forgotten."""

    def update(words, counts, totals, where, best, new_id):
        for i in list(where[best]):
            after = merge_pair(words[i], best, new_id)
            for pair, change in pair_changes(words[i], after).items():
                if subtract or change > 0 or pair == best:
                    totals[pair] += change * (counts[i] if weigh else 1)
                if discard and change < 0:
                    where[pair].discard(i)
                elif index:
                    where[pair].add(i)
            if keep:
                words[i] = after

    return framed(update)


LEARN_FAST = Exercise(
    name="learn_fast",
    reference=learn_fast,
    examples=texts_to_learn_from_fast,
    use=watched,
    explain=look_at_visits,
    hints=(
        "where[best] holds the numbers of the words to visit. For each: what does merge_pair make of it, and how do "
        "its pairs change? pair_changes tells.",
        "Four things for each word i: after = merge_pair(…); totals[pair] += change * counts[i] for every change; "
        "where[pair].add(i), so that later merges find the word; words[i] = after. Python wants no set to change while "
        "you walk over it: walk over list(where[best]).",
        "for i in list(where[best]):\n    after = merge_pair(words[i], best, new_id)\n    for pair, change in "
        "pair_changes(words[i], after).items():\n        totals[pair] += change * counts[i]\n        "
        "where[pair].add(i)\n    words[i] = after",
    ),
    mistakes=(
        Mistake(
            "A change in a word that stands in the text counts[i] times changes the total that many times.",
            forgetful(weigh=False),
        ),
        Mistake(
            "New pairs were added, but what was lost was not subtracted: changes below 0 count too.",
            forgetful(subtract=False),
        ),
        Mistake(
            "where does not know the new pairs, so later merges miss the words that hold them: where[pair].add(i).",
            forgetful(index=False),
        ),
        Mistake(
            "where has lost a word that still holds the pair: a change of -1 does not mean that none is left. It may "
            "list too many words, never too few.",
            forgetful(discard=True),
        ),
        Mistake(
            "The totals change, the words do not: keep the merged word, words[i] = after, or the next merge looks at "
            "an old one.",
            forgetful(keep=False),
        ),
        Mistake(
            "The same pair stays the most frequent for ever: nothing was brought up to date, or with the wrong sign. "
            "It is pair_changes(before, after), in this order, and the changes are added.",
            lambda words, counts, n: nothing_updated(books(words, counts)[0], n),
        ),
    ),
)


def nothing_updated(totals, n_merges):
    return [best_pair(totals)] * n_merges if max(totals.values(), default=0) > 1 else []
