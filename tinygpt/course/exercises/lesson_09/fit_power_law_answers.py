"""Answers to exercise fit_power_law of lesson 09: the right one, and the wrong ones that people give."""

import math

import numpy as np

from tinygpt.course.judging import Mistake


def fit_power_law(compute, loss):
    x, y = [math.log(c) for c in compute], [math.log(price) for price in loss]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    together = sum((u - mean_x) * (v - mean_y) for u, v in zip(x, y, strict=True))
    slope = together / sum((u - mean_x) ** 2 for u in x)
    return math.exp(mean_y - slope * mean_x), -slope


def line(compute, loss, fx=math.log, fy=math.log):
    slope, start = np.polyfit([fx(c) for c in compute], [fy(y) for y in loss], 1).tolist()
    return slope, start


def same_thing(x):
    return x


def varied(finish, fx=math.log, fy=math.log):
    """fit_power_law with something wrong in it: finish(slope, start of the line) -> what is returned."""
    return lambda compute, loss: finish(*line(compute, loss, fx, fy))


def by_two_points(compute, loss):
    b = math.log(loss[0] / loss[-1]) / math.log(compute[-1] / compute[0])
    return loss[0] * compute[0] ** b, b


def with_slope(slope, mean_x, mean_y):
    return math.exp(mean_y - slope * mean_x), -slope


def logs(compute, loss):
    return np.log(compute), np.log(loss)


def of_neighbours(compute, loss):
    x, y = logs(compute, loss)
    return with_slope(float((np.diff(y) / np.diff(x)).mean()), x.mean(), y.mean())


def about(mean_x, mean_y, compute, loss):
    """Least squares with something else for the means."""
    x, y = logs(compute, loss)
    return with_slope(float(((x - mean_x) * (y - mean_y)).sum() / ((x - mean_x) ** 2).sum()), mean_x, mean_y)


def log_of_the_means(compute, loss):
    return about(math.log(np.mean(compute)), math.log(np.mean(loss)), compute, loss)


def log_of_the_means_at_the_end(compute, loss):
    _, b = fit_power_law(compute, loss)
    return with_slope(-b, math.log(np.mean(compute)), math.log(np.mean(loss)))


def means_of_five(compute, loss):
    x, y = logs(compute, loss)
    return about(x.sum() / 5, y.sum() / 5, compute, loss)


def means_of_five_at_the_end(compute, loss):
    x, y = logs(compute, loss)
    return with_slope(-fit_power_law(compute, loss)[1], x.sum() / 5, y.sum() / 5)


def means_forgotten_in_the_slope(compute, loss):
    x, y = logs(compute, loss)
    return with_slope(float((x * y).sum() / (x * x).sum()), x.mean(), y.mean())


def plus_for_minus(compute, loss):
    x, y = logs(compute, loss)
    _, b = fit_power_law(compute, loss)
    return math.exp(y.mean() - b * x.mean()), b


def correlated(compute, loss):
    x, y = logs(compute, loss)
    return with_slope(float(np.corrcoef(x, y)[0, 1]), x.mean(), y.mean())


def mixed_divisors(compute, loss):
    x, y = logs(compute, loss)
    return with_slope(float(np.cov(x, y)[0, 1] / x.var()), x.mean(), y.mean())


def divided_by_the_other(compute, loss):
    x, y = logs(compute, loss)
    off_x, off_y = x - x.mean(), y - y.mean()
    return with_slope(float((off_x * off_y).sum() / (off_y**2).sum()), x.mean(), y.mean())


def first_two(compute, loss):
    return by_two_points(compute[:2], loss[:2])


def turned_round(compute, loss):
    slope, start = line(loss, compute)
    return math.exp(-start / slope), -1 / slope


def through_first(compute, loss):
    _, b = fit_power_law(compute, loss)
    return loss[0] * compute[0] ** b, b


def through_origin(compute, loss):
    x, y = [math.log(c) for c in compute], [math.log(price) for price in loss]
    return 1.0, -sum(u * v for u, v in zip(x, y, strict=True)) / sum(u * u for u in x)


