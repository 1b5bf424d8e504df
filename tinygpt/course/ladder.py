"""The rungs of lesson 09's ladder, from what was usual in 2019 to what the package does: figures, and a short form.

Recorded in full in ladder.json by `python -m tests.benchmarks.ladder`; here is what the rungs are, and a short form of
them that a lesson can run.
"""

import json
from dataclasses import asdict
from pathlib import Path

from tinygpt.config import ModelConfig, TrainConfig
from tinygpt.course.trials import trial

DATA = Path(__file__).with_name("ladder.json")
START = "the 2019 recipe"
DEFAULT_MODEL, DEFAULT_TRAINING = {**asdict(ModelConfig()), "d_ff": 0}, asdict(TrainConfig())
START_MODEL = {**asdict(ModelConfig.preset("gpt2", context_length=64)), "d_ff": 0}
START_TRAINING = {
    **DEFAULT_TRAINING,
    **dict(batch_size=12, optimizer="adamw", lr=1e-3, warmup=0.01, decay=0.99),
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
SHORT_MODEL = dict(d_model=64, n_layers=2)
SHORT_TOKENS = 50 * 12 * 64  # what every rung reads in the short form


def recorded():
    """The benchmark's data: {"seconds", "ladder": [{"name", "bits_per_byte" of each seed, "steps"}], "without": …}."""
    return json.loads(DATA.read_text(encoding="utf-8"))


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


def short_form(rung, tokens, seed=0, measured=None):
    """One rung as a Trial of a small model that reads few tokens: as many on every rung, on every machine."""
    model, training = settings(cumulative()[rung])
    model |= SHORT_MODEL
    if training["precision"] == "auto":
        training["precision"] = "bfloat16"  # whatever this machine would choose
    steps = SHORT_TOKENS // (training["batch_size"] * model["context_length"])
    training |= {"steps": steps, "seed": seed}
    return trial(tokens, ModelConfig(**model), TrainConfig(**training), measured=measured)
