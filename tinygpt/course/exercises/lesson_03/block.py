"""Exercise Block of lesson 03: the answer, how it is put to use, and what people get wrong."""

import torch
import torch.nn.functional as F
from torch import nn

from tinygpt.attention import CausalSelfAttention, causal_mask
from tinygpt.course.exercises.lesson_03.layer_norm import layer_norm
from tinygpt.course.exercises.lesson_03.toy_models import (
    REAL_BLOCK,
    TOY_BLOCK,
    Does,
    DoesUnderMask,
    filled,
    same_names,
    small_config,
    streams,
)
from tinygpt.course.exercises.lesson_03.trainable import OTHER_NAMES, look_at_use, tried_with_gradients
from tinygpt.course.judging import Exercise, Mistake


class LayerNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        return layer_norm(x, self.weight, self.bias)


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.up = nn.Linear(config.d_model, 4 * config.d_model)
        self.output = nn.Linear(4 * config.d_model, config.d_model)

    def forward(self, x):
        return self.output(F.gelu(self.up(x)))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention_norm = LayerNorm(config.d_model)
        self.attention = CausalSelfAttention(config, layer=0)
        self.mlp_norm = LayerNorm(config.d_model)
        self.mlp = MLP(config)

    def forward(self, x, mask):
        x = x + self.attention(self.attention_norm(x), mask)  # (B, T, C)
        return x + self.mlp(self.mlp_norm(x))  # (B, T, C)


def use_block(answer, kind, x):
    config = small_config(d_model=x.shape[-1] if kind == REAL_BLOCK else 2)
    block = answer(config)
    if not same_names(block, Block(config)):
        return OTHER_NAMES
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril(0 if kind == TOY_BLOCK else 1)  # not always causal
    if kind == TOY_BLOCK:
        block.attention_norm, block.mlp_norm = Does(lambda x: x + 1), Does(lambda x: x + 2)
        block.attention, block.mlp = DoesUnderMask(lambda x: 10 * x), Does(lambda x: 100 * x)
        return block(x, mask)
    reference = filled(Block(config))
    return tried_with_gradients(lambda x: filled(block)(x, mask), lambda x: reference(x, mask), x)


def block_that(forward):
    """A Block with another forward."""
    return type("Block", (Block,), {"forward": forward})


