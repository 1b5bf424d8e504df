"""Byte-level byte-pair encoding (BPE) from scratch: text in, token ids out, and back without loss.

A ladder, each step standing on the one before: bytes and their printable stand-ins, words, pairs and merges,
training, then the tokenizer itself with encode and decode. It learns the same merges and gives the same ids as
`tokenizers.ByteLevelBPETokenizer`, which takes over in tokenizer.py.

Source: Sennrich et al. (2016), Neural Machine Translation of Rare Words with Subword Units, section 3.2;
Radford et al. (2019), Language Models are Unsupervised Multitask Learners, section 2.2 (bytes, word pattern).
"""

import heapq
import re
from array import array
from collections import Counter, defaultdict
from itertools import count, pairwise

from tokenizers.pre_tokenizers import ByteLevel

from tinygpt.config import InputError, require
from tinygpt.learnable import N_BASE, require_full, require_several, require_text, require_vocab_size

# 1. Bytes, and a character to show each of them by.


def stand_ins():
    """A printable character for every byte: its own Latin-1 character, or where that is invisible one from 256 on.

    >>> [stand_ins()[byte] for byte in "a é".encode()]
    ['a', 'Ġ', 'Ã', '©']
    """
    visible = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    spare = count(256)
    return {byte: chr(byte if byte in visible else next(spare)) for byte in range(256)}


STAND_IN = stand_ins()
BYTE = {character: byte for byte, character in STAND_IN.items()}
ALPHABET = sorted(BYTE)
ID = {character: id for id, character in enumerate(ALPHABET, start=1)}  # 0 is the end of text


def to_printable(data):
    return "".join(STAND_IN[byte] for byte in data)


def from_printable(token):
    return bytes(BYTE[character] for character in token)


# 2. Words: no token ever reaches across their borders.

PRE_TOKENIZER = ByteLevel(add_prefix_space=False)  # GPT-2's pattern, with the library's own Unicode tables
NOT_UTF8 = re.compile("([\udc80-\udcff]+)")  # what "surrogateescape" makes of bytes that it cannot decode


