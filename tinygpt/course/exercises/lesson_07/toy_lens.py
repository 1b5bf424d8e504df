"""A norm and a head of lesson 07 that can be followed by hand, and the streams that they read."""

import math
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Norm:
    """Not the model's norm, and twice is not once: who uses one of their own, or two, is found out."""

    def __call__(self, x):
        return 2 * x / x.pow(2).mean(-1, keepdim=True).sqrt() - 1

    def __repr__(self):
        return "norm(x) = 2 x / rms(x) - 1"


@dataclass(frozen=True)
class Head:
    """Scores of V tokens; by hand the first is ln 3 times the first number, all others are 0.

    sure: how often as large all scores are.
    """

    V: int = 2
    by_hand: bool = True
    sure: float = 1.0

    def __call__(self, x):
        if self.by_hand:
            return torch.cat([x[..., :1] * math.log(3) * self.sure, x[..., :1] * 0], -1)
        return x @ (torch.arange(float(x.shape[-1] * self.V)) * 2.1).cos().view(-1, self.V)

    def __repr__(self):
        if self.sure > 1:
            return "a head so sure that the other token's probability is 0"
        return "head(x) = (x[0] ln 3, 0)" if self.by_hand else f"a head for {self.V} tokens"


def streams_of(n, B, T, C):
    return (torch.arange(float(n * B * T * C)) * 1.7).sin().view(n, B, T, C) * torch.linspace(1, 4, n).view(n, 1, 1, 1)


def lens_cases():
    by_hand = torch.tensor([[5.0, 5.0], [-2.0, 2.0]]).view(2, 1, 1, 2)
    yield by_hand, torch.tensor([[1]]), Norm(), Head()
    yield by_hand[:1], torch.tensor([[0]]), Norm(), Head()
    two = torch.tensor([[[[5.0, 5.0], [-3.0, 3.0]]]])
    yield two, torch.tensor([[1, 0]]), Norm(), Head()
    yield streams_of(3, 2, 4, 6), torch.tensor([[4, 0, 2, 2], [1, 3, 0, 4]]), Norm(), Head(5, by_hand=False)
    yield streams_of(5, 3, 2, 4), torch.tensor([[6, 1], [0, 5], [2, 2]]), Norm(), Head(7, by_hand=False)
    yield by_hand[:1].repeat(2, 1, 1, 1), torch.tensor([[0]]), Norm(), Head(sure=200)
