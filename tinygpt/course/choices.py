"""Thought exercises in which each of several things gets one of several names: {"A": ..., "B": ...}."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """How such an answer is read, and what is said of one that is not right.

    reference: gives the right names. names: all that may be chosen; kind: what they are, such as "diagnoses".
    told: told(key, name) -> what speaks against a wrong name.
    """

    reference: Callable[[], dict]
    names: Iterable[str]
    kind: str
    told: Callable[[str, str], str]

    def use(self, answer):
        """The names that an answer gives, whatever their case and spacing."""
        got = answer()
        if not isinstance(got, dict):
            return got
        return {known(key, self.reference()): known(name, self.names) for key, name in got.items()}

    def explain(self, got, expected):
        if not isinstance(got, dict) or set(got) != set(expected):
            *keys, last = (f'"{key}"' for key in expected)
            return f"Give back a dict with the keys {', '.join(keys)} and {last}, and one of the {self.kind} for each."
        names = list(self.names)
        unknown = [name for name in got.values() if name not in names]
        if unknown:
            return f"{unknown[0]!r} is none of the {self.kind}; they are: {', '.join(names)}."
        wrong = [key for key in expected if got[key] != expected[key]]
        right = f"{len(expected) - len(wrong)} of {len(expected)} are right"
        return f"{right}. {wrong[0]}: {self.told(wrong[0], got[wrong[0]])}"


def known(text, names):
    """The one of the names that a text spells in its own way; the text itself where there is none."""
    spelled = " ".join(text.lower().split()) if isinstance(text, str) else None
    return next((name for name in names if name.lower() == spelled), text)
