"""Exercises of lesson 01: byte-pair encoding, from counting pairs to a trainer that takes seconds."""

import random
import time
from collections import Counter, defaultdict
from itertools import pairwise

from tinygpt.course.judging import Exercise, Mistake

FIRST = 257  # the id of the first merge
REPLACEMENT = "\ufffd"

# pair_counts


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

# merge_pair


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

# best_pair


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

# learn_merges


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
):
    """Learning with one thing or another gone wrong."""
    words, merges, totals = list(words), [], Counter()
    while len(merges) < n_merges:
        totals = Counter() if anew else totals
        for word, n in zip(words, counts, strict=True):
            for pair, times in pair_counts(word).items():
                totals[pair] += (1 if once else times) * (n if weigh else 1)
        if not apply:
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

# encode_word


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

# decode_ids


def decode_ids(ids, vocab):
    return b"".join(vocab[id] for id in ids).decode("utf-8", errors="replace")


SMALL_VOCAB = [b"", b"a", b" b", b"\xc3", b"\xa9", b"\xf0\x9f", b"\x99\x82", b"\xff"]  # 3, 4: é; 5, 6: 🙂


def ids_to_decode():
    yield [1, 2], SMALL_VOCAB
    yield [3, 4], SMALL_VOCAB
    yield [1, 5, 6, 2], SMALL_VOCAB
    yield [1, 3], SMALL_VOCAB
    yield [7, 2], SMALL_VOCAB
    yield [4, 3, 5], SMALL_VOCAB
    yield [], SMALL_VOCAB
    yield [0, 1, 0], SMALL_VOCAB
    yield [2, 1, 2], SMALL_VOCAB


def look_at_text(got, expected, ids, vocab):
    if isinstance(got, bytes):
        return "Those are the bytes. One step is left: text, by .decode()."
    if not isinstance(got, str):
        return None if got is None else "Text is wanted, a str."
    if "\\x" in got:
        return "An undecodable byte is to be shown as U+FFFD, as errors='replace' does."
    if any("\ud800" <= character <= "\udfff" for character in got):
        return "That text holds half characters (lone surrogates) and can't even be printed. errors='replace' is safe."
    return None


DECODE_IDS = Exercise(
    name="decode_ids",
    reference=decode_ids,
    examples=ids_to_decode,
    explain=look_at_text,
    hints=(
        "Collect the bytes of all tokens first; only then make text of them.",
        "b''.join(...) glues bytes together, .decode('utf-8', errors=...) makes text. Python's documentation of "
        "bytes.decode lists what errors can be.",
        "return b''.join(vocab[id] for id in ids).decode('utf-8', errors='replace')",
    ),
    mistakes=(
        Mistake(
            "You decoded each token by itself. A character may begin in one token and end in the next: glue the bytes "
            "together first, decode once.",
            lambda ids, vocab: "".join(vocab[id].decode(errors="replace") for id in ids),
        ),
        Mistake(
            "errors='ignore' drops broken bytes without a trace. Use 'replace', so that the damage can be seen.",
            lambda ids, vocab: b"".join(vocab[id] for id in ids).decode(errors="ignore"),
        ),
        Mistake(
            "One broken byte, and all of the text became U+FFFD. Only what is broken does: errors='replace'.",
            lambda ids, vocab: all_or_nothing(b"".join(vocab[id] for id in ids)),
        ),
        Mistake(
            "You decoded each token by itself and dropped what failed; a character may reach over two tokens. Glue the "
            "bytes first.",
            lambda ids, vocab: "".join(vocab[id].decode(errors="ignore") for id in ids),
        ),
        Mistake(
            "Latin-1 makes a character of every byte, so é, two bytes in UTF-8, becomes two. The text is UTF-8.",
            lambda ids, vocab: b"".join(vocab[id] for id in ids).decode("latin-1"),
        ),
        Mistake(
            "There are spaces between the tokens that nobody wrote: a token brings its own space along.",
            lambda ids, vocab: b" ".join(vocab[id] for id in ids).decode(errors="replace"),
        ),
        Mistake(
            "Broken bytes are marked with ?, which is a character that people write. errors='replace' in .decode gives "
            "U+FFFD.",
            lambda ids, vocab: decode_ids(ids, vocab).replace(REPLACEMENT, "?"),
        ),
        Mistake(
            "str() of bytes is how Python would write them in code, b'…'. Use .decode.",
            lambda ids, vocab: str(b"".join(vocab[id] for id in ids)),
        ),
    ),
)


