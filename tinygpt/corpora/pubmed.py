"""PubMed's abstracts: from XML files that were downloaded, or by a query from NCBI's E-utilities.

`pubmed:QUERY` keeps every answer in the cache (see `cache_folder`), so that a second pass, and a second session,
need no network. Delete the query's folder there to search anew.
"""

import gzip
import hashlib
import json
import os
import socket
import sys
import time
import zlib
from collections import Counter
from contextlib import contextmanager
from datetime import date
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from xml.etree import ElementTree

from tqdm import tqdm

from tinygpt.config import InputError, require
from tinygpt.corpora import Corpus, Document
from tinygpt.corpora.cleaning import clean

ABOUT = {
    "source": "PubMed, U.S. National Library of Medicine, through NCBI's E-utilities",
    "licence": "https://www.nlm.nih.gov/databases/download/terms_and_conditions.html; abstracts may be under copyright",
    "citation": "Courtesy of the U.S. National Library of Medicine",
}
BASELINE = "https://ftp.ncbi.nlm.nih.gov/pubmed/baseline/"
MAX_HITS = 9_999  # of one query; ESearch documents 10,000 for PubMed, but stops here
BATCH_SIZE = 200
WAITS_S = (1, 2, 4, 8)  # between five tries
TIMEOUT_S = 60
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


def corpus(query):
    """The abstracts that a PubMed query finds, the 9,999 newest at most.

    The search is made now, the download at the first pass over the documents; what the cache has is not asked for.
    Raises InputError for no hits, no network, or no e-mail address in `NCBI_EMAIL`.
    """
    query = " ".join(query.split())
    require(query, "pubmed: lacks its query; for example: pubmed:rare diseases[mesh] AND 2024[dp]")
    folder = cache_folder() / "pubmed" / hashlib.sha256(query.encode()).hexdigest()[:16]
    hits, report = search(query, folder / "search.json"), []
    about = {**ABOUT, "version": f"search of {hits['date']}"}
    return Corpus(f"pubmed:{query}", about, lambda: documents(hits, folder, report), report)


def cache_folder():
    """The folder `TINYGPT_CACHE`, or else `tinygpt` where the system keeps a user's caches."""
    if folder := os.environ.get("TINYGPT_CACHE"):
        return Path(folder).expanduser()
    if sys.platform == "darwin":
        caches = "~/Library/Caches"
    elif sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "tinygpt"


def search(query, path):
    """The hits of a query, as batches of PMIDs, newest first.

    We keep the PMIDs rather than a place on NCBI's history server, which forgets within hours: a download that
    stopped goes on next week with the very same hits.
    """
    if not path.exists():
        found = ElementTree.fromstring(ask("esearch", "eSearchResult", term=query, retmax=MAX_HITS, sort="pub_date"))
        pmids = [element.text for element in found.iterfind("IdList/Id")]
        require(pmids, f"PubMed finds nothing for {query!r}; try the query at https://pubmed.ncbi.nlm.nih.gov")
        batches = [pmids[start : start + BATCH_SIZE] for start in range(0, len(pmids), BATCH_SIZE)]
        hits = {"query": query, "date": str(date.today()), "count": int(found.findtext("Count")), "batches": batches}
        write(path, json.dumps(hits).encode())
    return json.loads(path.read_text(encoding="utf-8"))


def documents(hits, folder, report):
    """One pass over the cleaned abstracts, once the cache has them all."""
    report.clear()
    paths = [folder / f"batch_{number:04}.xml.gz" for number in range(1, len(hits["batches"]) + 1)]
    download(hits["batches"], paths)
    tally, cleaned = Counter(), []
    yield from clean((document for path in paths for document in abstracts(path, tally)), cleaned)
    asked = sum(map(len, hits["batches"]))
    tally["not sent by PubMed"] = asked - tally.total()
    found = f"PubMed, {hits['date']}: {hits['count']:,} hits"
    if asked < hits["count"]:
        found += f", the newest {asked:,} taken, as one query gives no more; for all, use the files of {BASELINE}"
    report[:] = [found, account(tally), *cleaned]
    advice = "add to the query: AND hasabstract"
    require(tally[READ], f"none of the {asked:,} hits for {hits['query']!r} has an abstract; {advice}")


def download(batches, paths):
    missing = [(batch, path) for batch, path in zip(batches, paths, strict=True) if not path.exists()]
    for batch, path in tqdm(missing, "PubMed", unit="batch", leave=False, disable=None):
        write(path, gzip.compress(ask("efetch", "PubmedArticleSet", id=batch, retmode="xml"), 6))


def write(path, content):
    """Written under another name, then renamed: a file in the cache is whole or not there."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"can't write to the cache ({error}); set TINYGPT_CACHE to another folder") from None


def ask(utility, root, **parameters):
    """What an E-utility answers, as bytes of XML that are whole; a fault that may pass is given five tries."""
    parameters |= identity()
    for wait_s in (*WAITS_S, None):
        try:
            with patient_entrez() as entrez, getattr(entrez, utility)("pubmed", **parameters) as answer:
                return checked(answer.read(), root)
        except (OSError, HTTPException, ElementTree.ParseError) as error:
            if isinstance(error, HTTPError):
                error.close()  # it is an answer too, and holds its connection
            if wait_s is None or not may_pass(error):
                raise InputError(complaint(error)) from None
            time.sleep(wait_s)


def identity():
    """Who asks, which NCBI wants to know; a key raises its limit from 3 requests a second to 10."""
    email = os.environ.get("NCBI_EMAIL", "").strip()
    require(email, "NCBI wants to know who downloads: set the environment variable NCBI_EMAIL to your e-mail address")
    return {"tool": "tinygpt", "email": email, "api_key": os.environ.get("NCBI_API_KEY") or None}


@contextmanager
def patient_entrez():
    """Biopython's Entrez, which spaces requests, but by itself repeats a refused one at once and waits for ever."""
    try:
        from Bio import Entrez
    except ImportError:
        raise InputError("a query to PubMed needs Biopython; run: python -m pip install biopython") from None
    before = Entrez.max_tries, socket.getdefaulttimeout()
    try:
        Entrez.max_tries = 1
        socket.setdefaulttimeout(TIMEOUT_S)
        yield Entrez
    finally:
        Entrez.max_tries = before[0]
        socket.setdefaulttimeout(before[1])


def checked(answer, root):
    """The answer, unless it is a fault in the guise of success: an error page, or XML cut short."""
    found = ElementTree.fromstring(answer)
    if found.tag != root or found.find("ERROR") is not None:
        raise OSError(found.findtext("ERROR") or f"<{found.tag}> came instead of <{root}>")
    return answer


def may_pass(error):
    if isinstance(error, HTTPError):
        return error.code == 429 or error.code >= 500
    return not isinstance(getattr(error, "reason", None), socket.gaierror)  # no such host: we are offline


def complaint(error):
    if isinstance(error, HTTPError) and not may_pass(error):
        return f"PubMed refuses the request ({error}); check the query and NCBI_API_KEY"
    reason = error if isinstance(error, HTTPError) else getattr(error, "reason", error)
    advice = f"try again later, what has come is kept; or download files from {BASELINE} and give their folder"
    return f"cannot reach PubMed ({' '.join(str(reason).split())}); {advice}"
