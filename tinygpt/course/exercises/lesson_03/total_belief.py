"""Exercise total_belief of lesson 03: the answer, what it is tried on, and what people get wrong."""

import torch

from tinygpt.course.judging import Exercise, Mistake


def total_belief(prices, tokens, i, vocab_size):
    trials = tokens.repeat(vocab_size, 1)  # (V, N), the same text V times
    trials[:, i] = torch.arange(vocab_size)  # each with another token at place i
    return (-prices(trials)[:, i - 1]).exp().sum().item()


HONEST, UNSHIFTED = "honest prices", "prices that know the answer"


def shape(x):
    return f"a tensor of shape {tuple(x.shape)}"


def use_total_belief(answer, kind, probs, tokens, i, vocab_size):
    def prices(trials):
        if trials.shape[1:] != tokens.shape:
            raise ValueError(
                f"texts of {len(tokens)} tokens are wanted, with those after place i; {shape(trials)} came"
            )
        reads = trials[:, :-1] if kind == HONEST else trials[:, 1:]
        return -probs[reads, trials[:, 1:]].log()  # (B, N - 1)

    return answer(prices, tokens, i, vocab_size)


def gamblers():
    two = torch.tensor([[0.75, 0.25], [0.375, 0.625]])
    yield HONEST, two, torch.tensor([0, 1, 1, 0]), 1, 2
    yield UNSHIFTED, two, torch.tensor([0, 1, 1, 0]), 1, 2
    three = torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.25, 0.125, 0.625]])
    yield HONEST, three, torch.tensor([2, 0, 1, 1, 2]), 3, 3
    yield UNSHIFTED, three, torch.tensor([2, 0, 1, 1, 2]), 4, 3


def trials_of(tokens, i, vocab_size):
    trials = tokens.repeat(vocab_size, 1)
    trials[:, i] = torch.arange(vocab_size)
    return trials


TOTAL_BELIEF = Exercise(
    name="total_belief",
    reference=total_belief,
    advice={"must match the": "there are vocab_size texts, not the notebook's V."},
    examples=gamblers,
    use=use_total_belief,
    explain=lambda got, expected, *arguments: look_at_belief(got, expected),
    hints=(
        "Make V copies of the text that differ at place i only: copy number v has token v there. Ask for the price of "
        "each.",
        "trials = tokens.repeat(vocab_size, 1) is (V, N); trials[:, i] = torch.arange(vocab_size). Prices start with "
        "token 1, so the price of place i is column i - 1.",
        "A price is -log of a probability, so the probability is exp(-price): add these up.",
    ),
    mistakes=(
        Mistake(
            "Column i is the price of token i + 1: the first token has no price, so token i's is column i - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:, min(i, len(tokens) - 2)]).exp().sum(),
        ),
        Mistake(
            "You added up prices. Turn each into a probability first: exp(-price).",
            lambda prices, tokens, i, V: prices(trials_of(tokens, i, V))[:, i - 1].sum(),
        ),
        Mistake(
            "You added the prices of all places first. The probability of token v at place i is exp of minus one "
            "price, in column i - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V)).sum(1)).exp().sum(),
        ),
        Mistake(
            "The prices are in nats: the base is e, exp(-price), and not 2.",
            lambda prices, tokens, i, V: (2 ** -prices(trials_of(tokens, i, V))[:, i - 1]).sum(),
        ),
        Mistake(
            "Column -1 is the price of the last token. That of place i is in column i - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:, -1]).exp().sum(),
        ),
        Mistake(
            "exp(price) is one over the probability; a minus is missing: exp(-price).",
            lambda prices, tokens, i, V: prices(trials_of(tokens, i, V))[:, i - 1].exp().sum(),
        ),
        Mistake(
            "The last token of the vocabulary was not asked for: range(vocab_size) goes up to vocab_size - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:-1, i - 1]).exp().sum(),
        ),
        Mistake(
            "That is the mean over the vocabulary; we want the sum.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:, i - 1]).exp().mean(),
        ),
        Mistake(
            "You changed the token before: place i - 1. The prices are shifted by one, the tokens are not.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i - 1, V))[:, i - 1]).exp().sum(),
        ),
        Mistake(
            "You added up all places. Only the price of token i belongs in the sum: column i - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))).exp().sum(),
        ),
        Mistake(
            "That is the probability of the one token that stands there. Ask for all vocab_size of them.",
            lambda prices, tokens, i, V: (-prices(tokens[None])[0, i - 1]).exp(),
        ),
        Mistake(
            "You replaced every token of the copy. Only place i changes.",
            lambda prices, tokens, i, V: (
                (-prices(torch.arange(V)[:, None].repeat(1, len(tokens)))[:, i - 1]).exp().sum()
            ),
        ),
        Mistake(
            "You averaged the prices. Turn each of them into a probability, exp(-price), and add these up.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:, i - 1].mean()).exp(),
        ),
        Mistake(
            "That is one price, counted vocab_size times. Every other token at place i has a price of its own: ask.",
            lambda prices, tokens, i, V: V * (-prices(tokens[None])[0, i - 1]).exp(),
        ),
        Mistake(
            "1 is what an honest predictor gives. The point is to measure it.",
            lambda prices, tokens, i, V: 1.0,
        ),
        Mistake(
            "That is exp of the summed prices; take exp of each first, then add.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:, i - 1].sum()).exp(),
        ),
    ),
)


def look_at_belief(got, expected):
    if isinstance(got, torch.Tensor) and got.ndim:
        return "A single number is asked for: the sum over all tokens that could stand at place i."
    return None
