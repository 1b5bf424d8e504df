"""The benchmarks compute what they say; how fast, no test asserts."""

import json
import math
import os

import numpy as np
import pytest
import torch
from benchmarks import ladder, large, large_text, learning, lightness, ratios, reference, throughput, where_time_goes
from torch.testing import assert_close

from tinygpt.checkpoint import open_run
from tinygpt.config import ModelConfig, TrainConfig
from tinygpt.corpora import open_corpus
from tinygpt.course.exercises.lesson_09.pair_table import PairTable, with_pair_table
from tinygpt.course.ladder import RUNGS
from tinygpt.logs import read_log
from tinygpt.model import TinyGPT
from tinygpt.tokens import token_file

TINY = dict(d_model=16, n_heads=2, n_layers=1, context_length=8)


@pytest.fixture(scope="module")
def tokens(letters, tokenizer):
    cut = len(letters) * 3 // 4
    parts = {"train": letters[:cut], "validation": letters[cut:]}
    return {name: token_file(texts, tokenizer.encode, tokenizer.end_of_text) for name, texts in parts.items()}


# The reference recipe, exactly so


def test_the_reference_has_the_shape_of_the_recipe():
    model = reference.ReferenceGPT()
    config = model.config
    assert (config.n_layers, config.n_heads, config.d_model, config.context_length, config.vocab_size) == (
        4,
        4,
        128,
        64,
        2048,
    )
    assert model.head.weight is model.tokens.weight
    assert sum(p.numel() for p in model.parameters()) == TinyGPT(config).count_parameters()


def test_the_reference_computes_what_our_gpt2_computes():
    config = ModelConfig.preset("gpt2", vocab_size=20, **TINY)
    theirs, ours = reference.ReferenceGPT(config), TinyGPT(config)
    with torch.no_grad():
        for p, q in zip(theirs.parameters(), sorted_like_reference(ours), strict=True):
            q.copy_(p.normal_(std=0.3))
    ids = torch.arange(16).view(2, 8)
    assert_close(theirs(ids), ours(ids), atol=1e-4, rtol=1e-4)
    assert_close(theirs(ids, ids.roll(1)), ours(ids, targets=ids.roll(1)), atol=1e-4, rtol=1e-4)


def sorted_like_reference(model):
    """Our parameters in the order of the reference's."""
    yield model.token_embedding.weight
    yield model.position_embedding.weight
    for block in model.blocks:
        for module in (
            block.attention_norm,
            block.mlp_norm,
            block.attention.qkv,
            block.attention.output,
            block.mlp.up,
            block.mlp.output,
        ):
            yield from (module.weight, module.bias)
    yield from (model.norm.weight, model.norm.bias)


def test_the_reference_s_optimizer_and_schedule():
    optimizer = reference.make_optimizer(reference.ReferenceGPT())
    assert isinstance(optimizer, torch.optim.AdamW)
    assert [(group["weight_decay"], {p.ndim for p in group["params"]}) for group in optimizer.param_groups] == [
        (0.1, {2}),
        (0.0, {1}),
    ]
    assert {(group["lr"], group["betas"]) for group in optimizer.param_groups} == {(1e-3, (0.9, 0.99))}
    rate = reference.learning_rate
    assert (rate(0), rate(0.005), rate(0.01)) == (0, 5e-4, 1e-3)
    assert rate(0.505) == pytest.approx((1e-3 + 1e-4) / 2) and rate(1) == pytest.approx(1e-4)


def test_random_windows_hold_what_follows():
    ids, rng = np.arange(50), np.random.default_rng(0)
    inputs, targets = reference.random_batch(ids, rng, 400, 8)
    assert inputs.shape == targets.shape == (400, 8)
    assert targets.equal(inputs + 1) and inputs[:, 1:].equal(targets[:, :-1])
    assert set(inputs[:, 0].tolist()) == set(range(42))


def test_the_reference_learns(tokens, tokenizer):
    config = ModelConfig.preset("gpt2", vocab_size=tokenizer.vocab_size, **TINY)
    model, steps = reference.train_for(2, tokens["train"], seed=0, config=config)
    inputs, targets = reference.random_batch(tokens["train"].ids, np.random.default_rng(1), 64, 8)
    assert steps > 10 and model(inputs, targets) < math.log(tokenizer.vocab_size) - 0.5


# Rows


def test_a_row_by_hand():
    row = ratios.Row("a / b", "2", ratios.ratios([6, 8, 1], [2, 2, 1]), "detail")
    assert row.ratios == (3, 4, 1)
    assert str(row).split() == ["a", "/", "b", "3.00", "1.00", "4.00", "3", "2", "detail"]
    assert len(ratios.HEADER.split("target")[0]) == str(row).index(" 2 ") + 1


