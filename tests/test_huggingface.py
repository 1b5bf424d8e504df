"""A model in the tools of Hugging Face: the same numbers, the same text, with no code of ours; and back."""

import json
import math
import os
import pickle
import shutil
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn
from torch.testing import assert_close
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel, Qwen3ForCausalLM

from tinygpt.checkpoint import open_run
from tinygpt.config import END_OF_TEXT, InputError, ModelConfig, SampleConfig
from tinygpt.evaluation import evaluate, windows
from tinygpt.model import TinyGPT
from tinygpt.sampling import generate_ids, make_decoder, prompt_ids
from tinygpt.share.architectures import architecture_of
from tinygpt.share.huggingface import export_huggingface, from_huggingface
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
