"""A training run to watch: what is drawn while it goes on, what stays, and when it trains."""

import base64
import math
import re
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from filelock import FileLock

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
    assert all("<progress" in page and "tokens/s" in page for page in first.pages[:-1])
    assert all("estimating the time left" in page and "0:00 left" not in page for page in first.pages[:-1])
    assert "<progress" not in first.pages[-1] and 'alt="Bits per byte' in first.pages[-1]
    assert f"{read_log(run.folder)[-1].bits_per_byte:.3f} bits per byte" in first.pages[-1]
    made = (run.folder / "model.safetensors").stat().st_mtime_ns
    assert "This happens once." in capsys.readouterr().out

    assert live.watch_training().folder == run.folder
    assert len(places[1].pages) == 1 and after(places[1].pages[0]) == after(first.pages[-1])
    assert (run.folder / "model.safetensors").stat().st_mtime_ns == made

    again = live.watch_training(again=True)
    assert again.folder == run.folder and len(places[2].pages) == 4
    assert (run.folder / "model.safetensors").stat().st_mtime_ns != made
    assert "once" not in capsys.readouterr().out


def after(page):
    return page.partition("<div>")[2]


@pytest.mark.usefixtures("small_course")
def test_the_picture_that_stays_keeps_what_was_watched(places, monkeypatch):
    drawn = []
    curves = live.curves
    monkeypatch.setattr(live, "curves", lambda *of: drawn.append(of) or curves(*of))
    live.watch_training()
    assert list(drawn[-1][0]) == [1, 2, 3] and drawn[-1][2] == 3
    live.watch_training()
    assert drawn[-1][0] == {}  # the log of three steps says nothing of their prices

    half = live.LiveRun()
    half.training = {2: 5.0, 3: 4.0}  # it went on from step 1
    monkeypatch.setattr(live, "from_log", lambda rows, tokens: ({0.5: 9.0, 2.5: 8.0}, {0: 9.0, 3: 4.0}))
    half.finish(live.load_or_train())
    assert drawn[-1][0] == {0.5: 9.0, 2: 5.0, 3: 4.0}


def test_the_picture_stands_still():
    some = live.curves({1: 1.64, 40: 1.86}, {0: 3.29}, 1000)
    more = live.curves({step: 1.9 - step / 2000 for step in range(1, 1001)}, {0: 3.29, 500: 1.5, 1000: 1.24}, 1000)
    sizes = {picture.png()[16:24] for picture in (some, more)}  # width and height in a PNG's header
    limits = {(*axes.get_xlim(), *axes.get_ylim()) for axes in (p.figure.axes[0] for p in (some, more))}
    assert len(sizes) == 1 and limits == {(0, 1020, live.LOW, live.HIGH)}
    assert live.curves({1: 4.0}, {0: 5.0}, 3).figure.axes[0].get_ylim() == (live.LOW, 4.0)
    assert base64.b64encode(more.png()).decode() in more._repr_html_()


def test_the_recorded_figures_are_those_of_the_readme():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert re.search(r"60 s on two cores\*\* \(776 steps\) \| \*\*1\.276\*\*", readme) and "1.110 |" in readme
    assert live.RECORDED == {"60 s, 776 steps": 1.276, "300 s": 1.110}


@pytest.mark.usefixtures("small_course")
def test_who_has_to_wait_for_another_is_told(monkeypatch, capsys):
    folder = lesson_model.load_or_train(show_progress=False).folder
    monkeypatch.setattr(lesson_model, "PATIENCE_S", 0.05)
    capsys.readouterr()
    with FileLock(folder.with_suffix(".lock")):
        waiting = threading.Thread(target=lesson_model.load_or_train, daemon=True)
        waiting.start()
        waiting.join(1.0)
        assert waiting.is_alive()
    waiting.join(60)
    assert not waiting.is_alive() and "Another notebook is training this model" in capsys.readouterr().out


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
