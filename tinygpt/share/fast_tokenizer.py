"""The tokenizer as transformers keeps it: the same ids, in files that `AutoTokenizer` opens.

It begins every text with `<|endoftext|>`, as `tinygpt generate` does and as all documents of the training did; with
add_special_tokens=False it gives the ids of `Tokenizer.encode`. `<|endoftext|>` in a text is plain text, or with
split_special_tokens=False the token.
"""

import json

from tokenizers import Tokenizer as Backend
from tokenizers.processors import TemplateProcessing

from tinygpt.config import END_OF_TEXT, InputError, require
from tinygpt.reading import read_json
from tinygpt.storage import write_json
from tinygpt.tokenizer import Tokenizer

CLASS = "PreTrainedTokenizerFast"  # as every release knows it; those since 5 write another name for it


def save_tokenizer(tokenizer, context_length, folder):
    """Write tokenizer.json and tokenizer_config.json."""
    from transformers import PreTrainedTokenizerFast

    theirs = PreTrainedTokenizerFast(
        tokenizer_object=their_backend(tokenizer),
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],  # releases before 5 add token types, which GPT-2 would read
        model_max_length=context_length,
        clean_up_tokenization_spaces=False,
        split_special_tokens=True,
    )
    theirs.save_pretrained(folder)
    (folder / "special_tokens_map.json").unlink(missing_ok=True)  # written before 5, says nothing new
    settings = read_json(folder / "tokenizer_config.json")
    write_json(folder / "tokenizer_config.json", settings | {"tokenizer_class": CLASS})


def their_backend(tokenizer):
    backend = Backend.from_str(tokenizer.backend.to_str())
    backend.add_special_tokens([END_OF_TEXT])
    start = (END_OF_TEXT, tokenizer.end_of_text)
    backend.post_processor = TemplateProcessing(
        single=f"{END_OF_TEXT} $A", pair=f"{END_OF_TEXT} $A {END_OF_TEXT} $B", special_tokens=[start]
    )
    return backend


def read_tokenizer(folder):
    """The Tokenizer in a folder that `save_tokenizer` wrote to; InputError where the file would give other ids."""
    path = folder / "tokenizer.json"
    values = read_json(path)
    try:
        found = json.loads(Backend.from_str(json.dumps(values)).to_str())
        tokenizer = Tokenizer(found["model"]["merges"])
    except Exception as error:  # the library raises nothing more special
        raise InputError(f"{path} is damaged: {' '.join(str(error).split())[:300]}") from None
    expected = json.loads(their_backend(tokenizer).to_str())
    differing = [name for name in expected if found.get(name) != expected[name]]
    require(not differing, f"{path} is not a tokenizer of TinyGPT's: its {', '.join(differing)} differ")
    return tokenizer
