"""PubMed's abstracts from XML files, as NCBI offers them for download."""

import gzip
import zlib
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from tinygpt.config import InputError, require
from tinygpt.corpora import Document

RECORDS = ("PubmedArticle", "PubmedBookArticle")
READ = "abstracts read"


def read_xml(path, report):
    """Documents of a PubMed file, `.xml` or `.xml.gz`: `title`, a line break, `abstract`; the id is the PMID.

    report: gets one line at the end of the file: how many abstracts were read and what was skipped.
    A PMID that comes twice in a file is read once, the first. Its revision in another file is one more document:
    with the same id it has the same split, so that nothing leaks from one split into another.
    Raises InputError, with file and line, where the XML is broken or not PubMed's.
    """
    path, tally = Path(path), Counter()
    yield from abstracts(path, tally)
    report.append(f"{path.name}: {account(tally)}")


def abstracts(path, tally):
    """The documents of a file; `tally` counts what became of each record."""
    seen = set()
    for record in records(path):
        pmid, abstract = record.findtext("MedlineCitation/PMID"), abstract_of(record)
        if record.tag == "PubmedBookArticle":
            tally["from books"] += 1
        elif not pmid:
            tally["without a PMID"] += 1
        elif not abstract:
            tally["without an abstract"] += 1
        elif pmid in seen:
            tally["repeated"] += 1
        else:
            tally[READ] += 1
            seen.add(pmid)
            title = plain(record.find("MedlineCitation/Article/ArticleTitle"))
            yield Document(pmid, f"{title}\n{abstract}" if title else abstract)


def account(tally):
    """A tally in words: `28,110 abstracts read; skipped 1,890 without an abstract, 2 from books`."""
    skipped = ", ".join(f"{count:,} {fate}" for fate, count in tally.most_common() if count > 0 and fate != READ)
    return f"{tally[READ]:,} {READ}" + (f"; skipped {skipped}" if skipped else "")


def abstract_of(record):
    parts = record.iterfind("MedlineCitation/Article/Abstract/AbstractText")
    return " ".join(filter(None, map(section, parts)))


def section(part):
    """One part of an abstract, with its label where it has one: `BACKGROUND: text`."""
    label, text = part.get("Label", "UNLABELLED"), plain(part)
    return text if label in ("", "UNLABELLED") or not text else f"{label}: {text}"


def plain(element):
    """The text inside an element on one line, without markup: `CO<sub>2</sub>` is `CO2`."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def records(path):
    """The records of a PubMed file as elements; each leaves memory when the next one comes."""
    elements = parse(path)
    root = next(elements)
    require(root.tag == "PubmedArticleSet", f"{path} holds <{root.tag}>, not PubMed's <PubmedArticleSet>")
    for record in elements:
        yield record
        root.clear()


def parse(path):
    """The root of an XML file, where it begins, and then each record, where it ends."""
    try:
        with (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rb") as stream:
            events = ElementTree.iterparse(stream, ("start", "end"))
            yield next(events)[1]
            yield from (element for event, element in events if event == "end" and element.tag in RECORDS)
    except ElementTree.ParseError as error:  # entities that grow without end are among these: expat counts
        reason, line = str(error).split(": line")[0], error.position[0]
        raise InputError(f"{path}, line {line}: broken XML ({reason}); delete the file and get it again") from None
    except (OSError, EOFError, zlib.error, LookupError, ValueError) as error:
        raise InputError(f"{path} can't be read ({error}); delete the file and get it again") from None
