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


def look_at_fit(got, expected, compute, loss):
    if not isinstance(got, list | tuple | np.ndarray) or len(got) != 2:
        return "Two numbers are wanted: return a, b."
    try:
        a, b = (float(x) for x in got)
    except (TypeError, ValueError):
        return "a and b are one number each."
    if isinstance(got, np.ndarray):
        return "Return the two numbers as a pair, a, b, not as an array."
    if math.isnan(a + b):
        return "nan came out: a logarithm of something below 0, or 0 divided by 0?"
    if b < 0:
        return "b is below 0: the law is a · compute^(-b), so b is minus the slope of the line."
    if abs(b - expected[1]) < 1e-3:
        return "b is right. a is what the line reaches at log compute = 0; exp turns its logarithm into a."
    return (
        "Take the logarithms of both lists, and fit a straight line to them by least squares. On the first example: "
        "log loss falls by log 2 while log compute rises by log 4, so b = 1/2, and a is the loss at compute 1, "
        "which is 4."
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
        "division by zero": "the spread of log compute is 0 where all numbers are taken as one; subtract the mean.",
    },
    hints=(
        "log(a · compute^(-b)) = log a - b · log compute: in logarithms the law is a straight line.",
        "np.polyfit(x, y, 1) gives the slope of the line of least squares and its start, the y at x = 0, here log a; "
        "by hand the slope is Σ (x - mean x)(y - mean y) / Σ (x - mean x)².",
        "slope, start = np.polyfit(np.log(compute), np.log(loss), 1); return math.exp(start), -slope",
    ),
    mistakes=MISTAKES,
)
