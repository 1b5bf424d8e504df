"""Any text whatever: our own BPE, the course's tokenizer and the library agree on it, and it comes back whole."""

import random
import re
import time

import pytest
from tokenizers import ByteLevelBPETokenizer

from tinygpt.bpe import BPE
from tinygpt.config import InputError
from tinygpt.corpora import hpo
from tinygpt.tokenizer import Tokenizer

SURROGATES = range(0xD800, 0xE000)
PLANES = [range(plane << 16, (plane + 1) << 16) for plane in range(17)]
NEAR = [
    "\0",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "'s",
    "'",
    "a",
    "Ab",
    "9",
    "é",
    "e\u0301",
    "漢",
    "🙂",
    "\u200d",
    "<|endoftext|>",
]
LETTERS = "etaoinshrdlucmfwyp"  # of a word in which most merges can be made


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(document.text for document in hpo.corpus().split("train"))


@pytest.fixture(scope="module")
def bpe(tokenizer):
    return BPE([(tokenizer.vocab[left], tokenizer.vocab[right]) for left, right in tokenizer.merges])


@pytest.fixture(scope="module")
def library(tokenizer, tmp_path_factory):
    """The library itself, from the files that it shares with us."""
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save(folder)
    return ByteLevelBPETokenizer.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))


def any_text(chance):
    """Characters of all 17 planes of Unicode, assigned or not, among such as are met every day."""
    pieces = []
    for _ in range(chance.randrange(12)):
        code = chance.choice(chance.choice(PLANES))
        pieces.append(chance.choice(NEAR) if chance.random() < 0.4 or code in SURROGATES else chr(code))
    return "".join(pieces)


def require_the_same(texts, tokenizer, bpe, library):
    ids = tokenizer.encode_batch(texts)
    theirs = [encoding.ids for encoding in library.encode_batch(texts)]
    for text, ours, library_s in zip(texts, ids, theirs, strict=True):
        assert ours == library_s == bpe.encode(text), ascii(text)
        assert tokenizer.decode(ours) == bpe.decode(ours) == text, ascii(text)


@pytest.mark.parametrize("n", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_any_text_of_unicode(tokenizer, bpe, library, n):
    chance = random.Random(n)
    texts = [any_text(chance) for _ in range(n)]
    assert {ord(character) >> 16 for text in texts for character in text} == set(range(17))
    require_the_same(texts, tokenizer, bpe, library)


@pytest.mark.parametrize("n", [5_000, pytest.param(0x110000 - 2048, marks=pytest.mark.slow)])
def test_every_character_alone_and_beside_a_letter(tokenizer, bpe, library, n):
    codes = random.Random(0).sample([code for code in range(0x110000) if code not in SURROGATES], n)
    for start in range(0, len(codes), 10_000):
        texts = [text for code in codes[start : start + 10_000] for text in (chr(code), f"a{chr(code)}1 {chr(code)}")]
        require_the_same(texts, tokenizer, bpe, library)
        bpe.known.clear()


@pytest.mark.parametrize("n", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_any_bytes_come_back(bpe, n):
    chance = random.Random(n)
    for _ in range(n):
        data = chance.choice([chance.randbytes, lambda n: chance.randbytes(n // 4) + any_text(chance).encode()])(
            chance.randrange(60)
        )
        assert bpe.decode_bytes(bpe.encode(data)) == data
        assert bpe.decode(bpe.encode(data)) == data.decode(errors="replace")


def test_every_half_of_a_character_is_named_with_its_place(tokenizer, bpe):
    chance = random.Random(0)
    for code in SURROGATES:
        before, after = any_text(chance), any_text(chance)
        message = f"half a character, U+{code:04X} (a lone surrogate), at position {len(before)}, which UTF-8"
        for encode in (tokenizer.encode, bpe.encode):
            with pytest.raises(InputError, match=re.escape(message)) as caught:
                encode(before + chr(code) + after)
            assert "\n" not in str(caught.value)


# One word without end


def long_word(kind, n):
    chance = random.Random(kind)
    if kind == "letters":
        return "".join(chance.choices(LETTERS, k=n))
    if kind == "Unicode":
        return "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(n // 3))
    return kind * (n // len(kind))


@pytest.mark.parametrize("kind", ["a", "ab", "the", "\0", " ", "letters", "Unicode"])
@pytest.mark.parametrize("n", [100_000, pytest.param(10_000_000, marks=pytest.mark.slow)])
def test_a_word_without_end_comes_back(tokenizer, bpe, library, kind, n):
    bpe.known.clear()  # it would keep them all
    times_s = []
    for length in (n // 10, n):
        word = long_word(kind, length)
        began = time.process_time()
        require_the_same([word], tokenizer, bpe, library)
        times_s.append(time.process_time() - began)
        bpe.known.clear()
    print(f"{kind!a} of {n:,} bytes: {times_s[1]:.1f} s, {times_s[1] / times_s[0]:.1f} times those of a tenth")


def test_a_word_in_which_all_merges_can_be_made_looks_at_each_pair_a_few_times(bpe, monkeypatch):
    """Counted, not timed: what goes through the queue grows with the word, not with the number of merges."""
    counts = []
    for n in (10_000, 100_000):
        looked = CountingMerges(bpe.merges)
        monkeypatch.setattr(bpe, "merges", looked)
        bpe.encode_word(long_word("letters", n))
        counts.append(looked.n / n)
    assert counts[1] < 1.1 * counts[0] and counts[1] < 10


class CountingMerges(dict):
    """Counts how often somebody asks whether a pair can be merged."""

    n = 0

    def get(self, *arguments):
        self.n += 1
        return super().get(*arguments)

    def __contains__(self, pair):
        self.n += 1
        return super().__contains__(pair)
