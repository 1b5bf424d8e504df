"""The command line as its users meet it: what works, and what they get wrong, which is one line and exit code 2."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tinygpt import cli, commands
from tinygpt.checkpoint import CONFIG, LAST, MODEL, open_run
from tinygpt.cli import main
from tinygpt.corpora import open_corpus
from tinygpt.evaluation import evaluate
from tinygpt.logs import NAME as LOG
from tinygpt.logs import read_log
from tinygpt.tokenizer import Tokenizer
from tinygpt.trainer import Trainer
from tinygpt.training import train

SHAPE = ["--d-model=16", "--n-heads=2", "--n-layers=1", "--context-length=16", "--batch-size=4"]
SMALL = [*SHAPE, "--vocab-size=300"]
TINYGPT = [sys.executable, "-m", "tinygpt"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Every test starts in an empty folder of its own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def tinygpt(capfd):
    """tinygpt(*words): exit code, stdout, stderr of a command that is run in this process."""

    def tinygpt(*words):
        capfd.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:  # argparse's way
            code = end.code
        return code, *capfd.readouterr()

    return tinygpt


@pytest.fixture
def refused(tinygpt, here, snapshot):
    """refused(*words): the one line on stderr that a wrong call gets; nothing may have changed."""

    def refused(*words):
        before = snapshot(here.parent)
        code, out, err = tinygpt(*words)
        assert code == 2, (out, err)
        assert out == "" and err.startswith("tinygpt: ") and err.count("\n") == 1 and err.endswith("\n"), err
        assert snapshot(here.parent) == before
        return err

    return refused


# The whole way


@pytest.fixture(scope="module")
def finished(corpus_file, tmp_path_factory):
    """`tinygpt run` in a folder of its own, as a user starts it: the folder, and what the command said."""
    folder = tmp_path_factory.mktemp("finished")
    command = [*TINYGPT, "run", "--corpus", corpus_file, "--steps=60", *SHAPE, "--vocab-size=290"]
    command += ["--keep-epochs", "--batch-size=40"]
    return folder, subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=60)


def test_run_makes_everything(finished):
    folder, result = finished
    assert result.returncode == 0, result.stderr
    assert os.listdir(folder) == ["runs"] and os.listdir(folder / "runs") == ["default"]
    run = folder / "runs" / "default"
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    tokens = {f"tokens/{split}.{kind}" for split in ("train", "validation", "test") for kind in ("ids", "documents")}
    boards = {name for name in files if name.startswith("logs/events.out.tfevents")}
    assert len(boards) == 1
    assert files == tokens | boards | {
        *(CONFIG, MODEL, LAST, "checkpoints/epoch_0001.safetensors", LOG, "metrics.json", "samples.txt"),
        *("tokenizer/vocab.json", "tokenizer/merges.txt", "tokens/tokens.json"),
    }


def test_run_prints_a_table_and_five_samples(finished):
    folder, result = finished
    head, _, samples = result.stdout.partition("\nSamples, invented by the model (never for medical use):\n")
    scores = {match[1]: float(match[2]) for match in re.finditer(r"^(\S.*?)\s{2,}(\d\.\d{3})\s", head, re.MULTILINE)}
    assert {"uniform", "byte frequencies", "byte bigram", "gzip", "xz", ">>> the model"} <= scores.keys()
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert scores["uniform"] > scores[">>> the model"] > 0
    assert re.findall(r"^\[(\d)\] ", samples, re.MULTILINE) == list("12345")
    run = folder / "runs" / "default"
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert round(metrics["validation"]["bits_per_byte"], 3) == scores[">>> the model"]
    assert {name: round(x["bits_per_byte"], 3) for name, x in metrics["baselines"].items()}["gzip"] == scores["gzip"]
    kept = (run / "samples.txt").read_text(encoding="utf-8")
    assert kept.split() == re.sub(r"^\[\d\] ", "", samples, flags=re.MULTILINE).split()
    assert read_log(run)[-1].step == 60


def test_a_run_that_nobody_watches_is_quiet(finished):
    _, result = finished
    assert "\r" not in result.stderr and "%|" not in result.stderr and "\x1b" not in result.stderr
    assert "step     60" in result.stderr and "step     60" not in result.stdout
    assert "Everything is in runs" in result.stderr


def test_the_first_run_is_the_default_and_the_next_default_2(tinygpt, corpus_file, here):
    for _ in range(3):
        assert tinygpt("train", "--corpus", corpus_file, "--steps", 2, *SMALL)[0] == 0
    assert sorted(os.listdir(here / "runs")) == ["default", "default-2", "default-3"]
    code, _, err = tinygpt("train", "--resume")
    assert code == 0 and "default-3 is done" in err  # the latest


def test_run_goes_on_where_training_had_ended(tinygpt, corpus_file, here, snapshot):
    options = ["--out", "new/one", "--corpus", corpus_file, "--steps", 3, *SMALL]
    assert tinygpt("train", *options)[0] == 0
    assert not (here / "new/one/samples.txt").exists()
    code, out, err = tinygpt("run", "--out", "new/one", "--resume")
    assert code == 0 and ">>> the model" in out and (here / "new/one/samples.txt").exists()
    before = snapshot(here)
    code, out, err = tinygpt("run", "--out", "new/one", "--resume")
    assert (code, out) == (0, "") and "new/one is done: all 3 steps are trained" in err.replace(os.sep, "/")
    assert err.count("\n") == 1
    assert snapshot(here) == before


def test_training_by_epochs_and_by_minutes(tinygpt, corpus_file, here, monkeypatch):
    def steps(*length):
        code, _, err = tinygpt("train", "--corpus", corpus_file, *length, *SMALL, "--batch-size", 160, "--force")
        assert code == 0
        run = open_run(sorted((here / "runs").iterdir())[-1])
        assert read_log(run.folder)[-1].step == run.train_config.steps
        return run.train_config.steps, (len(run.tokens()["train"].ids) - 1) // 16, err

    n_steps, windows, _ = steps("--epochs", "1.5")
    assert n_steps == -(-3 * windows // 2 // 160)
    monkeypatch.setattr("tinygpt.trainer.MEASURED_S", 0.05)
    n_steps, _, err = steps("--minutes", "0.002")
    assert f"0.12 s of training are {n_steps} steps on this machine" in err


def test_a_tokenizer_can_be_brought_along(tinygpt, refused, corpus_file, here):
    code, out, _ = tinygpt("tokenizer", "--corpus", corpus_file, "--vocab-size", 280, "--out", "new/tokenizer")
    assert code == 0 and "280 tokens, vocab.json and merges.txt in" in out and "bytes per token" in out
    assert "holds a tokenizer already; replace it by --force" in refused(
        *("tokenizer", "--corpus", corpus_file, "--vocab-size", 290, "--out", "new/tokenizer")
    )
    options = ["--corpus", corpus_file, "--tokenizer", "new/tokenizer", *SHAPE, "--steps", 2, "--out", "run"]
    assert tinygpt("train", *options)[0] == 0
    run = open_run(here / "run")
    assert run.tokenizer().vocab == Tokenizer.load(here / "new/tokenizer").vocab and run.model_config.vocab_size == 280
    tinygpt("tokenizer", "--corpus", corpus_file, "--vocab-size", 290, "--out", "new/tokenizer", "--force")
    assert Tokenizer.load(here / "new/tokenizer").vocab_size == 290


def test_a_corpus_can_be_written_and_trained_on(tinygpt, refused, corpus_file, letters, here):
    code, out, _ = tinygpt("corpus", "--corpus", corpus_file, "--to", "new/clean.txt")
    assert code == 0 and f"400 documents, {os.path.getsize('new/clean.txt') / 1e6:.2f} MB in" in out
    texts = [document.text for document in open_corpus("new/clean.txt").documents()]
    assert texts == letters == [document.text for document in open_corpus(str(corpus_file)).documents()]
    assert "is there already; replace it by --force" in refused(
        *("corpus", "--corpus", corpus_file, "--to", "new/clean.txt")
    )
    assert tinygpt("corpus", "--corpus", "new/clean.txt", "--to", "new/clean.txt", "--force")[0] == 0
    assert Path("new/clean.txt").read_text(encoding="utf-8").split("\n\n")[0] == letters[0]


def test_info(tinygpt, corpus_file):
    code, out, err = tinygpt("info", "--corpus", corpus_file)
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert (code, err) == (0, "")
    assert lines["torch"] == torch.__version__ and lines["device"].startswith(("cpu", "cuda", "mps"))
    counts = [int(lines[split].split()[0]) for split in ("train", "validation", "test")]
    assert sum(counts) == 400 and counts[0] > 300


def test_the_built_in_corpus_is_the_default(tinygpt):
    assert "Human Phenotype Ontology" in tinygpt("info")[1]


def test_no_command_and_help(tinygpt, refused):
    assert "the following arguments are required: COMMAND; see: tinygpt --help" in refused()
    assert "invalid choice: 'tarin'" in refused("tarin")
    code, out, _ = tinygpt("train", "--help")
    assert code == 0 and "Exit codes: 0 done, 1 the work failed, 2 the call was wrong." in out


# Writing and measuring


def written(tinygpt, *words):
    code, out, err = tinygpt("generate", *words)
    assert (code, err) == (0, "")
    return out


def test_greedy_writing_is_always_the_same(tinygpt, trained):
    texts = {
        written(tinygpt, "--run", trained, "--temperature", 0, "--seed", seed, "--prompt", "Dear") for seed in "12"
    }
    assert len(texts) == 1 and texts.pop().startswith("Dear")


def test_seeds_and_counts(tinygpt, trained):
    options = ["--run", trained, "--tokens", 30, "--temperature", 1.5]
    one, two, other = (written(tinygpt, *options, "--seed", seed) for seed in (1, 1, 2))
    assert one == two != other
    assert written(tinygpt, *options, "--seed", 1, "--count", 2) == f"{one[:-1]}\n\n{other}"


def test_an_empty_prompt_starts_a_document(tinygpt, trained):
    options = ["--run", trained, "--tokens", 9]
    assert written(tinygpt, *options) == written(tinygpt, *options, "--prompt", "") != "\n"


def test_the_default_settings_are_those_of_the_help(tinygpt, trained):
    said_so = ["--temperature", 0.8, "--top-k", 0, "--top-p", 0.95, "--tokens", 200, "--count", 1, "--seed", 0]
    assert written(tinygpt, "--run", trained) == written(tinygpt, "--run", trained, *said_so)


def test_a_prompt_that_is_too_long_is_read_from_its_end_and_that_is_said(tinygpt, trained):
    prompt = "To Björn in Łódź " * 9
    n_tokens = 1 + len(open_run(trained).tokenizer().encode(prompt))
    code, out, err = tinygpt("generate", "--run", trained, "--prompt", prompt, "--tokens", 3)
    assert code == 0 and out.startswith(prompt)
    assert err == f"note: the prompt has {n_tokens} tokens, the model reads the last 16\n"


def test_text_streams(trained, monkeypatch):
    pipe, arrived = io.BytesIO(), []

    def pieces(*_):
        for piece in ("one ", "two"):
            yield piece
            arrived.append(pipe.getvalue())  # when the next piece is asked for

    monkeypatch.setattr(commands, "generate_text", pieces)
    with monkeypatch.context() as patch, io.TextIOWrapper(io.BufferedWriter(pipe)) as stdout:
        patch.setattr(sys, "stdout", stdout)
        assert main(["generate", "--run", str(trained), "--prompt", "zero "]) == 0
        assert arrived == [b"zero one ", b"zero one two"] and pipe.getvalue() == b"zero one two\n"


def test_evaluate_in_words_and_in_json(tinygpt, trained):
    run = open_run(trained)
    for split in ("validation", "test"):
        code, out, err = tinygpt("evaluate", "--run", trained, "--split", split)
        assert (code, err) == (0, "")
        words = re.findall(r"^(\w+) +([\d.]+) +\(95% interval ([\d.]+)-([\d.]+)\)$", out, re.MULTILINE)
        code, out, _ = tinygpt("evaluate", "--run", trained, "--split", split, "--json")
        found, score = json.loads(out), evaluate(run.model(), run.tokens()[split])
        assert code == 0 and found["split"] == split and found["documents"] == run.tokens()[split].n_documents
        assert [name for name, *_ in words] == ["bits_per_byte", "perplexity", "nats_per_token"]
        for name, value, low, high in words:
            assert found[name] == pytest.approx(getattr(score, name), abs=1e-6) and f"{found[name]:.4f}" == value
            assert [f"{x:.3f}" for x in found[f"{name}_interval"]] == [low, high]
            assert found[f"{name}_interval"][0] < found[name] < found[f"{name}_interval"][1]


def test_evaluate_with_baselines(tinygpt, trained):
    _, out, _ = tinygpt("evaluate", "--run", trained, "--baselines")
    assert "uniform" in out and ">>> the model" in out
    assert len(set(out.splitlines())) == len(out.splitlines())  # nothing is said twice
    _, out, _ = tinygpt("evaluate", "--run", trained, "--baselines", "--json")
    assert {"uniform", "byte bigram", "gzip", "xz"} <= json.loads(out)["baselines"].keys()


# What a user can get wrong: options

OPTIONS = [
    ("generate", "--temperature -0.1", "temperature=-0.1 must be 0 (greedy) or a positive number"),
    ("generate", "--temperature nan", "temperature=nan must be 0 (greedy) or a positive number"),
    ("generate", "--temperature inf", "temperature=inf must be 0 (greedy) or a positive number"),
    ("generate", "--temperature warm", "argument --temperature: invalid float value: 'warm'"),
    ("generate", "--top-p 0", "top_p=0.0 is outside (0, 1]"),
    ("generate", "--top-p 1.01", "top_p=1.01 is outside (0, 1]"),
    ("generate", "--top-p nan", "top_p=nan is outside (0, 1]"),
    ("generate", "--top-k -1", "top_k=-1 must be 0 (keeps every token) or a positive whole number"),
    ("generate", "--top-k 1.5", "argument --top-k: invalid int value: '1.5'"),
    ("generate", "--tokens 0", "max_tokens=0 is not a whole number of at least 1"),
    ("generate", "--count 0", "count=0 is not a whole number of at least 1"),
    ("generate", "--seed -1", "seed=-1 is outside [0, 2**63)"),
    ("generate", "--prompt \udcff", "the text holds half a character"),  # an argument that was not UTF-8
    ("generate", "--device abacus", "device 'abacus' is unknown or not available here; choose one of auto, cpu"),
    ("evaluate", "--device abacus", "device 'abacus' is unknown"),
    ("evaluate", "--split dev", "split='dev' is unknown; choose one of train, validation, test"),
    ("train", "--vocab-size 256", "vocab_size=256 is too small"),
    ("train", "--vocab-size -3", "vocab_size=-3 is"),
    ("train", "--vocab-size 60000", "vocab_size=60000, but this text supports"),
    ("train", "--context-length 0", "context_length=0 is not a whole number of at least 1"),
    ("train", "--context-length -16", "context_length=-16 is not a whole number of at least 1"),
    ("train", "--context-length 60000", "which is less than one window of 60000 + 1: bring more text"),
    ("train", "--context-length 1000000", "context_length=1000000 is more than 65536"),
    ("train", "--n-heads 3", "d_model=16 is not divisible by n_heads=3"),
    ("train", "--n-heads 16", "rotary positions turn pairs of numbers"),
    ("train", "--n-heads 0", "n_heads=0 is not a whole number of at least 1"),
    ("train", "--d-model 0", "d_model=0 is not a whole number of at least 1"),
    ("train", "--n-layers 0", "n_layers=0 is not a whole number of at least 1"),
    ("train", "--dropout 1", "dropout=1.0 is outside [0, 1)"),
    ("train", "--dropout nan", "dropout=nan is outside [0, 1)"),
    ("train", "--batch-size 0", "batch_size=0 is not a whole number of at least 1"),
    ("train", "--preset gpt3", "preset='gpt3' is unknown; choose one of gpt2, modern"),
    ("train", "--optimizer sgd", "optimizer='sgd' is unknown; choose one of muon, adamw"),
    ("train", "--device abacus", "device 'abacus' is unknown or not available here"),
    ("train", "--lr 0", "lr=0.0 must be a number above 0"),
    ("train", "--lr nan", "lr=nan must be a number above 0"),
    ("train", "--lr inf", "lr=inf must be a number above 0"),
    ("train", "--matrix-lr -1", "matrix_lr=-1.0 must be a number above 0"),
    ("train", "--clip nan", "clip=nan must be a number above 0"),
    ("train", "--weight-decay -1", "weight_decay=-1.0 must be 0 or a positive number"),
    ("train", "--evaluations 0", "evaluations=0 is not a whole number of at least 1"),
    ("train", "--seed -1", "seed=-1 is no whole number in [0, 2**63)"),
    ("train", "--seed 9223372036854775808", "seed=9223372036854775808 is no whole number in [0, 2**63)"),
    ("train", "--documents pages", "documents='pages' is unknown; choose one of auto, blank-lines, file"),
    ("train", "--documents file", "no document falls into the"),
    ("train", "--tokenizer gone --vocab-size 300", "--tokenizer brings its own: leave one of them out"),
    ("train", "--resume --force", "argument --force: not allowed with argument --resume"),
]
LENGTHS = [
    ("train", "--steps 0", "steps=0 is not a whole number of at least 1"),
    ("train", "--steps -5", "steps=-5 is not a whole number of at least 1"),
    ("train", "--steps 1.5", "argument --steps: invalid int value: '1.5'"),
    ("train", "--steps 5 --epochs 1", "argument --epochs: not allowed with argument --steps"),
    *[
        ("train", f"--{name}={bad}", f"{name}={float(bad)} must be a number above 0")
        for name in ("minutes", "epochs")
        for bad in ("0", "-1", "inf", "-inf", "nan")
    ],
    ("train", "--minutes soon", "argument --minutes: invalid float value: 'soon'"),
]


@pytest.mark.parametrize("command, words, message", OPTIONS + LENGTHS, ids=lambda value: value)
def test_a_wrong_option_is_one_line(refused, trained, corpus_file, command, words, message):
    if command != "train":
        assert message in refused(command, "--run", trained, *words.split())
        return
    length = [] if (command, words, message) in LENGTHS else ["--steps", "2"]
    vocab = SHAPE if "--vocab-size" in words or "--tokenizer" in words else SMALL
    for command in ("train", "run"):
        options = ["--corpus", corpus_file, *vocab, *length, *words.split(), "--out", "deep/new"]
        assert message in refused(command, *options)


def test_a_tokenizer_that_is_missing_or_damaged(refused, trained, corpus_file):
    options = ["train", "--corpus", corpus_file, *SHAPE, "--steps", 2, "--tokenizer"]
    assert "there is no tokenizer in" in refused(*options, "gone")
    (trained / "tokenizer/merges.txt").write_text("#version: 0.2\nx y z\n")
    assert "merges.txt is damaged" in refused(*options, trained / "tokenizer")


def test_the_memory_that_is_not_there(tinygpt, corpus_file, monkeypatch):
    def full(*_):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 TB")

    monkeypatch.setattr(Trainer, "__init__", full)
    code, _, err = tinygpt("train", "--corpus", corpus_file, "--steps", 2, *SMALL)
    assert code == 1 and err.endswith(
        "\ntinygpt: out of memory; choose a smaller model, --context-length or --batch-size\n"
    )
    monkeypatch.setattr(Trainer, "__init__", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # our own mistakes are shown in full
        tinygpt("train", "--corpus", corpus_file, "--steps", 2, *SMALL)


# What a user can get wrong: the corpus

CORPORA = {
    "gone.txt": (None, "'gone.txt' is neither hpo, pubmed:QUERY nor the path of a file or folder"),
    "~nobody-of-that-name/x.txt": (None, "is neither hpo, pubmed:QUERY nor the path of a file or folder"),
    "empty.txt": (b"", "empty.txt holds no text (0 documents read, 0 kept (0 bytes)); give a file or folder"),
    "blank.txt": (b"\n \n\n\t\n", "blank.txt holds no text"),
    "notes.doc": (b"text", "there is nothing to read here; names of files must end in .txt"),
    "latin.txt": ("Grüße\n\nweiß\n\ncafé".encode("latin-1"), "latin.txt is not UTF-8 (line 1, byte 2 of the text: "),
    "late.txt": (
        b"".join(b"%06d\n\n" % i for i in range(5000)) + b"ab\xff\n",
        "late.txt is not UTF-8 (line 10001, byte 40002 of the text: ",
    ),
    "utf16.txt": ("text".encode("utf-16"), "utf16.txt is not UTF-8 (line 1, byte 0 of the text: "),
    "one.txt": (b"A single document.", "no document falls into the"),
    "bad.jsonl": (b'{"text": "fine"}\n{"text": \n', "bad.jsonl:2 is not JSON"),
    "cut.txt.gz": (b"\x1f\x8b\x08\x00", "cut.txt.gz is not a whole gzip file"),
    "zip.parquet": (b"PK", "zip.parquet is not a whole Parquet file"),
}


@pytest.mark.parametrize("name", CORPORA)
def test_a_bad_corpus_is_one_line(refused, name):
    content, message = CORPORA[name]
    if content is not None:
        Path(name).write_bytes(content)
    shape = ["--steps", 2, "--out", "deep/new", *SHAPE]
    for command in (["run", *shape], ["tokenizer", "--out", "deep/new"], ["corpus", "--to", "deep/new.txt"]):
        if name == "one.txt" and command[0] == "corpus":
            continue  # it may be short
        assert message in refused(*command, "--corpus", name)


def test_a_corpus_that_is_too_small_for_one_window(refused):
    Path("few.txt").write_text("\n\n".join(map(str, range(60))))
    message = refused("train", "--corpus", "few.txt", "--context-length", 2000, "--steps", 2)
    assert re.search(r"has \d+ tokens, which is less than one window of 2000 \+ 1: bring more text or choose", message)


def test_a_folder_without_text(refused, here):
    (here / "folder").mkdir()
    assert "there is nothing to read here" in refused("train", "--corpus", "folder", "--steps", 2)


# What a user can get wrong: run folders


RESUME = ["train", "--resume", "--out", "run"]
USES = [("generate", "--run"), ("evaluate", "--run"), ("train", "--resume --out"), ("run", "--resume --out")]


@pytest.mark.parametrize("command, option", USES)
def test_a_run_that_is_missing_damaged_or_of_another_version(refused, trained, command, option):
    use = [command, *option.split()]
    looked_for = f"there is no run folder gone in {Path.cwd()}; make one with: tinygpt run --out gone"
    assert looked_for in refused(*use, "gone")
    Path("folder").mkdir()
    assert "folder is not a run folder: it has no config.json" in refused(*use, "folder")
    config = json.loads((trained / CONFIG).read_text(encoding="utf-8"))
    (trained / CONFIG).write_text(json.dumps(config | {"format": 99}))
    assert "was written by another version of tinygpt (format 99, this one reads 1)" in refused(*use, trained)
    (trained / CONFIG).write_text('{"format": 1')
    assert "config.json is damaged (" in refused(*use, trained)


@pytest.mark.parametrize("command, option", USES[:2])
@pytest.mark.parametrize("name", [MODEL, "tokenizer/vocab.json", "tokenizer/merges.txt"])
def test_files_of_another_run_are_noticed(refused, trained, finished, command, option, name):
    shutil.copy(finished[0] / "runs" / "default" / name, trained / name)
    assert f"{Path(name).name} is not the file this run wrote: damaged, or of another run" in refused(
        command, option, trained
    )


@pytest.mark.parametrize("signed", [True, False], ids=["stopped", "killed"])
@pytest.mark.parametrize("name", [MODEL, LAST])
def test_a_run_does_not_go_on_with_the_weights_of_another(
    refused, make_run, trained, here, interrupt_after, name, signed
):
    run = make_run(here / "run", seed=6)
    interrupt_after(15)
    train(run)
    if not signed:  # a run that was killed does not know the digests of what it wrote last
        run.unsign(MODEL, LAST)
    shutil.copy(trained / name, run.folder / name)
    message = refused(*RESUME)
    assert Path(name).name in message and "another run" in message
    (run.folder / name).unlink()
    message = refused(*RESUME)
    assert Path(name).name in message and "is missing" in message and "bring" in message


def test_a_run_does_not_go_on_with_other_tokens_or_a_damaged_log(refused, make_run, here, interrupt_after):
    run = make_run(here / "run")
    interrupt_after(15)
    train(run)
    log = (run.folder / LOG).read_bytes()
    (run.folder / LOG).write_bytes(log + b"damage\n")
    assert "train_loss.txt is damaged: it should hold the columns step, epoch" in refused(*RESUME)
    (run.folder / LOG).unlink()
    assert "train_loss.txt is missing" in refused(*RESUME)
    (run.folder / LOG).write_bytes(log)
    shutil.copy(run.folder / "tokens/test.ids", run.folder / "tokens/train.ids")
    assert "train.ids is not the file this run wrote: damaged, or of another run" in refused(*RESUME)


def test_text_of_a_training_that_was_cut_off_says_so(tinygpt, trained):
    assert "cut off" not in tinygpt("generate", "--run", trained, "--tokens", 1)[2]
    *lines, _ = (trained / LOG).read_text(encoding="utf-8").splitlines(keepends=True)
    (trained / LOG).write_text("".join(lines), encoding="utf-8")
    code, _, said = tinygpt("generate", "--run", trained, "--tokens", 1)
    assert code == 0, said
    assert f"was cut off; go on with: tinygpt train --out {trained} --resume" in said
    (trained / LOG).unlink()
    code, _, said = tinygpt("generate", "--run", trained, "--tokens", 1)
    assert code == 0 and "cut off" not in said


def test_no_run_at_all(refused):
    for command in ("generate", "evaluate"):
        assert "there is no run folder runs" in refused(command)
    assert "there is no run folder runs" in refused("train", "--resume")


def test_a_run_is_overwritten_by_force_only(tinygpt, refused, trained, corpus_file):
    options = ["--corpus", corpus_file, "--steps", 2, *SMALL, "--out", trained]
    (trained / "notes.md").write_text("mine")
    assert "holds a run already: go on with it by --resume, replace it by --force, or" in refused("train", *options)
    assert "heads" in refused("train", *options, "--force", "--n-heads", 3)  # the old run survives a wrong option
    assert "holds no text" in refused("train", *options[2:], "--force", "--corpus", empty_file())
    assert tinygpt("train", *options, "--force")[0] == 0
    assert [row.step for row in read_log(trained)][-1] == 2 and (trained / "notes.md").read_text() == "mine"


def empty_file():
    Path("empty.txt").touch()
    return "empty.txt"


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_folder_with_other_things_is_never_touched(refused, corpus_file, force):
    Path("photos").mkdir()
    Path("photos/cat.png").write_bytes(b"meow")
    options = ["train", "--corpus", corpus_file, "--steps", 2, *SMALL, *force, "--out"]
    assert "photos holds files that are no run of ours; choose another --out" in refused(*options, "photos")
    assert "cat.png is a file; choose another --out" in refused(*options, "photos/cat.png")
    assert "cat.png" in refused(*options, "photos/cat.png/run")


def test_the_corpus_and_tokenizer_commands_overwrite_nothing(refused, corpus_file, here):
    (here / "folder").mkdir()
    (here / "file").write_text("mine")
    assert "is there already" in refused("corpus", "--corpus", corpus_file, "--to", "folder")
    assert "is a folder; give the name of a file" in refused(
        "corpus", "--corpus", corpus_file, "--to", "folder", "--force"
    )
    assert "file is a file; choose another --out" in refused("tokenizer", "--corpus", corpus_file, "--out", "file")


# Stopping and going on


def test_resume_takes_no_other_settings(refused, make_run, here):
    make_run(here / "run")
    message = refused(
        "train", "--resume", "--out", "run", "--steps", 99, "--lr", 0.1, "--preset", "gpt2", "--keep-epochs"
    )
    assert "--resume goes on with the run's own settings: leave out" in message
    assert all(name in message for name in ("--steps", "--lr", "--preset", "--keep-epochs")) and "--seed" not in message


def test_a_run_without_its_last_checkpoint_cannot_go_on(refused, make_run, here, interrupt_after):
    run = make_run(here / "run")
    interrupt_after(15)
    train(run)
    (run.folder / LAST).unlink()
    assert "training.safetensors is missing, so this run can't go on" in refused(*RESUME)


def test_a_run_that_never_began_can(tinygpt, make_run, here):
    make_run(here / "run")
    assert tinygpt(*RESUME)[0] == 0
    assert read_log(here / "run")[-1].step == 30


def test_resume_says_when_the_threads_are_others(tinygpt, trained):
    config = json.loads((trained / CONFIG).read_text(encoding="utf-8"))
    config["versions"]["threads"] = 99
    (trained / CONFIG).write_text(json.dumps(config))
    assert "this run began with 99 threads; with" in tinygpt("train", "--resume", "--out", trained)[2]


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs POSIX signals")
def test_ctrl_c_saves_and_says_how_to_go_on(tinygpt, make_run, here, outcome):
    once, stopped = (make_run(here / name, steps=300, evaluations=25) for name in ("once", "stopped"))
    command = [*TINYGPT, "train", "--resume", "--out", "stopped"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        said = [next(process.stderr) for _ in range(4)]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert re.match(r"step +24 ", said[-1])
    assert (process.returncode, out) == (1, ""), err
    assert "finishing this step, then saving (Ctrl-C again stops at once)" in err
    assert err.endswith("\nStopped and saved. Go on with: tinygpt train --out stopped --resume\n")
    assert tinygpt("train", "--out", "stopped", "--resume")[0] == 0
    train(once)
    assert outcome(stopped.folder) == outcome(once.folder)


def test_ctrl_c_before_training_leaves_nothing(tinygpt, corpus_file, here, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygpt.pipeline.write_tokens", interrupted)
    code, _, err = tinygpt("train", "--corpus", corpus_file, "--steps", 2, *SMALL)
    assert (code, err) == (1, "tinygpt: interrupted\n") and os.listdir(here) == []


def test_a_diverging_run_is_one_line_and_exit_code_1(tinygpt, corpus_file, here):
    options = ["--corpus", corpus_file, "--steps", 30, *SMALL, "--lr", "1e38", "--optimizer", "adamw", "--out", "run"]
    code, _, err = tinygpt("run", *options)
    assert code == 1 and "Traceback" not in err
    assert re.fullmatch(
        r"tinygpt: the( validation)? loss is (nan|inf) at step \d+: training has diverged; "
        r"the best weights so far are kept; start anew with lower learning rates",
        err.splitlines()[-1],
    )
    assert tinygpt("evaluate", "--run", "run")[0] == 0


# Streams that are closed, and what an import loads


def shell(command):
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}  # or else every line is sent at once, and errors come early
    return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, env=buffered)


@pytest.mark.skipif(os.name != "posix", reason="written for a POSIX shell")
def test_closed_streams_are_no_reason_to_complain(trained):
    generate, evaluate = (f"{sys.executable} -m tinygpt {name} --run {trained}" for name in ("generate", "evaluate"))
    streaming = shell(f"({generate} --tokens 400 --count 50; echo exit code $? >&2) | head -1")
    assert len(streaming.stdout.splitlines()) == 1 and streaming.stderr == "exit code 1\n"
    at_the_end = shell(f"({evaluate}; echo exit code $? >&2) | true")
    assert at_the_end.stderr == "exit code 1\n"
    closed = shell(f"{evaluate} <&- >&-")
    assert (closed.returncode, closed.stdout, closed.stderr) == (0, "", "")
    if os.path.exists("/dev/full"):
        full = shell(f"{evaluate} > /dev/full")
        assert (full.returncode, full.stderr) == (2, "tinygpt: No space left on device\n")


@pytest.mark.skipif(os.name != "posix", reason="written for a POSIX shell")
def test_training_needs_no_streams_at_all(make_run, here):
    make_run(here / "run", steps=3)
    assert shell(f"{sys.executable} -m tinygpt train --resume --out run <&- >&- 2>&-").returncode == 0
    assert read_log(here / "run")[-1].step == 3


def test_a_terminal_that_lacks_characters(trained):
    command = [*TINYGPT, "generate", "--run", trained, "--prompt", "Björn β", "--tokens", "1"]
    result = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}, timeout=60)
    assert result.returncode == 0 and result.stdout.startswith(rb"Bj\xf6rn \u03b2") and result.stderr == b""


HEAVY = "matplotlib transformers gradio tensorboard pandas torch.utils.tensorboard IPython pyarrow Bio gguf"


def test_importing_is_light(here):
    script = f"""
import sys, tinygpt.cli
print("torch" in sys.modules)
import tinygpt.model, tinygpt.commands
print({set(HEAVY.split())} & set(sys.modules))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr, result.returncode) == ("False\nset()\n", "", 0)


def test_every_command_of_the_help_is_there():
    parser = cli.make_parser()
    [names] = (action.choices for action in parser._actions if action.choices)
    assert all(callable(getattr(commands, name)) for name in names)
