"""The user's own files: how they become documents, what is said about damaged ones, and the way back to a file."""

import gzip
import os
import random
import sys
import tempfile
import tracemalloc
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygpt.config import InputError
from tinygpt.corpora import Corpus, Document, files, hpo, pubmed
from tinygpt.corpora.cleaning import clean, tidy
from tinygpt.corpora.files import corpus
from tinygpt.corpora.writing import write_corpus

NASTY = st.one_of(st.characters(), st.sampled_from(" \n\r\t\x85\u2028\ufeff"))
TEXT = b"First line.\nsecond line\n\n \n\nNext.\n"


def read(path, documents="auto"):
    return [tuple(document) for document in corpus(str(path), documents).documents()]


def write(folder, **contents):
    """Files in `folder`; in their names _ stands for a dot and __ for a slash."""
    for name, content in contents.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_table(path, **columns):
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=2)
    return path


def complaint(path, documents="auto"):
    """The one line that reading `path` ends with."""
    with pytest.raises(InputError) as caught:
        read(path, documents)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a_txt", "a_txt_gz"])
def test_a_single_file_is_cut_at_blank_lines(tmp_path, name):
    path = write(tmp_path, **{name: TEXT})
    assert read(path) == [(f"{path.name}:1", "First line.\nsecond line"), (f"{path.name}:2", "Next.")]
    assert read(path, "file") == [(path.name, "First line.\nsecond line\nNext.")]


def test_a_folder_is_read_in_order_each_text_whole_and_hidden_files_are_not(tmp_path):
    lines = b'{"text": "from a line"}\n\n{"text": "named", "id": "pmid 7"}\n{"text": "numbered", "id": 0}\n'
    write(tmp_path, b__deep__x_txt=TEXT, a_txt=b"letter a", z_jsonl_gz=lines, b__a_TXT=b"upper case", _git__x_txt=b"no")
    write(tmp_path, notes_md=b"no", b__scan_pdf=b"no", b__old_pdf=b"no", _hidden_txt=b"no", README=b"no")
    assert read(tmp_path) == [
        ("a.txt", "letter a"),
        ("b/a.TXT", "upper case"),
        ("b/deep/x.txt", "First line.\nsecond line\nNext."),
        ("z.jsonl.gz:1", "from a line"),
        ("pmid 7", "named"),
        ("0", "numbered"),
    ]
    assert [id for id, _ in read(tmp_path, "blank-lines")][2:4] == ["b/deep/x.txt:1", "b/deep/x.txt:2"]
    whole = corpus(str(tmp_path))
    list(whole.documents())
    assert whole.report[0].startswith("skipped 4 files ending in .md, .pdf, README: not .txt, .jsonl,")
    assert whole.report[1].startswith("6 documents read, 6 kept (")


