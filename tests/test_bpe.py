"""Byte-pair encoding from scratch: equal to the library, and near linear in the text's length."""

import doctest
import itertools
import json
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import ByteLevelBPETokenizer
from tokenizers.pre_tokenizers import ByteLevel

from tinygpt import bpe
from tinygpt.bpe import ALPHABET, BPE, BYTE, N_BASE, STAND_IN, learn, to_printable, words
from tinygpt.config import END_OF_TEXT, InputError
from tinygpt.corpora import hpo

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("  \n\t's9é漢🙂\u0301\x00"), max_size=60)
BROKEN = [b"\xe2\x80", b"\xff", b"\xed\xb2\x80", b" a", b"9", "é".encode()]  # to be strung together


def library(texts, vocab_size, min_frequency=2):
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts, vocab_size, min_frequency, show_progress=False, special_tokens=[END_OF_TEXT])
    return ByteLevelBPETokenizer(tokenizer.get_vocab(), library_merges(tokenizer))  # <|endoftext|> is text to this one


def library_merges(tokenizer):
    return [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


def printable_merges(tokenizer):
    return [(to_printable(tokenizer.vocab[a]), to_printable(tokenizer.vocab[b])) for a, b in tokenizer.merges]


@pytest.fixture(scope="module")
def texts():
    return [document.text for document in hpo.corpus().split("train")]


@pytest.fixture(scope="module")
def ours(texts):
    return BPE.train(texts, 2048)


@pytest.fixture(scope="module")
def theirs(texts):
    return library(texts, 2048)


def test_ids_are_compared_by_value():
    assert bpe.merge([int("3000"), int("3001")], (3000, 3001), 4000) == [4000]


def test_docstring_examples():
    assert doctest.testmod(bpe).failed == 0


# Bytes and words


def test_every_byte_has_a_printable_stand_in_the_library_s_own():
    assert len(STAND_IN) == len(BYTE) == 256
    assert all(character.isprintable() and not character.isspace() for character in BYTE)
    assert sorted(ByteLevel.alphabet()) == ALPHABET
    assert bpe.from_printable(to_printable(bytes(range(256)))) == bytes(range(256))


@given(TEXT)
def test_words_are_the_text_cut_into_pieces(text):
    assert b"".join(map(bpe.from_printable, words(text))) == text.encode()
    assert words(text) == words(text.encode())


# By hand: low, Ġlower, Ġlowest. l-o and o-w occur 3 times each, l < o; then lo-w 3 times; then Ġ-low and low-e
# twice each, and the id of Ġ, a byte, is smaller than that of low, a merge; then Ġlow-e; all other pairs occur once.
LOW, LOW_TOKENS = ["low lower lowest"], [b"lo", b"low", b" low", b" lowe"]


def test_training_by_hand():
    assert BPE.train(LOW, N_BASE + 4).vocab[N_BASE:] == LOW_TOKENS


def test_encoding_by_hand():
    tokenizer = BPE.train(LOW, N_BASE + 4)
    lo, low, space_low, space_lowe = range(257, 261)
    l, o, e, r, x = (ALPHABET.index(letter) + 1 for letter in "loerx")  # noqa: E741
    assert tokenizer.encode("low lower") == [low, space_lowe, r]
    assert tokenizer.encode("lox lowx ol") == [lo, x, space_low, x, ALPHABET.index("Ġ") + 1, o, l]
    assert tokenizer.encode("e") == [e]
    assert tokenizer.encode("") == [] and tokenizer.decode([]) == ""


def test_the_earliest_merge_goes_first_not_the_longest_token():
    a, b, c = (ALPHABET.index(letter) + 1 for letter in "abc")
    tokenizer = BPE([(b, c), (a, b), (258, c)])  # bc, ab, abc: the last can't be reached, as bc comes first
    assert tokenizer.encode("abc") == [a, 257]


def test_equal_letters_pair_up_from_the_left():
    tokenizer = BPE.train(["aaaaa"], N_BASE + 2, min_frequency=1)
    assert tokenizer.vocab[N_BASE:] == [b"aa", b"aaa"]  # aa aa a: aa-aa and aa-a occur once each, and a < aa
    assert [tokenizer.vocab[id] for id in tokenizer.encode("aaaaaaa")] == [b"aa", b"aa", b"aaa"]


# Wrong on purpose, in lesson 01


def test_no_merge_across_document_borders():
    documents = ["a", "b"] * 50 + ["xy", "xy"]  # glued together, a-b and b-a would be commonest
    assert BPE.train(documents, N_BASE + 1).vocab[N_BASE:] == [b"xy"]
    with pytest.raises(InputError, match="supports 258 tokens"):
        BPE.train(documents, N_BASE + 2)


def test_no_merge_across_word_borders():
    documents = ["a b"] * 50  # the words are a and Ġb; a-Ġ would come first, as a < Ġ
    assert BPE.train(documents, N_BASE + 1).vocab[N_BASE:] == [b" b"]
    with pytest.raises(InputError, match="supports 258 tokens"):
        BPE.train(documents, N_BASE + 2)


@pytest.mark.parametrize("order", [1, -1])
def test_ties_go_to_the_smallest_left_id_then_the_smallest_right_id(order):
    pairs = ["".join(pair) for pair in itertools.permutations("abcd", 2)]  # ab, ac, ad, ba...: already in that order
    documents = 3 * pairs
    for turn in range(len(documents)):
        shuffled = (documents[turn:] + documents[:turn])[::order]
        assert BPE.train(shuffled, N_BASE + 12).vocab[N_BASE:] == [pair.encode() for pair in pairs]


def test_a_tie_is_broken_by_id_not_by_byte():
    documents = [" a", "ab"] * 2  # the byte of the space is the smaller, its stand-in Ġ comes after the letters
    assert BPE.train(documents, N_BASE + 2).vocab[N_BASE:] == [b"ab", b" a"]


@pytest.mark.parametrize("text", ["🙂", "naïve café, 漢字, e\u0301", "\ufffd", "\x00\x7f\u2028"])
def test_emoji_and_friends_survive(ours, text):
    assert ours.decode(ours.encode(text)) == text


# The same as the library's


def test_same_merges_as_the_library_on_the_whole_corpus(ours, theirs):
    assert len(ours.merges) == 1791
    assert printable_merges(ours) == library_merges(theirs)
    tokens = [END_OF_TEXT, *map(to_printable, ours.vocab[1:])]
    assert {token: id for id, token in enumerate(tokens)} == theirs.get_vocab()


def test_same_ids_as_the_library_on_the_whole_corpus(ours, theirs):
    texts = [document.text for document in hpo.corpus().documents()]
    ids = [ours.encode(text) for text in texts]
    differing = [n for n, encoding in enumerate(theirs.encode_batch(texts)) if encoding.ids != ids[n]]
    assert not differing
    assert ours.decode(itertools.chain.from_iterable(ids)) == "".join(texts)


@settings(deadline=None)
@given(text=TEXT)
def test_same_ids_as_the_library_on_any_text(ours, theirs, text):
    assert ours.encode(text) == ours.encode(text.encode()) == theirs.encode(text).ids


@settings(deadline=None)
@given(st.lists(st.text("ab é", max_size=12), max_size=6), st.integers(1, 3))
def test_same_merges_as_the_library_on_any_corpus_until_the_pairs_run_out(documents, min_frequency):
    word_counts = bpe.Counter(word for text in documents for word in words(text))
    merges = BPE(learn(word_counts, 10_000, min_frequency))
    assert printable_merges(merges) == library_merges(library(documents, 10_000 + N_BASE, min_frequency))


@settings(deadline=None)
@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=6))
def test_incremental_counts_are_those_of_counting_anew(documents):
    expected, ids_of_words, new_id = [], [[bpe.ID[c] for c in text] for text in documents], N_BASE
    while pairs := bpe.pair_counts(ids_of_words, [1] * len(documents))[0]:
        expected.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        ids_of_words = [bpe.merge(ids, expected[-1], new_id) for ids in ids_of_words]
        new_id += 1
    assert learn(bpe.Counter(documents), 10_000, 1) == expected


