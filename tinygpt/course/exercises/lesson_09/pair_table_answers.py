"""Answers to exercise PairTable of lesson 09: the right one, and the wrong ones that people give."""

import torch
from torch import nn

from tinygpt.course.judging import Mistake

ROWS = 16_384


class PairTable(nn.Module):
    def __init__(self, tokens, rows=16_384):
        super().__init__()
        self.tokens, self.pairs = tokens, nn.Embedding(rows, tokens.embedding_dim)
        nn.init.zeros_(self.pairs.weight)  # the table starts by saying nothing

    def forward(self, ids):
        before = torch.cat([torch.zeros_like(ids[:, :1]), ids[:, :-1]], dim=1)  # (B, T)
        row = (before * 1_000_003 + ids * 10_007) % self.pairs.num_embeddings  # (B, T)
        return self.tokens(ids) + self.pairs(row)  # (B, T, C)


def table_with(row=None, join=None):
    """PairTable with something wrong in it."""

    class Wrong(nn.Module):
        def __init__(self, tokens, rows=ROWS):
            super().__init__()
            self.tokens = tokens
            self.pairs = nn.Embedding(rows, tokens.embedding_dim)
            nn.init.zeros_(self.pairs.weight)

        def forward(self, ids):
            found = self.pairs((row or right_row)(ids, self.pairs.num_embeddings))
            return join(self.tokens(ids), found) if join else self.tokens(ids) + found

    return Wrong


def previous(ids):
    return torch.cat([torch.zeros_like(ids[:, :1]), ids[:, :-1]], dim=1)


def right_row(ids, rows):
    return (previous(ids) * 1_000_003 + ids * 10_007) % rows


def following(ids):
    return torch.cat([ids[:, 1:], torch.zeros_like(ids[:, :1])], dim=1)


class OfThePrevious(PairTable):
    def forward(self, ids):
        return self.tokens(previous(ids)) + self.pairs(right_row(ids, self.pairs.num_embeddings))


MISTAKES = (
    Mistake(
        "You pair each token with the one that FOLLOWS. That is the answer which the model is to predict: its "
        "training loss would be wonderful, and worth nothing.",
        table_with(lambda ids, rows: (following(ids) * 1_000_003 + ids * 10_007) % rows),
    ),
    Mistake(
        "You pair each token with the one that FOLLOWS, and the last with the first (roll). That is the answer "
        "which the model is to predict.",
        table_with(lambda ids, rows: (ids.roll(-1, 1) * 1_000_003 + ids * 10_007) % rows),
    ),
    Mistake(
        "roll takes the last token round to the first place: the first position learns what comes at the end. A 0 "
        "stands before the first token.",
        table_with(lambda ids, rows: (ids.roll(1, 1) * 1_000_003 + ids * 10_007) % rows),
    ),
    Mistake(
        "You pair texts with each other: the axis of time is the second one, dim=1.",
        table_with(
            lambda ids, rows: (torch.cat([torch.zeros_like(ids[:1]), ids[:-1]]) * 1_000_003 + ids * 10_007) % rows
        ),
    ),
    Mistake(
        "Each text begins anew. You shift all ids as one long row, so that the last token of a text stands before "
        "the first of the next one; a 0 belongs there.",
        table_with(
            lambda ids, rows: (
                (torch.cat([ids.new_zeros(1), ids.flatten()[:-1]]).view_as(ids) * 1_000_003 + ids * 10_007) % rows
            )
        ),
    ),
    Mistake(
        "Each text begins anew: roll without dims=1 goes on from a text to the next, and from the last to the "
        "first. A 0 stands before the first token of each.",
        table_with(lambda ids, rows: (ids.roll(1) * 1_000_003 + ids * 10_007) % rows),
    ),
    Mistake(
        "You add the PREVIOUS token's own embedding to the row of the pair. It is tokens(ids), of the current one.",
        OfThePrevious,
    ),
    Mistake(
        "Only the current token decides on your row: then the table is a second token embedding. The previous one "
        "must be in it.",
        table_with(lambda ids, rows: ids * 10_007 % rows),
    ),
    Mistake(
        "Only the previous token decides on your row. The current one must be in it too.",
        table_with(lambda ids, rows: previous(ids) * 1_000_003 % rows),
    ),
    Mistake(
        "The factors have changed places: the previous token takes 1,000,003, the current one 10,007.",
        table_with(lambda ids, rows: (previous(ids) * 10_007 + ids * 1_000_003) % rows),
    ),
    Mistake(
        "The sum was computed in numbers with a fraction (torch.zeros makes such), and float32 keeps only some seven "
        "digits of it: another row. Stay with whole numbers, torch.zeros_like(ids[:, :1]).",
        table_with(lambda ids, rows: ((previous(ids).float() * 1_000_003 + ids * 10_007) % rows).long()),
    ),
    Mistake(
        "You multiply the two: the sum is asked for. (And where one token is 0, all your pairs would share a row.)",
        table_with(lambda ids, rows: (previous(ids) * 1_000_003 * ids * 10_007) % rows),
    ),
    Mistake(
        "The token before the previous one: shift by one place, not by two.",
        table_with(
            lambda ids, rows: (
                (torch.cat([torch.zeros_like(ids[:, :2]), ids[:, :-2]], 1) * 1_000_003 + ids * 10_007) % rows
            )
        ),
    ),
    Mistake(
        "The token's own embedding is missing: tokens(ids) plus the row of the pair.",
        table_with(join=lambda own, pair: pair),
    ),
    Mistake(
        "You multiply the two embeddings: with a table of zeros nothing is left of the token. Add them.",
        table_with(join=lambda own, pair: own * pair),
    ),
    Mistake(
        "You put the two side by side, (B, T, 2C): the model reads C numbers. Add them.",
        table_with(join=lambda own, pair: torch.cat([own, pair], -1)),
    ),
    Mistake(
        "You average the two: at first only half of the token's embedding would be left. Add them.",
        table_with(join=lambda own, pair: (own + pair) / 2),
    ),
    Mistake(
        "Only the first token's own embedding is added, to all. tokens(ids) has one for each place.",
        table_with(join=lambda own, pair: own[:, :1] + pair),
    ),
)
