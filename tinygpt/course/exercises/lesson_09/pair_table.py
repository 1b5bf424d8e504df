"""Exercise PairTable of lesson 09: how an answer is tried, and what is said of it.

The benchmarks measure the answer too; the package itself does not have it.
"""

import torch
from torch import nn

from tinygpt.course.exercises.lesson_09.pair_table_answers import MISTAKES, ROWS, PairTable
from tinygpt.course.judging import Exercise


def with_pair_table(model, table=PairTable, rows=ROWS):
    """The same model with a pair table in place of its embedding."""
    model.token_embedding = table(model.token_embedding, rows)
    return model


def tables():
    yield 10, 1, 7, torch.tensor([[3, 4, 5]])
    yield 10, 1, 7, torch.tensor([[3, 4], [9, 4]])
    yield 50, 2, 11, torch.tensor([[1, 2, 1, 3, 2], [7, 7, 49, 0, 7]])


def use_table(answer, n_tokens, width, rows, ids):
    """What a table gives before it has learned anything, and when row r of its pairs holds 10·r."""
    tokens = nn.Embedding(n_tokens, width)
    with torch.no_grad():
        tokens.weight.copy_((torch.arange(n_tokens) / 100)[:, None].expand(-1, width))
    table = answer(tokens, rows)
    pairs = getattr(table, "pairs", None)
    if not isinstance(table, nn.Module) or not isinstance(pairs, nn.Embedding):
        return "no self.pairs that is an nn.Embedding"
    if not any(p is tokens.weight for p in table.parameters()):
        return "tokens' weights are not among the parameters"
    if pairs.weight.shape != (rows, width):
        return f"self.pairs is {tuple(pairs.weight.shape)}"
    if not pairs.weight.requires_grad:
        return "self.pairs learns nothing"
    if pairs.weight.any():
        return "the table is not 0 at first"
    given = ids.clone()
    first = table(ids)
    if not torch.equal(ids, given):
        return "ids are changed"
    with torch.no_grad():
        pairs.weight.copy_(10.0 * torch.arange(rows)[:, None].expand(-1, width))
    second = table(ids)
    results = {"at first": as_lists(first), "with 10·r in row r of pairs": as_lists(second)}
    if isinstance(second, torch.Tensor) and second.requires_grad:
        second.sum().backward()
    return results | {"pairs that learn": learning(pairs.weight), "tokens that learn": learning(tokens.weight)}


def learning(weight):
    """The rows of a table that a gradient has reached; None where nothing has."""
    if weight.grad is None:
        return None
    return "sparse" if weight.grad.is_sparse else weight.grad.any(dim=1).nonzero()[:, 0].tolist()


def as_lists(x):
    return (x.double() * 1e4).round().div(1e4).tolist() if isinstance(x, torch.Tensor) else x


def look_at_table(got, expected, n_tokens, width, rows, ids):
    told = {
        "no self.pairs": "self.pairs must be an nn.Embedding(rows, tokens.embedding_dim), made in __init__ after "
        "super().__init__().",
        "tokens' weights": "Keep the embedding that is handed in: self.tokens = tokens. A new one would begin from "
        "nothing, and a copy would never learn.",
        "self.pairs is": f"A row of the table is added to a token's embedding: rows = {rows} of them, each as long as "
        f"that, tokens.embedding_dim = {width}.",
        "learns nothing": "The table has to learn: leave requires_grad on.",
        "not 0 at first": "Before it has learned, the table must say nothing, so that forward gives tokens(ids) alone. "
        "nn.Embedding starts with random weights: nn.init.zeros_(self.pairs.weight).",
        "ids are changed": "forward changes the ids that it is handed, and what comes after reads the changed ones "
        "(`before = ids` is no copy). Make a new tensor: torch.cat, or ids.clone().",
    }
    if isinstance(got, str):
        return next((message for part, message in told.items() if part in got), None)
    if not isinstance(got, dict) or not isinstance(got["at first"], list):
        return "forward must return a tensor (B, T, C): is there a return?"
    shapes = [torch.tensor(x["at first"]).shape for x in (got, expected)]
    if shapes[0] != shapes[1]:
        return f"The shape is {tuple(shapes[0])}; it should be (B, T, C), here {tuple(shapes[1])}."
    if not torch.allclose(torch.tensor(got["at first"]), torch.tensor(expected["at first"]), atol=1e-4):
        return (
            "Your table is full of zeros, as it should be; so forward must give tokens(ids), each token's own "
            "embedding, and gives something else. Is it self.tokens(ids) + self.pairs(row)?"
        )
    return other_rows(got, expected, ids, rows) or what_learns(got, expected)


