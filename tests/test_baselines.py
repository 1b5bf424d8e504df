"""Counts and compressors: what they cost, by hand and against other ways to the same figure."""

import gzip
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygpt.baselines import (
    BYTE_SYMBOLS,
    COMPRESSORS,
    END,
    baselines,
    best_orders,
    byte_file,
    compressor_bits_per_byte,
    ngram_scores,
    uniform_score,
)
from tinygpt.corpora import hpo
from tinygpt.corpora.duplicates import near_duplicates
from tinygpt.tokens import TokenFile, token_file

# Witten and Bell by hand. The symbols are a, b and the end, |. Training: |abab|, so | a b occur twice each, and
# uniform guesses have 1/3:
#   order 1: (2 + 3 x 1/3) / (6 + 3) = 1/3 for each
#   order 2: after a: b b.  P(b|a) = (2 + 1 x 1/3) / (2 + 1) = 7/9, P(a|a) = 1/9
#            after b: a |.  P(||b) = (1 + 2 x 1/3) / (2 + 2) = 5/12
#            after |: a.    P(a||) = (1 + 1 x 1/3) / (1 + 1) = 2/3
#   order 3: after |a: b.   P(b||a) = (1 + 1 x 7/9) / 2 = 8/9, P(a||a) = (0 + 1/9) / 2 = 1/18
#            after ab: a |. P(||ab) = (1 + 2 x 5/12) / 4 = 11/24
#            after ||, aa: never seen, so as of order 2

BY_HAND = [
    ("ab", 1, [Fraction(1, 3)] * 3),
    ("ab", 2, [Fraction(2, 3), Fraction(7, 9), Fraction(5, 12)]),
    ("ab", 3, [Fraction(2, 3), Fraction(8, 9), Fraction(11, 24)]),
    ("aab", 2, [Fraction(2, 3), Fraction(1, 9), Fraction(7, 9), Fraction(5, 12)]),
    ("aab", 3, [Fraction(2, 3), Fraction(1, 18), Fraction(7, 9), Fraction(11, 24)]),
]


def abc_file(*texts):
    return token_file(texts, lambda text: ["ab".index(letter) for letter in text], 2)


@pytest.mark.parametrize(("text", "order", "probs"), BY_HAND)
def test_n_grams_by_hand(text, order, probs):
    *_, score = ngram_scores(abc_file("abab"), abc_file(text), 3, order)
    assert score.nats.sum() == pytest.approx(-sum(math.log(p) for p in probs))
    assert score.tokens.tolist() == [len(text) + 1] and score.bytes.tolist() == [len(text)]


def witten_bell(train, context, vocab_size, order):
    """What follows a context, by counting it anew: a list of probabilities (V,). The stream begins after Nones."""
    train, context = [[None] * order + list(stream) for stream in (train, context)]
    probs = [1 / vocab_size] * vocab_size
    for n in range(order):
        last = context[len(context) - n :]
        followers = Counter(train[i] for i in range(order, len(train)) if train[i - n : i] == last)
        n_seen, n_distinct = followers.total(), len(followers)
        if n_seen:
            probs = [(followers[s] + n_distinct * p) / (n_seen + n_distinct) for s, p in enumerate(probs)]
    return probs


def stream(symbols):
    """A token file whose last symbol is a document of its own."""
    return TokenFile(np.array(symbols), np.array([0, len(symbols) - 2]), np.array([1, 1]))


def next_probs(train, context, vocab_size, order):
    """What each order up to `order` says about every symbol that could follow the context: (order, V)."""
    files = [stream([*context, symbol]) for symbol in range(vocab_size)]
    nats = [[s.nats[-1] for s in ngram_scores(stream(train), file, vocab_size, order)] for file in files]
    return np.exp(-np.array(nats)).T


SYMBOLS = st.lists(st.integers(0, 3), min_size=2, max_size=25)


@given(train=SYMBOLS, context=SYMBOLS)
def test_n_grams_are_what_counting_anew_gives_and_their_probabilities_sum_to_one(train, context):
    found = next_probs(train, context, vocab_size=4, order=4)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    expected = [witten_bell(train, train + context, 4, order) for order in (1, 2, 3, 4)]
    np.testing.assert_allclose(found, expected)


def test_a_symbol_never_seen_is_possible():
    assert (next_probs([0, 1, 0, 1], [0, 1], vocab_size=5, order=3) > 0).all()


def test_held_out_text_is_not_counted():
    train = byte_file(["fever"])
    alone, twice = (list(ngram_scores(train, byte_file(texts), 257, 3)) for texts in (["cough"], ["cough", "cough"]))
    for one, two in zip(alone[:2], twice[:2], strict=True):  # order 3 sees across the border of the documents
        assert two.nats == pytest.approx([one.nats[0]] * 2)


def test_longer_contexts_stop_where_they_no_longer_help():
    train, held_out = byte_file(["fever and cough"] * 9 + ["cough and fever"]), byte_file(["fever and fever"])
    chosen = [score.bits_per_byte for score in best_orders(train, held_out)]
    every = [score.bits_per_byte for score in ngram_scores(train, held_out, 257, 12)]
    assert 2 < len(chosen) < 12
    assert chosen == every[: len(chosen)] == sorted(chosen, reverse=True)
    assert every[len(chosen)] >= chosen[-1]


