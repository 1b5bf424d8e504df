"""The recipe's ladder: from what was usual in 2019 to what the package does, one thing changed at a time.

python -m tests.benchmarks.ladder [--seconds 60] [--seeds 2]

Every rung keeps what those before it changed and trains for the same seconds, on this machine, now; a second column
takes the one thing away from the finished recipe. The figures are written to tinygpt/course/ladder.json: lesson 09
draws them.
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "5000")  # as the command line does, and before torch

import torch

import tinygpt
from tinygpt.config import ModelConfig, TrainConfig

from .corpus import read_corpus
from .learning import ours, reference
from .ratios import in_turn
from .reference import BATCH_SIZE, LR, REFERENCE, WARMUP

DATA = Path(tinygpt.__file__).parent / "course" / "ladder.json"
START_MODEL = {**asdict(REFERENCE), "d_ff": 0}
DEFAULT_MODEL, DEFAULT_TRAINING = {**asdict(ModelConfig()), "d_ff": 0}, asdict(TrainConfig())
START_TRAINING = {
    **DEFAULT_TRAINING,
    **dict(batch_size=BATCH_SIZE, optimizer="adamw", lr=LR, warmup=WARMUP, decay=1 - WARMUP),
    **dict(precision="float32", bigram_steps=0),
}
RUNGS = {  # what it is -> the settings that it changes
    "blocks start at zero, rate falls to zero": (),  # what our trainer does with any settings
    "bfloat16 products": ("precision",),
    "RMSNorm, no biases": ("norm",),
    "rotary positions": ("positions",),
    "QK-norm": ("qk_norm",),
    "gated MLP (SwiGLU)": ("mlp",),
    "a head of its own": ("tied",),
    "Muon, and a rate for each kind of weight": ("optimizer", "lr", "warmup", "decay"),
    "context 128": ("context_length",),
    "batch 16": ("batch_size",),
    "2 heads": ("n_heads",),
    "head start from bigrams": ("bigram_steps",),
}


def settings(changed):
    """Settings of the start, but those named in `changed` as the package has them now: of the model, of training."""

    def mixed(start, default):
        return {name: default[name] if name in changed else value for name, value in start.items()}

    return mixed(START_MODEL, DEFAULT_MODEL), mixed(START_TRAINING, DEFAULT_TRAINING)


def cumulative():
    """The settings of each rung, {name: names of the settings that have changed so far}."""
    so_far, rungs = (), {}
    for name, changed in RUNGS.items():
        so_far = (*so_far, *changed)
        rungs[name] = so_far
    return rungs


def without():
    """The finished recipe without one thing, {name: names of the settings that stay changed}."""
    everything = [name for changed in RUNGS.values() for name in changed]
    return {
        name: tuple(kept for kept in everything if kept not in changed) for name, changed in RUNGS.items() if changed
    }


def learn(seconds, tokens, seed, changed):
    model, training = settings(changed)
    changes = {name: value for name, value in training.items() if name not in ("steps", "seed")}
    return ours(seconds, tokens, seed, ModelConfig(**model), **changes)


def measure(tokens, seconds, seeds):
    """The data of the ladder: bits per byte and steps of every rung, one of each for each seed."""
    runs = {START: lambda seed: reference(seconds, tokens, seed)}
    for kind, kinds in {"ladder": cumulative(), "without": without()}.items():
        for name, changed in kinds.items():
            runs[kind, name] = lambda seed, changed=changed: learn(seconds, tokens, seed, changed)
    found = in_turn(runs, seeds)
    return {
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        **{kind: [rung(name, r) for (k, name), r in found.items() if k == kind] for kind in ("ladder", "without")},
    }


START = ("ladder", "the 2019 recipe")


def rung(name, runs):
    return {
        "name": name,
        "bits_per_byte": [round(float(run.bits_per_byte), 4) for run in runs],
        "steps": [run.steps for run in runs],
    }


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ladder", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--to", metavar="FILE.json", default=DATA)
    options = parser.parse_args(argv)
    data = measure(read_corpus()[1], options.seconds, options.seeds)
    Path(options.to).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
