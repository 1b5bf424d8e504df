"""The race: its rules, its board; and the trials and letters that lesson 09 uses beside it."""

import json
import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tinygpt.config import InputError, ModelConfig, TrainConfig
from tinygpt.corpora import open_corpus
from tinygpt.course import ladder, speedrun, speedrun_board
from tinygpt.course.letters import letter, write_letters
from tinygpt.course.trials import step_flops, trial
from tinygpt.evaluation import evaluate
from tinygpt.tokens import token_file
from tinygpt.trainer import TrainingDiverged

ENTRY = speedrun_board.Entry(
    name="mine",
    corpus="hpo",
    budget="sprint",
    seconds=2.5,
    cores=2,
    machine="x86_64",
    seeds=(0, 1),
    steps=80,
    bits_per_byte=(1.8, 1.9),
    recipe={**speedrun.RECORD, "batch_size": 8},
)


@pytest.fixture(scope="module")
def tokens(letters, tokenizer):
    cut = len(letters) * 3 // 4
    parts = {"train": letters[:cut], "validation": letters[cut:]}
    return {name: token_file(texts, tokenizer.encode, tokenizer.end_of_text) for name, texts in parts.items()}


def test_a_budget_is_spent_on_steps_and_on_the_head_start():
    assert speedrun.steps_within(speedrun.RECORD) == speedrun.RECORD_STEPS
    assert speedrun.steps_within({**speedrun.RECORD, "batch_size": 8}) == 2 * speedrun.RECORD_STEPS
    assert speedrun.steps_within({**speedrun.RECORD, "bigram_steps": 80}) < speedrun.RECORD_STEPS
    step = step_flops(ModelConfig(**speedrun.RECORD), 16)
    head_start = 40 * 6 * 2048 * 2048 * 64
    assert speedrun.flops(speedrun.RECORD, 3) == 3 * step + head_start
    assert speedrun.flops({**speedrun.RECORD, "tied": True}, 1) == step  # which has no head start


@pytest.mark.parametrize("name", speedrun.FIXED)
def test_what_the_rules_give_no_recipe_can_change(name):
    with pytest.raises(InputError, match=f"{name} is given by the rules"):
        speedrun.configs({name: 1})


def test_every_setting_is_the_rules_or_the_racers():
    assert set(speedrun.FIXED) | set(speedrun.MODEL) | set(speedrun.TRAINING) == {
        *ModelConfig.__dataclass_fields__,
        *TrainConfig.__dataclass_fields__,
    }


def test_the_record_can_be_copied_and_not_changed():
    with pytest.raises(TypeError):
        speedrun.RECORD["batch_size"] = 8
    assert speedrun.RECORD == {"d_model": 64, "n_layers": 2} and f"{speedrun.RECORD}" == str(dict(speedrun.RECORD))
    assert speedrun.YOURS["batch_size"] == 16 and list(speedrun.YOURS) == [*speedrun.MODEL, *speedrun.TRAINING]


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"head_lr": "0.03"}, "head_lr='0.03' is not a number"),
        ({"weight_decay": None}, "weight_decay=None is not a number"),
        ({"dropout": True}, "dropout=True is not a number"),
        ({"head_lr": 1e9}, "beyond 1"),
        ({"context_length": 60_000}, "a shorter context"),
        ({**speedrun.RECORD, "context_length": 1}, "steps fit into the budget; 2,000 are allowed"),
    ],
)
def test_a_recipe_that_is_no_recipe_is_told_why(recipe, told):
    with pytest.raises(InputError, match=told):
        speedrun.steps_within(recipe)


