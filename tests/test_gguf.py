"""The file for llama.cpp, read by the reader of the package gguf. llama.cpp itself is tried by hand, not here."""

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader

from tinygpt.config import END_OF_TEXT, InputError
from tinygpt.share.gguf import export_gguf
from tinygpt.tokenizer import Tokenizer
from tinygpt.training import train

SHAPE = dict(d_model=24, n_heads=2, n_layers=2, context_length=20, steps=3)
# llama.cpp's names of our weights, in each block and outside of them.
OUTSIDE = {"token_embd": "token_embedding", "position_embd": "position_embedding", "output_norm": "norm"}
INSIDE = {
    "attn_norm": "attention_norm",
    "attn_qkv": "attention.qkv",
    "attn_output": "attention.output",
    "ffn_norm": "mlp_norm",
    "ffn_up": "mlp.up",
    "ffn_gate": "mlp.gate",
    "ffn_down": "mlp.output",
}


@pytest.fixture(scope="module")
def make_file(make_run, tmp_path_factory):
    """make_file(preset): a trained run, and the reader of the file it was exported to."""

    def make_file(preset, **changes):
        folder = tmp_path_factory.mktemp(preset)
        run = make_run(folder / "letters", preset, **SHAPE, **changes)
        assert train(run)
        export_gguf(run.folder, folder / "model.gguf")
        return run, GGUFReader(folder / "model.gguf")

    return make_file


@pytest.fixture(scope="module")
def gpt2(make_file):
    return make_file("gpt2")


@pytest.fixture(scope="module")
def modern(make_file):
    return make_file("modern")


def settings(reader):
    return {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}


def test_settings_of_gpt2(gpt2):
    _, reader = gpt2
    assert {name: value for name, value in settings(reader).items() if name.startswith("gpt2.")} == {
        "gpt2.vocab_size": 300,
        "gpt2.context_length": 20,
        "gpt2.embedding_length": 24,
        "gpt2.block_count": 2,
        "gpt2.feed_forward_length": 96,
        "gpt2.attention.head_count": 2,
        "gpt2.attention.layer_norm_epsilon": pytest.approx(1e-5),
    }


def test_settings_of_modern(modern):
    _, reader = modern
    assert {name: value for name, value in settings(reader).items() if name.startswith("qwen3.")} == {
        "qwen3.vocab_size": 300,
        "qwen3.context_length": 20,
        "qwen3.embedding_length": 24,
        "qwen3.block_count": 2,
        "qwen3.feed_forward_length": 64,
        "qwen3.attention.head_count": 2,
        "qwen3.attention.head_count_kv": 2,
        "qwen3.attention.key_length": 12,
        "qwen3.attention.value_length": 12,
        "qwen3.attention.layer_norm_rms_epsilon": pytest.approx(1e-6),
        "qwen3.rope.freq_base": 10_000.0,
    }


@pytest.mark.parametrize("preset", ["gpt2", "modern"])
def test_what_both_say(request, preset):
    run, reader = request.getfixturevalue(preset)
    found, tokenizer = settings(reader), run.tokenizer()
    assert found["general.architecture"] == {"gpt2": "gpt2", "modern": "qwen3"}[preset]
    assert found["general.name"] == "letters" and "never for medical use" in found["general.description"]
    assert found["general.file_type"] == 0  # float32
    assert {name.removeprefix("tokenizer.ggml."): v for name, v in found.items() if name.startswith("tokenizer")} == {
        "model": "gpt2",
        "pre": "gpt-2",
        "tokens": tokenizer.tokens,
        "token_type": [3] + [1] * 299,  # a control token, then normal ones
        "merges": [" ".join(pair) for pair in tokenizer.merges],
        "bos_token_id": 0,
        "eos_token_id": 0,
        "padding_token_id": 0,
        "add_bos_token": True,
        "add_eos_token": False,
    }
    assert found["tokenizer.ggml.tokens"][0] == END_OF_TEXT


