"""Files that something went wrong with, or that a stranger made: read as they were, or refused in one line.

Every kind of damage is done to every file that we read: once in the short form, 20 times in the long one. No reading
may raise anything but an InputError, unpickle, execute, start or connect to anything, take 128 MiB more, or hang.
"""

import gzip
import hashlib
import json
import pickle
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from damage import DAMAGE, MEMORY

from tinygpt.checkpoint import CONFIG, LAST, METRICS, MODEL, open_run
from tinygpt.config import InputError
from tinygpt.corpora import SPLITS, entrez
from tinygpt.course import records, speedrun_board
from tinygpt.course.scoreboard import NAME as BOARD
from tinygpt.course.scoreboard import read as read_board
from tinygpt.distributed import ALONE
from tinygpt.logs import NAME as LOG
from tinygpt.logs import read_log
from tinygpt.report import measure
from tinygpt.share.architectures import architecture_of
from tinygpt.share.huggingface import export_huggingface, from_huggingface
from tinygpt.share.model_card import model_card
from tinygpt.share.page import facts
from tinygpt.storage import write_json
from tinygpt.trainer import NUMBERS, Trainer, TrainingDiverged
from tinygpt.training import is_done, train
from tinygpt.training_job import reopen

resource = pytest.importorskip("resource", reason="this system can't bound a process's memory")

