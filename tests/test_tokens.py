"""Tokens on disk, and batches that stay inside a document's stream."""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from tinygpt import tokens
from tinygpt.bigrams import count_followers
from tinygpt.config import END_OF_TEXT, InputError
from tinygpt.corpora import SPLITS, Corpus, Document, split_of
from tinygpt.tokenizer import Tokenizer
from tinygpt.tokens import CHUNK, Batches, TokenFile, let_go, open_tokens, token_file, write_tokens

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \né漢🙂\x00"), max_size=20)
BYTES = Tokenizer([])  # a token per byte


def in_memory(texts):
    return Corpus("memory", {}, lambda: (Document(str(i), text) for i, text in enumerate(texts)))


def texts_of(corpus, split):
    return [document.text for document in corpus.split(split)]


def numbered(lengths):
    """A token file whose documents hold tokens 1, 2, 3, ..., each but the end of text different from all others."""
    numbers = iter(range(1, 10_000))
    return token_file(["x" * n for n in lengths], lambda text: [next(numbers) for _ in text], end_of_text=0)


# The file


def test_a_token_file_by_hand():
    file = token_file(["ab", "", "é"], lambda text: list(text.encode()), end_of_text=0)
    assert file.ids.tolist() == [0, 97, 98, 0, 0, 0xC3, 0xA9, 0]
    assert file.ids.dtype == np.uint16
    assert file.starts.tolist() == [0, 3, 4]
    assert file.ends.tolist() == [3, 4, 7]
    assert file.document_bytes.tolist() == [2, 0, 2]
    assert (file.n_documents, file.n_bytes) == (3, 4)


def test_the_beginning_of_a_file_is_a_file_by_hand():
    file = token_file(["ab", "", "é"], lambda text: list(text.encode()), end_of_text=0)
    assert file.first(2).ids.tolist() == [0, 97, 98, 0, 0]
    assert file.first(2).starts.tolist() == [0, 3] and file.first(2).ends.tolist() == [3, 4]
    assert file.first(2).document_bytes.tolist() == [2, 0]


def test_a_sample_is_a_file_of_documents_from_everywhere_by_hand():
    file = token_file(["ab", "", "é", "x"], lambda text: list(text.encode()), end_of_text=0)  # 10 tokens
    assert file.sample(10) is file and file.sample(100) is file
    half = file.sample(5)
    assert half.ids.tolist() == [0, 97, 98, 0, 0xC3, 0xA9, 0]
    assert half.starts.tolist() == [0, 3] and half.document_bytes.tolist() == [2, 2]
    assert [file.sample(n).n_documents for n in (0, 2, 3, 5, 8, 9)] == [1, 1, 1, 2, 3, 3]


@given(st.lists(TEXT, min_size=1, max_size=40), st.integers(0, 300))
def test_a_sample_holds_whole_documents_in_order(texts, max_tokens):
    file = token_file(texts, BYTES.encode, BYTES.end_of_text)
    sample = file.sample(max_tokens)
    found = list(sample.texts(BYTES))
    rest = iter(texts)
    assert all(text in rest for text in found) and found
    assert sample.document_bytes.tolist() == [len(text.encode()) for text in found]
    assert sample.ids[sample.ends].tolist() == [0] * len(found)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells what is in memory")


def mapped_kib(path):
    """How much of a mapped file is in this process's memory."""
    lines = Path("/proc/self/smaps").read_text().partition(path.as_posix())[2].splitlines()
    return int(next(line for line in lines if line.startswith("Rss:")).split()[1])


@linux
def test_what_was_read_of_a_token_file_leaves_memory(tmp_path):
    np.zeros(2**24, dtype=np.uint16).tofile(tmp_path / "ids")
    ids = np.memmap(tmp_path / "ids", dtype=np.uint16, mode="r")
    assert ids.sum() == 0 and mapped_kib(tmp_path / "ids") > 30_000
    let_go(ids[5:])  # a part of it knows where it comes from
    assert mapped_kib(tmp_path / "ids") == 0 and ids[-1] == 0
    let_go(np.zeros(3))  # what is in memory anyway stays there


@linux
@pytest.mark.parametrize(
    "read",
    [
        lambda file: Batches(file, 2, 100)[3],
        lambda file: list(file.texts(SimpleNamespace(decode=str))),
        lambda file: count_followers(file.ids, 4),
    ],
    ids=["batches", "texts", "followers"],
)
def test_who_reads_a_token_file_lets_it_go(tmp_path, monkeypatch, read):
    monkeypatch.setattr(tokens, "CHUNK", 8)
    np.zeros(2**16 + 1, dtype=np.uint16).tofile(tmp_path / "ids")
    ids = np.memmap(tmp_path / "ids", dtype=np.uint16, mode="r")
    file = TokenFile(ids, np.arange(0, 2**16, 2**10), np.full(2**6, 2**10))
    read(file)
    assert mapped_kib(tmp_path / "ids") == 0