def arrays(reader):
    """Every tensor by name. GGUF gives sizes in the opposite order of numpy's."""
    assert {tensor.tensor_type for tensor in reader.tensors} == {GGMLQuantizationType.F32}
    found = {tensor.name: tensor.data for tensor in reader.tensors}
    assert all(tuple(tensor.shape) == found[tensor.name].shape[::-1] for tensor in reader.tensors)
    return found


def our_name(name):
    part, _, kind = name.rpartition(".")
    if not part.startswith("blk."):
        return f"{OUTSIDE[part]}.{kind}"
    _, layer, part = part.split(".")
    return f"blocks.{layer}.{INSIDE[part]}.{kind}"


def test_weights_of_gpt2(gpt2):
    run, reader = gpt2
    weights, found = run.model().state_dict(), arrays(reader)
    assert {our_name(name) for name in found} == weights.keys() - {"head.weight"}  # it is the embedding
    for name, array in found.items():
        assert np.array_equal(array, weights[our_name(name)].numpy()), name


def test_weights_of_modern(modern):
    run, reader = modern
    weights, found = run.model().state_dict(), arrays(reader)
    for layer in range(2):
        block = f"blk.{layer}."
        qkv = [found.pop(f"{block}attn_{letter}.weight") for letter in "qkv"]
        assert np.array_equal(np.concatenate(qkv), weights.pop(f"blocks.{layer}.attention.qkv.weight").numpy())
        for name, size in {"attn_norm": 24, "ffn_norm": 24, "attn_q_norm": 12, "attn_k_norm": 12}.items():
            assert np.array_equal(found.pop(f"{block}{name}.weight"), np.ones(size))
    assert np.array_equal(found.pop("output_norm.weight"), np.ones(24))
    assert np.array_equal(found.pop("output.weight"), weights.pop("head.weight").numpy())
    assert {our_name(name) for name in found} == weights.keys()
    for name, array in found.items():
        assert np.array_equal(array, weights[our_name(name)].numpy()), name


def test_the_head_stands_where_it_is_not_the_embedding(make_file):
    for preset, tied in {"gpt2": False, "modern": True}.items():
        run, reader = make_file(preset, tied=tied)
        found = arrays(reader)
        assert ("output.weight" in found) == (not tied)
        assert np.array_equal(found.get("output.weight", found["token_embd.weight"]), run.model().head.weight.detach())


# What can go wrong


def refused(run, path):
    with pytest.raises(InputError) as caught:
        export_gguf(run.folder, path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_that_llama_cpp_does_not_have(make_run, tmp_path):
    run = make_run(tmp_path / "mixed", "modern", qk_norm=False, steps=3)
    assert train(run)
    assert "qk_norm=False: the presets gpt2 and modern can be exported" in refused(run, tmp_path / "model.gguf")
    assert not (tmp_path / "model.gguf").exists()


def test_a_tokenizer_without_merges(make_run, tmp_path):
    run = make_run(tmp_path / "bytes", tokenizer=Tokenizer([]), steps=3)
    assert train(run)
    assert "no merges, and llama.cpp opens none such" in refused(run, tmp_path / "model.gguf")


def test_what_is_there_stays(modern, tmp_path):
    run, _ = modern
    (tmp_path / "model.gguf").write_bytes(b"mine")
    assert "is there already; choose another --to" in refused(run, tmp_path / "model.gguf")
    assert (tmp_path / "model.gguf").read_bytes() == b"mine"


def test_a_disk_that_is_full_leaves_nothing(modern, tmp_path, monkeypatch):
    def full(writer):
        raise OSError("29184 requested and 1024 written")  # numpy's words

    monkeypatch.setattr("gguf.GGUFWriter.write_tensors_to_file", full)
    assert "can't be written: 29184 requested and 1024 written" in refused(modern[0], tmp_path / "new" / "model.gguf")
    assert list(tmp_path.iterdir()) == []
