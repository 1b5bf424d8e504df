"""The library's tokenizer: round trips, end tokens, files."""

import errno
import hashlib
import json
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import ByteLevelBPETokenizer

from tinygpt.bpe import BPE, to_printable
from tinygpt.config import END_OF_TEXT, InputError
from tinygpt.corpora import hpo
from tinygpt.tokenizer import Tokenizer

ODD = ["  ", "\n", "'s", "é", "e\u0301", "漢", "🙂", "👩\u200d🔬", "\x00", "\x85", "\ufffd", END_OF_TEXT, "<|", "Ġ"]
TEXT = st.text(max_size=60) | st.lists(st.sampled_from(ODD) | st.text(max_size=3)).map("".join)
SMALL = ["low lower lowest"]  # supports 261 tokens


@pytest.fixture(scope="module")
def texts():
    return [document.text for document in hpo.corpus().split("train")]


@pytest.fixture(scope="module")
def tokenizer(texts):
    return Tokenizer.train(iter(texts))


@pytest.fixture(scope="module")
def library(texts):
    """The library as it comes, which takes `<|endoftext|>` in a text for the control token."""
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts, 2048, 2, show_progress=False, special_tokens=[END_OF_TEXT])
    return tokenizer


@pytest.fixture
def folder(tmp_path):
    Tokenizer.train(SMALL, 261).save(tmp_path)
    return tmp_path


# By hand; test_bpe.py explains these four merges.


def test_by_hand():
    tokenizer = Tokenizer.train(SMALL, 261)
    assert tokenizer.merges == [("l", "o"), ("lo", "w"), ("Ġ", "low"), ("Ġlow", "e")]
    assert tokenizer.tokens[257:] == ["lo", "low", "Ġlow", "Ġlowe"]
    assert tokenizer.encode("low lower") == [258, 260, tokenizer.tokens.index("r")]
    assert tokenizer.token_bytes(260) == b" lowe"
    assert (tokenizer.vocab_size, tokenizer.end_of_text) == (261, 0)
    assert tokenizer.encode("") == [] and tokenizer.decode([]) == ""


def test_words_of_the_domain_are_one_token(tokenizer):
    assert all(len(tokenizer.encode(word)) == 1 for word in (" abnormality", " muscle", " increased"))


# The same as bpe.py and as the library


def test_ids_are_those_of_bpe(tokenizer):
    bpe = BPE([(tokenizer.vocab[left], tokenizer.vocab[right]) for left, right in tokenizer.merges])
    assert [END_OF_TEXT, *map(to_printable, bpe.vocab[1:])] == tokenizer.tokens
    held_out = [document.text for document in hpo.corpus().split("validation")]
    assert tokenizer.encode_batch(held_out) == [bpe.encode(text) for text in held_out]


@settings(deadline=None)
@given(text=TEXT)
def test_special_tokens_on_request_are_the_library_s(tokenizer, library, text):
    assert tokenizer.encode(text, allow_special=True) == library.encode(text).ids


@given(ids=st.lists(st.integers(0, 2047)))
def test_decoding_is_the_library_s(tokenizer, library, ids):
    for skip in (True, False):
        assert tokenizer.decode(ids, skip_special=skip) == library.decode(ids, skip_special_tokens=skip)


# There and back


@settings(deadline=None)
@given(text=TEXT)
def test_any_text_survives(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == tokenizer.decode(ids, skip_special=False) == text
    assert b"".join(map(tokenizer.token_bytes, ids)) == text.encode()
    assert tokenizer.encode_batch([text, text]) == [ids, ids]


@settings(deadline=None)
@given(text=TEXT)
def test_no_text_becomes_the_control_token(tokenizer, text):
    assert tokenizer.end_of_text not in tokenizer.encode(f"{text}{END_OF_TEXT}{text}")
    assert tokenizer.end_of_text not in tokenizer.encode_batch([END_OF_TEXT + text])[0]


def test_the_end_of_text_is_skipped_or_shown(tokenizer):
    ids = tokenizer.encode(f"one{END_OF_TEXT}two", allow_special=True)
    assert ids.count(0) == 1
    assert tokenizer.decode(ids) == "onetwo"
    assert tokenizer.decode(ids, skip_special=False) == f"one{END_OF_TEXT}two"
    assert tokenizer.token_bytes(0) == b""


def test_half_a_character_shows_as_a_replacement(tokenizer):
    emoji = tokenizer.encode("🙂")
    assert len(emoji) > 1 and tokenizer.decode(emoji[:-1]) == "\ufffd"


def test_a_long_text(tokenizer):
    text = "a" * 300_000 + "漢字 🙂\n" * 10_000
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_ids_may_come_from_numpy(tokenizer):
    numpy = pytest.importorskip("numpy")
    assert tokenizer.decode(numpy.array(tokenizer.encode("fever"), dtype=numpy.uint16)) == "fever"


def test_training_streams():
    class Text(str):
        __slots__ = ("__weakref__",)

    alive, most = weakref.WeakSet(), 0

    def stream():
        nonlocal most
        for _ in range(5000):
            text = Text("fever and cough")
            alive.add(text)
            most = max(most, len(alive))
            yield text
            del text

    Tokenizer.train(stream(), 260)
    assert 0 < most < 1000  # the library reads a few hundred at a time


# Files


def test_saving_writes_two_files_the_library_s_own(tokenizer, library, tmp_path):
    tokenizer.save(tmp_path / "deep" / "ours")
    (tmp_path / "theirs").mkdir()
    library.save_model(str(tmp_path / "theirs"))
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / "deep" / "ours" / name).read_bytes() == (tmp_path / "theirs" / name).read_bytes()
    assert sorted(os.listdir(tmp_path / "deep" / "ours")) == ["merges.txt", "vocab.json"]


