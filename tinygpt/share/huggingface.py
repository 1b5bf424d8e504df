"""A folder that the library transformers opens, and every tool that reads such folders, with no code of ours.

The preset `gpt2` becomes a GPT2LMHeadModel, `modern` a Qwen3ForCausalLM. Dropout stays behind: it is for training.
"""

import math
from pathlib import Path

import safetensors.torch
import torch

from tinygpt.checkpoint import MODEL, open_run
from tinygpt.config import MOST, InputError, ModelConfig, SampleConfig, is_whole, require
from tinygpt.model import TinyGPT
from tinygpt.reading import read_json
from tinygpt.share.architectures import ARCHITECTURES, architecture_of
from tinygpt.share.fast_tokenizer import read_tokenizer, save_tokenizer
from tinygpt.share.model_card import model_card
from tinygpt.share.target import new_folder, require_extra
from tinygpt.storage import load_tensors
from tinygpt.tokenizer import Tokenizer

SPECIAL = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), Tokenizer.end_of_text)
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt")


def export_huggingface(run, path):
    """Write the model of a run folder as a folder for `AutoModelForCausalLM` and `AutoTokenizer`.

    Raises InputError where no architecture of transformers computes what the model does, or where path is taken.
    """
    require_extra("transformers")
    run = open_run(run)
    model, tokenizer = run.model(), run.tokenizer()
    config, weights = their_config(model), their_weights(model)
    card = model_card(run, model, architecture_of(model))
    with new_folder(path) as folder:
        (folder / MODEL).write_bytes(safetensors.torch.save(weights, {"format": "pt"}))
        config.save_pretrained(folder)
        generation_config(model).save_pretrained(folder)
        save_tokenizer(tokenizer, model.config.context_length, folder)
        (folder / "README.md").write_text(card, encoding="utf-8")


def their_config(model):
    """What config.json says: a GPT2Config or a Qwen3Config."""
    import transformers

    architecture = architecture_of(model)
    config_class = getattr(transformers, architecture.model_class).config_class
    dropout = {name: 0.0 for name in vars(config_class()) if name.endswith(("_pdrop", "_dropout"))}
    settings = architecture.settings(model.config) | SPECIAL | dropout
    return config_class(**settings, architectures=[architecture.model_class], dtype="float32")


def their_weights(model):
    """What model.safetensors holds: the model's weights by the names of transformers, in its layout."""
    architecture = architecture_of(model)
    return {name: architecture.layout(name, w).contiguous().clone() for name, w in architecture.weights(model).items()}


def generation_config(model):
    """Draw as `tinygpt generate` does, but only until the context is full: there is no window that moves on."""
    from transformers import GenerationConfig

    settings = SampleConfig()
    return GenerationConfig(
        **SPECIAL,
        do_sample=True,
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        max_length=model.config.context_length,
    )


def from_huggingface(path):
    """The model and tokenizer in a folder that `export_huggingface` wrote: (TinyGPT, Tokenizer).

    Reads safetensors and JSON only. Raises InputError where there is anything that TinyGPT doesn't compute.
    """
    require_extra("transformers")
    folder = Path(path)
    require(
        folder.is_dir(),
        f"there is no folder {folder}; make one with: tinygpt export --format huggingface --to {folder}",
    )
    refuse_pickles(folder)
    architecture, config = read_config(folder)
    tokenizer = read_tokenizer(folder)
    require(
        tokenizer.vocab_size == config.vocab_size,
        f"{folder} holds a tokenizer of {tokenizer.vocab_size} tokens and a model of {config.vocab_size}; "
        "they don't belong together",
    )
    return read_weights(folder, architecture, config), tokenizer


def refuse_pickles(folder):
    pickles = sorted(file.name for pattern in PICKLES for file in folder.glob(pattern))
    require(
        not pickles or (folder / MODEL).is_file(),
        f"{folder / ''.join(pickles[:1])} is a pickle: whoever opens it runs what code it holds, so we never do; "
        f"ask its author for {MODEL}",
    )


def read_config(folder):
    """Architecture and ModelConfig as config.json tells."""
    import transformers

    path = folder / "config.json"
    values = read_json(path)
    names = {architecture.model_class: architecture for architecture in ARCHITECTURES}
    found = values.get("architectures")
    require(
        isinstance(found, list) and len(found) == 1 and found[0] in names,
        f"{path} names the architecture {found!r}; TinyGPT reads {' and '.join(names)}",
    )
    architecture = names[found[0]]
    try:
        for name, ours in architecture.sizes.items():  # before the library makes a list with an entry for each layer
            too_many = is_whole(values.get(name)) and values[name] > MOST.get(ours, math.inf)
            require(not too_many, f"{name}={values.get(name)!r:.80} is more than {MOST.get(ours)}")
        theirs = getattr(transformers, architecture.model_class).config_class.from_dict(values)
        require_settings(theirs, architecture.fixed)
        sizes = {ours: getattr(theirs, name) for name, ours in architecture.sizes.items()}
        config = ModelConfig.preset(architecture.preset, **sizes)
        require_settings(theirs, architecture.settings(config))
    except Exception as error:  # whatever the library objects to, or we
        raise InputError(f"{path} can't be used: {' '.join(str(error).split())[:300]}") from None
    return architecture, config


def require_settings(theirs, settings):
    for name, value in settings.items():
        there = getattr(theirs, name, None)
        require(there == value, f"it says {name}={there!r}, TinyGPT computes {name}={value!r} only")


def read_weights(folder, architecture, config):
    path = folder / MODEL
    require(path.is_file(), f"{path} is missing: weights are read from one safetensors file only")
    found, _ = load_tensors(path)
    with torch.device("meta"):  # takes no memory, whatever sizes a stranger's config.json names
        expected = {name: architecture.layout(name, w) for name, w in architecture.weights(TinyGPT(config)).items()}
    for name in sorted(found.keys() ^ expected.keys()):
        require(name in found, f"{path} lacks {name}")
        require(name in expected, f"{path} holds {name}, which TinyGPT has no place for")
    for name, weight in expected.items():
        there, asked = tuple(found[name].shape), tuple(weight.shape)
        require(there == asked, f"{path} holds {name} of shape {there}, config.json asks for {asked}")
    for name, ones in architecture.constants(config).items():
        require(found[name].equal(ones), f"{path} holds {name} that isn't all ones: TinyGPT's norms have no weights")
    model = TinyGPT(config)
    for name, weight in architecture.weights(model).items():
        weight.copy_(architecture.layout(name, found[name]))
    return model.eval()