def test_numbers_of_numpy_are_numbers():
    recipe = {**speedrun.RECORD, "batch_size": np.int64(8), "head_lr": np.float32(0.5), "tied": np.bool_(False)}
    assert speedrun.steps_within(recipe) == 2 * speedrun.RECORD_STEPS
    assert json.dumps(speedrun.plain(recipe)) == json.dumps({**ENTRY.recipe, "head_lr": 0.5, "tied": False})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seeds": (0, 0)}, "two seeds"),
        ({"bits_per_byte": (1.8,)}, "two seeds"),
        ({"bits_per_byte": (0.01, 1.8)}, "no price of this text"),
        ({"bits_per_byte": (float("nan"), 1.8)}, "no price of this text"),
        ({"steps": 81}, "more than 194 GFLOP"),
        ({"budget": "minute", "seconds": 70.0}, "70.0 s of training"),
        ({"budget": "hour"}, "budget"),
        ({"corpus": ""}, "names its corpus"),
        ({"cores": 0}, "cores"),
        ({"recipe": {"steps": 80}}, "given by the rules"),
    ],
)
def test_an_entry_that_breaks_a_rule_stays_off_the_board(tmp_path, change, told):
    with pytest.raises(InputError, match=told):
        speedrun.enter(replace(ENTRY, **change), tmp_path / "board.jsonl")
    assert not list(tmp_path.iterdir())


def test_the_board_is_a_file_of_json_lines_the_best_first(tmp_path):
    path = tmp_path / "new" / "board.jsonl"
    better = replace(ENTRY, name="better", bits_per_byte=(1.7, 1.7))
    speedrun.enter(ENTRY, path)
    speedrun.enter(better, path)
    worse = replace(ENTRY, name="worse", bits_per_byte=(1.0, 3.0))  # with one lucky seed
    speedrun.enter(worse, path)
    speedrun.enter(replace(ENTRY, corpus="letters"), path)
    speedrun.enter(replace(ENTRY, corpus="letters", budget="minute"), path)
    assert speedrun.enter(ENTRY, path) == [better, ENTRY, worse]  # once more, in its own place
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 5 and {line["corpus"] for line in lines} == {"hpo", "letters"}
    assert speedrun_board.board("letters", "sprint", path) == [replace(ENTRY, corpus="letters")]
    path.write_text("{}\n")
    with pytest.raises(InputError, match=r"line 1 of board\.jsonl"):
        speedrun_board.read(path)


def test_a_record_falls_only_by_more_than_seeds_differ():
    record = replace(ENTRY, bits_per_byte=(2.0, 2.1))
    assert "equal to the record" in speedrun.verdict(replace(record, bits_per_byte=(2.1, 2.0002)), record)
    assert "a new record: lower by 0.150" in speedrun.verdict(replace(ENTRY, bits_per_byte=(1.9, 1.9)), record)
    assert "may be luck" in speedrun.verdict(replace(ENTRY, bits_per_byte=(2.0, 2.0)), record)
    steady, lucky = (replace(ENTRY, bits_per_byte=values) for values in ((2.0, 2.0), (1.6, 2.0)))
    assert "may be luck" in speedrun.verdict(lucky, steady)  # the new one's seeds count as well
    assert "higher" in speedrun.verdict(replace(ENTRY, bits_per_byte=(2.2, 2.2)), record)


def test_a_recipe_that_diverges_has_a_verdict_and_no_place_on_the_board(tokens, monkeypatch, tmp_path):
    def runs_away(*_):
        raise TrainingDiverged("the loss is nan at step 3")

    monkeypatch.setattr(speedrun, "SPRINT_FLOPS", speedrun.flops({**TINY}, 12))
    monkeypatch.setattr(speedrun, "trial", runs_away)
    entry = speedrun.race("wild", TINY, tokens)
    assert entry.diverged and speedrun.verdict(entry, ENTRY).startswith("diverged") and not ENTRY.diverged
    assert all(replace(ENTRY, bits_per_byte=(1.8, worst)).diverged for worst in (12.0, float("nan"), float("inf")))
    with pytest.raises(InputError, match="no price of this text"):
        speedrun.enter(entry, tmp_path / "board.jsonl")


def test_a_race_runs_two_seeds_within_the_budget(tokens, monkeypatch):
    monkeypatch.setattr(speedrun, "SPRINT_FLOPS", speedrun.flops({**TINY}, 12))
    entry = speedrun.race("tiny", TINY, tokens)
    assert entry.steps == 12 and entry.seeds == (0, 1) and len(set(entry.bits_per_byte)) == 2
    with pytest.raises(InputError, match="unknown"):
        speedrun.race("tiny", TINY, tokens, budget="hour")


