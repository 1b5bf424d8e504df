"""Exercises in a lesson: an answer is tried as soon as its cell is run, and nothing ever blocks the road.

Three modes: learn, the usual one; strict (`TINYGPT_STRICT`), which raises on anything but a right answer, so that the
lessons' own answers are tested; grading (nbgrader sets `NBGRADER_EXECUTION`), where `check` raises unless passed.
"""

import os
import sys
import textwrap

from tinygpt.config import require
from tinygpt.course import records
from tinygpt.course.exercises import find
from tinygpt.course.judging import NOT_WRITTEN, PASSED, WRONG, judge

RECORD = "progress.json"
MARKS = {PASSED: "✅", NOT_WRITTEN: "⏳", WRONG: "❌"}
WIDTH, WHOLE_WORDS = 88, {"break_long_words": False, "break_on_hyphens": False}
verdicts = {}  # of this session: {name: (lesson, stars, minutes, Verdict)}
answers = {}  # the learner's own, right or wrong
hints_given = {}


class NotPassed(AssertionError):
    """An exercise that has to be right is not."""

    def _render_traceback_(self):
        return [f"{self}; what is missing stands under the answer"]  # all that a notebook shows of it


def strict():
    return bool(os.environ.get("TINYGPT_STRICT"))


def grading():
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def exercise(name, stars, minutes):
    """Try the function or class below, say how it did, and put the course's own in its place unless it is right.

    stars: how hard it is, 1 to 3. minutes: how long it takes most people.
    """
    lesson, task = find(name)
    sys._getframe(1).f_globals.setdefault(name, task.reference)  # a def that raises leaves no gap

    def decide(answer):
        verdict = judge(task, answer)
        verdicts[name] = lesson, stars, minutes, verdict
        answers[name] = answer
        if verdict.status == PASSED or records.read(RECORD).get(name, {}).get("status") != PASSED:  # once is for ever
            records.enter(RECORD, {name: {"lesson": lesson, "status": verdict.status}})
        print(*map(folded, told(name, verdict)), sep="\n")
        if strict() and verdict.status != PASSED:
            raise NotPassed(f"{name}: {verdict.status}")
        chosen = answer if verdict.status == PASSED else task.reference
        sys._getframe(1).f_globals[name] = chosen  # in the lesson, whatever the learner has called it
        return chosen

    return decide


def told(name, verdict):
    """The lines in which a learner is told how an answer did."""
    if verdict.status == PASSED:
        yield f"✅ {name}: right. From here on the lesson runs on yours."
        yield from verdict.lines
    elif verdict.status == NOT_WRITTEN:
        yield f"⏳ {name}: not written yet; the course's version stands in, so you can read on."
        yield f'   Stuck? hint("{name}")'
    else:
        yield f"❌ {name}: not yet." + ("" if find(name)[1].choice else " A small example on which it goes wrong:")
        yield from verdict.lines
        yield f'  The course\'s version stands in until then. hint("{name}") helps; attempt("{name}") is your own.'


def folded(line):
    """A sentence in lines that no page has to break inside a word; what shows code or numbers stays as it is."""
    sentence = line.lstrip().startswith(("→", "The course's", "hint", "⏳")) and "\n" not in line
    return textwrap.fill(line, WIDTH, subsequent_indent="    ", **WHOLE_WORDS) if sentence else line


def hint(name):
    """Print the next hint for an exercise; each says more than the one before."""
    _, task = find(name)
    name = task.name
    n = hints_given.get(name, 0)
    last = len(task.hints) - 1
    print(folded(f"hint {min(n, last) + 1} of {last + 1}: {task.hints[min(n, last)]}"))
    if n >= last:
        print(f'That was the last one. solution("{name}") shows an answer.')
    hints_given[name] = n + 1


def attempt(name):
    """The learner's own answer, also while the course's stands in for it: attempt("double")(3) tries it out."""
    name = find(name)[1].name
    require(name in answers, f"{name} has not been written yet: run the cell that begins with @exercise")
    return answers[name]


def solution(name):
    """Print one answer to an exercise; not while a submission is being graded."""
    _, task = find(name)
    require(not grading(), f"solution({name!r}) is not shown while a submission is being graded")
    print(textwrap.dedent(task.source))


def check(name):
    """Say once more how the answer to an exercise did; when grading, or in strict mode, raise unless it is right."""
    task = find(name)[1]
    name = task.name
    sys._getframe(1).f_globals.setdefault(name, task.reference)  # its cell did not even compile
    status = verdicts[name][3].status if name in verdicts else NOT_WRITTEN
    if (grading() or strict()) and status != PASSED:
        raise NotPassed(f"{name}: {status}")
    print(f"{MARKS[status]} {name}: {status}")
    if name not in verdicts:
        print("   The cell of your answer has not run to its end: is there an error under it?")
    if status == WRONG:
        print(folded(verdicts[name][3].lines[-1]))


def progress():
    """Print the board of the lesson at hand: the exercises met in this session, in their order."""
    solved = sum(verdict.status == PASSED for *_, verdict in verdicts.values())
    print(f"{solved} of {len(verdicts)} exercises solved")
    width = max(map(len, verdicts), default=0)
    for name, (_, stars, minutes, verdict) in verdicts.items():
        print(f"{MARKS[verdict.status]} {name:{width}}  {'★' * stars:3}  {minutes:2} min")
