"""The run folder: what is in it, what is refused, and that one comes back as it was."""

import hashlib
import json
import os
import pickle
import shutil
import struct

import pytest
import torch

from tinygpt import checkpoint
from tinygpt.checkpoint import CONFIG, LAST, MODEL, open_run, own_weights
from tinygpt.config import InputError
from tinygpt.new_run import OURS, check_free, new_run
from tinygpt.storage import load_tensors
from tinygpt.tokenizer import Tokenizer
from tinygpt.training import train


def edit_config(folder, clear=False, **changes):
    config = {} if clear else json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(json.dumps(config | changes), encoding="utf-8")


def edit_tensors(path, change, **metadata):
    """Write a safetensors file anew with its own metadata, after `change` has had its way with the tensors."""
    tensors, old = load_tensors(path)
    change(tensors)
    checkpoint.save_tensors(path, tensors, old | metadata)


def use_everything(folder):
    """What generate, evaluate and train --resume read."""
    run = open_run(folder)
    run.tokenizer(), run.tokens(), run.model()
    train(run, resume=True)


def refusal(folder):
    with pytest.raises(InputError) as caught:
        use_everything(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# A run


def test_a_run_folder_holds_what_was_asked_for(trained, tokenizer):
    run = open_run(trained)
    assert (run.model_config.d_model, run.model_config.vocab_size, run.model_config.dropout) == (16, 300, 0.2)
    assert (run.train_config.steps, run.train_config.seed, run.config["seed"]) == (30, 5, 5)
    assert run.tokenizer().vocab == tokenizer.vocab
    assert run.config["tokenizer"] == {"vocab_size": 300, "digest": tokenizer.digest}
    assert {name: n["documents"] for name, n in run.config["corpus"]["splits"].items()} == {
        name: tokens.n_documents for name, tokens in run.tokens().items()
    }
    assert set(run.config["versions"]) >= {"tinygpt", "torch", "numpy", "python", "threads"}
    files = [name for name in run.config["digests"] if not name.startswith("tokens/")]
    assert sorted(files) == sorted([LAST, MODEL, "tokenizer/merges.txt", "tokenizer/vocab.json"])
    for name, digest in run.config["digests"].items():
        assert hashlib.sha256((trained / name).read_bytes()).hexdigest() == digest
    use_everything(trained)


@pytest.mark.parametrize("preset", ["gpt2", "modern"])
def test_weights_come_back_bit_for_bit(make_run, tmp_path, preset):
    run = make_run(tmp_path / "run", preset=preset)
    torch.manual_seed(1)
    model = checkpoint.TinyGPT(run.model_config).eval()
    run.save_weights(MODEL, model, step="7")
    again = open_run(tmp_path / "run").model()
    assert not again.training
    for (name, ours), (other, theirs) in zip(model.state_dict().items(), again.state_dict().items(), strict=True):
        assert name == other and torch.equal(ours, theirs)
    assert (again.head.weight is again.token_embedding.weight) == (preset == "gpt2")
    stored, metadata = load_tensors(tmp_path / "run" / MODEL)
    assert ("head.weight" in stored) == (preset == "modern") and metadata["step"] == "7"
    ids = torch.arange(12).view(2, 6)
    assert torch.equal(model(ids), again(ids))


def test_saving_leaves_the_model_as_it_is(make_run, tmp_path):
    run = make_run(tmp_path / "run", preset="gpt2")
    model = checkpoint.TinyGPT(run.model_config)
    run.save_weights(MODEL, model)
    assert "head.weight" in model.state_dict() and "head.weight" not in own_weights(model)


def test_a_moved_run_is_the_same_run(trained, tmp_path):
    moved = shutil.move(trained, tmp_path / "elsewhere")
    use_everything(moved)


# Damage: config.json


def remove_key(folder, key):
    config = part = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    *path, last = key.split(".")
    for name in path:
        part = part[name]
    del part[last]
    edit_config(folder, clear=True, **config)


KEYS = (
    "format run_id model training corpus corpus.spec corpus.splits digests versions versions.threads "
    "model.d_model training.steps"
)
DAMAGED_CONFIG = {
    "empty": lambda folder: (folder / CONFIG).write_text(""),
    "cut off": lambda folder: (folder / CONFIG).write_text((folder / CONFIG).read_text(encoding="utf-8")[:-9]),
    "a list": lambda folder: (folder / CONFIG).write_text("[1, 2]"),
    "not UTF-8": lambda folder: (folder / CONFIG).write_bytes(b'{"format": "\xff"}'),
    "too deep": lambda folder: (folder / CONFIG).write_text("[" * 100_000),
    "unknown setting": lambda folder: edit_config(folder, model={"depth": 3}),
    "wrong setting": lambda folder: edit_config(folder, training={"steps": -1}),
    "settings of another kind": lambda folder: edit_config(folder, training=[1]),
    "digests of another kind": lambda folder: edit_config(folder, digests=[["a", "b"]]),
    "versions of another kind": lambda folder: edit_config(folder, versions=7),
}


@pytest.mark.parametrize("damage", DAMAGED_CONFIG.values(), ids=DAMAGED_CONFIG)
def test_a_damaged_config_is_named(trained, damage):
    damage(trained)
    message = refusal(trained)
    assert message.startswith(f"{trained / CONFIG} is damaged (")
    assert message.endswith("bring it back or train again with --force")


@pytest.mark.parametrize("key", KEYS.split())
def test_a_config_without_one_of_its_entries_is_named(trained, key):
    remove_key(trained, key)
    message = refusal(trained)
    assert message.startswith(f"{trained / CONFIG} is damaged (") and key.split(".")[-1] in message


@pytest.mark.parametrize("found", [0, 2, "1", None, [1]])
def test_another_version_is_named(trained, found):
    edit_config(trained, format=found)
    assert f"another version of tinygpt (format {found!r}, this one reads 1)" in refusal(trained)


def test_a_folder_that_is_missing_or_no_run(tmp_path):
    assert refusal(tmp_path / "gone").startswith(f"there is no run folder {tmp_path / 'gone'}; make one with: tinygpt")
    assert refusal(tmp_path) == f"{tmp_path} is not a run folder: it has no {CONFIG}"
    (tmp_path / "file").write_text("x")
    assert refusal(tmp_path / "file").startswith("there is no run folder")
    (tmp_path / CONFIG).mkdir()
    assert refusal(tmp_path).startswith(f"{tmp_path} is not a run folder")


# Damage: every other file


FILES = [
    *("tokenizer/vocab.json", "tokenizer/merges.txt", "tokens/tokens.json", "tokens/train.ids", "tokens/test.ids"),
    *("tokens/validation.documents", MODEL, LAST),
]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(trained, name):
    (trained / name).unlink()
    if name == LAST:
        with pytest.raises(InputError, match="is missing: the run is damaged; bring the file back or train again"):
            train(open_run(trained), resume=True)
        return
    assert refusal(trained).startswith(f"{trained / name} is missing: the run is damaged; bring the file back")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["flipped", "cut off", "empty"])
