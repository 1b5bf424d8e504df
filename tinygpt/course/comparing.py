"""When two results are the same, whatever they are made of."""

import math

import numpy as np
import torch


def same(a, b, tolerance):
    """Whether two results are equal: the same kind of thing, the same shape, numbers within the tolerance.

    A whole number equals a float of the same value, and a tensor of no dimensions; a list equals a tuple of equal
    things. A numpy array is no tensor: the lesson goes on with what passes here.
    """
    a, b = (x.item() if isinstance(x, torch.Tensor) and x.ndim == 0 else x for x in (a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return same(torch.from_numpy(a), torch.from_numpy(b), tolerance)
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        a, b = a.detach().cpu(), b.detach().cpu()
        is_bool = torch.bool in (a.dtype, b.dtype)
        if a.shape != b.shape or (is_bool and a.dtype != b.dtype) or a.is_complex() != b.is_complex():
            return False
        return torch.allclose(a.double(), b.double(), rtol=tolerance, atol=tolerance, equal_nan=True)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key], tolerance) for key in b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if is_number(a) and is_number(b):
        close = math.isfinite(b) and abs(a - b) <= tolerance * max(1, abs(b))
        return a == b or close or (a != a and b != b)
    return type(a) is type(b) and a == b


def is_number(x):
    return isinstance(x, int | float | np.number) and not isinstance(x, bool)