@given(st.lists(TEXT, max_size=60))
def test_written_texts_come_back(texts):
    corpus = in_memory([*texts, f"before{END_OF_TEXT}after"])
    with tempfile.TemporaryDirectory() as folder:
        written = write_tokens(corpus, BYTES, folder)
        opened = open_tokens(folder)
        assert list(opened) == list(SPLITS)
        for split, file in opened.items():
            texts = texts_of(corpus, split)
            assert list(file.texts(BYTES)) == texts
            assert file.document_bytes.tolist() == [len(text.encode()) for text in texts]
            assert file.ids[file.starts].tolist() == [0] * len(texts) and file.ids[-1] == 0
            assert np.array_equal(file.ids, written[split].ids) and np.array_equal(file.starts, written[split].starts)
            if texts:
                in_one_go = token_file(texts, BYTES.encode, 0)
                assert np.array_equal(file.ids, in_one_go.ids) and np.array_equal(file.starts, in_one_go.starts)
        del written, opened, file


def test_a_corpus_of_several_chunks(tmp_path):
    corpus = in_memory([f"document {i}" for i in range(2 * CHUNK + 1)])
    files = write_tokens(corpus, BYTES, tmp_path / "new" / "folder")
    for split, file in files.items():
        assert list(file.texts(BYTES)) == texts_of(corpus, split)
    assert sum(file.n_documents for file in files.values()) == 2 * CHUNK + 1


@pytest.mark.parametrize("vocab_size, dtype", [(2**16, np.uint16), (2**16 + 1, np.uint32)])
def test_four_bytes_a_token_only_where_two_are_too_few(tmp_path, vocab_size, dtype):
    highest = vocab_size - 1
    tokenizer = SimpleNamespace(
        vocab_size=vocab_size, end_of_text=0, encode_batch=lambda texts: [[highest] for _ in texts]
    )
    files = write_tokens(in_memory(["x"] * 100), tokenizer, tmp_path)
    assert {file.ids.dtype for file in files.values()} == {np.dtype(dtype)}
    assert files["train"].ids[:4].tolist() == [0, highest, 0, highest]


def test_a_token_file_is_mapped_not_read(tmp_path):
    files = write_tokens(in_memory(["some text"] * 100), BYTES, tmp_path)
    assert isinstance(files["train"].ids, np.memmap) and not files["train"].ids.flags.writeable


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "tokens.json").unlink(),
        lambda folder: (folder / "tokens.json").write_text("{"),
        lambda folder: (folder / "tokens.json").write_text('["uint16"]'),
        lambda folder: (folder / "tokens.json").write_text('{"dtype": "object"}'),
        lambda folder: (folder / "test.ids").unlink(),
        lambda folder: (folder / "train.ids").write_bytes(b""),
        lambda folder: (folder / "train.ids").write_bytes(b"odd"),
        lambda folder: (folder / "train.documents").write_bytes(bytes(24)),
        lambda folder: (folder / "validation.documents").unlink(),
    ],
)
def test_damaged_token_files_are_one_line(tmp_path, damage):
    write_tokens(in_memory(["some text"] * 100), BYTES, tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=r"is damaged \(.*bring the token files back") as caught:
        open_tokens(tmp_path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_a_full_disk_says_so(tmp_path):
    if not (full := type(tmp_path)("/dev/full")).exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "train.ids").symlink_to(full)
    with pytest.raises(OSError, match="No space left on device"):
        write_tokens(in_memory(["some text"] * 100), BYTES, tmp_path)


# The batches


def test_batches_by_hand():
    file = numbered([3, 2])  # 0 1 2 3 0 4 5 0
    batches = Batches(file, batch_size=2, context_length=3)
    assert (batches.windows_per_epoch, batches.steps_per_epoch, batches.tokens_per_step) == (2, 1.0, 6)
    inputs, targets = batches[0]
    first_goes_first = [[0, 1, 2], [3, 0, 4]], [[1, 2, 3], [0, 4, 5]]
    second_goes_first = [[0, 4, 5], [0, 1, 2]], [[4, 5, 0], [1, 2, 3]]
    assert (inputs.tolist(), targets.tolist()) in (first_goes_first, second_goes_first)
    orders = {str(batches[step][0].tolist()) for step in range(20)}
    assert orders == {str(first_goes_first[0]), str(second_goes_first[0])}
    assert inputs.dtype == targets.dtype == torch.int64


LENGTHS = st.lists(st.integers(0, 12), min_size=1, max_size=12)


