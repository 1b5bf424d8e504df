"""The recipe's ladder: from what was usual in 2019 to what the package does, one thing changed at a time.

python -m tests.benchmarks.ladder [--seconds 60] [--seeds 2]

Every rung keeps what those before it changed and trains for the same seconds, on this machine, now; a second column
takes the one thing away from the finished recipe. The figures are written to tinygpt/course/ladder.json: lesson 09
draws them. What the rungs are stands in tinygpt/course/ladder.py.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "5000")  # as the command line does, and before torch

import torch

from tinygpt.config import ModelConfig
from tinygpt.course.ladder import DATA, START, cumulative, settings, without

from .corpus import read_corpus
from .learning import ours, reference
from .ratios import in_turn


def learn(seconds, tokens, seed, changed):
    model, training = settings(changed)
    changes = {name: value for name, value in training.items() if name not in ("steps", "seed")}
    return ours(seconds, tokens, seed, ModelConfig(**model), **changes)


def measure(tokens, seconds, seeds):
    """The data of the ladder: bits per byte and steps of every rung, one of each for each seed."""
    runs = {("ladder", START): lambda seed: reference(seconds, tokens, seed)}
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
