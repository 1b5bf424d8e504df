"""Training: from the first step to the last, stopped, resumed, diverged."""

import math
import os
import random
import signal
import threading
from fractions import Fraction
from types import SimpleNamespace

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tinygpt.checkpoint import LAST, MODEL, open_run
from tinygpt.config import InputError, TrainConfig
from tinygpt.evaluation import evaluate
from tinygpt.logs import COLUMNS, HEADER, Log, Row, read_log
from tinygpt.logs import NAME as LOG
from tinygpt.storage import file_digest, load_tensors
from tinygpt.trainer import Trainer, TrainingDiverged, steps_for_minutes
from tinygpt.training import is_done, stops, train

# Where training stops to look up


def stops_at(windows, batch_size=1, **settings):
    batches = SimpleNamespace(windows_per_epoch=windows, batch_size=batch_size, steps_per_epoch=windows / batch_size)
    return stops(TrainConfig(batch_size=batch_size, **settings), batches)


def test_stops_by_hand():
    assert stops_at(100, steps=250, evaluations=2) == ({100: 1, 200: 2}, {125, 250})
    assert stops_at(90, batch_size=4, steps=68, evaluations=1) == ({23: 1, 45: 2, 68: 3}, {68})  # 22.5 steps an epoch
    assert stops_at(100, steps=99, evaluations=3) == ({}, {33, 66, 99})
    assert stops_at(19, steps=38, evaluations=1) == ({}, {38})  # so short an epoch has no row of its own
    assert stops_at(19, steps=38, evaluations=1, keep_epochs=True) == ({19: 1, 38: 2}, {38})
    assert stops_at(3, batch_size=6, steps=2, evaluations=1, keep_epochs=True) == ({1: 2, 2: 4}, {2})


@given(st.integers(1, 500), st.integers(1, 40), st.integers(1, 400))
@example(windows=7, batch_size=3, steps=35)  # 35 / (7 / 3) is a little below 15
@example(windows=7, batch_size=3, steps=63)  # 27 * (7 / 3) is a little above 63
def test_an_epoch_ends_with_the_step_that_shows_its_last_window(windows, batch_size, steps):
    ends, evaluations = stops_at(windows, batch_size, steps=steps, keep_epochs=True)
    seen = {step: Fraction(step * batch_size, windows) for step in range(steps + 1)}  # epochs
    assert ends == {step: int(seen[step]) for step in range(1, steps + 1) if int(seen[step]) > int(seen[step - 1])}
    assert max(evaluations) == steps


# Equal seeds, equal bits


def test_the_same_seed_gives_the_same_bits(make_run, tmp_path, outcome):
    for name, seed in {"one": 5, "two": 5, "three": 6}.items():
        torch.manual_seed(random.randrange(2**40))  # what the caller did before does not matter
        assert train(make_run(tmp_path / name, seed=seed))
    assert outcome(tmp_path / "one") == outcome(tmp_path / "two")
    assert outcome(tmp_path / "one")[1] != outcome(tmp_path / "three")[1]


def test_the_global_random_state_is_put_back(make_run, tmp_path):
    run = make_run(tmp_path / "run")
    state = torch.get_rng_state()
    train(run)
    assert torch.equal(torch.get_rng_state(), state)


def test_evaluating_more_often_changes_nothing_but_the_log(make_run, tmp_path):
    for name, evaluations in {"often": 30, "once": 1}.items():
        train(make_run(tmp_path / name, evaluations=evaluations))
    often, once = (load_tensors(tmp_path / name / LAST)[0] for name in ("often", "once"))
    assert all(torch.equal(often[name], once[name]) for name in once)


# Interrupted and resumed

RECIPES = {
    "muon": {},
    "adamw": {"optimizer": "adamw", "preset": "gpt2"},
    "epochs": {"keep_epochs": True, "batch_size": 160, "steps": 27},  # about 11 steps an epoch
}


@pytest.fixture(scope="module")
def uninterrupted(make_run, tmp_path_factory, outcome):
    found = {}

    def uninterrupted(recipe):
        if recipe not in found:
            run = make_run(tmp_path_factory.mktemp("uninterrupted") / recipe, **RECIPES[recipe])
            assert train(run)
            found[recipe] = outcome(run.folder)
        return found[recipe]

    return uninterrupted


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("step", [1, 7, 10, 13, 26])  # the muon recipe evaluates after 10, 20 and 30 steps
def test_an_interrupted_run_goes_on_to_the_last_bit(
    make_run, tmp_path, recipe, step, interrupt_after, reopened, outcome, uninterrupted, capsys
):
    run = make_run(tmp_path / "run", **RECIPES[recipe])
    interrupt_after(step)
    assert not train(run)
    assert "finishing this step, then saving" in capsys.readouterr().err
    assert load_tensors(run.folder / LAST)[1]["step"] == str(step) and not is_done(run)
    assert reopened(run.folder)
    assert outcome(run.folder) == uninterrupted(recipe)
    assert is_done(open_run(run.folder))


