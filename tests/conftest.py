"""What several tests share: a small corpus of our own, runs on it, and ways to compare and to interrupt them."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("OMP_NUM_THREADS", "1")  # ours and of what we start: models are tiny, cores not ours alone

import pytest
from hypothesis import settings
from in_browser import leave_page, start_chromium
from lesson_outputs import notebook_of, outputs

from tinygpt.checkpoint import LAST, MODEL, open_run
from tinygpt.config import END_OF_TEXT, ModelConfig, TrainConfig
from tinygpt.corpora import open_corpus
from tinygpt.logs import NAME as LOG
from tinygpt.pipeline import prepare
from tinygpt.storage import load_tensors
from tinygpt.tokenizer import Tokenizer
from tinygpt.trainer import Trainer
from tinygpt.training import train


class NotebookModes:
    """How notebooks are run: answers in strict mode, students' unsolved with little training; one home for all."""

    def __init__(self, home):
        self.home = home

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        if item.path.suffix != ".ipynb":
            return
        modes = {"solutions": {"TINYGPT_STRICT": "1"}, "notebooks": {"TINYGPT_QUICK": "1"}}[item.path.parent.name]
        for name in ("TINYGPT_STRICT", "TINYGPT_QUICK"):
            os.environ.pop(name, None)  # a kernel gets what is there when its first cell is set up
        os.environ.update(modes, TINYGPT_HOME=self.home)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item):
        if item.path.suffix == ".ipynb":
            for name in ("TINYGPT_STRICT", "TINYGPT_QUICK", "TINYGPT_HOME"):
                os.environ.pop(name, None)


def pytest_configure(config):
    home = getattr(config, "workerinput", {}).get("home")
    if home is None:
        folder = tempfile.TemporaryDirectory(prefix="tinygpt-lessons-")
        config.add_cleanup(folder.cleanup)
        home = folder.name
    config.pluginmanager.register(NotebookModes(home), "notebook modes")


def pytest_report_header():
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "tokenizers", "numpy", "safetensors"))
    return f"with {versions}, OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Workers share one home, so that the lessons' model is trained once."""
    node.workerinput["home"] = node.config.pluginmanager.get_plugin("notebook modes").home


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The lesson that trains the lessons' model comes first, so that no worker waits for it."""
    items.sort(key=lambda item: item.path.parts[-2:] != ("solutions", "02_attention.ipynb"))


settings.register_profile("tinygpt", derandomize=True, deadline=None)
settings.load_profile("tinygpt")

# A grammar: every name stands for one of its right-hand sides.
GRAMMAR = {
    "letter": ["GREETING\nNEWS WISH", "GREETING\nNEWS\nNEWS WISH", "GREETING\nWISH NEWS NEWS"],
    "greeting": ["Dear NAME", "NAME, my friend", "To NAME in PLACE"],
    "news": ["ITEM.", "ITEM and ITEM.", "Since YEAR ITEM, but ITEM."],
    "item": ["the ANIMAL of NAME sleeps in PLACE", "WEATHER over PLACE", "NAME grows PLANT", "I saw COUNT PLANT"],
    "wish": ["Come soon!", "Bring PLANT.", "Greet NAME in PLACE.", "Love, NAME 🙂"],
    "name": ["Zoë", "Ada", "Björn", "Mei", "Ίων", "Tom", "Nuria", "Olek"],
    "place": ["the valley", "our old house", "Łódź", "the village", "São Paulo", "the garden"],
    "animal": ["cat", "brown dog", "hedgehog", "goose", "tortoise"],
    "weather": ["rain falls", "it is 25 °C", "fog lies", "snow melts", "clouds drift"],
    "plant": ["beans", "roses", "tall sunflowers", "cress", "an apple tree"],
    "year": ["1987", "2004", "last spring"],
    "count": ["three", "a dozen", "17", "some"],
}
SHAPE = dict(d_model=16, n_heads=2, n_layers=1, context_length=16, dropout=0.2)
TRAINING = dict(steps=30, batch_size=4, evaluations=3, seed=5)


def write(name, rng):
    text = rng.choice(GRAMMAR[name])
    for part in sorted(GRAMMAR, key=len, reverse=True):
        while part.upper() in text:
            text = text.replace(part.upper(), write(part, rng), 1)
    return text


@pytest.fixture(scope="session")
def letters():
    """400 short documents, all different, with characters of one to four bytes and one that looks like a token."""
    rng = random.Random(0)
    found = {write("letter", rng): None for _ in range(500)}
    return [f"Somebody wrote {END_OF_TEXT} here.", *found][:400]