def test_runs_take_turns():
    order = []
    found = ratios.in_turn({"a": lambda n: order.append(f"a{n}") or n, "b": lambda n: order.append(f"b{n}") or -n}, 2)
    assert order == ["a0", "b0", "a1", "b1"] and found == {"a": [0, 1], "b": [0, -1]}


def test_the_shortest_run_that_gets_there(monkeypatch):
    tried = []

    def learn(seconds, tokens, seed):
        tried.append(seconds)
        return learning.Trained(bits_per_byte=10 / seconds, seconds=seconds, steps=1)

    assert learning.time_to_reach(0.25, None, 0, 320, learn).seconds == 40
    assert tried == [320 / d for d in (14, 12, 11, 10, 9, 8)]
    with pytest.raises(RuntimeError, match=r"not reached 0\.010"):
        learning.time_to_reach(0.01, None, 0, 320, learn)


def test_a_run_of_ours_takes_the_seconds_it_is_given(tokens, tokenizer, monkeypatch):
    monkeypatch.setattr("tinygpt.trainer.MEASURED_S", 0.1)
    config = ModelConfig(vocab_size=tokenizer.vocab_size, **TINY)
    run = learning.ours(1, tokens, 0, config, batch_size=4)
    assert run.steps > 10 and 0.2 < run.seconds < 5 and 1 < run.bits_per_byte < 8


def test_training_rows(tokens, tokenizer):
    small = ModelConfig.preset("gpt2", vocab_size=tokenizer.vocab_size, **TINY)
    rows = list(throughput.training_rows(tokens, 1, 2, small, shapes=((2, 8), (4, 4))))
    assert len(rows) == 8 and all(ratio > 0 for row in rows for ratio in row.ratios)
    assert ["2 x 8" in row.what for row in rows] == [True] * 4 + [False] * 4


def test_writing_rows():
    rows = list(throughput.writing_rows(repetitions=1, n_tokens=4))
    assert len(rows) == 4 and all(ratio > 0 for row in rows for ratio in row.ratios)


def test_hugging_face_s_gpt2_is_of_the_same_shape():
    peer = throughput.huggingface_gpt2(reference.REFERENCE)
    assert sum(p.numel() for p in peer.parameters()) == TinyGPT(reference.REFERENCE).count_parameters()


def test_tokenizer_and_import_rows(letters):
    for row in (lightness.tokenizer_row(letters, 1, vocab_size=300), lightness.import_row(repetitions=1)):
        assert len(row.ratios) == 1 and row.ratios[0] > 0


def test_memory_row(letters):
    row = lightness.memory_row(letters, repetitions=1, times=2)
    assert 0.5 < row.ratios[0] < 2  # the process itself is most of it


# Where the time goes


def test_flops_by_hand():
    config = ModelConfig(vocab_size=50, context_length=8, d_model=16, n_heads=2, n_layers=3, d_ff=32)
    layer = 16 * 48 + 16 * 16 + 3 * 16 * 32  # queries, keys, values; output; gate, up, down
    products = 3 * (layer + 2 * 8 * 16) + 16 * 50  # scores and weighted values of 8 positions; the head
    assert where_time_goes.step_flops(config, batch_size=4) == 6 * 4 * 8 * products


def test_the_phases_are_those_of_a_training_step(tokens, tokenizer):
    from tinygpt.trainer import Trainer

    trainer = Trainer(ModelConfig(vocab_size=tokenizer.vocab_size, **TINY), TrainConfig(batch_size=2), tokens)
    parts = where_time_goes.phases(trainer, repetitions=2)
    assert set(parts) == {"batch", "forward", "backward", "clip", "Muon", "AdamW"} and min(parts.values()) > 0
    spent = where_time_goes.kinds(trainer, steps=2)
    assert set(spent) == {*where_time_goes.KINDS, where_time_goes.ELEMENTWISE, where_time_goes.AROUND}
    assert all(seconds > 0 for kind, seconds in spent.items() if kind != where_time_goes.AROUND)


# The ladder


def test_the_ladder_goes_from_the_reference_to_what_the_package_does():
    model, training = ladder.settings(())
    assert ModelConfig(**model) == reference.REFERENCE
    assert (training["optimizer"], training["lr"], training["batch_size"]) == ("adamw", 1e-3, 12)
    model, training = ladder.settings(list(ladder.cumulative().values())[-1])
    assert ModelConfig(**model) == ModelConfig() and TrainConfig(**training) == TrainConfig()


def test_every_rung_changes_something_and_without_it_one_thing_is_missing():
    rungs = [ladder.settings(changed) for changed in ladder.cumulative().values()]
    assert all(rungs[i] != rungs[i + 1] for i in range(len(rungs) - 1))
    for name, changed in ladder.without().items():
        model, training = ladder.settings(changed)
        differing = {
            key for key, value in {**model, **training}.items() if value != {**rungs[-1][0], **rungs[-1][1]}[key]
        }
        assert differing == set(RUNGS[name]) - {"lr"}  # Muon's lr is the reference's


