"""Trials: a model trained in memory for its steps, and what the held-out text then costs. No files, no hurry."""

from dataclasses import dataclass, field, replace

import torch

from tinygpt.course.lesson_model import capped
from tinygpt.evaluation import evaluate
from tinygpt.model import TinyGPT
from tinygpt.optim import make_optimizers
from tinygpt.trainer import Trainer


@dataclass(frozen=True)
class Trial:
    """What came of a trial. bits_per_byte: of the measured text. seconds: of the steps. flops: of all steps."""

    bits_per_byte: float
    steps: int
    seconds: float
    flops: float
    model: TinyGPT = field(repr=False, compare=False)


def trial(tokens, model, training, change=None, measured=None):
    """Train a new model and measure it.

    tokens: {split: token file}. model, training: a ModelConfig and a TrainConfig. change: what is done to the new model
    before its first step, change(model). measured: the token file that is measured; the validation text where None.
    While tests run the lessons unsolved, hardly any steps are taken.
    """
    training = replace(training, steps=capped(training.steps))
    with torch.random.fork_rng(devices=[]):
        trainer = Trainer(model, training, tokens)
        if change:
            change(trainer.model)
            trainer.optimizers = make_optimizers(trainer.model, training, trainer.dtype)
        while trainer.step < training.steps:
            trainer.train_step()
    found = evaluate(trainer.model, tokens["validation"] if measured is None else measured).bits_per_byte
    flops = training.steps * step_flops(model, training.batch_size)
    return Trial(float(found), training.steps, trainer.seconds, flops, trainer.model)


def step_flops(config, batch_size):
    """FLOPs of the products of one training step: forward once, backward twice."""
    C, T, tokens = config.d_model, config.context_length, batch_size * config.context_length
    matrices = 3 if config.mlp == "swiglu" else 2
    weights = config.n_layers * (4 * C * C + matrices * C * config.d_ff) + C * config.vocab_size
    attention = config.n_layers * 2 * T * C  # scores and weighted values, the hidden half computed too
    return 3 * 2 * tokens * (weights + attention)
