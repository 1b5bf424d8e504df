"""A head start: embedding and head learn from counts which token follows which, before the first line is read.

The blocks of a new model add nothing yet, so the model is a lookup table, and the best lookup table can be learned
from a table of counts: each step sees the whole corpus, for the price of a small batch.
"""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from tinygpt.optim import TABLE_BETAS, adamw, learning_rate_factor, set_learning_rates
from tinygpt.tokens import let_go

MAX_CONTEXTS = 2048  # the followers of so many tokens are counted, the most frequent ones
TOKENS_AT_ONCE = 2**20


def count_followers(ids, vocab_size):
    """The most frequent tokens (N,), and the share (N, V) that each of their followers has of all pairs.

    ids: an array of tokens; a mapped one is read a piece at a time.

    >>> contexts, shares = count_followers(np.array([0, 1, 0, 1, 2]), 3)
    >>> contexts.tolist(), shares.tolist()
    ([0, 1, 2], [[0.0, 0.5, 0.0], [0.25, 0.0, 0.25], [0.0, 0.0, 0.0]])
    """
    starts = range(0, len(ids) - 1, TOKENS_AT_ONCE)
    frequency = sum(np.bincount(ids[i : i + TOKENS_AT_ONCE], minlength=vocab_size) for i in starts)  # (V,)
    contexts = np.sort(np.argsort(-frequency, kind="stable")[:MAX_CONTEXTS])  # (N,)
    row = np.full(vocab_size, -1)
    row[contexts] = np.arange(len(contexts))
    counts = np.zeros(len(contexts) * vocab_size, dtype=np.int64)
    for i in starts:
        piece = ids[i : i + TOKENS_AT_ONCE + 1].astype(np.int64)
        let_go(ids)
        rows, followers = row[piece[:-1]], piece[1:]
        counts += np.bincount((rows * vocab_size + followers)[rows >= 0], minlength=len(counts))
    shares = torch.from_numpy(counts).view(-1, vocab_size) / counts.sum()  # (N, V)
    return torch.from_numpy(contexts), shares


def learn_bigrams(model, ids, config, dtype=torch.float32):
    """Take a new model from knowing nothing to knowing pairs of tokens, in config.bigram_steps steps.

    Embedding and head move, at their rates in config; the blocks, which add nothing yet, stay as they are. The head
    must not be tied: the products of tied vectors hardly tell a pair from its reverse.
    ids: the tokens of the training text. dtype: of the products.
    """
    head, device = model.head.weight, model.head.weight.device
    contexts, shares = (t.to(device) for t in count_followers(ids, model.config.vocab_size))  # (N,), (N, V)
    tables = [p for p in model.token_embedding.parameters() if p.shape == head.shape]
    groups = [{"params": tables, "lr": config.embedding_lr}, {"params": [head], "lr": config.head_lr}]
    optimizer = adamw(groups, config.lr, betas=TABLE_BETAS)
    schedule = replace(config, steps=config.bigram_steps, warmup=0.0)
    for step in range(schedule.steps):
        set_learning_rates([optimizer], learning_rate_factor(step, schedule))
        x = model.norm(model.token_embedding(contexts[:, None]))  # (N, 1, C)
        logits = F.linear(x[:, 0].to(dtype), head.to(dtype)).float()  # (N, V)
        loss = -(shares * logits.log_softmax(-1)).sum()
        loss.backward()
        optimizer.step()
        model.zero_grad()
