"""Lesson 06's quiz: a term's name, four definitions. Which is the true one? And what a model would pay for each."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from tinygpt.corpora.duplicates import NEAR, resemblance, trigrams, words
from tinygpt.evaluation import evaluating

CHOICES = 4
LONGEST = 85  # tokens of a definition, so that each fits into the context behind any name
LONGEST_NAME = 35
AT_ONCE = 32


@dataclass(frozen=True)
class Question:
    """A name and four definitions, one of which, number `answer`, is the true one."""

    name: str
    definitions: tuple[str, ...]
    answer: int

    @property
    def shared_words(self):
        """How many words of the name, longer than three letters, each definition repeats."""
        name = {word for word in words(self.name) if len(word) > 3}
        return [len(name & set(words(definition))) for definition in self.definitions]


def questions(texts, tokenizer, n, seed=0):
    """Questions about n of the texts (or all, where they are fewer), drawn by lot.

    The wrong definitions are the three nearest in length, so that length tells nothing. None is a near-duplicate of
    the true one: it would be as good as true.
    """
    pairs = [tuple(text.split("\n", 1)) for text in texts]
    lengths = [tuple(map(len, tokenizer.encode_batch(list(pair)))) for pair in pairs]
    pairs = [
        pair
        for pair, (name, definition) in zip(pairs, lengths, strict=True)
        if name <= LONGEST_NAME and definition <= LONGEST
    ]
    sets = [trigrams(definition) for _, definition in pairs]
    sizes = np.array([len(definition.encode()) for _, definition in pairs])
    rng = np.random.default_rng(seed)
    for i in rng.permutation(len(pairs))[:n]:
        nearest = np.argsort(abs(sizes - sizes[i]), kind="stable")
        others = (j for j in nearest if j != i and resemblance(sets[i], sets[j]) < NEAR)
        chosen = [i, *(next(others) for _ in range(CHOICES - 1))]
        order = rng.permutation(CHOICES)
        yield Question(pairs[i][0], tuple(pairs[chosen[k]][1] for k in order), int(order.argmin()))


@torch.inference_mode()
def prices(model, tokenizer, beginnings, definitions):
    """What a model pays for each definition and its end after a beginning of a document: nats (n,)."""
    end = tokenizer.end_of_text
    begun = [[end, *ids] for ids in tokenizer.encode_batch(list(beginnings))]
    rows = [
        torch.tensor([*b, *ids, end]) for b, ids in zip(begun, tokenizer.encode_batch(list(definitions)), strict=True)
    ]
    nats = np.empty(len(rows))
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))  # alike in length side by side: little padding
    with evaluating(model):
        for some in (order[i : i + AT_ONCE] for i in range(0, len(order), AT_ONCE)):
            ids = torch.nn.utils.rnn.pad_sequence([rows[i] for i in some], batch_first=True)  # (B, T + 1)
            price = F.cross_entropy(model(ids[:, :-1]).float().mT, ids[:, 1:], reduction="none")  # (B, T)
            for i, row in zip(some, price, strict=True):
                nats[i] = row[len(begun[i]) - 1 : len(rows[i]) - 1].sum()
    return nats
