"""Exercise strided_nats of lesson 06: the answer, how it is put to use, and what people get wrong."""

import torch

from tinygpt.course.exercises.lesson_06.toy_price import streams
from tinygpt.course.judging import Exercise, Mistake


def strided_nats(price, ids, context_length, stride):
    nats, done = [], 0  # done: how many tokens have their price
    for begin in range(0, len(ids) - 1, stride):
        window = ids[begin : begin + context_length + 1]
        nats.append(price(window)[done - begin :])  # what no earlier window has predicted
        done = begin + len(window) - 1
        if done == len(ids) - 1:
            break
    return torch.cat(nats)


def use_strided(answer, price, ids, context_length, stride):
    """What an answer gives; where that is right, but bought with too many calls of price, how many there were."""
    times = 0

    def counted(window):
        nonlocal times
        times += 1
        return price(window)

    nats = answer(counted, ids, context_length, stride)
    n_windows = len(range(0, len(ids) - 1, stride))  # more than are needed: who goes on to the end may
    right = strided_nats(price, ids, context_length, stride)
    if times > n_windows and isinstance(nats, torch.Tensor) and nats.shape == right.shape and nats.allclose(right):
        return f"the right prices, but {times} calls of price for {n_windows} windows"
    return nats


def look_at_contexts(got, expected, price, ids, context_length, stride):
    if isinstance(got, str):
        return (
            "Each call of price is a run of the model, and you run it more than once for a window: on the whole text "
            "that takes a hundred times as long. Call price once for each window, and keep what is new of it."
        )
    if isinstance(got, list) and got and isinstance(got[0], float | int):
        return "A tensor, please: torch.tensor(list), or torch.cat of the pieces."
    if isinstance(got, list):
        return "A list of pieces: torch.cat makes one tensor of them."
    if not isinstance(got, torch.Tensor):
        return None
    if got.ndim != 1:
        return f"Shape {tuple(got.shape)}: one row of prices is wanted, ({len(ids) - 1},)."
    n = len(expected)
    if len(got) == n + 1 and torch.allclose(got[1:].double(), expected.double(), atol=1e-4):
        return f"{n + 1} prices: token 0 has none, since nobody predicts it. The first price is that of token 1."
    if len(got) > n:
        return f"{len(got)} prices for {n} predicted tokens: where windows overlap, only the new tokens count."
    if len(got) < n:
        return (
            f"{len(got)} prices for {n} predicted tokens (all but the first): is the last, shorter window there? "
            "Does each window hold context_length + 1 ids, so that it predicts context_length?"
        )
    if price.rises and (got <= expected + 1e-4).all():
        return (
            "You kept the cheapest price of each token, and that would be cheating: sometimes more to read makes a "
            "token dearer. Count the first window that reaches it, cheap or dear."
        )
    at = int((got - expected).abs().gt(1e-4).nonzero()[0])
    token = at + 1
    wanted, theirs = (price.read_before(x[at].item(), ids[token].item()) for x in (expected, got))
    if theirs is None and (got[at] - ids[1:token] - 0.5).abs().lt(0.51).any():
        return (
            f"At place {at}, where token {token} belongs, stands the price of a token before it once more. The last "
            "window is shorter: of its tokens fewer are new."
        )
    if theirs is None:
        return f"Place {at} does not hold the price of token {token} of the text. Are pieces in the wrong order?"
    return (
        f"Token {token}: the first window that reaches it lets it see {wanted:.0f} before it; in yours it sees "
        f"{theirs:.3g}."
    )