BLOCK = Exercise(
    name="Block",
    reference=Block,
    advice={"missing 1 required positional argument: 'mask'": "attention is called with x and the mask."},
    examples=streams,
    use=use_block,
    explain=look_at_use,
    hints=(
        "Twice the same sentence: x becomes x plus what a part makes of a normalised copy of x.",
        "The first part is self.attention, given self.attention_norm(x) and the mask. The second is self.mlp; it reads "
        "the x that attention has already written into.",
        "x = x + self.attention(self.attention_norm(x), mask), then return x + the same with mlp_norm and mlp.",
    ),
    mistakes=(
        Mistake(
            "You made a mask of your own. The block is given one: hand on that.",
            block_that(lambda self, x, mask: Block.forward(self, x, causal_mask(x.shape[1]))),
        ),
        Mistake(
            "The MLP reads what attention has written, and nothing else. It should read the new x, to which attention "
            "has added.",
            block_that(lambda self, x, mask: mlp_reads_attention(self, x, mask)),
        ),
        Mistake(
            "You normalised what the parts write. They should *read* a normalised copy: self.mlp(self.mlp_norm(x)).",
            block_that(lambda self, x, mask: normed_branches(self, x, mask)),
        ),
        Mistake(
            "The stream is gone: your parts replace x. Each has to add to it, x + ...",
            block_that(lambda self, x, mask: self.mlp(self.mlp_norm(self.attention(self.attention_norm(x), mask)))),
        ),
        Mistake(
            "That is post-norm, as in the Transformer of 2017: here the norm stands on the road itself. We normalise "
            "only the copy that a part reads; the stream is never touched but by adding.",
            block_that(lambda self, x, mask: post_norm(self, x, mask)),
        ),
        Mistake(
            "Attention and MLP read the same x, side by side. Here the MLP comes second: it reads the stream after "
            "attention has written into it.",
            block_that(
                lambda self, x, mask: x + self.attention(self.attention_norm(x), mask) + self.mlp(self.mlp_norm(x))
            ),
        ),
        Mistake(
            "You added to the normalised copy. Keep x itself: x + part(norm(x)).",
            block_that(lambda self, x, mask: adds_to_the_copy(self, x, mask)),
        ),
        Mistake(
            "No norms: each part reads a normalised copy of the stream.",
            block_that(lambda self, x, mask: without_norms(self, x, mask)),
        ),
        Mistake(
            "The MLP reads the bare stream; give it self.mlp_norm(x).",
            block_that(lambda self, x, mask: reads_bare(self, x, mask, mlp=True)),
        ),
        Mistake(
            "Attention reads the bare stream; give it self.attention_norm(x).",
            block_that(lambda self, x, mask: reads_bare(self, x, mask, mlp=False)),
        ),
        Mistake(
            "The two norms are exchanged: attention_norm goes before attention, mlp_norm before the MLP.",
            block_that(lambda self, x, mask: with_norms(self, x, mask, self.mlp_norm, self.attention_norm)),
        ),
        Mistake(
            "You used attention_norm twice. Each norm has weights of its own: self.mlp_norm before the MLP.",
            block_that(lambda self, x, mask: with_norms(self, x, mask, self.attention_norm, self.attention_norm)),
        ),
        Mistake(
            "First the MLP, then attention: it is the other way round.",
            block_that(lambda self, x, mask: mlp_first(self, x, mask)),
        ),
        Mistake(
            "What attention wrote is lost: the second sum starts from the old x. Write x = x + ... the first time.",
            block_that(
                lambda self, x, mask: x + self.mlp(self.mlp_norm(x + self.attention(self.attention_norm(x), mask)))
            ),
        ),
        Mistake(
            "The MLP's result has to be added to the stream too.",
            block_that(lambda self, x, mask: self.mlp(self.mlp_norm(x + self.attention(self.attention_norm(x), mask)))),
        ),
        Mistake(
            "Attention's result has to be added to the stream too.",
            block_that(lambda self, x, mask: replaces_by_attention(self, x, mask)),
        ),
        Mistake(
            "There is no mask in that: attention has to be given the mask that your block was given.",
            block_that(lambda self, x, mask: Block.forward(self, x, None if mask.ndim else mask)),
        ),
        Mistake(
            "Only attention writes into the stream. The MLP's turn is missing.",
            block_that(lambda self, x, mask: x + self.attention(self.attention_norm(x), mask)),
        ),
    ),
)


def mlp_reads_attention(self, x, mask):
    heard = self.attention(self.attention_norm(x), mask)
    return x + heard + self.mlp(self.mlp_norm(heard))


def normed_branches(self, x, mask):
    x = x + self.attention_norm(self.attention(x, mask))
    return x + self.mlp_norm(self.mlp(x))


def post_norm(self, x, mask):
    x = self.attention_norm(x + self.attention(x, mask))
    return self.mlp_norm(x + self.mlp(x))


def adds_to_the_copy(self, x, mask):
    x = self.attention_norm(x)
    x = self.mlp_norm(x + self.attention(x, mask))
    return x + self.mlp(x)


def without_norms(self, x, mask):
    x = x + self.attention(x, mask)
    return x + self.mlp(x)


def reads_bare(self, x, mask, mlp):
    x = x + self.attention(self.attention_norm(x) if mlp else x, mask)
    return x + self.mlp(x if mlp else self.mlp_norm(x))


def with_norms(self, x, mask, first, second):
    x = x + self.attention(first(x), mask)
    return x + self.mlp(second(x))


def mlp_first(self, x, mask):
    x = x + self.mlp(self.mlp_norm(x))
    return x + self.attention(self.attention_norm(x), mask)


def replaces_by_attention(self, x, mask):
    x = self.attention(self.attention_norm(x), mask)
    return x + self.mlp(self.mlp_norm(x))