def words(text):
    """The words of a str or of bytes, in stand-ins: letters, digits or signs, each run with a space before it.

    Where bytes are not valid UTF-8, each run of invalid ones is a word by itself.

    >>> words("Fever over 39°C"), words(b"over\\xff39")
    (['Fever', 'Ġover', 'Ġ39', 'Â°', 'C'], ['over', 'ÿ', '39'])
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    else:
        require_text(text)
    found = []
    for part in NOT_UTF8.split(text):  # valid, invalid, valid, ...
        if NOT_UTF8.match(part):
            found.append(to_printable(part.encode("utf-8", "surrogateescape")))
        else:
            found += [word for word, _ in PRE_TOKENIZER.pre_tokenize_str(part)]
    return found


# 3. Pairs and merges.


def pair_counts(words, counts):
    """How often each pair of neighbours occurs, and in which of the words (lists of ids, with their counts).

    >>> pairs, where = pair_counts([[5, 6, 7], [5, 6]], [1, 10])
    >>> dict(pairs), dict(where)
    ({(5, 6): 11, (6, 7): 1}, {(5, 6): {0, 1}, (6, 7): {0}})
    """
    pairs, where = defaultdict(int), defaultdict(set)
    for index, ids in enumerate(words):
        for pair in pairwise(ids):
            pairs[pair] += counts[index]
            where[pair].add(index)
    return pairs, where


def merge(ids, pair, new_id):
    """The ids with `new_id` in place of `pair`, found from the left.

    >>> merge([5, 6, 7, 5, 6], (5, 6), 300), merge([5, 5, 5], (5, 5), 300)
    ([300, 7, 300], [300, 5])
    """
    left, right = pair
    merged = []
    for id in ids:
        if id == right and merged and merged[-1] == left:
            merged[-1] = new_id
        else:
            merged.append(id)
    return merged


# 4. Training: merge the most frequent pair, again and again.


def learn(word_counts, n_merges, min_frequency):
    """The pairs of ids to merge, in order; of equally frequent ones the smallest left id, then right id, is first.

    Stops early when no pair is left that occurs `min_frequency` times. To count everything again after each merge
    would be simple, and hundreds of times slower: we count once, then visit only the words that a merge changes.
    """
    words = [[ID[character] for character in word] for word in word_counts]
    counts = list(word_counts.values())
    pairs, where = pair_counts(words, counts)  # where: the words that hold a pair, or held it once
    queue = [(-n, pair) for pair, n in pairs.items()]
    heapq.heapify(queue)  # smallest first: the most frequent, then the smallest ids
    merges = []
    while queue and len(merges) < n_merges:
        n, pair = heapq.heappop(queue)
        if -n != pairs[pair]:  # it has lost occurrences since it was queued: back, with today's count
            heapq.heappush(queue, (-pairs[pair], pair))
            continue
        if -n < min_frequency:
            break
        left, right = pair
        new_id = N_BASE + len(merges)
        merges.append(pair)
        born = defaultdict(set)
        for index in where.pop(pair):
            words[index] = merge(words[index], pair, new_id)
            for new_pair in pairwise(words[index]):
                if new_id in new_pair:  # born now; what stood at its border before is gone
                    a, b = new_pair
                    pairs[right if a == new_id else a, left if b == new_id else b] -= counts[index]
                    pairs[new_pair] += counts[index]
                    born[new_pair].add(index)
        where.update(born)
        for new_pair in born:
            heapq.heappush(queue, (-pairs[new_pair], new_pair))
    return merges


# 5. The tokenizer.


class BPE:
    """A learned vocabulary: `vocab[id]` are a token's bytes, `merges[left, right]` is the id that a pair becomes."""

    def __init__(self, merges=()):
        self.merges = {pair: id for id, pair in enumerate(merges, start=N_BASE)}
        self.vocab = [b"", *map(from_printable, ALPHABET)]  # the end of text is no text
        for left, right in self.merges:
            self.vocab.append(self.vocab[left] + self.vocab[right])
        self.known = {}  # word -> ids: a text has few different words

    @classmethod
    def train(cls, texts, vocab_size, min_frequency=2):
        """Learn from documents, which are read once and not kept; no token reaches from one into the next.

        >>> BPE.train(["low lower lowest"], vocab_size=259).vocab[257:]
        [b'lo', b'low']
        """
        require_vocab_size(vocab_size, min_frequency)
        require_several(texts)
        word_counts = Counter()
        for text in texts:
            word_counts.update(words(text))
        require(word_counts, "there is no text to learn from: all documents are empty, or there are none")
        merges = learn(word_counts, vocab_size - N_BASE, min_frequency)
        require_full(N_BASE + len(merges), vocab_size, min_frequency)
        return cls(merges)

    def encode(self, text):
        """Token ids of a str, or of any bytes; `<|endoftext|>` in it is text like any other."""
        ids = []
        for word in words(text):
            if word not in self.known:
                self.known[word] = self.encode_word(word)
            ids += self.known[word]
        return ids

    def encode_word(self, word):
        """Merge the pairs of a word (in stand-ins) in the order in which they were learned, equal ones from the left.

        To look at all pairs again after each merge would be simple, and hopeless for a "word" of a million letters,
        such as a genome: a queue says what comes next, and only the two pairs that a merge gives birth to are new.
        """
        ids = [ID[character] for character in word] + [None]  # None: the end, and later whatever has been merged
        previous, following = array("q", range(-1, len(ids) - 1)), array("q", range(1, len(ids) + 1))
        queue = [(self.merges[pair], place) for place, pair in enumerate(pairwise(ids)) if pair in self.merges]
        heapq.heapify(queue)  # smallest first: the earliest merge, then the leftmost place
        while queue:
            new_id, left = heapq.heappop(queue)
            right = following[left]
            if self.merges.get((ids[left], ids[right])) != new_id:  # a neighbour took one of the two before
                continue
            ids[left], ids[right] = new_id, None
            following[left] = following[right]
            previous[following[left]] = left
            for place in (previous[left], left):
                pair = (ids[place], ids[following[place]]) if place >= 0 else None
                if pair in self.merges:
                    heapq.heappush(queue, (self.merges[pair], place))
        return [id for id in ids if id is not None]

    def decode_bytes(self, ids):
        """The bytes that were encoded, whatever they were."""
        ids = list(ids)
        for id in ids:
            if not 0 <= id < len(self.vocab):
                raise InputError(f"token id {id} is unknown: this vocabulary has ids 0 to {len(self.vocab) - 1}")
        return b"".join(self.vocab[id] for id in ids)

    def decode(self, ids):
        """The text; bytes that are not UTF-8, such as half a character, become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")
