"""Answers that people give to the exercises of lesson 09: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import copy
import math
import random
import statistics

import numpy as np
import torch
from torch import nn

from tinygpt.config import ModelConfig
from tinygpt.course import speedrun
from tinygpt.optim import orthogonalise

# Newton and Schulz


def stepped_in_words(gradient, steps=5):
    x = gradient / torch.sqrt((gradient**2).sum())
    for _ in range(steps):
        gram = torch.matmul(x, x.transpose(0, 1))
        cube = gram @ x
        x = 3.4445 * x - 4.7750 * cube + 2.0315 * gram @ cube
    return x


def stepped_lying(gradient, steps=5):
    x = gradient.clone()
    x /= torch.linalg.matrix_norm(x)
    if high := x.shape[0] > x.shape[1]:
        x = x.T
    while steps:
        gram = x.mm(x.t())
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram.mm(gram)).mm(x)
        steps -= 1
    return x.T if high else x


def stepped_from_the_other_side(gradient, steps=5):
    x = gradient / torch.norm(gradient)
    for _ in range(steps):
        gram = x.T @ x
        x = 3.4445 * x + x @ (-4.7750 * gram + 2.0315 * gram @ gram)
    return x


def stepped_by_svd(gradient, steps=5):
    u, s, v = torch.linalg.svd(gradient / gradient.norm(), full_matrices=False)
    for _ in range(steps):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return u @ torch.diag(s) @ v


def stepped_again(gradient, steps=5):
    def rounds(x, n):
        if n == 0:
            return x
        gram = x @ x.T
        return rounds(3.4445 * x - 4.7750 * gram @ x + 2.0315 * gram @ gram @ x, n - 1)

    return rounds(gradient / gradient.norm(), steps)


def gram_of_columns(gradient, steps=5):
    x = gradient / gradient.norm()
    for _ in range(steps):
        gram = x.T @ x
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


def entry_by_entry(gradient, steps=5):
    x = gradient / gradient.norm()
    for _ in range(steps):
        x = 3.4445 * x - 4.7750 * x * x * x + 2.0315 * x**5
    return x


def laid_down_and_left(gradient, steps=5):
    x = orthogonalise(gradient, steps)
    return x.T if x.shape[0] > x.shape[1] else x


def no_norm_at_all(gradient, steps=5):
    x = gradient
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


def in_the_callers_matrix(gradient, steps=5):
    gradient /= gradient.norm()
    for _ in range(steps):
        gram = gradient @ gradient.T
        gradient = 3.4445 * gradient + (-4.7750 * gram + 2.0315 * gram @ gram) @ gradient
    return gradient


def returns_in_the_loop(gradient, steps=5):
    x = gradient / gradient.norm()
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
        return x


def gram_as_a_number(gradient, steps=5):
    x = gradient / gradient.norm()
    for _ in range(steps):
        gram = (x * x).sum()
        x = 3.4445 * x - 4.7750 * gram * x + 2.0315 * gram * gram * x
    return x


def three_steps_at_most(gradient, steps=5):
    return orthogonalise(gradient, min(steps, 3))


# The power law


def fitted_by_numpy(compute, loss):
    slope, start = np.polyfit(np.log(compute), np.log(loss), 1)
    return float(np.exp(start)), float(-slope)


def fitted_by_log10(compute, loss):
    slope, start = np.polyfit(np.log10(compute), np.log10(loss), 1)
    return 10**start, -slope


def fitted_by_lstsq(compute, loss):
    x = torch.tensor([[1.0, math.log(c)] for c in compute], dtype=torch.float64)
    y = torch.tensor([math.log(v) for v in loss], dtype=torch.float64)[:, None]
    start, slope = torch.linalg.lstsq(x, y).solution[:, 0].tolist()
    return math.exp(start), -slope


def fitted_by_sums(compute, loss):
    x, y, n = [math.log2(c) for c in compute], [math.log2(v) for v in loss], len(compute)
    sxy, sxx = sum(a * b for a, b in zip(x, y, strict=True)), sum(a * a for a in x)
    slope = (n * sxy - sum(x) * sum(y)) / (n * sxx - sum(x) ** 2)
    return [2 ** ((sum(y) - slope * sum(x)) / n), -slope]


def fitted_by_covariance(compute, loss):
    x, y = np.log(np.array(compute)), np.log(np.array(loss))
    b = -np.cov(x, y)[0, 1] / x.var(ddof=1)
    return torch.tensor(math.exp(y.mean() + b * x.mean())), torch.tensor(b)


def fitted_by_the_library(compute, loss):
    slope, start = statistics.linear_regression([math.log(c) for c in compute], [math.log(v) for v in loss])
    return math.exp(start), -slope


def fitted_in_float32(compute, loss):
    x, y = torch.tensor(compute).log(), torch.tensor(loss).log()
    slope = torch.dot(x - x.mean(), y - y.mean()) / ((x - x.mean()) ** 2).sum()
    return (y.mean() - slope * x.mean()).exp(), -slope


def fitted_and_rounded(compute, loss):
    a, b = fitted_by_numpy(compute, loss)
    return round(a, 2), round(b, 2)


def fitted_square_of_the_sum(compute, loss):
    x, y = np.log(compute), np.log(loss)
    with np.errstate(divide="ignore"):
        slope = ((x - x.mean()) * (y - y.mean())).sum() / np.square((x - x.mean()).sum())
    return math.exp(y.mean() - slope * x.mean()), -slope


def fitted_square_of_the_sum_of_a_list(compute, loss):
    x, y = [math.log(c) for c in compute], [math.log(v) for v in loss]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((u - mean_x) * (v - mean_y) for u, v in zip(x, y, strict=True)) / sum(u - mean_x for u in x) ** 2
    return math.exp(mean_y - slope * mean_x), -slope


def fitted_sums_of_five(compute, loss):
    x, y, n = np.log(compute), np.log(loss), 5
    slope = (n * (x * y).sum() - x.sum() * y.sum()) / (n * (x * x).sum() - x.sum() ** 2)
    return math.exp((y.sum() - slope * x.sum()) / n), -slope


def fitted_by_spreads(compute, loss):
    x, y = np.log(compute), np.log(loss)
    b = y.std() / x.std()
    return math.exp(y.mean() + b * x.mean()), b


def fitted_one_number(compute, loss):
    return fitted_by_numpy(compute, loss)[1]


def fitted_as_array(compute, loss):
    return np.array(fitted_by_numpy(compute, loss))


def fitted_lists_divided(compute, loss):
    return loss / compute


def fitted_log_of_a_list(compute, loss):
    return math.log(compute), math.log(loss)


def fitted_start_too_high(compute, loss):
    a, b = fitted_by_numpy(compute, loss)
    return 1.1 * a, b


def fitted_and_forgotten(compute, loss):
    fitted_by_numpy(compute, loss)


# Pairs


class TableByPadding(nn.Module):
    def __init__(self, tokens, rows=16_384):
        super().__init__()
        self.tokens = tokens
        self.pairs = nn.Embedding(rows, tokens.weight.shape[1])
        self.pairs.weight.data.zero_()
        self.rows = rows

    def forward(self, ids):
        before = nn.functional.pad(ids, (1, 0))[:, :-1]
        return self.tokens(ids) + self.pairs(torch.remainder(before * 1_000_003 + 10_007 * ids, self.rows))


class TableByRoll(nn.Module):
    def __init__(self, tokens, rows=16_384):
        super().__init__()
        self.tokens = tokens
        self.pairs = nn.Embedding(rows, tokens.embedding_dim)
        with torch.no_grad():
            self.pairs.weight.fill_(0)

    def forward(self, ids):
        before = ids.roll(1, dims=1)
        before[:, 0] = 0
        return torch.add(self.pairs((before * 1_000_003 + ids * 10_007) % len(self.pairs.weight)), self.tokens(ids))


class TableByLoop(nn.Module):
    def __init__(self, tokens, rows=16_384):
        super().__init__()
        self.tokens, self.rows = tokens, rows
        self.pairs = nn.Embedding(rows, tokens.embedding_dim)
        nn.init.constant_(self.pairs.weight, 0.0)

    def forward(self, ids):
        row = torch.empty_like(ids)
        for b, text in enumerate(ids.tolist()):
            for t, current in enumerate(text):
                previous = text[t - 1] if t else 0
                row[b, t] = (previous * 1_000_003 + current * 10_007) % self.rows
        return self.tokens(ids) + self.pairs(row)


class TableFilled(nn.Module):
    def __init__(self, tokens, rows=16_384):
        super().__init__()
        self.tokens = tokens
        self.pairs = nn.Embedding.from_pretrained(torch.zeros(rows, tokens.embedding_dim), freeze=False)

    def forward(self, ids):
        before = torch.zeros_like(ids)
        before[:, 1:] = ids[:, :-1]
        return self.tokens(ids) + self.pairs((before * 1_000_003 + ids * 10_007) % self.pairs.num_embeddings)


class TableOfAParameter(nn.Module):
    def __init__(self, tokens, rows=16_384):
        super().__init__()
        self.tokens = tokens
        self.pairs = nn.Embedding(rows, tokens.embedding_dim)
        self.pairs.weight = nn.Parameter(torch.zeros(rows, tokens.embedding_dim))

    def forward(self, ids):
        zero = ids.new_zeros(len(ids), 1)
        row = (torch.hstack([zero, ids[:, :-1]]) * 1_000_003 + ids * 10_007) % self.pairs.weight.size(0)
        return self.tokens(ids) + self.pairs(row)


class RandomAtFirst(TableByPadding):
    def __init__(self, tokens, rows=16_384):
        super().__init__(tokens, rows)
        nn.init.normal_(self.pairs.weight)


class OwnTokens(TableByPadding):
    def __init__(self, tokens, rows=16_384):
        super().__init__(tokens, rows)
        self.tokens = nn.Embedding(tokens.num_embeddings, tokens.embedding_dim)


class RowsOfThePackage(TableByPadding):
    def __init__(self, tokens, rows=16_384):
        super().__init__(tokens, 16_384)


class AnotherName(nn.Module):
    def __init__(self, tokens, rows=16_384):
        super().__init__()
        self.tokens, self.table = tokens, nn.Embedding(rows, tokens.embedding_dim)


class NoInit(nn.Module):
    def __init__(self, tokens, rows=16_384):
        self.tokens = tokens


class NoRemainder(TableByPadding):
    def forward(self, ids):
        before = nn.functional.pad(ids, (1, 0))[:, :-1]
        return self.tokens(ids) + self.pairs(before * 1_000_003 + 10_007 * ids)


class RemainderOfThePackage(TableByPadding):
    def forward(self, ids):
        before = nn.functional.pad(ids, (1, 0))[:, :-1]
        return self.tokens(ids) + self.pairs((before * 1_000_003 + 10_007 * ids) % 16_384)


class Quotient(TableByPadding):
    def forward(self, ids):
        before = nn.functional.pad(ids, (1, 0))[:, :-1]
        return self.tokens(ids) + self.pairs((before * 1_000_003 + 10_007 * ids) // self.rows)


class ZerosWithFractions(TableByPadding):
    def forward(self, ids):
        before = torch.cat([torch.zeros(len(ids), 1), ids[:, :-1]], dim=1)
        return self.tokens(ids) + self.pairs((before * 1_000_003 + 10_007 * ids) % self.rows)


class RowsOfTheOtherMethod(TableByPadding):
    def forward(self, ids):
        before = nn.functional.pad(ids, (1, 0))[:, :-1]
        return self.tokens(ids) + self.pairs((before * 1_000_003 + 10_007 * ids) % rows)  # noqa: F821


TOKEN_FILES = {"train": "a file"}  # which the notebook calls tokens


class TokensOfTheNotebook(TableByPadding):
    def forward(self, ids):
        return TOKEN_FILES(ids) + self.pairs(rows_found(self, ids))


class TooShort(TableByPadding):
    def forward(self, ids):
        return self.tokens(ids) + self.pairs((ids[:, :-1] * 1_000_003 + ids[:, 1:] * 10_007) % self.rows)


class OneForAll(TableByPadding):
    def forward(self, ids):
        before = nn.functional.pad(ids, (1, 0))[:, :-1]
        return (self.tokens(ids) + self.pairs((before * 1_000_003 + 10_007 * ids) % self.rows)).sum(1)


class ForgotToReturn(TableByPadding):
    def forward(self, ids):
        self.tokens(ids)


class ItselfForTheFirst(TableByPadding):
    def forward(self, ids):
        before = torch.cat([ids[:, :1], ids[:, :-1]], 1)
        return self.tokens(ids) + self.pairs((before * 1_000_003 + 10_007 * ids) % self.rows)


class Frozen(TableByPadding):
    def __init__(self, tokens, rows=16_384):
        super().__init__(tokens, rows)
        self.pairs.requires_grad_(False)


def in_bfloat16(gradient, steps=5):
    return orthogonalise(gradient.bfloat16(), steps)


def in_bfloat16_and_back(gradient, steps=5):
    return orthogonalise(gradient.bfloat16(), steps).float()


def two_updates_in_a_row(gradient, steps=5):
    x = gradient / gradient.norm()
    for _ in range(steps):
        gram = x @ x.T
        y = 3.4445 * x
        y = y - 4.7750 * gram @ y
        y = y + 2.0315 * gram @ gram @ y
        x = y
    return x


def rows_found(table, ids):
    before = nn.functional.pad(ids, (1, 0))[:, :-1]
    return (before * 1_000_003 + 10_007 * ids) % table.rows


class Detached(TableByPadding):
    def forward(self, ids):
        return self.tokens(ids) + self.pairs(rows_found(self, ids)).detach()


class LookedUpWithoutGradient(TableByPadding):
    def forward(self, ids):
        with torch.no_grad():
            found = self.pairs(rows_found(self, ids))
        return self.tokens(ids) + found


class AllWithoutGradient(TableByPadding):
    @torch.no_grad()
    def forward(self, ids):
        return super().forward(ids)


class TokensDetached(TableByPadding):
    def forward(self, ids):
        return self.tokens(ids).detach() + self.pairs(rows_found(self, ids))


class Padded(TableByPadding):
    def __init__(self, tokens, rows=16_384):
        super().__init__(tokens, rows)
        self.pairs = nn.Embedding(rows, tokens.embedding_dim, padding_idx=0)
        nn.init.zeros_(self.pairs.weight)


class Sparse(TableByPadding):
    def __init__(self, tokens, rows=16_384):
        super().__init__(tokens, rows)
        self.pairs = nn.Embedding(rows, tokens.embedding_dim, sparse=True)
        nn.init.zeros_(self.pairs.weight)


class ChangesItsIds(TableByPadding):
    def forward(self, ids):
        before = ids
        before[:, 1:] = ids[:, :-1].clone()
        before[:, 0] = 0
        return self.tokens(ids) + self.pairs((before * 1_000_003 + 10_007 * ids) % self.rows)


class PlainWeight(TableByPadding):
    def __init__(self, tokens, rows=16_384):
        super().__init__(tokens, rows)
        self.pairs.weight = torch.zeros(rows, tokens.embedding_dim)


class MultipliesEmbeddings(TableByPadding):
    def forward(self, ids):
        before = nn.functional.pad(ids, (1, 0))[:, :-1]
        row = (self.tokens(before) * 1_000_003 + self.tokens(ids) * 10_007) % self.rows
        return self.tokens(ids) + self.pairs(row)


class SecondTextFromTheFirst(TableByPadding):
    def forward(self, ids):
        before = nn.functional.pad(ids, (1, 0))[:, :-1].clone()
        before[1:, 0] = 1
        return self.tokens(ids) + self.pairs((before * 1_000_003 + 10_007 * ids) % self.rows)


class TwiceItself(TableByPadding):
    def forward(self, ids):
        return 2 * self.tokens(ids) + self.pairs(rows_found(self, ids))


def changed_record():
    recipe = speedrun.RECORD
    recipe["batch_size"] = 8
    return recipe


def copied_record():
    recipe = speedrun.RECORD.copy()
    recipe.update(batch_size=np.int64(8))
    return recipe


RIGHT = {
    "newton_schulz": [
        stepped_in_words,
        stepped_lying,
        stepped_from_the_other_side,
        stepped_by_svd,
        stepped_again,
        orthogonalise,
    ],
    "fit_power_law": [
        fitted_by_numpy,
        fitted_by_log10,
        fitted_by_lstsq,
        fitted_by_sums,
        fitted_by_covariance,
        fitted_by_the_library,
        fitted_in_float32,
    ],
    "PairTable": [TableByPadding, TableByRoll, TableByLoop, TableFilled, TableOfAParameter],
    "my_recipe": [
        lambda: {"n_layers": 2},
        copied_record,
        lambda: speedrun.RECORD | {"batch_size": 8},
        lambda: {**speedrun.RECORD, "head_lr": np.float64(0.016)},
        lambda: {"d_model": 64, "n_layers": 1, "batch_size": 2, "context_length": 64},
        lambda: {"d_model": 64, "n_layers": 1},
        lambda: dict(d_model=32, n_layers=1, batch_size=4, context_length=64),
        lambda: {"d_model": 64, "n_layers": 2, "optimizer": "adamw", "lr": 3e-3},
        lambda: {"d_model": 64, "n_layers": 2, "tied": True, "mlp": "gelu", "bigram_steps": 0},
    ],
}
WRONG = {
    "newton_schulz": [
        (in_bfloat16, "may well run in torch.bfloat16"),
        (in_bfloat16_and_back, "Is something rounded"),
        (gram_as_a_number, "By hand: the norm is 2.236"),
        (three_steps_at_most, "this one, (5, 3) and 5 steps"),
        (two_updates_in_a_row, "OLD x in all three"),
        (gram_of_columns, "stands to the left of x"),
        (entry_by_entry, "powers number by number"),
        (laid_down_and_left, "gradient's shape"),
        (no_norm_at_all, "divide by gradient.norm()"),
        (in_the_callers_matrix, "changed its input in place"),
        (returns_in_the_loop, "Only one step"),
        (lambda gradient, steps=5: None, "is there a return"),
        (lambda gradient, steps=5: gradient / gradient.norm(), "One step is missing"),
    ],
    "fit_power_law": [
        (lambda compute, loss: (4.0, 0.4), "By hand, with x = log compute and y = log loss: mean x is 0.6931"),
        (fitted_and_rounded, "Right, but rounded"),
        (fitted_square_of_the_sum, "square first, then add up"),
        (fitted_square_of_the_sum_of_a_list, "square, and only then add up"),
        (fitted_sums_of_five, "Your b is below 0"),
        (fitted_by_spreads, "mean x is 3.342"),  # right where all points lie on a line
        (lambda compute, loss: torch.log(compute), "· torch.tensor(compute) makes a tensor of the list"),
        (fitted_one_number, "Two numbers are wanted"),
        (fitted_as_array, "not as an array"),
        (fitted_lists_divided, "compute and loss are lists"),
        (fitted_log_of_a_list, "math.log takes one number"),
        (fitted_start_too_high, "On these points b is right, a is not"),
        (fitted_and_forgotten, "Two numbers are wanted"),
        (lambda compute, loss: (0.0, float("nan")), "nan or infinity came out"),
    ],
    "PairTable": [
        (RandomAtFirst, "must say nothing"),
        (OwnTokens, "Keep the embedding that is handed in"),
        (RowsOfThePackage, "rows = 7"),
        (AnotherName, "self.pairs must be"),
        (NoInit, "super().__init__()"),
        (NoRemainder, "The remainder comes last"),
        (RemainderOfThePackage, "by this table's own number of rows"),
        (Quotient, "by % and not by //"),
        (ZerosWithFractions, "torch.zeros makes fractions"),
        (RowsOfTheOtherMethod, "then self.rows in forward"),
        (TokensOfTheNotebook, "write self.tokens(ids)"),
        (TooShort, "a zero first"),
        (OneForAll, "The shape is"),
        (ForgotToReturn, "is there a return"),
        (ItselfForTheFirst, "before the first token of each row of ids stands a 0"),
        (Detached, "no gradient reaches self.pairs"),
        (LookedUpWithoutGradient, "no gradient reaches self.pairs"),
        (AllWithoutGradient, "no gradient reaches self.pairs"),
        (TokensDetached, "the tokens' own embedding"),
        (Padded, "leave padding_idx out"),
        (Sparse, "Leave sparse=True out"),
        (ChangesItsIds, "changes the ids"),
        (PlainWeight, "Fill it in place"),
        (MultipliesEmbeddings, "Compute the row from the ids"),
        (SecondTextFromTheFirst, "[9, 4] (text 1)"),
        (TwiceItself, "full of zeros, as it should be"),
        (Frozen, "leave requires_grad on"),
    ],
    "my_recipe": [
        (changed_record, "Copy it"),
        (lambda: copy.deepcopy(speedrun.RECORD), "Copy it"),
        (lambda: speedrun.RECORD, "record's own recipe. Change"),
        (
            lambda: {**speedrun.RECORD, "n_heads": 2, "batch_size": 16},
            "the package has n_heads=2, batch_size=16 anyway",
        ),
        (lambda: {"head_lr": "0.03"}, "head_lr='0.03' is not a number"),
        (lambda: {"weight_decay": None}, "is not a number, such as 0.1"),
        (lambda: {**speedrun.RECORD, "context_length": 1}, "2,000 are allowed"),
        (lambda: {"head_lr": 1e9}, "beyond 1"),
        (lambda: {"head_lr": float("nan")}, "must be a number above 0"),
        (lambda: {"d_model": 64, "batch_size": random.choice([2, 4, 8, 16])}, "Two calls gave two recipes"),
        (lambda: None, "is there a return"),
        (lambda: {"width": 64}, "That is no setting"),
        (lambda: {"d_ff": -3}, "nor 0, which stands for the usual width"),
        (lambda: ModelConfig(n_layers=2), "A dictionary is wanted"),
        (lambda: {"d_model": 65}, "not divisible"),
        (lambda: {"d_model": 2048, "n_layers": 16, "batch_size": 512}, "a shorter context"),
        (lambda: {"precision": "bfloat16"}, "precision is not yours"),
        (lambda: {"d_model": "64"}, "not a whole number"),
        (lambda: {"bigram_steps": 10_000}, "fits into the budget"),
        (lambda: ["n_layers", 2], "A dictionary is wanted"),
    ],
}
