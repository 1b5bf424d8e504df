"""What a model has by heart: runs of words that stand in the training text."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygpt import memorisation
from tinygpt.config import InputError
from tinygpt.memorisation import TrainingRuns

LINES = ["The lower lip has a small pit.", "The upper lip has a pit."]


def test_the_example_in_the_docstring():
    assert doctest.testmod(memorisation) == (0, 2)


def test_copies_by_hand():
    runs = TrainingRuns(LINES, n=3)
    assert runs.copied("The UPPER lip, has") == (2, 2)
    assert runs.copied("a small upper lip pit") == (0, 3)
    assert runs.copied("two words") == (0, 0)
    assert runs.longest_copy("Here the upper lip has a small pit") == ["the", "upper", "lip", "has", "a"]
    assert runs.longest_copy("lip pit small") == []


def test_no_copy_goes_on_into_the_next_text():
    runs = TrainingRuns(LINES, n=2)
    assert runs.copied("pit the") == (0, 1)
    assert runs.longest_copy("a small pit the upper lip") == ["a", "small", "pit"]


def test_what_is_looked_for_is_not_learned():
    runs = TrainingRuns(LINES, n=3)
    assert runs.longest_copy("two words more") == [] and runs.copied("two words more") == (0, 1)


def test_without_texts_nothing_is_copied():
    assert TrainingRuns([]).copied("one two three four five six seven eight nine") == (0, 2)


WORDS = st.sampled_from("abc")


@given(st.lists(st.lists(WORDS, max_size=12), max_size=4), st.lists(WORDS, max_size=9))
def test_same_as_trying_every_run(texts, text):
    """Against looking for each run of each length as a string."""
    runs = TrainingRuns([" ".join(words) for words in texts], n=2)
    joined = [f" {' '.join(words)} " for words in texts]

    def stands(words):
        return any(f" {' '.join(words)} " in line for line in joined)

    pairs = [text[i : i + 2] for i in range(len(text) - 1)]
    assert runs.copied(" ".join(text)) == (sum(map(stands, pairs)), len(pairs))
    lengths = [j - i for i in range(len(text)) for j in range(i + 2, len(text) + 1) if stands(text[i:j])]
    longest = runs.longest_copy(" ".join(text))
    assert len(longest) == max(lengths, default=0) and (not longest or stands(longest))


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_a_run_has_at_least_one_word(n):
    with pytest.raises(InputError, match="n="):
        TrainingRuns(LINES, n)
