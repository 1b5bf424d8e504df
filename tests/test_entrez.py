"""PubMed by a query: Biopython's own code against E-utilities that run on 127.0.0.1."""

import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit

import pytest
from Bio import Entrez

from tinygpt.config import InputError
from tinygpt.corpora import entrez, open_corpus

ARTICLE = """<PubmedArticle><MedlineCitation><PMID Version="1">{0}</PMID><Article>
<ArticleTitle>Title {0}.</ArticleTitle><Abstract>{1}</Abstract></Article></MedlineCitation></PubmedArticle>"""


def one_line(error):
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Only 127.0.0.1 answers; every other host is unknown, as it is offline."""
    connect = socket.create_connection

    def local_only(address, *rest, **options):
        if address[0] != "127.0.0.1":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return connect(address, *rest, **options)

    monkeypatch.setattr(socket, "create_connection", local_only)


class FakeNCBI(ThreadingHTTPServer):
    """ESearch finds `hits`, EFetch sends their articles but for the `unsent`; each request takes one of `faults`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), FakeUtility)
        self.hits, self.count, self.unsent = list(range(1, 451)), None, ()
        self.faults, self.asked = [], []
        self.abstract = "<AbstractText>An abstract.</AbstractText>"
        self.hanging = threading.Event()

    def urlopen(self, request):
        """Stands in for Biopython's `urlopen`: the same request, sent here."""
        here = f"http://127.0.0.1:{self.server_port}"
        request.full_url = request.full_url.replace("https://eutils.ncbi.nlm.nih.gov", here)
        return REAL_URLOPEN(request)

    def utilities(self):
        return [utility for utility, _ in self.asked]

    def fetched(self):
        return [[int(pmid) for pmid in asked["id"].split(",")] for utility, asked in self.asked if utility == "efetch"]


