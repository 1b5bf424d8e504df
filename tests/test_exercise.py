"""Exercises as a lesson meets them: told, replaced, graded, recorded."""

import json
import random
import sys

import pytest
import torch

from tinygpt.config import InputError
from tinygpt.course import attempt, check, exercise, hint, progress, solution
from tinygpt.course.exercise import NotPassed, folded
from tinygpt.course.exercises.lesson_00.bigram_probs import bigram_probs as reference

NAME = "bigram_probs"


@pytest.fixture(autouse=True)
def _session(monkeypatch, tmp_path):
    """A session of its own, in learn mode."""
    for name in ("TINYGPT_STRICT", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TINYGPT_HOME", str(tmp_path))
    machinery = sys.modules["tinygpt.course.exercise"]
    monkeypatch.setattr(machinery, "verdicts", {})
    monkeypatch.setattr(machinery, "hints_given", {})
    monkeypatch.setattr(machinery, "answers", {})


def right(counts):
    return (counts + 1.0) / (counts + 1.0).sum(1)[:, None]


def wrong(counts):
    return counts / counts.sum(dim=1, keepdim=True)


def stub(*arguments):
    raise NotImplementedError("your turn")


def test_right_runs_on_the_learner_s_own(capsys):
    assert exercise(NAME, stars=1, minutes=6)(right) is right
    assert capsys.readouterr().out == "✅ bigram_probs: right. From here on the lesson runs on yours.\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [(stub, "⏳ bigram_probs: not written yet"), (wrong, "❌ bigram_probs: not yet. A small")],
)
def test_whatever_else_goes_on_with_the_course_s_version(answer, said, capsys):
    assert exercise(NAME, stars=1, minutes=6)(answer) is reference
    out = capsys.readouterr().out
    assert out.startswith(said) and 'hint("bigram_probs")' in out


def test_a_renamed_function_still_reaches_the_lesson():
    lesson = {"exercise": exercise}
    exec(f'@exercise("{NAME}", stars=1, minutes=1)\ndef my_own_name(counts):\n    return counts\n', lesson)
    assert lesson[NAME] is reference and lesson["my_own_name"] is reference


def test_the_random_stream_is_the_same_solved_or_not():
    drawn = []
    for answer in (right, stub, wrong):
        torch.manual_seed(0)
        random.seed(0)
        exercise(NAME, stars=1, minutes=6)(answer)
        drawn.append((torch.rand(1).item(), random.random()))
    assert len(set(drawn)) == 1


@pytest.mark.parametrize("answer", [stub, wrong])
def test_strict_mode_raises_on_anything_but_right(answer, monkeypatch):
    monkeypatch.setenv("TINYGPT_STRICT", "1")
    assert exercise(NAME, stars=1, minutes=6)(right) is right
    with pytest.raises(NotPassed, match=NAME):
        exercise(NAME, stars=1, minutes=6)(answer)
    with pytest.raises(NotPassed):
        check(NAME)


def test_grading_goes_on_after_a_wrong_answer_and_check_raises(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(NotPassed, match="not written"):
        check(NAME)  # the cell was deleted
    exercise(NAME, stars=1, minutes=6)(wrong)
    with pytest.raises(NotPassed, match="wrong"):
        check(NAME)
    exercise(NAME, stars=1, minutes=6)(right)
    check(NAME)
    with pytest.raises(InputError, match="not shown while a submission is being graded"):
        solution(NAME)


def test_in_learn_mode_check_only_tells(capsys):
    check(NAME)
    exercise(NAME, stars=1, minutes=6)(right)
    capsys.readouterr()
    check(NAME)
    assert capsys.readouterr().out == "✅ bigram_probs: passed\n"


def test_hints_say_more_each_time_and_stay_at_the_last(capsys):
    for _ in range(4):
        hint(NAME)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("hint")]
    assert [line[:11] for line in said] == ["hint 1 of 3", "hint 2 of 3", "hint 3 of 3", "hint 3 of 3"]
    assert said[0] != said[1] and said[2] == said[3]


def test_the_solution_is_one_that_passes(capsys):
    solution(NAME)
    namespace = {}
    exec(capsys.readouterr().out, namespace)
    assert exercise(NAME, stars=1, minutes=6)(namespace[NAME]) is namespace[NAME]