LOGARITHMS = (  # what it is called, the function, its own way back, and that in words
    ("log10", math.log10, "10 **", "10 ** (log a), or use math.log"),
    ("log2", math.log2, "2 **", "2 ** (log a), or use math.log"),
    ("The natural logarithm", math.log, "exp", "exp"),
)
POWERS = {"exp": math.exp, "10 **": lambda x: 10**x, "2 **": lambda x: 2**x}
MISTAKES = (
    Mistake(
        "b has the wrong sign: loss = a · compute^(-b), so b is minus the slope.",
        varied(lambda slope, start: (math.exp(start), slope)),
    ),
    Mistake("That is log a. exp makes it a.", varied(lambda slope, start: (start, -slope))),
    Mistake(
        "That is log a, and b has the wrong sign: a = exp of it, and b is minus the slope.",
        varied(lambda slope, start: (start, slope)),
    ),
    Mistake("The order: a first, then b.", varied(lambda slope, start: (-slope, math.exp(start)))),
    Mistake(
        "np.polyfit gives the slope first, then the line's start, log a: you have taken one for the other.",
        varied(lambda slope, start: (math.exp(slope), -start)),
    ),
    Mistake(
        "That is what np.polyfit gives: the slope, then the line's start, log a. Wanted: a = exp(start), b = -slope.",
        varied(lambda slope, start: (slope, start)),
    ),
    Mistake(
        "b lost its sign (abs?). It is minus the slope; here the loss grows with the compute, so b is below 0.",
        varied(lambda slope, start: (math.exp(start), abs(slope))),
    ),
    Mistake(
        "A straight line through the numbers themselves. A power law is one in their logarithms: take both.",
        varied(lambda slope, start: (start, -slope), same_thing, same_thing),
    ),
    Mistake(
        "Only the compute is in logarithms. Take those of the loss as well.",
        varied(lambda slope, start: (start, -slope), math.log, same_thing),
    ),
    Mistake(
        "Only the loss is in logarithms: that is an exponential law. Take those of the compute as well.",
        varied(lambda slope, start: (math.exp(start), -slope), same_thing, math.log),
    ),
    *(
        Mistake(
            f"{name} on the way in, {out} on the way out: go back with {back}.",
            varied(lambda slope, start, raised=raised: (raised(start), -slope), log, log),
        )
        for name, log, own, back in LOGARITHMS
        for out, raised in POWERS.items()
        if out != own
    ),
    Mistake(
        "A mean of the slopes from each point to the next: two points close together then count as much as two far "
        "apart. Least squares is Σ (x - mean x)(y - mean y) / Σ (x - mean x)².",
        of_neighbours,
    ),
    Mistake(
        "You take the logarithm of the mean. Take the mean of the logarithms: they are what lies on a line.",
        log_of_the_means,
    ),
    Mistake(
        "b is right, but for a you take the logarithm of the means: the line goes through the means of the logarithms.",
        log_of_the_means_at_the_end,
    ),
    Mistake(
        "Your means are sums divided by 5, whatever comes: divide by how many points there are, len(compute).",
        means_of_five,
    ),
    Mistake(
        "b is right, but for a your means are sums divided by 5, whatever comes: divide by len(compute).",
        means_of_five_at_the_end,
    ),
    Mistake(
        "Your slope is Σ x·y / Σ x²: take the means away first, Σ (x - mean x)(y - mean y) / Σ (x - mean x)².",
        means_forgotten_in_the_slope,
    ),
    Mistake("b is right. For a, the slope's sign: a = exp(mean y - slope · mean x), or + b · mean x.", plus_for_minus),
    Mistake(
        "Your slope is the correlation, always between -1 and 1: it says how close the points lie to a line, not how "
        "steep that is. Divide by Σ (x - mean x)² alone.",
        correlated,
    ),
    Mistake("np.cov divides by n - 1, var by n: give var ddof=1, or take sums of products.", mixed_divisors),
    Mistake("The divisor is Σ (x - mean x)², of log compute; you divide by that of log loss.", divided_by_the_other),
    Mistake(
        "Through the first and the last point only: then chance in these two decides. Use all of them.",
        by_two_points,
    ),
    Mistake("Through the first two points only. Use all of them.", first_two),
    Mistake(
        "Loss and compute have changed places in the fit: the loss is what is off the line, so it is y.",
        turned_round,
    ),
    Mistake("b is right, but the line goes through the first point. Let it go through the means.", through_first),
    Mistake("Your line goes through log compute = 0, log loss = 0: take the means away first.", through_origin),
)
