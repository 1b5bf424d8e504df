"""Tokens a second, in training and in writing, against Hugging Face's GPT-2 and against the reference."""

import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from tinygpt.config import PRESETS, ModelConfig, SampleConfig, TrainConfig
from tinygpt.model import TinyGPT
from tinygpt.sampling import generate_ids, make_decoder
from tinygpt.trainer import Trainer

from .ratios import Row, in_turn, middle, ratios
from .reference import BATCH_SIZE, REFERENCE, ReferenceGPT, make_optimizer, random_batch, train_step

WARM_UP_STEPS = 5
NEVER = -1  # a token that does not occur: writing stops at the number of tokens only


def huggingface_gpt2(config):
    """GPT-2 as transformers has it, of the same shape, with random weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = dict(n_positions=config.context_length, n_embd=config.d_model, n_layer=config.n_layers)
    no_dropout = dict(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    ends = dict(bos_token_id=0, eos_token_id=None, pad_token_id=0)
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=config.vocab_size, n_head=config.n_heads, **shape, **no_dropout, **ends)
    )


class HuggingFaceTraining(torch.nn.Module):
    """GPT-2 with the interface of the reference: (ids, targets) -> mean price in nats."""

    def __init__(self, config):
        super().__init__()
        self.config, self.gpt2 = config, huggingface_gpt2(config)

    def forward(self, ids, targets):
        logits = self.gpt2(ids).logits  # (B, T, V)
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def trained_per_second(step, tokens_per_step, steps):
    for _ in range(WARM_UP_STEPS):
        step()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return tokens_per_step * steps / (time.perf_counter() - began)


def peer_training(model, tokens, batch_size, steps):
    """Tokens/s of a peer with the reference's recipe; model.config tells its context."""
    optimizer, rng, ids = make_optimizer(model), np.random.default_rng(0), np.asarray(tokens["train"].ids)
    T = model.config.context_length
    return trained_per_second(
        lambda: train_step(model, optimizer, *random_batch(ids, rng, batch_size, T)), batch_size * T, steps
    )


def our_training(model_config, tokens, batch_size, steps, **changes):
    trainer = Trainer(model_config, TrainConfig(batch_size=batch_size, steps=10**6, **changes), tokens)
    return trained_per_second(trainer.train_step, trainer.batches.tokens_per_step, steps)


SHAPES = ((BATCH_SIZE, REFERENCE.context_length), (TrainConfig().batch_size, ModelConfig().context_length))


def training_rows(tokens, repetitions=3, steps=100, start=REFERENCE, shapes=SHAPES):
    """Our two presets against both peers, all of one shape: layers, heads, width, vocabulary, and (batch, context).

    start: the settings of the peers' model. The second of the shapes is the one that we train with.
    """
    for batch_size, context_length in shapes:
        peer = replace(start, context_length=context_length)
        modern = replace(peer, **{name: PRESETS["modern"][name] for name in RECIPE}, d_ff=0)
        runs = {
            "Hugging Face GPT-2": partial(trained, HuggingFaceTraining, peer, tokens, batch_size, steps),
            "reference": partial(trained, ReferenceGPT, peer, tokens, batch_size, steps),
            "gpt2, AdamW": partial(trained_by_us, peer, tokens, batch_size, steps, optimizer="adamw"),
            "modern, Muon": partial(trained_by_us, modern, tokens, batch_size, steps),
        }
        found = in_turn(runs, repetitions)
        for ours in ("gpt2, AdamW", "modern, Muon"):
            for theirs in ("Hugging Face GPT-2", "reference"):
                yield Row(
                    f"training tokens/s, {batch_size} x {context_length}, ours ({ours}) / {theirs}",
                    "1.6",
                    ratios(found[ours], found[theirs]),
                    f"{middle(found[ours])} and {middle(found[theirs])} tokens/s",
                )


RECIPE = ("positions", "norm", "qk_norm", "mlp", "tied")  # what makes a model modern; its heads are the peers'


def trained(peer, config, tokens, batch_size, steps, repetition):
    return peer_training(peer(config), tokens, batch_size, steps)


def trained_by_us(config, tokens, batch_size, steps, repetition, **changes):
    return our_training(config, tokens, batch_size, steps, **changes)


def huggingface_writing(model, n_tokens, seed, n_threads, **sampling):
    """Tokens/s of generate() with its cache."""
    torch.manual_seed(seed)
    ids = torch.zeros(1, 1, dtype=torch.long)
    asked = dict(attention_mask=torch.ones_like(ids), max_new_tokens=n_tokens, use_cache=True, **sampling)
    with threads(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        written = model.generate(ids, **asked)
        elapsed = time.perf_counter() - began
    assert written.shape[1] == n_tokens + 1
    return n_tokens / elapsed


@contextmanager
def threads(n):
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def our_writing(decoder, config, seed):
    generator = torch.Generator().manual_seed(seed)
    began = time.perf_counter()
    n = sum(1 for _ in generate_ids(decoder, [0], config, NEVER, generator))
    assert n == config.max_tokens
    return n / (time.perf_counter() - began)


WAYS = {  # how the next token is picked: what we aim at, our settings, and theirs
    "greedy": ("8", dict(temperature=0.0), dict(do_sample=False)),
    "top-p": ("5", dict(temperature=1.0, top_p=0.95), dict(do_sample=True, top_p=0.95, top_k=0)),
}


def writing_rows(repetitions=5, n_tokens=256):
    """One text at a time, with the cache; the peer with as many threads as suit it best."""
    configs = {name: ModelConfig.preset(name, context_length=2 * n_tokens) for name in ("gpt2", "modern")}
    peer = huggingface_gpt2(configs["gpt2"]).eval()
    decoders = {name: make_decoder(TinyGPT(config).eval()) for name, config in configs.items()}
    for way, (target, settings, sampling) in WAYS.items():
        config = SampleConfig(max_tokens=n_tokens, **settings)
        runs = {n: partial(huggingface_writing, peer, n_tokens, n_threads=n, **sampling) for n in (1, all_threads())}
        runs |= {name: partial(our_writing, decoder, config) for name, decoder in decoders.items()}
        in_turn(runs, 1)  # the first time is slower
        found = in_turn(runs, repetitions)
        theirs = [max(pair) for pair in zip(found[1], found[all_threads()], strict=True)]
        for name in decoders:
            yield Row(
                f"writing, {way}, batch 1, {n_tokens} tokens, ours ({name}) / Hugging Face GPT-2",
                target,
                ratios(found[name], theirs),
                f"{middle(found[name])} and {middle(theirs)} tokens/s",
            )


def all_threads():
    return max(2, torch.get_num_threads())
