"""The clinic of lesson 04: each patient shows what the diagnosis says, and only that is wrong."""

import numpy as np
import pytest

from tinygpt.checkpoint import open_run
from tinygpt.config import InputError, ModelConfig
from tinygpt.corpora import open_corpus
from tinygpt.course.clinic import COMPARED, DIAGNOSES, PATIENTS, files, sick_run
from tinygpt.course.exercises.lesson_04.five_curves import SHOWS, five_curves
from tinygpt.course.exercises.lesson_04.get_batch import get_batch
from tinygpt.course.exercises.lesson_04.train_loop import train_loop
from tinygpt.tokenizer import Tokenizer
from tinygpt.tokens import write_tokens

STEPS = 60


@pytest.fixture(scope="module")
def small(tokenizer):
    return ModelConfig.preset(
        "modern", vocab_size=tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=1, context_length=16
    )


@pytest.fixture
def examined(trained, small):
    tokens = open_run(trained).tokens()
    return lambda letter, loop=train_loop: sick_run(letter, loop, get_batch, tokens, small, STEPS)


def test_the_answer_is_what_was_done(capsys):
    assert five_curves() == {letter: patient.diagnosis for letter, patient in PATIENTS.items()}
    assert set(five_curves().values()) < set(DIAGNOSES) == set(SHOWS)
    files()
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == list("ABCDE")


def test_who_has_dead_gradients_does_not_change_at_all(examined):
    losses, looks = examined("B")
    assert len(losses) == STEPS and list(looks) == [0, 10, 20, 30, 40, 50, 60]
    assert len(set(looks.values())) == 1


def test_who_has_seen_the_targets_is_too_good_in_training_only(examined):
    losses, looks = examined("D")
    assert losses[-1] < 0.5 * losses[0] and looks[STEPS] > losses[-1] + 2


def test_a_low_rate_learns_less_than_a_good_one(examined):
    slow, good = examined("E")[1], examined("A treated")[1]
    assert good[STEPS] < slow[STEPS] < slow[0]


def test_gradients_that_add_up_stall_until_the_rate_falls(tmp_path):
    """What the lesson's text and picture say of the diagnosis that nobody has."""
    corpus = open_corpus("hpo")
    tokens = write_tokens(corpus, Tokenizer.train((d.text for d in corpus.split("train")), 2048), tmp_path)
    lessons = ModelConfig.preset("modern", d_model=64, n_layers=2, context_length=64)
    losses, looks = sick_run("no zero_grad", train_loop, get_batch, tokens, lessons, 120)
    middle = [np.mean(losses[step : step + 10]) for step in range(20, 70, 10)]
    assert all(6.6 < loss < 7.1 for loss in middle) and np.mean(losses[-10:]) < min(middle) - 0.2
    healthy, healthy_looks = sick_run("healthy", train_loop, get_batch, tokens, lessons, 120)
    assert healthy[0] == losses[0] and healthy_looks[120] < looks[120] - 0.2


@pytest.mark.parametrize(
    "zero", [lambda m, o: o.zero_grad(), lambda m, o: (m.zero_grad(True), o.zero_grad(set_to_none=True))]
)
def test_gradients_add_up_however_they_are_cleared(examined, zero):
    def train_loop(model, optimizer, batches, rates):
        for inputs, targets in batches:
            zero(model, optimizer)
            model.loss(inputs, targets).backward()
            sums.append(model.head.weight.grad.norm().item())
        return [0.0 for _ in batches]

    sums = []
    examined("no zero_grad", train_loop)
    assert sums[-1] > 10 * sums[0]  # nothing moves, so they all point about the same way


def test_the_same_run_gives_the_same_curves(examined):
    assert examined("A") == examined("A")


def test_rates():
    high, none, treated = (p.rates(120) for p in (PATIENTS["C"], PATIENTS["A"], COMPARED["A treated"]))
    assert np.argmax(high) == 59 and min(high[60:]) == max(high)
    assert none[0] == max(none) == max(treated) > 30 * treated[0]
    assert np.allclose(none[60:], treated[60:])  # beyond the first third they are one run


def test_an_unknown_patient_is_refused(examined):
    with pytest.raises(InputError, match="no patient 'F'"):
        examined("F")
