"""Explorers: pictures that answer when asked, by mouse or keyboard. Each is one piece of HTML: no server, no network.

Where scripts do not run (a notebook on GitHub, or one not trusted yet) the same is there in words.
"""

import html
import json
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import torch

from tinygpt.config import SampleConfig, require
from tinygpt.sampling import next_token_probs


@dataclass(frozen=True)
class Explorer:
    """What a notebook shows at the end of a cell.

    kind: the function of explorers.js that brings it to life with `data`. words: the sentence, and rows below names,
    that say the same without a script.
    """

    kind: str
    data: dict
    words: str
    names: tuple[str, ...]
    rows: tuple[tuple, ...]

    def __repr__(self):
        table = [self.names, *(tuple(map(str, row)) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ("  ".join(cell.rjust(n) for cell, n in zip(row, widths, strict=True)) for row in table)
        return "\n".join([self.words, *lines])

    def _repr_html_(self):
        data = json.dumps(self.data, separators=(",", ":")).replace("<", "\\u003c")  # no token can end the script
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in self.rows
        )
        return (
            f'<div class="tinygpt tinygpt-explorer" data-tinygpt-explorer="{self.kind}">'
            f"<style>{source('share', 'components.css')}{source('course', 'explorers.css')}</style>"
            f'<div class="words"><p>{html.escape(self.words)}</p>'
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
            f'<script type="application/json">{data}</script>'
            f"<script>{source('share', 'components.js')}{source('course', 'explorers.js')}</script></div>"
        )


def source(room, name):
    return (files(f"tinygpt.{room}") / name).read_text(encoding="utf-8")


def attention(tokens, weights):
    """Who listens to whom, for every layer and head, over one text.

    tokens: T strings. weights (n_layers, n_heads, T, T): the row of a query sums to 1, as from `attention_maps`.
    """
    weights, T = np.asarray(weights, dtype=float), len(tokens)
    require(T >= 2, "an explorer takes at least two tokens: one alone can listen to nobody else")
    require(
        weights.ndim == 4 and weights.shape[2:] == (T, T) and weights.size > 0,
        f"weights of shape {weights.shape} for {T} tokens; it takes (layers, heads, {T}, {T})",
    )
    require(
        (weights >= 0).all() and np.allclose(weights.sum(-1), 1, atol=1e-3),
        "these are no attention weights: every row must sum to 1",
    )
    maps = [[[thousandths(row) for row in head] for head in layer] for layer in weights]
    later = weights[..., 1:, :]  # the first token has nothing before it
    before, itself = (np.diagonal(later, offset, -2, -1).mean(-1) for offset in (0, 1))
    start = later[..., 0].mean(-1)
    rows = [
        (i, j, *(f"{100 * share[i, j]:.0f}%" for share in (itself, before, start)))
        for i, j in np.ndindex(weights.shape[:2])
    ]
    return Explorer(
        kind="attention",
        data={"tokens": list(tokens), "maps": maps},
        words=f"Attention of {weights.shape[0]} layers with {weights.shape[1]} heads each over {T} tokens: "
        "the share that goes, on average, to the token itself, to the one before it, to the first one.",
        names=("layer", "head", "itself", "one before", "first"),
        rows=tuple(rows),
    )


def thousandths(row):
    """Weights as whole numbers, up to the last that is not 0: what is hidden from a query takes no place."""
    return np.rint(1000 * row[: row.nonzero()[0].max() + 1]).astype(int).tolist()


NAMED = 12  # tokens of each distribution that are shown with their names, the likeliest
IN_WORDS = (
    SampleConfig(1.0, 0, 1.0),
    SampleConfig(1.0, 40, 1.0),
    SampleConfig(1.0, 0, 0.95),
    SampleConfig(0.5, 0, 0.95),
)


def sampling(contexts, tokens):
    """What temperature, top-k and top-p leave of the next token's distribution, after each of some texts.

    contexts: {text: logits (V,)}. tokens: V strings.
    """
    require(contexts, "an explorer takes at least one text with its logits")
    places, rows = [], []
    for text, logits in contexts.items():
        logits = torch.as_tensor(logits, dtype=torch.float32)
        require(
            logits.shape == (len(tokens),) and bool(logits.isfinite().all()),
            f"the logits of {text!r} have shape {tuple(logits.shape)}; it takes {len(tokens)} finite ones",
        )
        ordered, order = (logits - logits.max()).sort(descending=True, stable=True)
        names = [tokens[i] for i in order[:NAMED].tolist()]
        places.append({"text": text, "names": names, "logits": [round(x, 4) for x in ordered.tolist()]})
        kept = [next_token_probs(ordered, config) for config in IN_WORDS]
        rows.append(
            (
                text.replace("\n", "↵"),
                names[0].strip(),
                *(f"{probs[0]:.0%}, {(probs > 0).sum()}" for probs in kept),
            )
        )
    return Explorer(
        kind="sampling",
        data={"places": places},
        words="The likeliest next token after each text; below each setting its probability, and how many tokens stay.",
        names=("text", "likeliest", "all", "top-k 40", "top-p 0.95", "top-p 0.95, T 0.5"),
        rows=tuple(rows),
    )
