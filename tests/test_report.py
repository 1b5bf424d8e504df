"""From a run to its figures, and the words that go with them."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tinygpt.baselines import Baseline
from tinygpt.config import InputError, ModelConfig
from tinygpt.evaluation import Score
from tinygpt.model import TinyGPT
from tinygpt.report import MODEL_NAME, Figures, beginning, limits, measure, measure_baselines, table
from tinygpt.tokenizer import Tokenizer
from tinygpt.tokens import token_file


def score_of_bits(bits, n_bytes=8, n_tokens=4):
    """Documents that cost so many bits per byte."""
    n = len(bits)
    return Score(np.array(bits) * n_bytes * math.log(2), np.full(n, n_tokens), np.full(n, n_bytes))


def figures(bits, near, n_left_out=0):
    return Figures(score_of_bits(bits), np.array(near, dtype=bool), n_left_out)


# By hand: two bits for each of 8 bytes are 16 bits for 4 tokens, 4 bits each: a perplexity of 16.

CERTAIN = figures([2.0, 2.0, 2.0], [0, 0, 0])


def test_lines_by_hand():
    assert list(CERTAIN.lines()) == [
        "bits_per_byte      2.0000   (95% interval 2.000-2.000)",
        "perplexity        16.0000   (95% interval 16.000-16.000)",
        "nats_per_token     2.7726   (95% interval 2.773-2.773)",
    ]
    assert list(CERTAIN.notes()) == ["3 documents; 0 of them have a near-duplicate in the training text"]


def test_notes_on_near_duplicates_and_what_was_left_out():
    near, others, left_out = figures([1.0, 3.0, 3.0], [1, 0, 0], n_left_out=1234).notes()
    assert near == "3 documents; 1 of them have a near-duplicate in the training text"
    assert others == "bits_per_byte of the 2 others: 3.0000   (95% interval 3.000-3.000)"
    assert left_out == "1,234 further documents were left out; those measured are spread evenly among them"


def test_notes_where_all_are_near_duplicates():
    (last,) = figures([1.0, 3.0], [1, 1]).notes()
    assert last == "2 documents; 2 of them have a near-duplicate in the training text"


def test_json_by_hand():
    found = figures([1.0, 3.0, 3.0], [1, 0, 0], n_left_out=7).as_json()
    fresh = found.pop("without_near_duplicates")
    assert fresh["bits_per_byte"] == 3.0 and fresh["bits_per_byte_interval"] == [3.0, 3.0]
    assert (found.pop("documents"), found.pop("near_duplicates"), found.pop("documents_left_out")) == (3, 1, 7)
    assert found["bits_per_byte"] == pytest.approx(7 / 3, abs=1e-6)
    assert found["nats_per_token"] == pytest.approx(14 / 3 * math.log(2), abs=1e-6)
    assert found["perplexity"] == pytest.approx(2 ** (14 / 3), abs=1e-6)
    names = {"bits_per_byte", "perplexity", "nats_per_token"}
    assert set(fresh) == names | {f"{name}_interval" for name in names} == set(found)
    for name in names:
        low, high = found[f"{name}_interval"]
        assert low < found[name] < high


@pytest.mark.parametrize("near", [[0, 0], [1, 0], [1, 1]])
def test_json_is_valid_json(near):
    found = figures([1.0, 3.0], near).as_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["without_near_duplicates"] is None) == all(near)


# The table

ROWS = [
    Baseline("gzip", 2.5, 2.6),
    Baseline("uniform", 8.0, 8.1, score_of_bits([8.0, 8.0, 8.0])),
    Baseline("xz, knowing the training text", 1.5, 1.7),
]


def test_the_table_by_hand():
    header, *rows, last = table(ROWS, CERTAIN)
    assert header == "bits per byte                           all   95% interval   without near-duplicates"
    assert rows == [
        "uniform                               8.000   8.000-8.000                      8.100",
        "gzip                                  2.500                                    2.600",
        ">>> the model                         2.000   2.000-2.000                      2.000",
        "xz, knowing the training text         1.500                                    1.700",
    ]
    assert last == "3 documents; 0 of them have a near-duplicate in the training text"


@pytest.mark.parametrize(("bits", "place"), [(9.0, 0), (3.0, 1), (2.0, 2), (1.0, 3)])
def test_the_model_stands_where_it_belongs(bits, place):
    _, *rows, _ = table(ROWS, figures([bits] * 3, [0, 0, 0]))
    assert [row.startswith(MODEL_NAME) for row in rows].index(True) == place


def test_the_table_where_all_are_near_duplicates():
    rows = [Baseline("gzip", 2.5, None), Baseline("uniform", 8.0, None, score_of_bits([8.0, 8.0]))]
    lines = list(table(rows, figures([2.0, 2.0], [1, 1])))
    assert len({len(line) for line in lines[:-1]}) == 1
    assert all(line.endswith(" -") for line in lines[1:-1])


# A run, in memory

BYTES = Tokenizer([])
TEXTS = {
    "train": ["fever and cough and rash", "pain in the left arm", "one more text"],
    "validation": ["fever and cough and rash.", "nothing like the others", "pain in the left leg"],
    "test": ["a rash"],
}


@pytest.fixture
def run():
    files = {split: token_file(texts, BYTES.encode, BYTES.end_of_text) for split, texts in TEXTS.items()}
    config = {"corpus": {"splits": {"train": {"bytes": files["train"].n_bytes}}}}
    return SimpleNamespace(tokens=lambda: files, tokenizer=lambda: BYTES, config=config)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return TinyGPT(ModelConfig(vocab_size=257, context_length=16, d_model=8, n_heads=2, n_layers=1))


def test_measuring_finds_the_near_duplicates(run, model):
    # Of the trigrams of the third, "pain in the" and "in the left" are shared, 2 of 4; of the first all.
    found = measure(run, model)
    assert found.near_duplicate.tolist() == [True, False, True] and found.n_left_out == 0
    assert found.score.bytes.tolist() == [len(text) for text in TEXTS["validation"]]
    assert found.score.nats_per_token == pytest.approx(math.log(257), rel=0.05)  # the model knows nothing
    assert found.fresh_bits_per_byte == found.score.of([1]).bits_per_byte


def test_measuring_a_sample_only(run, model):
    found = measure(run, model, max_tokens=60)
    assert found.near_duplicate.tolist() == [True, False] and found.n_left_out == 1
    assert found.score.bytes.tolist() == [len(text) for text in TEXTS["validation"][:2]]


def test_near_duplicates_are_looked_for_in_the_beginning_of_a_long_text(run, model, monkeypatch):
    monkeypatch.setattr("tinygpt.report.SEARCHED_BYTES", 24)  # the first of the training texts
    assert measure(run, model).near_duplicate.tolist() == [True, False, False]


def test_measuring_other_splits(run, model):
    assert measure(run, model, "test").near_duplicate.tolist() == [False]
    assert measure(run, model, "train").near_duplicate.tolist() == [False] * 3  # each is its own, which says nothing
    with pytest.raises(InputError, match="split='dev' is unknown; choose one of train, validation, test"):
        measure(run, model, "dev")


def test_baselines_are_measured_on_the_same_documents(run, model):
    found = measure(run, model, max_tokens=60)
    assert len(found.near_duplicate) == 2
    rows = measure_baselines(run, found, max_tokens=60)
    for row in rows[:5]:
        assert row.score.bytes.tolist() == found.score.bytes.tolist()
    assert rows[0].name == "uniform"
    assert rows[0].bits_per_byte == pytest.approx(math.log2(257) * (48 + 2) / 48)  # each of the two has its end
    assert rows[0].fresh == pytest.approx(math.log2(257) * (23 + 1) / 23)  # of the second, which is no near-duplicate
    lines = list(table(rows, found))
    assert len(lines) == 1 + len(rows) + 1 + 3 and lines[-1].startswith("1 further documents were left out")


def test_baselines_are_those_of_the_split(run, model):
    rows = measure_baselines(run, measure(run, model, "test"), "test")
    assert rows[0].score.bytes.tolist() == [len(text) for text in TEXTS["test"]]


def test_of_a_long_training_text_the_baselines_see_the_beginning(run, model, monkeypatch):
    found = measure(run, model)
    whole = measure_baselines(run, found)
    monkeypatch.setattr("tinygpt.report.BASELINE_BYTES", 24)  # the first of the training texts
    cut = measure_baselines(run, found)
    monkeypatch.undo()
    files = run.tokens()
    files["train"] = files["train"].first(1)
    expected, prices = measure_baselines(run, found), lambda rows: [row.bits_per_byte for row in rows]
    assert prices(cut) == prices(expected) != prices(whole)


def test_what_saw_less_than_the_model_says_so(run, monkeypatch):
    assert list(limits(run)) == []
    n_bytes = run.tokens()["train"].n_bytes
    for name in ("BASELINE_BYTES", "SEARCHED_BYTES"):
        monkeypatch.setattr(f"tinygpt.report.{name}", n_bytes)
    assert list(limits(run)) == []
    for name in ("BASELINE_BYTES", "SEARCHED_BYTES"):
        monkeypatch.setattr(f"tinygpt.report.{name}", n_bytes - 1)
    baselines, near = limits(run)
    assert baselines.startswith("the baselines have seen the first ") and baselines.endswith(" of 5.7e-05 MB")
    assert near.startswith("near-duplicates were looked for in the first ") and list(limits(run, False)) == [near]


@pytest.mark.parametrize(("max_bytes", "n"), [(1, 1), (24, 1), (43, 1), (44, 2), (56, 2), (57, 3), (10**9, 3)])
def test_the_beginning_fits_and_is_not_empty(run, max_bytes, n):
    tokens = run.tokens()["train"]  # of 24, 20 and 13 bytes
    first = beginning(tokens, max_bytes)
    assert list(first.texts(BYTES)) == TEXTS["train"][:n]
