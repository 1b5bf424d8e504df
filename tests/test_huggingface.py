"""A model in the tools of Hugging Face: the same numbers, the same text, with no code of ours; and back."""

import errno
import importlib.util
import itertools
import json
import math
import os
import pickle
import re
import shutil
import subprocess
import sys
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn
from torch.testing import assert_close
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel, Qwen3ForCausalLM

from tinygpt.checkpoint import open_run
from tinygpt.cli import main
from tinygpt.config import END_OF_TEXT, InputError, ModelConfig, SampleConfig
from tinygpt.corpora import open_corpus
from tinygpt.evaluation import evaluate, windows
from tinygpt.model import TinyGPT
from tinygpt.report import Figures, measure
from tinygpt.sampling import generate, generate_ids, make_decoder, prompt_ids
from tinygpt.share.architectures import GPT2, QWEN3, architecture_of
from tinygpt.share.huggingface import export_huggingface, from_huggingface, their_weights
from tinygpt.share.model_card import data_rows, front_matter, table, training_rows
from tinygpt.training import train

PRESETS = ("gpt2", "modern")
CLASSES = {"gpt2": GPT2LMHeadModel, "modern": Qwen3ForCausalLM}
CONTEXT = 48


@pytest.fixture(scope="module")
def runs(make_run, tmp_path_factory):
    """A trained run of each preset."""
    folder = tmp_path_factory.mktemp("runs")
    for preset in PRESETS:
        run = make_run(folder / preset, preset, context_length=CONTEXT, d_model=32, n_layers=2, steps=120)
        assert train(run)
    return {preset: folder / preset for preset in PRESETS}


@pytest.fixture(scope="module")
def exported(runs, tmp_path_factory):
    """What they were exported to."""
    folder = tmp_path_factory.mktemp("exported")
    for preset, run in runs.items():
        export_huggingface(run, folder / preset)
    return {preset: folder / preset for preset in PRESETS}


@pytest.fixture(params=PRESETS)
def preset(request):
    return request.param


@pytest.fixture
def run(runs, preset):
    return open_run(runs[preset])


@pytest.fixture
def folder(exported, preset):
    return exported[preset]


@pytest.fixture
def opened(folder):
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


# The same model


def test_the_logits_are_the_same(run, opened, preset):
    theirs, _ = opened
    assert type(theirs) is CLASSES[preset] and not theirs.training
    dropouts = {name: rate for name, rate in vars(theirs.config).items() if re.search("_(pdrop|dropout)$", name)}
    assert dropouts and not any(dropouts.values())
    ids = torch.randint(run.model_config.vocab_size, (8, CONTEXT), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert_close(theirs(ids).logits, run.model()(ids), atol=1e-4, rtol=0)


def test_it_writes_the_same_from_200_prompts(run, opened, letters):
    theirs, their_tokenizer = opened
    tokenizer, decoder, n = run.tokenizer(), make_decoder(run.model()), 24
    prompts = sorted({letter[: 1 + i % 17] for i, letter in enumerate(letters)})[:200]
    assert len(prompts) == 200
    inputs = their_tokenizer(prompts, return_tensors="pt", padding=True)
    written = theirs.generate(**inputs, do_sample=False, max_new_tokens=n, max_length=None)[:, -n:].tolist()
    settings = SampleConfig(temperature=0, max_tokens=n)
    for prompt, found in zip(prompts, written, strict=True):
        expected = list(generate_ids(decoder, prompt_ids(tokenizer, prompt), settings, tokenizer.end_of_text))
        assert found == expected + [tokenizer.end_of_text] * (n - len(expected)), prompt


def test_the_perplexity_is_the_same(run, opened):
    theirs, their_tokenizer = opened
    tokens = run.tokens()["validation"]
    texts = list(tokens.texts(run.tokenizer()))
    stream = [id for ids in their_tokenizer(texts).input_ids for id in ids] + [their_tokenizer.eos_token_id]
    nats, n = 0.0, 0
    for inputs, targets in windows(torch.tensor(stream), theirs.config.max_position_embeddings):
        with torch.no_grad():
            logits = theirs(inputs).logits
        nats += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
        n += targets.numel()
    assert math.exp(nats / n) == pytest.approx(evaluate(run.model(), tokens).perplexity, rel=1e-5)


def test_it_comes_back_whole(run, folder):
    model, tokenizer = from_huggingface(folder)
    assert model.config == ModelConfig(**{**run.config["model"], "dropout": 0.0}) and not model.training
    assert tokenizer.merges == run.tokenizer().merges
    expected = run.model().state_dict()
    assert model.state_dict().keys() == expected.keys()
    assert all(weight.equal(expected[name]) for name, weight in model.state_dict().items())


# The same tokens


def test_the_tokens_are_the_same(run, opened, letters):
    _, theirs = opened
    tokenizer = run.tokenizer()
    for text in [*letters, "", " ", f"{END_OF_TEXT}a{END_OF_TEXT}"]:
        assert theirs(text).input_ids == prompt_ids(tokenizer, text)
        assert theirs(text, add_special_tokens=False).input_ids == tokenizer.encode(text)
        special = theirs(text, add_special_tokens=False, split_special_tokens=False).input_ids
        assert special == tokenizer.encode(text, allow_special=True)


ALPHABETS = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from([*" \n\t'sé漢🙂", END_OF_TEXT]))


