"""The model that the lessons share: made when it is first asked for, then kept."""

import errno
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import asdict

from filelock import FileLock, Timeout

from tinygpt.checkpoint import LAST, open_run
from tinygpt.config import InputError, ModelConfig, TrainConfig
from tinygpt.corpora import open_corpus
from tinygpt.course.home import do_without, home, runs
from tinygpt.pipeline import prepare
from tinygpt.training import is_done, train

STEPS = 1000
PATIENCE_S = 3.0  # so long we wait without a word: another may only be looking whether the model is whole
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
QUICK_STEPS = 20  # with TINYGPT_QUICK, which tests set: a model that has hardly learned anything


def quick():
    return bool(os.environ.get("TINYGPT_QUICK"))


def capped(steps):
    """So many steps, and hardly any while tests run the lessons unsolved."""
    return min(steps, QUICK_STEPS) if quick() else steps


def load_or_train(steps=STEPS, preset="modern", show_progress=True, again=False, watch=None, **training):
    """The Run of the lessons' model: `.model()`, `.tokenizer()`, `.tokens()`. Trained now if it has never been.

    Of these settings there is one model on this machine; whoever else asks for it meanwhile waits for it.
    again: train it anew although it is there. watch: who is told how the training goes, such as {"on_row": function}.
    """
    model = ModelConfig.preset(preset)
    settings = TrainConfig(steps=capped(steps), **training)
    options = {"show_progress": show_progress, **(watch or {})}
    place = runs()
    try:
        return made(place, model, settings, again, options)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        instead = do_without(error)
        if instead != place:
            return load_or_train(steps, preset, show_progress, again, watch, **training)
        advice = "make room, or set TINYGPT_HOME to a folder with room"
        raise InputError(f"the lesson's model can't be kept anywhere: {error.strerror}: {instead}; {advice}") from None


def made(place, model, settings, again, options):
    """The Run of a model that is kept below a folder; made there unless it is there and whole."""
    name = name_of(model, settings)
    folder = place / "lessons" / name
    kept = home() / "runs/lessons" / name
    if folder != kept and not again and (run := usable(kept)) and is_done(run):
        return run  # somebody else's, which we may read
    folder.parent.mkdir(parents=True, exist_ok=True)
    with turn(folder.with_suffix(".lock")):
        for left in folder.parent.glob(f".{name}.*"):
            shutil.rmtree(left, ignore_errors=True)  # by a notebook that was killed
        run = None if again else usable(folder)
        if run is None:
            if not again:
                shutil.rmtree(folder, ignore_errors=True)  # damaged
            once = "" if again else " This happens once."
            print(f"Making the lesson's model: tokenizer, then {settings.steps} steps of training.{once}")
            run = prepare(folder, open_corpus("hpo"), model, settings, force=True, say=lambda line: None)
        if not is_done(run):
            train(run, resume=(run.folder / LAST).is_file(), **options)
    return run


@contextmanager
def turn(path):
    """One at a time; who has to wait for long is told why."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=PATIENCE_S)
    except Timeout:
        print("Another notebook is training this model; we wait until it is there.", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def name_of(model, settings):
    """A folder's name that says what is in it: other settings, another folder."""
    digest = hashlib.sha256(json.dumps([asdict(model), asdict(settings)], sort_keys=True).encode()).hexdigest()
    return f"{model.n_layers}x{model.d_model}-{settings.steps}-steps-{digest[:8]}"


def usable(folder):
    """The run in a folder, None where there is none or where it is damaged."""
    try:
        run = open_run(folder)
        run.tokenizer(), run.tokens(), is_done(run) and run.model()
        return run
    except (InputError, OSError):
        return None
