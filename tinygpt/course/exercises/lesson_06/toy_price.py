"""A model of lesson 06 whose prices can be followed by hand, and the streams that it prices."""

from dataclasses import dataclass

import torch

from tinygpt.config import require


@dataclass(frozen=True)
class ToyPrice:
    """A model whose prices can be followed by hand: a token costs its id, and something for what stands before it.

    That is 1/k with k tokens before it, so that more to read is cheaper; or k/100, so that it is dearer.
    """

    context_length: int
    rises: bool = False

    def __call__(self, window):
        require(
            isinstance(window, torch.Tensor) and window.ndim == 1,
            f"price takes a tensor of shape (n,), not {getattr(window, 'shape', type(window).__name__)}",
        )
        require(
            2 <= len(window) <= self.context_length + 1,
            f"price was given a window of {len(window)} ids; with context_length={self.context_length} it takes 2 to "
            f"{self.context_length + 1}",
        )
        k = torch.arange(1.0, len(window))  # (n - 1,)
        return window[1:] + (k / 100 if self.rises else 1 / k)

    def read_before(self, nats, token_id):
        """How many tokens stood before a token, read off its price; None where that can't be."""
        extra = nats - token_id
        if not 0.005 < extra < 1.01:
            return None
        return extra * 100 if self.rises else 1 / extra

    def __repr__(self):
        return "a price that rises with what can be read" if self.rises else "price"


def streams():
    for n, context_length, stride in ((8, 4, 2), (5, 4, 4), (10, 4, 3), (9, 4, 4), (4, 6, 2), (21, 5, 1), (40, 8, 5)):
        yield ToyPrice(context_length), torch.arange(n) * 10, context_length, stride
    yield ToyPrice(4, rises=True), torch.arange(8) * 10, 4, 2
