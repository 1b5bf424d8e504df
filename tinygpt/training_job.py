"""The training that a command line asks for: in a new run folder, or in one that it goes on with."""

import sys
from dataclasses import fields
from itertools import count, takewhile
from pathlib import Path

import torch
from tqdm import tqdm

from tinygpt.checkpoint import LAST, open_run
from tinygpt.cli import FAILED
from tinygpt.config import ModelConfig, TrainConfig, require
from tinygpt.corpora import open_corpus
from tinygpt.distributed import joined, launched_team, launcher
from tinygpt.logs import NAME as LOG
from tinygpt.logs import read_log
from tinygpt.pipeline import prepare
from tinygpt.tokenizer import Tokenizer
from tinygpt.training import is_done, train

DEFAULT_RUN = Path("runs/default")


def say(line):
    if not launched_team().is_first:
        return
    tqdm.write(line, file=sys.stderr)  # above the progress bar, where there is one
    sys.stderr.flush()


def train_folder(options):
    """Train in a new or a reopened run folder: the Run, and whether it came to its end."""
    with joined(options.device) as (team, device):
        run = ready(options, team, device)
        steps, began = run.train_config.steps, (run.folder / LAST).is_file()
        if began and is_done(run):
            say(f"{run.folder} is done: all {steps} steps are trained; for more, start a new run with another --out")
            return run, True

        def begin(step):
            rest = f"{steps} steps" if step == 0 else f"the last {steps - step} of {steps} steps"
            where = f"{device} with {team.size} processes" if team.size > 1 else device
            say(f"training {describe(run.config['model'])} for {rest} on {where} in {run.folder}")

        done = train(run, device, began, begin, on_row=lambda row: say(describe_row(row)), team=team)
        if not done:
            again = f"{launcher(team.size)} {options.command} --out {run.folder} --resume"
            say(f"Stopped and saved. Go on with: {again}")
        return run, done


def ready(options, team, device):
    """The run folder to train in: the first process makes or reopens it, the others wait until it says where."""
    folder = ""
    try:
        if team.is_first:
            run = reopen(options, team) if options.resume else make(options, team, device)
            folder = str(run.folder)
    finally:
        folder = team.tell(folder)
    if not folder:
        raise SystemExit(FAILED)  # the first process says why
    return open_run(folder)


def make(options, team, device):
    """A new run folder, as the options say."""
    require(
        options.tokenizer is None or options.vocab_size is None,
        "--vocab-size is for a tokenizer that is trained, --tokenizer brings its own: leave one of them out",
    )
    model = ModelConfig.preset(options.preset or "modern", **given(options, ModelConfig, leave_out=["vocab_size"]))
    training = TrainConfig(**given(options, TrainConfig))
    return prepare(
        options.out or next_default(),
        open_corpus(options.corpus or "hpo", options.documents or "auto"),
        model,
        training,
        tokenizer=Tokenizer.load(Path(options.tokenizer)) if options.tokenizer else None,
        vocab_size=options.vocab_size,
        minutes=options.minutes if options.steps or options.epochs or options.minutes is not None else 1,
        epochs=options.epochs,
        device=device,
        force=options.force,
        say=say,
        team=team,
    )


def reopen(options, team):
    """The run to go on with. Its settings are its own: what was asked for besides is refused, not ignored."""
    free = {"command", "out", "resume", "device", "force"}
    others = [name for name, value in vars(options).items() if name not in free and value is not None]
    named = ", ".join(map(option_name, others))
    require(not others, f"--resume goes on with the run's own settings: leave out {named}, or start a new run")
    run = open_run(options.out or latest_default())
    require(
        run.n_processes == team.size or is_done(run),
        f"{run.folder} was begun with --nproc-per-node {run.n_processes}, not {team.size}: other sums would be rounded "
        f"in another way; go on with: {launcher(run.n_processes)} {options.command} --out {run.folder} --resume",
    )
    threads = run.config["versions"]["threads"]
    if threads != torch.get_num_threads():
        say(f"note: this run began with {threads} threads; with {torch.get_num_threads()} its last bits may differ")
    if not (run.folder / LAST).is_file() and (run.folder / LOG).is_file():
        began = any(row.step for row in read_log(run.folder))
        advice = "bring it back or train again with --force"
        require(not began, f"{run.folder / LAST} is missing, so this run can't go on; {advice}")
    return run


def option_name(name):
    return "--" + name.replace("_", "-")


def next_default():
    """runs/default, or the first of runs/default-2, runs/default-3, ... that is not there."""
    folder = next(folder for folder in default_runs() if not folder.exists())
    if folder != DEFAULT_RUN:
        say(f"{DEFAULT_RUN} is there already, so this run is made in {folder}")
    return folder


def latest_default():
    """The last of those that are there."""
    *_, latest = [DEFAULT_RUN, *takewhile(Path.exists, default_runs())]
    return latest


def default_runs():
    yield DEFAULT_RUN
    yield from (DEFAULT_RUN.with_name(f"{DEFAULT_RUN.name}-{n}") for n in count(2))


def given(options, cls, leave_out=()):
    """The fields of a settings class that were given on the command line."""
    names = {field.name for field in fields(cls)} - set(leave_out)
    return {name: value for name, value in vars(options).items() if name in names and value is not None}


def describe(model):
    return f"a model of {model['n_layers']} layers, width {model['d_model']}, vocabulary {model['vocab_size']}"


def describe_row(row):
    line = f"step {row.step:6}   validation {row.validation_loss:6.3f} nats/token = {row.bits_per_byte:.3f} bits/byte"
    if row.step:
        line += f"   training {row.train_loss:6.3f} nats/token   {row.tokens_per_s:,.0f} tokens/s"
    return line
