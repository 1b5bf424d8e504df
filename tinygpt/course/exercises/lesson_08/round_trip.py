"""Exercise round_trip of lesson 08: the answer, exporters that it is tried on, and what people get wrong."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from tinygpt.course.judging import Exercise, Mistake

TOLERANCE = 1e-4
FLAWS = {
    "": "",
    "a matrix turned": "all numbers are others",
    "final norm left out": "every score is three times as large. The likeliest token stays the likeliest, the "
    "probabilities do not",
    "another tokenizer": "texts with é or ° become other ids. The same ids give the same numbers",
    "no token at the start": "texts become ids without the first one",
    "mask left out": "only the scores after the last token are right",
    "nan": "all scores are nan, as after an overflow. Every comparison with nan is False, also nan > 0.0001",
    "another GELU": "the scores are up to 6e-4 off: small, but more than rounding explains",
    "a bias added twice": "all scores are too high, some more and some less",
}


def round_trip(ours, theirs, texts):
    for text in texts:
        ids = ours.encode(text)
        if theirs.encode(text) != ids:
            return False
        difference = (ours.logits(ids) - theirs.logits(ids)).abs().max()
        if not difference <= 1e-4:  # also where it is nan
            return False
    return True


@dataclass(frozen=True)
class Model:
    """A tokenizer and a model, ours or as an exporter has left it."""

    whose: str
    flaw: str = ""

    def __repr__(self):
        return f"<{self.whose}: {self.flaw or 'as it should be'}>"

    def encode(self, text):
        ids = [0, *(1 + b % 30 for b in text.encode())]
        if self.flaw == "another tokenizer":
            ids = [0, *(1 + b % (30 if b < 128 else 29) for b in text.encode())]
        return ids[1:] if self.flaw == "no token at the start" else ids

    def logits(self, ids):
        """(T, 5), for T ids."""
        if not isinstance(ids, list | torch.Tensor | np.ndarray):
            raise TypeError(f"logits() takes ids, this is of type {type(ids).__name__}")
        ids = torch.as_tensor(ids).double()
        scores = (ids.cumsum(0)[:, None] * torch.tensor([1.0, 1.7, 2.3, 0.6, 3.1])).sin()  # (T, V)
        if self.flaw == "a matrix turned":
            scores = scores.roll(1, -1)
        if self.flaw == "final norm left out":
            scores = 3 * scores
        if self.flaw == "nan":
            scores = scores * math.nan
        if self.flaw == "mask left out":
            scores = torch.cat([scores[:-1].flip(-1), scores[-1:]])
        if self.flaw == "another GELU":
            scores = scores + torch.linspace(-6e-4, 6e-4, 5)
        if self.flaw == "a bias added twice":
            scores = scores + torch.linspace(0.5, 1.5, 5)
        rounding = 3e-5 * (self.whose == "theirs") * torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
        return (scores + rounding).float()


def exporters():
    ours = Model("ours")
    yield ours, Model("theirs"), ["ab"]
    for flaw in list(FLAWS)[1:]:
        texts = ["ab", "37 °C", "café"] if flaw == "another tokenizer" else ["ab", "cde"]
        yield ours, Model("theirs", flaw), texts
    yield ours, Model("theirs", "another tokenizer"), ["café", "ab"]
    yield ours, Model("theirs"), ["ab", "37 °C", "café"]


def use_test(answer, ours, theirs, texts):
    try:
        result = answer(ours, theirs, texts)
    except AssertionError:
        return "an AssertionError"
    return bool(result) if isinstance(result, np.bool_) else result


def look_at_test(got, expected, ours, theirs, texts):
    if isinstance(got, str):
        return (
            "Whoever calls round_trip wants an answer about every exporter: return False where you stop with an error."
        )
    if not isinstance(got, bool | torch.Tensor):
        kind = "nothing" if got is None else f"something of type {type(got).__name__}"
        return f"True or False, please; {kind} came back. Do all ways through your function end in a return?"
    if isinstance(got, torch.Tensor):
        return (
            f"One answer is wanted; a tensor of shape {tuple(got.shape)} came back. Ask for .all() of them, or .any()."
        )
    if expected:
        return "This export is good, it differs by rounding only (up to 3e-5). Differences up to 1e-4 have to pass."
    return f"This exporter got through. {theirs.flaw}: {FLAWS[theirs.flaw]}."


def comparing(same_numbers, same_ids=lambda a, b: a == b, every=all):
    """A round_trip that compares in its own way."""

    def answer(ours, theirs, texts):
        def passes(text):
            ids, their_ids = ours.encode(text), theirs.encode(text)
            return same_ids(ids, their_ids) and bool(same_numbers(ours.logits(ids), theirs.logits(ids)))

        return every(passes(text) for text in texts)

    return answer


def close(a, b):
    return (a - b).abs().max() <= TOLERANCE


def last_of(results):
    return list(results)[-1]


def same_argmax(a, b):
    return a.argmax(-1).equal(b.argmax(-1))


ROUND_TRIP = Exercise(
    name="round_trip",
    reference=round_trip,
    examples=exporters,
    use=use_test,
    explain=look_at_test,
    advice={
        "must match the size": "their ids are fewer here, so the two tables of scores can't be compared. Compare the "
        "ids first, and return False where they differ.",
        "broadcast": "their ids are fewer here: compare the ids first, and return False where they differ.",
        "takes ids": "logits wants the ids of one text, encode(text) gives them.",
        "has no attribute 'decode'": "ours and theirs have encode and logits, no more.",
        "not callable": "encode and logits are functions: ours.encode(text).",
        "has no attribute 'encode'": "`texts` is a list of strings; ours and theirs have .encode and .logits.",
        "are not close": "return False where you stop with an error: the caller wants an answer for every exporter.",
    },
    hints=(
        "Two things can differ: the ids that a text becomes, and the scores that the same ids get. Look at both, for "
        "every text.",
        "(a - b).abs().max() is the largest difference. If it is nan, then `difference > 1e-4` is False, and so is "
        "`difference <= 1e-4`: which of the two makes a test that nan can't pass?",
        "for text in texts: ids = ours.encode(text); if theirs.encode(text) != ids: return False; if not (ours.logits"
        "(ids) - theirs.logits(ids)).abs().max() <= 1e-4: return False. After the loop: return True.",
    ),
    mistakes=(
        Mistake(
            "This export is good: two libraries add up in another order, so their last digits differ (here by 3e-5). "
            "Allow up to 1e-4 in each number (not in their sum).",
            comparing(torch.equal),
        ),
        Mistake(
            "The final norm is left out here, and your test lets it pass: every score is three times as large, so the "
            "likeliest token stays the likeliest, and greedy writes the same. Compare the numbers.",
            comparing(same_argmax),
        ),
        Mistake(
            "You gave our ids to both. Here the other tokenizer makes other ids of a text with °, and nobody asked it: "
            "compare theirs.encode(text) with ours.",
            comparing(close, lambda a, b: True),
        ),
        Mistake("The ids are the same here, the scores are not: compare the logits too.", comparing(lambda a, b: True)),
        Mistake(
            "Only the first text was looked at, and it is the second that gives this one away. Does a return stand "
            "inside the loop?",
            comparing(close, every=next),
        ),
        Mistake("Only the last text counts in yours; one bad text is enough to fail.", comparing(close, every=last_of)),
        Mistake("One good text is not enough: all of them have to agree.", comparing(close, every=any)),
        Mistake(
            "Their scores are all nan here. A comparison with nan is always False, so `difference > 1e-4` lets it "
            "pass. Turn it round: it passes only if `difference <= 1e-4`.",
            comparing(lambda a, b: not (a - b).abs().max() > TOLERANCE),
        ),
        Mistake(
            "Their scores are all too high here, so ours - theirs is negative everywhere. Take .abs() first.",
            comparing(lambda a, b: (a - b).max() <= TOLERANCE),
        ),
        Mistake(
            "You compare the scores after the last token only. Here the mask is left out, so earlier places see what "
            "comes later and are wrong. Compare all of (T, V).",
            comparing(lambda a, b: close(a[-1], b[-1])),
        ),
        Mistake(
            "Their scores are up to 6e-4 off here, more than rounding explains. Allow 1e-4, not more.",
            comparing(lambda a, b: (a - b).abs().max() <= 1e-3),
        ),
        Mistake("The other way round: True means that the export is good.", lambda *a: not round_trip(*a)),
    ),
)
