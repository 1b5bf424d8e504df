"""What the world calls our two presets: `gpt2` is GPT-2, `modern` is Qwen3, weight for weight.

The names and settings are those of the library transformers, which other tools start from too.
"""

import re
from dataclasses import dataclass

import torch

from tinygpt.config import ModelConfig, require
from tinygpt.model import TinyGPT

SWITCHES = ("positions", "norm", "mlp", "qk_norm")


@dataclass(frozen=True)
class Architecture:
    """An architecture that computes what a preset computes.

    name: its short name, model_class: its class in transformers. sizes, derived, fixed: its settings, such that are a
    field of our ModelConfig, such that follow from those, and such that never change. outside, inside: their names
    of our parts outside the blocks and in one of them; several names share our rows equally. ones: weights that we do
    without, since they would be ones, and how many those are. turned: whether their matrices in the blocks are
    (in, out), ours being (out, in).
    """

    name: str
    model_class: str
    preset: str
    sizes: dict
    derived: dict
    fixed: dict
    outside: dict
    block: str
    inside: dict
    ones: dict
    turned: bool

    def settings(self, config):
        """Their settings for a model of ours."""
        ours = self.sizes | self.derived
        return {name: getattr(config, field) for name, field in ours.items()} | self.fixed

    def weights(self, model):
        """Their weights, by their names: what has a counterpart in the model is a view into it, all are (out, in)."""
        weights = {}
        for name, weight in model.state_dict().items():
            layer, part, kind = re.fullmatch(r"(?:blocks\.(\d+)\.)?(.+)\.(weight|bias)", name).groups()
            if part == "head" and model.config.tied:
                continue  # it is the embedding
            theirs = (self.outside if layer is None else self.inside)[part]
            prefix = "" if layer is None else f"{self.block}.{layer}."
            for name, rows in zip(theirs, weight.chunk(len(theirs)), strict=True):
                weights[f"{prefix}{name}.{kind}"] = rows
        return weights | self.constants(model.config)

    def constants(self, config):
        """Those of their weights that have no counterpart: vectors of ones."""
        names = {name: size for name, size in self.ones.items() if "{" not in name}
        for layer in range(config.n_layers):
            names |= {name.format(layer): size for name, size in self.ones.items() if "{" in name}
        return {name: torch.ones(getattr(config, size)) for name, size in names.items()}

    def layout(self, name, weight):
        """A weight (out, in) as they keep it, or the other way round."""
        return weight.T if self.turned and name.startswith(self.block) and weight.ndim == 2 else weight


GPT2 = Architecture(
    name="gpt2",
    model_class="GPT2LMHeadModel",
    preset="gpt2",
    sizes={
        "vocab_size": "vocab_size",
        "n_positions": "context_length",
        "n_embd": "d_model",
        "n_head": "n_heads",
        "n_layer": "n_layers",
        "n_inner": "d_ff",
        "tie_word_embeddings": "tied",
    },
    derived={},
    fixed={
        "activation_function": "gelu",  # by the error function; the original's, "gelu_new", is an approximation
        "layer_norm_epsilon": 1e-5,
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
        "add_cross_attention": False,
    },
    outside={
        "token_embedding": ["transformer.wte"],
        "position_embedding": ["transformer.wpe"],
        "norm": ["transformer.ln_f"],
        "head": ["lm_head"],
    },
    block="transformer.h",
    inside={
        "attention_norm": ["ln_1"],
        "attention.qkv": ["attn.c_attn"],
        "attention.output": ["attn.c_proj"],
        "mlp_norm": ["ln_2"],
        "mlp.up": ["mlp.c_fc"],
        "mlp.output": ["mlp.c_proj"],
    },
    ones={},
    turned=True,
)

QWEN3 = Architecture(
    name="qwen3",
    model_class="Qwen3ForCausalLM",
    preset="modern",
    sizes={
        "vocab_size": "vocab_size",
        "max_position_embeddings": "context_length",
        "hidden_size": "d_model",
        "num_attention_heads": "n_heads",
        "num_hidden_layers": "n_layers",
        "intermediate_size": "d_ff",
        "tie_word_embeddings": "tied",
    },
    derived={"num_key_value_heads": "n_heads", "head_dim": "head_size"},
    fixed={
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0},
        "attention_bias": False,
        "use_sliding_window": False,
    },
    outside={"token_embedding": ["model.embed_tokens"], "head": ["lm_head"]},
    block="model.layers",
    inside={
        "attention.qkv": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
        "attention.output": ["self_attn.o_proj"],
        "mlp.gate": ["mlp.gate_proj"],
        "mlp.up": ["mlp.up_proj"],
        "mlp.output": ["mlp.down_proj"],
    },
    ones={
        "model.layers.{}.input_layernorm.weight": "d_model",
        "model.layers.{}.self_attn.q_norm.weight": "head_size",
        "model.layers.{}.self_attn.k_norm.weight": "head_size",
        "model.layers.{}.post_attention_layernorm.weight": "d_model",
        "model.norm.weight": "d_model",
    },
    turned=False,
)

ARCHITECTURES = (GPT2, QWEN3)


def architecture_of(model):
    """The architecture that computes what a model computes; InputError where there is none."""
    config = model.config
    switches = [getattr(config, name) for name in SWITCHES]
    found = [a for a in ARCHITECTURES if switches == [getattr(ModelConfig.preset(a.preset), s) for s in SWITCHES]]
    require(
        found,
        f"no architecture of the world has {', '.join(f'{s}={getattr(config, s)!r}' for s in SWITCHES)}: "
        "the presets gpt2 and modern can be exported, mixtures of them can't",
    )
    with torch.device("meta"):
        expected = {name: type(module) for name, module in TinyGPT(config).named_modules()}
    there = {name: type(module) for name, module in model.named_modules()}
    for name in [*expected, *there]:
        require(
            expected.get(name) is there.get(name),
            f"the model's {name or 'class'} is {named(there.get(name))} in place of {named(expected.get(name))}: "
            f"{found[0].model_class} has no such part",
        )
    return found[0]


def named(kind):
    return "nothing" if kind is None else kind.__name__
