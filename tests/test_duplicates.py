"""Near-duplicates: the exact search against comparing every pair, the estimate against the exact search."""

import os
import random
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygpt.corpora.duplicates import NearDuplicateCounter, near_duplicates, resemblance, trigrams, words

FEW_WORDS = st.lists(st.sampled_from(["a", "b", "C", "c!", "..."]), max_size=12).map(" ".join)
RNG = random.Random(0)
VOCABULARY = ["".join(RNG.choices("abcdefghijklmnop", k=6)) for _ in range(5000)]


def random_text(rng, n_words):
    return " ".join(rng.choices(VOCABULARY, k=n_words))


def with_one_word_changed(rng, text):
    words = text.split()
    words[rng.randrange(len(words))] = "changed"
    return " ".join(words)


def test_trigrams_by_hand():
    assert trigrams("The heart is the ...") == {("the", "heart", "is"), ("heart", "is", "the")}
    assert trigrams("Two words!") == {("two", "words")}
    assert trigrams("...") == {()}


@settings(derandomize=True, deadline=None)
@given(st.text(st.characters(max_codepoint=127)))
def test_words_are_the_same_on_the_fast_way(text):
    assert words(text) == re.findall(r"\w+", text.lower()) == words(text + " é")[:-1]


def test_resemblance_by_hand():
    # "a b c d" holds abc, bcd; "b c d e f" holds bcd, cde, def: 1 shared of 4
    assert resemblance(trigrams("a b c d"), trigrams("b c d e f")) == 1 / 4


def test_half_is_near_and_less_is_not():
    found = near_duplicates(["a b c d", "a b c d x y", "A, b: C"], ["a b c d e f", "a b c"])
    # abc bcd of abc bcd cde def: 2/4; abc bcd of 6: 2/6, and abc of 4: 1/4; abc of abc: 1
    assert found.tolist() == [True, False, True]
    assert found.dtype == bool


@pytest.mark.parametrize(("candidates", "documents"), [([], ["a"]), (["a"], []), ([], [])])
def test_nothing_resembles_nothing(candidates, documents):
    assert near_duplicates(candidates, documents).tolist() == [False] * len(candidates)


def test_the_stream_is_read_once_and_may_be_a_generator():
    assert near_duplicates(["a b c", "x"], (text for text in ("x", "a b c"))).tolist() == [True, True]


@settings(derandomize=True, deadline=None)
@given(st.lists(FEW_WORDS, max_size=6), st.lists(FEW_WORDS, max_size=6))
def test_the_index_finds_what_comparing_every_pair_finds(candidates, documents):
    every_pair = [any(resemblance(trigrams(a), trigrams(b)) >= 0.5 for b in documents) for a in candidates]
    assert near_duplicates(candidates, documents).tolist() == every_pair


def test_the_estimate_finds_one_changed_word_and_invents_nothing():
    rng = random.Random(1)
    texts = [random_text(rng, n_words=rng.randint(20, 60)) for _ in range(1000)]
    counter = NearDuplicateCounter()
    assert not any(counter.add(text) for text in texts)
    n_found = sum(counter.add(with_one_word_changed(rng, text)) for text in texts)
    assert n_found >= 0.97 * len(texts)
    assert (counter.n_seen, counter.n_near) == (2000, n_found)


def test_the_estimate_agrees_with_the_truth():
    """The share of equal numbers in two signatures is the resemblance, within sampling error."""
    rng, counter = random.Random(2), NearDuplicateCounter(capacity=1)
    errors = []
    for _ in range(200):
        text = random_text(rng, n_words=40)
        other = with_one_word_changed(rng, with_one_word_changed(rng, text))
        estimate = (counter.signature(text) == counter.signature(other)).mean()
        errors.append(estimate - resemblance(trigrams(text), trigrams(other)))
    assert abs(np.mean(errors)) < 0.02  # unbiased
    assert np.std(errors) < 0.08  # sqrt(p (1 - p) / 64) is 0.06


def test_the_estimate_counts_the_same_words_in_other_dress():
    counter = NearDuplicateCounter()
    assert [counter.add(text) for text in ("One, two; three!", "one two three", "", "!", "one two", "one two")] == [
        *(False, True),
        *(False, True),  # no words at all, twice
        *(False, True),
    ]


def test_a_full_counter_looks_no_further():
    counter = NearDuplicateCounter(capacity=2)
    assert [counter.add("the same few words") for _ in range(4)] == [False, True, False, False]
    assert counter.full and (counter.n_seen, counter.n_near) == (2, 1)


def test_a_very_long_text_takes_bounded_work():
    counter = NearDuplicateCounter()
    text = random_text(random.Random(3), n_words=20_000)
    assert len(text) > counter.LONGEST
    np.testing.assert_array_equal(counter.signature(text), counter.signature(text[: counter.LONGEST] + " other"))


@pytest.mark.parametrize("salt", ["1", "2"])
def test_signatures_are_the_same_in_every_run(salt):
    code = "from tinygpt.corpora.duplicates import *; print(NearDuplicateCounter(1).signature('a b c').tolist())"
    salted = {**os.environ, "PYTHONHASHSEED": salt}
    run = subprocess.run([sys.executable, "-c", code], env=salted, capture_output=True, text=True)
    assert run.stdout.strip() == str(NearDuplicateCounter(1).signature("a b c").tolist()), run.stderr
