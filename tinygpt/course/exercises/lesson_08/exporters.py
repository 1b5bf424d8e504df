"""Exporters of lesson 08: a tokenizer and a model, as each of them leaves the two."""

import math
from dataclasses import dataclass

import numpy as np
import torch

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
    "one nan": "one score of a text is nan. Every comparison with nan is False, also nan > 0.0001",
    "a nan, the others off": "one score is nan, and the others are wrong",
    "all scores 0.5 too high": "the same is added to every score",
    "all scores too low": "by 0.5 to 1.5",
    "another GELU": "the scores are up to 6e-4 off: small, but more than rounding explains",
    "one score too high": "by 5e-3; all others are right",
    "one score too low": "by 5e-4; all others are right",
    "one score just too high": "by 1.04e-4; all others are right",
}
TEXTS = {
    "another tokenizer": ["ab", "37 °C", "café"],
    "ids renumbered": ["ab"],
    "marks the end, skips empty texts": ["ab", ""],
    "skips empty texts": ["ab", ""],
}
V = 32  # the ids are 0 to 30
RENUMBERED = {1 + 97 % 30: 1 + 98 % 30, 1 + 98 % 30: 1 + 97 % 30}  # a and b


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
        """(T, V), for T ids."""
        if not isinstance(ids, list | torch.Tensor | np.ndarray):
            raise TypeError(f"logits() takes ids, this is of type {type(ids).__name__}")
        ids = torch.as_tensor(ids)
        if ids.ndim != 1:
            raise TypeError(f"logits() takes a plain list of ids, not a batch: this is {tuple(ids.shape)}")
        if self.flaw == "ids renumbered":
            ids = torch.tensor([RENUMBERED.get(id, id) for id in ids.tolist()])
        scores = (ids.double().cumsum(0)[:, None] * torch.linspace(0.6, 3.1, V)).sin()  # (T, V)
        rounding = 3e-5 * (self.whose == "theirs") * (1 - 2 * (torch.arange(V) % 2))
        return (self.spoilt(scores) + rounding).float()

    def spoilt(self, scores):
        """The scores as the flaw leaves them."""
        off = torch.zeros_like(scores)
        off[:1, 2] = 5e-3
        just = torch.zeros_like(scores)
        just[1:2, 6] = 1.04e-4 - 3e-5  # and the rounding
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
            "all scores too low": lambda: scores - torch.linspace(0.5, 1.5, V),
            "another GELU": lambda: scores + torch.linspace(-6e-4, 6e-4, V),
            "one score too high": lambda: scores + off,
            "one score too low": lambda: scores - off / 10,
            "one score just too high": lambda: scores + just,
        }
        return changed[self.flaw]() if self.flaw in changed else scores


def exporters():
    """Each flaw comes before those that the mistakes made for it would also let pass: a message says "here"."""
    ours = Model("ours")
    yield ours, Model("theirs"), ["ab"]
    for flaw in FLAWS:
        yield ours, Model("theirs", flaw), TEXTS.get(flaw, ["ab", "cde"])
    yield ours, Model("theirs", "another tokenizer"), ["café", "ab"]
    yield ours, Model("theirs", "another tokenizer"), ["a visit to the café"]
    yield ours, Model("theirs", "one nan"), ["cde", "ab"]  # max(difference, largest) forgets it
    yield Model("ours", "nan"), Model("theirs", "nan"), ["ab"]
    yield ours, Model("theirs"), ["ab", "37 °C", "café"]
