"""Exercise fit_power_law of lesson 09: how an answer is tried, and what is said of it."""

import math

import numpy as np

from tinygpt.course.exercises.lesson_09.fit_power_law_answers import MISTAKES, fit_power_law
from tinygpt.course.judging import Exercise


def measured():
    yield [1.0, 4.0], [4.0, 2.0]
    yield [1.0, 4.0, 16.0], [4.0, 2.0, 1.0]
    yield [10.0, 20.0, 40.0, 80.0], [3.0, 2.5, 2.2, 1.7]  # not on a line
    yield [5.0, 9.0, 30.0, 31.0, 200.0], [2.9, 2.7, 2.1, 2.2, 1.6]
    yield [1.0, 2.0, 4.0], [1.0, 2.0, 4.0]  # grows, so b is below 0


def look_at_fit(got, expected, compute, loss):
    if not isinstance(got, list | tuple | np.ndarray) or len(got) != 2:
        return "Two numbers are wanted: return a, b."
    try:
        a, b = (float(x) for x in got)
    except (TypeError, ValueError):
        return "a and b are one number each."
    if isinstance(got, np.ndarray):
        return "Return the two numbers as a pair, a, b, not as an array."
    if not math.isfinite(a + b):
        return (
            "nan or infinity came out: a logarithm of 0 or less, or a division by 0? (Such as by (Σ (x - mean x))², "
            "which is always 0: square first, then add up.)"
        )
    if any((a, b) == tuple(round(x, digits) for x in expected) for digits in (1, 2, 3)):
        return "Right, but rounded: return all digits. Whoever prints them can round."
    said = ""
    if abs(b - expected[1]) < 1e-4:
        said = "On these points b is right, a is not. "
    elif b < 0 < expected[1]:
        said = "Your b is below 0, as if the loss grew with the compute; here it falls. "
    return said + by_hand(compute, loss)


def by_hand(compute, loss):
    x, y = np.log(compute), np.log(loss)
    a, b = fit_power_law(compute, loss)
    return (
        f"By hand, with x = log compute and y = log loss: mean x is {x.mean():.4g}, mean y {y.mean():.4g}, "
        f"Σ (x - mean x)(y - mean y) = {((x - x.mean()) * (y - y.mean())).sum():.4g}, "
        f"Σ (x - mean x)² = {((x - x.mean()) ** 2).sum():.4g}. The first sum by the second is the slope, "
        f"b = -slope = {b:.4g}, and a = exp(mean y - slope · mean x) = {a:.4g}."
    )


FIT_POWER_LAW = Exercise(
    name="fit_power_law",
    reference=fit_power_law,
    examples=measured,
    explain=look_at_fit,
    tolerance=1e-4,
    advice={
        "only integer scalar arrays": "compute and loss are lists: np.log takes a list, ** and / do not.",
        "unsupported operand": "lists can't do that: compute and loss are lists; go through them one by one, "
        "or np.array(compute) first.",
        "must be real number, not list": "the function math.log takes one number: [math.log(c) for c in compute].",
        "must be Tensor, not list": "torch.tensor(compute) makes a tensor of the list; or use math.log, one by one.",
        "Expected object of type": "torch.tensor(compute) makes a tensor of the list.",
        "division by zero": "the divisor is Σ (x - mean x)²: subtract the mean of x, square, and only then add up.",
    },
    hints=(
        "log(a · compute^(-b)) = log a - b · log compute: in logarithms the law is a straight line.",
        "np.polyfit(x, y, 1) gives the slope of the line of least squares and its start, the y at x = 0, here log a; "
        "by hand the slope is Σ (x - mean x)(y - mean y) / Σ (x - mean x)².",
        "slope, start = np.polyfit(np.log(compute), np.log(loss), 1); return math.exp(start), -slope",
    ),
    mistakes=MISTAKES,
)
