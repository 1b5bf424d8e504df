"""Two processes, started by torchrun as a user starts them, and what one of them computes alone."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st

from tinygpt import distributed
from tinygpt.checkpoint import CONFIG, LAST, open_run
from tinygpt.cli import main
from tinygpt.config import InputError
from tinygpt.distributed import ALONE, Team, launched_team, own_device
from tinygpt.logs import NAME as LOG
from tinygpt.logs import read_log
from tinygpt.storage import load_tensors, write_json
from tinygpt.tokens import Batches, token_file
from tinygpt.training import train

# The parts of a batch


@given(st.integers(1, 40), st.integers(1, 8))
def test_every_row_of_a_batch_is_somebody_s(batch_size, size):
    parts = [Team(rank, size).rows(batch_size) for rank in range(size)]
    assert [row for part in parts for row in part] == list(range(batch_size))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1  # so from `size` rows on, each process has one


def test_the_parts_of_a_batch_are_the_batch():
    numbers = token_file(["x" * 50] * 6, lambda text: list(range(1, 51)), end_of_text=0)
    whole = Batches(numbers, 5, 8, seed=3)
    parts = [Batches(numbers, 5, 8, 3, Team(rank, 2).rows(5)) for rank in range(2)]
    for step in (0, 7, 30):
        inputs, targets = (torch.cat(pair) for pair in zip(*(part[step] for part in parts), strict=True))
        assert torch.equal(inputs, whole[step][0]) and torch.equal(targets, whole[step][1])
    assert all(part.tokens_per_step == whole.tokens_per_step for part in parts)


def test_alone_nothing_happens():
    loss, before = torch.tensor(1.5), torch.get_rng_state()
    ALONE.copy_first(None)
    ALONE.seed(0, 0)
    assert ALONE.add_up(loss, None, 1.0) is loss
    assert ALONE.any(True) and not ALONE.any(False) and ALONE.tell("there") == "there"
    assert ALONE.is_first and torch.equal(torch.get_rng_state(), before) and launched_team() is ALONE


def test_dropout_is_another_one_in_every_process_and_step():
    drawn = set()
    with torch.random.fork_rng():
        for seed, step, rank in np.ndindex(2, 3, 2):
            for _ in range(2):
                Team(rank, 2, launched=True).seed(seed, step)
                number = torch.rand(()).item()
            drawn.add(number)
        Team(1, 2, launched=True).seed(1, 2)
        assert torch.rand(()).item() == number
    assert len(drawn) == 12


def test_the_first_process_s_tensors_are_everybody_s(monkeypatch):
    def broadcast(operation, tensor, src):
        assert (operation, src) == (dist.broadcast, 0)
        tensor.fill_(7)

    monkeypatch.setattr(distributed, "collective", broadcast)
    layer = torch.nn.Linear(2, 3)
    Team(1, 2, launched=True).copy_first(layer.parameters())
    assert all((p == 7).all() and p.requires_grad for p in layer.parameters())


# The devices


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda index: None)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")


@pytest.mark.parametrize(("name", "device"), [("auto", "cuda:1"), ("cuda", "cuda:1"), ("cpu", "cpu")])
def test_every_process_has_its_own_gpu(two_gpus, name, device):
    assert own_device(name, Team(3, 4)) == torch.device(device)


@pytest.mark.parametrize(
    ("name", "device", "carriers"), [("auto", "cuda:1", "cpu:gloo,cuda:nccl"), ("cpu", "cpu", "gloo")]
)
def test_processes_are_connected_patiently_and_share_the_cores(two_gpus, monkeypatch, name, device, carriers):
    done = []
    for variable, value in {"TORCHELASTIC_RUN_ID": "1", "RANK": "3", "WORLD_SIZE": "4", "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(distributed, "n_cores", lambda: 7)
    monkeypatch.setattr(torch, "set_num_threads", lambda n: done.append(n))
    monkeypatch.setattr(dist, "init_process_group", lambda *how, timeout: done.append((*how, timeout.days)))
    monkeypatch.setattr(dist, "destroy_process_group", lambda: done.append("ended"))
    with distributed.joined(name) as found:
        assert found == (Team(3, 4, launched=True), torch.device(device))
    assert done == [3, (carriers, 30), "ended"]


def test_more_processes_than_gpus_are_refused(two_gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(InputError, match=r"3 processes need as many GPUs, this machine has 2; start 2 with --nproc"):
        own_device("auto", Team(0, 3))
    assert own_device("cpu", Team(0, 3)) == torch.device("cpu")


@pytest.mark.parametrize("name", ["mps", "cuda:1"])
def test_a_device_that_processes_can_t_share_is_refused(two_gpus, name):
    with pytest.raises(InputError, match="is not for several processes; choose auto, cpu or cuda"):
        own_device(name, Team(0, 2))


# Two processes

processes = pytest.mark.skipif(sys.platform == "win32", reason="torchrun needs a torch with libuv, signals need POSIX")
SHAPE = ["--d-model=16", "--n-heads=2", "--n-layers=1", "--context-length=16", "--vocab-size=300"]
TRAIN = ["train", *SHAPE, "--steps=30", "--evaluations=3", "--seed=5"]

# Several command lines in turn, to start processes once; where asked, something happens to one process after a step.
PROGRAM = """
import hashlib, json, os, signal, sys
import torch.distributed as dist
from tinygpt.cli import main
from tinygpt.trainer import Trainer