@given(text=st.lists(ALPHABETS).map("".join))
def test_any_text_goes_there_and_back(exported, runs, text):
    theirs, tokenizer = tokenizers_of(exported["gpt2"], runs["gpt2"])
    ids = theirs(text).input_ids
    assert ids == prompt_ids(tokenizer, text)
    assert theirs.decode(ids, skip_special_tokens=True) == text
    assert theirs.decode(ids) == END_OF_TEXT + text


@cache
def tokenizers_of(folder, run):
    return AutoTokenizer.from_pretrained(folder), open_run(run).tokenizer()


def test_special_tokens(opened):
    model, tokenizer = opened
    assert {tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token} == {END_OF_TEXT}
    assert tokenizer.unk_token is None and len(tokenizer) == model.config.vocab_size
    assert tokenizer.model_max_length == CONTEXT
    for config in (model.config, model.generation_config):
        assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (0, 0, 0)
    assert tokenizer("a", "b").input_ids == [0, *tokenizer("a").input_ids[1:], 0, *tokenizer("b").input_ids[1:]]


def test_the_tokenizer_reads_the_same_in_every_release(folder):
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert settings["model_input_names"] == ["input_ids", "attention_mask"]  # token types would change what GPT-2 reads


def test_it_draws_as_tinygpt_does(opened):
    settings, theirs = SampleConfig(), opened[0].generation_config
    found = (theirs.do_sample, theirs.temperature, theirs.top_k, theirs.top_p, theirs.max_length)
    assert found == (True, settings.temperature, settings.top_k, settings.top_p, CONTEXT)


# In a process that has never heard of us

FRESH = """
import json, socket, sys

class NoTinyGPT:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "tinygpt":
            raise ImportError("tinygpt is not here")

def no_network(*args):
    raise OSError("there is no network")

sys.meta_path.insert(0, NoTinyGPT)
socket.socket.connect = no_network
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

found = []
for folder in sys.argv[1:]:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer("Dear Zoë", return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits[0, -1].tolist()
    write = pipeline("text-generation", model=folder)
    greedy = write("Dear Zoë", do_sample=False, max_new_tokens=12, max_length=None)[0]["generated_text"]
    torch.manual_seed(0)
    drawn = write("Dear Zoë")[0]["generated_text"]
    found.append([inputs.input_ids[0].tolist(), logits, greedy, drawn])
assert not any(name.partition(".")[0] == "tinygpt" for name in sys.modules)
print(json.dumps(found))
"""


def test_a_fresh_process_opens_it_offline(runs, exported):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, "-I", "-c", FRESH, *exported.values()],
        env=environment | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stderr
    for folder, (ids, logits, greedy, drawn) in zip(runs.values(), json.loads(result.stdout), strict=True):
        model, tokenizer = open_run(folder).model(), open_run(folder).tokenizer()
        assert ids == prompt_ids(tokenizer, "Dear Zoë")
        assert_close(torch.tensor(logits), model(torch.tensor([ids]))[0, -1].detach(), atol=1e-4, rtol=0)
        settings = SampleConfig(temperature=0, max_tokens=12)
        assert greedy == "Dear Zoë" + "".join(generate(model, tokenizer, "Dear Zoë", settings))
        assert drawn.startswith("Dear Zoë") and len(tokenizer.encode(drawn)) < CONTEXT


