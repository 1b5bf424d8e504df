"""Exercise GPT of lesson 03: the answer, how it is put to use, and what people get wrong."""

import torch
import torch.nn.functional as F
from torch import nn

from tinygpt.attention import causal_mask
from tinygpt.course.comparing import same
from tinygpt.course.exercises.lesson_03.block import Block, LayerNorm
from tinygpt.course.exercises.lesson_03.toy_models import TOY_GPT, filled, same_names, small_config, texts, toy_gpt
from tinygpt.course.exercises.lesson_03.trainable import (
    CLOSE,
    OTHER_NAMES,
    gradients,
    look_at_use,
    usable,
    with_gradients,
)
from tinygpt.course.judging import Exercise, Mistake
from tinygpt.course.telling import difference


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = LayerNorm(config.d_model)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tied:
            self.head.weight = self.token_embedding.weight

    def forward(self, ids):
        T = ids.shape[1]
        positions = torch.arange(T, device=ids.device)  # (T,)
        x = self.token_embedding(ids) + self.position_embedding(positions)  # (B, T, C)
        mask = causal_mask(T, device=ids.device)  # (T, T)
        for block in self.blocks:
            x = block(x, mask)  # (B, T, C)
        return self.head(self.norm(x))  # (B, T, V)


def use_gpt(answer, kind, ids):
    sizes = {"vocab_size": 3, "context_length": 3, "d_model": 2} if kind == TOY_GPT else {"d_model": 8, "tied": False}
    model, reference = answer(small_config(**sizes)), GPT(small_config(**sizes))
    if not same_names(model, reference):
        return OTHER_NAMES
    model, reference = (toy_gpt if kind == TOY_GPT else filled)(model), filled(reference)
    before = ids.clone()
    result = called(model, ids)
    if kind == TOY_GPT:
        return result
    expected = reference(before)
    result = usable(result, expected, [before], [ids])
    if not same(result, expected, CLOSE):
        return result
    return with_gradients(result, list(model.parameters()), gradients(expected, list(reference.parameters())))


def called(model, ids):
    try:
        return model(ids)
    except NotImplementedError as problem:
        if "ModuleList" in str(problem):  # torch's own way to say that a list of modules can't be called
            raise TypeError("self.blocks is a list: call each of its blocks, in a loop") from None
        raise


def gpt_that(forward):
    """A GPT with another forward."""
    return type("GPT", (GPT,), {"forward": forward})


def run_gpt(self, ids, positions=None, mask=None, blocks=None, norm=True, head=True, each=None):
    """GPT.forward with some of its parts exchanged."""
    T = ids.shape[1]
    x = self.token_embedding(ids)
    x = x + (self.position_embedding(torch.arange(T)) if positions is None else positions(ids))
    for block in self.blocks if blocks is None else blocks:
        given = causal_mask(T) if mask is None else mask(T)
        x = each(self, block, x, given) if each else block(x, given)
    x = self.norm(x) if norm else x
    return self.head(x) if head else x


