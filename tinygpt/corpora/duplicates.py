"""Near-duplicates: documents that say almost the same, found exactly for a few and estimated in a stream.

Each document becomes the set of its word trigrams. The resemblance of two documents is the Jaccard similarity of
their sets, what they share over what they hold together; from 0.5 on we call them near-duplicates.

Source: Broder (1997), On the resemblance and containment of documents.
"""

import re
from collections import Counter, defaultdict
from itertools import chain
from zlib import crc32

import numpy as np

NEAR = 0.5
WORD = re.compile(r"\w+")
ASCII_GAPS = {code: " " for code in range(128) if not WORD.match(chr(code))}


def words(text):
    """The text's words, lower-cased. Where all is ASCII, splitting at the gaps finds the same four times as fast."""
    text = text.lower()
    return text.translate(ASCII_GAPS).split() if text.isascii() else WORD.findall(text)


def trigrams(text):
    """The set of a text's word trigrams; a shorter text is one tuple of all its words.

    trigrams("The heart is the heart") == {("the", "heart", "is"), ("heart", "is", "the"), ("is", "the", "heart")}
    """
    sequence = words(text)
    return set(zip(sequence, sequence[1:], sequence[2:], strict=False)) or {tuple(sequence)}


def resemblance(a, b):
    """Jaccard similarity of two sets: 1 where they are the same, 0 where they share nothing."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def near_duplicates(candidates, documents):
    """For each text in `candidates` whether some text in `documents` is its near-duplicate: bool (len(candidates),).

    Exact. `documents` may be any stream: only the candidates are held in memory.
    """
    sets = [trigrams(text) for text in candidates]
    index = telling_trigrams(sets)
    found = np.zeros(len(sets), dtype=bool)
    for text in documents:
        other = trigrams(text)
        suspects = {i for trigram in index.keys() & other for i in index[trigram]}
        for i in suspects:
            found[i] = found[i] or resemblance(sets[i], other) >= NEAR
    return found


def telling_trigrams(sets):
    """Trigram -> positions of the sets to be compared with whoever has it.

    A near-duplicate of a set shares at least half of it. So it shares at least one of any half-plus-one, and we
    choose the rarest: no document is compared with hundreds of others for a phrase that everybody uses.
    """
    frequency = Counter(chain.from_iterable(sets))
    index = defaultdict(list)
    for i, members in enumerate(sets):
        for trigram in sorted(members, key=frequency.get)[: len(members) // 2 + 1]:
            index[trigram].append(i)
    return index


class NearDuplicateCounter:
    """Counts the documents of a stream that resemble an earlier one: an estimate by MinHash, in bounded memory.

    Shuffle all trigrams there are: two documents have the same first trigram with a probability that equals their
    resemblance. So the share of 64 shuffles on which they agree estimates it. Comparing a document with all
    earlier ones would be slow, so we look only at those that agree on one of 16 bands of 4 shuffles: 99% of the
    pairs whose resemblance is 0.7, 1% of those where it is 0.15.

    Looks at `capacity` documents, and at the first 100,000 characters of each.

    Source: Broder (1997); bands: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.
    """

    BANDS, ROWS, SLOT_BITS, LONGEST = 16, 4, 18, 100_000

    def __init__(self, capacity=100_000):
        n_hashes = self.BANDS * self.ROWS
        numbers = np.random.PCG64(0).random_raw(2 * n_hashes + self.ROWS + 3).astype(np.uint32) | np.uint32(1)
        self.factors, self.offsets = numbers[: 2 * n_hashes].reshape(2, n_hashes, 1)
        self.row_factors, self.word_factors = np.split(numbers[2 * n_hashes :], [self.ROWS])
        self.capacity, self.n_seen, self.n_near = capacity, 0, 0
        self.signatures = np.zeros((capacity, n_hashes), dtype=np.uint32)
        # Who last had a band's hash, 0 for nobody: a newcomer takes over the slot, so this never grows.
        self.holders = np.zeros((self.BANDS, 2**self.SLOT_BITS), dtype=np.uint32)

    @property
    def full(self):
        return self.n_seen >= self.capacity

    def add(self, text):
        """Whether an earlier text is probably a near-duplicate of this one; False once the counter is full."""
        if self.full:
            return False
        signature = self.signature(text)  # (n_hashes,)
        bands = signature.reshape(self.BANDS, self.ROWS) @ self.row_factors  # (BANDS,)
        slots = np.arange(self.BANDS), bands >> np.uint32(32 - self.SLOT_BITS)
        holders = self.holders[slots]  # (BANDS,)
        suspects = self.signatures[holders[holders > 0] - 1]  # (n_suspects, n_hashes)
        is_near = bool(((suspects == signature).mean(axis=1) >= NEAR).any())
        self.signatures[self.n_seen] = signature
        self.n_seen += 1
        self.n_near += is_near
        self.holders[slots] = self.n_seen
        return is_near

    def signature(self, text):
        """The text's first trigram in each shuffle, as a number: uint32 (n_hashes,)."""
        trigrams = self.hashed_trigrams(words(text[: self.LONGEST]))  # (n_trigrams,)
        return (self.factors * trigrams + self.offsets).min(axis=1)  # (n_hashes, n_trigrams) -> (n_hashes,)

    def hashed_trigrams(self, sequence):
        """A number per trigram. Python's own `hash` differs from run to run, so a checksum stands in."""
        hashed = [crc32(word.encode()) for word in sequence] + [0] * (3 - len(sequence))
        hashed = np.array(hashed, dtype=np.uint32)  # (n_words,), at least 3
        first, second, third = self.word_factors
        return hashed[:-2] * first + hashed[1:-1] * second + hashed[2:] * third  # wraps round at 2**32