def test_ids_stay_when_the_folder_moves(tmp_path):
    write(tmp_path / "old", a__x_txt=TEXT)
    before = read(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    assert read(tmp_path / "new") == before == [("a/x.txt", "First line.\nsecond line\nNext.")]


def test_a_corpus_tells_where_it_comes_from(tmp_path):
    write(tmp_path / "letters", a_txt=b"text")
    about = {"source": "letters", "version": "", "licence": "yours", "citation": ""}
    assert corpus(str(tmp_path / "letters")).about == about


@pytest.mark.parametrize("name", ["t.parquet", "t.parquet.gz"])
def test_a_table_is_read_by_its_column_text(tmp_path, name):
    plain = write_table(tmp_path / "t.parquet", other=[1, 2, 3], text=["one", None, "three"])
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(path) == [(f"{name}:1", "one"), (f"{name}:3", "three")]
    assert read(write_table(tmp_path / "t.parquet", text=["one", "two"], id=[7, None])) == [
        ("7", "one"),
        ("t.parquet:2", "two"),
    ]


@pytest.mark.parametrize("name", ["a_xml", "a_xml_gz"])
def test_xml_is_handed_to_pubmed_which_may_report(tmp_path, monkeypatch, name):
    def read_xml(path, report):
        assert path.name == name.replace("_", ".")
        yield Document("123", " title\n\nabstract")
        report.append("skipped 2 records")

    monkeypatch.setattr(pubmed, "read_xml", read_xml)
    articles = corpus(str(write(tmp_path, **{name: b"<xml/>"})))
    for _ in range(2):  # each pass reports afresh
        assert list(articles.documents()) == [("123", "title\nabstract")]
        assert articles.report == ["skipped 2 records", "1 document read, 1 kept (14 bytes)"]


def test_two_passes_at_once_do_not_mix_their_reports(tmp_path):
    twice = corpus(str(write(tmp_path, a_txt=b"one\n\ntwo\n\none")))
    both = list(zip(twice.documents(), twice.documents(), strict=True))
    assert both == [(document, document) for document, _ in both]
    assert twice.report == ["3 documents read, 2 kept (6 bytes)", "dropped 1: exact duplicates of an earlier document"]


@pytest.mark.parametrize("text", [b"\xef\xbb\xbfone\r\n\r\ntwo", b"one\r\rtwo\r", b"\n\n one \n\t\n two"])
def test_byte_order_mark_and_every_kind_of_line_end(tmp_path, text):
    assert [text for _, text in read(write(tmp_path, a_txt=text))] == ["one", "two"]


@pytest.mark.parametrize("name", ["a_txt", "a_jsonl"])
def test_a_byte_order_mark_is_nothing_to_report(tmp_path, name):
    marked = corpus(str(write(tmp_path, **{name: b'\xef\xbb\xbf{"text": "x"}'})))
    assert len(list(marked.documents())) == 1
    assert len(marked.report) == 1


def test_half_a_character_in_json_is_dropped(tmp_path):
    path = write(tmp_path, a_jsonl=rb'{"text": "a \ud83d b \ud83d\ude00", "id": "\udc00"}')
    assert read(path) == [(r"\udc00", "a b 😀")]


@pytest.mark.parametrize("spec", ["", "no/such", "hop"])
def test_a_missing_path_is_noticed_at_once(spec):
    with pytest.raises(InputError) as caught:
        corpus(spec)
    assert str(caught.value) == f"{spec!r} is neither hpo, pubmed:QUERY nor the path of a file or folder"


@pytest.mark.parametrize("name", ["notes_md", "archive_zip", "txt", "_hidden__a_txt"])
def test_nothing_readable_names_the_endings(tmp_path, name):
    write(tmp_path, **{name: b"text"})
    endings = "names of files must end in .txt, .jsonl, .parquet or .xml, each also followed by .gz"
    assert complaint(tmp_path) == f"{tmp_path}: there is nothing to read here; {endings}"
    if name == "notes_md":
        assert complaint(tmp_path / "notes.md").endswith(endings)


@pytest.mark.parametrize("name", ["a_txt", "a_txt_gz", "a_jsonl"])
def test_not_utf8_says_where(tmp_path, name):
    good = '{"text": "é"}\n'.encode()
    path = write(tmp_path, **{name: good + b'{"text": "caf\xe9"}\n'})
    where = f"line 2, byte {len(good) + 13} of the text: invalid continuation byte"
    assert complaint(path) == f"{path} is not UTF-8 ({where}); save it as UTF-8"


def test_utf16_is_not_utf8(tmp_path):
    path = write(tmp_path, a_txt="text".encode("utf-16"))
    assert "is not UTF-8 (line 1, byte 0 of the text" in complaint(path)


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz", "a.parquet.gz"])
@pytest.mark.parametrize("damage", ["truncated", "not gzip", "checksum"])
def test_a_broken_gzip_is_named(tmp_path, name, damage):
    whole = gzip.compress(b'{"text": "%s"}\n' % random.Random(0).randbytes(2000).hex().encode())
    checksum_off = whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]
    path = tmp_path / name
    path.write_bytes({"truncated": whole[:-600], "not gzip": b"plain text", "checksum": checksum_off}[damage])
    message = complaint(path)
    assert message.startswith(f"{path} is not a whole gzip file (") and message.endswith("compress it again")


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "a.txt").symlink_to(tmp_path / "gone")
    assert complaint(tmp_path) == f"{tmp_path / 'a.txt'} can't be read: No such file or directory"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            b'{"text": "cut of',
            'is not JSON (Unterminated string starting at: column 10 (char 9)); a line is like {"text": "..."}',
        ),
        (b'{"text":', 'is not JSON (Expecting value: column 9 (char 8)); a line is like {"text": "..."}'),
        (b"plain", 'is not JSON (Expecting value: column 1 (char 0)); a line is like {"text": "..."}'),
        (b"[" * 100_000, "is not JSON (maximum recursion depth exceeded"),
        (b'{"body": "x"}', 'has no string "text"; the text must be in a field of that name'),
        (b'{"text": 5}', 'has no string "text"'),
        (b'["text"]', 'has no string "text"'),
    ],
)
def test_a_bad_line_of_json_is_named(tmp_path, line, expected):
    path = write(tmp_path, a_jsonl=b'{"text": "fine"}\n\n' + line + b"\n")
    assert complaint(path).startswith(f"{path}:3 {expected}")


@pytest.mark.parametrize("given_id", ["true", "null", '""', "[1]", "1.5"])
def test_an_id_that_is_none_gives_way_to_the_line_number(tmp_path, given_id):
    assert read(write(tmp_path, a_jsonl=b'{"text": "x", "id": %s}' % given_id.encode())) == [("a.jsonl:1", "x")]


