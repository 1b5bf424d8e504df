"""What is dropped from the user's own text, and why.

Dropped: characters nobody can read, blank lines and repeated blanks (so a blank line can separate documents in a
file), documents that are empty, and documents that stood there before: a model learns a text that it sees twice
by heart, and a copy in both training and validation makes its score too good. Near-duplicates are kept, counted.
"""

import re
from collections import Counter
from hashlib import blake2b
from unicodedata import normalize

from tinygpt.corpora import Document
from tinygpt.corpora.duplicates import NearDuplicateCounter

UNREADABLE = {
    # Control characters but those that count as blank space, such as tab and form feed; and the byte order mark.
    "control character": re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff]"),
    # Halves of a character, as JSON may hold them; UTF-8 can't, so they could be neither written nor trained on.
    "lone surrogate": re.compile("[\ud800-\udfff]"),
}


def clean(documents, report):
    """The documents worth training on, one at a time, each without blank lines and unlike all earlier ones.

    Once all are read, `report` tells in lines of text what was dropped. Memory: about 100 bytes per document, for
    the digests, and some 40 MB to estimate near-duplicates.
    """
    report.clear()
    counts, digests, near = Counter(), set(), NearDuplicateCounter()
    for document in documents:
        counts["read"] += 1
        text = tidy(without_unreadable(document.text, counts))
        encoded = text.encode()
        digest = int.from_bytes(blake2b(encoded, digest_size=8).digest(), "big")  # an int is half a bytes object
        if not text:
            counts["empty"] += 1
        elif digest in digests:
            counts["duplicate"] += 1
        else:
            digests.add(digest)
            near.add(text)
            counts["kept"] += 1
            counts["bytes"] += len(encoded)
            yield Document(encodable(document.id), text)
    report.extend(lines_of_text(counts, near))


def without_unreadable(text, counts):
    for name, pattern in UNREADABLE.items():
        text, n_removed = pattern.subn("", text)
        counts[name] += n_removed
    return text


def tidy(text):
    """Text in Unicode's composed form (NFC), lines ending in \\n, single blanks, no blank line.

    tidy(" two\\t words\\r\\n\\r\\nmore ") == "two words\\nmore"
    """
    lines = normalize("NFC", text).replace("\r", "\n").split("\n")
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


def encodable(document_id):
    """The id itself, but for surrogates (file names may hold them): its bytes decide the document's split."""
    return document_id.encode(errors="backslashreplace").decode()


def lines_of_text(counts, near):
    """The report: what was kept, and only those losses that happened."""
    yield f"{count(counts['read'], 'document')} read, {counts['kept']:,} kept ({megabytes(counts['bytes'])})"
    if counts["empty"]:
        yield f"dropped {counts['empty']:,}: empty"
    if counts["duplicate"]:
        yield f"dropped {counts['duplicate']:,}: exact duplicates of an earlier document"
    for name in UNREADABLE:
        if counts[name]:
            yield f"removed {count(counts[name], name)}"
    if near.n_near:
        how = "estimated by MinHash" + (f" among the first {near.capacity:,}" if counts["kept"] > near.capacity else "")
        yield f"kept, though near-duplicates of an earlier document: about {near.n_near:,} ({how})"


def count(n, noun):
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def megabytes(n_bytes):
    return f"{n_bytes / 1e6:.2f} MB" if n_bytes >= 10_000 else count(n_bytes, "byte")
