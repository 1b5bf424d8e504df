"""Exercise best_pair of lesson 01: the answer, what it is tried on, and what people get wrong."""

from collections import Counter

from tinygpt.course.judging import Exercise, Mistake


def best_pair(counts):
    most = max(counts.values())
    return min(pair for pair, n in counts.items() if n == most)


def tables_of_counts():
    yield ({(7, 7): 2, (1, 9): 2, (5, 6): 3, (4, 4): 1},)
    yield ({(6, 8): 2, (5, 7): 2, (9, 6): 2, (9, 8): 2, (8, 2): 2, (6, 3): 2, (5, 9): 2},)
    yield ({(7, 1): 2, (5, 9): 2, (5, 6): 2, (1, 1): 1},)
    yield ({(5, 6): 2},)
    yield ({(2, 9): 4, (9, 1): 4, (3, 1): 4, (1, 1): 3},)
    yield (Counter({(300, 5): 7, (97, 300): 7, (97, 298): 7, (10, 9): 6, (400, 1): 7}),)


def look_at_best(got, expected, counts):
    if isinstance(got, tuple) and len(got) == 2 and isinstance(got[0], tuple):
        return "The pair alone is wanted, without its count."
    if not isinstance(got, list | tuple) and got in counts.values():
        return "That is the count. We want the pair that has it."
    if isinstance(got, list):
        return "One pair is wanted, a tuple of two ids, not a list."
    if got in counts and counts[got] < counts[expected]:
        return f"{got} occurs {counts[got]} times, {expected} occurs {counts[expected]} times."
    if got in counts:
        return f"{got} and {expected} occur equally often; then the smaller left id wins, then the smaller right id."
    return None


def with_tuples(answer, *arguments):
    """What an answer gives, where its pairs are tuples: the lesson compares them with others."""
    result = answer(*arguments)
    for pair in [result, *(result if isinstance(result, list) else ())]:
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(id, int) for id in pair):
            raise TypeError(f"a pair is a tuple, {tuple(pair)}, not a list, {pair}")
    return result


BEST_PAIR = Exercise(
    name="best_pair",
    reference=best_pair,
    use=with_tuples,
    examples=tables_of_counts,
    explain=look_at_best,
    hints=(
        "Two steps: what is the highest count? Which pairs have it, and which of those is the smallest?",
        "Python compares tuples from left to right, so min() of several pairs is just the one that our rule wants.",
        "most = max(counts.values()); return min(pair for pair, n in counts.items() if n == most)",
    ),
    mistakes=(
        Mistake(
            "Of equally frequent pairs yours takes the one that was counted first: another order of documents, another "
            "tokenizer. Take the smallest pair.",
            lambda counts: max(counts, key=counts.get),
        ),
        Mistake(
            "Of equally frequent pairs yours takes the last that was counted; take the smallest.",
            lambda counts: sorted(counts, key=counts.get)[-1],
        ),
        Mistake(
            "Yours takes the largest of the equally frequent pairs. max over (count, pair) prefers large ids; one of "
            "the two has to be turned round: min over (-count, pair).",
            lambda counts: max(counts, key=lambda pair: (counts[pair], pair)),
        ),
        Mistake(
            "You looked at the right id before the left one.",
            lambda counts: min(counts, key=lambda pair: (-counts[pair], pair[::-1])),
        ),
        Mistake(
            "That is the smallest of all pairs, whatever its count. The count comes first.",
            lambda counts: min(counts),
        ),
        Mistake(
            "That is the rarest pair. The most frequent one is wanted.",
            lambda counts: min(counts, key=lambda pair: (counts[pair], pair)),
        ),
        Mistake(
            "You broke the tie by the sum of the two ids. The left id decides, then the right one.",
            lambda counts: min(counts, key=lambda pair: (-counts[pair], sum(pair))),
        ),
    ),
)
