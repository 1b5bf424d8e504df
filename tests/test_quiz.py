"""The quiz of lesson 06: one true answer to each question, and how a model is asked."""

import numpy as np
import pytest
import torch

from tinygpt.checkpoint import open_run
from tinygpt.corpora.duplicates import NEAR, resemblance, trigrams
from tinygpt.course import quiz
from tinygpt.course.quiz import CHOICES, LONGEST_NAME, Question, prices, questions
from tinygpt.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def texts(letters):
    return [letter.replace("\n", " ").replace(" ", "\n", 1) for letter in letters]


def test_every_question_has_one_true_definition(texts, tokenizer):
    asked = list(questions(texts, tokenizer, 30))
    assert len(asked) == 30
    for question in asked:
        assert len(set(question.definitions)) == CHOICES
        true = question.definitions[question.answer]
        assert f"{question.name}\n{true}" in texts
        others = [trigrams(d) for d in question.definitions if d != true]
        assert all(resemblance(trigrams(true), other) < NEAR for other in others)
    assert len({question.answer for question in asked}) == CHOICES


def test_wrong_definitions_are_nearest_in_length_and_what_is_too_long_is_not_asked():
    def text(letter, n, name="name"):
        return f"{name} {letter}{n}\n{' '.join(letter * n)}"  # as many bytes, and tokens, as it has characters

    short = [text("a", 4), text("a", 5), text("b", 6), text("c", 7), text("d", 8)]  # the first two are alike
    long = [text("e", 40), text("f", 41), text("g", 42), text("h", 43)]  # the last has 85 tokens
    too_long = [text("i", 44), text("j", 20, "x" * LONGEST_NAME)]
    asked = list(questions([*short, *too_long, *long], Tokenizer([]), 99))
    assert {f"{q.name}\n{q.definitions[q.answer]}" for q in asked} == {*short, *long}
    for question in asked:
        shown = set(question.definitions)
        assert any(shown <= {text.split("\n")[1] for text in group} for group in (short, long))
        assert not (question.name[-2] == "a" and {"a a a a", "a a a a a"} <= shown)


def test_same_seed_same_questions(texts, tokenizer):
    assert list(questions(texts, tokenizer, 5)) == list(questions(texts, tokenizer, 5))
    assert list(questions(texts, tokenizer, 5)) != list(questions(texts, tokenizer, 5, seed=1))


def test_shared_words_leave_small_words_out():
    question = Question("Pit of the lower lip", ("A pit in the lower lip.", "A low price.", "Lower!", ""), 0)
    assert question.shared_words == [1, 0, 1, 0]


def test_prices_are_those_of_each_token_by_itself(trained, tokenizer, monkeypatch):
    monkeypatch.setattr(quiz, "AT_ONCE", 2)
    model = open_run(trained).model()
    beginnings, definitions = ["", "Ada\n", "To Tom\n"], ["rain", "the cat", ""]
    expected = []
    for beginning, definition in zip(beginnings, definitions, strict=True):
        ids = [tokenizer.end_of_text, *tokenizer.encode(beginning)]
        nats = 0.0
        for token in [*tokenizer.encode(definition), tokenizer.end_of_text]:
            with torch.no_grad():
                nats -= model.eval()(torch.tensor([ids]))[0, -1].log_softmax(-1)[token].item()
            ids.append(token)
        expected.append(nats)
    model.train()  # and without its dropout
    np.testing.assert_allclose(prices(model, tokenizer, beginnings, definitions), expected, rtol=1e-4)