def test_loading_gives_the_same_tokenizer(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.digest == tokenizer.digest and loaded.tokens == tokenizer.tokens
    text = f"Abnormal heart 🙂{END_OF_TEXT}"
    assert loaded.encode(text) == tokenizer.encode(text)
    assert pickle.loads(pickle.dumps(loaded)).encode(text) == tokenizer.encode(text)


def test_digest_is_that_of_the_files(folder):
    content = (folder / "vocab.json").read_bytes() + (folder / "merges.txt").read_bytes()
    assert Tokenizer.load(folder).digest == hashlib.sha256(content).hexdigest()
    assert Tokenizer.load(folder).digest != Tokenizer.train(SMALL, 260).digest


def test_windows_line_ends_do_no_harm(folder):
    digest = Tokenizer.load(folder).digest
    (folder / "merges.txt").write_bytes((folder / "merges.txt").read_bytes().replace(b"\n", b"\r\n"))
    assert Tokenizer.load(folder).digest == digest


def test_a_failed_save_leaves_the_old_files(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match=r"No space left on device: .*vocab\.json"):
        Tokenizer.train(SMALL, 258).save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_another_tokenizer_s_vocabulary_is_noticed(folder, tmp_path):
    Tokenizer.train(SMALL, 260).save(tmp_path / "other")
    (tmp_path / "other" / "vocab.json").replace(folder / "vocab.json")
    with pytest.raises(InputError, match=r"vocab.json does not belong to merges.txt"):
        Tokenizer.load(folder)


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt"])
@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda path: path.unlink(), r"^there is no tokenizer in .*: {name} is missing; .*train"),
        (lambda path: path.write_bytes(b""), r"{name} is damaged: .*; copy the folder anew, or train"),
        (lambda path: path.write_bytes(b"\xff" + path.read_bytes()), r"{name} is damaged: .*utf-8"),
        (lambda path: path.write_bytes(path.read_bytes()[:-4]), r"(vocab.json|merges.txt).* is damaged"),
        (lambda path: path.write_bytes(b"[" * 100_000), r"{name} is damaged"),
        (lambda path: (path.unlink(), path.mkdir()), r"{name} can't be read: "),
    ],
)
def test_damaged_files(folder, name, damage, message):
    damage(folder / name)
    with pytest.raises(InputError, match=message.format(name=name)) as caught:
        Tokenizer.load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["l x", "l o", "q", "l o w", "", "x <|endoftext|>", "\ufeff x", "lo wx"])
def test_a_line_of_merges_that_cannot_be(folder, line):
    with (folder / "merges.txt").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    with pytest.raises(InputError, match=r"merges.txt"):
        Tokenizer.load(folder)


def test_a_vocabulary_that_differs_in_one_id(folder):
    vocab = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocab["!"], vocab['"'] = vocab['"'], vocab["!"]
    (folder / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    with pytest.raises(InputError, match="does not belong"):
        Tokenizer.load(folder)


# What a caller can get wrong


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda t: Tokenizer.train(["some text"], 256), r"^vocab_size=256 is too small: .* 257 tokens"),
        (lambda t: Tokenizer.train(["some text"], "many"), r"^vocab_size='many' is not a whole number"),
        (lambda t: Tokenizer.train(SMALL, 262), r"^vocab_size=262, but this text supports 261 tokens: .* ask for 261"),
        (lambda t: Tokenizer.train([]), r"^there is no text to learn from"),
        (lambda t: Tokenizer.train(iter(["", ""])), r"^there is no text to learn from"),
        (lambda t: Tokenizer.train("some text"), r"put a single one into a list: \[text\]$"),
        (lambda t: Tokenizer.train([b"bytes"]), r"^text must be a str, not bytes$"),
        (lambda t: Tokenizer.train(["fine"] * 1000 + ["bad \udc80"]), r"U\+DC80 \(a lone surrogate\), at position 4"),
        (lambda t: t.encode("ab\ud83d"), r"^the text holds half a character, U\+D83D .* at position 2, .*'replace'"),
        (lambda t: t.encode("ab\ud83d", allow_special=True), r"at position 2"),
        (lambda t: t.encode_batch(["fine", "ab\ud83d"]), r"at position 2"),
        (lambda t: t.encode(None), r"^text must be a str, not NoneType$"),
        (lambda t: t.encode_batch("text"), r"put a single one into a list"),
        (lambda t: t.decode([65, 2048]), r"^token id 2048 is unknown: this vocabulary has ids 0 to 2047$"),
        (lambda t: t.decode([-1]), r"^token id -1 is unknown"),
        (lambda t: t.token_bytes(2048), r"^token id 2048 is unknown"),
    ],
)
def test_mistakes_get_one_line_that_says_what_to_do(tokenizer, call, message):
    with pytest.raises(InputError, match=message) as caught:
        call(tokenizer)
    assert "\n" not in str(caught.value)


def test_the_import_is_light():
    code = "import sys, tinygpt.tokenizer; print({'torch', 'numpy', 'transformers'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_training_is_quiet(capfd):
    Tokenizer.train(SMALL, 258)
    assert capfd.readouterr() == ("", "")
