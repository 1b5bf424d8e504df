"""Answers are judged right, and told what is wrong with them."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from tinygpt.course import guard
from tinygpt.course.comparing import same
from tinygpt.course.judging import NOT_WRITTEN, PASSED, WRONG, Exercise, Mistake, judge
from tinygpt.course.telling import cut, shown


def doubled(x):
    return 2 * x


DOUBLED = Exercise(
    name="doubled",
    reference=doubled,
    examples=lambda: [(torch.tensor([0.0]),), (torch.tensor([2.0]),), (torch.tensor([1.0, 3.0]),)],
    hints=("think", "2 * x"),
    mistakes=(
        Mistake("That is the square.", lambda x: x * x),
        Mistake("That is the cube's half.", lambda x: x**3 / 2),
    ),
)


def told(answer, exercise=DOUBLED):
    verdict = judge(exercise, answer)
    assert verdict.status == WRONG
    return "\n".join(verdict.lines)


@pytest.mark.parametrize("answer", [doubled, lambda x: x + x, lambda x: torch.stack([x, x]).sum(0), nn.Module.__call__])
def test_any_way_of_writing_it_is_right(answer):
    if answer is nn.Module.__call__:
        module = nn.Linear(1, 1, bias=False)
        nn.init.constant_(module.weight, 2)
        answer = lambda x: module(x[:, None])[:, 0]  # noqa: E731
    assert judge(DOUBLED, answer).status == PASSED


def test_a_stub_is_not_written():
    def stub(x):
        raise NotImplementedError("your turn")

    assert judge(DOUBLED, stub).status == NOT_WRITTEN
    assert judge(DOUBLED, stub).lines == ()


def test_the_smallest_input_on_which_it_fails_is_shown():
    message = told(lambda x: x + 2)
    assert "doubled([0.0])" in message and "yours     [2.0]" in message and "expected  [0.0]" in message


def test_of_two_mistakes_that_agree_on_the_first_failure_the_right_one_is_named():
    both_4 = Exercise(
        "doubled",
        doubled,
        lambda: [(torch.tensor([1.0]),), (torch.tensor([3.0]),)],
        (),
        mistakes=(
            Mistake("Three was added.", lambda x: x + 3),
            Mistake("That is four times as much.", lambda x: 4 * x),
        ),
    )
    assert "Three was added." in told(lambda x: x + 3, both_4)
    assert "four times" in told(lambda x: 4 * x, both_4)


def test_a_diagnosis_that_only_the_first_failure_bears_out_is_not_given():
    mean = Exercise(
        name="mean",
        reference=lambda x: sum(x) / len(x),
        examples=lambda: [([2, 4],), ([1, 2, 6],), ([3, 3, 0, 3],)],
        hints=("add", "divide"),
        mistakes=(Mistake("Divide by how many they are.", sum),),
    )
    assert "Divide by how many" in told(sum, mean)
    assert "Divide by how many" not in told(lambda x: max(x) + min(x), mean)  # the sum of two, by chance


def test_known_mistakes_have_their_own_words_and_others_get_a_difference():
    assert "That is the square." not in told(lambda x: x * x + 1)
    assert "The largest difference is 1." in told(lambda x: 2 * x + 1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: None, "is there a return?"),
        (lambda x: (2 * x)[None], "The shape is (1, 1), it should be (1,)."),
        (lambda x: 2 * x / x, "There are nan in it"),
        (lambda x: 2 * x.tolist(), "It is of type list, it should be a tensor of shape (1,)."),
        (lambda x: 2 * x > 0, "The type is torch.bool"),
        (lambda x: (2 * x + 3).double(), "The largest difference is 3."),
        (lambda x: "0", "It is of type str, it should be a tensor of shape (1,)."),
    ],
)
def test_without_a_known_mistake_it_says_what_can_be_said(answer, message):
    assert message in told(answer)


def test_of_two_numbers_it_is_said_that_they_differ_whatever_their_types():
    half = Exercise("half", lambda n: n / 2, lambda: [(6,)], ())
    assert "The two differ" in told(lambda n: 2, half) and "The two differ" in told(lambda n: 2.0, half)
    assert "It is of type bool, it should be of type float." in told(lambda n: True, half)


def test_a_choice_about_something_shows_it_and_never_the_right_letter():
    exercise = Exercise("parity", lambda n: "B", lambda: [(7,)], (), choice=True)
    assert "parity(7)" in told(lambda n: "A", exercise) and "expected" not in told(lambda n: "A", exercise)


def test_an_explanation_of_the_exercise_s_own_may_not_break_it():
    def explain(got, expected, x):
        return f"off by {(got - expected).item():g}" if x.item() == 0 else None

    def broken(got, expected, x):
        raise RuntimeError

    explained, unexplained = (Exercise("d", doubled, DOUBLED.examples, (), explain=e) for e in (explain, broken))
    assert "off by 1" in told(lambda x: 2 * x + 1, explained)
    assert "The largest difference is 1." in told(lambda x: 2 * x + 1, unexplained)


def test_a_crash_shows_the_learner_s_own_line():
    def crashes(x):
        y = x.shape
        return y.no_such_thing

    message = told(crashes)
    assert "return y.no_such_thing" in message and "AttributeError" in message


def test_a_crash_inside_torch_shows_the_learner_s_line_not_torch_s():
    assert 'nn.functional.softmax(x, "rows")' in told(lambda x: nn.functional.softmax(x, "rows"))


def test_loops_exits_and_floods_are_survived(monkeypatch):
    def endless(x):
        while True:
            pass

    def leaves(x):
        raise SystemExit

    def talks(x):
        print("y" * 1_000_000)
        return x

    monkeypatch.setattr(guard, "LIMIT_S", 0.2)
    assert "does a loop never end?" in told(endless) and "while True" in told(endless)
    assert "It ended with SystemExit" in told(leaves)
    assert f"printed   {'y' * 300}…" in told(talks) and len(told(talks)) < 1500


def test_changing_the_input_is_wrong_even_if_the_result_is_right():
    def in_place(x):
        x *= 2
        return x

    message = told(in_place)
    assert "changed its input in place" in message and "afterwards x is [4.0]" in message


def test_which_of_several_inputs_was_changed_is_said():
    both = Exercise("both", lambda a, b: [*a, *b], lambda: [([1], [2])], ())
    assert "afterwards b is []" in told(lambda a, b: [*a, b.pop()], both)


def test_what_would_leave_nothing_to_write_is_found_by_its_name_too():
    """A class or a helper that takes lists is no function of tensors; of one's own, a name is free."""
    examples = [(torch.tensor([3.0, 4.0]),)]
    norm = Exercise("norm", lambda x: x.norm(), lambda: examples, (), forbidden=("get_total_norm",))
    for code in ("get_total_norm([x])", "torch.nn.utils.get_total_norm([x])", "(lambda: get_total_norm([x]))()"):
        answer = eval(f"lambda x: {code}", {"get_total_norm": torch.nn.utils.get_total_norm, "torch": torch})
        assert "torch's own get_total_norm has made them" in "".join(judge(norm, answer).lines)
    own = eval("lambda x: get_total_norm(x)", {"get_total_norm": lambda x: x.pow(2).sum().sqrt()})
    assert judge(norm, own).status == PASSED