def test_a_damaged_file_is_named(trained, name, damage):
    content = bytearray((trained / name).read_bytes())
    content[len(content) // 2] ^= 1
    changed = {"flipped": content, "cut off": content[:-1], "empty": b""}[damage]
    (trained / name).write_bytes(changed)
    message = refusal(trained)
    assert message.startswith(f"{trained / name} is not the file this run wrote: damaged, or of another run")


@pytest.fixture(scope="module")
def others(make_run, tmp_path_factory):
    """Two other trained runs: one that differs by its seed only, one of another shape and vocabulary."""
    folder = tmp_path_factory.mktemp("others")
    for name, changes in {"same shape": {"seed": 6}, "another shape": {"d_model": 8}}.items():
        train(make_run(folder / name, **changes))
    return folder


@pytest.mark.parametrize("other", ["same shape", "another shape"])
@pytest.mark.parametrize("name", [MODEL, LAST])
@pytest.mark.parametrize("signed", [True, False], ids=["done", "killed"])
def test_weights_of_another_run_are_refused(trained, others, other, name, signed):
    if not signed:  # a run that was killed does not know the digests of what it wrote last
        open_run(trained).unsign(MODEL, LAST)
    shutil.copy(others / other / name, trained / name)
    message = refusal(trained)
    assert message.startswith(f"{trained / name} ")
    assert ("is not the file this run wrote" if signed else "belongs to another run than") in message


@pytest.mark.parametrize("name", [MODEL, LAST])
def test_a_truncated_file_of_a_killed_run_is_refused(trained, name):
    open_run(trained).unsign(MODEL, LAST)
    content = (trained / name).read_bytes()
    (trained / name).write_bytes(content[: len(content) // 2])
    assert refusal(trained).startswith(f"{trained / name} is damaged (")


def test_a_pickle_by_the_name_of_safetensors_is_told_from_a_damaged_file(tmp_path):
    path = tmp_path / "model.safetensors"
    torch.save({"a": torch.ones(2)}, path)
    with pytest.raises(InputError, match="is not a safetensors file: torch"):
        load_tensors(path)
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"is damaged \("):
        load_tensors(path)


def test_tokenizer_and_tokens_of_another_run_are_refused(trained, tmp_path):
    other = Tokenizer.train(["some other text, some other text"] * 9, 262)
    shutil.copytree(trained, tmp_path / "copy")
    other.save(trained / "tokenizer")
    assert refusal(trained).startswith(f"{trained / 'tokenizer'}")
    copy = tmp_path / "copy"
    shutil.copy(copy / "tokens" / "test.ids", copy / "tokens" / "train.ids")
    assert refusal(copy).startswith(f"{copy / 'tokens' / 'train.ids'} is not the file this run wrote")


def test_weights_that_do_not_fit_the_settings_are_refused(trained):
    config = json.loads((trained / CONFIG).read_text(encoding="utf-8"))
    edit_config(trained, model=config["model"] | {"d_model": 32, "d_ff": 0})
    assert refusal(trained).startswith(f"{trained / MODEL} does not fit the model in config.json: ")


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("generator.cpu"),
        lambda tensors: tensors.pop("model.head.weight"),
        lambda tensors: tensors.update({"model.extra": torch.zeros(1)}),
    ],
)
def test_a_checkpoint_that_lacks_something_is_refused(trained, change):
    open_run(trained).unsign(LAST)
    edit_tensors(trained / LAST, change, step="20")
    assert refusal(trained).startswith(f"{trained / LAST} ")


