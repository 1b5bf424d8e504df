"""Answers that people give to the exercises of lesson 01: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import codecs
import heapq
from collections import Counter, defaultdict
from functools import reduce
from itertools import groupby, pairwise

import numpy as np

from tinygpt.course.exercises.lesson_01.best_pair import best_pair
from tinygpt.course.exercises.lesson_01.learn_fast import books, framed
from tinygpt.course.exercises.lesson_01.learn_merges import learn_merges
from tinygpt.course.exercises.lesson_01.merge_pair import merge_pair
from tinygpt.course.exercises.lesson_01.pair_changes import pair_changes
from tinygpt.course.exercises.lesson_01.pair_counts import pair_counts

FIRST = 257

# pair_counts


def count_with_range(ids):
    counts = {}
    for i in range(len(ids) - 1):
        pair = (ids[i], ids[i + 1])
        if pair not in counts:
            counts[pair] = 0
        counts[pair] += 1
    return counts


def count_with_defaultdict(ids):
    counts = defaultdict(int)
    for left, right in pairwise(ids):
        counts[left, right] += 1
    return counts


def count_remembering_the_last(ids):
    counts, last = Counter(), None
    for id in ids:
        if last is not None:
            counts[last, id] += 1
        last = id
    return counts


def count_by_sorting(ids):
    return {pair: len(list(group)) for pair, group in groupby(sorted(pairwise(ids)))}


def count_with_while(ids):
    i, counts = 0, {}
    while i + 1 < len(ids):
        counts[tuple(ids[i : i + 2])] = counts.get(tuple(ids[i : i + 2]), 0) + 1
        i += 1
    return counts


# merge_pair


def merge_looking_back(ids, pair, new_id):
    merged = []
    for id in ids:
        if merged and (merged[-1], id) == pair:
            merged[-1] = new_id
        else:
            merged.append(id)
    return merged


def merge_with_a_flag(ids, pair, new_id):
    out, skip = [], False
    for i in range(len(ids)):
        if skip:
            skip = False
            continue
        if i < len(ids) - 1 and ids[i] == pair[0] and ids[i + 1] == pair[1]:
            out.append(new_id)
            skip = True
        else:
            out.append(ids[i])
    return out


def merge_recursively(ids, pair, new_id):
    if len(ids) < 2:
        return list(ids)
    if (ids[0], ids[1]) == pair:
        return [new_id, *merge_recursively(ids[2:], pair, new_id)]
    return [ids[0], *merge_recursively(ids[1:], pair, new_id)]


def merge_a_copy_in_place(ids, pair, new_id):
    ids = ids.copy()
    i = 0
    while i < len(ids) - 1:
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            ids[i : i + 2] = [new_id]
        i += 1
    return ids


def merge_as_text(ids, pair, new_id):
    """Ids as characters: str.replace also goes from the left and does not overlap."""
    text = "".join(map(chr, ids)).replace(chr(pair[0]) + chr(pair[1]), chr(new_id))
    return [ord(character) for character in text]


def merge_with_try(ids, pair, new_id):
    out, rest = [], iter(ids)
    here = next(rest, None)
    while here is not None:
        after = next(rest, None)
        if (here, after) == pair:
            out.append(new_id)
            here = next(rest, None)
        else:
            out.append(here)
            here = after
    return out


def merge_changing_the_input(ids, pair, new_id):
    i = 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            ids[i] = new_id
            del ids[i + 1]
        i += 1
    return ids


def merge_with_list_and_tuple(ids, pair, new_id):
    out, i = [], 0
    while i < len(ids):
        if ids[i : i + 2] == pair:  # a list never equals a tuple
            out.append(new_id)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


def merge_over_the_end(ids, pair, new_id):
    out, i = [], 0
    while i < len(ids):
        if (ids[i], ids[i + 1]) == pair:
            out.append(new_id)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


def merge_keeping_the_left(ids, pair, new_id):
    out = []
    for i, id in enumerate(ids):
        out.append(id)
        if tuple(ids[i : i + 2]) == pair:
            out.append(new_id)
    return out


# best_pair


def best_with_a_loop(counts):
    best, most = None, 0
    for pair, n in counts.items():
        if n > most or (n == most and pair < best):
            best, most = pair, n
    return best


def best_by_three_sorts(counts):
    pairs = sorted(counts, key=lambda pair: pair[1])
    pairs.sort(key=lambda pair: pair[0])
    pairs.sort(key=lambda pair: counts[pair], reverse=True)
    return pairs[0]


# learn_merges


def merges_with_dictionary(words, counts, n_merges):
    words = {i: word for i, word in enumerate(words)}
    merges = []
    for k in range(n_merges):
        totals = {}
        for i, word in words.items():
            for pair, n in pair_counts(word).items():
                totals[pair] = totals.get(pair, 0) + n * counts[i]
        if len(totals) == 0:
            return merges
        best = best_pair(totals)
        if totals[best] <= 1:
            return merges
        merges.append(best)
        for i in words:
            words[i] = merge_pair(words[i], best, 257 + k)
    return merges


def merges_without_helpers(words, counts, n_merges):
    words, merges, new_id = [tuple(word) for word in words], [], 257
    while len(merges) < n_merges:
        totals = Counter()
        for word, n in zip(words, counts, strict=True):
            for pair in pairwise(word):
                totals[pair] += n
        best = min(totals, key=lambda pair: (-totals[pair], pair), default=None)
        if best is None or totals[best] < 2:
            break
        words = [tuple(merge_looking_back(word, best, new_id)) for word in words]
        merges.append(best)
        new_id += 1
    return merges


def merges_stop_where_it_counts(words, counts, n_merges):
    merges = []
    words = [list(word) for word in words]
    while len(merges) != n_merges:
        totals = reduce(lambda a, b: a + b, (Counter(dict.fromkeys(pair_counts(w), 0)) for w in words), Counter())
        for word, n in zip(words, counts, strict=True):
            for pair, times in pair_counts(word).items():
                totals[pair] += n * times
        if max(totals.values(), default=0) < 2:
            break
        merges.append(best_pair(totals))
        words = [merge_pair(word, merges[-1], 256 + len(merges)) for word in words]
    return merges


def merges_from_the_text_itself(words, counts, n_merges):
    text = [word for word, n in zip(words, counts, strict=True) for _ in range(n)]
    return learn_merges(text, [1] * len(text), n_merges)


def merges_by_recursion(words, counts, n_merges, done=0):
    totals = Counter()
    for word, n in zip(words, counts, strict=True):
        totals.update({pair: times * n for pair, times in pair_counts(word).items()})
    if done == n_merges or not totals or max(totals.values()) < 2:
        return []
    best = best_pair(totals)
    words = [merge_pair(word, best, FIRST + done) for word in words]
    return [best, *merges_by_recursion(words, counts, n_merges, done + 1)]


def merges_changing_the_input(words, counts, n_merges):
    merges = learn_merges(words, counts, n_merges)
    for k, pair in enumerate(merges):
        for i in range(len(words)):
            words[i] = merge_pair(words[i], pair, 257 + k)
    return merges


def merges_until_max_fails(words, counts, n_merges):
    merges = []
    while len(merges) < n_merges:
        totals = Counter()
        for word, n in zip(words, counts, strict=True):
            totals.update({pair: times * n for pair, times in pair_counts(word).items()})
        best = best_pair(totals)
        if totals[best] < 2:
            break
        words = [merge_pair(word, best, 257 + len(merges)) for word in words]
        merges.append(best)
    return merges


def totals_of(words, counts):
    totals = Counter()
    for word, n in zip(words, counts, strict=True):
        for pair, times in pair_counts(word).items():
            totals[pair] += times * n
    return totals


def merges_in_a_name_only(words, counts, n_merges):
    merges = []
    for i in range(n_merges):
        totals = totals_of(words, counts)
        if not totals or max(totals.values()) < 2:
            break
        best = best_pair(totals)
        for word in words:
            word = merge_pair(word, best, 257 + i)
        merges.append(best)
    return merges


def merges_ties_by_order(words, counts, n_merges):
    words, merges = list(words), []
    while len(merges) < n_merges:
        totals = totals_of(words, counts)
        if not totals or max(totals.values()) < 2:
            break
        best = max(totals, key=lambda pair: (totals[pair], pair))
        words = [merge_pair(word, best, FIRST + len(merges)) for word in words]
        merges.append(best)
    return merges


def merges_after_append(words, counts, n_merges):
    words, merges = list(words), []
    while len(merges) < n_merges:
        totals = totals_of(words, counts)
        if not totals or max(totals.values()) < 2:
            break
        merges.append(best_pair(totals))
        words = [merge_pair(word, merges[-1], FIRST + len(merges)) for word in words]
    return merges


def words_instead_of_merges(words, counts, n_merges):
    for k, pair in enumerate(learn_merges(words, counts, n_merges)):
        words = [merge_pair(word, pair, FIRST + k) for word in words]
    return words


# pair_changes


def changes_over_all_pairs(before, after):
    old, new = pair_counts(before), pair_counts(after)
    changes = {}
    for pair in set(old) | set(new):
        change = new.get(pair, 0) - old.get(pair, 0)
        if change:
            changes[pair] = change
    return changes


def changes_with_defaultdict(before, after):
    changes = defaultdict(int)
    for pair in pairwise(after):
        changes[pair] += 1
    for pair in pairwise(before):
        changes[pair] -= 1
    return {pair: change for pair, change in changes.items() if change}


def changes_with_subtract(before, after):
    changes = Counter(pairwise(after))
    changes.subtract(pairwise(before))
    for pair in [pair for pair, change in changes.items() if change == 0]:
        del changes[pair]
    return changes


def changes_from_two_minus_signs(before, after):
    old, new = Counter(pair_counts(before)), Counter(pair_counts(after))
    return dict(new - old) | {pair: -n for pair, n in (old - new).items()}


def changes_popping(before, after):
    changes = dict(pair_counts(after))
    for pair, n in pair_counts(before).items():
        changes[pair] = changes.pop(pair, 0) - n
        if not changes[pair]:
            changes.pop(pair)
    return changes


# learn_fast


def update_plainly(words, counts, totals, where, best, new_id):
    for i in where[best]:  # adding what is in a set already does not change it
        after = merge_pair(words[i], best, new_id)
        for pair, change in pair_changes(words[i], after).items():
            totals[pair] += change * counts[i]
            where[pair].add(i)
        words[i] = after


def update_exactly(words, counts, totals, where, best, new_id):
    for i in sorted(where[best]):
        before, after = words[i], merge_pair(words[i], best, new_id)
        for pair in pair_counts(before):
            where[pair].discard(i)
        for pair in pair_counts(after):
            where[pair].add(i)
        for pair, change in pair_changes(before, after).items():
            totals[pair] += change * counts[i]
        words[i] = after


def update_without_helpers(words, counts, totals, where, best, new_id):
    for i in where.pop(best):
        for pair in pairwise(words[i]):
            totals[pair] -= counts[i]
        words[i] = merge_looking_back(words[i], best, new_id)
        for pair in pairwise(words[i]):
            totals[pair] += counts[i]
            where[pair].add(i)


def update_and_forget(words, counts, totals, where, best, new_id):
    visit = where.pop(best)
    for i in visit:
        after = merge_pair(words[i], best, new_id)
        for pair, change in pair_changes(words[i], after).items():
            totals[pair] += change * counts[i]
            if change > 0:
                where[pair].add(i)
        words[i] = after
    totals.pop(best)


def update_new_pairs_only_are_indexed(words, counts, totals, where, best, new_id):
    for i in list(where[best]):
        after = merge_pair(words[i], best, new_id)
        for pair, change in pair_changes(words[i], after).items():
            totals[pair] += change * counts[i]
            if new_id in pair:
                where[pair].add(i)
        words[i] = after


def fast_with_a_heap(words, counts, n_merges):
    words, merges = list(words), []
    totals, where = books(words, counts)
    queue = [(-n, pair) for pair, n in totals.items()]
    heapq.heapify(queue)
    while queue and len(merges) < n_merges:
        n, best = heapq.heappop(queue)
        if -n != totals[best]:
            if totals[best] > 1:
                heapq.heappush(queue, (-totals[best], best))
            continue
        if -n < 2:
            break
        update_plainly(words, counts, totals, where, best, FIRST + len(merges))
        for pair in [pair for pair in totals if FIRST + len(merges) in pair]:
            heapq.heappush(queue, (-totals[pair], pair))
        merges.append(best)
    return merges


def update_set_in_motion(words, counts, totals, where, best, new_id):
    for i in where[best]:
        after = merge_pair(words[i], best, new_id)
        for pair, change in pair_changes(words[i], after).items():
            totals[pair] += change * counts[i]
            (where[pair].add if change > 0 else where[pair].discard)(i)
        words[i] = after


def update_all_words(words, counts, totals, where, best, new_id):
    for i, word in enumerate(words):
        after = merge_pair(word, best, new_id)
        for pair, change in pair_changes(word, after).items():
            totals[pair] += change * counts[i]
        words[i] = after


def update_words_found_by_search(words, counts, totals, where, best, new_id):
    for i in range(len(words)):
        if best in pairwise(words[i]):
            after = merge_pair(words[i], best, new_id)
            for pair, change in pair_changes(words[i], after).items():
                totals[pair] += change * counts[i]
            words[i] = after


def update_turned_round(words, counts, totals, where, best, new_id):
    for i in list(where[best]):
        after = merge_pair(words[i], best, new_id)
        for pair, change in pair_changes(after, words[i]).items():
            totals[pair] += change * counts[i]
            where[pair].add(i)
        words[i] = after


def update_after_the_word(words, counts, totals, where, best, new_id):
    for i in list(where[best]):
        words[i] = merge_pair(words[i], best, new_id)
        for pair, change in pair_changes(words[i], words[i]).items():
            totals[pair] += change * counts[i]
            where[pair].add(i)


def update_sets_instead_of_adding(words, counts, totals, where, best, new_id):
    for i in list(where[best]):
        after = merge_pair(words[i], best, new_id)
        for pair, change in pair_changes(words[i], after).items():
            totals[pair] = change * counts[i]
            where[pair].add(i)
        words[i] = after


# encode_word


def encode_rank_by_rank(ids, merges):
    for pair, new_id in merges.items():
        ids = merge_pair(ids, pair, new_id)
    return ids


def encode_with_infinity(ids, merges):
    while len(ids) > 1:
        pair = min(pairwise(ids), key=lambda pair: merges.get(pair, float("inf")))
        if pair not in merges:
            break
        ids = merge_pair(ids, pair, merges[pair])
    return ids


def encode_recursively(ids, merges):
    new_ids = [merges[pair] for pair in pairwise(ids) if pair in merges]
    if not new_ids:
        return ids
    pair_of = {new_id: pair for pair, new_id in merges.items()}
    return encode_recursively(merge_pair(ids, pair_of[min(new_ids)], min(new_ids)), merges)


def encode_one_place_at_a_time(ids, merges):
    ids = list(ids)
    while True:
        places = [(merges[pair], i) for i, pair in enumerate(pairwise(ids)) if pair in merges]
        if not places:
            return ids
        new_id, i = min(places)
        ids[i : i + 2] = [new_id]


def encode_with_counts(ids, merges):
    while known := pair_counts(ids).keys() & merges.keys():
        earliest = min(known, key=lambda pair: merges[pair])
        ids = merge_looking_back(ids, earliest, merges[earliest])
    return ids


def encode_without_default(ids, merges):
    while True:
        pair = min(pairwise(ids), key=lambda pair: merges[pair])
        ids = merge_pair(ids, pair, merges[pair])


def encode_with_any_pair(ids, merges):
    while len(ids) > 1:
        pair = min(pairwise(ids), key=lambda pair: merges[pair])
        ids = merge_pair(ids, pair, merges[pair])
    return ids


def encode_rightmost_first(ids, merges):
    while known := [pair for pair in pairwise(ids) if pair in merges]:
        ids = merge_pair(ids, known[-1], merges[known[-1]])
    return ids


def encode_smallest_pair(ids, merges):
    while known := [pair for pair in pairwise(ids) if pair in merges]:
        ids = merge_pair(ids, min(known), merges[min(known)])
    return ids


def encode_in_place(ids, merges):
    ids[:] = encode_with_infinity(ids, merges)
    return ids


def encode_twice(ids, merges):
    for _ in range(2):
        known = [pair for pair in pairwise(ids) if pair in merges]
        if known:
            earliest = min(known, key=merges.get)
            ids = merge_pair(ids, earliest, merges[earliest])
    return ids


# decode_ids


def decode_with_a_loop(ids, vocab):
    data = b""
    for id in ids:
        data += vocab[id]
    return data.decode(errors="replace")


def decode_with_bytearray(ids, vocab):
    data = bytearray()
    for id in ids:
        data.extend(vocab[id])
    return str(data, "utf-8", "replace")


def decode_as_a_stream(ids, vocab):
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    return "".join(decoder.decode(vocab[id]) for id in ids) + decoder.decode(b"", final=True)


def decode_with_try(ids, vocab):
    data = b"".join([vocab[id] for id in ids])
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def decode_with_lost_damage(ids, vocab):
    try:
        return b"".join(vocab[id] for id in ids).decode()
    except UnicodeDecodeError:
        return "\ufffd"


RIGHT = {
    "pair_counts": [
        lambda ids: Counter(zip(ids, ids[1:])),  # noqa: B905, RUF007
        lambda ids: dict(Counter(pairwise(ids))),
        lambda ids: {pair: list(pairwise(ids)).count(pair) for pair in pairwise(ids)},
        count_with_range,
        count_with_defaultdict,
        count_remembering_the_last,
        count_by_sorting,
        count_with_while,
    ],
    "merge_pair": [
        merge_looking_back,
        merge_with_a_flag,
        merge_recursively,
        merge_a_copy_in_place,
        merge_as_text,
        merge_with_try,
        lambda ids, pair, new_id: reduce(
            lambda out, id: [*out[:-1], new_id] if out and (out[-1], id) == pair else [*out, id], ids, []
        ),
        lambda ids, pair, new_id: tuple(merge_looking_back(ids, pair, new_id)),
    ],
    "best_pair": [
        lambda counts: min(counts, key=lambda pair: (-counts[pair], pair)),
        lambda counts: min(counts, key=lambda pair: (-counts[pair], pair[0], pair[1])),
        lambda counts: max(counts, key=lambda pair: (counts[pair], -pair[0], -pair[1])),
        lambda counts: max(sorted(counts), key=counts.get),
        lambda counts: sorted(counts.items(), key=lambda item: (-item[1], item[0]))[0][0],
        lambda counts: min((-n, pair) for pair, n in counts.items())[1],
        lambda counts: heapq.nsmallest(1, counts, key=lambda pair: (-counts[pair], pair))[0],
        best_with_a_loop,
        best_by_three_sorts,
    ],
    "learn_merges": [
        merges_with_dictionary,
        merges_without_helpers,
        merges_stop_where_it_counts,
        merges_from_the_text_itself,
        merges_by_recursion,
        framed(update_plainly),
    ],
    "pair_changes": [
        changes_over_all_pairs,
        changes_with_defaultdict,
        changes_with_subtract,
        changes_from_two_minus_signs,
        changes_popping,
    ],
    "learn_fast": [
        framed(update_plainly),
        framed(update_without_helpers),
        framed(update_and_forget),
        framed(update_new_pairs_only_are_indexed),
        framed(update_exactly),
        fast_with_a_heap,
    ],
    "encode_word": [
        encode_rank_by_rank,
        encode_with_infinity,
        encode_recursively,
        encode_one_place_at_a_time,
        encode_with_counts,
    ],
    "decode_ids": [
        decode_with_a_loop,
        decode_with_bytearray,
        decode_as_a_stream,
        decode_with_try,
        lambda ids, vocab: bytes(byte for id in ids for byte in vocab[id]).decode("utf8", "replace"),
        lambda ids, vocab: b"".join(map(vocab.__getitem__, ids)).decode(errors="replace"),
    ],
}

WRONG = {
    "pair_counts": [
        (lambda ids: None, "is there a return?"),
        (lambda ids: list(pairwise(ids)), "A dictionary is wanted"),
        (lambda ids: set(pairwise(ids)), "A dictionary is wanted"),
        (lambda ids: {f"{a},{b}": n for (a, b), n in pair_counts(ids).items()}, "is none"),
        (lambda ids: {frozenset(pair): n for pair, n in pair_counts(ids).items()}, "is none"),
        (lambda ids: {(b, a): n for (a, b), n in pair_counts(ids).items()}, "in that order"),
        (lambda ids: {pair: n for pair, n in pair_counts(ids).items() if n > 1}, "are neighbours too"),
        (lambda ids: Counter(pairwise(ids)).most_common(), "A dictionary is wanted"),
        (lambda ids: Counter(zip(ids, ids[2:])), "in that order"),  # noqa: B905
        (lambda ids: {(ids[i], ids[i + 1]): 1 for i in range(len(ids))}, "has no neighbour to its right"),
    ],
    "merge_pair": [
        (lambda ids, pair, new_id: None, "is there a return?"),
        (merge_changing_the_input, "in place"),
        (merge_with_list_and_tuple, "Nothing was merged"),
        (merge_over_the_end, "has no neighbour to its right"),
        (merge_keeping_the_left, "It is too long"),
        (lambda ids, pair, new_id: np.array(merge_pair(ids, pair, new_id)), "of type ndarray"),
        (lambda ids, pair, new_id: (id for id in ids), "of type generator"),
        (lambda ids, pair, new_id: [id for id in ids if id not in pair], "too short"),
        (lambda ids, pair, new_id: [*merge_pair(ids, pair, new_id), new_id], "too long"),
        (lambda ids, pair, new_id: merge_pair(ids, pair, 300), "The two differ"),
    ],
    "best_pair": [
        (lambda counts: None, "is there a return?"),
        (lambda counts: max(counts.values()), "That is the count"),
        (lambda counts: max(counts.items(), key=lambda item: item[1]), "pair alone is wanted"),
        (lambda counts: [p for p in counts if counts[p] == max(counts.values())], "not a list"),
        (lambda counts: list(best_pair(counts)), "a pair is a tuple"),
        (lambda counts: max(counts), "(5, 6) occurs 3 times"),
        (lambda counts: min(counts, key=lambda pair: (-counts[pair], -pair[0], pair[1])), "smaller left id"),
        (lambda counts: next(pair for pair, n in counts.items() if n > 1), "(5, 6) occurs 3 times"),
        (lambda counts: Counter(counts).most_common(1)[0][0], "counted first"),
        (lambda counts: counts.most_common(1)[0][0], "stopped with AttributeError"),
    ],
    "learn_merges": [
        (lambda words, counts, n: None, "is there a return?"),
        (lambda words, counts, n: [], "stopped after 0"),
        (words_instead_of_merges, "words after merging"),
        (merges_changing_the_input, "in place"),
        (merges_until_max_fails, "leave the loop where totals is empty"),
        (merges_in_a_name_only, "The words stayed as they were"),
        (merges_ties_by_order, "the most frequent pair after"),
        (lambda words, counts, n: [list(pair) for pair in learn_merges(words, counts, n)], "a pair is a tuple"),
        (merges_after_append, "start one too late"),
        (lambda words, counts, n: dict.fromkeys(learn_merges(words, counts, n), 1), "A list is wanted"),
        (lambda words, counts, n: learn_merges(words[:1], counts[:1], n), "the most frequent pair after"),
        (lambda words, counts, n: learn_merges(words, counts[:1], n), "stopped with ValueError"),
    ],
    "pair_changes": [
        (lambda before, after: None, "is there a return?"),
        (lambda before, after: list(pair_changes(before, after).items()), "A dictionary is wanted"),
        (lambda before, after: {p: 1 if c > 0 else -1 for p, c in pair_changes(before, after).items()}, "occurred 2"),
        (
            lambda before, after: {p: c for p, c in pair_changes(before, after).items() if c > 0},
            "What was lost is missing",
        ),
        (lambda before, after: pair_counts(after) - pair_counts(before), "stopped with TypeError"),
        (lambda before, after: {p: c for p, c in pair_changes(before, after).items() if 257 not in p}, "New pairs"),
        (lambda before, after: {}, "is new"),
        (lambda before, after: pair_changes(before, after) | {(8, 9): 0}, "leave it out"),
    ],
    "learn_fast": [
        (lambda words, counts, n: None, "is there a return?"),
        (learn_merges, "far longer"),
        (framed(update_all_words), "far longer"),
        (framed(update_words_found_by_search), "far longer"),
        (framed(update_set_in_motion), "Set changed size"),
        (framed(update_turned_round), "wrong sign"),
        (framed(update_after_the_word), "nothing was brought up to date"),
        (framed(update_sets_instead_of_adding), "the most frequent pair after"),
    ],
    "encode_word": [
        (lambda ids, merges: None, "is there a return?"),
        (encode_without_default, "stopped with ValueError"),
        (encode_with_any_pair, "Most pairs have no merge"),
        (encode_rightmost_first, "The two differ"),
        (encode_smallest_pair, "merging from the left gives"),
        (encode_in_place, "in place"),
        (encode_twice, "go on until there is none"),
        (lambda ids, merges: sorted(encode_rank_by_rank(ids, merges)), "The two differ"),
        (lambda ids, merges: "".join(map(str, ids)), "A list of ids"),
    ],
    "decode_ids": [
        (lambda ids, vocab: None, "is there a return?"),
        (lambda ids, vocab: b"".join(vocab[id] for id in ids), "One step is left"),
        (lambda ids, vocab: b"".join(vocab[id] for id in ids).decode(), "half a character"),
        (lambda ids, vocab: b"".join(vocab[id] for id in ids).decode(errors="backslashreplace"), "U+FFFD"),
        (lambda ids, vocab: b"".join(vocab[id] for id in ids).decode(errors="surrogateescape"), "half characters"),
        (lambda ids, vocab: "".join(vocab[id] for id in ids), "stopped with TypeError"),
        (lambda ids, vocab: [vocab[id] for id in ids], "Text is wanted"),
        (lambda ids, vocab: "".join(chr(id) for id in ids), "The two differ"),
        (lambda ids, vocab: "".join(chr(byte) for id in ids for byte in vocab[id]), "Latin-1"),
        (decode_with_lost_damage, "One broken byte"),
        (lambda ids, vocab: decode_with_a_loop(ids, vocab).strip(), "The two differ"),
    ],
}