class FakeUtility(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        self.answer(url.path, url.query)

    def do_POST(self):
        self.answer(self.path, self.rfile.read(int(self.headers["Content-Length"])).decode())

    def answer(self, path, query):
        utility, asked = Path(path).stem, {key: value[0] for key, value in parse_qs(query).items()}
        self.server.asked.append((utility, asked))
        content = getattr(self, utility)(asked)
        fault = self.server.faults.pop(0) if self.server.faults else None
        match fault:
            case int():
                return self.send(b"busy or bad", status=fault)
            case "cut":
                return self.send(content[: len(content) // 2], length=len(content))
            case "cut unnoticed":
                return self.send(content[: len(content) // 2])
            case "hang":
                return self.server.hanging.wait(5)
            case "error":
                return self.send(b"<eSearchResult><ERROR>Search Backend failed</ERROR></eSearchResult>")
            case "page":
                return self.send(b"<html><body>Down for maintenance</body></html>")
        self.send(content)

    def send(self, content, status=200, length=None):
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=UTF-8")
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def esearch(self, asked):
        hits = self.server.hits[: int(asked["retmax"])]
        ids = "".join(f"<Id>{pmid}</Id>\n" for pmid in hits)
        return f"""<?xml version="1.0" encoding="UTF-8" ?>
<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN" \
"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20060628/esearch.dtd">
<eSearchResult><Count>{self.server.count or len(self.server.hits)}</Count><RetMax>{len(hits)}</RetMax>
<IdList>{ids}</IdList><TranslationSet/><QueryTranslation>rare</QueryTranslation></eSearchResult>""".encode()

    def efetch(self, asked):
        pmids = [pmid for pmid in asked["id"].split(",") if int(pmid) not in self.server.unsent]
        articles = "".join(ARTICLE.format(pmid, self.server.abstract) for pmid in pmids)
        return f"<PubmedArticleSet>{articles}</PubmedArticleSet>".encode()

    def log_message(self, *arguments):
        pass


REAL_URLOPEN = Entrez.urlopen


@pytest.fixture
def waits(monkeypatch):
    """Seconds that would have been slept, left out those by which Biopython spaces requests."""
    waits = []
    monkeypatch.setattr(time, "sleep", lambda seconds: waits.append(seconds) if seconds in entrez.WAITS_S else None)
    return waits


@pytest.fixture
def ncbi(monkeypatch, tmp_path, waits):
    monkeypatch.setenv("NCBI_EMAIL", "someone@example.org")
    monkeypatch.delenv("NCBI_API_KEY", raising=False)
    monkeypatch.setenv("TINYGPT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    with FakeNCBI() as server:
        monkeypatch.setattr(Entrez, "urlopen", server.urlopen)
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.hanging.set()
        server.shutdown()


def ids_of(corpus):
    return [int(document.id) for document in corpus.documents()]


def cached(tmp_path):
    return sorted(path.name for path in tmp_path.glob("cache/pubmed/*/*"))


BATCHES = ["batch_0001.xml.gz", "batch_0002.xml.gz", "batch_0003.xml.gz"]


def test_a_query_is_downloaded_in_batches(ncbi, tmp_path):
    corpus = open_corpus("pubmed:rare  diseases[mesh] ")
    assert corpus.spec == "pubmed:rare diseases[mesh]" and ncbi.utilities() == ["esearch"]
    documents = list(corpus.documents())
    assert documents[0] == ("1", "Title 1.\nAn abstract.") and [int(document.id) for document in documents] == ncbi.hits
    assert ncbi.fetched() == [ncbi.hits[:200], ncbi.hits[200:400], ncbi.hits[400:]]
    assert cached(tmp_path) == [*BATCHES, "search.json"]
    _, search = ncbi.asked[0]
    assert search["term"] == "rare diseases[mesh]" and search["retmax"] == "9999" and search["sort"] == "pub_date"
    for _, asked in ncbi.asked:
        assert asked["db"] == "pubmed" and asked["tool"] == "tinygpt" and asked["email"] == "someone@example.org"
        assert "api_key" not in asked


def test_the_api_key_is_sent(ncbi, monkeypatch):
    monkeypatch.setenv("NCBI_API_KEY", "secret")
    ids_of(entrez.corpus("rare"))
    assert {asked["api_key"] for _, asked in ncbi.asked} == {"secret"}


def test_second_pass_and_second_session_need_no_network(ncbi, monkeypatch):
    corpus = entrez.corpus("rare")
    first, report = list(corpus.documents()), list(corpus.report)
    monkeypatch.delenv("NCBI_EMAIL")
    monkeypatch.setattr(Entrez, "urlopen", None)
    again = entrez.corpus("rare")
    assert list(corpus.documents()) == list(again.documents()) == first
    assert corpus.report == again.report == report


def test_other_queries_have_other_folders(ncbi, tmp_path):
    for query in ("rare", "common"):
        entrez.corpus(query)
    assert cached(tmp_path) == ["search.json", "search.json"]


def test_splits_share_no_document(ncbi):
    corpus = entrez.corpus("rare")
    splits = [{document.id for document in corpus.split(name)} for name in ("train", "validation", "test")]
    assert all(splits) and sum(map(len, splits)) == len(set.union(*splits)) == 450


@pytest.mark.parametrize("fault", [500, 429, 503, "cut", "cut unnoticed", "error", "page"])
def test_passing_faults_are_tried_again(ncbi, waits, fault):
    ncbi.faults = [fault, None, fault, fault]
    assert ids_of(entrez.corpus("rare")) == ncbi.hits
    assert ncbi.utilities() == ["esearch"] * 2 + ["efetch"] * 5
    assert waits == [1, 1, 2]


def test_a_silent_server_is_asked_again(ncbi, waits, monkeypatch):
    monkeypatch.setattr(entrez, "TIMEOUT_S", 0.1)
    ncbi.faults = ["hang"]
    start_s = time.monotonic()
    entrez.corpus("rare")
    assert time.monotonic() - start_s < 4  # the server would be silent for 5
    assert waits == [1] and ncbi.utilities() == ["esearch"] * 2


def test_a_lasting_fault_is_told_in_one_line(ncbi, waits):
    ncbi.faults = [503] * 5
    with pytest.raises(InputError, match=r"cannot reach PubMed \(HTTP Error 503: .*baseline") as error:
        entrez.corpus("rare")
    assert one_line(error) and waits == [1, 2, 4, 8] and len(ncbi.asked) == 5


def test_a_refusal_is_final_and_keeps_the_key_to_itself(ncbi, waits, monkeypatch):
    monkeypatch.setenv("NCBI_API_KEY", "secret")
    ncbi.faults = [400]
    with pytest.raises(InputError, match=r"refuses the request \(HTTP Error 400.*NCBI_API_KEY") as error:
        entrez.corpus("rare")
    assert "secret" not in one_line(error) and waits == [] and len(ncbi.asked) == 1


def test_an_interrupted_download_goes_on_where_it_stopped(ncbi, tmp_path):
    ncbi.faults = [None, None, *[500] * 5]
    with pytest.raises(InputError, match="what has come is kept"):
        ids_of(entrez.corpus("rare"))
    assert cached(tmp_path) == [BATCHES[0], "search.json"]
    hits, ncbi.hits = ncbi.hits, [999, *ncbi.hits]  # PubMed has grown: the old hits still count
    ncbi.asked.clear()
    assert ids_of(entrez.corpus("rare")) == hits
    assert ncbi.fetched() == [hits[200:400], hits[400:]] and "esearch" not in ncbi.utilities()


def test_a_kill_while_writing_leaves_no_half_file(ncbi, tmp_path, monkeypatch):
    corpus = entrez.corpus("rare")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", interrupt)
        ids_of(corpus)
    assert cached(tmp_path) == ["search.json"]
    assert ids_of(corpus) == ncbi.hits


def interrupt(*_):
    raise KeyboardInterrupt


def test_offline_is_told_in_one_line_and_at_once(ncbi, waits, monkeypatch):
    monkeypatch.setattr(Entrez, "urlopen", REAL_URLOPEN)
    with pytest.raises(InputError, match=r"cannot reach PubMed \(.*download files from .*give their folder") as error:
        entrez.corpus("rare")
    assert one_line(error) and waits == []


def test_a_refused_connection_may_pass(ncbi, waits, monkeypatch):
    def refuse(request):
        raise URLError(ConnectionRefusedError(111, "Connection refused"))

    monkeypatch.setattr(Entrez, "urlopen", refuse)
    with pytest.raises(InputError, match="Connection refused"):
        entrez.corpus("rare")
    assert waits == [1, 2, 4, 8]


def test_the_email_is_asked_for(ncbi, monkeypatch):
    monkeypatch.setenv("NCBI_EMAIL", " ")
    with pytest.raises(InputError, match="NCBI_EMAIL") as error:
        entrez.corpus("rare")
    assert one_line(error) and ncbi.asked == []


def test_queries_that_find_nothing(ncbi, tmp_path):
    with pytest.raises(InputError, match="lacks its query"):
        open_corpus("pubmed: ")
    ncbi.hits = []
    with pytest.raises(InputError, match="finds nothing for 'xyzzy'"):
        entrez.corpus("xyzzy")
    assert cached(tmp_path) == []


def test_hits_without_any_abstract(ncbi):
    ncbi.abstract = ""
    corpus = entrez.corpus("rare")
    with pytest.raises(InputError, match=r"none of the 450 hits for 'rare' has an abstract; .*hasabstract"):
        ids_of(corpus)


def test_report_tells_the_cap_and_what_was_not_sent(ncbi, monkeypatch):
    monkeypatch.setattr(entrez, "MAX_HITS", 410)
    ncbi.count, ncbi.unsent = 1_234_567, (404,)
    corpus = entrez.corpus("rare")
    assert corpus.report == []
    list(corpus.documents())
    hits, read_and_skipped, cleaned = corpus.report[:3]
    assert ": 1,234,567 hits, the newest 410 taken" in hits and "baseline" in hits
    assert read_and_skipped == "409 abstracts read; skipped 1 not sent by PubMed"
    assert cleaned.startswith("409 documents read, 409 kept")


def test_report_ends_with_what_cleaning_says(ncbi, monkeypatch):
    def odd_ones(documents, report):
        report.clear()
        yield from (document for document in documents if int(document.id) % 2)
        report.append("225 even ones dropped")

    monkeypatch.setattr(entrez, "clean", odd_ones)
    corpus = entrez.corpus("rare")
    for _ in range(2):
        documents = corpus.documents()
        assert next(documents).id == "1" and corpus.report == []
        assert [int(document.id) for document in documents] == ncbi.hits[2::2]
        assert corpus.report[0].endswith(": 450 hits")
        assert corpus.report[1:] == ["450 abstracts read", "225 even ones dropped"]


def test_biopython_and_sockets_are_left_as_found(ncbi):
    before = Entrez.max_tries, Entrez.email, Entrez.api_key, socket.getdefaulttimeout()
    ncbi.faults = [500, 400]
    with pytest.raises(InputError):
        entrez.corpus("rare")
    assert before == (Entrez.max_tries, Entrez.email, Entrez.api_key, socket.getdefaulttimeout())


def test_without_biopython(ncbi, monkeypatch):
    monkeypatch.setitem(sys.modules, "Bio", None)
    with pytest.raises(InputError, match="pip install biopython"):
        entrez.corpus("rare")


def test_a_cache_that_cannot_be_written(ncbi, tmp_path):
    (tmp_path / "cache").write_text("a file stands in the way")
    with pytest.raises(InputError, match="TINYGPT_CACHE") as error:
        entrez.corpus("rare")
    assert one_line(error)


def test_about_names_the_search_and_can_be_saved(ncbi):
    about = entrez.corpus("rare").about
    assert set(about) == {"source", "version", "licence", "citation"} and json.dumps(about)