# The card


def test_the_card(run, folder, preset):
    text, figures = (folder / "README.md").read_text(encoding="utf-8"), measure(run, run.model())
    assert ModelCard(text).data.to_dict() == {
        "library_name": "transformers",
        "license": "other",
        "license_name": "that-of-the-training-data",
        "pipeline_tag": "text-generation",
        "tags": ["tinygpt", {"gpt2": "gpt2", "modern": "qwen3"}[preset], "education"],
    }
    assert f"# {preset}\n" in text and f"{run.model().count_parameters():,} parameters" in text
    assert "Never for medical use" in text and "It invents" in text
    assert "| source | letters.txt |" in text and "| licence | yours |" in text
    assert f"{CLASSES[preset].__name__} (TinyGPT's preset `{preset}`)" in text
    assert "120 steps of 4 windows: 23,040 tokens" in text
    assert f"On {len(figures.near_duplicate)} validation documents" in text
    [told] = re.findall(r"^\| perplexity \| (\d+\.\d{4}) \((\d+\.\d{3})-(\d+\.\d{3})\) \|", text, re.MULTILINE)
    perplexity, *interval = map(float, told)  # measured twice: on several threads sums are rounded in another order
    assert perplexity == pytest.approx(figures.score.perplexity, abs=1e-4)
    assert interval == pytest.approx(figures.score.interval("perplexity"), abs=1e-3)


def test_the_card_of_the_built_in_corpus():
    corpus = open_corpus("hpo")
    found = ModelCard(f"---\n{front_matter({'spec': 'hpo', **corpus.about}, QWEN3)}\n---\n").data
    assert (found.language, found.license_link) == ("en", "https://hpo.jax.org/app/license")
    sizes = {"train": {"documents": 14834, "bytes": 3409189, "tokens": 1018061}}
    rows = dict(data_rows({"spec": "hpo", **corpus.about, "splits": sizes, "cleaning": ["dropped | nothing"]}))
    assert "Gargano et al. (2024)" in rows["citation"] and rows["version"] == corpus.about["version"]
    assert rows["train"] == "14,834 documents, 3,409,189 bytes of UTF-8, 1,018,061 tokens"
    assert table(["", ""], [["cleaning", rows["cleaning"]]]).endswith("\n| cleaning | dropped \\| nothing |")


def test_the_card_tells_each_setting_by_its_name(runs):
    run = open_run(runs["modern"])
    changes = dict(embedding_lr=0.2, head_lr=0.03, matrix_lr=0.04, lr=0.005, warmup=0.1, decay=0.6)
    run.config["training"] |= changes | dict(weight_decay=0.07, clip=0.8)
    rows = dict(training_rows(run, tiny(dropout=0.09), QWEN3))
    assert rows["learning rates"] == "Muon 0.04, embedding 0.2, head 0.03, AdamW 0.005"
    assert rows["schedule"] == "rises over 10% of the steps, falls to zero over the last 60%"
    assert rows["weight decay, dropout, clipping"] == "0.07, 0.09, 0.8"
    run.config["training"]["optimizer"] = "adamw"
    assert dict(training_rows(run, tiny(), QWEN3))["learning rates"] == "AdamW 0.005"
    assert {"train", "validation", "test"} <= dict(data_rows(run.config["corpus"])).keys()


def test_the_card_sets_near_duplicates_apart(runs, tmp_path):
    def figures(value):
        names = {name: value for name in Figures.FIGURES}
        return names | {f"{name}_interval": [value - 0.25, value + 0.25] for name in names}

    folder = shutil.copytree(runs["modern"], tmp_path / "run")
    apart = {"documents": 20, "near_duplicates": 7, **figures(1.5), "without_near_duplicates": figures(1.75)}
    (folder / "metrics.json").write_text(json.dumps({"validation": apart}))
    export_huggingface(folder, tmp_path / "there")
    text = (tmp_path / "there" / "README.md").read_text(encoding="utf-8")
    assert "On 20 validation documents that were not trained on, 7 of which have a near-duplicate" in text
    assert "|  | all | without near-duplicates |" in text
    assert "| bits per byte | 1.5000 (1.250-1.750) | 1.7500 (1.500-2.000) |" in text


