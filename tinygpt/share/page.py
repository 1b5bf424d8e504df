"""One HTML file in which a trained model runs, in any browser: no server, no network, nothing to install."""

import base64
import html
import json
from dataclasses import asdict
from importlib.resources import files
from string import Template

import numpy as np

from tinygpt.checkpoint import METRICS, open_run, own_weights
from tinygpt.config import InputError, SampleConfig, require, require_choice
from tinygpt.reading import load_json
from tinygpt.sampling import generate, make_decoder
from tinygpt.share.target import new_file

KINDS = ("float16", "int8", "float32")
EXAMPLES, EXAMPLE_WORDS = 4, 5


def export_page(run, path, weights="float16"):
    """Write the model of a run folder, its tokenizer and all that the page needs into one file.

    weights: what a weight is rounded to: `float16` (2 bytes), `int8` (1 byte, with a scale for each row of a matrix)
    or `float32` (4 bytes, the very numbers). Raises InputError where path is taken, or where a weight is too large for
    float16.
    """
    require_choice("weights", weights, KINDS)
    run = open_run(run)
    model, tokenizer = run.model(), run.tokenizer()
    index, packed = pack({name: w.numpy() for name, w in own_weights(model).items()}, weights)
    config, decoder = model.config, make_decoder(model)
    data = {
        "config": asdict(config) | {"head_size": config.head_size},
        "merges": [f"{left} {right}" for left, right in tokenizer.merges],
        "index": index,
        "examples": beginnings(decoder, tokenizer),
    }
    page = Template(source("page.html")).substitute(
        style=source("components.css") + source("page.css"),
        script=source("components.js") + source("model.js") + source("page.js"),
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),  # no token ends it
        weights=base64.b64encode(packed).decode(),
        size=f"{model.count_parameters():,}",
        origin=html.escape(origin(run)),
        facts="".join(f"<li>{html.escape(fact)}</li>" for fact in facts(run, model, weights)),
    )
    with new_file(path) as file:
        file.write(page.encode())


def source(name):
    return (files("tinygpt.share") / name).read_text(encoding="utf-8")


def pack(weights, kind):
    """Arrays by name -> a list of [name, rows, width, kind] for each, and their bytes one after the other.

    Vectors (biases and norms) are few and stay float32 beside int8 matrices. All numbers are little-endian.
    """
    index, parts = [], []
    for name, w in weights.items():
        rows, width = w.shape if w.ndim == 2 else (1, w.size)
        stored = "float32" if kind == "int8" and w.ndim == 1 else kind
        index.append([name, rows, width, stored])
        if stored == "int8":
            whole, scales = to_int8(w)
            parts += [scales.astype("<f4"), whole]
        else:
            with np.errstate(over="ignore"):
                parts.append(w.astype({"float16": "<f2", "float32": "<f4"}[stored]))
            fits = np.isfinite(parts[-1]).all()
            require(fits, f"{name} holds numbers that {stored} can't: choose weights float32, or train again")
    return index, b"".join(part.tobytes() for part in parts)


def to_int8(w):
    """A matrix as whole numbers from -127 to 127 and a scale for each row: w is about whole * scales[:, None]."""
    require(np.isfinite(w).all(), "a weight is nan or infinite: the model is broken, train it again")
    scales = np.abs(w).max(axis=1).astype(np.float32) / 127  # (rows,)
    whole = np.rint(w / np.where(scales > 0, scales, 1)[:, None]).astype(np.int8)  # (rows, width)
    return whole, scales


def beginnings(decoder, tokenizer):
    """A few prompts to begin with: the first words of texts that the model writes, so that none is of its corpus."""
    found = {}
    for seed in range(2 * EXAMPLES):
        text = "".join(generate(decoder, tokenizer, config=SampleConfig(0.5, max_tokens=30), seed=seed)).strip()
        words = " ".join(text.splitlines()[0].split()[:EXAMPLE_WORDS]) if text else ""
        if words and "\ufffd" not in words:
            found[words] = None
    return list(found)[:EXAMPLES]


def facts(run, model, weights):
    """What there is to say about the model, in a few lines of text."""
    config, corpus = model.config, run.config["corpus"]
    yield (
        f"{model.count_parameters():,} parameters stored as {weights}: {config.n_layers} layers of {config.n_heads} "
        f"heads, width {config.d_model}, {config.vocab_size:,} tokens, a context of {config.context_length}."
    )
    if (run.folder / METRICS).is_file():
        yield measured(run.folder / METRICS)
    yield f"Trained for {run.train_config.steps:,} steps on: {origin(run)}."
    if corpus.get("licence") not in (None, "", "yours"):
        yield f"Licence of that text: {corpus['licence']}."
    if corpus.get("citation"):
        yield f"To cite it: {corpus['citation']}."


def origin(run):
    """What the model learned from, in a few words."""
    corpus = run.config["corpus"]
    return " ".join(filter(None, (corpus.get("source", corpus["spec"]), corpus.get("version"))))


def measured(path):
    """What metrics.json says, in a line of text."""
    try:
        figures = load_json(path)["validation"]
        low, high = figures["bits_per_byte_interval"]
        return (
            f"{figures['bits_per_byte']:.3f} bits per byte of held-out text (95% interval {low:.3f} to {high:.3f}), "
            "measured before the weights were stored here."
        )
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise InputError(f"{path} is damaged ({error!r}); bring it back, or delete it to export without it") from None