@pytest.mark.parametrize("name", ["step", "best", "loss_sum"])
def test_a_checkpoint_with_a_broken_number_is_refused(trained, name):
    open_run(trained).unsign(LAST)
    edit_tensors(trained / LAST, lambda tensors: None, **{name: "many"})
    assert refusal(trained).startswith(f"{trained / LAST} is damaged (")


class Bomb:
    def __reduce__(self):
        return os.mkdir, (os.environ["BOMB"],)


@pytest.mark.parametrize("name", [MODEL, LAST])
@pytest.mark.parametrize("signed", [True, False])
def test_nothing_is_ever_unpickled(trained, tmp_path, monkeypatch, name, signed):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    open_run(trained).unsign(MODEL, LAST)
    for bomb in (lambda path: torch.save({"w": Bomb()}, path), lambda path: path.write_bytes(pickle.dumps(Bomb()))):
        bomb(trained / name)
        if signed:  # the folder comes from a stranger, who signed it
            open_run(trained).sign(name)
        assert refusal(trained).startswith((f"{trained / name} is damaged (", f"{trained / name} is not a safetensors"))
        assert not (tmp_path / "exploded").exists()
    pickle.loads(pickle.dumps(Bomb()))
    assert (tmp_path / "exploded").exists()  # the bomb is a real one


def test_a_header_that_promises_too_much_is_refused(trained):
    open_run(trained).unsign(MODEL, LAST)
    (trained / MODEL).write_bytes(struct.pack("<Q", 2**60) + b"{}")
    assert refusal(trained).startswith(f"{trained / MODEL} is damaged (")


# Making a folder


