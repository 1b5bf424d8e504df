"""A training run to watch: what is drawn while it goes on, what stays, and when it trains."""

import math
from itertools import pairwise

import pytest

from tinygpt.checkpoint import open_run
from tinygpt.course import lesson_model, live
from tinygpt.course.lesson_model import capped
from tinygpt.logs import Row, read_log
from tinygpt.training import train


class Place:
    """Where a display is redrawn; it counts how often."""

    def __init__(self, page):
        self.pages = [page.data]

    def update(self, page):
        self.pages.append(page.data)


@pytest.fixture
def places(monkeypatch):
    found = []
    monkeypatch.setattr(live, "display", lambda page, display_id: found.append(Place(page)) or found[-1])
    monkeypatch.setattr(live, "EVERY_S", 0.0)
    return found


@pytest.fixture
def small_course(monkeypatch, corpus_file, tmp_path):
    from tinygpt.corpora import open_corpus

    monkeypatch.setattr(lesson_model, "open_corpus", lambda spec: open_corpus(str(corpus_file)))
    monkeypatch.setenv("TINYGPT_HOME", str(tmp_path))
    monkeypatch.setenv("TINYGPT_QUICK", "1")
    monkeypatch.setattr(lesson_model, "QUICK_STEPS", 3)


@pytest.mark.usefixtures("small_course")
def test_the_first_time_it_trains_in_one_place_and_then_only_draws(places, capsys):
    run = live.watch_training()
    (first,) = places
    assert len(first.pages) == 4  # three steps, and the picture that stays
    assert all("<progress" in page and "tokens/s" in page and "left" in page for page in first.pages[:-1])
    assert "<progress" not in first.pages[-1] and 'alt="Bits per byte' in first.pages[-1]
    assert f"{read_log(run.folder)[-1].bits_per_byte:.3f} bits per byte" in first.pages[-1]
    made = (run.folder / "model.safetensors").stat().st_mtime_ns
    assert "This happens once." in capsys.readouterr().out

    assert live.watch_training().folder == run.folder
    assert len(places[1].pages) == 1 and places[1].pages == first.pages[-1:]
    assert (run.folder / "model.safetensors").stat().st_mtime_ns == made

    again = live.watch_training(again=True)
    assert again.folder == run.folder and len(places[2].pages) == 4
    assert (run.folder / "model.safetensors").stat().st_mtime_ns != made
    assert "once" not in capsys.readouterr().out


def test_a_step_is_told_with_its_loss(make_run, tmp_path):
    told = []
    run = make_run(tmp_path / "run", steps=4)
    assert train(run, on_step=lambda trainer, loss: told.append((trainer.step, loss)))
    assert [step for step, _ in told] == [1, 2, 3, 4] and all(math.isfinite(loss) for _, loss in told)
    rows = read_log(open_run(run.folder).folder)
    total = sum(row.train_loss * (row.step - before.step) for before, row in pairwise(rows))
    assert total == pytest.approx(sum(loss for _, loss in told))


def test_a_training_loss_belongs_to_the_middle_of_its_steps(trained):
    def row(step, loss):
        return Row(step, 0.0, 10 * step, loss, 3.0, 2.0 - step / 1000, 0.1, 100.0)

    tokens = open_run(trained).tokens()["train"]
    per_byte = len(tokens.ids) / tokens.n_bytes / math.log(2)
    training, validation = live.from_log([row(0, math.nan), row(100, 4.0), row(102, 9.0), row(200, 3.0)], tokens)
    assert training == {50: pytest.approx(4 * per_byte), 151: pytest.approx(3 * per_byte)}  # two steps say too little
    assert validation == {0: 2.0, 100: 1.9, 102: 2.0 - 0.102, 200: 1.8}


def test_steps_are_capped_for_tests_only(monkeypatch):
    monkeypatch.delenv("TINYGPT_QUICK", raising=False)
    assert capped(1000) == 1000
    monkeypatch.setenv("TINYGPT_QUICK", "1")
    assert capped(1000) == lesson_model.QUICK_STEPS and capped(2) == 2


def test_a_clock_has_minutes_and_seconds():
    assert (live.clock(75.2), live.clock(59.6), live.clock(0)) == ("1:15", "1:00", "0:00")
