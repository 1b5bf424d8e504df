"""What each command of the command line does. Results go to stdout, everything else to stderr."""

import json
import platform
from contextlib import suppress
from importlib import import_module
from itertools import chain
from pathlib import Path

from tinygpt.atomic import beside, write_atomically
from tinygpt.checkpoint import METRICS, SAMPLES, open_run
from tinygpt.cli import FAILED
from tinygpt.config import InputError, SampleConfig, require, require_choice, require_whole
from tinygpt.corpora import SPLITS, open_corpus, split_of
from tinygpt.corpora.writing import write_corpus
from tinygpt.device import available, choose_device
from tinygpt.distributed import launched_team
from tinygpt.logs import read_log
from tinygpt.new_run import versions
from tinygpt.pipeline import training_texts
from tinygpt.report import limits, measure, measure_baselines, table
from tinygpt.sampling import generate as generate_text
from tinygpt.sampling import make_decoder, prompt_ids
from tinygpt.share import FORMATS
from tinygpt.storage import write_json
from tinygpt.tokenizer import FILES, Tokenizer
from tinygpt.training_job import given, say, train_folder

N_SAMPLES = 5


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
    with beside(folder / FILES[0]):  # a folder that can't be written to is told now, not after the training
        trained = Tokenizer.train(training_texts(source), options.vocab_size)
        trained.save(folder)
    n_tokens = n_bytes = 0
    for document in source.split("validation"):
        n_tokens, n_bytes = n_tokens + len(trained.encode(document.text)), n_bytes + len(document.text.encode())
    print(f"{trained.vocab_size} tokens, {' and '.join(FILES)} in {folder}")
    if n_tokens:
        print(f"{n_bytes / n_tokens:.2f} bytes per token on the validation text")


def was_cut_off(run):
    """Whether the log ends before the last step: it is small, while checkpoints can be large."""
    with suppress(InputError):  # without a log, text comes all the same
        rows = read_log(run.folder)
        return not rows or rows[-1].step < run.train_config.steps
    return False


def generate(options):
    settings = SampleConfig(**given(options, SampleConfig))
    require_whole(count=options.count)
    require(0 <= options.seed < 2**63, f"seed={options.seed} is outside [0, 2**63)")
    run = open_run(options.run)
    model, tokenizer = run.model(choose_device(options.device)), run.tokenizer()
    if was_cut_off(run):
        say(f"note: the training of {run.folder} was cut off; go on with: tinygpt train --out {run.folder} --resume")
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


def export(options):
    require_choice("--format", options.format, FORMATS)
    require(not options.weights or options.format == "page", f"--weights is for --format page, not {options.format}")
    kind = {"weights": options.weights} if options.weights else {}
    exporter = import_module(f"tinygpt.share.{options.format}")
    getattr(exporter, f"export_{options.format}")(options.run, options.to, **kind)
    print(f"{options.to}: {FORMATS[options.format]}")


def lab(options):
    from tinygpt.course.lab import lab as start

    start(options.fresh, options.jupyter)


def demo(options):
    from tinygpt.share.demo import serve

    serve(open_run(options.run), options.port, options.browser)


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
