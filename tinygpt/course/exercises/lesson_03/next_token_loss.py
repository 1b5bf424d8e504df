"""Exercise next_token_loss of lesson 03: the answer, what it is tried on, and what people get wrong."""

import torch
import torch.nn.functional as F

from tinygpt.course.exercises.lesson_03.cross_entropy import cross_entropy
from tinygpt.course.exercises.lesson_03.trainable import look_at_use, tried_with_gradients
from tinygpt.course.judging import Exercise, Mistake


def next_token_loss(model, windows):
    logits = model(windows[:, :-1])  # (B, T, V)
    targets = windows[:, 1:]  # (B, T)
    return cross_entropy(logits.flatten(0, 1), targets.flatten())  # ()


def table_model(table, longest):
    """A model that looks at the last token only: its scores are that token's row of a table."""

    def model(ids):
        if ids.shape[1] > longest:
            raise ValueError(f"{ids.shape[1]} tokens in a row, but the model takes at most {longest}")
        return F.embedding(ids, table)  # (B, T, V)

    return model


def use_next_token_loss(answer, table, windows):
    longest = windows.shape[1] - 1
    if len(windows) < 3:
        return answer(table_model(table, longest), windows)
    return tried_with_gradients(
        lambda table, windows: answer(table_model(table, longest), windows),
        lambda table, windows: next_token_loss(table_model(table, longest), windows),
        table,
        windows,
    )


def windows_of_tables():
    dice = torch.Generator().manual_seed(6)
    yield torch.tensor([[0.0, 2.0], [1.0, 0.0]]), torch.tensor([[0, 1, 1]])
    yield torch.tensor([[0.0, 2.0, 1.0], [1.0, 0.0, 3.0], [0.0, 0.0, 1.0]]), torch.tensor([[0, 1, 2], [2, 2, 0]])
    yield torch.randn(5, 5, generator=dice) * 2, torch.tensor([[0, 3, 4, 1], [1, 1, 2, 0], [4, 0, 2, 2]])


def priced(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


NEXT_TOKEN_LOSS = Exercise(
    name="next_token_loss",
    reference=next_token_loss,
    advice={
        "is invalid for input of size": "take V from the logits, logits.shape[-1], or use flatten(0, 1).",
        "out of bounds": "cross_entropy wants (N, V) and (N,): make (B, T, V) into (B·T, V), and (B, T) into (B·T,).",
    },
    examples=windows_of_tables,
    use=use_next_token_loss,
    explain=look_at_use,
    hints=(
        "Write down the window a b c d. What does the model read, and which token is the answer at each place?",
        "Inputs are windows[:, :-1], targets windows[:, 1:]: both (B, T). Your cross_entropy wants (N, V) and (N,).",
        "cross_entropy(logits.flatten(0, 1), targets.flatten())",
    ),
    mistakes=(
        Mistake(
            "The targets are not shifted: at each place the answer is the very token that the model has just read. "
            "Training would teach it to repeat. Targets are windows[:, 1:].",
            lambda model, windows: priced(model(windows[:, :-1]), windows[:, :-1]),
        ),
        Mistake(
            "The targets are not shifted: the model reads windows[:, 1:] and is asked for the same tokens. It should "
            "read windows[:, :-1].",
            lambda model, windows: priced(model(windows[:, 1:]), windows[:, 1:]),
        ),
        Mistake(
            "That predicts backwards: from each token the one before it. Read windows[:, :-1], answer windows[:, 1:].",
            lambda model, windows: priced(model(windows[:, 1:]), windows[:, :-1]),
        ),
        Mistake(
            "That is one place too far: from each token the one after the next. The targets are windows[:, 1:].",
            lambda model, windows: priced(model(windows[:, :-2]), windows[:, 2:]),
        ),
        Mistake(
            "Shift inside each window, before flattening: once the windows are strung together, the end of one has to "
            "answer with the beginning of the next.",
            lambda model, windows: F.cross_entropy(
                model(windows[:, :-1]).flatten(0, 1)[:-1], windows[:, :-1].flatten()[1:]
            ),
        ),
        Mistake(
            "F.cross_entropy takes the second axis for the tokens to choose from, and here that is T. Flatten first: "
            "logits (B·T, V), targets (B·T,).",
            lambda model, windows: F.cross_entropy(model(windows[:, :-1]), windows[:, 1:]),
        ),
        Mistake(
            "Only the last place was priced. Every place predicts its next token.",
            lambda model, windows: priced(model(windows[:, :-1])[:, -1:], windows[:, -1:]),
        ),
        Mistake(
            "That is the sum over all tokens; the loss is the mean.",
            lambda model, windows: priced(model(windows[:, :-1]), windows[:, 1:]) * windows[:, 1:].numel(),
        ),
        Mistake(
            "cross_entropy wants logits, as the model gives them; after a softmax they are something else.",
            lambda model, windows: priced(model(windows[:, :-1]).softmax(-1), windows[:, 1:]),
        ),
        Mistake(
            "Logits and targets are in different orders: flatten both the same way, B before T, without transposing.",
            lambda model, windows: priced(model(windows[:, :-1]), windows[:, 1:].T),
        ),
        Mistake(
            "torch.roll brings the first token back as the last target, which asks for something that does not follow. "
            "Cut instead: windows[:, 1:].",
            lambda model, windows: priced(model(windows[:, :-1]), windows[:, :-1].roll(-1, dims=1)),
        ),
    ),
)