GPT_EXERCISE = Exercise(
    name="GPT",
    reference=GPT,
    advice={
        "index out of range in self": "a token or a place beyond its table: take T from ids.shape[1], a text may be "
        "shorter than the context.",
        "must match the existing size": "the mask has the size of this text: causal_mask(ids.shape[1]).",
        "not subscriptable": "an embedding is called with whole numbers, or sliced through .weight.",
        "missing 1 required positional argument: 'mask'": "a block is called with x and the mask.",
    },
    examples=texts,
    use=use_gpt,
    explain=lambda got, expected, kind, ids: look_at_logits(got, expected, ids) or look_at_use(got, expected),
    hints=(
        "Four steps: look up tokens and places and add them; make the mask; hand x through every block; norm and head.",
        "The places are torch.arange(T) with T = ids.shape[1]; self.position_embedding(places) is (T, C) and is added "
        "to every text of the batch by itself. The mask is causal_mask(T).",
        "for block in self.blocks: x = block(x, mask); then return self.head(self.norm(x)).",
    ),
    mistakes=(
        Mistake(
            "No position in it: the model could not tell the first token from the last. Add self.position_embedding "
            "of 0, 1, ..., T - 1.",
            gpt_that(lambda self, ids: run_gpt(self, ids, positions=lambda ids: 0)),
        ),
        Mistake(
            "Those are the last places of the table. A text begins at place 0: the first T rows, [:T].",
            gpt_that(lambda self, ids: run_gpt(self, ids, positions=lambda ids: places_of(self)[-ids.shape[1] :])),
        ),
        Mistake(
            "A block adds to the stream by itself: x = block(x, mask). With x + block(x, mask) everything is in it "
            "twice.",
            gpt_that(lambda self, ids: run_gpt(self, ids, each=lambda self, block, x, mask: x + block(x, mask))),
        ),
        Mistake(
            "The norm stands inside the loop. The stream is never normalised itself; one norm at the end, before the "
            "head.",
            gpt_that(
                lambda self, ids: run_gpt(
                    self, ids, norm=False, each=lambda self, block, x, mask: self.norm(block(x, mask))
                )
            ),
        ),
        Mistake(
            "Places are added once, before the first block, not before each.",
            gpt_that(
                lambda self, ids: run_gpt(
                    self,
                    ids,
                    positions=lambda ids: 0,
                    each=lambda self, block, x, mask: block(x + places_of(self)[: x.shape[1]], mask),
                )
            ),
        ),
        Mistake(
            "Use self.head. It is the token table only where the configuration ties them.",
            gpt_that(lambda self, ids: run_gpt(self, ids, head=False) @ self.token_embedding.weight.T),
        ),
        Mistake(
            "You looked up places by the tokens' ids. A place is where a token stands: torch.arange(T).",
            gpt_that(
                lambda self, ids: run_gpt(
                    self, ids, positions=lambda ids: F.embedding(ids % self.config.context_length, places_of(self))
                )
            ),
        ),
        Mistake(
            "Places count from 0; yours start at 1.",
            gpt_that(lambda self, ids: run_gpt(self, ids, positions=lambda ids: later_places(self, ids))),
        ),
        Mistake(
            "The final norm is missing: self.head(self.norm(x)).",
            gpt_that(lambda self, ids: run_gpt(self, ids, norm=False)),
        ),
        Mistake(
            "That is the stream (B, T, C). The head turns it into a score for each token: (B, T, V).",
            gpt_that(lambda self, ids: run_gpt(self, ids, head=False)),
        ),
        Mistake(
            "Those are probabilities. Return the scores (logits) as they are; the loss needs them so.",
            gpt_that(lambda self, ids: run_gpt(self, ids).softmax(-1)),
        ),
        Mistake(
            "Those are log-probabilities. Return the scores (logits) as they are.",
            gpt_that(lambda self, ids: run_gpt(self, ids).log_softmax(-1)),
        ),
        Mistake(
            "The blocks run in the wrong order: the last comes first.",
            gpt_that(lambda self, ids: run_gpt(self, ids, blocks=reversed(self.blocks))),
        ),
        Mistake(
            "Each block has to read what the one before it returned: x = block(x, mask). Here only the last counts.",
            gpt_that(lambda self, ids: run_gpt(self, ids, blocks=list(self.blocks)[-1:])),
        ),
        Mistake(
            "Only the first block was used: is there a return inside the loop?",
            gpt_that(lambda self, ids: run_gpt(self, ids, blocks=list(self.blocks)[:1])),
        ),
        Mistake(
            "What the blocks return is lost: x = block(x, mask).",
            gpt_that(lambda self, ids: run_gpt(self, ids, blocks=[])),
        ),
        Mistake(
            "Only the last position came back. In training every position predicts: (B, T, V).",
            gpt_that(lambda self, ids: run_gpt(self, ids)[:, -1]),
        ),
        Mistake(
            "The mask lets every position see all others, the future too: causal_mask(T).",
            gpt_that(lambda self, ids: run_gpt(self, ids, mask=lambda T: torch.ones(T, T, dtype=torch.bool))),
        ),
        Mistake(
            "The blocks need a mask: causal_mask(T), True where position t may look.",
            gpt_that(lambda self, ids: run_gpt(self, ids, mask=lambda T: None)),
        ),
    ),
)


def places_of(model):
    return model.position_embedding.weight


def later_places(model, ids):
    return F.embedding((torch.arange(ids.shape[1]) + 1) % model.config.context_length, places_of(model))


def look_at_logits(got, expected, ids):
    if isinstance(got, torch.Tensor) and got.isnan().any():
        return "There are nan in it. A mask with ~ hides exactly what may be seen: causal_mask(T) is True for the past."
    if isinstance(got, torch.Tensor) and got.shape != expected.shape:
        B, T = ids.shape
        return f"{difference(got, expected)} That is (B, T, V) with B = {B}, T = {T}, V = {expected.shape[-1]}."
    return None
