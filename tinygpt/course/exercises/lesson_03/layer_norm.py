"""Exercise layer_norm of lesson 03: the answer, what it is tried on, and what people get wrong."""

import torch
import torch.nn.functional as F

from tinygpt.course.exercises.lesson_03.trainable import look_at_use, tried_with_gradients
from tinygpt.course.judging import Exercise, Mistake


def layer_norm(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)  # (..., 1)
    variance = (x - mean).pow(2).mean(dim=-1, keepdim=True)  # (..., 1)
    return (x - mean) / (variance + eps).sqrt() * weight + bias  # (..., C)


def vectors():
    dice = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(shape, generator=dice)

    yield torch.tensor([1.0, 7.0, 7.0, 9.0]), torch.ones(4), torch.zeros(4)
    yield torch.tensor([1.0, 7.0, 7.0, 9.0]), torch.tensor([1.0, 1.0, 1.0, 3.0]), torch.tensor([0.0, 0.0, 10.0, 0.0])
    yield torch.tensor([[1.0, 3.0], [2.0, 8.0]]), torch.ones(2), torch.zeros(2)
    yield torch.tensor([5.0, 5.0, 5.0]), torch.ones(3), torch.zeros(3)
    yield torch.tensor([0.001, 0.007, 0.007, 0.009]), torch.ones(4), torch.zeros(4)
    yield draw(2, 4, 4) * 5, draw(4), draw(4)
    yield draw(2, 3, 8) + 2, draw(8), draw(8)


def use_layer_norm(answer, x, weight, bias):
    """The small examples are for the numbers; the larger ones, at the end, for what training needs as well."""
    if x.ndim < 3:
        return answer(x, weight, bias)
    return tried_with_gradients(answer, layer_norm, x, weight, bias)


def normalised(x, spread, mean=None):
    return (x - (x.mean(-1, keepdim=True) if mean is None else mean)) / spread


def std(x, eps=1e-5):
    return (x.var(-1, keepdim=True, correction=0) + eps).sqrt()


LAYER_NORM = Exercise(
    name="layer_norm",
    reference=layer_norm,
    examples=vectors,
    use=use_layer_norm,
    explain=look_at_use,
    forbidden=("layer_norm", "native_layer_norm"),
    hints=(
        "Three steps for each vector: subtract its mean, divide by its standard deviation, then weight and bias. All "
        "averages run over the last axis: dim=-1, keepdim=True.",
        "The variance is the mean of the squared distances from the mean: (x - mean).pow(2).mean(dim=-1, keepdim=True)."
        " Add 1e-5 to it before you take the root.",
        "return (x - mean) / (variance + 1e-5).sqrt() * weight + bias",
    ),
    mistakes=(
        Mistake(
            "torch's var and std divide by C - 1 unless told otherwise. The plain mean of the squares is meant: "
            "correction=0.",
            lambda x, weight, bias: normalised(x, (x.var(-1, keepdim=True) + 1e-5).sqrt()) * weight + bias,
        ),
        Mistake(
            "torch's std divides by C - 1 unless told otherwise, and the 1e-5 belongs under the root, with the "
            "variance.",
            lambda x, weight, bias: normalised(x, x.std(-1, keepdim=True) + 1e-5) * weight + bias,
        ),
        Mistake(
            "Is the 1e-5 under the root? Added to the standard deviation it is nearly nothing; added to the variance "
            "it keeps a vector of tiny numbers from being blown up.",
            lambda x, weight, bias: normalised(x, std(x, 0) + 1e-5) * weight + bias,
        ),
        Mistake(
            "Where all numbers of a vector are equal, that is 0 / 0. Add 1e-5 to the variance.",
            lambda x, weight, bias: normalised(x, std(x, 0)) * weight + bias,
        ),
        Mistake(
            "You divided by the variance. Its root, the standard deviation, is in the same unit as x.",
            lambda x, weight, bias: normalised(x, std(x) ** 2) * weight + bias,
        ),
        Mistake(
            "The mean is still in it: subtract it first. (Without, you have built RMSNorm, which lesson 09 will use.)",
            lambda x, weight, bias: x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weight + bias,
        ),
        Mistake(
            "You divided x itself: subtract the mean above the line too.",
            lambda x, weight, bias: x / std(x) * weight + bias,
        ),
        Mistake(
            "The mean is gone, but the spread is as large as before: divide by the standard deviation.",
            lambda x, weight, bias: (x - x.mean(-1, keepdim=True)) * weight + bias,
        ),
        Mistake(
            "Weight and bias are missing: the last two lines of the recipe.",
            lambda x, weight, bias: normalised(x, std(x)),
        ),
        Mistake(
            "The bias is missing: + bias at the end.",
            lambda x, weight, bias: normalised(x, std(x)) * weight,
        ),
        Mistake(
            "First times weight, then plus bias; you added before you multiplied.",
            lambda x, weight, bias: (normalised(x, std(x)) + bias) * weight,
        ),
        Mistake(
            "One mean for everything, over all axes. Each position has its own: dim=-1, keepdim=True. (A mean over all "
            "positions would even let the past see the future.)",
            lambda x, weight, bias: (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt() * weight + bias,
        ),
        Mistake(
            "Your averages run down the columns, over positions. They belong to each vector: the last axis, dim=-1.",
            lambda x, weight, bias: (
                (x - x.mean(0, keepdim=True)) / (x.var(0, keepdim=True, correction=0) + 1e-5).sqrt() * weight + bias
            ),
        ),
        Mistake(
            "The mean is without keepdim=True: it lies along the wrong axis, and each column got the mean of a row.",
            lambda x, weight, bias: (x - x.mean(-1)) / std(x) * weight + bias,
        ),
        Mistake(
            "The variance is without keepdim=True: it lies along the wrong axis, and each column was divided by a "
            "row's.",
            lambda x, weight, bias: normalised(x, std(x).squeeze(-1)) * weight + bias,
        ),
        Mistake(
            "Times weight, then plus bias; you multiplied by the sum of the two.",
            lambda x, weight, bias: normalised(x, std(x)) * (weight + bias),
        ),
        Mistake(
            "Divided by the length of the vector, the root of the *sum* of squares. It is the root of their mean, and "
            "1e-5 under it.",
            lambda x, weight, bias: F.normalize(x - x.mean(-1, keepdim=True), dim=-1) * weight + bias,
        ),
        Mistake(
            "Without keepdim=True the means lie along the wrong axis: here each column got the mean of a row.",
            lambda x, weight, bias: (x - x.mean(-1)) / ((x - x.mean(-1)).pow(2).mean(-1) + 1e-5).sqrt() * weight + bias,
        ),
    ),
)
