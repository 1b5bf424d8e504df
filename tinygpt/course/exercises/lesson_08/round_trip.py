"""Exercise round_trip of lesson 08: the answer, exporters that it is tried on, and what people get wrong."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from tinygpt.course.judging import Exercise, Mistake

TOLERANCE = 1e-4
FLAWS = {
    "a matrix turned": "the same scores, but in other places",
    "final norm left out": "every score is three times as large. The likeliest token stays the likeliest, the "
    "probabilities do not",
    "another tokenizer": "texts with é or ° become other ids. The same ids give the same numbers",
    "no token at the start": "texts become ids without the first one",
    "a token more at the end": "texts become ids and one more",
    "ids in another order": "texts become the right ids, from right to left",
    "ids renumbered": "a and b have changed numbers, and the model knows: the scores of a text are the same",
    "marks the end, skips empty texts": "texts become ids and one more, the empty text becomes none",
    "skips empty texts": "the empty text becomes no ids; ours begins with one",
    "mask left out": "only the scores after the last token are right",
    "nan": "all scores are nan, as after an overflow. Every comparison with nan is False, also nan > 0.0001",
    "one nan": "one score of the second text is nan. Every comparison with nan is False, also nan > 0.0001",
    "a nan, the others off": "one score is nan, and the others are wrong",
    "all scores 0.5 too high": "the same is added to every score",
    "all scores too low": "by 0.5 to 1.5",
    "another GELU": "the scores are up to 6e-4 off: small, but more than rounding explains",
    "one score too high": "by 5e-4; all others are right",
    "one score too low": "by 5e-4; all others are right",
    "one score just too high": "by 1.04e-4; all others are right",
}
TEXTS = {
    "another tokenizer": ["ab", "37 °C", "café"],
    "ids renumbered": ["ab"],
    "marks the end, skips empty texts": ["ab", ""],
    "skips empty texts": ["ab", ""],
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
        ids = [0, *(1 + byte % 30 for byte in text.encode())]
        if self.flaw == "another tokenizer":
            return [0, *(1 + byte % (30 if byte < 128 else 29) for byte in text.encode())]
        if self.flaw == "no token at the start":
            return ids[1:]
        if self.flaw == "a token more at the end":
            return [*ids, 0]
        if self.flaw == "ids in another order":
            return [0, *ids[:0:-1]]
        if self.flaw == "ids renumbered":
            return [RENUMBERED.get(id, id) for id in ids]
        if self.flaw == "marks the end, skips empty texts":
            return [*ids, 0] if text else []
        if self.flaw == "skips empty texts":
            return ids if text else []
        return ids

    def logits(self, ids):
        """(T, 5), for T ids."""
        if not isinstance(ids, list | torch.Tensor | np.ndarray):
            raise TypeError(f"logits() takes ids, this is of type {type(ids).__name__}")
        ids = torch.as_tensor(ids)
        if ids.ndim != 1:
            raise TypeError(f"logits() takes a plain list of ids, not a batch: this is {tuple(ids.shape)}")
        if self.flaw == "ids renumbered":
            ids = torch.tensor([RENUMBERED.get(id, id) for id in ids.tolist()])
        scores = (ids.double().cumsum(0)[:, None] * torch.tensor([1.0, 1.7, 2.3, 0.6, 3.1])).sin()  # (T, V)
        rounding = 3e-5 * (self.whose == "theirs") * torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
        return (self.spoilt(scores) + rounding).float()

    def spoilt(self, scores):
        """The scores as the flaw leaves them."""
        off = torch.zeros_like(scores)
        off[:1, 2] = 5e-4
        just = torch.zeros_like(scores)
        just[1:2, 0] = 1.04e-4 - 3e-5  # and the rounding
        last = torch.zeros_like(scores)
        last[-1:, 3] = math.nan
        changed = {
            "a matrix turned": lambda: scores.roll(1, -1),
            "final norm left out": lambda: 3 * scores,
            "mask left out": lambda: torch.cat([scores[:-1].flip(-1), scores[-1:]]),
            "nan": lambda: scores * math.nan,
            "one nan": lambda: scores + last if len(scores) > 3 else scores,
            "a nan, the others off": lambda: scores + last + 0.5,
            "all scores 0.5 too high": lambda: scores + 0.5,
            "all scores too low": lambda: scores - torch.linspace(0.5, 1.5, 5),
            "another GELU": lambda: scores + torch.linspace(-6e-4, 6e-4, 5),
            "one score too high": lambda: scores + off,
            "one score too low": lambda: scores - off,
            "one score just too high": lambda: scores + just,
        }
        return changed[self.flaw]() if self.flaw in changed else scores


RENUMBERED = {1 + 97 % 30: 1 + 98 % 30, 1 + 98 % 30: 1 + 97 % 30}  # a and b


def exporters():
    """Each flaw comes before those that the mistakes made for it would also let pass: a message says "here"."""
    ours = Model("ours")
    yield ours, Model("theirs"), ["ab"]
    for flaw in FLAWS:
        yield ours, Model("theirs", flaw), TEXTS.get(flaw, ["ab", "cde"])
    yield ours, Model("theirs", "another tokenizer"), ["café", "ab"]
    yield ours, Model("theirs"), ["ab", "37 °C", "café"]


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


def comparing(same_numbers, same_ids=lambda a, b: a == b, every=all, own_ids=False):
    """A round_trip that compares in its own way. own_ids: their scores are those of their ids, not of ours."""

    def answer(ours, theirs, texts):
        def passes(text):
            ids, their_ids = ours.encode(text), theirs.encode(text)
            if not same_ids(ids, their_ids):
                return False
            return bool(same_numbers(ours.logits(ids), theirs.logits(their_ids if own_ids else ids)))

        return every(passes(text) for text in texts)

    return answer


def joined(together):
    """A round_trip that makes one text, or one list of ids, of all. together: (encode, texts) -> ids."""

    def answer(ours, theirs, texts):
        ids, their_ids = together(ours.encode, texts), together(theirs.encode, texts)
        return ids == their_ids and bool(close(ours.logits(ids), theirs.logits(ids)))

    return answer


def close(a, b):
    return (a - b).abs().max() <= TOLERANCE


def small(difference):
    return bool(difference <= TOLERANCE)


def last_of(results):
    return list(results)[-1]


def same_argmax(a, b):
    return a.argmax(-1).equal(b.argmax(-1))


def largest_of_all(ours, theirs, texts):
    """All differences in one list, and Python's max of it."""
    differences = []
    for text in texts:
        ids = ours.encode(text)
        if theirs.encode(text) != ids:
            return False
        differences += (ours.logits(ids) - theirs.logits(ids)).abs().flatten().tolist()
    return max(differences) <= TOLERANCE


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
    mistakes=(
        Mistake(
            "allclose lets rtol times the score pass on top of atol, 1e-5 of it unless you say rtol=0. A score of 17 "
            "may then be off by 2.7e-4.",
            lambda ours, theirs, texts: by_allclose(ours, theirs, texts),
        ),
        Mistake(
            "This export is good. The ids are equal (== asks that, `is` does not); two libraries add up in another "
            "order, so the last digits differ (here by 3e-5). Allow up to 1e-4 in each number (not in their sum).",
            comparing(torch.equal),
        ),
        Mistake(
            "The final norm is left out here, and your test lets it pass: every score is three times as large, so the "
            "likeliest token stays the likeliest, and greedy writes the same. Compare the numbers.",
            comparing(same_argmax),
        ),
        Mistake("The ids are the same here, the scores are not: compare the logits too.", comparing(lambda a, b: True)),
        Mistake(
            "You compare only some of the scores, the row after the first token. Compare all of (T, V).",
            comparing(lambda a, b: close(a[0], b[0])),
        ),
        Mistake(
            "You compare only some of the scores, those after the last token. Here the mask is left out, so earlier "
            "places see what comes later and are wrong. Compare all of (T, V).",
            comparing(lambda a, b: close(a[-1], b[-1])),
        ),
        Mistake(
            "You take the largest of each table and compare these two. Here the same scores stand in other places. "
            "Subtract first, number by number; then take the largest difference.",
            comparing(lambda a, b: small((a.max() - b.max()).abs())),
        ),
        Mistake(
            "You make one mean of each table and compare these two. Here the same scores stand in other places. "
            "Subtract first, number by number; then take the largest difference.",
            comparing(lambda a, b: small((a.mean() - b.mean()).abs())),
        ),
        Mistake(
            "One score close to its partner is enough in yours: that is any(). All of them have to be close.",
            comparing(lambda a, b: ((a - b).abs() <= TOLERANCE).any()),
        ),
        Mistake(
            "Yours fails an export only if all its scores are off, (… > 1e-4).all(). One that is off is enough.",
            comparing(lambda a, b: not ((a - b).abs() > TOLERANCE).all()),
        ),
        Mistake(
            "You gave our ids to both. Here the other tokenizer makes other ids of a text with °, and nobody asked it: "
            "compare theirs.encode(text) with ours.",
            comparing(close, lambda a, b: True),
        ),
        Mistake(
            "As many ids are not the same ids: here a text with ° becomes others. Compare the lists, a == b.",
            comparing(close, lambda a, b: len(a) == len(b)),
        ),
        Mistake(
            "Their tokenizer adds an id at the end here, and zip stops where the shorter list ends. Compare the lists, "
            "a == b.",
            comparing(close, lambda a, b: all(x == y for x, y in zip(a, b, strict=False))),
        ),
        Mistake(
            "The same ids, but in another order: a sorted list doesn't notice. Compare the lists, a == b.",
            comparing(close, lambda a, b: sorted(a) == sorted(b)),
        ),
        Mistake(
            "Their tokenizer adds an id here that was there already. A set doesn't know how often an id comes, nor in "
            "which order. Compare the lists, a == b.",
            comparing(close, lambda a, b: set(a) == set(b)),
        ),
        Mistake(
            "Here a and b have changed numbers, in their tokenizer and in their model: as many ids, even the same "
            "scores, but whoever hands our ids to their model gets nonsense. Compare the ids as lists, a == b.",
            comparing(close, lambda a, b: len(a) == len(b), own_ids=True),
        ),
        Mistake(
            'You make one list of the ids of all texts. Here "ab" becomes one id more and the empty text one less, '
            "which is the same in one list. Compare text by text.",
            joined(lambda encode, texts: [id for text in texts for id in encode(text)]),
        ),
        Mistake(
            "You make one text of all. Here the empty text becomes no ids, and nobody tried it. Compare text by text.",
            joined(lambda encode, texts: encode("".join(texts))),
        ),
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
            "Their scores are all nan here, and nan counts as no difference in yours (nan_to_num makes 0 of it, and "
            "`nan > 1e-4` is False). Every difference has to be <= 1e-4, which nan is not.",
            comparing(lambda a, b: not ((a - b).abs() > TOLERANCE).any()),
        ),
        Mistake(
            "One score is nan here, and not the first. Python's max keeps what it has unless the next is larger, which "
            "nan never is. The max() of a tensor gives nan; or ask of each difference whether it is <= 1e-4.",
            largest_of_all,
        ),
        Mistake(
            "Every score is 0.5 too high here. A softmax takes away what all scores of a place have in common, so the "
            "probabilities don't tell. Compare the scores themselves.",
            comparing(lambda a, b: close(a.softmax(-1), b.softmax(-1))),
        ),
        Mistake(
            "Every score is 0.5 too high here. A log_softmax takes away what all scores of a place have in common. "
            "Compare the scores themselves.",
            comparing(lambda a, b: close(a.log_softmax(-1), b.log_softmax(-1))),
        ),
        Mistake(
            "Their scores are all too high here, so ours - theirs is negative everywhere. Take .abs() first.",
            comparing(lambda a, b: (a - b).max() <= TOLERANCE),
        ),
        Mistake(
            "Their scores are all too low here, so theirs - ours is negative everywhere. Take .abs() first.",
            comparing(lambda a, b: (b - a).max() <= TOLERANCE),
        ),
        Mistake(
            "Their scores are up to 6e-4 off here, more than rounding explains. Allow 1e-4, not more.",
            comparing(lambda a, b: (a - b).abs().max() <= 1e-3),
        ),
        Mistake(
            "One score is 5e-4 off here, all others are right, and the mean hides it. Take the largest difference.",
            comparing(lambda a, b: (a - b).abs().mean() <= TOLERANCE),
        ),
        Mistake(
            "One score is 5e-4 too high here, so ours - theirs is negative there, and max() passes it by: abs() "
            "comes too late. First .abs(), then .max().",
            comparing(lambda a, b: (a - b).max().abs() <= TOLERANCE),
        ),
        Mistake(
            "One score is 5e-4 too low here, so theirs - ours is negative there, and max() passes it by: abs() "
            "comes too late. First .abs(), then .max().",
            comparing(lambda a, b: (b - a).max().abs() <= TOLERANCE),
        ),
        Mistake("The other way round: True means that the export is good.", lambda *a: not round_trip(*a)),
    ),
)


def by_allclose(ours, theirs, texts):
    return all(
        ours.encode(t) == theirs.encode(t)
        and torch.allclose(ours.logits(ours.encode(t)), theirs.logits(ours.encode(t)), atol=TOLERANCE)
        for t in texts
    )
