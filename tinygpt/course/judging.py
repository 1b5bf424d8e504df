"""What a learner's answer is worth: right, not written yet, or wrong, and then how and where.

An exercise knows the usual mistakes as functions that make them. An answer that differs from the reference on some
input, and does on all inputs so far what one of these functions does, gets the message made for that mistake.
"""

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from torch.overrides import TorchFunctionMode

from tinygpt.course import telling
from tinygpt.course.comparing import same
from tinygpt.course.guard import run

PASSED, NOT_WRITTEN, WRONG = "passed", "not written", "wrong"
YOUR_TURN = "your turn"  # what an exercise raises until it is written


@dataclass(frozen=True)
class Mistake:
    """Something that people get wrong: the message for it, and a function that makes it."""

    message: str
    answer: Callable


@dataclass(frozen=True)
class Exercise:
    """What a learner is asked to write, and how it is checked.

    reference: the course's answer, a function or a class. examples: -> tuples of arguments, the smallest first.
    use: how an answer is put to use, use(answer, *arguments) -> what is compared; an answer is called where None.
    mistakes: the known ones; where several fit, the first speaks.
    explain: (got, expected, *arguments) -> a message or None, for what no mistake fits.
    why: what is said to whoever is right. choice: a question with few answers, so the right one is never shown.
    advice: {part of an error's message: what it means here}.
    forbidden: what of torch would leave nothing to write; an answer that calls or names it is wrong.
    """

    name: str
    reference: Callable
    examples: Callable[[], Iterable[tuple]]
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...] = ()
    use: Callable | None = None
    explain: Callable | None = None
    why: str = ""
    choice: bool = False
    advice: dict = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()
    tolerance: float = 1e-5

    def apply(self, answer, arguments):
        result = self.use(answer, *arguments) if self.use else answer(*arguments)
        return result.strip().upper() if self.choice and isinstance(result, str) else result

    @property
    def source(self):
        return inspect.getsource(self.reference)


@dataclass(frozen=True)
class Verdict:
    """How an answer did; `lines` say it to the learner."""

    status: str
    lines: tuple[str, ...] = field(default=())


def judge(exercise, answer):
    """Try an answer on every example, and stop at the first that fails."""
    try:
        return tried(exercise, answer)
    except Exception as error:  # what came back can be anything: sparse, endless, without a repr
        what = f"What came back can't be compared ({type(error).__name__}): return plain numbers, lists or tensors."
        return Verdict(WRONG, (f"  → {what}",))


def tried(exercise, answer):
    alive = list(exercise.mistakes)  # those that have done so far what the answer did
    examples = iter(exercise.examples())
    calls = Calls()
    for arguments in examples:
        given = copy.deepcopy(arguments)
        with calls if exercise.forbidden else contextlib.nullcontext():
            theirs = run(exercise.apply, answer, given)
        if theirs.exception is not None:
            if is_stub(theirs.exception):
                return Verdict(NOT_WRITTEN)
            return Verdict(WRONG, telling.stopped(exercise, arguments, theirs))
        expected = exercise.apply(exercise.reference, copy.deepcopy(arguments))
        alive = [m for m in alive if does_the_same(exercise, m, arguments, theirs.result)]
        if not same(theirs.result, expected, exercise.tolerance):
            alive = narrowed(exercise, answer, alive, examples)
            message = alive[0].message if alive else None
            return Verdict(WRONG, telling.wrong(exercise, arguments, theirs, expected, message))
        if not same(given, arguments, 0.0):
            return Verdict(WRONG, telling.changed_its_input(exercise, arguments, given))
    if used := (calls.names | names_in(answer)).intersection(exercise.forbidden):
        told = f"The numbers are right, but torch's own {min(used)} has made them. What it does inside is the exercise."
        return Verdict(WRONG, (f"  → {told}",))
    return Verdict(PASSED, (f"  → {exercise.why}",) if exercise.why else ())


class Calls(TorchFunctionMode):
    """While it is entered, notes the names of torch's functions and methods that are called, but not by each other."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.names.add(function.__name__)
        return function(*args, **(kwargs or {}))


def names_in(answer):
    """What a function's code names beyond its notebook's own: attributes, imports, what came from torch.

    Calls sees functions of tensors only, not classes like an optimizer or helpers that take lists.
    """
    names, codes = set(), [getattr(answer, "__code__", None)]
    while codes:
        if code := codes.pop():
            names.update(code.co_names)
            codes += [inner for inner in code.co_consts if inspect.iscode(inner)]
    own = getattr(answer, "__globals__", {})
    return {name for name in names if (getattr(own.get(name), "__module__", None) or "torch").startswith("torch")}


def is_stub(exception):
    return isinstance(exception, NotImplementedError) and str(exception) in ("", YOUR_TURN)  # torch raises them too


def narrowed(exercise, answer, alive, examples):
    """Of the mistakes that an answer may have made, those that fit the further examples too.

    One that fits none of them met the answer by chance: half of two numbers' sum is their mean.
    """
    seen = []
    for arguments in examples:
        if not alive or (len(alive) == 1 and any(seen)):
            break
        theirs = run(exercise.apply, answer, copy.deepcopy(arguments))
        if theirs.exception is not None:
            break  # nothing more can be learned
        fitting = [m for m in alive if does_the_same(exercise, m, arguments, theirs.result)]
        seen += [bool(fitting)]
        alive = fitting or alive
    return alive if any(seen) or not seen else []


def does_the_same(exercise, mistake, arguments, result):
    made = run(exercise.apply, mistake.answer, copy.deepcopy(arguments))
    return made.exception is None and same(made.result, result, exercise.tolerance)
