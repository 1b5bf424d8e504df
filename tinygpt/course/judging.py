"""What a learner's answer is worth: right, not written yet, or wrong, and then how and where.

An exercise knows the usual mistakes as functions that make them. An answer that differs from the reference on some
input, and does on all inputs so far what one of these functions does, gets the message made for that mistake.
"""

import copy
import inspect
import linecache
import math
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import torch

from tinygpt.course.guard import TooLong, run

PASSED, NOT_WRITTEN, WRONG = "passed", "not written", "wrong"
YOUR_TURN = "your turn"  # what an exercise raises until it is written
ADVICE = {  # what torch and Python say, in other words
    "math domain error": "a logarithm or a root of what has none. Did a product of many probabilities become 0?",
    "can't be cast to the desired output type": "/= can't put fractions into whole numbers, x = x / y can.",
    "floating point or complex": "this wants numbers with a fraction: x.float() makes them.",
    "not implemented for 'Long'": "this wants numbers with a fraction: x.float() makes them.",
    "grad can be implicitly created only for scalar outputs": "backward() starts from one number: add up or average.",
    "return_types.m": "max and min along an axis give values and indices: take .values, or use amax and amin.",
    "'float' object cannot be interpreted as an integer": "a whole number is wanted: divide with //.",
    "changed size during iteration": "walk over a copy of it, list(...), while it changes.",
    "Boolean value of Tensor with more than one value": "an if or a while asks one question; this tensor has many.",
}


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
    mistakes: the known ones. explain: (got, expected, *arguments) -> a message or None, for what no mistake fits.
    why: what is said to whoever is right. choice: a question with few answers, so the right one is never shown.
    advice: {part of an error's message: what it means here}.
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
    for arguments in examples:
        given = copy.deepcopy(arguments)
        theirs = run(exercise.apply, answer, given)
        if theirs.exception is not None:
            return stopped(exercise, arguments, theirs)
        expected = exercise.apply(exercise.reference, copy.deepcopy(arguments))
        alive = [m for m in alive if does_the_same(exercise, m, arguments, theirs.result)]
        if not same(theirs.result, expected, exercise.tolerance):
            return wrong(exercise, arguments, theirs, expected, narrowed(exercise, answer, alive, examples))
        if not same(given, arguments, 0.0):
            return changed_its_input(exercise, arguments, given)
    return Verdict(PASSED, (f"  → {exercise.why}",) if exercise.why else ())


def narrowed(exercise, answer, alive, examples):
    """Of several mistakes that an answer may have made, those that fit the further examples too."""
    for arguments in examples:
        if len(alive) < 2:
            break
        theirs = run(exercise.apply, answer, copy.deepcopy(arguments))
        fitting = [
            m for m in alive if theirs.exception is None and does_the_same(exercise, m, arguments, theirs.result)
        ]
        alive = fitting or alive
    return alive


def does_the_same(exercise, mistake, arguments, result):
    made = run(exercise.apply, mistake.answer, copy.deepcopy(arguments))
    return made.exception is None and same(made.result, result, exercise.tolerance)


def same(a, b, tolerance):
    """Whether two results are equal: the same kind of thing, the same shape, numbers within the tolerance.

    A whole number equals a float of the same value, and a tensor of no dimensions; a list equals a tuple of equal
    things. A numpy array is no tensor: the lesson goes on with what passes here.
    """
    a, b = (x.item() if isinstance(x, torch.Tensor) and x.ndim == 0 else x for x in (a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return same(torch.from_numpy(a), torch.from_numpy(b), tolerance)
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        a, b = a.detach().cpu(), b.detach().cpu()
        is_bool = torch.bool in (a.dtype, b.dtype)
        if a.shape != b.shape or (is_bool and a.dtype != b.dtype) or a.is_complex() != b.is_complex():
            return False
        return torch.allclose(a.double(), b.double(), rtol=tolerance, atol=tolerance, equal_nan=True)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key], tolerance) for key in b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if is_number(a) and is_number(b):
        close = math.isfinite(b) and abs(a - b) <= tolerance * max(1, abs(b))
        return a == b or close or (a != a and b != b)
    return type(a) is type(b) and a == b


def is_number(x):
    return isinstance(x, int | float | np.number) and not isinstance(x, bool)


# What the learner is told


def wrong(exercise, arguments, theirs, expected, alive):
    message = alive[0].message if alive else None
    if message is None and exercise.explain:
        message = run(exercise.explain, theirs.result, expected, *copy.deepcopy(arguments)).result
    message = message or difference(theirs.result, expected)
    lines = [
        *shown_arguments(exercise, arguments),
        f"  yours     {shown(theirs.result)}",
        *([] if exercise.choice else [f"  expected  {shown(expected)}"]),
        *shown_print(theirs),
        f"  → {message}",
    ]
    return Verdict(WRONG, tuple(lines))


def difference(got, expected):
    """What can be said without knowing the mistake."""
    got, expected = (x.item() if isinstance(x, torch.Tensor) and x.ndim == 0 else x for x in (got, expected))
    if got is None:
        return "Nothing came back: is there a return?"
    if isinstance(expected, torch.Tensor) and isinstance(got, torch.Tensor):
        if got.shape != expected.shape:
            return f"The shape is {tuple(got.shape)}, it should be {tuple(expected.shape)}."
        if got.dtype != expected.dtype and torch.bool in (got.dtype, expected.dtype):
            return f"The type is {got.dtype}, it should be {expected.dtype}."
        if got.isnan().any() and not expected.isnan().any():
            return "There are nan in it: a division of 0 by 0, a logarithm of 0, or infinity minus infinity?"
        return f"The largest difference is {(got.double() - expected.double()).abs().max():.3g}."
    if type(got) is not type(expected) and not (is_number(got) and is_number(expected)):
        return f"It is {kind(got)}, it should be {kind(expected)}."
    return "The two differ; follow this example by hand, line by line."


def stopped(exercise, arguments, theirs):
    """The answer raised something: not written yet, endless, or a crash in the learner's own line."""
    exception = theirs.exception
    if isinstance(exception, NotImplementedError) and str(exception) in ("", YOUR_TURN):  # torch raises them too
        return Verdict(NOT_WRITTEN)
    if isinstance(exception, TooLong):
        what = "It was still running after some seconds, so we stopped it: does a loop never end?"
    elif isinstance(exception, SystemExit | KeyboardInterrupt):
        what = f"It ended with {type(exception).__name__}; let it return its result."
    else:
        said = cut(str(exception))
        what = f"It stopped with {type(exception).__name__}: {said}"
        what += "".join(
            f" · {advice[0].upper()}{advice[1:]}" for part, advice in (ADVICE | exercise.advice).items() if part in said
        )
    lines = [*shown_arguments(exercise, arguments), *own_line(exercise, exception), *shown_print(theirs), f"  → {what}"]
    return Verdict(WRONG, tuple(lines))


def own_line(exercise, exception):
    """The last line of the learner's own code that was running."""
    ours = str(inspect.getfile(judge)).rsplit("course", 1)[0]
    frames = [f for f in traceback.extract_tb(exception.__traceback__) if not f.filename.startswith(ours)]
    cells = [f for f in frames if "site-packages" not in f.filename and linecache.getline(f.filename, f.lineno)]
    for frame in cells[-1:]:
        yield f"  line {frame.lineno} of {frame.name}    {linecache.getline(frame.filename, frame.lineno).strip()}"


def changed_its_input(exercise, arguments, given):
    number = next(i for i, pair in enumerate(zip(given, arguments, strict=True)) if not same(*pair, 0.0))
    lines = [
        *shown_arguments(exercise, arguments),
        f"  afterwards argument {number + 1} is {shown(given[number])}",
        "  → The result is right, but your code changed its input in place; whoever called it still needs it.",
    ]
    return Verdict(WRONG, tuple(lines))


def shown_arguments(exercise, arguments):
    inside = ", ".join(shown(a) for a in arguments)
    yield f"  {exercise.name}({inside})"


def shown_print(theirs):
    if theirs.printed:
        yield f"  printed   {cut(theirs.printed, 300)}"


def kind(x):
    if isinstance(x, torch.Tensor):
        return f"a tensor of shape {tuple(x.shape)}"
    return {type(None): "None"}.get(type(x), f"of type {type(x).__name__}")


def shown(x):
    """A value in at most a line or two."""
    if isinstance(x, torch.Tensor):
        if x.numel() <= 16:
            return cut(
                str(x.detach().tolist() if x.dtype in (torch.bool, torch.long) else rounded(x.detach().tolist()))
            )
        return f"a tensor of shape {tuple(x.shape)}, {x.dtype}"
    if isinstance(x, list | tuple) and len(x) > 60:
        return f"a {type(x).__name__} of {len(x):,}"
    return cut(repr(rounded(x)))


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.4g}")
    if isinstance(x, list | tuple):
        return type(x)(rounded(y) for y in x)
    return x


def cut(text, limit=200):
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= limit else f"{text[:limit]}…"
