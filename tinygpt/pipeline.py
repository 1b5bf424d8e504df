"""From a corpus to a run folder that is ready to be trained."""

from dataclasses import replace
from math import ceil, isfinite

import torch

from tinygpt.checkpoint import open_run
from tinygpt.config import ModelConfig, TrainConfig, require
from tinygpt.corpora import SPLITS
from tinygpt.device import choose_precision
from tinygpt.distributed import ALONE
from tinygpt.new_run import new_run, write_config
from tinygpt.tokenizer import Tokenizer
from tinygpt.tokens import Batches, write_tokens
from tinygpt.trainer import steps_for_minutes

TOKENIZER_BYTES = 50_000_000  # of training text, enough to learn merges from


def prepare(
    folder,
    corpus,
    model=None,
    training=None,
    tokenizer=None,
    vocab_size=None,
    minutes=None,
    epochs=None,
    device="cpu",
    force=False,
    say=print,
    team=ALONE,
):
    """Make a run folder that holds tokenizer, tokens and settings; returns the Run.

    model, training: settings; the model's vocab_size is the tokenizer's. tokenizer: trained on the corpus where none
    is given, with `vocab_size` tokens. minutes or epochs take the place of training.steps. say: told what happens.
    team: the processes that will train it; only the first prepares.
    Nothing is left behind when anything is wrong with the corpus or the settings.
    """
    model, training = model or ModelConfig(), training or TrainConfig()
    for name, value in {"minutes": minutes, "epochs": epochs}.items():
        require(value is None or (value > 0 and isfinite(value)), f"{name}={value} must be a number above 0")
    require(
        training.batch_size >= team.size,
        f"batch_size={training.batch_size} can't be divided among {team.size} processes: take fewer, or a larger batch",
    )
    with new_run(folder, force) as new:
        if tokenizer is None:
            tokenizer = Tokenizer.train(training_texts(corpus), vocab_size)
        tokenizer.save(new / "tokenizer")
        tokens = write_tokens(corpus, tokenizer, new / "tokens")
        require_enough(tokens)
        windows_per_epoch = Batches(tokens["train"], training.batch_size, model.context_length).windows_per_epoch
        sizes = {split: size(file) for split, file in tokens.items()}
        for line in corpus.report:
            say(line)
        for split, n in sizes.items():
            say(f"{split}: {n['documents']:,} documents, {n['bytes'] / 1e6:.3f} MB, {n['tokens']:,} tokens")
        model = replace(model, vocab_size=tokenizer.vocab_size)
        training = replace(training, precision=choose_precision(training.precision, torch.device(device)))
        if epochs is not None:
            training = replace(training, steps=ceil(epochs * windows_per_epoch / training.batch_size))
        if minutes is not None:
            training = replace(training, steps=steps_for_minutes(minutes, model, training, tokens, device, team))
            say(f"{60 * minutes:g} s of training are {training.steps} steps on this machine")
        about = {"spec": corpus.spec, **corpus.about, "splits": sizes, "cleaning": corpus.report}
        info = {"vocab_size": tokenizer.vocab_size, "digest": tokenizer.digest}
        write_config(new, model, training, about, info, team.size)
        del tokens  # lets go of the mapped files, which some systems won't rename otherwise
    return open_run(folder)


def size(tokens):
    return {"documents": tokens.n_documents, "bytes": tokens.n_bytes, "tokens": len(tokens.ids)}


def training_texts(corpus):
    """The texts that a tokenizer learns from, the first TOKENIZER_BYTES; an InputError when there was none."""
    n_bytes = 0
    for document in corpus.split("train"):
        if n_bytes >= TOKENIZER_BYTES:
            return
        n_bytes += len(document.text.encode())
        yield document.text
    require_documents(n_bytes, "train")


def require_enough(tokens):
    for split in SPLITS:
        require_documents(tokens[split].n_documents, split)


def require_documents(n, split):
    require(
        n > 0,
        f"no document falls into the {split} split: the corpus is too small (about 1 document in 20 goes to "
        "validation, as many to test); bring more documents or cut them by --documents blank-lines",
    )
