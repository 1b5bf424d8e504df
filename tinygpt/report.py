"""The figures of a trained model, with the baselines beside it and the near-duplicates set apart."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tinygpt.baselines import Baseline, baselines
from tinygpt.config import require_choice
from tinygpt.corpora import SPLITS
from tinygpt.corpora.duplicates import near_duplicates
from tinygpt.evaluation import Score, evaluate

BASELINE_BYTES = 20_000_000  # of a longer training text the baselines see the beginning only
MODEL_NAME = ">>> the model"
SEARCHED_BYTES = 200_000_000  # of a longer training text near-duplicates are looked for in the beginning only
REPORTED_TOKENS = 2**20  # of a longer text a sample is measured


@dataclass(frozen=True)
class Figures:
    """A model's score on a text, and on the documents of it that have no near-duplicate in the training text."""

    score: Score
    near_duplicate: np.ndarray  # (documents,) bool
    n_left_out: int  # documents that were not looked at, see REPORTED_TOKENS

    FIGURES = ("bits_per_byte", "perplexity", "nats_per_token")

    @cached_property
    def fresh(self):
        return self.score.of(~self.near_duplicate)

    @property
    def fresh_bits_per_byte(self):
        return self.fresh.bits_per_byte if len(self.fresh.nats) else None

    def lines(self):
        """The figures as lines of text, each with its 95% interval."""
        for name in self.FIGURES:
            yield f"{name:16} {getattr(self.score, name):8.4f}   (95% interval {between(self.score.interval(name))})"

    def notes(self):
        """What to know about the documents, as lines of text."""
        n, near = len(self.near_duplicate), int(self.near_duplicate.sum())
        yield f"{n:,} documents; {near:,} of them have a near-duplicate in the training text"
        if near and near < n:
            value, interval = self.fresh.bits_per_byte, between(self.fresh.interval())
            yield f"bits_per_byte of the {n - near:,} others: {value:.4f}   (95% interval {interval})"
        if self.n_left_out:
            yield f"{self.n_left_out:,} further documents were left out; those measured are spread evenly among them"

    def as_json(self):
        return {
            **summary(self.score),
            "documents": len(self.near_duplicate),
            "near_duplicates": int(self.near_duplicate.sum()),
            "documents_left_out": self.n_left_out,
            "without_near_duplicates": summary(self.fresh) if len(self.fresh.nats) else None,
        }


def summary(score):
    """Every figure of a score with its 95% interval."""
    values = {name: round(float(getattr(score, name)), 6) for name in Figures.FIGURES}
    return values | {f"{name}_interval": [round(x, 6) for x in score.interval(name)] for name in Figures.FIGURES}


def measure(run, model, split="validation", max_tokens=REPORTED_TOKENS):
    """The figures of a run's model on a split, or on a sample of it where it is longer than max_tokens."""
    tokens, tokenizer = run.tokens(), run.tokenizer()
    require_choice("split", split, SPLITS)
    held_out, searched = tokens[split].sample(max_tokens), beginning(tokens["train"], SEARCHED_BYTES)
    near = (
        np.zeros(held_out.n_documents, dtype=bool)
        if split == "train"
        else near_duplicates(list(held_out.texts(tokenizer)), searched.texts(tokenizer))
    )
    return Figures(evaluate(model, held_out), near, tokens[split].n_documents - held_out.n_documents)


def measure_baselines(run, figures, split="validation", max_tokens=REPORTED_TOKENS):
    """The baselines on the same documents as `figures`."""
    tokens, tokenizer = run.tokens(), run.tokenizer()
    train = beginning(tokens["train"], BASELINE_BYTES)
    held_out = tokens[split].sample(max_tokens)
    texts = [list(file.texts(tokenizer)) for file in (train, held_out)]
    return list(baselines(*texts, figures.near_duplicate, train, held_out, tokenizer.vocab_size))


def limits(run, with_baselines=True):
    """Lines of text where only the beginning of the training text has been looked at."""
    n_bytes = run.config["corpus"]["splits"]["train"]["bytes"]
    of = f"MB of the training text only, of {n_bytes / 1e6:,.4g} MB"
    if with_baselines and n_bytes > BASELINE_BYTES:
        yield f"the baselines have seen the first {BASELINE_BYTES / 1e6:,.4g} {of}"
    if n_bytes > SEARCHED_BYTES:
        yield f"near-duplicates were looked for in the first {SEARCHED_BYTES / 1e6:,.4g} {of}"


def beginning(tokens, max_bytes):
    """The leading documents that fit into max_bytes, at least one."""
    return tokens.first(max(1, int(np.searchsorted(tokens.document_bytes.cumsum(), max_bytes, side="right"))))


def table(baselines, figures):
    """Lines of text: bits per byte of every baseline and of the model, best last."""
    model = Baseline(MODEL_NAME, figures.score.bits_per_byte, figures.fresh_bits_per_byte, figures.score)
    yield f"{'bits per byte':37}{'all':>6}   95% interval   {'without near-duplicates':>23}"
    for row in sorted([*baselines, model], key=lambda row: -row.bits_per_byte):
        interval = between(row.score.interval()) if row.score else ""
        fresh = "-" if row.fresh is None else f"{row.fresh:.3f}"
        yield f"{row.name:37}{row.bits_per_byte:6.3f}   {interval:12}   {fresh:>23}"
    yield from figures.notes()


def between(interval):
    return "{:.3f}-{:.3f}".format(*interval)
