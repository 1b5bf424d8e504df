"""TinyGPT: attention and MLPs that write, one after the other, into one residual stream."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from tinygpt.attention import CausalSelfAttention, causal_mask, rotary_tables
from tinygpt.config import require
from tinygpt.norm import RMSNorm


class MLP(nn.Module):
    """What a position does with what it has gathered: (B, T, C) -> (B, T, C).

    Source: Shazeer 2020, GLU Variants Improve Transformer, for the gated form.
    """

    def __init__(self, config):
        super().__init__()
        self.gated = config.mlp == "swiglu"
        if self.gated:
            self.gate = nn.Linear(config.d_model, config.d_ff, bias=config.bias)
        self.up = nn.Linear(config.d_model, config.d_ff, bias=config.bias)
        self.output = nn.Linear(config.d_ff, config.d_model, bias=config.bias)

    def forward(self, x):
        hidden = F.silu(self.gate(x)) * self.up(x) if self.gated else F.gelu(self.up(x))  # (B, T, d_ff)
        return self.output(hidden)  # (B, T, C)


class Block(nn.Module):
    """One layer: look around, then think; each reads a normalised copy of the stream and adds to it."""

    def __init__(self, config, layer):
        super().__init__()
        self.attention_norm = make_norm(config)
        self.attention = CausalSelfAttention(config, layer)
        self.mlp_norm = make_norm(config)
        self.mlp = MLP(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x, mask, rotary=None, cache=None):
        x = x + self.dropout(self.attention(self.attention_norm(x), mask, rotary, cache))  # (B, T, C)
        return x + self.dropout(self.mlp(self.mlp_norm(x)))  # (B, T, C)


def make_norm(config):
    if config.norm == "layernorm":
        return nn.LayerNorm(config.d_model, eps=1e-5)
    return RMSNorm()


class TinyGPT(nn.Module):
    """Predicts the next token at every position.

    The preset `gpt2` computes what `nn.TransformerEncoder` (pre-norm, GELU, causal mask) and GPT-2 compute,
    `modern` what Qwen3 computes.
    Source: Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.3.
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        if config.positions == "learned":
            self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
        self.norm = make_norm(config)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.apply(initialise)
        for block in self.blocks:
            # At the start every block leaves the stream as it is: the model begins as a lookup table.
            nn.init.zeros_(block.attention.output.weight)
            nn.init.zeros_(block.mlp.output.weight)
        if config.tied:
            self.head.weight = self.token_embedding.weight

    def forward(self, ids, cache=None, targets=None):
        """Scores of every possible next token, after each token: ids (B, T) -> logits (B, T, V).

        With a cache, ids are the tokens that follow those the cache has seen. With targets (B, T), the tokens that
        follow each of the ids: their mean price in nats, ().
        """
        start = cache.length if cache is not None else 0
        end = start + ids.shape[1]
        require(end <= self.config.context_length, f"{end} tokens exceed the context of {self.config.context_length}")
        positions = torch.arange(start, end, device=ids.device)  # (T,)
        mask = causal_mask(ids.shape[1], end, ids.device)  # (T, S)
        x = self.token_embedding(ids)  # (B, T, C)
        rotary = None
        if self.config.positions == "rotary":
            rotary = rotary_tables(positions, self.config.head_size)  # (T, D) each
        else:
            x = x + self.position_embedding(positions)  # (B, T, C)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, mask, rotary, cache)  # (B, T, C)
        if cache is not None:
            cache.length = end
        logits = self.head(self.norm(x))  # (B, T, V)
        if targets is not None:
            nats = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")  # (B*T,)
            return nats.float().mean()  # ()
        return logits

    def loss(self, ids, targets, dtype=torch.float32):
        """Mean nats per token that the model spends on the targets: both (B, T), targets[b, t] follows ids[b, t].

        dtype: what is computed in; weights and their gradients stay as they are.
        Source: Micikevicius et al. 2018, Mixed Precision Training, section 3.1.
        """
        weights = {name: p.to(dtype) for name, p in self.named_parameters()}
        return functional_call(self, weights, (ids,), {"targets": targets})

    def count_parameters(self):
        return sum(p.numel() for p in self.parameters())


def initialise(module):
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


# Our names and those of nn.TransformerEncoder for the same weights of one layer.
TORCH_NAMES = {
    "attention_norm": "norm1",
    "attention.qkv.": "self_attn.in_proj_",
    "attention.output": "self_attn.out_proj",
    "mlp_norm": "norm2",
    "mlp.up": "linear1",
    "mlp.output": "linear2",
}


def to_torch_encoder(model):
    """The blocks and final norm of a `gpt2` model as a `nn.TransformerEncoder` with the same weights.

    `encoder(embedded, mask=~causal_mask(T))` of (B, T, C) gives what the head reads.
    """
    config = model.config
    layer = nn.TransformerEncoderLayer(
        config.d_model,
        config.n_heads,
        config.d_ff,
        config.dropout,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    norm = nn.LayerNorm(config.d_model)
    encoder = nn.TransformerEncoder(layer, config.n_layers, norm, enable_nested_tensor=False)
    encoder.load_state_dict({torch_name(name): model.state_dict()[name] for name in encoder_weights(model)})
    return encoder.train(model.training)


def from_torch_encoder(encoder, model):
    """Copy an encoder's weights into a `gpt2` model of the same shape; embeddings and head stay as they are."""
    names, theirs, layer = encoder_weights(model), encoder.state_dict(), encoder.layers[0]
    shapes = {torch_name(name): model.get_parameter(name).shape for name in names}
    computes_the_same = layer.norm_first and layer.activation is F.gelu
    require(
        computes_the_same
        and layer.self_attn.num_heads == model.config.n_heads
        and {name: weight.shape for name, weight in theirs.items()} == shapes,
        f"the encoder must have {model.config.n_layers} layers with norm_first=True and GELU, and the model's heads, "
        "widths, biases and final norm: to_torch_encoder(model) makes one that fits",
    )
    model.load_state_dict({name: theirs[torch_name(name)] for name in names}, strict=False)
    return model


def encoder_weights(model):
    config = model.config
    require(
        (config.positions, config.norm, config.mlp, config.qk_norm) == ("learned", "layernorm", "gelu", False),
        "nn.TransformerEncoder computes the preset gpt2 only: learned positions, LayerNorm, GELU, no QK-norm",
    )
    return [name for name in model.state_dict() if name.startswith(("blocks.", "norm."))]


def torch_name(name):
    name = name.replace("blocks.", "layers.")
    for ours, theirs in TORCH_NAMES.items():
        name = name.replace(f".{ours}", f".{theirs}")
    return name
