"""How weights move: which parameter gets which rule, and how fast at which step."""

from collections import defaultdict

import torch

TABLE_BETAS = (0.8, 0.98)  # AdamW's, for embedding and head beside Muon
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices, steps=5):
    """Roughly the nearest orthogonal matrices: all singular values pushed to about 1, by products alone.

    matrices (..., rows, columns) -> the same shape.
    Source: Jordan et al. 2024, Muon: An optimizer for hidden layers in neural networks.
    """
    *outer, rows, columns = matrices.shape
    if rows > columns:
        return orthogonalise(matrices.mT, steps).mT
    a, b, c = NEWTON_SCHULZ
    x = matrices.reshape(-1, rows, columns)
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT  # (n, rows, rows)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)  # (n, rows, rows), b·gram + c·gram²
        x = torch.baddbmm(x, polynomial, x, beta=a)  # (n, rows, columns), a·x + polynomial·x
    return x.view(*outer, rows, columns)


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal: every direction of a matrix learns at the same pace.

    For matrices only. A group's `parts` says how many matrices lie on top of each other in each of its parameters
    (3 for queries, keys and values): each is made orthogonal by itself.
    Source: Jordan et al. 2024, Muon.
    """

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0, dtype=torch.float32):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "parts": 1})
        self.dtype = dtype  # of the products: the direction of a step needs no more than bfloat16

    @torch.no_grad()
    def step(self):
        by_shape = defaultdict(list)  # matrices of one shape are made orthogonal together
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(1 - group["lr"] * group["weight_decay"])
                for matrix, direction in zip(p.chunk(group["parts"]), self.direction(p, group), strict=True):
                    lr = group["lr"] * max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5
                    if matrix.shape[0] > matrix.shape[1]:
                        matrix, direction = matrix.mT, direction.mT
                    by_shape[matrix.shape].append((matrix, direction, lr))
        for same in by_shape.values():
            matrices, directions, rates = zip(*same, strict=True)
            updates = orthogonalise(torch.stack(directions).to(self.dtype))  # (n, rows, columns)
            for matrix, update, lr in zip(matrices, updates, rates, strict=True):
                matrix.add_(update, alpha=-lr)

    def direction(self, p, group):
        """Where the momentum will point after this gradient, and a bit further (Nesterov), part by part."""
        state = self.state[p]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(p.grad, 1 - group["momentum"])
        return p.grad.lerp(state["momentum"], group["momentum"]).chunk(group["parts"])


def make_optimizers(model, config, dtype=torch.float32):
    """The optimizers of a training run: `muon` (with AdamW for what is not a matrix of a block) or `adamw`.

    Weight decay is for matrices: norms and biases have none. Embeddings are tables, not matrices, for Muon.
    """
    named = dict(model.named_parameters())  # a tied head counts once, as the embedding
    matrices = [p for name, p in named.items() if p.ndim == 2 and name.startswith("blocks.")]
    fused = [block.attention.qkv.weight for block in model.blocks]
    vectors = [p for p in named.values() if p.ndim != 2]
    tables = [p for name, p in named.items() if p.ndim == 2 and not name.startswith(("blocks.", "head."))]
    head = [named["head.weight"]] if "head.weight" in named else []

    if config.optimizer == "adamw":
        groups = [
            {"params": matrices + tables + head, "weight_decay": config.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        return [adamw(groups, config.lr, betas=(0.9, 0.99))]

    is_fused = {id(p) for p in fused}
    muon_groups = [
        {"params": [p for p in matrices if id(p) not in is_fused]},
        {"params": fused, "parts": 3},
    ]
    adam_groups = [
        {"params": tables, "lr": config.embedding_lr},
        {"params": head, "lr": config.head_lr},
        {"params": vectors, "lr": config.lr},
    ]
    return [
        Muon(muon_groups, config.matrix_lr, weight_decay=config.weight_decay, dtype=dtype),
        adamw([g for g in adam_groups if g["params"]], config.lr, betas=TABLE_BETAS),
    ]


def adamw(groups, lr, betas):
    return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=1e-10, weight_decay=0.0, fused=True)


def state_shapes(optimizer, p):
    """The shapes of what an optimizer remembers of a parameter, by name."""
    if isinstance(optimizer, Muon):
        return {"momentum": tuple(p.shape)}
    return {"step": (), "exp_avg": tuple(p.shape), "exp_avg_sq": tuple(p.shape)}


def learning_rate_factor(step, config):
    """Share of the full learning rate at a step: up in the warm-up, flat, then down to zero at the end.

    Source: Hu et al. 2024, MiniCPM, section 4 (warm-up, stable, decay).
    """
    warmup, decay = config.warmup * config.steps, config.decay * config.steps
    rising = (step + 1) / max(1, warmup)
    falling = (config.steps - step) / max(1, decay)
    return min(1.0, rising, falling)


def set_learning_rates(optimizers, factor):
    """Every parameter group's rate becomes its own full rate times a factor."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("full_lr", group["lr"]) * factor