# Any bytes, any ids


@given(data=st.binary(max_size=60) | st.lists(st.sampled_from(BROKEN)).map(b"".join))
def test_arbitrary_bytes_survive(ours, data):
    assert ours.decode_bytes(ours.encode(data)) == data
    assert ours.decode(ours.encode(data)) == data.decode(errors="replace")


@given(ids=st.lists(st.integers(0, 2047)))
def test_any_ids_decode_as_the_library_decodes_them(ours, theirs, ids):
    text = [id for id in ids if id != 0]
    assert ours.decode(ids) == theirs.decode(text)


def test_the_end_of_text_is_never_typed(ours):
    ids = ours.encode(f"before{END_OF_TEXT}after")
    assert 0 not in ids and ours.decode(ids) == f"before{END_OF_TEXT}after"
    assert ours.decode_bytes([0]) == b""


def test_a_word_of_300_000_letters_is_no_trouble(ours):
    assert ours.decode(ours.encode("a" * 300_000)) == "a" * 300_000


# Streams


def test_training_keeps_no_text():
    class Text(str):
        __slots__ = ("__weakref__",)

    alive = weakref.WeakSet()
    most = 0

    def stream():
        nonlocal most
        for _ in range(100):
            text = Text("fever and cough")
            alive.add(text)
            most = max(most, len(alive))
            yield text
            del text

    BPE.train(stream(), 260)
    assert 0 < most <= 2


# What a caller can get wrong


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: BPE.train(["some text"], 256), r"^vocab_size=256 is too small: .* 257 tokens; the course uses 2048$"),
        (lambda: BPE.train(["some text"], 300.5), r"^vocab_size=300.5 is not a whole number"),
        (lambda: BPE.train(["some text"], 300, min_frequency=0), r"^min_frequency=0 is not a whole number"),
        (
            lambda: BPE.train(LOW, 262),
            r"^vocab_size=262, but this text supports 261 tokens: .* min_frequency=2 times; ask for 261 or fewer",
        ),
        (lambda: BPE.train([], 300), r"^there is no text to learn from"),
        (lambda: BPE.train(["", ""], 257), r"^there is no text to learn from"),
        (lambda: BPE.train("some text", 300), r"put a single one into a list: \[text\]$"),
        (lambda: BPE.train([7], 300), r"^text must be a str, not int$"),
        (lambda: BPE.train(["fine", "bad \udc80"], 300), r"lone surrogate\), at position 4"),
        (lambda: BPE().encode("ab\ud83d"), r"^the text holds half a character, U\+D83D .* at position 2, .*'replace'"),
        (lambda: BPE().decode([65, 257]), r"^token id 257 is unknown: this vocabulary has ids 0 to 256$"),
        (lambda: BPE().decode_bytes([-1]), r"^token id -1 is unknown"),
        (lambda: BPE().decode_bytes([300]), r"^token id 300 is unknown"),
    ],
)
def test_mistakes_get_one_line_that_says_what_to_do(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_vocabulary_that_a_refusal_offers_can_be_had():
    assert len(BPE.train(LOW, 261).vocab) == 261
    assert len(BPE.train(LOW, 257).vocab) == 257