@pytest.mark.parametrize("recipe", ["muon", "epochs"])
def test_so_does_one_that_is_interrupted_again_and_again(
    make_run, tmp_path, recipe, interrupt_after, reopened, outcome, uninterrupted
):
    run = make_run(tmp_path / "run", **RECIPES[recipe])
    interrupt_after(2)
    train(run)
    for step in (3, 11, 20, 26):
        interrupt_after(step)
        assert not reopened(run.folder)
    assert reopened(run.folder)
    assert outcome(run.folder) == uninterrupted(recipe)


@pytest.mark.parametrize("step", [1, 9, 10, 19])
def test_after_a_crash_it_goes_on_from_the_last_checkpoint(
    make_run, tmp_path, step, after_step, reopened, outcome, uninterrupted
):
    def crash():
        raise ZeroDivisionError

    run = make_run(tmp_path / "run")
    after_step(step, crash)
    with pytest.raises(ZeroDivisionError):
        train(run)
    assert load_tensors(run.folder / LAST)[1]["step"] == ("10" if step > 10 else "0")
    assert reopened(run.folder)
    assert outcome(run.folder) == uninterrupted("muon")


def test_a_second_ctrl_c_stops_at_once_and_the_handler_is_put_back(make_run, tmp_path, after_step):
    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    run = make_run(tmp_path / "run")
    after_step(5, twice)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a program; pytest's workers ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            train(run)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert load_tensors(run.folder / LAST)[1]["step"] == "0"


def test_training_works_in_a_thread_too(make_run, tmp_path):
    done = []
    run = make_run(tmp_path / "run", steps=3)
    thread = threading.Thread(target=lambda: done.append(train(run)))
    thread.start()
    thread.join()
    assert done == [True]


def test_a_run_that_is_done_stays_as_it_is(trained, reopened, snapshot):
    before = snapshot(trained)
    assert reopened(trained)
    assert snapshot(trained) == before


def test_what_a_kill_left_half_written_is_cleared_away(make_run, tmp_path, interrupt_after, reopened):
    run = make_run(tmp_path / "run")
    interrupt_after(5)
    train(run)
    half = (run.folder / LAST).with_name(f".{os.path.basename(LAST)}.4711.unfinished")
    half.write_bytes(b"half")
    (run.folder / ".note").write_text("mine")
    reopened(run.folder)
    assert not half.exists() and (run.folder / ".note").exists()


def test_a_line_that_a_full_disk_cut_off_is_forgotten(
    make_run, tmp_path, interrupt_after, reopened, outcome, uninterrupted
):
    run = make_run(tmp_path / "run")
    interrupt_after(15)
    train(run)
    with (run.folder / LOG).open("a") as log:
        log.write("20\t0.1")
    reopened(run.folder)
    assert outcome(run.folder) == uninterrupted("muon")


# What a run leaves


FASTER_AND_FASTER = dict(warmup=1.0, decay=0.0, lr=1.0, embedding_lr=1.0, head_lr=1.0, matrix_lr=1.0)


def test_the_best_weights_are_kept_and_the_last(make_run, tmp_path):
    run = make_run(tmp_path / "run", steps=60, evaluations=20, **FASTER_AND_FASTER)
    train(run)
    rows = read_log(run.folder)
    best = min(rows, key=lambda row: row.bits_per_byte)
    assert 0 < best.step < 60
    score = evaluate(run.model(), run.tokens()["validation"])
    assert score.bits_per_byte == best.bits_per_byte and score.nats_per_token == best.validation_loss
    assert load_tensors(run.folder / MODEL)[1]["step"] == str(best.step)
    assert load_tensors(run.folder / LAST)[1]["step"] == "60"
    assert open_run(run.folder).config["digests"][MODEL] == file_digest(run.folder / MODEL)


def test_a_model_learns(trained):
    first, *_, last = read_log(trained)
    assert first.validation_loss == pytest.approx(math.log(300), rel=0.02)  # uniform over the vocabulary
    assert last.validation_loss < first.validation_loss - 1


