"""Answers to exercise logit_lens of lesson 07: the right one, and the wrong ones that people give."""

import math

import torch
import torch.nn.functional as F

from tinygpt.course.judging import Mistake


def logit_lens(streams, targets, norm, head):
    logits = head(norm(streams))  # (n, B, T, V)
    wanted = targets.expand(len(streams), -1, -1)[..., None]  # (n, B, T, 1)
    nats = -logits.log_softmax(-1).gather(-1, wanted)  # (n, B, T, 1)
    return nats.mean((1, 2, 3))  # (n,)


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


MISTAKES = (
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
        lens(priced=lambda logits, wanted: -logits.log_softmax(-1).gather(-1, wanted).mean((1, 2, 3)) / math.log(2)),
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
)
