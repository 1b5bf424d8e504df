"""Exercise logit_lens of lesson 07: the answer, what it is tried on, and what people get wrong."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from tinygpt.course.judging import Exercise, Mistake


def logit_lens(streams, targets, norm, head):
    logits = head(norm(streams))  # (n, B, T, V)
    wanted = targets.expand(len(streams), -1, -1)[..., None]  # (n, B, T, 1)
    nats = -logits.log_softmax(-1).gather(-1, wanted)  # (n, B, T, 1)
    return nats.mean((1, 2, 3))  # (n,)


@dataclass(frozen=True)
class Norm:
    """Not the model's norm, and twice is not once: who uses one of their own, or two, is found out."""

    def __call__(self, x):
        return 2 * x / x.pow(2).mean(-1, keepdim=True).sqrt() - 1

    def __repr__(self):
        return "norm(x) = 2 x / rms(x) - 1"


@dataclass(frozen=True)
class Head:
    """Scores of V tokens; by hand the first is ln 3 times the first number, all others are 0.

    sure: how often as large all scores are.
    """

    V: int = 2
    by_hand: bool = True
    sure: float = 1.0

    def __call__(self, x):
        if self.by_hand:
            return torch.cat([x[..., :1] * math.log(3) * self.sure, x[..., :1] * 0], -1)
        return x @ (torch.arange(float(x.shape[-1] * self.V)) * 2.1).cos().view(-1, self.V)

    def __repr__(self):
        if self.sure > 1:
            return "a head so sure that the other token's probability is 0"
        return "head(x) = (x[0] ln 3, 0)" if self.by_hand else f"a head for {self.V} tokens"


def streams_of(n, B, T, C):
    return (torch.arange(float(n * B * T * C)) * 1.7).sin().view(n, B, T, C) * torch.linspace(1, 4, n).view(n, 1, 1, 1)


def lens_cases():
    by_hand = torch.tensor([[5.0, 5.0], [-2.0, 2.0]]).view(2, 1, 1, 2)
    yield by_hand, torch.tensor([[1]]), Norm(), Head()
    yield by_hand[:1], torch.tensor([[0]]), Norm(), Head()
    two = torch.tensor([[[[5.0, 5.0], [-3.0, 3.0]]]])
    yield two, torch.tensor([[1, 0]]), Norm(), Head()
    yield streams_of(3, 2, 4, 6), torch.tensor([[4, 0, 2, 2], [1, 3, 0, 4]]), Norm(), Head(5, by_hand=False)
    yield streams_of(5, 3, 2, 4), torch.tensor([[6, 1], [0, 5], [2, 2]]), Norm(), Head(7, by_hand=False)
    yield by_hand[:1].repeat(2, 1, 1, 1), torch.tensor([[0]]), Norm(), Head(sure=200)


def look_at_lens(got, expected, streams, targets, norm, head):
    n = len(streams)
    if isinstance(got, list | tuple):
        return f"A tensor ({n},) is wanted: torch.stack(list of tensors) or torch.tensor(list of numbers) makes one."
    if not isinstance(got, torch.Tensor):
        return None
    if tuple(got.shape) != (n,):
        return f"The shape is {tuple(got.shape)}; a price for each of the {n} streams is ({n},)."
    if got.isnan().any():
        return "There are nan in it: a token of probability 0 has the logarithm -inf. log_softmax(-1) knows no such 0."
    if (got < 0).any():
        return "A price can't be negative: it is minus the logarithm of a probability."
    return "Take one place of one stream by hand: norm, head, softmax, and minus the logarithm at the target's id."


def lens(read=lambda streams, norm, head: head(norm(streams)), priced=None):
    """logit_lens with another way from streams to logits, or from what targets cost to a price."""

    def answer(streams, targets, norm, head):
        logits = read(streams, norm, head)
        wanted = targets.expand(len(streams), -1, -1)[..., None]
        if priced is not None:
            return priced(logits, wanted)
        return -logits.log_softmax(-1).gather(-1, wanted).mean((1, 2, 3))

    return answer


def shifted_again(streams, targets, norm, head):
    return logit_lens(streams[:, :, :-1], targets[:, 1:], norm, head)


def shuffled_by_reshape(streams, targets, norm, head):
    """cross_entropy wants the V scores at axis 1; reshape gets the shape right and the numbers wrong."""
    logits = head(norm(streams))
    B, T, V = logits.shape[1:]
    return torch.stack([F.cross_entropy(one.reshape(B, V, T), targets) for one in logits])