def test_the_log_by_hand(trained):
    lines = (trained / LOG).read_text(encoding="utf-8").splitlines()
    columns = "step epoch tokens train_loss validation_loss bits_per_byte lr tokens_per_s"
    assert lines[0] == HEADER == columns.replace(" ", "\t") and list(COLUMNS) == columns.split()
    table = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    assert [row["step"] for row in table] == ["0", "10", "20", "30"]
    assert [row["tokens"] for row in table] == ["0", "640", "1280", "1920"]  # 4 windows of 16 a step
    run = open_run(trained)
    tokens = run.tokens()
    windows = (len(tokens["train"].ids) - 1) // 16
    bytes_per_token = tokens["validation"].n_bytes / (len(tokens["validation"].ids) - 1)
    assert (table[0]["train_loss"], table[0]["tokens_per_s"]) == ("nan", "nan")
    for row in table:
        row = {name: float(value) for name, value in row.items()}
        assert row["epoch"] == row["step"] * 4 / windows
        assert row["bits_per_byte"] == pytest.approx(row["validation_loss"] / math.log(2) / bytes_per_token)
        assert row["step"] == 0 or row["tokens_per_s"] > 0
    assert float(table[3]["lr"]) < float(table[1]["lr"])


def test_the_training_loss_of_a_row_is_the_mean_since_the_last(make_run, tmp_path, monkeypatch):
    losses, take = [], Trainer.train_step
    monkeypatch.setattr(Trainer, "train_step", lambda self: losses.append(take(self)) or losses[-1])
    run = make_run(tmp_path / "run")
    train(run)
    rows = read_log(run.folder)[1:]
    assert [row.train_loss for row in rows] == [sum(losses[i : i + 10]) / 10 for i in (0, 10, 20)]


def test_every_epoch_leaves_its_weights_when_asked(make_run, tmp_path):
    run = make_run(tmp_path / "run", **RECIPES["epochs"])
    seen = []
    train(run, on_row=seen.append)
    files = sorted((run.folder / "checkpoints").glob("*.safetensors"))
    assert [path.name for path in files] == ["epoch_0001.safetensors", "epoch_0002.safetensors"]
    first, second = (load_tensors(path)[0] for path in files)
    assert first.keys() == load_tensors(run.folder / MODEL)[0].keys()
    assert not torch.equal(first["head.weight"], second["head.weight"])
    spe = run.tokens()["train"].ids.size // 16 / 160
    assert {math.ceil(spe), math.ceil(2 * spe)} <= {row.step for row in seen}
    assert list(map(str, seen)) == list(map(str, read_log(run.folder)))


def test_without_being_asked_no_epoch_is_kept(make_run, tmp_path):
    run = make_run(tmp_path / "run", batch_size=80, steps=25)
    train(run)
    assert int(read_log(run.folder)[-2].epoch) == 1  # it has a row of its own
    assert not list(run.folder.glob("checkpoints/epoch*"))


def board_of(folder):
    board = EventAccumulator(str(folder / "logs"))
    board.Reload()
    return {tag: [(event.step, event.value) for event in board.Scalars(tag)] for tag in board.Tags()["scalars"]}


@pytest.mark.parametrize("step", [None, 15], ids=["in one go", "resumed"])
def test_tensorboard_reads_the_same_numbers(make_run, tmp_path, step, interrupt_after, reopened):
    run = make_run(tmp_path / "run")
    if step:
        interrupt_after(step)
        train(run)
    reopened(run.folder) if step else train(run)
    rows, board = read_log(run.folder), board_of(run.folder)
    for name in ("train_loss", "validation_loss", "bits_per_byte", "lr", "tokens_per_s"):
        expected = [(row.step, getattr(row, name)) for row in rows if math.isfinite(getattr(row, name))]
        assert [step for step, _ in board[name]] == [step for step, _ in expected]
        assert [value for _, value in board[name]] == pytest.approx([value for _, value in expected], rel=1e-6)


def test_tensorboard_forgets_what_came_after_the_checkpoint(make_run, tmp_path):
    run = make_run(tmp_path / "run")
    (run.folder / "logs").mkdir()
    rows = [Row(step, 0.1, 9, 1.0, 1.0 + step, 1.0, 0.1, 9.0) for step in (0, 10, 20)]
    with Log(run.folder) as log:
        for row in rows:
            log.write(row)
    with Log(run.folder, after_step=10) as log:
        assert read_log(run.folder) == rows[:2]
        log.write(Row(20, 0.1, 9, 1.0, 7.0, 1.0, 0.1, 9.0))
    assert board_of(run.folder)["validation_loss"] == [(0, 1.0), (10, 11.0), (20, 7.0)]


def test_tensorboard_is_not_needed(make_run, tmp_path, monkeypatch, outcome, uninterrupted):
    monkeypatch.setattr("tinygpt.logs.find_spec", lambda name: None)
    run = make_run(tmp_path / "run")
    train(run)
    assert os.listdir(run.folder / "logs") == ["train_loss.txt"]
    assert outcome(run.folder) == uninterrupted("muon")


