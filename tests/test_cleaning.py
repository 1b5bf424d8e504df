"""What cleaning drops, what it keeps, and that its report says so."""

import unicodedata
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygpt.corpora import Document, cleaning, split_of
from tinygpt.corpora.cleaning import clean, tidy
from tinygpt.corpora.duplicates import NearDuplicateCounter

REPEATABLE = settings(derandomize=True, deadline=None)
SENTENCE = "a slowly growing list of twenty words says that the heart beats too fast in all of the young patients here"
TROUBLE = " \n\r\t\f\v\x00\x1c\x85\xa0\ufeff\ud83d\ude00\u0301\u2028\u3000e\u1100"
NASTY = st.one_of(st.characters(), st.sampled_from(TROUBLE))
TEXTS = st.lists(st.text(NASTY, max_size=30), max_size=8)


def cleaned(*texts):
    report = []
    documents = [Document(str(number), text) for number, text in enumerate(texts)]
    return [document.text for document in clean(documents, report)], report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("  a\t\tb \u00a0 c  \n\n \t \n\nd ", "a b c\nd"),
        ("page one\fpage two", "page one page two"),  # a page break stands between words
        ("e\u0301", "\u00e9"),
        ("e\x00\u0301", "\u00e9"),  # composed after the NUL has gone
        ("\ufeffstart", "start"),
        ("no\x1b[31m colour\x7f", "no[31m colour"),
        ("half \ud83d of a face", "half of a face"),
        ("日本語 العربية 😀", "日本語 العربية 😀"),
    ],
)
def test_a_text_is_cleaned_as_by_hand(text, expected):
    assert cleaned(text)[0] == [expected]


def test_the_example_in_the_docstring():
    assert tidy(" two\t words\r\n\r\nmore ") == "two words\nmore"


def test_the_report_counts_what_was_dropped():
    kept, report = cleaned("one", "two ", "", " \n", "two", "thr\x00ee\ud800\x01", "\x07", SENTENCE, SENTENCE + " now")
    assert kept == ["one", "two", "three", SENTENCE, SENTENCE + " now"]
    assert report == [
        f"9 documents read, 5 kept ({sum(map(len, kept))} bytes)",
        "dropped 3: empty",
        "dropped 1: exact duplicates of an earlier document",
        "removed 3 control characters",
        "removed 1 lone surrogate",
        "kept, though near-duplicates of an earlier document: about 1 (estimated by MinHash)",
    ]


def test_the_report_is_silent_about_what_did_not_happen():
    assert cleaned("one word")[1] == ["1 document read, 1 kept (8 bytes)"]
    assert cleaned("é" * 600_000)[1] == ["1 document read, 1 kept (1.20 MB)"]


def test_the_report_says_when_near_duplicates_were_counted_among_the_first_only(monkeypatch):
    monkeypatch.setattr(cleaning, "NearDuplicateCounter", partial(NearDuplicateCounter, capacity=2))
    assert cleaned(SENTENCE, SENTENCE + " a", SENTENCE + " b")[1][-1].endswith(
        "about 1 (estimated by MinHash among the first 2)"
    )


def test_the_report_is_of_the_last_pass_and_complete_only_at_its_end():
    report = ["of an earlier pass"]
    stream = clean(iter([Document("1", "a"), Document("2", "b")]), report)
    assert next(stream) == Document("1", "a")
    assert report == []
    assert [document.id for document in stream] == ["2"]
    assert report == ["2 documents read, 2 kept (2 bytes)"]


def test_documents_come_one_at_a_time():
    endless = (Document(str(number), f"number {number}") for number in iter(int, 1))
    assert next(clean(endless, [])).text == "number 0"


def test_an_id_from_a_file_name_that_is_not_utf8_still_has_a_split():
    [document] = clean([Document("caf\udce9.txt:1", "text")], [])
    assert document.id == r"caf\udce9.txt:1"
    assert split_of(document.id) in ("train", "validation", "test")


@REPEATABLE
@given(TEXTS)
def test_cleaning_what_is_clean_changes_nothing(texts):
    once, _ = cleaned(*texts)
    twice, report = cleaned(*once)
    assert twice == once
    assert not any(line.startswith(("dropped", "removed")) for line in report)


@REPEATABLE
@given(TEXTS)
def test_what_is_kept_is_readable_single_spaced_and_new(texts):
    kept, _ = cleaned(*texts)
    assert len(set(kept)) == len(kept)
    for text in kept:
        text.encode()  # no lone surrogate
        assert unicodedata.is_normalized("NFC", text)
        assert not {c for c in text if unicodedata.category(c) == "Cc" and c != "\n"} and "\ufeff" not in text
        assert all(line == " ".join(line.split()) != "" for line in text.split("\n"))


@REPEATABLE
@given(st.text(NASTY))
def test_no_character_that_can_be_seen_is_lost(text):
    def seen(text):
        unseen = {"Cc", "Cs", "Zs", "Zl", "Zp"}
        decomposed = unicodedata.normalize("NFD", text)  # where a control character goes, its neighbours may compose
        return sorted(c for c in decomposed if unicodedata.category(c) not in unseen and c != "\ufeff")

    assert seen("".join(cleaned(text)[0])) == seen(text)