def added_only(streams, targets, norm, head):
    return logit_lens(torch.cat([streams[:1], streams.diff(dim=0)]), targets, norm, head)


def times_one_hot(streams, targets, norm, head):
    logits = head(norm(streams))
    return -(F.one_hot(targets, logits.shape[-1]) * logits.softmax(-1).log()).sum(-1).mean((1, 2))


def interleaved(streams, targets, norm, head):
    n, logits = len(streams), head(norm(streams)).flatten(0, 2)
    nats = F.cross_entropy(logits, targets.flatten().repeat_interleave(n), reduction="none")
    return nats.view(n, -1).mean(1)


LOGIT_LENS = Exercise(
    name="logit_lens",
    reference=logit_lens,
    examples=lens_cases,
    explain=look_at_lens,
    advice={
        "not implemented for 'Long'": "the scores come first, the targets second: F.cross_entropy(logits, targets).",
        "shapes cannot be multiplied": "head and norm are the functions that you are given; model.head reads our "
        "model's 128 numbers only.",
        "is invalid for input of size": "take the sizes from what you are given: n, B, T, C = streams.shape, and V is "
        "logits.shape[-1].",
        "must match the existing size": "take the sizes from what you are given: n, B, T, C = streams.shape.",
        "to match target batch_size": "as many targets as places: flatten both, logits.flatten(0, 1) of one stream "
        "and targets.flatten().",
        "has no attribute": "norm and head are functions here: call them, head(norm(stream)).",
        "Size does not match": "gather wants an index with as many axes as the logits, (n, B, T, 1).",
        "same number of dimensions": "gather wants an index with as many axes as the logits, (n, B, T, 1).",
        "Expected target size": "the V scores belong at axis 1 for cross_entropy: flatten places first, "
        "logits.flatten(0, 1) and targets.flatten().",
    },
    hints=(
        "Do one stream first: logits = head(norm(stream)), and then the price of the targets as in lesson 03.",
        "F.cross_entropy takes (places, V) and (places,): logits.flatten(0, 1) and targets.flatten(). A loop over the "
        "streams is fine.",
        "return torch.stack([F.cross_entropy(head(norm(s)).flatten(0, 1), targets.flatten()) for s in streams])",
    ),
    mistakes=(
        Mistake(
            "The final norm is missing. The head has learned to read normalised vectors only.",
            lens(lambda streams, norm, head: head(streams)),
        ),
        Mistake(
            "The last stream is normalised, the others are not. The same glasses for all of them: head(norm(stream)).",
            lens(lambda streams, norm, head: head(torch.cat([streams[:-1], norm(streams[-1:])]))),
        ),
        Mistake(
            "The last stream is not normalised, the others are. The same glasses for all of them: head(norm(stream)).",
            lens(lambda streams, norm, head: head(torch.cat([norm(streams[:-1]), streams[-1:]]))),
        ),
        Mistake(
            "You divide by the root mean square yourself. Use the norm that you are given: the next cell calls yours "
            "also with one that changes nothing.",
            lens(lambda streams, norm, head: head(F.rms_norm(streams, streams.shape[-1:]))),
        ),
        Mistake(
            "This is a LayerNorm of your own. Use the norm that you are given: the next cell calls yours also with "
            "one that changes nothing.",
            lens(lambda streams, norm, head: head(F.layer_norm(streams, streams.shape[-1:]))),
        ),
        Mistake(
            "You apply the norm twice: once is enough.",
            lens(lambda streams, norm, head: head(norm(norm(streams)))),
        ),
        Mistake(
            "First the norm, then the head: norm works on the stream's numbers, not on scores.",
            lens(lambda streams, norm, head: norm(head(streams))),
        ),
        Mistake(
            "These are bits. Nats are asked for: the natural logarithm.",
            lens(
                priced=lambda logits, wanted: -logits.log_softmax(-1).gather(-1, wanted).mean((1, 2, 3)) / math.log(2)
            ),
        ),
        Mistake(
            "The sign: a price is minus the logarithm of a probability.",
            lens(priced=lambda logits, wanted: logits.log_softmax(-1).gather(-1, wanted).mean((1, 2, 3))),
        ),
        Mistake(
            "You add up over the places. The mean price of a place is asked for.",
            lens(priced=lambda logits, wanted: -logits.log_softmax(-1).gather(-1, wanted).sum((1, 2, 3))),
        ),
        Mistake(
            "You average the probabilities and take the logarithm then. Each place pays by itself: first the "
            "logarithm, then the mean.",
            lens(priced=lambda logits, wanted: -logits.softmax(-1).gather(-1, wanted).mean((1, 2, 3)).log()),
        ),
        Mistake(
            "These are probabilities of the targets. Their price is minus the logarithm.",
            lens(priced=lambda logits, wanted: logits.softmax(-1).gather(-1, wanted).mean((1, 2, 3))),
        ),
        Mistake(
            "The softmax is missing: these are scores, and only log_softmax over the V tokens makes prices of them.",
            lens(priced=lambda logits, wanted: -logits.gather(-1, wanted).mean((1, 2, 3))),
        ),
        Mistake(
            "The softmax runs over the places. The tokens compete with each other: the last axis, V.",
            lens(priced=lambda logits, wanted: -logits.log_softmax(2).gather(-1, wanted).mean((1, 2, 3))),
        ),
        Mistake(
            "The softmax runs over the streams. The tokens compete with each other: the last axis, V.",
            lens(priced=lambda logits, wanted: -logits.log_softmax(0).gather(-1, wanted).mean((1, 2, 3))),
        ),
        Mistake(
            "cross_entropy takes scores and applies the softmax itself; yours is applied twice.",
            lens(priced=lambda logits, wanted: -logits.softmax(-1).log_softmax(-1).gather(-1, wanted).mean((1, 2, 3))),
        ),
        Mistake(
            "targets[b, t] is what follows place t already. You shift once more, and lose a place.",
            shifted_again,
        ),
        Mistake(
            "The scores of different places are mixed: reshape(B, V, T) reads the same numbers on in another shape, it "
            "does not swap axes. transpose(1, 2) does; or flatten the places.",
            shuffled_by_reshape,
        ),
        Mistake(
            "You read what each layer adds, by itself. A stream is the sum so far already: read each as it is.",
            added_only,
        ),
        Mistake(
            "You add the streams up. Each is the sum so far already: read it as it is.",
            lambda streams, targets, norm, head: logit_lens(streams.cumsum(0), targets, norm, head),
        ),
        Mistake(
            "You add up the streams after the norm, or their scores. Read each stream by itself.",
            lens(lambda streams, norm, head: head(norm(streams)).cumsum(0)),
        ),
        Mistake(
            "You add up the prices from stream to stream: a running sum. Each stream has a price of its own.",
            lambda streams, targets, norm, head: logit_lens(streams, targets, norm, head).cumsum(0),
        ),
        Mistake(
            "These are perplexities. The price itself is asked for, in nats: no exp.",
            lambda streams, targets, norm, head: logit_lens(streams, targets, norm, head).exp(),
        ),
        Mistake(
            "Only the last place is read. Average over all places.",
            lambda streams, targets, norm, head: logit_lens(streams[:, :, -1:], targets[:, -1:], norm, head),
        ),
        Mistake(
            "Only the first text is read. Average over all texts.",
            lambda streams, targets, norm, head: logit_lens(streams[:, :1], targets[:1], norm, head),
        ),
        Mistake(
            "The targets are in another order than the places: their texts and places are swapped. No transposing "
            "before flatten.",
            lambda streams, targets, norm, head: logit_lens(streams, targets.T.reshape(targets.shape), norm, head),
        ),
        Mistake(
            "The targets are in another order than the places: repeat_interleave says each one n times in a row. All "
            "of them, n times over, are wanted: repeat(n).",
            interleaved,
        ),
        Mistake(
            "nan: another token has probability 0, and 0 times its logarithm, -inf, is no number. Pick the target's "
            "first, by gather, or use log_softmax(-1), which has no such 0.",
            times_one_hot,
        ),
        Mistake(
            "One number for all streams together; we want one for each.",
            lens(priced=lambda logits, wanted: -logits.log_softmax(-1).gather(-1, wanted).mean()),
        ),
        Mistake(
            "Each place has its price; now average over texts and places, so that (n,) is left.",
            lens(priced=lambda logits, wanted: -logits.log_softmax(-1).gather(-1, wanted)[..., 0]),
        ),
        Mistake(
            "Only the last stream is read. Every one of them has a price.",
            lambda streams, targets, norm, head: logit_lens(streams[-1:], targets, norm, head)[0],
        ),
        Mistake(
            "From the last stream to the first: keep their order.",
            lambda streams, targets, norm, head: logit_lens(streams, targets, norm, head).flip(0),
        ),
    ),
)
