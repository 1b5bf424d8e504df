"""No two machines are equally fast, so every figure is a ratio: two things done in turn, side by side, in one run."""

import sys
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line of the table: ratios of ours and theirs, one for each pair of runs, and what stood behind them."""

    what: str
    target: str
    ratios: tuple
    detail: str

    def __str__(self):
        low, middle, high = min(self.ratios), median(self.ratios), max(self.ratios)
        figures = f"{middle:7.2f} {low:7.2f} {high:7.2f} {len(self.ratios):3}"
        return f"{self.what:74} {figures}  {self.target:10} {self.detail}"


HEADER = f"{'what':74} {'median':>7} {'min':>7} {'max':>7} {'n':>3}  {'target':10} behind it"


def in_turn(functions, repetitions):
    """Call each function of {name: function(repetition)} in turn, so often; {name: [what it returned, ...]}."""
    found = {name: [] for name in functions}
    for repetition in range(repetitions):
        for name, function in functions.items():
            found[name].append(function(repetition))
            print(f"[{repetition + 1} of {repetitions}] {name}: {found[name][-1]}", file=sys.stderr, flush=True)
    return found


def ratios(numerators, denominators):
    """The quotients of runs that stood side by side."""
    return tuple(n / d for n, d in zip(numerators, denominators, strict=True))


def middle(values, form="{:,.0f}"):
    return form.format(median(values))
