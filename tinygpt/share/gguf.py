"""One file that llama.cpp runs, in float32; its llama-quantize makes smaller ones of it.

The preset `modern` is llama.cpp's architecture "qwen3" and computes the same. `gpt2` is its "gpt2", in which one thing
differs: llama.cpp approximates GELU by a tanh, as OpenAI did, where torch and we take the error function. The two
curves are up to 5e-4 apart. It shows in the third digit of the logits; a text can differ where two tokens are that
close.

llama.cpp reads `<|endoftext|>` in a prompt as the token, unless it is told not to (its switch `parse_special`); for
Tokenizer.encode it is plain text.
"""

from contextlib import closing
from pathlib import Path

from tinygpt.checkpoint import open_run
from tinygpt.config import END_OF_TEXT, require
from tinygpt.share.architectures import GPT2, architecture_of
from tinygpt.share.target import new_file, require_extra

PRE_TOKENIZER = "gpt-2"  # llama.cpp's name for the way in which `tokenizers.ByteLevel` splits a text
LIMITS = "A small model made for learning. It invents, medicine too: never for medical use."


def export_gguf(run, path):
    """Write the model of a run folder as a GGUF file.

    Raises InputError where no architecture of llama.cpp computes what the model does, or where path is taken.
    Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
    """
    require_extra("gguf")
    run = open_run(run)
    model, tokenizer = run.model(), run.tokenizer()
    architecture = architecture_of(model)
    require(tokenizer.merges, f"the tokenizer of {run.folder} has no merges, and llama.cpp opens none such")
    from gguf import GGUFWriter

    with new_file(path) as file, closing(GGUFWriter(None, architecture.name)) as writer:
        writer.add_name(run.folder.resolve().name)
        writer.add_description(LIMITS)
        add_settings(writer, architecture, model.config)
        add_tokenizer(writer, tokenizer)
        add_weights(writer, architecture, model)
        writer.write_header_to_file(Path(file.name))
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()


def add_settings(writer, architecture, config):
    from gguf import LlamaFileType

    settings = architecture.settings(config)
    writer.add_file_type(LlamaFileType.ALL_F32)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.d_model)
    writer.add_block_count(config.n_layers)
    writer.add_feed_forward_length(config.d_ff)
    writer.add_head_count(config.n_heads)
    if architecture is GPT2:
        writer.add_layer_norm_eps(settings["layer_norm_epsilon"])
    else:
        writer.add_head_count_kv(config.n_heads)
        writer.add_key_length(config.head_size)
        writer.add_value_length(config.head_size)
        writer.add_layer_norm_rms_eps(settings["rms_norm_eps"])
        writer.add_rope_freq_base(settings["rope_parameters"]["rope_theta"])


def add_tokenizer(writer, tokenizer):
    """Tokens, their kinds and the merges; every text begins with `<|endoftext|>`, as all of the training did."""
    from gguf import TokenType

    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(tokenizer.tokens)
    writer.add_token_types(
        [TokenType.CONTROL if token == END_OF_TEXT else TokenType.NORMAL for token in tokenizer.tokens]
    )
    writer.add_token_merges([f"{left} {right}" for left, right in tokenizer.merges])
    writer.add_bos_token_id(tokenizer.end_of_text)
    writer.add_eos_token_id(tokenizer.end_of_text)
    writer.add_pad_token_id(tokenizer.end_of_text)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)


def add_weights(writer, architecture, model):
    """All weights by llama.cpp's names, which the package gguf derives from those of transformers."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    arch = next(arch for arch, name in MODEL_ARCH_NAMES.items() if name == architecture.name)
    names = get_tensor_name_map(arch, model.config.n_layers)
    for name, weight in architecture.weights(model).items():
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), weight.contiguous().numpy())
