"""A tiny model of lesson 07: its prices, ways to replace what a head says, and the hooks that are left in it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from tinygpt.config import ModelConfig
from tinygpt.course.exercises.lesson_07.mean_out_head import mean_out_head
from tinygpt.model import TinyGPT


@dataclass(frozen=True)
class Tiny:
    """A model small enough to be made anew for each answer."""

    n_layers: int
    n_heads: int
    seed: int = 0

    def __repr__(self):
        return f"a model of {self.n_layers} layer(s) with {self.n_heads} heads"

    def make(self):
        generator = torch.Generator().manual_seed(self.seed)
        shape = dict(vocab_size=7, context_length=6, d_model=4 * self.n_heads, d_ff=16)
        model = TinyGPT(ModelConfig(n_heads=self.n_heads, n_layers=self.n_layers, **shape)).eval()
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn(p.shape, generator=generator))
        ids = torch.randint(7, (3, 7), generator=generator)  # three documents

        @torch.no_grad()
        def price():
            nats = F.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="none")  # (3, T)
            return nats.sum(1)  # (3,)

        return model, price


def tiny_cases():
    yield Tiny(1, 2, seed=25), "mean_out_head", "price"  # the same order by sum, largest number or first document
    yield Tiny(2, 2, seed=369), "mean_out_head", "price"  # another one by each, and within layers; some are harmful
    yield Tiny(3, 4, seed=1), "mean_out_head", "price"
    yield Tiny(2, 2, seed=3), "zero_out_head", "price"


def zero_out_head(joined, head, n_heads):
    keep = torch.arange(joined.shape[-1]) // (joined.shape[-1] // n_heads) != head
    return joined * keep


REPLACE = {"mean_out_head": mean_out_head, "zero_out_head": zero_out_head}


def hooks_in(model):
    return sum(len(m._forward_pre_hooks) + len(m._forward_hooks) for m in model.modules())
