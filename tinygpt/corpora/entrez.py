"""PubMed's abstracts by a query: `pubmed:QUERY`, through NCBI's E-utilities.

Every answer is kept in the cache (see `cache.py`), so that a second pass, and a second session, need no network.
Delete the query's folder there to search anew.
"""

import gzip
import hashlib
import json
import os
import socket
import time
from collections import Counter
from contextlib import contextmanager
from datetime import date
from http.client import HTTPException
from urllib.error import HTTPError
from xml.etree import ElementTree

from tqdm import tqdm

from tinygpt.atomic import write_atomically
from tinygpt.cache import cache_folder
from tinygpt.config import InputError, is_whole, require
from tinygpt.corpora import Corpus
from tinygpt.corpora.cleaning import clean
from tinygpt.corpora.pubmed import READ, abstracts, account
from tinygpt.reading import MOST_BYTES, read_json

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
        keep(path, json.dumps(hits).encode())
    try:
        hits = read_json(path)
        pmids = [pmid for batch in hits["batches"] for pmid in batch]
        require(all(isinstance(text, str) for text in (hits["query"], hits["date"], *pmids)), "it names no articles")
        require(is_whole(hits["count"]), "it has no count")
    except (InputError, KeyError, TypeError) as error:
        raise InputError(f"{path} can't be used ({error}); delete it to search anew") from None
    return hits


def documents(hits, folder, report):
    """One pass over the cleaned abstracts, once the cache has them all."""
    report.clear()
    paths = [folder / f"batch_{number:04}.xml.gz" for number in range(1, len(hits["batches"]) + 1)]
    download(hits["batches"], paths)
    for path in paths:  # zeros at the end of a gzip file are allowed, and read one by one
        require(path.stat().st_size <= MOST_BYTES, f"{path} is larger than any answer of PubMed's; delete it")
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
        keep(path, gzip.compress(ask("efetch", "PubmedArticleSet", id=batch, retmode="xml"), 6))


def keep(path, content):
    try:
        write_atomically(path, content)
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
