"""The whole model in numpy, with nothing hidden: the fast decoder for one text at a time, and the model for reading.

What `model.py` and `attention.py` compute, without training. A test holds the two equal.
"""

import math

import numpy as np

from tinygpt.config import require


class NumpyGPT:
    """A trained model that reads tokens one by one or many at a time, and remembers them.

    weights: the arrays of `TinyGPT.state_dict()`, by name.
    """

    def __init__(self, config, weights):
        self.config, self.w = config, {name: np.asarray(w, dtype=np.float32) for name, w in weights.items()}
        shape = (config.n_layers, config.n_heads, config.context_length, config.head_size)
        self.keys, self.values, self.length = np.zeros(shape, np.float32), np.zeros(shape, np.float32), 0
        pair = np.arange(0, config.head_size, 2)  # (D/2,)
        angles = np.arange(config.context_length)[:, None] * 10_000.0 ** (-pair / config.head_size)  # (context, D/2)
        cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        self.cos, self.sin = np.hstack([cos, cos]), np.hstack([-sin, sin])  # (context, D) each

    @classmethod
    def from_torch(cls, model):
        return cls(model.config, {name: w.detach().float().cpu().numpy() for name, w in model.state_dict().items()})

    def forget(self):
        """Start a new text."""
        self.length = 0

    def __call__(self, ids):
        """Scores of the token that follows: the next ids (T,) of the text -> logits (V,) after the last of them."""
        start, end = self.length, self.length + len(ids)
        require(end <= self.config.context_length, f"{end} tokens exceed the context of {self.config.context_length}")
        x = self.w["token_embedding.weight"][ids]  # (T, C)
        if self.config.positions == "learned":
            x = x + self.w["position_embedding.weight"][start:end]  # (T, C)
        for layer in range(self.config.n_layers):
            block = f"blocks.{layer}."
            x = x + self.attention(self.norm(x, block + "attention_norm"), block + "attention.", layer, start)  # (T, C)
            x = x + self.mlp(self.norm(x, block + "mlp_norm"), block + "mlp.")  # (T, C)
        self.length = end
        return self.w["head.weight"] @ self.norm(x[-1], "norm")  # (V,)

    def attention(self, x, name, layer, start):
        T, C = x.shape
        H, D = self.config.n_heads, self.config.head_size
        qkv = self.linear(x, name + "qkv").reshape(T, 3, H, D).transpose(1, 2, 0, 3)  # (3, H, T, D)
        qk, v = qkv[:2], qkv[2]  # (2, H, T, D), (H, T, D)
        if self.config.qk_norm:
            qk = rms_norm(qk)
        end = start + T
        if self.config.positions == "rotary":
            qk = rotate(qk, self.cos[start:end], self.sin[start:end])
        q, k = qk  # (H, T, D) each
        self.keys[layer, :, start:end], self.values[layer, :, start:end] = k, v
        scores = q @ self.keys[layer, :, :end].transpose(0, 2, 1) / math.sqrt(D)  # (H, T, S)
        if T > 1:  # a single query is the latest position and may look at everything
            scores = np.where(np.tri(T, end, start, dtype=bool), scores, -np.inf)  # (H, T, S)
        weights = np.exp(scores - scores.max(-1, keepdims=True))  # (H, T, S)
        weights /= weights.sum(-1, keepdims=True)
        heads = weights @ self.values[layer, :, :end]  # (H, T, D)
        return self.linear(heads.transpose(1, 0, 2).reshape(T, C), name + "output")  # (T, C)

    def mlp(self, x, name):
        hidden = self.linear(x, name + "up")  # (T, d_ff)
        if self.config.mlp == "swiglu":
            gate = self.linear(x, name + "gate")  # (T, d_ff)
            hidden = gate * (1 + np.tanh(gate / 2)) / 2 * hidden  # SiLU, without the exp that may overflow
        else:
            hidden = 0.5 * hidden * (1 + erf(hidden / math.sqrt(2)))
        return self.linear(hidden, name + "output")  # (T, C)

    def norm(self, x, name):
        if self.config.norm == "rmsnorm":
            return rms_norm(x)
        x = x - x.sum(-1, keepdims=True) / x.shape[-1]
        variance = (x * x).sum(-1, keepdims=True) / x.shape[-1]
        return x / np.sqrt(variance + 1e-5) * self.w[name + ".weight"] + self.w[name + ".bias"]

    def linear(self, x, name):
        y = x @ self.w[name + ".weight"].T
        return y + self.w[name + ".bias"] if self.config.bias else y


def rms_norm(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True) / x.shape[-1] + 1e-6)


def rotate(x, cos, sin):
    """Turn each pair (x[i], x[i + D/2]) by the angle of its position: x (..., T, D), tables (T, D) -> (..., T, D)."""
    half = x.shape[-1] // 2
    return x * cos + np.concatenate([x[..., half:], x[..., :half]], axis=-1) * sin


def erf(x):
    """The error function, which numpy lacks, to within 5e-7 in float32.

    Source: Abramowitz and Stegun 1964, Handbook of Mathematical Functions, 7.1.26.
    """
    t = 1 / (1 + 0.3275911 * np.abs(x))
    polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return np.copysign(1 - polynomial * np.exp(-x * x), x)
