"""A text as large as wanted, made in seconds: invented abstracts from the words of the built-in corpus.

Words come as often as they do there; one word in fifty is invented, as names, genes and numbers are, so that the
vocabulary grows with the text. Every document is different, so that cleaning drops nothing.
"""

import re
from collections import Counter

import numpy as np

from tinygpt.corpora import open_corpus

WORDS_AT_ONCE = 2**18
MEAN_WORDS = 160  # of a document: about 1,100 bytes, what an abstract of PubMed has
INVENTED = 0.02
SYLLABLES = [consonant + vowel for consonant in "bcdfghklmnprstvz" for vowel in "aeiou"]


def write_text(path, n_bytes, seed=0):
    """Write documents with a blank line between them until there are n_bytes; returns the file's bytes."""
    rng = np.random.default_rng(seed)
    counts = Counter(word for document in open_corpus("hpo").documents() for word in re.findall(r"\S+", document.text))
    words, frequencies = zip(*sorted(counts.items()), strict=True)
    words, cumulative = np.array(words, dtype=object), np.cumsum(frequencies)
    written = 0
    with open(path, "wb") as file:
        while written < n_bytes:
            drawn = words[np.searchsorted(cumulative, rng.integers(cumulative[-1], size=WORDS_AT_ONCE), side="right")]
            places = np.flatnonzero(rng.random(WORDS_AT_ONCE) < INVENTED)
            drawn[places] = [invented(number) for number in rng.integers(2**32, size=len(places))]
            ends = np.cumsum(rng.lognormal(np.log(MEAN_WORDS), 0.3, size=WORDS_AT_ONCE // MEAN_WORDS).astype(int))
            documents = np.split(drawn, ends[ends < WORDS_AT_ONCE])
            written += file.write("".join(" ".join(document) + "\n\n" for document in documents).encode())
    return written


def invented(number):
    """A word for a number: `invented(5) == "cacama5"`... one of 6,400 stems, half of them with digits."""
    a, b = divmod(int(number) % 6400, 80)
    return SYLLABLES[a] + SYLLABLES[b] + (str(number % 1000) if number & 2**20 else "")
