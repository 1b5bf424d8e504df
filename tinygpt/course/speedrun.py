"""The speedrun: one text, one budget, the lowest price of the held-out text wins. Its rules, and a race by them."""

import math
import platform
from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType

import numpy as np
import torch

from tinygpt.config import ModelConfig, TrainConfig, is_whole, require
from tinygpt.course.speedrun_board import HIGHEST_PRICE, Entry, board, write
from tinygpt.course.trials import step_flops, trial
from tinygpt.trainer import TrainingDiverged, steps_for_minutes

# The package's recipe, in a size for a sprint; read-only, since a changed record would spoil every race after it.
RECORD = MappingProxyType({"d_model": 64, "n_layers": 2})
RECORD_STEPS = 40  # how many steps of it the sprint pays for
MOST_STEPS = 2000  # of a sprint: thousands of tiny steps would take minutes
HIGHEST_RATE = 1
FULL_S = 60
SEEDS = (0, 1)
VOCABULARY = ModelConfig().vocab_size
FIXED = {  # what the rules give, and why a recipe can't
    "vocab_size": "the tokens are the same for all",
    "steps": "they follow from the budget",
    "seed": "every recipe runs with the same two",
    "evaluations": "nobody looks up while racing",
    "keep_epochs": "nothing is kept",
    "precision": "it is float32 for all: what it buys is seconds, and these differ from machine to machine",
}
MODEL = tuple(field.name for field in fields(ModelConfig) if field.name not in FIXED)
TRAINING = tuple(field.name for field in fields(TrainConfig) if field.name not in FIXED)
DEFAULTS = {field.name: field.default for config in (ModelConfig, TrainConfig) for field in fields(config)}
YOURS = {name: DEFAULTS[name] for name in MODEL + TRAINING}  # what a recipe can set, and what it is if it doesn't


def flops(recipe, steps):
    """What so many steps of a recipe cost, its head start included."""
    model, training = configs(recipe)
    pairs = 0 if model.tied else training.bigram_steps
    return steps * step_flops(model, training.batch_size) + pairs * 6 * VOCABULARY**2 * model.d_model


def configs(recipe):
    """The ModelConfig and TrainConfig of a recipe, {setting: value}; an InputError says which rule it breaks."""
    require(isinstance(recipe, Mapping), f"a recipe is a dictionary {{setting: value}}, not {type(recipe).__name__}")
    recipe = plain(recipe)
    for name, value in recipe.items():
        require(name not in FIXED, f"{name} is given by the rules: {FIXED.get(name)}")
        require(name in MODEL + TRAINING, f"there is no setting {name!r}; there are {', '.join(MODEL + TRAINING)}")
        if isinstance(YOURS[name], float):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            require(is_number, f"{name}={value!r} is not a number, such as {YOURS[name]}")
        if name.endswith("lr"):
            require(not value > HIGHEST_RATE, f"{name}={value} is beyond {HIGHEST_RATE}: such steps lead anywhere")
    model = ModelConfig(**{name: value for name, value in recipe.items() if name in MODEL})
    training = {name: value for name, value in recipe.items() if name in TRAINING}
    return model, TrainConfig(precision="float32", **training)


def plain(recipe):
    """A recipe with Python's own numbers in place of numpy's, which JSON doesn't know."""
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in recipe.items()}


def steps_within(recipe):
    """How many steps of a recipe the sprint's budget pays for, after its head start."""
    steps = int((SPRINT_FLOPS - flops(recipe, 0)) // (flops(recipe, 1) - flops(recipe, 0)))
    require(
        steps >= 1,
        "not one step of this recipe fits into the budget: a smaller model, a smaller batch, a shorter context, or "
        "a shorter head start",
    )
    require(
        steps <= MOST_STEPS,
        f"{steps:,} steps fit into the budget; {MOST_STEPS:,} are allowed, or the race takes minutes: "
        "a larger model, a larger batch, or a longer context",
    )
    return steps


SPRINT_FLOPS = flops(RECORD, RECORD_STEPS)
BUDGETS = {"sprint": f"{SPRINT_FLOPS / 1e9:,.0f} GFLOP", "minute": f"{FULL_S} s"}


def race(name, recipe, tokens, budget="sprint", corpus="hpo"):
    """Train a recipe with both seeds within a budget, `sprint` or `minute`, and measure it: an Entry.

    One that diverges has infinite bits per byte; it has a verdict, but no place on the board.
    """
    require(budget in BUDGETS, f"budget={budget!r} is unknown; choose one of {', '.join(BUDGETS)}")
    model, training = configs(recipe)
    steps = steps_within(recipe) if budget == "sprint" else steps_for_minutes(FULL_S / 60, model, training, tokens)
    found = [priced(tokens, model, replace(training, steps=steps, seed=seed)) for seed in SEEDS]
    return Entry(
        name=name,
        corpus=corpus,
        budget=budget,
        seconds=round(sum(seconds for _, seconds in found) / len(found), 1),
        cores=torch.get_num_threads(),
        machine=platform.machine(),
        seeds=SEEDS,
        steps=steps,
        bits_per_byte=tuple(round(price, 4) for price, _ in found),
        recipe=plain(recipe),
    )


def priced(tokens, model, training):
    """Bits per byte and seconds of one seed."""
    try:
        found = trial(tokens, model, training)
        return found.bits_per_byte, found.seconds
    except TrainingDiverged:
        return math.inf, 0.0


def obeys(entry):
    """An InputError where an entry breaks a rule."""
    configs(entry.recipe)
    require(entry.budget in BUDGETS, f"budget {entry.budget!r} is unknown; there are {', '.join(BUDGETS)}")
    require(bool(entry.corpus), "an entry names its corpus: figures of two texts can't be compared")
    require(
        len(set(entry.seeds)) == len(entry.bits_per_byte) >= 2,
        "two seeds at least, and a figure for each: one run may be luck",
    )
    require(
        all(0.3 < value < HIGHEST_PRICE for value in entry.bits_per_byte),
        f"bits per byte of {min(entry.bits_per_byte)} to {max(entry.bits_per_byte)}? That is no price of this text",
    )
    require(is_whole(entry.cores) and entry.cores >= 1, f"cores={entry.cores!r} is no number of cores")
    if entry.budget == "sprint":
        require(
            flops(entry.recipe, entry.steps) <= SPRINT_FLOPS,
            f"{entry.steps} steps of this recipe are more than {BUDGETS['sprint']}",
        )
    else:
        require(entry.seconds <= 1.1 * FULL_S, f"{entry.seconds} s of training; {FULL_S} are allowed, and a tenth more")


def enter(entry, path=None):
    """Write an entry that obeys the rules onto the board, over an older one of the same name; returns the board."""
    obeys(entry)
    write(entry, path)
    return board(entry.corpus, entry.budget, path)


def verdict(new, record):
    """Whether an entry beats a record: by more than both spread between their seeds, or it may be luck."""
    if new.diverged:
        return "diverged, the weights ran away: lower the rates (the settings that end in lr); the record stands"
    gain, luck = record.mean - new.mean, max(new.spread, record.spread)
    if abs(gain) < 0.0005:
        return "equal to the record, to three decimals: the record stands"
    if gain > luck:
        return f"a new record: lower by {gain:.3f}, and seeds differ by {luck:.3f} at most"
    if gain > 0:
        return f"lower by {gain:.3f}, but seeds differ by {luck:.3f}: that may be luck, the record stands"
    return f"higher by {-gain:.3f}: the record stands"
