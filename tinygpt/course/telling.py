"""What a learner is told about an answer that is not right: the input, what came, what was wanted, and why."""

import copy
import inspect
import linecache
import traceback
from pathlib import Path

import torch

from tinygpt.course.comparing import is_number, same
from tinygpt.course.guard import TooLong, run

ADVICE = {  # what torch and Python say, in other words
    "math domain error": "a logarithm or a root of what has none. Did a product of many probabilities become 0?",
    "can't be cast to the desired output type": "/= can't put fractions into whole numbers, x = x / y can.",
    "floating point or complex": "this wants numbers with a fraction: x.float() makes them.",
    "not implemented for 'Long'": "this wants numbers with a fraction: x.float() makes them.",
    "grad can be implicitly created only for scalar outputs": "backward() starts from one number: add up or average.",
    "return_types.m": "max and min along an axis give values and indices: take .values, or use amax and amin.",
    "'float' object cannot be interpreted as an integer": "a whole number is wanted: divide with //.",
    "is not defined": "is it misspelt, or made in a cell above? After a restart, run the cells above again.",
    "changed size during iteration": "walk over a copy of it, list(...), while it changes.",
    "Boolean value of Tensor with more than one value": "an if or a while asks one question; this tensor has many.",
}


def wrong(exercise, arguments, theirs, expected, message=None):
    """The result is another one. message: of the mistake that was made, where it is known."""
    if message is None and exercise.explain:
        message = run(exercise.explain, theirs.result, expected, *copy.deepcopy(arguments)).result
    message = message or difference(theirs.result, expected)
    return (
        *([] if exercise.choice and not arguments else shown_arguments(exercise, arguments)),
        f"  yours     {shown(theirs.result)}",
        *([] if exercise.choice else [f"  expected  {shown(expected)}"]),
        *shown_print(theirs),
        f"  → {message}",
    )


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
    """The answer raised something: it was endless, or crashed in the learner's own line."""
    exception = theirs.exception
    if isinstance(exception, TooLong):
        what = "It was still running after some seconds, so we stopped it: does a loop never end?"
        what += exercise.advice.get("TooLong", "")
    elif isinstance(exception, SystemExit | KeyboardInterrupt):
        what = f"It ended with {type(exception).__name__}; let it return its result."
    else:
        said = cut(str(exception))
        what = f"It stopped with {type(exception).__name__}: {said}"
        what += "".join(
            f" · {as_sentence(advice)}" for part, advice in (ADVICE | exercise.advice).items() if part in what
        )
    return *shown_arguments(exercise, arguments), *own_line(exception), *shown_print(theirs), f"  → {what}"


def as_sentence(advice):
    """With a capital, but where it begins with code: x, torch.tensor(…), backward()."""
    first = advice.split()[0].rstrip(",:")
    is_word = first.isalpha() and (len(first) > 1 or first == "a")
    return advice[0].upper() + advice[1:] if is_word else advice


def own_line(exception):
    """The last line of the learner's own code that was running."""
    ours = str(Path(__file__).parents[1])
    frames = [f for f in traceback.extract_tb(exception.__traceback__) if not f.filename.startswith(ours)]
    cells = [f for f in frames if "site-packages" not in f.filename and linecache.getline(f.filename, f.lineno)]
    for frame in cells[-1:]:
        yield f"  line {frame.lineno} of {frame.name}    {linecache.getline(frame.filename, frame.lineno).strip()}"


def changed_its_input(exercise, arguments, given):
    number = next(i for i, pair in enumerate(zip(given, arguments, strict=True)) if not same(*pair, 0.0))
    return (
        *shown_arguments(exercise, arguments),
        f"  afterwards {name_of(exercise, number)} is {shown(given[number])}",
        "  → The result is right, but your code changed its input in place; whoever called it still needs it.",
    )


def name_of(exercise, number):
    """What a learner calls the argument: its name, where an example's arguments are those of the answer."""
    names = [name for name in inspect.signature(exercise.use or exercise.reference).parameters if name != "answer"]
    if names == ["arguments"]:  # handed on as they are
        names = list(inspect.signature(exercise.reference).parameters)
    return names[number]


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
            return cut(str(rounded(x.detach().tolist())))
        return f"a tensor of shape {tuple(x.shape)}, {x.dtype}"
    if isinstance(x, list | tuple) and len(x) > 60:
        return f"a {type(x).__name__} of {len(x):,}"
    return cut(repr(rounded(x)))


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.4g}")
    if isinstance(x, list | tuple):
        return type(x)(rounded(y) for y in x)
    if type(x) is dict:
        return {key: rounded(y) for key, y in x.items()}
    return x


def cut(text, limit=200):
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= limit else f"{text[:limit]}…"