LONG = 20  # times the short form: more than 10,000 files
LINUX = sys.platform.startswith("linux")
SECONDS = 120  # within which a reading ends, however busy the machine
FORBIDDEN = ("pickle.", "exec", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.", "socket.connect")

# What reads the files: its outcome is compared with that of the undamaged ones


def read_run(folder):
    """What generate, evaluate, export and train --resume read."""
    run = open_run(folder)
    model, tokens, tokenizer = run.model(), run.tokens(), run.tokenizer()
    reopen(SimpleNamespace(command="train", out=folder, resume=True, device="cpu", force=False), ALONE)
    trainer = Trainer(run.model_config, run.train_config, tokens)
    trainer.restore(run)
    states = [optimizer.state[p] for _, optimizer, p in trainer.optimized()]
    return (
        repr((run.config, tokenizer.digest, is_done(run), read_log(folder))),
        model_card(run, model, architecture_of(model)),
        list(facts(run, model, "float16")),
        {split: [list(t.texts(tokenizer)), t.ids.tobytes(), t.document_bytes.tobytes()] for split, t in tokens.items()},
        [bits(tensors) for tensors in (model.state_dict(), trainer.model.state_dict(), *states)],
        [getattr(trainer, name) for name in NUMBERS],
    )


def read_and_train(folder):
    """What a run holds, and the loss of one step more."""
    outcome, run = read_run(folder), open_run(folder)
    trainer = Trainer(run.model_config, run.train_config, run.tokens())
    trainer.restore(run)
    return *outcome, trainer.train_step()


def bits(tensors):
    return {name: (t.dtype, t.shape, t.reshape(-1).view(torch.uint8).numpy().tobytes()) for name, t in tensors.items()}


def read_export(folder):
    model, tokenizer = from_huggingface(folder)
    return model.config, bits(model.state_dict()), tokenizer.digest


def read_scoreboard(folder):
    return sorted((row["bits_per_byte"], name, row.get("lesson", "") <= "05") for name, row in read_board().items())


def read_speedrun(folder):
    return [(entry, entry.mean, entry.spread) for entry in speedrun_board.board(path=folder / speedrun_board.NAME)]


def read_pubmed(folder):
    corpus = entrez.corpus("fever")
    return list(corpus.documents()), corpus.about


# What they are of: two of each kind, as a file may come from another run


def write_boards(folder, number):
    lesson, value = f"0{number}", 1.5 + number / 10
    rows = {name: {"bits_per_byte": value, "lesson": lesson} for name in ("gzip", f"our model {number}")}
    entry = speedrun_board.Entry("mine", "hpo", "sprint", value, 2, "x86_64", (0, 1), 80, (value, 1.9), {"d_model": 64})
    write_json(folder / "progress.json", {"causal_mask": {"lesson": lesson, "status": "passed"}})
    write_json(folder / BOARD, rows)
    (folder / speedrun_board.NAME).write_text(2 * (json.dumps(asdict(entry)) + "\n"))


def write_cache(folder, number):
    """What a query to PubMed leaves in the cache, without asking PubMed."""
    article = f"<Abstract><AbstractText>Fever {number} was seen in many of these patients.</AbstractText></Abstract>"
    citation = f"<MedlineCitation><PMID>{number}</PMID><Article>{article}</Article></MedlineCitation>"
    xml = f"<PubmedArticleSet><PubmedArticle>{citation}</PubmedArticle></PubmedArticleSet>"
    hits = {"query": "fever", "date": f"2026-01-0{number}", "count": 1, "batches": [[str(number)]]}
    write_json(folder / CACHED[0], hits)
    (folder / CACHED[1]).write_bytes(gzip.compress(xml.encode(), mtime=0))


QUERY = f"pubmed/{hashlib.sha256(b'fever').hexdigest()[:16]}"
CACHED = [f"{QUERY}/search.json", f"{QUERY}/batch_0001.xml.gz"]
SIGNED = ["tokenizer/vocab.json", "tokenizer/merges.txt", "tokens/tokens.json", MODEL, LAST]
SIGNED += [f"tokens/{split}.{ending}" for split in SPLITS for ending in ("ids", "documents")]
EXPORT = ["config.json", "tokenizer.json", "model.safetensors"]
KINDS = {
    "run": (read_run, [CONFIG, *SIGNED, LOG, METRICS]),
    "signed": (read_and_train, SIGNED),  # by a stranger: config.json vouches for what is there now
    "gpt2": (read_export, EXPORT),
    "modern": (read_export, EXPORT),
    "progress": (lambda folder: records.of_file(folder / "progress.json"), ["progress.json"]),
    "scoreboard": (read_scoreboard, [BOARD]),
    "speedrun": (read_speedrun, [speedrun_board.NAME]),
    "pubmed": (read_pubmed, CACHED),
}


@pytest.fixture(scope="module")
def originals(make_run, tmp_path_factory):
    """originals[kind]: a folder, and another of the same kind."""
    root = tmp_path_factory.mktemp("originals")
    found = {}
    for preset in ("gpt2", "modern"):
        pair = found[f"run {preset}"] = [root / preset / str(number) for number in (1, 2)]
        for folder, seed in zip(pair, (5, 6), strict=True):
            run = make_run(folder, preset, steps=4, seed=seed)
            assert train(run)
            write_json(folder / METRICS, {"validation": measure(run, run.model()).as_json()})
        found[preset] = [root / f"{preset}-{number}" for number in (1, 2)]
        for folder, export in zip(pair, found[preset], strict=True):
            export_huggingface(folder, export)
    found["run"] = found["signed"] = found["run modern"]
    for kind, write in {"boards": write_boards, "pubmed": write_cache}.items():
        found[kind] = [root / f"{kind}-{number}" for number in (1, 2)]
        for number, folder in enumerate(found[kind], 1):
            (folder / QUERY).mkdir(parents=True)
            write(folder, number)
    return found | dict.fromkeys(("progress", "scoreboard", "speedrun"), found["boards"])


# What no reading may do

watched = []  # while somebody reads: what must not happen


def watch(event, arguments):
    if watched and event.startswith(FORBIDDEN):
        watched.append(event)


sys.addaudithook(watch)  # for ever: Python has no way to take one off


class Hangs(BaseException):
    """Nothing catches it by mistake."""


def hangs(*_):
    raise Hangs


@contextmanager
def bounded():
    """128 MiB more of the system's memory than now, two minutes, and none of what is forbidden."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize() if LINUX else 2**33
    watched[:] = ["from here on"]
    signal.signal(signal.SIGALRM, hangs)
    signal.alarm(SECONDS)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, before[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
        signal.alarm(0)
        happened, watched[:] = watched[1:], []
    assert not happened


def outcome_of(read, folder):
    """What a reading gives, or the one line in which it is refused."""
    with bounded():
        try:
            return read(folder)
        except (InputError, TrainingDiverged) as error:
            assert "\n" not in str(error) and len(str(error)) < 1000
            return f"refused: {error}"


ROUNDS = [1, pytest.param(LONG, marks=pytest.mark.slow)]


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("kind, name", [(kind, name) for kind, (_, names) in KINDS.items() for name in names])
def test_a_damaged_file_is_refused_or_read_as_it_was(originals, tmp_path, monkeypatch, kind, name, rounds):
    read = KINDS[kind][0]
    folder = shutil.copytree(originals[kind][0], tmp_path / "home" / "runs")
    path, other = folder / name, (originals[kind][1] / name).read_bytes()
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    monkeypatch.setenv("TINYGPT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TINYGPT_CACHE", str(folder))
    monkeypatch.delenv("NCBI_EMAIL", raising=False)  # nobody asks PubMed
    content, config = path.read_bytes(), (folder / CONFIG).read_bytes() if kind == "signed" else b""
    original, tally = read(folder), Counter()
    for damage in DAMAGE * rounds:
        path.unlink(missing_ok=True)
        chance = random.Random(f"{kind} {name} {damage.__name__} {tally.total()}")
        damage(path, content, chance, other)
        if kind == "signed":
            (folder / CONFIG).write_bytes(config)
            if path.is_file():
                open_run(folder).sign(name)
        outcome = outcome_of(read, folder)
        fate = "refused" if isinstance(outcome, str) else "equal" if outcome == original else "other"
        tally[fate] += 1
        if kind == "run" and (name in SIGNED or (damage.__name__ == "of_another_run" and name == CONFIG)):
            assert fate != "other", damage
        assert damage.__name__ != "linked_copy" or fate == "equal"
    assert not (tmp_path / "exploded").exists()
    print(f"\n{kind:10} {name:40}", *(f"{fate} {n:4}" for fate, n in sorted(tally.items())))


@pytest.mark.parametrize(
    "deed, expected",
    [
        (lambda: pickle.loads(pickle.dumps(Path)), AssertionError),
        (lambda: exec("pass"), AssertionError),
        (lambda: subprocess.run(["true"]), AssertionError),
        (lambda: bytes(64 * MEMORY), MemoryError),  # other tests leave less than that free inside the process
        (lambda: signal.raise_signal(signal.SIGALRM), Hangs),
    ],
)
def test_the_bounds_hold(deed, expected):
    with pytest.raises(expected), bounded():
        deed()
