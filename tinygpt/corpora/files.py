"""The user's own text: a file or a folder of files, cut into documents and cleaned."""

import gzip
import json
import os
import re
import shutil
import tempfile
import zlib
from collections import Counter
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from tinygpt.config import InputError, require
from tinygpt.corpora import Corpus, Document
from tinygpt.corpora.cleaning import clean, count

CUTS = ("auto", "blank-lines", "file")
ENDINGS = ".txt, .jsonl, .parquet or .xml, each also followed by .gz"
ENDING = re.compile(r"\.(txt|jsonl|parquet|xml)(\.gz)?$", re.IGNORECASE)


def corpus(spec, documents="auto"):
    """The cleaned documents of the file or folder at the path `spec`.

    documents: how plain text is cut; see `open_corpus`. An id is the path inside the folder and the number of the
    paragraph, line or row, or else what a field `id` holds: it stays the same when the folder moves.
    """
    root = Path(os.path.expanduser(spec))  # unlike Path's own, it leaves the home of nobody as it is
    require(str(spec) and root.exists(), f"{str(spec)!r} is neither hpo, pubmed:QUERY nor the path of a file or folder")
    about = {"source": root.resolve().name, "version": "", "licence": "yours", "citation": ""}
    cut = documents if documents != "auto" else "file" if root.is_dir() else "blank-lines"
    report = []

    def read():
        lines, n_kept = [], 0  # of this pass only: two passes at once must not mix their lines
        for document in clean(read_all(root, cut, lines), lines):
            n_kept += 1
            yield document
        report[:] = lines
        require(n_kept, f"{root} holds no text ({'; '.join(lines)}); give a file or folder that has some")

    return Corpus(str(spec), about, read, report)


def read_all(root, cut, report):
    """Every document under `root`, as it stands there."""
    for path in readable_files(root, report):
        name = path.name if path == root else path.relative_to(root).as_posix()
        with damage_explained(path):
            yield from read_file(path, name, cut, report)


def readable_files(root, report):
    """The files to read, sorted by path. Hidden ones are passed over, those with an unknown ending are reported."""
    paths = sorted(visible_files(root), key=lambda path: path.relative_to(root).parts) if root.is_dir() else [root]
    readable = [path for path in paths if ENDING.search(path.name)]
    require(readable, f"{root}: there is nothing to read here; names of files must end in {ENDINGS}")
    skipped = Counter(path.suffix or path.name for path in paths if not ENDING.search(path.name))
    if skipped:
        report.append(f"skipped {count(skipped.total(), 'file')} ending in {', '.join(sorted(skipped))}: not {ENDINGS}")
    return readable


def visible_files(folder):
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]  # os.walk goes into what is left
        yield from (Path(parent, name) for name in names if not name.startswith("."))


@contextmanager
def damage_explained(path):
    try:
        yield
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(f"{path} is not a whole gzip file ({error}); copy or compress it again") from None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}") from None


def read_file(path, name, cut, report):
    ending = ENDING.search(path.name)[1].lower()
    if ending == "txt":
        return read_txt(path, name, cut)
    if ending == "jsonl":
        return read_jsonl(path, name)
    if ending == "parquet":
        return read_parquet(path, name)
    from tinygpt.corpora.pubmed import read_xml

    return read_xml(path, report)


def read_txt(path, name, cut):
    lines = text_lines(path)
    if cut == "file":
        yield Document(name, "".join(lines))
        return
    paragraphs = ("".join(group) for is_blank, group in groupby(lines, str.isspace) if not is_blank)
    for number, text in enumerate(paragraphs, 1):
        yield Document(f"{name}:{number}", text)


def read_jsonl(path, name):
    for number, line in enumerate(text_lines(path), 1):
        if line.isspace():
            continue
        try:
            record = json.loads(line.strip())
        except (ValueError, RecursionError) as error:
            reason = str(error).replace("line 1 ", "")  # a line to json, which knows nothing of the file's
            raise InputError(f'{path}:{number} is not JSON ({reason}); a line is like {{"text": "..."}}') from None
        yield document_of(record, f"{name}:{number}", f"{path}:{number}")


def read_parquet(path, name):
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise InputError(f"{path} needs pyarrow; run: python -m pip install pyarrow") from None
    with seekable(path) as file:
        try:
            table = ParquetFile(file)
            columns = table.schema_arrow.names
            require(
                "text" in columns, f"{path} has no column text among {', '.join(columns)}; rename the one with the text"
            )
            batches = table.iter_batches(1000, columns=[column for column in ("id", "text") if column in columns])
            rows = (row for batch in batches for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                row["text"] = "" if row["text"] is None else row["text"]  # how a table says that there is none
                yield document_of(row, f"{name}:{number}", f"{path}, row {number},")
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{path} is not a whole Parquet file ({reason}); copy or write it again") from None


def document_of(record, fallback_id, place):
    """The Document in a line of JSON or a row of a table."""
    text = record.get("text") if isinstance(record, dict) else None
    if not isinstance(text, str):
        raise InputError(f'{place} has no string "text"; the text must be in a field of that name')
    given = record.get("id")
    has_id = isinstance(given, str | int) and not isinstance(given, bool) and given != ""
    return Document(str(given) if has_id else fallback_id, text)


def text_lines(path):
    """Lines of UTF-8 text, each ending in \\n as Python's text files do; a byte order mark is accepted."""
    try:
        with opened(path, "rt", encoding="utf-8-sig") as lines:
            yield from lines
    except UnicodeDecodeError:
        raise not_utf8(path) from None


def not_utf8(path):
    offset = 0
    with opened(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                where = f"line {number}, byte {offset + error.start} of the text"
                return InputError(f"{path} is not UTF-8 ({where}: {error.reason}); save it as UTF-8")
            offset += len(line)


def opened(path, mode, **options):
    return (gzip.open if path.suffix.lower() == ".gz" else open)(path, mode, **options)


@contextmanager
def seekable(path):
    """The file's bytes. Parquet is read from its end, which gzip can't jump to, so that is unpacked first."""
    with opened(path, "rb") as file, tempfile.TemporaryFile() as unpacked:
        if isinstance(file, gzip.GzipFile):
            shutil.copyfileobj(file, unpacked)
            unpacked.seek(0)
        yield unpacked if isinstance(file, gzip.GzipFile) else file