def fill(folder, text="new"):
    for name in (CONFIG, "tokenizer/vocab.json", "tokens/train.ids"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


FILLED = {name: "new" for name in (CONFIG, "tokenizer/vocab.json", "tokens/train.ids")}


@pytest.mark.parametrize("where", ["run", "deep/below/run", "empty", "link"])
def test_a_new_run_appears_at_the_end(tmp_path, where):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with new_run(tmp_path / where) as new:
        fill(new)
        assert not (tmp_path / where / CONFIG).exists()
    assert contents(tmp_path / where) == FILLED
    assert not [path for path in tmp_path.rglob(".*")]


def test_the_current_folder_will_do_when_it_is_empty(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with new_run(".") as new:
        fill(new)
    assert contents(tmp_path) == {f"here/{name}": text for name, text in FILLED.items()}


@pytest.mark.parametrize("error", [InputError("too small"), KeyboardInterrupt(), OSError(28, "No space left")])
@pytest.mark.parametrize("where", ["run", "deep/below/run"])
def test_an_error_inside_leaves_nothing(tmp_path, error, where):
    with pytest.raises(type(error)), new_run(tmp_path / where) as new:
        fill(new)
        raise error
    assert os.listdir(tmp_path) == []


def test_an_error_inside_leaves_the_old_run(trained, snapshot):
    before = snapshot(trained)
    with pytest.raises(InputError), new_run(trained, force=True) as new:
        fill(new)
        raise InputError("too small")
    assert snapshot(trained) == before


def test_a_run_is_replaced_by_force_only_and_whatever_is_not_ours_stays(trained, snapshot):
    notes = {"notes.md": "mine", "logs/notes.txt": "mine", "tokenizer/README": "mine", "export/model.gguf": "mine"}
    for name, text in notes.items():
        (trained / name).parent.mkdir(exist_ok=True)
        (trained / name).write_text(text)
    before = snapshot(trained)
    with pytest.raises(InputError, match="holds a run already: go on with it by --resume, replace it by --force"):
        check_free(trained, force=False)
    with pytest.raises(InputError, match="holds a run already"), new_run(trained):
        raise AssertionError("the block is not entered")
    assert snapshot(trained) == before
    with new_run(trained, force=True) as new:
        fill(new)
    assert contents(trained) == FILLED | notes


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "model.safetensors"])
def test_a_folder_with_other_files_is_refused_with_force_too(tmp_path, name, force):
    (tmp_path / name).write_text("mine")
    with (
        pytest.raises(InputError, match="holds files that are no run of ours; choose another --out"),
        new_run(tmp_path, force),
    ):
        raise AssertionError("the block is not entered")
    assert contents(tmp_path) == {name: "mine"}


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file; choose another --out"), new_run(tmp_path / "file", force=True):
        raise AssertionError("the block is not entered")
    assert contents(tmp_path) == {"file": "mine"}


def test_a_run_that_somebody_else_made_meanwhile_is_kept(tmp_path):
    with pytest.raises(InputError, match="holds a run already"), new_run(tmp_path / "run") as new:
        fill(new)
        (tmp_path / "run").mkdir()
        fill(tmp_path / "run", "theirs")
    assert set(contents(tmp_path / "run").values()) == {"theirs"} and os.listdir(tmp_path) == ["run"]


def test_every_file_a_run_writes_is_one_that_force_replaces(trained):
    ours = {path for pattern in OURS for path in trained.glob(pattern)}
    assert ours == {path for path in trained.rglob("*") if path.is_file()}


def test_force_spares_the_config_of_another_program(tmp_path):
    (tmp_path / CONFIG).write_text('{"model_type": "qwen3"}')
    (tmp_path / MODEL).write_bytes(b"its weights")
    with (
        pytest.raises(InputError, match=f"holds a {CONFIG} that is not ours; choose another --out$"),
        new_run(tmp_path, True),
    ):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [CONFIG, MODEL]


def test_force_replaces_a_damaged_run(tmp_path):
    (tmp_path / "tokens").mkdir()
    (tmp_path / CONFIG).write_text("{")
    with new_run(tmp_path, True) as new:
        (new / CONFIG).write_text("new")
    assert (tmp_path / CONFIG).read_text() == "new"
