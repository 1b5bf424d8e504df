"""A table for pairs of tokens, which lesson 09 has the learner write: the lookup of lesson 00's bigram comes back."""

import torch
from torch import nn

ROWS = 16_384


class PairEmbedding(nn.Module):
    """A token's embedding and that of its pair with the token before, from a small table: (B, T) -> (B, T, C)."""

    def __init__(self, tokens, rows=ROWS):
        super().__init__()
        self.tokens, self.pairs = tokens, nn.Embedding(rows, tokens.embedding_dim)
        nn.init.zeros_(self.pairs.weight)  # the table starts by saying nothing

    def forward(self, ids):
        before = torch.cat([torch.zeros_like(ids[:, :1]), ids[:, :-1]], dim=1)  # (B, T)
        pair = (before * 1_000_003 + ids * 10_007) % self.pairs.num_embeddings  # (B, T)
        return self.tokens(ids) + self.pairs(pair)  # (B, T, C)


def with_pair_table(model):
    """The same model with the pair table in place of its embedding."""
    model.token_embedding = PairEmbedding(model.token_embedding)
    return model