def other_rows(got, expected, ids, rows):
    """Where the first text lies that looks up other rows than ours; None where all look up the same."""
    theirs, ours = ((torch.tensor(x["with 10·r in row r of pairs"])[:, :, 0] / 10).floor() for x in (got, expected))
    if not theirs.isfinite().all() or torch.equal(theirs, ours):
        return None
    text = int((theirs != ours).any(dim=1).nonzero()[0])
    return (
        f"For the tokens {ids[text].tolist()}{f' (text {text})' if len(ids) > 1 else ''} you look up the rows "
        f"{[int(r) for r in theirs[text]]}, we {[int(r) for r in ours[text]]}: "
        f"(previous · 1,000,003 + current · 10,007) modulo {rows}, and before the first token of each row "
        "of ids stands a 0."
    )


def what_learns(got, expected):
    """What keeps a gradient from the rows that were looked up."""
    pairs, tokens = got["pairs that learn"], got["tokens that learn"]
    if "sparse" in (pairs, tokens):
        return "Leave sparse=True out: the trainer's optimizer takes ordinary gradients only."
    if not pairs:
        return (
            "The numbers are right, but no gradient reaches self.pairs, so the table never learns: no .detach() or "
            ".data in forward, and the lookup outside torch.no_grad()."
        )
    if not tokens:
        return (
            "The numbers are right, but no gradient reaches the tokens' own embedding: no .detach() or .data in "
            "forward, and the lookup outside torch.no_grad()."
        )
    if 0 in set(expected["pairs that learn"]) - set(pairs):
        return (
            "Row 0 of self.pairs never learns: leave padding_idx out. The 0 before the first token is an id that goes "
            "into the sum; row 0 belongs to whatever pair falls there, such as 3, 4 in 7 rows."
        )
    return None


PAIR_TABLE = Exercise(
    name="PairTable",
    reference=PairTable,
    examples=tables,
    use=use_table,
    explain=look_at_table,
    tolerance=1e-4,
    advice={
        "index out of range": "a row beyond the table. The remainder comes last, by % and not by //, and by this "
        "table's own number of rows, self.pairs.num_embeddings, which is 16,384 only where nothing else is asked for.",
        "' is not defined": "a method knows its own arguments, and through self what __init__ kept there: "
        "self.rows = rows, then self.rows in forward.",
        "'dict' object is not callable": "tokens alone is the notebook's own, a dict of token files: in forward write "
        "self.tokens(ids).",
        "before Module.__init__": "a module begins with super().__init__(), the first line of __init__.",
        "Sizes of tensors must match": "put one column (B, 1) of zeros before ids[:, :-1], (B, T - 1), along axis 1.",
        "must match the size": "the pairs need as many columns as ids: a zero first, then ids[:, :-1].",
        "unexpected keyword": "__init__ takes (tokens, rows), in this order.",
        "takes 2 positional": "__init__ takes (self, tokens, rows).",
        "as parameter": "a weight is an nn.Parameter, not a plain tensor. Fill it in place: "
        "nn.init.zeros_(self.pairs.weight).",
        "scalar types: Long": "an embedding is asked by whole numbers. torch.zeros makes fractions, and all that meets "
        "them turns into fractions too: torch.zeros_like(ids[:, :1]). Compute the row from the ids, not from their "
        "embeddings, and with %, not /.",
        "takes 1 positional": "it is forward(self, ids).",
    },
    hints=(
        "In __init__: super().__init__(), keep tokens, make self.pairs = nn.Embedding(rows, tokens.embedding_dim) and "
        "zero its weight.",
        "The token before each: torch.cat([torch.zeros_like(ids[:, :1]), ids[:, :-1]], dim=1), (B, T).",
        "row = (before * 1_000_003 + ids * 10_007) % self.pairs.num_embeddings; return self.tokens(ids) + "
        "self.pairs(row)",
    ),
    mistakes=MISTAKES,
)
