"""What each command of the command line does. Results go to stdout, everything else to stderr."""

import json
import platform
import sys
from dataclasses import fields
from itertools import chain, count, takewhile
from pathlib import Path

import torch
from tqdm import tqdm

from tinygpt.atomic import write_atomically
from tinygpt.checkpoint import LAST, METRICS, SAMPLES, open_run, versions
from tinygpt.cli import FAILED
from tinygpt.config import ModelConfig, SampleConfig, TrainConfig, require, require_whole
from tinygpt.corpora import SPLITS, open_corpus, split_of
from tinygpt.corpora.writing import write_corpus
from tinygpt.device import available, choose_device
from tinygpt.distributed import joined, launched_team, launcher
from tinygpt.logs import NAME as LOG
from tinygpt.logs import read_log
from tinygpt.pipeline import prepare, training_texts
from tinygpt.report import limits, measure, measure_baselines, table
from tinygpt.sampling import generate as generate_text
from tinygpt.sampling import make_decoder, prompt_ids
from tinygpt.storage import write_json
from tinygpt.tokenizer import FILES, Tokenizer
from tinygpt.training import is_done
from tinygpt.training import train as train_run

DEFAULT_RUN = Path("runs/default")
N_SAMPLES = 5


def say(line):
    if not launched_team().is_first:
        return
    tqdm.write(line, file=sys.stderr)  # above the progress bar, where there is one
    sys.stderr.flush()


def run(options):
    """Corpus, tokenizer, training, figures, samples: everything in one run folder."""
    run, done = train_folder(options)
    if not done:
        return FAILED
    if not launched_team().is_first:
        return None  # what remains to be done is little, and the first process's
    if all((run.folder / name).is_file() for name in (METRICS, SAMPLES)):
        return None  # there was nothing left to do
    model, tokenizer = run.model(choose_device(options.device)), run.tokenizer()
    say("measuring the model and the baselines")
    report(run, model)
    texts = ["".join(generate_text(model, tokenizer, seed=seed)) for seed in range(N_SAMPLES)]
    write_atomically(run.folder / SAMPLES, "".join(f"{text}\n\n" for text in texts).encode())
    print("\nSamples, invented by the model (never for medical use):")
    for number, text in enumerate(texts, 1):
        print(f"\n[{number}] {text}")
    say(f"\nEverything is in {run.folder}. Write more with: tinygpt generate --run {run.folder}")


def train(options):
    _, done = train_folder(options)
    return None if done else FAILED


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

        done = train_run(run, device, began, begin, on_row=lambda row: say(describe_row(row)), team=team)
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
    return next(folder for folder in default_runs() if not folder.exists())


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


def report(run, model):
    """Print the table of baselines and model on the validation text, and keep the figures in metrics.json."""
    figures = measure(run, model)
    rows = measure_baselines(run, figures)
    print(*table(rows, figures), *limits(run), sep="\n")
    write_json(run.folder / METRICS, {"validation": figures.as_json(), "baselines": as_json(rows)})


def as_json(baselines):
    """Bits per byte of each baseline, on all documents and on those without a near-duplicate."""
    return {b.name: {"bits_per_byte": b.bits_per_byte, "without_near_duplicates": b.fresh} for b in baselines}


def corpus(options):
    path = Path(options.to)
    advice = "replace it by --force or choose another --to"
    require(options.force or not path.exists(), f"{path} is there already; {advice}")
    source = open_corpus(options.corpus or "hpo", options.documents or "auto")
    n_documents, n_bytes = write_corpus(source, path)
    print(*source.report, sep="\n", end="\n" if source.report else "")
    print(f"{n_documents:,} documents, {n_bytes / 1e6:.2f} MB in {path}")


def tokenizer(options):
    folder = Path(options.out)
    require(not folder.is_file(), f"{folder} is a file; choose another --out")
    taken = [folder / name for name in FILES if (folder / name).exists()]
    advice = "replace it by --force or choose another --out"
    require(options.force or not taken, f"{folder} holds a tokenizer already; {advice}")
    source = open_corpus(options.corpus or "hpo", options.documents or "auto")
    trained = Tokenizer.train(training_texts(source), options.vocab_size)
    trained.save(folder)
    n_tokens = n_bytes = 0
    for document in source.split("validation"):
        n_tokens, n_bytes = n_tokens + len(trained.encode(document.text)), n_bytes + len(document.text.encode())
    print(f"{trained.vocab_size} tokens, {' and '.join(FILES)} in {folder}")
    if n_tokens:
        print(f"{n_bytes / n_tokens:.2f} bytes per token on the validation text")


def generate(options):
    settings = SampleConfig(**given(options, SampleConfig))
    require_whole(count=options.count)
    require(0 <= options.seed < 2**63, f"seed={options.seed} is outside [0, 2**63)")
    run = open_run(options.run)
    model, tokenizer = run.model(choose_device(options.device)), run.tokenizer()
    n_prompt, context = len(prompt_ids(tokenizer, options.prompt)), model.config.context_length
    if n_prompt > context:
        say(f"note: the prompt has {n_prompt} tokens, the model reads the last {context}")
    decoder = make_decoder(model)
    for seed in range(options.seed, options.seed + options.count):
        if seed > options.seed:
            print("\n")
        for text in chain([options.prompt], generate_text(decoder, tokenizer, options.prompt, settings, seed)):
            print(text, end="", flush=True)
    print()


def evaluate(options):
    run = open_run(options.run)
    figures = measure(run, run.model(choose_device(options.device)), options.split)
    rows = measure_baselines(run, figures, options.split) if options.baselines else []
    if options.json:
        found = {"split": options.split, **figures.as_json()}
        print(json.dumps(found | ({"baselines": as_json(rows)} if rows else {}), indent=1))
        return
    notes = table(rows, figures) if rows else figures.notes()
    print(*figures.lines(), *notes, *limits(run, bool(rows)), sep="\n")


def lab(options):
    from tinygpt.course.lab import lab as start

    start(options.fresh, options.jupyter)


def info(options):
    for name, version in versions().items():
        print(f"{name:16} {version}")
    print(f"{'system':16} {platform.platform()}")
    print(f"{'device':16} {choose_device()} (here: {', '.join(available())})")
    source = open_corpus(options.corpus or "hpo", options.documents or "auto")
    sizes = {split: [0, 0] for split in SPLITS}
    for document in source.documents():
        size = sizes[split_of(document.id)]
        size[0], size[1] = size[0] + 1, size[1] + len(document.text.encode())
    print(f"{'corpus':16} {source.spec}: {source.about['source']} {source.about['version']}".rstrip())
    for split, (n_documents, n_bytes) in sizes.items():
        print(f"{split:16} {n_documents:,} documents, {n_bytes / 1e6:.3f} MB")
    print(*source.report, sep="\n", end="\n" if source.report else "")