@pytest.fixture(scope="session")
def corpus_file(letters, tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "letters.txt"
    path.write_text("\n\n".join(letters), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tokenizer(corpus_file):
    return Tokenizer.train((d.text for d in open_corpus(str(corpus_file)).split("train")), 300)


@pytest.fixture(scope="session")
def make_run(corpus_file, tokenizer):
    """make_run(folder, steps=..., d_model=..., ...): a tiny run that is ready to be trained."""

    def make_run(folder, preset="modern", tokenizer=tokenizer, **changes):
        shape = {name: changes.pop(name) for name in [*changes] if name in ModelConfig.__annotations__}
        model = ModelConfig.preset(preset, **SHAPE | shape)
        training = TrainConfig(**TRAINING | changes)
        return prepare(folder, open_corpus(str(corpus_file)), model, training, tokenizer, say=lambda line: None)

    return make_run


@pytest.fixture(scope="session")
def _trained(make_run, tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("runs") / "trained")
    assert train(run)
    return run.folder


@pytest.fixture
def trained(_trained, tmp_path):
    """A copy of a trained run's folder, to be damaged at will."""
    return shutil.copytree(_trained, tmp_path / "trained")


@pytest.fixture(scope="session")
def outcome():
    """outcome(folder): all that two equal trainings have in common: log but for the speed, best and last state."""

    def outcome(folder):
        rows = [line.split("\t")[:-1] for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]
        last, numbers = load_tensors(folder / LAST)
        numbers = {name: value for name, value in numbers.items() if name != "seconds"}
        last = {name: (tensor.dtype, tensor.shape, tensor.numpy().tobytes()) for name, tensor in last.items()}
        epochs = {path.name: path.read_bytes() for path in sorted(folder.glob("checkpoints/epoch_*"))}
        return rows, (folder / MODEL).read_bytes(), last, numbers, epochs

    return outcome


@pytest.fixture(scope="session")
def snapshot():
    """snapshot(folder): every file and folder in it, with content and time of change."""

    def snapshot(folder):
        paths = sorted(folder.rglob("*"))
        return {p: (p.stat().st_mtime_ns, p.read_bytes()) if p.is_file() else None for p in paths}

    return snapshot


@pytest.fixture
def after_step(monkeypatch):
    """after_step(n, act): let `act` happen as soon as the n-th step of a training has been taken, once."""

    def after_step(n, act):
        take, due = Trainer.train_step, [n]

        def train_step(trainer):
            loss = take(trainer)
            if trainer.step in due:
                due.clear()
                act()
            return loss

        monkeypatch.setattr(Trainer, "train_step", train_step)

    return after_step


@pytest.fixture
def interrupt_after(after_step):
    """interrupt_after(n): press Ctrl-C while the n-th step is being taken."""
    return lambda n: after_step(n, lambda: signal.raise_signal(signal.SIGINT))


@pytest.fixture
def reopened():
    """reopened(folder): train the rest of a run as a new process would, from what is on disk."""
    return lambda folder: train(open_run(folder), resume=True)


@pytest.fixture(scope="session")
def faulty():
    """faulty(*children): the answer of tests/faults.py, whose children meet faults."""
    if sys.platform != "linux":
        pytest.skip("fork, kill -9 and /proc are not for this system")
    command = [sys.executable, Path(__file__).with_name("faults.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:

        def faulty(*children):
            server.stdin.write(json.dumps(children) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            return SimpleNamespace(**answer | {"children": [SimpleNamespace(**c) for c in answer["children"]]})

        yield faulty
        server.stdin.close()


@pytest.fixture(scope="module")
def notebook(request):
    """The source of the lesson that a module test_lesson_NN.py is about."""
    return notebook_of(request.module.__name__.rpartition("_")[2])


@pytest.fixture(scope="module")
def printed(notebook):
    """All that the lesson's cells have printed."""
    return "".join(output.get("text", "") for output in outputs(notebook))


@pytest.fixture(scope="module")
def pictures(notebook):
    """The words that stand for the lesson's pictures."""
    pages = [output.get("data", {}).get("text/html", "") for output in outputs(notebook)]
    return re.findall(r'<img alt="([^"]*)"', "".join(pages))


@pytest.fixture(scope="session")
def chromium():
    browser = start_chromium() or pytest.skip("needs Debian's chromium and chromium-driver")
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def browser(chromium):
    """A browser with an empty page and nothing kept of other files' pages, whose servers may have ended."""
    leave_page(chromium)
    yield chromium
    leave_page(chromium)
