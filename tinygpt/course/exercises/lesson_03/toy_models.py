"""Models of lesson 03 that can be followed by hand, or whose weights follow from their names, and what they read."""

import zlib

import torch
from torch import nn

from tinygpt.config import ModelConfig


class Does(nn.Module):
    """A part that does something a reader can follow by hand."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    def forward(self, x):
        return self.what(x)


class DoesUnderMask(Does):
    """The same for a part that has to be given the mask."""

    def forward(self, x, mask):
        return self.what(x) if mask is not None else torch.zeros_like(x)


def small_config(**sizes):
    return ModelConfig.preset("gpt2", **{"vocab_size": 5, "context_length": 4, "n_heads": 2, "n_layers": 2} | sizes)


def same_names(model, reference):
    return dict(model.named_parameters()).keys() == dict(reference.named_parameters()).keys()


@torch.no_grad()
def filled(model):
    """The model with weights that depend on their names only, so that two of the same parts get the same."""
    for name, p in model.named_parameters():
        dice = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        p.copy_(torch.randn(p.shape, generator=dice) * 0.3 + (p.ndim == 1))
    return model


TOY_BLOCK = "a block whose norms add 1 and 2, whose attention multiplies by 10, whose MLP multiplies by 100"
REAL_BLOCK = "a block of width 8 with random weights"


def streams():
    dice = torch.Generator().manual_seed(4)
    yield TOY_BLOCK, torch.tensor([[[1.0]]])
    yield TOY_BLOCK, torch.tensor([[[0.0, 1.0], [2.0, -1.0]]])
    yield REAL_BLOCK, torch.randn(2, 3, 8, generator=dice)


TOY_GPT = (
    "token rows [1, 0], [0, 1], [1, 1]; place rows [10, 0], [20, 0], [30, 0]; the first block doubles, the second adds "
    "1; the norm multiplies by 10"
)
REAL_GPT = "two real blocks of width 8, random weights"


@torch.no_grad()
def toy_gpt(model):
    model.token_embedding.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 1]]))
    model.position_embedding.weight.copy_(torch.tensor([[10.0, 0], [20, 0], [30, 0]]))
    model.blocks = nn.ModuleList([DoesUnderMask(lambda x: 2 * x), DoesUnderMask(lambda x: x + 1)])
    model.norm = Does(lambda x: 10 * x)
    return model


def texts():
    yield TOY_GPT, torch.tensor([[1]])
    yield TOY_GPT, torch.tensor([[2, 0]])
    yield REAL_GPT, torch.tensor([[4, 0, 1], [3, 3, 2]])
    yield REAL_GPT, torch.tensor([[4, 0, 1, 2]])
