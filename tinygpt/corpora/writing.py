"""A corpus as one text file: documents with a blank line between them, as `files.py` reads them."""

from pathlib import Path

from tinygpt.atomic import replacing
from tinygpt.config import InputError, require


def write_corpus(corpus, path):
    """Writes the corpus to `path`, whole or not at all, and returns (number of documents, bytes of the file).

    Read back with documents="blank-lines", a cleaned corpus has the same texts in the same order. Raises
    InputError for a document with a blank line inside, which would come back as two, and for an empty one.
    """
    path = Path(path)
    require(not path.is_dir(), f"{path} is a folder; give the name of a file, such as {path / 'clean_corpus.txt'}")
    n_documents = n_bytes = 0
    with replacing(path) as file:
        for document in corpus.documents():
            separator = "\n" if n_documents else ""
            n_bytes += file.write(f"{separator}{one_paragraph(document)}\n".encode())
            n_documents += 1
    return n_documents, n_bytes


def one_paragraph(document):
    lines = document.text.splitlines()
    if not lines or not all(map(str.strip, lines)):
        raise InputError(f"document {document.id} is empty or holds a blank line; tinygpt.corpora.cleaning mends that")
    return document.text
