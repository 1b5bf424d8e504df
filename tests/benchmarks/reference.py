"""The reference recipe: what people train a small GPT with on a CPU today. The yardstick; keep it exactly so.

GPT-2 style, 4 layers, 4 heads, width 128, context 64, batch 12, no dropout, float32; AdamW at 1e-3 with betas 0.9 and
0.99, weight decay 0.1 on matrices, 1% warm-up, then a cosine to 1e-4 over the run, gradients clipped at 1.0; windows
drawn at random from the training tokens. Tokenizer and evaluation are ours. Attention is torch's fused one and the
head is tied, as in the codebases that this recipe comes from.
"""

import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tinygpt.config import ModelConfig

REFERENCE = ModelConfig.preset("gpt2", context_length=64, d_model=128, n_heads=4, n_layers=4, dropout=0.0)
BATCH_SIZE = 12
LR, LAST_LR, WARMUP, BETAS, WEIGHT_DECAY, CLIP = 1e-3, 1e-4, 0.01, (0.9, 0.99), 0.1, 1.0


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        C = config.d_model
        self.n_heads = config.n_heads
        self.norm_1, self.norm_2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.qkv, self.project = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.up, self.down = nn.Linear(C, config.d_ff), nn.Linear(config.d_ff, C)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(self.norm_1(x)).split(C, dim=-1)  # (B, T, C) each
        q, k, v = (t.view(B, T, self.n_heads, -1).transpose(1, 2) for t in (q, k, v))  # (B, H, T, D) each
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, T, D)
        x = x + self.project(heads.transpose(1, 2).reshape(B, T, C))  # (B, T, C)
        return x + self.down(F.gelu(self.up(self.norm_2(x))))  # (B, T, C)


class ReferenceGPT(nn.Module):
    def __init__(self, config=REFERENCE):
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.d_model)
        self.positions = nn.Embedding(config.context_length, config.d_model)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        for name, p in self.named_parameters():
            if p.ndim == 2:
                writes_into_stream = name.endswith(("project.weight", "down.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * config.n_layers) if writes_into_stream else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
        self.head.weight = self.tokens.weight

    def forward(self, ids, targets=None):
        """ids (B, T) -> logits (B, T, V), or with targets (B, T) their mean price in nats."""
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]  # (B, T, C)
        for block in self.blocks:
            x = block(x)  # (B, T, C)
        logits = self.head(self.norm(x))  # (B, T, V)
        return logits if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def make_optimizer(model):
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LR, betas=BETAS)


def learning_rate(progress):
    """progress: the share of the run that is done, in [0, 1]."""
    if progress < WARMUP:
        return LR * progress / WARMUP
    return LAST_LR + (LR - LAST_LR) * (1 + math.cos(math.pi * (progress - WARMUP) / (1 - WARMUP))) / 2


def random_batch(ids, rng, batch_size=BATCH_SIZE, context_length=REFERENCE.context_length):
    """Inputs and targets (B, T) each, at places drawn from rng."""
    starts = rng.integers(0, len(ids) - context_length, batch_size)
    windows = np.stack([ids[i : i + context_length + 1] for i in starts]).astype(np.int64)  # (B, T + 1)
    return torch.from_numpy(windows[:, :-1]), torch.from_numpy(windows[:, 1:])


def train_step(model, optimizer, ids, targets):
    model(ids, targets).backward()
    nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    optimizer.zero_grad()


def train_for(seconds, tokens, seed, config=REFERENCE):
    """A model after so many seconds of training, and its steps; the schedule follows the clock and ends with it."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    ids = np.asarray(tokens.ids)
    model = ReferenceGPT(config)
    optimizer = make_optimizer(model)
    began, steps = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < seconds:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(elapsed / seconds)
        train_step(model, optimizer, *random_batch(ids, rng, context_length=config.context_length))
        steps += 1
    return model, steps