@given(st.builds(Row, **{name: st.from_type(kind) for name, kind in COLUMNS.items()}))
def test_a_row_comes_back_from_its_line(row):
    values = [kind(text) for kind, text in zip(COLUMNS.values(), str(row).split("\t"), strict=True)]
    assert repr(Row(*values)) == repr(row)


@pytest.mark.parametrize("text", [b"", b"step\n", b"\xff\n", HEADER.encode() + b"\n1\t2\n", HEADER.encode()[:9]])
def test_a_damaged_log_is_one_line(trained, text):
    (trained / LOG).write_bytes(text)
    with pytest.raises(InputError, match=r"train_loss.txt is damaged: it should hold the columns step, epoch"):
        read_log(trained)
    (trained / LOG).unlink()
    with pytest.raises(InputError, match=r"train_loss.txt is missing"):
        read_log(trained)


# Trouble


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_diverging_run_stops_and_keeps_the_best(make_run, tmp_path, optimizer):
    run = make_run(tmp_path / "run", optimizer=optimizer, lr=1e38, embedding_lr=1e38, matrix_lr=1e38, evaluations=30)
    state = torch.get_rng_state()
    with pytest.raises(TrainingDiverged, match=r"loss is (nan|inf) at step \d+$"):
        train(run)
    assert torch.equal(torch.get_rng_state(), state)
    rows = read_log(run.folder)
    assert all(math.isfinite(row.validation_loss) for row in rows)
    model = open_run(run.folder).model()
    assert all(weights.isfinite().all() for weights in model.parameters())
    assert evaluate(model, run.tokens()["validation"]).bits_per_byte == min(row.bits_per_byte for row in rows)
    assert all(tensor.isfinite().all() for tensor in load_tensors(run.folder / LAST)[0].values())


def test_a_loss_that_is_no_number_changes_no_weight(make_run, tmp_path):
    trainer = trainer_of(make_run(tmp_path / "run", bigram_steps=0))
    trainer.model.head.weight.data[0] = math.nan
    before = {name: weights.clone() for name, weights in trainer.model.state_dict().items()}
    with pytest.raises(TrainingDiverged, match="the loss is nan at step 1"):
        trainer.train_step()
    for name, weights in trainer.model.state_dict().items():
        assert torch.equal(weights.nan_to_num(), before[name].nan_to_num())
    with pytest.raises(TrainingDiverged, match="the validation loss is nan at step 0"):
        trainer.evaluate(trainer_tokens(tmp_path)["validation"])


def trainer_tokens(tmp_path):
    return open_run(tmp_path / "run").tokens()


def trainer_of(run):
    torch.manual_seed(0)
    return Trainer(run.model_config, run.train_config, run.tokens())


@pytest.mark.parametrize(
    ("changes", "expected"), [({}, True), ({"bigram_steps": 0}, False), ({"preset": "gpt2"}, False)]
)
def test_the_head_start_is_part_of_the_first_step_only(make_run, tmp_path, monkeypatch, changes, expected):
    counted = []
    monkeypatch.setattr("tinygpt.trainer.learn_bigrams", lambda model, ids, *_: counted.append(len(ids)))
    run = make_run(tmp_path / "run", **changes)
    trainer = trainer_of(run)
    assert not counted
    for _ in range(3):
        trainer.train_step()
    assert counted == [len(run.tokens()["train"].ids)] * expected


def test_gradients_are_clipped(make_run, tmp_path):
    moved = []
    for clip in (1.0, 1e-12):
        with torch.random.fork_rng():
            run = make_run(tmp_path / str(clip), optimizer="adamw", weight_decay=0.0, clip=clip, bigram_steps=0)
            trainer = trainer_of(run)
            before = trainer.model.head.weight.clone()
            trainer.train_step()
            moved.append((trainer.model.head.weight - before).abs().max().item())
    assert moved[0] > 100 * moved[1] > 0


def test_minutes_become_steps_by_measuring(make_run, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    take = Trainer.train_step

    def train_step(self):
        take(self)
        head_start = 1 if self.step == 1 else 0
        self.seconds = self.loss_steps * 0.01 + head_start  # a machine that takes 100 steps a second

    monkeypatch.setattr(Trainer, "train_step", train_step)
    monkeypatch.setattr("tinygpt.trainer.MEASURED_S", 0.05)
    state = torch.get_rng_state()
    arguments = run.model_config, run.train_config, run.tokens()
    assert steps_for_minutes(2, *arguments) == 11_900
    assert steps_for_minutes(1e-9, *arguments) == 1
    assert torch.equal(torch.get_rng_state(), state)