@given(LENGTHS, st.integers(1, 5), st.integers(1, 9), st.integers(0, 3))
@example([0, 0, 0, 7], 5, 1, 0)
@example([2], 3, 3, 0)  # an epoch is a single window
def test_an_epoch_shows_every_token_once(lengths, batch_size, context_length, seed):
    file = numbered(lengths)
    if len(file.ids) <= context_length:
        return
    batches = Batches(file, batch_size, context_length, seed)
    n_windows, n_epochs = batches.windows_per_epoch, 3
    steps = -(-n_epochs * n_windows // batch_size)
    inputs, targets = (torch.cat(parts) for parts in zip(*map(batches.__getitem__, range(steps)), strict=True))
    assert inputs.shape == targets.shape == (steps * batch_size, context_length)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    documents = Counter(tuple(file.ids[a + 1 : b].tolist()) for a, b in zip(file.starts, file.ends, strict=True))
    for epoch in range(n_epochs):
        window = slice(epoch * n_windows, (epoch + 1) * n_windows)
        stream = [0, *targets[window].flatten().tolist()]
        assert inputs[window].flatten().tolist() == stream[:-1]  # each window begins where the one before ended
        assert 0 <= len(file.ids) - len(stream) < context_length  # what is too short for a window is left out
        *whole, last = cut(stream)
        rest = documents - Counter(whole)
        assert rest.total() == documents.total() - len(whole)  # every piece is a document, none comes twice
        assert any(document[: len(last)] == last for document in rest) or (not rest and not last)


def cut(stream):
    """The pieces that follow each end of text."""
    starts = [place for place, id in enumerate(stream) if id == 0]
    return [tuple(stream[a + 1 : b]) for a, b in zip(starts, [*starts[1:], None], strict=True)]


@given(LENGTHS, st.integers(1, 5), st.integers(1, 9), st.lists(st.integers(0, 50), max_size=8))
def test_a_batch_depends_on_its_step_only(lengths, batch_size, context_length, steps):
    file = numbered(lengths)
    if len(file.ids) <= context_length:
        return
    used = Batches(file, batch_size, context_length, seed=1)
    for step in steps:
        fresh = Batches(file, batch_size, context_length, seed=1)
        assert all(torch.equal(a, b) for a, b in zip(used[step], fresh[step], strict=True))


def epoch_of(batches, number):
    steps = range(number * batches.windows_per_epoch, (number + 1) * batches.windows_per_epoch)
    return torch.cat([batches[step][0] for step in steps]).tolist()


def test_epochs_and_seeds_have_their_own_order():
    file = numbered([5] * 40)
    first, second = (epoch_of(Batches(file, 1, 4, seed), 0) for seed in (0, 1))
    assert first != second
    assert first != epoch_of(Batches(file, 1, 4, 0), 1)
    assert second != epoch_of(Batches(file, 1, 4, 0), 1)  # not the same orders, one epoch later
    in_the_file = torch.from_numpy(file.ids[:-1].astype(np.int64)).view(-1, 4).tolist()
    assert first != in_the_file


def test_a_batch_may_span_two_epochs_and_many():
    file = numbered([3, 3])  # two windows of 4
    of_two, of_five = Batches(file, 3, 4), Batches(file, 5, 4)
    windows = [Batches(file, 1, 4)[step][1].tolist()[0] for step in range(30)]
    assert [row for step in range(10) for row in of_two[step][1].tolist()] == windows
    assert [row for step in range(6) for row in of_five[step][1].tolist()] == windows


def test_training_looks_at_one_epoch_s_order_or_two():
    batches = Batches(numbered([3] * 10), 3, 4)
    for step in range(100):
        batches[step]
        assert len(batches.orders) <= 2


def test_one_window_is_enough_and_less_is_refused():
    file = numbered([3])  # 0 1 2 3 0
    assert Batches(file, 1, 4)[7][1].tolist() == [[1, 2, 3, 0]]
    for too_small in (numbered([2]), numbered([])):
        with pytest.raises(InputError, match=r"less than one window of 4 \+ 1: bring more text or choose a shorter"):
            Batches(too_small, 1, 4)


def test_the_split_of_a_document_is_for_ever():
    assert [split_of(id) for id in ("0", "25", "20")] == ["train", "validation", "test"]  # percent 16, 90, 96
    shares = Counter(split_of(f"letters.txt:{i}") for i in range(10_000))
    assert 8900 < shares["train"] < 9100 and all(400 < shares[split] < 600 for split in SPLITS[1:])


def test_what_is_written_beside_the_tokens_is_json(tmp_path):
    write_tokens(in_memory(["x"] * 100), BYTES, tmp_path)
    assert json.loads((tmp_path / "tokens.json").read_text()) == {"dtype": "uint16"}