@pytest.mark.parametrize("call", [hint, solution, check, lambda name: exercise(name, stars=1, minutes=1)])
def test_an_unknown_name_is_told_those_that_are_near_or_all(call):
    with pytest.raises(InputError, match=r"no exercise 'bigram_prob'; did you mean bigram_probs"):
        call("bigram_prob")
    with pytest.raises(InputError, match=r"no exercise 'xyz'; there are .*bigram_probs"):
        call("xyz")


def test_sentences_are_folded_between_words_and_what_shows_numbers_is_not():
    sentence = "  → " + "several words of an advice " * 9
    lines = folded(sentence).split("\n")
    assert len(lines) > 2 and max(map(len, lines)) <= 88 and all(line.startswith("    ") for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == sentence.strip()
    numbers = "  yours     " + "0.25 " * 40
    assert folded(numbers) == numbers


def test_what_was_once_passed_stays_on_record(tmp_path):
    for answer, expected in ((stub, "not written"), (right, "passed"), (stub, "passed")):
        exercise(NAME, stars=1, minutes=6)(answer)
        assert json.loads((tmp_path / "runs/progress.json").read_text())[NAME]["status"] == expected


def test_the_board(capsys, tmp_path):
    exercise(NAME, stars=1, minutes=6)(right)
    exercise("bits_per_byte", stars=2, minutes=10)(stub)
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out.splitlines() == [
        "1 of 2 exercises solved",
        "✅ bigram_probs   ★     6 min",
        "⏳ bits_per_byte  ★★   10 min",
    ]
    kept = json.loads((tmp_path / "runs/progress.json").read_text())
    assert kept == {
        NAME: {"lesson": "00", "status": "passed"},
        "bits_per_byte": {"lesson": "00", "status": "not written"},
    }


@pytest.mark.parametrize("content", ["", "[]", "{", '"x"'])
def test_a_damaged_record_of_progress_stops_nobody(tmp_path, content):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/progress.json").write_text(content)
    assert exercise(NAME, stars=1, minutes=6)(right) is right
    assert NAME in json.loads((tmp_path / "runs/progress.json").read_text())


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TINYGPT_HOME", str(tmp_path / "file"))
    assert exercise(NAME, stars=1, minutes=6)(right) is right


def test_an_error_of_torch_s_own_is_not_taken_for_the_stub(capsys):
    exercise(NAME, stars=1, minutes=6)(lambda counts: counts.softmax(dim=1))  # raises a NotImplementedError
    out = capsys.readouterr().out
    assert out.startswith("❌") and "x.float() makes them" in out


def test_one_s_own_answer_can_be_tried_while_it_is_wrong():
    with pytest.raises(InputError, match="has not been written yet"):
        attempt(NAME)
    exercise(NAME, stars=1, minutes=6)(wrong)
    assert attempt(NAME) is wrong


def test_who_is_right_about_a_choice_is_told_why_and_who_is_wrong_not_which(capsys):
    exercise("leaky_split", stars=1, minutes=3)(lambda: "A")
    out = capsys.readouterr().out
    assert "keeps each document whole" in out and "expected" not in out
    exercise("leaky_split", stars=1, minutes=3)(lambda: "B")
    out = capsys.readouterr().out
    assert "B trains on one sentence" in out and "small example" not in out and "leaky_split()" not in out


def test_check_says_again_what_is_wrong(capsys):
    exercise(NAME, stars=1, minutes=6)(wrong)
    capsys.readouterr()
    check(NAME)
    assert "Add 1 to every count first" in capsys.readouterr().out


def test_a_function_stands_for_its_name(capsys):
    hint(reference)
    assert "hint 1 of 3" in capsys.readouterr().out


def test_an_answer_that_does_not_even_compile_leaves_no_gap():
    lesson = {"exercise": exercise, "check": check}
    with pytest.raises(ZeroDivisionError):
        exec(f'@exercise("{NAME}", stars=1, minutes=1)\ndef f(counts, x=1 / 0):\n    return counts\n', lesson)
    assert lesson[NAME] is reference
    lesson = {"check": check}
    exec(f'check("{NAME}")', lesson)
    assert lesson[NAME] is reference


def test_what_an_answer_sets_is_put_back():
    def careless(counts):
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return counts

    exercise(NAME, stars=1, minutes=1)(careless)
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()


def test_deleting_a_name_and_changing_the_input_are_survived(capsys):
    exercise(NAME, stars=1, minutes=1)(lambda counts: exec("del reference") or counts)
    assert "NameError" in capsys.readouterr().out
    exercise(NAME, stars=1, minutes=1)(lambda counts: counts.add_(1) / counts.sum(1, keepdim=True))
    assert "changed its input in place" in capsys.readouterr().out
