"""Where text comes from: documents, their split, and the corpora a name can stand for."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tinygpt.config import require_choice

SPLITS = ("train", "validation", "test")


class Document(NamedTuple):
    id: str
    text: str


def split_of(document_id):
    """The split that a document belongs to, for ever: 90% train, 5% validation, 5% test, by hash of its id."""
    percent = int(hashlib.md5(document_id.encode()).hexdigest()[:8], 16) % 100
    return "train" if percent < 90 else "validation" if percent < 95 else "test"


@dataclass(frozen=True)
class Corpus:
    """Documents that can be read again and again, one at a time, so that a corpus may exceed memory.

    about: source, version, licence and citation, as far as they are known.
    report: what cleaning dropped, and why, in lines of text; complete once the documents have been read.
    """

    spec: str
    about: dict
    documents: Callable[[], Iterator[Document]]
    report: list = field(default_factory=list)

    def split(self, name):
        """The documents of one split, in the corpus's order."""
        return (document for document in self.documents() if split_of(document.id) == name)


def open_corpus(spec, documents="auto"):
    """The corpus that `spec` names: `hpo`, `pubmed:QUERY`, or the path of a file or folder of text.

    documents: how plain text files are cut: `blank-lines`, `file`, or `auto`, which takes blank lines for a
    single file and whole files for a folder.
    """
    from tinygpt.corpora import entrez, files, hpo

    require_choice("documents", documents, files.CUTS)
    if spec == "hpo":
        return hpo.corpus()
    if spec.startswith("pubmed:"):
        return entrez.corpus(spec.removeprefix("pubmed:"))
    return files.corpus(spec, documents)