connect = dist.init_process_group
dist.init_process_group = lambda *words, **options: dist.is_initialized() or connect(*words, **options)
disconnect, dist.destroy_process_group = dist.destroy_process_group, lambda: None  # once only, at the end

lines, rank, step, number = json.loads(sys.argv[1])
take = Trainer.train_step

def train_step(trainer):
    loss = take(trainer)
    if (os.environ["RANK"], trainer.step) == (str(rank), step):
        os.kill(os.getpid(), number)
    if trainer.step == trainer.config.steps:
        weights = b"".join(p.detach().numpy().tobytes() for p in trainer.model.parameters())
        os.write(1, hashlib.sha256(weights).hexdigest().encode() + b"\\n")  # at once: both have the same stdout
    return loss

Trainer.train_step = train_step

def code_of(line):
    try:
        return main(line)
    except SystemExit as end:
        return end.code

code = max([code_of(line) for line in lines])
if not code:
    disconnect()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)  # without waiting for gloo's threads
"""


def torchrun(*arguments, n=2, **options):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n}"]
    options = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8") | options
    return subprocess.Popen([*launcher, *map(str, arguments)], **options)


@pytest.fixture
def together(tmp_path):
    """together([line, ...]): exit code, stdout, stderr of command lines that two processes follow in turn.

    signalled=(rank, step, signal): what one of them gets after a step.
    """
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)

    def together(lines, signalled=(None, None, None), n=2):
        process = torchrun(program, json.dumps([[list(map(str, line)) for line in lines], *signalled]), n=n)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    return together


@pytest.fixture(scope="module")
def dropout_run(corpus_file, tmp_path_factory):
    """The options of a run with dropout, and the folder where two processes trained it in one go."""
    options = ["--corpus", str(corpus_file), "--batch-size=4", "--dropout=0.2", "--precision=float32"]
    folder = tmp_path_factory.mktemp("together") / "run"
    process = torchrun("-m", "tinygpt", *TRAIN, *options, "--out", folder)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "on cpu with 2 processes in" in err and err.count("step     30") == 1 and "it/s" not in err
    return options, folder


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if "tfevents" not in path.name)


RECIPES = {
    "muon": ["--batch-size=8"],
    "uneven": ["--batch-size=5", "--bigram-steps=0"],
    "adamw": ["--batch-size=8", "--optimizer=adamw", "--preset=gpt2", "--n-heads=4"],
}


@processes
def test_two_processes_do_what_one_does(together, corpus_file, tmp_path):
    def lines(name):
        common = [*TRAIN, "--corpus", corpus_file, "--precision=float32"]
        return [[*common, *settings, "--out", tmp_path / name / recipe] for recipe, settings in RECIPES.items()]

    code, out, err = together(lines("two"))
    assert code == 0, err
    digests = out.split()
    assert len(digests) == 2 * len(RECIPES) and len(set(digests)) == len(RECIPES)  # the same weights in both
    assert [main(list(map(str, line))) for line in lines("one")] == [0] * len(RECIPES)
    for recipe in RECIPES:
        one, two = (tmp_path / name / recipe for name in ("one", "two"))
        for row, other in zip(read_log(one), read_log(two), strict=True):
            assert (row.step, row.epoch, row.tokens, row.lr) == (other.step, other.epoch, other.tokens, other.lr)
            assert row.validation_loss == pytest.approx(other.validation_loss, rel=1e-5)
            assert row.step == 0 or row.train_loss == pytest.approx(other.train_loss, rel=1e-5)
        assert files(one) == files(two)  # nobody but the first has written anything
        assert (open_run(one).n_processes, open_run(two).n_processes) == (1, 2)


@pytest.mark.parametrize("launched", [False, True])
def test_under_torchrun_a_process_ends_without_python_s_end(launched):
    """gloo's threads abort it there, now and then."""
    program = (
        "import atexit, runpy; atexit.register(print, 'the end'); runpy.run_module('tinygpt', run_name='__main__')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TORCHELASTIC_RUN_ID"}
    command = [sys.executable, "-c", program, "evaluate", "--run", "nowhere"]
    environment |= {"TORCHELASTIC_RUN_ID": "1"} if launched else {}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "" if launched else "the end\n")
    assert done.stderr.startswith("tinygpt: ") and "nowhere" in done.stderr


