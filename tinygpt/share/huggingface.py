"""A folder that the library transformers opens, and every tool that reads such folders, with no code of ours.

The preset `gpt2` becomes a GPT2LMHeadModel, `modern` a Qwen3ForCausalLM. Dropout stays behind: it is for training.
"""

import json
from pathlib import Path

import safetensors.torch
from tokenizers import Tokenizer as Backend
from tokenizers.processors import TemplateProcessing

from tinygpt.checkpoint import MODEL, open_run
from tinygpt.config import END_OF_TEXT, InputError, ModelConfig, SampleConfig, require
from tinygpt.model import TinyGPT
from tinygpt.share.architectures import ARCHITECTURES, architecture_of
from tinygpt.share.model_card import model_card
from tinygpt.share.target import new_folder, require_extra
from tinygpt.storage import load_tensors, write_json
from tinygpt.tokenizer import Tokenizer

SPECIAL = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), Tokenizer.end_of_text)
TOKENIZER_CLASS = "PreTrainedTokenizerFast"  # as every release knows it; those since 5 write another name for it
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
    their_tokenizer = to_their_tokenizer(tokenizer, model.config.context_length)
    with new_folder(path) as folder:
        (folder / MODEL).write_bytes(safetensors.torch.save(weights, {"format": "pt"}))
        config.save_pretrained(folder)
        generation_config(model).save_pretrained(folder)
        their_tokenizer.save_pretrained(folder)
        settings = read_json(folder / "tokenizer_config.json")
        write_json(folder / "tokenizer_config.json", settings | {"tokenizer_class": TOKENIZER_CLASS})
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


def to_their_tokenizer(tokenizer, context_length):
    """The same tokenizer as a `PreTrainedTokenizerFast`.

    It begins every text with `<|endoftext|>`, as `tinygpt generate` does and as all documents of the training did;
    with add_special_tokens=False it gives the ids of `Tokenizer.encode`. `<|endoftext|>` in a text is plain text,
    or with split_special_tokens=False the token.
    """
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=their_backend(tokenizer),
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        padding_side="left",
        model_max_length=context_length,
        clean_up_tokenization_spaces=False,
        split_special_tokens=True,
    )


def their_backend(tokenizer):
    backend = Backend.from_str(tokenizer.backend.to_str())
    backend.add_special_tokens([END_OF_TEXT])
    start = (END_OF_TEXT, tokenizer.end_of_text)
    backend.post_processor = TemplateProcessing(
        single=f"{END_OF_TEXT} $A", pair=f"{END_OF_TEXT} $A {END_OF_TEXT} $B", special_tokens=[start]
    )
    return backend


def from_huggingface(path):
    """The model and tokenizer in a folder that `export_huggingface` wrote: (TinyGPT, Tokenizer).

    Reads safetensors and JSON only. Raises InputError where there is anything that TinyGPT doesn't compute.
    """
    require_extra("transformers")
    folder = Path(path)
    require(folder.is_dir(), f"there is no folder {folder}; make one with: tinygpt export --to {folder}")
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
        theirs = getattr(transformers, architecture.model_class).config_class.from_dict(values)
    except Exception as error:  # whatever the library objects to
        raise InputError(f"{path} is damaged: {' '.join(str(error).split())}") from None
    sizes = {ours: getattr(theirs, name) for name, ours in architecture.sizes.items() if ours != "head_size"}
    config = ModelConfig.preset(
        architecture.preset, **{name: 0 if value is None else value for name, value in sizes.items()}
    )
    for name, value in architecture.settings(config).items():
        there = getattr(theirs, name)
        require(there == value, f"{path} says {name}={there!r}, TinyGPT computes {name}={value!r} only")
    return architecture, config


def read_json(path):
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing: this is not a folder that transformers wrote") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}") from None
    require(isinstance(values, dict), f"{path} is damaged: it holds no JSON object")
    return values


def read_tokenizer(folder):
    path = folder / "tokenizer.json"
    values = read_json(path)
    try:
        found = json.loads(Backend.from_str(json.dumps(values)).to_str())
        tokenizer = Tokenizer(found["model"]["merges"])
    except Exception as error:  # the library raises nothing more special
        raise InputError(f"{path} is damaged: {' '.join(str(error).split())}") from None
    expected = json.loads(their_backend(tokenizer).to_str())
    differing = [name for name in expected if found.get(name) != expected[name]]
    require(not differing, f"{path} is not a tokenizer of TinyGPT's: its {', '.join(differing)} differ")
    return tokenizer


def read_weights(folder, architecture, config):
    path = folder / MODEL
    require(path.is_file(), f"{path} is missing: weights are read from one safetensors file only")
    found, _ = load_tensors(path)
    model = TinyGPT(config)
    weights = architecture.weights(model)
    for name in sorted(found.keys() ^ weights.keys()):
        require(name in found, f"{path} lacks {name}")
        require(name in weights, f"{path} holds {name}, which TinyGPT has no place for")
    for name, weight in weights.items():
        there = architecture.layout(name, found[name])
        require(
            there.shape == weight.shape,
            f"{path} holds {name} of shape {tuple(found[name].shape)}, config.json asks for "
            f"{tuple(architecture.layout(name, weight).shape)}",
        )
        if name in architecture.constants(config):
            require(
                bool((there == 1).all()), f"{path} holds {name} that isn't all ones: TinyGPT's norms have no weights"
            )
        weight.copy_(there)
    return model.eval()