def test_the_data_of_the_ladder(monkeypatch, tmp_path, capsys):
    found = learning.Trained(1.5, 1.0, 7)
    monkeypatch.setattr(ladder, "reference", lambda *arguments: found)
    monkeypatch.setattr(ladder, "ours", lambda *arguments, **changes: found)
    ladder.main(["--seeds", "2", "--to", str(tmp_path / "ladder.json")])
    data = json.loads((tmp_path / "ladder.json").read_text())
    assert [rung["name"] for rung in data["ladder"]] == ["the 2019 recipe", *RUNGS]
    assert data["ladder"][0] == {"name": "the 2019 recipe", "bits_per_byte": [1.5, 1.5], "steps": [7, 7]}
    assert len(data["without"]) == len(ladder.without())


def test_the_ladder_that_the_package_holds_is_whole():
    data = json.loads(ladder.DATA.read_text(encoding="utf-8"))
    assert [rung["name"] for rung in data["ladder"]] == ["the 2019 recipe", *RUNGS]
    assert [rung["name"] for rung in data["without"]] == list(ladder.without())
    for rung in data["ladder"] + data["without"]:
        assert len(rung["bits_per_byte"]) == len(rung["steps"]) >= 2
        assert all(1 < value < 3 for value in rung["bits_per_byte"])


# The table for pairs of tokens


def test_the_table_says_nothing_at_first_and_learns_pairs():
    model = TinyGPT(ModelConfig(vocab_size=20, **TINY))
    ids = torch.arange(16).view(2, 8)
    before = model(ids)
    with_table = with_pair_table(model)
    assert_close(with_table(ids), before)
    table = with_table.token_embedding
    assert isinstance(table, PairTable)
    table(torch.tensor([[3, 5], [4, 5]])).sum().backward()
    touched = table.pairs.weight.grad.abs().sum(-1).nonzero().flatten()
    assert len(touched) == 4  # 5 after 3 is another pair than 5 after 4


# A text larger than memory


def test_a_generated_text_is_of_documents_that_cleaning_keeps(tmp_path):
    n_bytes = large_text.write_text(tmp_path / "text.txt", 3e6, seed=1)
    assert n_bytes == (tmp_path / "text.txt").stat().st_size and 3e6 <= n_bytes < 6e6
    corpus = open_corpus(str(tmp_path / "text.txt"))
    lengths = [len(document.text) for document in corpus.documents()]
    assert corpus.report == [f"{len(lengths):,} documents read, {len(lengths):,} kept ({sum_of(corpus) / 1e6:.2f} MB)"]
    assert 900 < sum(lengths) / len(lengths) < 1400 and max(lengths) < 6000
    large_text.write_text(tmp_path / "again.txt", 3e6, seed=1)
    large_text.write_text(tmp_path / "other.txt", 3e6, seed=2)
    texts = [(tmp_path / f"{name}.txt").read_bytes() for name in ("text", "again", "other")]
    assert texts[0] == texts[1] != texts[2]


def sum_of(corpus):
    return sum(len(document.text.encode()) for document in corpus.documents())


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="this system does not tell what a process took")
def test_50_megabytes_go_all_the_way_in_little_memory(tmp_path):
    n_bytes, costs = large.measure(50 * 10**6, tmp_path, **TINY)
    assert list(costs) == ["clean", "tokenise", "train", "evaluate"]
    assert all(cost.core_s > 0 and 5e7 < cost.peak_bytes < 1e9 for cost in costs.values())
    run = open_run(tmp_path / "run")
    assert sum(split["bytes"] for split in run.config["corpus"]["splits"].values()) > 0.99 * n_bytes
    clean = (tmp_path / "clean.txt").read_text(encoding="utf-8").split("\n\n")
    tokens, tokenizer = run.tokens(), run.tokenizer()
    kept = {text for split in tokens.values() for text in split.first(100).texts(tokenizer)}
    assert len(kept) == 300 and kept <= {text.rstrip("\n") for text in clean}
    last = read_log(run.folder)[-1]
    assert last.step == 50 and last.bits_per_byte < 3


def test_rows_of_a_large_text_by_hand():
    small = 10**6, {"clean": large.Cost(2.0, 1.0, 10**8), "train": large.Cost(5.0, 4.0, 3 * 10**8)}
    big = 4 * 10**6, {"clean": large.Cost(9.0, 6.0, 2 * 10**8), "train": large.Cost(7.0, 6.0, 6 * 10**8)}
    clean, train, memory = large.rows(small, big)
    assert (clean.ratios, train.ratios, memory.ratios) == ((1.5,), (1.5,), (2.0,))
    assert clean.what == "clean, core seconds per MB, 4 MB / 1 MB of text"
    assert clean.detail == "0.67 MB a second and core; 6 core s, 9 s, peak 200 MB"
    assert train.what == "train, core seconds, 4 MB / 1 MB of text" and memory.detail == "600 and 300 MB"
