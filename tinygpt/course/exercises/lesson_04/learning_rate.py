"""Exercise learning_rate of lesson 04: the answer, what it is tried on, and what people get wrong."""

from dataclasses import dataclass

import torch

from tinygpt.course.comparing import is_number, same
from tinygpt.course.judging import Exercise, Mistake


def learning_rate(step, steps, peak, warmup, decay):
    rising = (step + 1) / max(1, warmup)
    falling = (steps - step) / max(1, decay)
    return peak * min(1.0, rising, falling)


@dataclass(frozen=True)
class Each:
    """Stands for each step in turn where the arguments are shown."""

    steps: int

    def __repr__(self):
        return f"each step from 0 to {self.steps - 1}"


def schedules():
    yield Each(10), 10, 1.0, 2, 4
    yield Each(6), 6, 3.0, 4, 2
    yield Each(5), 5, 2.0, 0, 2
    yield Each(5), 5, 2.0, 2, 0
    yield Each(4), 4, 0.5, 1, 1


def every_rate(answer, _, steps, peak, warmup, decay):
    return [answer(step, steps, peak, warmup, decay) for step in range(steps)]


def scheduled(rising=None, falling=None, combine=min):
    def rate(step, steps, peak, warmup, decay):
        up = 1.0 if rising is None else rising(step, steps, warmup)
        down = 1.0 if falling is None else falling(step, steps, decay)
        return combine(1.0, up, down) * peak

    return rate


def up(step, steps, warmup):
    return (step + 1) / max(1, warmup)


def down(step, steps, decay):
    return (steps - step) / max(1, decay)


def look_at_rates(got, expected, _, steps, peak, warmup, decay):
    if any(isinstance(x, list | tuple) or (isinstance(x, torch.Tensor) and x.numel() > 1) for x in got):
        return "Several numbers came back from one call. Return one: the rate of the step that was asked for."
    if not all(is_number(x) or (isinstance(x, torch.Tensor) and x.numel() == 1) for x in got):
        return "One number for each step, please. Is there a return on every way through the function?"
    got = [float(x) for x in got]
    if any(x != x or abs(x) == float("inf") for x in got):
        return "Not a number: warmup and decay may be 0, and then that phase does not exist."
    bad = [i for i, (a, b) in enumerate(zip(got, expected, strict=True)) if not same(a, b, 1e-5)]
    if max(got) > peak * 1.0001:
        return f"At step {got.index(max(got))} the rate is above the peak: nothing may exceed it."
    phase = "warm-up" if bad[0] < warmup else "decay" if bad[0] >= steps - decay else "flat part"
    if same(got[bad[0]] * peak, expected[bad[0]], 1e-5):
        return f"Step {bad[0]}, in the {phase}: {got[bad[0]]:g} is a share of the peak. Multiply it by peak, {peak:g}."
    return (
        f"The first that is off is step {bad[0]} of 0 to {steps - 1}, in the {phase}: {got[bad[0]]:g}, and it should "
        f"be {expected[bad[0]]:g}."
    )


LEARNING_RATE = Exercise(
    name="learning_rate",
    reference=learning_rate,
    examples=schedules,
    use=every_rate,
    explain=look_at_rates,
    advice={"division by zero": "warmup or decay may be 0. max(1, warmup) helps, or an if."},
    hints=(
        "Three candidates for the share of the peak: how far the warm-up has come, 1, and how much of the decay is "
        "left. Which of them counts at a step?",
        "The smallest. The warm-up has come (step + 1) / warmup far; of the decay (steps - step) / decay is left.",
        "return peak * min(1, (step + 1) / max(1, warmup), (steps - step) / max(1, decay))",
    ),
    mistakes=(
        Mistake(
            "At step 0 the rate is 0, so the first batch is read in vain. Begin at peak / warmup: (step + 1) / warmup.",
            scheduled(lambda s, n, w: s / w if w else 1, down),
        ),
        Mistake(
            "At the last step the rate is 0, so the last batch is read in vain. End at peak / decay: "
            "(steps - step) / decay.",
            scheduled(up, lambda s, n, d: (n - 1 - s) / d if d else 1),
        ),
        Mistake(
            "The first and the last rate are 0, so two batches are read in vain. Begin at peak / warmup, end at peak / "
            "decay.",
            scheduled(lambda s, n, w: s / w if w else 1, lambda s, n, d: (n - 1 - s) / d if d else 1),
        ),
        Mistake("It never falls: the last `decay` steps go down.", scheduled(up)),
        Mistake("It never rises: the first `warmup` steps go up.", scheduled(None, down)),
        Mistake("You took the largest of the three. The smallest counts.", scheduled(up, down, combine=max)),
        Mistake(
            "You decay over all steps. Only the last `decay` of them go down; before, the rate stays at the peak.",
            scheduled(up, lambda s, n, d: (n - s) / n),
        ),
        Mistake(
            "// is whole-number division: every share becomes 0 or 1. Use /.",
            scheduled(lambda s, n, w: (s + 1) // max(1, w), lambda s, n, d: (n - s) // max(1, d)),
        ),
        Mistake(
            "Your decay begins after step `decay`. It is how many steps go down, counted from the end: from step "
            "steps - decay on.",
            scheduled(up, lambda s, n, d: 1 if s < d or not d else (n - s) / max(1, n - d)),
        ),
        Mistake(
            "In the decay you multiply by how much of it is over, not by how much is left: it starts low and rises.",
            scheduled(up, lambda s, n, d: (s - (n - d) + 1) / d if d and s >= n - d else 1),
        ),
    ),
)