def test_an_entry_tells_what_was_measured(tokens, monkeypatch):
    measured = lambda tokens, model, training: SimpleNamespace(  # noqa: E731
        seconds=1.0 + training.seed, bits_per_byte=(training.steps + training.seed) / 4
    )
    monkeypatch.setattr(speedrun, "trial", measured)
    monkeypatch.setattr(speedrun, "steps_for_minutes", lambda minutes, *_: round(7 * minutes))
    entry = speedrun.race("tiny", {**TINY, "batch_size": np.int64(2)}, tokens, "minute", "letters")
    assert (entry.name, entry.corpus, entry.budget, entry.seconds) == ("tiny", "letters", "minute", 1.5)
    assert (entry.steps, entry.seeds, entry.bits_per_byte) == (7, (0, 1), (1.75, 2.0))
    assert json.dumps(entry.recipe) == json.dumps(TINY)


TINY = dict(d_model=8, n_layers=1, context_length=16, batch_size=2, bigram_steps=0)


def test_a_trial_repeats_itself_and_leaves_the_dice_alone(tokens):
    shape = ModelConfig(d_model=8, n_layers=1, context_length=16)
    training = TrainConfig(steps=4, batch_size=2, bigram_steps=0, precision="float32")
    torch.manual_seed(3)
    first, drawn = trial(tokens, shape, training), torch.rand(())
    torch.manual_seed(3)
    assert torch.rand(()) == drawn
    assert trial(tokens, shape, training).bits_per_byte == first.bits_per_byte
    assert first.flops == 4 * step_flops(shape, 2)


def test_the_products_of_a_step_are_counted_by_hand():
    shape = dict(vocab_size=300, d_model=8, n_heads=2, n_layers=3, d_ff=10, context_length=16)
    for preset, matrices in {"gpt2": 2, "modern": 3}.items():
        weights = 3 * (4 * 8 * 8 + matrices * 8 * 10) + 8 * 300
        attention = 3 * (16 * 8 + 16 * 8)  # of each token: with 16 keys, and 16 values
        assert step_flops(ModelConfig.preset(preset, **shape), 5) == 6 * 5 * 16 * (weights + attention)


def test_a_trial_of_a_changed_model_trains_what_was_put_in_and_measures_what_it_is_told(tokens):
    shape = ModelConfig(d_model=8, n_layers=1, context_length=16)
    training = TrainConfig(steps=4, batch_size=2, bigram_steps=0, precision="float32")
    new = torch.nn.Linear(8, shape.d_ff, bias=False)
    before = new.weight.clone()
    found = trial(tokens, shape, training, lambda model: setattr(model.blocks[0].mlp, "up", new), tokens["train"])
    assert found.model.blocks[0].mlp.up is new and not new.weight.equal(before)
    assert found.bits_per_byte == evaluate(found.model, tokens["train"]).bits_per_byte
    assert found.bits_per_byte != evaluate(found.model, tokens["validation"]).bits_per_byte


def test_on_every_rung_of_the_short_ladder_as_many_tokens_are_read(monkeypatch):
    monkeypatch.setattr(ladder, "trial", lambda tokens, model, training, measured: (model, training, measured))
    for rung in ladder.RUNGS:
        model, training, measured = ladder.short_form(rung, None, seed=3, measured="these")
        n_tokens = training.steps * training.batch_size * model.context_length
        assert ladder.SHORT_TOKENS - training.batch_size * model.context_length < n_tokens <= ladder.SHORT_TOKENS
        assert (training.seed, measured, model.d_model, model.n_layers) == (3, "these", 64, 2)
        assert training.precision in ("float32", "bfloat16")


def test_letters_are_a_corpus(tmp_path):
    last = write_letters(tmp_path, n=40)
    texts = [document.text for document in open_corpus(str(tmp_path)).documents()]
    assert len(texts) == 40 and last.startswith("Dear ") and last in [text.strip() for text in texts]
    assert write_letters(tmp_path, n=40) == last != write_letters(tmp_path, n=40, seed=1)
    assert {len(letter(random.Random(seed)).splitlines()) for seed in range(99)} == set(range(1 + 3, 1 + 8 + 1))