def all_or_nothing(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return REPLACEMENT


# pair_changes


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

# learn_fast


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


TOO_SLOW = "the right merges, but too slow"
MANY, TIMES_OURS = 1000, 15  # from so many words on an answer is timed; it may take so many times as long as ours


def texts_to_learn_from_fast():
    yield [[1, 2, 3, 4]], [5], 3
    yield from texts_to_learn_from()
    yield [[1, 2, 3, 2, 3], [1, 2]], [2, 5], 4
    yield [[1, 2, 3, 1, 2], [2, 3], [3, 9]], [3, 9, 2], 4
    rng = random.Random(0)
    words = [[rng.randrange(1, 41) for _ in range(4)] for _ in range(8000)]
    yield words, [rng.randrange(1, 5) for _ in words], 40


def timed(answer, words, counts, n_merges):
    """The merges, or TOO_SLOW where they are right but late, by the processor's clock, which a busy machine fools
    less."""
    start = time.thread_time()
    merges = with_tuples(answer, words, counts, n_merges)
    seconds = time.thread_time() - start
    if len(words) < MANY:
        return merges
    start = time.thread_time()
    ours = learn_fast(words, counts, n_merges)
    late = seconds > TIMES_OURS * (time.thread_time() - start)
    return TOO_SLOW if late and merges == ours else merges


def look_at_speed(got, expected, words, counts, n_merges):
    if got == TOO_SLOW:
        return (
            f"The merges are right, but on {len(words):,} words yours takes far longer than ours. For each merge visit "
            "only the words in where[best]; neither count nor search all of them again."
        )
    told = look_at_merges(got, expected, words, counts, n_merges)
    return f"{told} Do words, totals and where fit together after each merge?" if told else None


def updated(words, counts, n_merges, weigh=True, subtract=True, index=True, keep=True, discard=False):
    """Learning with an update in which one thing or another is forgotten."""
    words, merges = list(words), []
    totals, where = Counter(), defaultdict(set)
    for i, word in enumerate(words):
        for pair, times in pair_counts(word).items():
            totals[pair] += times * counts[i]
            where[pair].add(i)
    while len(merges) < n_merges and totals:
        best = best_pair(totals)
        if totals[best] < 2:
            break
        merges.append(best)
        for i in list(where[best]):
            after = merge_pair(words[i], best, FIRST + len(merges) - 1)
            for pair, change in pair_changes(words[i], after).items():
                if subtract or change > 0 or pair == best:
                    totals[pair] += change * (counts[i] if weigh else 1)
                if discard and change < 0:
                    where[pair].discard(i)
                elif index:
                    where[pair].add(i)
            if keep:
                words[i] = after
    return merges


LEARN_FAST = Exercise(
    name="learn_fast",
    reference=learn_fast,
    examples=texts_to_learn_from_fast,
    use=timed,
    explain=look_at_speed,
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
            lambda words, counts, n: updated(words, counts, n, weigh=False),
        ),
        Mistake(
            "New pairs were added, but what was lost was not subtracted: changes below 0 count too.",
            lambda words, counts, n: updated(words, counts, n, subtract=False),
        ),
        Mistake(
            "where does not know the new pairs, so later merges miss the words that hold them: where[pair].add(i).",
            lambda words, counts, n: updated(words, counts, n, index=False),
        ),
        Mistake(
            "where has lost a word that still holds the pair: a change of -1 does not mean that none is left. It may "
            "list too many words, never too few.",
            lambda words, counts, n: updated(words, counts, n, discard=True),
        ),
        Mistake(
            "The totals change, the words do not: keep the merged word, words[i] = after, or the next merge looks at "
            "an old one.",
            lambda words, counts, n: updated(words, counts, n, keep=False),
        ),
        Mistake(
            "The same pair stays the most frequent for ever: nothing was brought up to date, or with the wrong sign. "
            "It is pair_changes(before, after), in this order, and the changes are added.",
            lambda words, counts, n: nothing_updated(weighted(words, counts), n),
        ),
    ),
)


def weighted(words, counts):
    totals = Counter()
    for word, n in zip(words, counts, strict=True):
        for pair, times in pair_counts(word).items():
            totals[pair] += times * n
    return totals


def nothing_updated(totals, n_merges):
    return [best_pair(totals)] * n_merges if max(totals.values(), default=0) > 1 else []


EXERCISES = (
    PAIR_COUNTS,
    MERGE_PAIR,
    BEST_PAIR,
    LEARN_MERGES,
    PAIR_CHANGES,
    LEARN_FAST,
    ENCODE_WORD,
    DECODE_IDS,
)
