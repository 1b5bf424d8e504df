"""How fast a model learns: bits per byte after seconds of training, evaluation not counted.

Ours is `tinygpt run` with the seconds turned into steps; the peer is the reference recipe on the same tokens, evaluated
by the same protocol. The pair table is lesson 09's, which the package does not have; it is shown for comparison.
"""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from tinygpt import trainer as trainer_module
from tinygpt.config import ModelConfig, TrainConfig
from tinygpt.course.exercises.lesson_09.pair_table import with_pair_table
from tinygpt.evaluation import evaluate
from tinygpt.model import TinyGPT

from .ratios import Row, in_turn, middle, ratios
from .reference import train_for

DIVISORS = (14, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)  # of the reference's time: what ours tries, the shortest first


@dataclass(frozen=True)
class Trained:
    bits_per_byte: float
    seconds: float
    steps: int


def reference(seconds, tokens, seed):
    began = time.perf_counter()
    model, steps = train_for(seconds, tokens["train"], seed)
    elapsed = time.perf_counter() - began
    return Trained(evaluate(model, tokens["validation"]).bits_per_byte, elapsed, steps)


def ours(seconds, tokens, seed, model_config=None, **changes):
    """What `tinygpt train --minutes` does, without files; the time is that of the steps."""
    model_config, config = model_config or ModelConfig(), TrainConfig(seed=seed, **changes)
    steps = trainer_module.steps_for_minutes(seconds / 60, model_config, config, tokens)
    config = TrainConfig(seed=seed, steps=steps, **changes)
    trainer = trainer_module.Trainer(model_config, config, tokens)
    while trainer.step < steps:
        trainer.train_step()
    return Trained(evaluate(trainer.model, tokens["validation"]).bits_per_byte, trainer.seconds, steps)


def with_table(seconds, tokens, seed):
    """Ours with the pair table and the little dropout that it needs."""
    with replaced(trainer_module, "TinyGPT", lambda config: with_pair_table(TinyGPT(config))):
        return ours(seconds, tokens, seed, ModelConfig(dropout=0.05 if seconds > 100 else 0.0))


@contextmanager
def replaced(module, name, value):
    kept = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, kept)


def time_to_reach(target, tokens, seed, seconds, learn=ours):
    """The shortest run of ours, of the shares of the reference's seconds that we try, that gets as far as it did."""
    for divisor in DIVISORS:
        found = learn(seconds / divisor, tokens, seed)
        if found.bits_per_byte <= target:
            return found
    raise RuntimeError(f"ours has not reached {target:.3f} bits per byte in {seconds} s")


def rows(tokens, seeds=2, short=60, long=300):
    """Rows of the table: at equal quality, and at equal time."""
    runs = {
        "reference, long": lambda seed: reference(long, tokens, seed),
        "ours, short": lambda seed: ours(short, tokens, seed),
        "reference, short": lambda seed: reference(short, tokens, seed),
        "ours, long": lambda seed: ours(long, tokens, seed),
        "table, short": lambda seed: with_table(short, tokens, seed),
        "table, long": lambda seed: with_table(long, tokens, seed),
    }
    found = in_turn(runs, seeds)
    targets = [run.bits_per_byte for run in found["reference, long"]]
    reached = in_turn(
        {
            "ours": lambda seed: time_to_reach(targets[seed], tokens, seed, long),
            "table": lambda seed: time_to_reach(targets[seed], tokens, seed, long, with_table),
        },
        seeds,
    )
    for name, learner in (("ours", "ours"), ("table", "ours with the pair table")):
        runs = reached[name]
        yield Row(
            f"{learner}: time to what the reference reaches in {long} s",
            "6 (10)",
            ratios([run.seconds for run in found["reference, long"]], [run.seconds for run in runs]),
            f"reference {middle(targets, '{:.3f}')} bits per byte; {learner} "
            f"{middle([run.bits_per_byte for run in runs], '{:.3f}')} in {middle([run.seconds for run in runs])} s",
        )
    goals = {"short": 1.43, "long": 1.19}
    for name, learner in (("ours", "ours"), ("table", "ours with the pair table")):
        for span, seconds in (("short", short), ("long", long)):
            mine, theirs = found[f"{name}, {span}"], found[f"reference, {span}"]
            yield Row(
                f"{learner}: bits per byte after {seconds} s, reference / ours",
                f"{goals[span]} bits" if name == "ours" else "",
                ratios([run.bits_per_byte for run in theirs], [run.bits_per_byte for run in mine]),
                f"reference {spread(theirs)}, {learner} {spread(mine)} in {middle([run.steps for run in mine])} steps",
            )


def spread(runs):
    values = [run.bits_per_byte for run in runs]
    return f"{median(values):.3f} ({min(values):.3f} to {max(values):.3f})"