def test_bad_tables_are_named(tmp_path):
    path = write_table(tmp_path / "t.parquet", title=["x"], body=["y"])
    assert complaint(path) == f"{path} has no column text among title, body; rename the one with the text"
    write_table(path, text=[1, 2])
    assert complaint(path) == f'{path}, row 1, has no string "text"; the text must be in a field of that name'
    path.write_bytes(b"PAR1 or rather not")
    assert complaint(path).startswith(f"{path} is not a whole Parquet file (")


def test_without_pyarrow_the_message_says_what_to_install(tmp_path, monkeypatch):
    path = write_table(tmp_path / "t.parquet", text=["x"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert complaint(path) == f"{path} needs pyarrow; run: python -m pip install pyarrow"


@pytest.mark.parametrize("text", [b"", b"\n \n\x00\n"])
def test_a_corpus_without_text_is_an_error_at_the_end(tmp_path, text):
    message = complaint(write(tmp_path, a_txt=text))
    assert message.startswith(f"{tmp_path / 'a.txt'} holds no text (") and " read, 0 kept (0 bytes)" in message


def test_memory_stays_flat_however_long_the_file(tmp_path):
    path = tmp_path / "long.txt"
    with path.open("w") as file:
        for number in range(1000):
            file.write(f"document {number} " + ("word" * 25 + " ") * 200 + "\n\n")
    assert path.stat().st_size > 20_000_000
    documents = corpus(str(path)).documents()
    next(documents)  # by now the near-duplicate counter has its fixed memory
    tracemalloc.start()
    try:
        assert sum(1 for _ in documents) == 999
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


# The way back: write_corpus


def in_memory(*texts):
    return Corpus("memory", {}, lambda: iter([Document(str(number), text) for number, text in enumerate(texts)]))


def test_a_corpus_is_written_with_blank_lines_between_documents(tmp_path):
    path = tmp_path / "new folder" / "corpus.txt"
    assert write_corpus(in_memory("one\ntwo", "drëi"), path) == (2, 15)
    assert path.read_bytes() == "one\ntwo\n\ndrëi\n".encode()
    assert os.listdir(path.parent) == ["corpus.txt"]
    assert [text for _, text in read(path)] == ["one\ntwo", "drëi"]


@settings(derandomize=True, deadline=None)
@given(st.lists(st.text(NASTY), min_size=1, max_size=6))
def test_a_written_corpus_reads_back_the_same(texts):
    cleaned = [document.text for document in clean(in_memory(*texts).documents(), [])]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "corpus.txt")
        assert write_corpus(in_memory(*cleaned), path)[1] == path.stat().st_size
        assert not cleaned or [text for _, text in read(path, "blank-lines")] == cleaned


def test_the_built_in_corpus_reads_back_too(tmp_path):
    path = tmp_path / "hpo.txt"
    n_documents, _ = write_corpus(hpo.corpus(), path)
    texts = [document.text for document in hpo.corpus().documents()]
    assert n_documents == len(texts) > 10_000
    raw = files.read_all(path, "blank-lines", [])
    assert [document.text for document in raw] == [text + "\n" for text in texts]
    assert [text for _, text in read(path)] == [tidy(text) for text in texts]  # which tidies a double blank or two


@pytest.mark.parametrize("text", ["", " ", "two\n\nparts", "two\n \nparts", "two\r\rparts", "\nlate"])
def test_a_text_that_would_not_come_back_is_refused_and_nothing_is_left(tmp_path, text):
    path = tmp_path / "corpus.txt"
    path.write_text("the old one")
    with pytest.raises(InputError, match="document 1 is empty or holds a blank line"):
        write_corpus(in_memory("fine", text), path)
    assert path.read_text() == "the old one" and os.listdir(tmp_path) == ["corpus.txt"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_an_interrupted_writer_leaves_the_old_file(tmp_path, interruption):
    def documents():
        yield Document("1", "new")
        raise interruption

    path = tmp_path / "corpus.txt"
    path.write_text("the old one")
    with pytest.raises(interruption):
        write_corpus(Corpus("broken", {}, documents), path)
    assert path.read_text() == "the old one" and os.listdir(tmp_path) == ["corpus.txt"]


def test_a_folder_is_no_file_to_write_to(tmp_path):
    with pytest.raises(InputError, match="is a folder; give the name of a file"):
        write_corpus(in_memory("text"), tmp_path)


def test_a_corpus_may_be_written_over_the_file_it_comes_from(tmp_path):
    path = write(tmp_path, a_txt=b"one \n\n\n\ntwo\n\none\n")
    write_corpus(corpus(str(path)), path)
    assert path.read_bytes() == b"one\n\ntwo\n"