@pytest.fixture
def threads_of_torchrun():
    """As many threads as one process that torchrun starts: with more or fewer, sums may end in other bits."""
    before = torch.get_num_threads()
    if os.environ["OMP_NUM_THREADS"] == "1":
        torch.set_num_threads(distributed.n_cores())
    yield
    torch.set_num_threads(before)


@processes
@pytest.mark.usefixtures("threads_of_torchrun")
def test_one_process_under_torchrun_is_one_process(together, make_run, tmp_path, outcome):
    plain, launched = (make_run(tmp_path / name) for name in ("plain", "launched"))
    assert train(plain)
    code, _, err = together([["train", "--out", launched.folder, "--resume"]], n=1)
    assert code == 0, err
    assert outcome(plain.folder) == outcome(launched.folder)


@processes
def test_whatever_stops_them_resume_goes_on_to_the_last_bit(together, dropout_run, tmp_path, outcome):
    options, uninterrupted = dropout_run
    run = tmp_path / "run"
    again = ["train", "--out", run, "--resume"]

    def stopped_at(line, rank, step, number):
        code, _, err = together([line], (rank, step, number))
        assert code != 0 and "tinygpt/train" not in err  # in no traceback
        return load_tensors(run / LAST)[1]["step"], err

    step, err = stopped_at([*TRAIN, *options, "--out", run], 1, 7, signal.SIGINT)
    assert step == "7" and "Stopped and saved. Go on with: torchrun --standalone --nproc-per-node 2 -m tinygpt" in err
    for rank, after, saved in [(1, 13, "10"), (0, 24, "20")]:
        step, err = stopped_at(again, rank, after, signal.SIGKILL)
        assert step == saved and "tinygpt: another process has ended" in err and "then go on with --resume" in err
    code, _, err = together([again])
    assert code == 0 and "the last 10 of 30 steps" in err, err
    assert outcome(run) == outcome(uninterrupted)


@processes
def test_ctrl_c_in_the_terminal_stops_and_saves(dropout_run, tmp_path):
    options, _ = dropout_run
    process = torchrun("-m", "tinygpt", *TRAIN, *options, "--steps=1000000", "--out", tmp_path / "run")
    log = tmp_path / "run" / LOG
    while process.poll() is None and not (log.exists() and log.read_text(encoding="utf-8").count("\n") > 1):
        time.sleep(0.1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Stopped and saved. Go on with: torchrun --standalone --nproc-per-node 2 -m tinygpt train --out" in err
    assert err.count("finishing this step, then saving") == 1
    assert int(load_tensors(tmp_path / "run" / LAST)[1]["step"]) > 0


@processes
def test_another_number_of_processes_is_refused(together, dropout_run, make_run, tmp_path, snapshot):
    def alone(folder):
        command = [sys.executable, "-m", "tinygpt", "train", "--resume", "--out", folder]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    of_one, of_two = make_run(tmp_path / "one"), make_run(tmp_path / "two")
    write_json(of_two.folder / CONFIG, of_two.config | {"processes": 2})
    before = snapshot(of_one.folder), snapshot(of_two.folder)
    result = alone(of_two.folder)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "was begun with --nproc-per-node 2, not 1: other sums would be rounded in another way" in result.stderr
    assert "go on with: torchrun --standalone --nproc-per-node 2 -m tinygpt train --out" in result.stderr
    code, _, err = together([["train", "--resume", "--out", of_one.folder]])
    assert code != 0 and "with --nproc-per-node 1, not 2" in err and "go on with: tinygpt train --out" in err
    assert (snapshot(of_one.folder), snapshot(of_two.folder)) == before
    assert alone(dropout_run[1]).returncode == 0  # it is done: there is nothing left to round


@processes
def test_what_the_first_process_refuses_is_said_once_and_ends_both(together, corpus_file, tmp_path):
    lines = [
        ["train", "--corpus", tmp_path / "nowhere"],
        ["train", "--corpus", corpus_file, "--batch-size=1", "--out", tmp_path / "run"],
        ["train", "--steps=many"],
    ]
    code, out, err = together(lines)
    assert code != 0 and out == ""
    messages = [line for line in err.splitlines() if line.startswith("tinygpt: ")]
    expected = ["nowhere", "batch_size=1 can't be divided among 2", "invalid int"]
    assert all(words in message for words, message in zip(expected, messages, strict=True)), err
    assert os.listdir(tmp_path) == ["program.py"]