def test_classes_are_judged_by_use():
    class Adder:
        def __init__(self, n):
            self.n = n

        def add(self, x):
            return x + self.n

    class Wrong(Adder):
        def add(self, x):
            return x - self.n

    class Stub:
        def __init__(self, n):
            raise NotImplementedError("your turn")

    use = lambda cls, n, x: cls(n).add(x)  # noqa: E731
    exercise = Exercise("Adder", Adder, lambda: [(0, 1), (2, 3)], (), use=use)
    assert [judge(exercise, c).status for c in (Adder, Wrong, Stub)] == [PASSED, WRONG, NOT_WRITTEN]
    assert "Adder(2, 3)" in "\n".join(judge(exercise, Wrong).lines)


@pytest.mark.parametrize(
    ("choice", "answer", "status"),
    [
        (True, "B", PASSED),
        (True, " b\n", PASSED),
        (True, "A", WRONG),
        (True, 2, WRONG),
        (False, "B", PASSED),
        (False, "b", WRONG),
    ],
)
def test_a_choice_is_read_whatever_its_case_and_spacing_and_other_text_as_it_is(choice, answer, status):
    exercise = Exercise("letter", lambda: "B", lambda: [()], (), choice=choice)
    assert judge(exercise, lambda: answer).status == status


def test_what_cannot_be_compared_is_wrong_and_says_so():
    class Odd(dict):
        def keys(self):
            raise RuntimeError

    exercise = Exercise("odd", dict, lambda: [()], ())
    assert "can't be compared (RuntimeError)" in told(Odd, exercise)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (np.float32(0.1), 0.1),
        ([1, (2, 3)], (1, [2, 3])),
        (np.array([1.0, 2]), np.array([1, 2])),
        ({"a": 1}, {"a": 1.0}),
        (float("nan"), float("nan")),
        (torch.tensor([1.0, math.nan]), torch.tensor([1.0, math.nan])),
        ("x", "x"),
        (True, True),
        (1e9, 1e9 + 1),
        (torch.tensor(5), torch.tensor(5.0)),
    ],
)
def test_what_counts_as_the_same(a, b):
    assert same(a, b, 1e-5) and same(b, a, 1e-5)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 2),
        (True, 1),
        ("1", 1),
        ([1], [1, 1]),
        ({"a": 1}, {"b": 1}),
        (torch.tensor([1.0]), torch.tensor(1.0)),
        (torch.tensor([True]), torch.tensor([1])),
        (torch.tensor([1.0]), [1.0]),
        (np.array([1.0, 2]), torch.tensor([1.0, 2])),
        (float("nan"), 1.0),
        (None, 0),
    ],
)
def test_what_does_not(a, b):
    assert not same(a, b, 1e-5) and not same(b, a, 1e-5)


def test_values_are_shown_short():
    assert shown(torch.tensor([1 / 3, 2.0])) == "[0.3333, 2.0]"
    assert shown(torch.zeros(50, 2)) == "a tensor of shape (50, 2), torch.float32"
    assert shown("a" * 1000) == cut(repr("a" * 1000)) and len(shown("a" * 1000)) < 250
    assert shown([0.123456, 7]) == "[0.1235, 7]"
    assert shown(torch.tensor([True, False])) == "[True, False]" and shown(torch.arange(16)) == str([*range(16)])
    assert shown(torch.arange(17)) == "a tensor of shape (17,), torch.int64"
    assert shown([0] * 60) == str([0] * 60) and shown((0,) * 61) == "a tuple of 61"
    assert cut("a" * 200) == "a" * 200 and cut("a" * 201) == "a" * 200 + "…"
    assert cut("a\n  b") == "a b" and cut("a  b") == "a  b"
