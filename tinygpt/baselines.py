"""What a prediction is worth without a neural network: uniform guesses, counts, and compressors.

All are scored under the protocol of `evaluation.py`, in bits per byte of the same text. A byte model has 257
symbols, the 256 bytes and the end of a document, so that guessing blindly costs log2(257) = 8.006 bits a symbol.
"""

import gzip
import lzma
import math
from dataclasses import dataclass

import numpy as np

from tinygpt.evaluation import Score, score_of
from tinygpt.tokens import token_file

BYTE_SYMBOLS = 257
END = 256
LONGEST_ORDER = 12


@dataclass(frozen=True)
class Baseline:
    """One row of the table: bits per byte of the held-out text.

    fresh: the same for the documents without a near-duplicate in the training text; None where there are none.
    score: document by document, None for a compressor, which squeezes everything at once.
    """

    name: str
    bits_per_byte: float
    fresh: float | None
    score: Score | None = None


def baselines(train_texts, texts, near_duplicate, train_tokens, tokens, vocab_size):
    """Every baseline for `texts`, from the worst idea to the best compressor.

    near_duplicate (documents,) bool; train_tokens and tokens are the token files of the same two sets of texts.
    """
    train, held_out = byte_file(train_texts), byte_file(texts)
    fresh = [text for text, near in zip(texts, near_duplicate, strict=True) if not near]

    def scored(name, score):
        return Baseline(name, score.bits_per_byte, score.of(~near_duplicate).bits_per_byte if fresh else None, score)

    def compressed(name, compress, known=()):
        bits_per_byte = [compressor_bits_per_byte(compress, some, known) if some else None for some in (texts, fresh)]
        return Baseline(name, *bits_per_byte)

    by_bytes = best_orders(train, held_out)
    *_, bigram = ngram_scores(train_tokens, tokens, vocab_size, orders=2)
    yield scored("uniform", uniform_score(held_out))
    yield scored("byte frequencies", by_bytes[0])
    yield scored("byte bigram", by_bytes[1])
    if len(by_bytes) > 2:
        yield scored(f"byte {len(by_bytes)}-gram", by_bytes[-1])
    yield scored("token bigram", bigram)
    for name, compress in COMPRESSORS.items():
        yield compressed(name, compress)
        yield compressed(f"{name}, knowing the training text", compress, train_texts)


def byte_file(texts):
    """Texts as a token file whose tokens are their UTF-8 bytes."""
    return token_file(texts, str.encode, END)


def uniform_score(tokens):
    """Every one of the 257 symbols as likely as any other."""
    return score_of(np.full(len(tokens.ids) - 1, math.log(BYTE_SYMBOLS)), tokens)


def ngram_scores(train, held_out, vocab_size, orders):
    """Scores of the n-gram models of order 1, 2, ... `orders`, one after the other.

    Each order mixes its counts with the order below; a context gives the order below as much weight as it has seen
    different successors.
    Source: Witten and Bell 1991, The Zero-Frequency Problem, method C.
    """
    symbols = np.concatenate([train.ids, held_out.ids]).astype(np.int64)  # (N,)
    n_train = len(train.ids)
    probs = np.full(len(held_out.ids), 1 / vocab_size)  # of each held-out symbol
    context = np.zeros(len(symbols), dtype=np.int64)  # a number for what precedes each symbol
    for _ in range(orders):
        grams, first, gram = np.unique(context * vocab_size + symbols, return_index=True, return_inverse=True)
        gram_count = np.bincount(gram[:n_train], minlength=len(grams))
        context_count = np.bincount(context[:n_train], minlength=context.max() + 1)
        successors = np.bincount(context[first][gram_count > 0], minlength=context.max() + 1)
        seen, after, distinct = (a[n_train:] for a in (gram_count[gram], context_count[context], successors[context]))
        probs = np.where(after > 0, (seen + distinct * probs) / np.maximum(after + distinct, 1), probs)
        yield score_of(-np.log(probs[1:]), held_out)
        context = np.append(0, gram[:-1] + 1)  # the context one symbol longer is the n-gram that ends just before


def best_orders(train, held_out):
    """Scores of the byte n-grams of order 1, 2, ... as long as the longer context helps."""
    scores = []
    for score in ngram_scores(train, held_out, BYTE_SYMBOLS, LONGEST_ORDER):
        if len(scores) > 1 and score.bits_per_byte >= scores[-1].bits_per_byte:
            break
        scores.append(score)
    return scores


COMPRESSORS = {
    "gzip": lambda data: gzip.compress(data, compresslevel=9, mtime=0),
    "xz": lambda data: lzma.compress(data, preset=9 | lzma.PRESET_EXTREME),
}


def compressor_bits_per_byte(compress, texts, known=()):
    """Bits per byte of the texts, one after the other, as a compressor writes them.

    With known texts: what the texts add to the size of those. The ends of documents are free of charge here.
    """
    text, known = "".join(texts).encode(), "".join(known).encode()
    return 8 * (len(compress(known + text)) - (len(compress(known)) if known else 0)) / len(text)
