"""Exercise round_trip of lesson 08: how an answer is tried, and what is said of it."""

import numpy as np
import torch

from tinygpt.course.exercises.lesson_08.exporters import FLAWS, exporters
from tinygpt.course.exercises.lesson_08.round_trip_answers import round_trip
from tinygpt.course.exercises.lesson_08.round_trip_mistakes import MISTAKES
from tinygpt.course.judging import Exercise


class Stopped:
    """What an answer that fails an assertion comes to."""

    def __repr__(self):
        return "an AssertionError"


def use_test(answer, ours, theirs, texts):
    try:
        result = answer(ours, theirs, texts)
    except AssertionError:
        return Stopped()
    return bool(result) if isinstance(result, np.bool_) else result


def look_at_test(got, expected, ours, theirs, texts):
    if isinstance(got, Stopped):
        return (
            "Whoever calls round_trip wants an answer about every exporter: return False where you stop with an error."
        )
    if isinstance(got, str):
        return "True or False, not a string: write it without quotes."
    if not isinstance(got, bool | torch.Tensor):
        if got is None:
            return "True or False, please; nothing came back. Do all ways through your function end in a return?"
        return f"True or False, please; something of type {type(got).__name__} came back. Compare it, then return."
    if isinstance(got, torch.Tensor):
        return (
            f"One answer is wanted; a tensor of shape {tuple(got.shape)} came back. Are all of them small? .all() asks."
        )
    if expected:
        return "This export is good, it differs by rounding only (up to 3e-5). Differences up to 1e-4 have to pass."
    return f"This exporter got through. {theirs.flaw}: {FLAWS[theirs.flaw]}."


ROUND_TRIP = Exercise(
    name="round_trip",
    reference=round_trip,
    examples=exporters,
    use=use_test,
    explain=look_at_test,
    advice={
        "must match the size": "their ids are not as many as ours here, so the two tables of scores can't be compared. "
        "Compare the ids first, and return False where they differ.",
        "broadcast": "their ids are not as many as ours here: compare the ids first, and return False where they "
        "differ.",
        "takes ids": "logits wants the ids of one text, encode(text) gives them.",
        "not a batch": "one text at a time: logits(ids), with the list as encode(text) gives it.",
        "has no attribute 'decode'": "ours and theirs have encode and logits, no more.",
        "not callable": "encode and logits are functions of ours and theirs: ids = ours.encode(text), then "
        "ours.logits(ids).",
        "has no attribute 'encode'": "`texts` is a list of strings; ours and theirs have .encode and .logits.",
        "are not close": "return False where you stop with an error: the caller wants an answer for every exporter.",
    },
    hints=(
        "Two things can differ: the ids that a text becomes, and the scores that the same ids get. Look at both, for "
        "every text.",
        "(a - b).abs().max() is the largest difference. If it is nan, then `difference > 1e-4` is False, and so is "
        "`difference <= 1e-4`: which of the two makes a test that nan can't pass?",
        "Walk over the texts. For each ask twice, and return False where the answer is no: are the two lists of ids "
        "equal? Is the largest difference between the logits of these ids at most 1e-4? When is it time for True?",
    ),
    mistakes=MISTAKES,
)