STRIDED_NATS = Exercise(
    name="strided_nats",
    reference=strided_nats,
    use=use_strided,
    examples=streams,
    explain=look_at_contexts,
    advice={
        "price was given a window": "a window holds context_length + 1 ids, the last one may hold fewer; stop when "
        "all tokens have their price.",
        "expected a non-empty list": "no window was priced at all: does the loop begin?",
        "expected Tensor as element": "torch.cat takes tensors: the pieces that price gives back.",
        "must match the existing size": "the piece and the place it goes to have different lengths: how many tokens "
        "of this window are new?",
        "must match the size": "the piece and the place it goes to have different lengths: how many tokens of this "
        "window are new?",
    },
    hints=(
        "for begin in range(0, len(ids) - 1, stride): a window is ids[begin : begin + context_length + 1]. Its prices "
        "belong to the tokens begin + 1, begin + 2, … Which of them has no earlier window priced?",
        "Keep `done`, how many tokens have their price. Of a window's prices, those from index done - begin on are "
        "new. Then done = begin + len(window) - 1; when that is len(ids) - 1, stop.",
        "nats.append(price(window)[done - begin:]), and at the end torch.cat(nats).",
    ),
    mistakes=(
        Mistake(
            "Where two windows reach a token, you take the later one, in which less stands before it: the overlap is "
            "paid for and thrown away. Take the first window that reaches it.",
            lambda price, ids, T, stride: overwritten(price, ids, T, stride),
        ),
        Mistake(
            "Your windows lie side by side; stride was not used. Each begins stride tokens after the one before.",
            lambda price, ids, T, stride: strided_nats(price, ids, T, T),
        ),
        Mistake(
            "Every window counts with all its tokens, so those in the overlap are paid for twice. Only the new ones.",
            lambda price, ids, T, stride: all_of_them(price, ids, T, stride),
        ),
        Mistake(
            "Of the first window, too, you count the last tokens only. Nobody else has predicted the others: there all "
            "are new.",
            lambda price, ids, T, stride: newest(price, ids, T, stride),
        ),
        Mistake(
            "The text's last tokens are missing: the last window is shorter than the others, and it counts.",
            lambda price, ids, T, stride: whole_only(price, ids, T, stride),
        ),
        Mistake(
            "Your windows are one id short: to predict context_length tokens it takes context_length + 1 ids, since "
            "the first is only read.",
            lambda price, ids, T, stride: strided_nats(price, ids, T - 1, min(stride, T - 1)),
        ),
        Mistake(
            "You averaged what several windows say of a token. The first window that reaches it gives it most to read: "
            "take that one.",
            lambda price, ids, T, stride: averaged(price, ids, T, stride),
        ),
        Mistake(
            "Each token got a window of its own. That is a stride of 1, whatever stride was asked for.",
            lambda price, ids, T, stride: strided_nats(price, ids, T, 1),
        ),
        Mistake(
            "In the last window you count the last `stride` prices. It is shorter than the others, and fewer of its "
            "tokens may be new: keep count of how many are done.",
            lambda price, ids, T, stride: last_stride(price, ids, T, stride),
        ),
    ),
)


def begins(ids, T, stride):
    for begin in range(0, len(ids) - 1, stride):
        yield begin, ids[begin : begin + T + 1]
        if begin + T >= len(ids) - 1:
            return


def overwritten(price, ids, T, stride):
    nats = torch.zeros(len(ids) - 1)
    for begin, window in begins(ids, T, stride):
        nats[begin : begin + len(window) - 1] = price(window)
    return nats


def averaged(price, ids, T, stride):
    nats, times = torch.zeros(len(ids) - 1), torch.zeros(len(ids) - 1)
    for begin, window in begins(ids, T, stride):
        nats[begin : begin + len(window) - 1] += price(window)
        times[begin : begin + len(window) - 1] += 1
    return nats / times


def all_of_them(price, ids, T, stride):
    return torch.cat([price(window) for _, window in begins(ids, T, stride)])


def newest(price, ids, T, stride):
    return torch.cat([price(window)[-stride:] for _, window in begins(ids, T, stride)])


def last_stride(price, ids, T, stride):
    return torch.cat([price(w) if begin == 0 else price(w)[-stride:] for begin, w in begins(ids, T, stride)])


def whole_only(price, ids, T, stride):
    whole = [(begin, w) for begin, w in begins(ids, T, stride) if len(w) == T + 1]
    pieces = [price(w) if begin == 0 else price(w)[T - stride :] for begin, w in whole]
    return torch.cat(pieces) if pieces else torch.zeros(0)