# Uniform guesses and compressors


def test_uniform_guesses_by_hand():
    score = uniform_score(byte_file(["ab", "é"]))  # 3 symbols each with the end, of 2 bytes
    assert score.nats == pytest.approx([3 * math.log(257)] * 2) and score.bytes.tolist() == [2, 2]
    assert score.bits_per_byte == pytest.approx(math.log2(257) * 6 / 4)


def test_bytes_and_the_end_are_257_symbols():
    assert byte_file(["aé"]).ids.tolist() == [END, 97, 0xC3, 0xA9, END]
    assert END + 1 == BYTE_SYMBOLS == 257


def test_compressors_by_hand():
    def count(data):  # a compressor that needs one byte for each different byte
        return bytes(len(set(data)))

    assert compressor_bits_per_byte(count, ["ab", "ca"]) == 8 * 3 / 4
    assert compressor_bits_per_byte(count, ["ab", "ca"], known=["b", "a"]) == 8 * 1 / 4
    assert compressor_bits_per_byte(count, ["é"]) == 8 * 2 / 2


def test_gzip_is_gzip():
    data = b"fever and cough" * 20
    assert gzip.decompress(COMPRESSORS["gzip"](data)) == data
    assert COMPRESSORS["gzip"](data)[4:8] == bytes(4)  # no time of day inside


# The table

TRAIN, HELD_OUT = ["fever and cough", "cough and fever", "a rash"] * 3, ["fever and a rash", "cough and a rash", "pain"]


def table(near_duplicate):
    files = byte_file(TRAIN), byte_file(HELD_OUT)  # stand in for those of a tokenizer
    return list(baselines(TRAIN, HELD_OUT, np.array(near_duplicate), *files, 257))


def test_every_baseline_in_order():
    rows = table([True, False, False])
    assert [row.name for row in rows] == [
        "uniform",
        "byte frequencies",
        "byte bigram",
        f"byte {len(best_orders(byte_file(TRAIN), byte_file(HELD_OUT)))}-gram",
        "token bigram",
        "gzip",
        "gzip, knowing the training text",
        "xz",
        "xz, knowing the training text",
    ]
    assert [row.score is None for row in rows] == [False] * 5 + [True] * 4
    for row in rows[:5]:
        assert row.bits_per_byte == row.score.bits_per_byte
        assert row.fresh == row.score.of([1, 2]).bits_per_byte
    assert rows[4].bits_per_byte == rows[2].bits_per_byte  # here the tokens are the bytes
    for row, name in zip(rows[5::2], COMPRESSORS, strict=True):
        assert row.bits_per_byte == compressor_bits_per_byte(COMPRESSORS[name], HELD_OUT)
        assert row.fresh == compressor_bits_per_byte(COMPRESSORS[name], HELD_OUT[1:])
    for row, name in zip(rows[6::2], COMPRESSORS, strict=True):
        assert row.bits_per_byte == compressor_bits_per_byte(COMPRESSORS[name], HELD_OUT, TRAIN)
        assert row.fresh == compressor_bits_per_byte(COMPRESSORS[name], HELD_OUT[1:], TRAIN)


def test_where_all_is_a_near_duplicate_nothing_is_fresh():
    assert [row.fresh for row in table([True] * 3)] == [None] * 9


# The figures of the corpus of the course


@pytest.fixture(scope="module")
def train():
    return [document.text for document in hpo.corpus().split("train")]


@pytest.fixture(scope="module")
def validation():
    return [document.text for document in hpo.corpus().split("validation")]


@pytest.fixture(scope="module")
def fresh(train, validation):
    near = near_duplicates(validation, train)
    assert (int(near.sum()), len(near)) == (176, 827)
    return [text for text, is_near in zip(validation, near, strict=True) if not is_near]


def about(value):
    return pytest.approx(value, abs=0.01)


def test_uniform_guesses_on_the_corpus(validation):
    tokens = byte_file(validation)
    assert uniform_score(tokens).nats.sum() / (len(tokens.ids) - 1) == pytest.approx(math.log(257))
    assert uniform_score(tokens).bits_per_byte == about(8.04)


def test_n_grams_on_the_corpus(train, validation):
    bits_per_byte = [score.bits_per_byte for score in best_orders(byte_file(train), byte_file(validation))]
    assert len(bits_per_byte) == 7
    assert bits_per_byte[0] == about(4.50)
    assert bits_per_byte[1] == about(3.58)
    assert bits_per_byte[6] == about(1.474)


@pytest.mark.parametrize(
    ("name", "alone", "alone_fresh", "knowing"), [("gzip", 2.66, 2.74, 2.61), ("xz", 2.31, 2.43, 1.46)]
)
def test_compressors_on_the_corpus(train, validation, fresh, name, alone, alone_fresh, knowing):
    compress = COMPRESSORS[name]
    assert compressor_bits_per_byte(compress, validation) == about(alone)
    assert compressor_bits_per_byte(compress, fresh) == about(alone_fresh)
    assert compressor_bits_per_byte(compress, validation, train) == about(knowing)


def test_near_duplicates_flatter_a_compressor_that_knows_the_training_text(train, validation, fresh):
    fresh, all_of_them = (compressor_bits_per_byte(COMPRESSORS["gzip"], some, train) for some in (fresh, validation))
    assert fresh == about(2.69) and all_of_them < fresh
