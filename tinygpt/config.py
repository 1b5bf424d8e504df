"""Settings of a model, of a training run and of sampling: frozen, checked where they enter."""

import math
from dataclasses import dataclass, fields

END_OF_TEXT = "<|endoftext|>"


class InputError(ValueError):
    """A caller's mistake: the message says in one line what came, what is allowed and what to do."""

    def _render_traceback_(self):
        """What a notebook shows: that line, and none of our code."""
        return [f"{type(self).__name__}: {self}"]


def require(condition, message):
    if not condition:
        raise InputError(message)


def require_choice(name, value, allowed):
    require(value in allowed, f"{name}={value!r} is unknown; choose one of {', '.join(allowed)}")


def require_whole(**numbers):
    for name, value in numbers.items():
        require(is_whole(value) and value >= 1, f"{name}={value!r} is not a whole number of at least 1")


def is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def require_flags(**flags):
    for name, value in flags.items():
        require(isinstance(value, bool), f"{name}={value!r} is neither True nor False")


def from_json(cls, values):
    """Settings from what `dataclasses.asdict` wrote; an unknown or missing name is an InputError."""
    try:
        missing = [field.name for field in fields(cls) if field.name not in values]
        require(not missing, f"these are not the settings of a {cls.__name__}: {', '.join(missing)} missing")
        return cls(**values)
    except TypeError as error:
        raise InputError(f"these are not the settings of a {cls.__name__}: {error}") from None


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a model. Four fields tell the 2019 recipe from today's: see the presets `gpt2` and `modern`.

    d_ff is the MLP's inner width; 0 stands for the usual one (4 d_model, or 8/3 d_model where the MLP is
    gated, so that both hold equally many weights).
    """

    vocab_size: int = 2048
    context_length: int = 128
    d_model: int = 128
    n_heads: int = 2
    n_layers: int = 4
    positions: str = "rotary"  # or "learned"
    norm: str = "rmsnorm"  # or "layernorm"; layernorm brings biases everywhere, as in 2019
    qk_norm: bool = True
    mlp: str = "swiglu"  # or "gelu"
    tied: bool = False  # the head reuses the token embedding
    dropout: float = 0.0
    d_ff: int = 0

    def __post_init__(self):
        for name, allowed in ALLOWED.items():
            require_choice(name, getattr(self, name), allowed)
        require_whole(**{name: getattr(self, name) for name in SIZES})
        for name, most in MOST.items():
            require(getattr(self, name) <= most, f"{name}={getattr(self, name)} is more than {most}")
        require_flags(qk_norm=self.qk_norm, tied=self.tied)
        require(self.d_model % self.n_heads == 0, f"d_model={self.d_model} is not divisible by n_heads={self.n_heads}")
        require(
            self.positions == "learned" or self.head_size % 2 == 0,
            f"rotary positions turn pairs of numbers: d_model/n_heads={self.head_size} must be even",
        )
        require(0 <= self.dropout < 1, f"dropout={self.dropout} is outside [0, 1)")
        if self.d_ff == 0:
            object.__setattr__(self, "d_ff", self.default_d_ff)
        told = "is neither a whole number of at least 1 nor 0, which stands for the usual width"
        require(is_whole(self.d_ff) and self.d_ff >= 1, f"d_ff={self.d_ff!r} {told}")

    @property
    def head_size(self):
        return self.d_model // self.n_heads

    @property
    def bias(self):
        return self.norm == "layernorm"

    @property
    def default_d_ff(self):
        if self.mlp == "gelu":
            return 4 * self.d_model
        return 16 * math.ceil(8 * self.d_model / 3 / 16)  # a multiple of 16 is kind to the hardware

    @classmethod
    def preset(cls, name, **changes):
        """The preset `gpt2` or `modern` with some fields changed."""
        require_choice("preset", name, PRESETS)
        return cls(**{**PRESETS[name], **changes})


ALLOWED = {"positions": ("learned", "rotary"), "norm": ("layernorm", "rmsnorm"), "mlp": ("gelu", "swiglu")}
SIZES = ("vocab_size", "context_length", "d_model", "n_heads", "n_layers")
# Beyond any model that this course makes, so that nobody waits in vain for what a damaged file asks for.
MOST = dict.fromkeys((*SIZES, "d_ff"), 2**24) | {"n_layers": 2**10, "context_length": 2**16}
PRESETS = {
    "gpt2": dict(n_heads=4, positions="learned", norm="layernorm", qk_norm=False, mlp="gelu", tied=True),
    "modern": dict(n_heads=2, positions="rotary", norm="rmsnorm", qk_norm=True, mlp="swiglu", tied=False),
}


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. Training depends on steps only: never on the clock.

    The learning rate rises over `warmup` of the steps, stays, and falls to zero over the last `decay` of them.
    With the optimizer `muon`, Muon moves the matrices inside the blocks at `matrix_lr`, and AdamW the embeddings at
    `embedding_lr`, the head at `head_lr` and the rest at `lr`. With `adamw` all moves at `lr`. Before the first step
    embedding and head, unless they are tied, take `bigram_steps` towards what follows what in the training text.
    """

    steps: int = 1000
    batch_size: int = 16
    optimizer: str = "muon"  # or "adamw"
    matrix_lr: float = 0.015
    embedding_lr: float = 0.04
    head_lr: float = 0.008
    lr: float = 1e-3
    warmup: float = 0.02
    decay: float = 0.6
    weight_decay: float = 0.1
    clip: float = 1.0  # largest norm of all gradients together
    bigram_steps: int = 40  # 0: no head start; see bigrams.py
    evaluations: int = 8  # spread evenly over the steps
    keep_epochs: bool = False
    precision: str = "auto"  # of the products: float32 or bfloat16; weights are float32 always
    seed: int = 0

    def __post_init__(self):
        require_choice("optimizer", self.optimizer, OPTIMIZERS)
        require_choice("precision", self.precision, PRECISIONS)
        require_whole(steps=self.steps, batch_size=self.batch_size, evaluations=self.evaluations)
        for name in ("matrix_lr", "embedding_lr", "head_lr", "lr", "clip"):
            require(0 < getattr(self, name) < math.inf, f"{name}={getattr(self, name)} must be a number above 0")
        require(0 <= self.weight_decay < math.inf, f"weight_decay={self.weight_decay} must be 0 or a positive number")
        require(
            0 <= self.warmup <= 1 and 0 <= self.decay <= 1 and self.warmup + self.decay <= 1,
            f"warmup={self.warmup} and decay={self.decay} are shares of the steps: each in [0, 1], together at most 1",
        )
        require(
            is_whole(self.bigram_steps) and self.bigram_steps >= 0,
            f"bigram_steps={self.bigram_steps!r} must be 0 (no head start) or a positive whole number",
        )
        require_flags(keep_epochs=self.keep_epochs)
        require(is_whole(self.seed) and 0 <= self.seed < 2**63, f"seed={self.seed} is no whole number in [0, 2**63)")


OPTIMIZERS = ("muon", "adamw")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class SampleConfig:
    """How the next token is picked: temperature 0 is greedy, top_k 0 and top_p 1 keep every token."""

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 0.95
    max_tokens: int = 200

    def __post_init__(self):
        require(
            self.temperature >= 0 and math.isfinite(self.temperature),
            f"temperature={self.temperature} must be 0 (greedy) or a positive number",
        )
        require(
            is_whole(self.top_k) and self.top_k >= 0,
            f"top_k={self.top_k} must be 0 (keeps every token) or a positive whole number",
        )
        require(0 < self.top_p <= 1, f"top_p={self.top_p} is outside (0, 1]; 1 keeps every token")
        require_whole(max_tokens=self.max_tokens)