def test_figures_that_are_there_are_not_measured_again(runs, tmp_path):
    folder = shutil.copytree(runs["modern"], tmp_path / "run")
    figure = {name: 1.25 for name in Figures.FIGURES} | {f"{name}_interval": [1.0, 1.5] for name in Figures.FIGURES}
    figures = {"documents": 1234, "near_duplicates": 0, **figure, "without_near_duplicates": None}
    (folder / "metrics.json").write_text(json.dumps({"validation": figures}))
    export_huggingface(folder, tmp_path / "there")
    text = (tmp_path / "there" / "README.md").read_text(encoding="utf-8")
    assert "On 1,234 validation documents" in text and "| bits per byte | 1.2500 (1.000-1.500) |" in text
    (folder / "metrics.json").write_text('{"validation": {"documents": "many"}}')
    with pytest.raises(
        InputError, match=r"metrics.json is damaged .*delete it, and the export measures the model anew"
    ):
        export_huggingface(folder, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


# What can't be exported


def tiny(**changes):
    return TinyGPT(ModelConfig.preset("modern", vocab_size=9, context_length=4, d_model=8, n_layers=1, **changes))


SWITCHES = [("learned", "rotary"), ("layernorm", "rmsnorm"), ("gelu", "swiglu"), (False, True)]


@pytest.mark.parametrize("switches", list(itertools.product(*SWITCHES)))
def test_of_all_mixtures_two_are_known(switches):
    changes = dict(zip(("positions", "norm", "mlp", "qk_norm"), switches, strict=True))
    known = {("learned", "layernorm", "gelu", False): GPT2, ("rotary", "rmsnorm", "swiglu", True): QWEN3}
    if switches in known:
        assert architecture_of(tiny(**changes)) is known[switches]
    else:
        with pytest.raises(InputError, match=f"no architecture of the world has positions='{switches[0]}', norm="):
            architecture_of(tiny(**changes))


def replace_embedding(model):
    model.token_embedding = nn.Sequential(model.token_embedding)


def replace_mlp(model):
    model.blocks[0].mlp.up = nn.Identity()


def add_part(model):
    model.blocks[0].memory = nn.Linear(8, 8)


@pytest.mark.parametrize(
    "change, problem",
    [
        (replace_embedding, "the model's token_embedding is Sequential in place of Embedding"),
        (replace_mlp, "the model's blocks.0.mlp.up is Identity in place of Linear"),
        (add_part, "the model's blocks.0.memory is Linear in place of nothing"),
    ],
)
def test_parts_of_ones_own_are_refused(change, problem):
    model = tiny()
    change(model)
    with pytest.raises(InputError, match=f"^{problem}: Qwen3ForCausalLM has no such part$"):
        their_weights(model)


# Where it goes


def refused(call, *args):
    with pytest.raises(InputError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_there_stays(runs, tmp_path, snapshot):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    before = snapshot(tmp_path)
    assert "file is a file; choose another --to" in refused(export_huggingface, runs["gpt2"], tmp_path / "file")
    assert "holds files already; choose another" in refused(export_huggingface, runs["gpt2"], tmp_path / "full")
    below = refused(export_huggingface, runs["gpt2"], tmp_path / "file" / "below" / "it")
    assert "it can't be written: Not a directory; choose another --to" in below
    assert snapshot(tmp_path) == before


def test_an_empty_folder_and_a_new_one_are_filled(runs, tmp_path):
    (tmp_path / "empty").mkdir()
    export_huggingface(runs["gpt2"], tmp_path / "empty")
    export_huggingface(runs["gpt2"], tmp_path / "new" / "one")
    names = ["README.md", "config.json", "generation_config.json", "model.safetensors"]
    names += ["tokenizer.json", "tokenizer_config.json"]
    for folder in (tmp_path / "empty", tmp_path / "new" / "one"):
        assert sorted(os.listdir(folder)) == names
        assert folder.stat().st_mode & 0o777 == (tmp_path / "new").stat().st_mode & 0o777
    assert sorted(os.listdir(tmp_path)) == ["empty", "new"]


@pytest.mark.parametrize("reason", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_half_a_folder_is_never_seen(runs, tmp_path, monkeypatch, reason):
    def fail(*_, **__):
        raise reason

    monkeypatch.setattr("transformers.PreTrainedTokenizerFast.save_pretrained", fail)
    with pytest.raises((InputError, KeyboardInterrupt)) as caught:
        export_huggingface(runs["gpt2"], tmp_path / "new" / "folder")
    if isinstance(reason, OSError):
        assert str(caught.value).endswith("folder can't be written: No space left on device; choose another --to")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_named(runs, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr("tinygpt.share.target.find_spec", lambda name: None if name == "transformers" else found(name))
    line = 'this needs transformers, of the extra "share"; run: python -m pip install transformers'
    assert refused(export_huggingface, runs["gpt2"], tmp_path / "folder") == line
    assert refused(from_huggingface, tmp_path / "folder") == line


# What can't be read


@pytest.fixture
def copied(exported, tmp_path):
    """copied(preset): a copy of an exported folder, to be damaged at will."""
    return lambda preset: shutil.copytree(exported[preset], tmp_path / preset)


def with_json(folder, name, **changes):
    values = json.loads((folder / name).read_text(encoding="utf-8"))
    (folder / name).write_text(json.dumps({**values, **changes}), encoding="utf-8")


def with_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


class Harmful:
    """A pickle of this makes a file when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors", "training.pt"])
def test_a_pickle_is_never_opened(copied, tmp_path, name):
    folder = copied("gpt2")
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Harmful(tmp_path / "harm")))
    expected = "is damaged" if name == "model.safetensors" else f"{name} is a pickle: whoever opens it runs what code"
    assert expected in refused(from_huggingface, folder)
    assert not (tmp_path / "harm").exists()
    pickle.loads((folder / name).read_bytes()).close()
    assert (tmp_path / "harm").exists()  # it would have


def test_code_in_the_folder_is_never_run(copied, tmp_path):
    folder = copied("modern")
    (folder / "modeling.py").write_text(f"open({str(tmp_path / 'harm')!r}, 'w')")
    with_json(folder, "config.json", auto_map={"AutoModelForCausalLM": "modeling.Model", "AutoConfig": "modeling.C"})
    from_huggingface(folder)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "preset, name, changes, problem",
    [
        (
            "gpt2",
            "config.json",
            dict(architectures=["LlamaForCausalLM"]),
            "names the architecture ['LlamaForCausalLM']",
        ),
        ("gpt2", "config.json", dict(architectures=["GPT2LMHeadModel"] * 2), "names the architecture ["),
        ("gpt2", "config.json", dict(architectures=None), "TinyGPT reads GPT2LMHeadModel and Qwen3ForCausalLM"),
        (
            "gpt2",
            "config.json",
            dict(activation_function="gelu_new"),
            "it says activation_function='gelu_new', TinyGPT",
        ),
        ("gpt2", "config.json", dict(layer_norm_epsilon=1e-3), "it says layer_norm_epsilon=0.001, TinyGPT computes"),
        ("gpt2", "config.json", dict(n_head=5), "d_model=32 is not divisible by n_heads=5"),
        ("gpt2", "config.json", dict(n_embd="wide"), "config.json can't be used: "),
        ("modern", "config.json", dict(num_hidden_layers=10**9, layer_types=None), "=1000000000 is more than 1024"),
        ("modern", "config.json", dict(num_key_value_heads=1), "num_key_value_heads=1, TinyGPT computes"),
        ("modern", "config.json", dict(head_dim=8), "head_dim=8, TinyGPT computes head_dim=16 only"),
        (
            "modern",
            "config.json",
            dict(rope_parameters={"rope_type": "default", "rope_theta": 1e6}),
            "'rope_theta': 1000",
        ),
        ("modern", "config.json", dict(num_hidden_layers=3, layer_types=None), "lacks model.layers.2."),
        ("modern", "config.json", dict(num_hidden_layers=1, layer_types=None), "holds model.layers.1."),
        ("modern", "config.json", dict(intermediate_size=8), "of shape (96, 32), config.json asks for (8, 32)"),
        ("gpt2", "config.json", dict(n_inner=8), "of shape (32, 128), config.json asks for (32, 8)"),
        ("gpt2", "config.json", dict(vocab_size=299), "a tokenizer of 300 tokens and a model of 299"),
        ("gpt2", "tokenizer.json", dict(model={}), "tokenizer.json is damaged: "),
        ("gpt2", "tokenizer.json", dict(normalizer={"type": "Lowercase"}), "tokenizer of TinyGPT's: its normalizer"),
        ("gpt2", "tokenizer.json", dict(pre_tokenizer=None), "not a tokenizer of TinyGPT's: its pre_tokenizer differ"),
    ],
)
def test_another_setting_is_refused(copied, preset, name, changes, problem):
    folder = copied(preset)
    with_json(folder, name, **changes)
    assert problem in refused(from_huggingface, folder)


@pytest.mark.parametrize(
    "change, problem",
    [
        (lambda w: w.pop("model.norm.weight"), "model.safetensors lacks model.norm.weight"),
        (lambda w: w.update(more=torch.ones(1)), "model.safetensors holds more, which TinyGPT has no place for"),
        (lambda w: w["model.layers.0.self_attn.q_norm.weight"].mul_(2), "q_norm.weight that isn't all ones"),
        (
            lambda w: w.update({"lm_head.weight": torch.ones(300)}),
            "lm_head.weight of shape (300,), config.json asks for",
        ),
    ],
)
def test_other_weights_are_refused(copied, change, problem):
    folder = copied("modern")
    with_weights(folder, change)
    assert problem in refused(from_huggingface, folder)


@pytest.mark.parametrize("content", ["", "[]", '{"a":', "[" * 100_000, "\udcff"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_damaged_file_is_named(copied, name, content):
    folder = copied("gpt2")
    (folder / name).write_bytes(content.encode(errors="surrogateescape"))
    assert f"{name} is damaged: " in refused(from_huggingface, folder)


def test_a_missing_file_is_named(copied, tmp_path):
    assert "there is no folder" in refused(from_huggingface, tmp_path / "nowhere")
    for name, problem in {
        "model.safetensors": "is missing: weights are",
        "tokenizer.json": "tokenizer.json is missing",
        "config.json": "config.json is missing",
    }.items():
        folder = copied("gpt2")
        (folder / name).unlink()
        assert problem in refused(from_huggingface, folder)
        shutil.rmtree(folder)


# The command


def test_the_command(runs, tmp_path, capsys):
    assert main(["export", "--run", str(runs["gpt2"]), "--format", "huggingface", "--to", str(tmp_path / "one")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{tmp_path / 'one'}: a folder") and err == ""
    from_huggingface(tmp_path / "one")
    assert main(["export", "--run", str(runs["gpt2"]), "--format", "gguf", "--to", str(tmp_path / "two.gguf")]) == 0
    assert (tmp_path / "two.gguf").read_bytes()[:4] == b"GGUF"
    sizes = {}
    for kind in ("float16", "int8"):
        to = tmp_path / f"{kind}.html"
        weights = ["--weights", kind] if kind != "float16" else []
        assert main(["export", "--run", str(runs["gpt2"]), "--format", "page", "--to", str(to), *weights]) == 0
        sizes[kind] = to.stat().st_size
    assert sizes["int8"] < sizes["float16"]
    capsys.readouterr()


@pytest.mark.parametrize(
    "options, problem",
    [
        (["--format", "onnx", "--to", "new"], "--format='onnx' is unknown; choose one of huggingface, gguf, page"),
        (["--format", "gguf"], "the following arguments are required: --to"),
        (["--to", "new"], "the following arguments are required: --format"),
        (["--format", "gguf", "--to", "new", "--run", "nowhere"], "there is no run folder nowhere"),
        (["--format", "gguf", "--to", "new", "--weights", "int8"], "--weights is for --format page, not gguf"),
        (["--format", "gguf", "--to", "."], "is there already; choose another --to"),
    ],
)
def test_the_command_refuses(runs, tmp_path, capsys, monkeypatch, options, problem):
    monkeypatch.chdir(tmp_path)
    run = [] if "--run" in options else ["--run", str(runs["gpt2"])]
    try:
        code = main(["export", *run, *options])
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and problem in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
