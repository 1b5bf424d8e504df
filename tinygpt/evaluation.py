"""How good a prediction is: nats, bits per byte and perplexity under one protocol, with honest intervals.

The protocol: a split's documents, each preceded by `<|endoftext|>`, and one final `<|endoftext|>`; windows of the
model's context that do not overlap; every token but the first is predicted once; the end token belongs to the
document before it.
"""

import math
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from tinygpt.config import require

WINDOWS_AT_ONCE = 16


@dataclass(frozen=True)
class Score:
    """What predicting a text cost, document by document: arrays of shape (documents,).

    nats: the price of the document and of its end. tokens: how many were predicted. bytes: UTF-8 bytes of the text.
    """

    nats: np.ndarray
    tokens: np.ndarray
    bytes: np.ndarray

    @property
    def nats_per_token(self):
        return self.nats.sum() / self.tokens.sum()

    @property
    def perplexity(self):
        return math.exp(self.nats_per_token)

    @property
    def bits_per_byte(self):
        return self.nats.sum() / math.log(2) / self.bytes.sum()

    def of(self, documents):
        """The score of some documents only: indices or a mask (documents,)."""
        return Score(self.nats[documents], self.tokens[documents], self.bytes[documents])

    def interval(self, figure="bits_per_byte", resamples=1000, seed=0):
        """95% interval of a figure: the middle of what it would be for other documents of the same kind.

        Source: Efron 1979, Bootstrap Methods: Another Look at the Jackknife.
        """
        return middle(self.resampled(figure, resamples, seed))

    def interval_of_difference(self, other, figure="bits_per_byte", resamples=1000, seed=0):
        """95% interval of how much higher a figure is here than in another score of the same documents.

        Paired: both are taken of the same draws, so what makes a document hard for both cancels. Far narrower than
        what two intervals side by side suggest.
        """
        require(
            np.array_equal(self.bytes, other.bytes), "only scores of the same documents, in the same order, are a pair"
        )
        return middle(self.resampled(figure, resamples, seed) - other.resampled(figure, resamples, seed))

    def resampled(self, figure="bits_per_byte", resamples=1000, seed=0):
        """A figure (resamples,) of as many documents, drawn with replacement; of one seed always the same draws."""
        rng, n = np.random.default_rng(seed), len(self.nats)
        return np.array([getattr(self.of(rng.integers(0, n, n)), figure) for _ in range(resamples)])


def middle(values):
    """The borders between which 95% of the values lie."""
    return tuple(np.quantile(values, [0.025, 0.975]).tolist())


def score_of(nats, tokens):
    """Gather the nats (N - 1,) of a token file's predicted tokens into a Score by document."""
    document = np.repeat(np.arange(tokens.n_documents), tokens.ends - tokens.starts)  # (N - 1,)
    counts = np.bincount(document, minlength=tokens.n_documents)
    return Score(np.bincount(document, weights=nats, minlength=tokens.n_documents), counts, tokens.document_bytes)


@torch.inference_mode()
def evaluate(model, tokens, stride=None):
    """Score a model on a token file.

    stride: how many tokens a window begins after the one before it. None is the protocol: windows side by side. A
    smaller one gives each token more to read before it, and costs as many times more: only what no earlier window
    has predicted counts.
    """
    context_length = model.config.context_length
    stride = context_length if stride is None else stride
    require(1 <= stride <= context_length, f"stride={stride} is outside 1 to {context_length}, the model's context")
    ids = torch.from_numpy(np.asarray(tokens.ids, dtype=np.int64))  # (N,)
    nats = torch.empty(len(ids) - 1)  # made at once: small pieces kept among large logits would scatter the memory
    begin = done = 0
    with evaluating(model):
        for inputs, targets in windows(ids, context_length, stride):
            for window in window_nats(model, inputs, targets).view(targets.shape):
                end = begin + len(window)
                nats[done:end] = window[done - begin :]
                begin, done = begin + stride, end
    return score_of(nats.double().numpy(), tokens)


def windows(ids, context_length, stride=None):
    """Inputs and targets (B, T) each of windows that cover a stream; the rest, shorter than a window, comes last.

    stride: as of `evaluate`.
    """
    stride = stride or context_length
    inputs, targets = ids[:-1], ids[1:]
    n_whole = max(0, (len(inputs) - context_length) // stride + 1)
    if n_whole:
        batches = (x.unfold(0, context_length, stride).split(WINDOWS_AT_ONCE) for x in (inputs, targets))
        yield from zip(*batches, strict=True)
    begin, covered = n_whole * stride, n_whole and (n_whole - 1) * stride + context_length
    if covered < len(inputs):
        yield inputs[None, begin:], targets[None, begin:]


def window_nats(model, inputs, targets):
    """Nats of every target, in order: (B * T,)."""
    device = model.head.weight.device
    logits = model(inputs.to(device)).float()  # (B, T, V)
    return F.cross_entropy(logits.flatten(0, 1), targets.to(device).flatten(), reduction="none").cpu()


@contextmanager
def evaluating(model):
    """Switch dropout off for a while; the mode the model was in comes back."""
    training = model.training
    model.eval()
    try:
        yield model
    finally:
        model.train(training)
