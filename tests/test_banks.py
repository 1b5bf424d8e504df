"""Every exercise accepts each right answer that we can think of, and tells each wrong one what is wrong with it."""

import importlib
from dataclasses import replace

import pytest

from tinygpt.course.exercises import exercises, find, lessons
from tinygpt.course.judging import PASSED, WRONG, judge

# What ends an endless answer may reach it inside a callback of the garbage collector, where Python ignores it; it is
# sent again then.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
EXERCISES = {each.name: each for lesson in lessons() for each in exercises(lesson)}
BANKS = [importlib.import_module(f"banks.lesson_{lesson}") for lesson in lessons()]
KNOWN = [(name, mistake) for name, each in EXERCISES.items() for mistake in each.mistakes]
RIGHT = [(name, answer) for bank in BANKS for name, answers in bank.RIGHT.items() for answer in answers]
WRONG_ONES = [(name, *case) for bank in BANKS for name, cases in bank.WRONG.items() for case in cases]


@pytest.mark.parametrize(("name", "answer"), [(name, each.reference) for name, each in EXERCISES.items()] + RIGHT)
def test_right_answers_pass(name, answer):
    verdict = judge(EXERCISES[name], answer)
    assert verdict.status == PASSED, "\n".join(verdict.lines)


@pytest.mark.parametrize(("name", "mistake"), KNOWN)
def test_known_mistakes_get_the_message_made_for_them(name, mistake):
    verdict = judge(EXERCISES[name], mistake.answer)
    lines = "\n".join(verdict.lines)
    assert verdict.status == WRONG and verdict.lines[-1] == f"  → {mistake.message}", f"it is told:\n{lines}"


@pytest.mark.parametrize(("name", "answer", "told"), WRONG_ONES)
def test_other_wrong_answers_are_told_something_useful(name, answer, told):
    raised = []

    def explain(*arguments):
        try:
            return EXERCISES[name].explain(*arguments)
        except Exception as error:  # a learner would be shown less; here we want to know
            raised.append(error)
            raise

    verdict = judge(replace(EXERCISES[name], explain=explain) if EXERCISES[name].explain else EXERCISES[name], answer)
    assert not raised
    lines = "\n".join(verdict.lines)
    assert verdict.status == WRONG and told in lines, f"it is told:\n{lines}"


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_has_a_bank_and_hints_that_do_not_give_it_away_at_once(name):
    lesson, exercise = find(name)
    bank = importlib.import_module(f"banks.lesson_{lesson}")
    assert bank.RIGHT[name] and len(bank.WRONG[name]) + len(exercise.mistakes) >= 4
    assert 2 <= len(exercise.hints) <= 3 and len(set(exercise.hints)) == len(exercise.hints)
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(set(messages)) == len(messages)


def test_names_are_unique():
    names = [each.name for lesson in lessons() for each in exercises(lesson)]
    assert len(set(names)) == len(names)
