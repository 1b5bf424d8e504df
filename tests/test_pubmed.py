"""PubMed's files: XML in the shape NCBI gives it, read from tmp_path."""

import gzip
import socket
import tracemalloc
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygpt.config import InputError
from tinygpt.corpora import pubmed

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" \
"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">
"""
BOOK = """<PubmedBookArticle><BookDocument>
  <PMID>9</PMID><Abstract><AbstractText>A.</AbstractText></Abstract>
</BookDocument></PubmedBookArticle>"""
DELETED = "<DeleteCitation><PMID Version='1'>77</PMID></DeleteCitation>"


def article(pmid, title="A title.", abstract="<AbstractText>An abstract.</AbstractText>", after=""):
    abstract = abstract and f"<Abstract>{abstract}<CopyrightInformation>Copyright.</CopyrightInformation></Abstract>"
    return f"""<PubmedArticle>
  <MedlineCitation Status="MEDLINE" Owner="NLM">
    <PMID Version="1">{pmid}</PMID>
    <Article PubModel="Print"><ArticleTitle>{title}</ArticleTitle>{abstract}</Article>{after}
    <CommentsCorrectionsList>
      <CommentsCorrections RefType="Cites"><PMID Version="1">1</PMID></CommentsCorrections>
    </CommentsCorrectionsList>
  </MedlineCitation>
  <PubmedData><ArticleIdList><ArticleId IdType="pubmed">{pmid}</ArticleId></ArticleIdList></PubmedData>
</PubmedArticle>
"""


def article_set(*records):
    return f"{HEAD}<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>".encode()


def read(folder, *records, name="pubmed25n0001.xml"):
    (folder / name).write_bytes(article_set(*records))
    report = []
    return list(pubmed.read_xml(folder / name, report)), report


def one_line(error):
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """The DOCTYPE names a file at NCBI: whoever asks for it fails the test."""
    monkeypatch.setattr(socket, "socket", None)


def test_structured_abstract_with_markup_and_entities(tmp_path):
    parts = """
      <AbstractText Label="BACKGROUND" NlmCategory="BACKGROUND"><i>TP53</i> &amp; CO<sub>2</sub> at
        10<sup>&#8722;3</sup> M; p &lt; 0.05.</AbstractText>
      <AbstractText Label="EMPTY"/>
      <AbstractText Label="UNLABELLED">No label here.</AbstractText>
      <AbstractText Label="RESULTS" NlmCategory="RESULTS">Value <mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"
        ><mml:mi>x</mml:mi><mml:mo>=</mml:mo><mml:mn>2</mml:mn></mml:math>.</AbstractText>"""
    other = "<OtherAbstract><AbstractText>Autre.</AbstractText></OtherAbstract>"
    documents, _ = read(tmp_path, article(12345678, "[<b>Caf&#xE9;</b>\n  studies].", parts, other))
    abstract = "BACKGROUND: TP53 & CO2 at 10\N{MINUS SIGN}3 M; p < 0.05. No label here. RESULTS: Value x=2."
    assert documents == [("12345678", f"[Café studies].\n{abstract}")]


def test_report_counts_what_was_skipped(tmp_path):
    records = [article(n) for n in range(1, 1201)]
    without = [article(2001, abstract=""), article(2002, abstract="<AbstractText> </AbstractText>")]
    documents, report = read(tmp_path, *records, *without, BOOK, article(7), DELETED)
    assert [document.id for document in documents] == [str(n) for n in range(1, 1201)]
    skipped = "2 without an abstract, 1 from books, 1 repeated"
    assert report == [f"pubmed25n0001.xml: 1,200 abstracts read; skipped {skipped}"]


def test_nothing_skipped_and_no_title(tmp_path):
    assert read(tmp_path, article(5, title="")) == ([("5", "An abstract.")], ["pubmed25n0001.xml: 1 abstracts read"])


def test_gzip_reads_the_same(tmp_path):
    content = article_set(article(1), article(2))
    (tmp_path / "a.xml").write_bytes(content)
    (tmp_path / "a.xml.gz").write_bytes(gzip.compress(content))
    plain, packed = ([*pubmed.read_xml(tmp_path / name, [])] for name in ("a.xml", "a.xml.gz"))
    assert plain == packed and len(plain) == 2


def test_report_waits_for_the_end_of_the_file(tmp_path):
    (tmp_path / "a.xml").write_bytes(article_set(article(1), article(2)))
    report = []
    documents = pubmed.read_xml(str(tmp_path / "a.xml"), report)
    next(documents)
    assert report == []
    assert [document.id for document in documents] == ["2"] and len(report) == 1


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")))
def test_any_text_survives_escaping(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("any")
    documents, _ = read(folder, article(1, abstract=f"<AbstractText>x{escape(text)}</AbstractText>"))
    assert documents == [("1", "A title.\n" + " ".join(f"x{text}".split()))]


BOMB = "<!ENTITY a0 '0123456789'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
BOMB = f"<!DOCTYPE x [{BOMB}]>\n<PubmedArticleSet>\n&a9;</PubmedArticleSet>".encode()
SPY = b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>\n<PubmedArticleSet>&e;</PubmedArticleSet>"
BROKEN = {
    "wrong.xml": (b"<PubmedArticleSet>\n<PubmedArticle></Wrong>", "line 2: broken XML (mismatched tag)"),
    "short.xml": (article_set(article(1))[:-20], "line 12: broken XML"),
    "twice.xml": (article_set() + article_set(), "line 3: broken XML (junk after document element)"),
    "empty.xml": (b"", "line 1: broken XML (no element found)"),
    "text.xml": (b"no XML", "line 1: broken XML (syntax error)"),
    "none.xml": (b'<?xml version="1.0" encoding="none"?><PubmedArticleSet/>', "can't be read (unknown encoding"),
    "gbk.xml": (b'<?xml version="1.0" encoding="gbk"?><PubmedArticleSet/>', "can't be read (multi-byte encodings"),
    "other.xml": (b"<mediawiki/>", "<mediawiki>, not PubMed's <PubmedArticleSet>"),
    "short.xml.gz": (gzip.compress(article_set(article(1)))[:-20], "can't be read"),
    "wrong.xml.gz": (b"no gzip", "can't be read"),
    "flipped.xml.gz": (gzip.compress(b"<PubmedArticleSet/>")[:12] + bytes(40), "can't be read"),
    "bomb.xml": (BOMB, "line 3: broken XML (limit on input amplification factor"),
    "spy.xml": (SPY, "line 2: broken XML (undefined entity &e;)"),
    "missing.xml": (None, "can't be read"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_named_in_one_line(tmp_path, name):
    content, message = BROKEN[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        list(pubmed.read_xml(tmp_path / name, []))
    assert str(tmp_path / name) in one_line(error) and message in one_line(error)


def test_memory_stays_flat(tmp_path):
    def peak_bytes(n_records):
        (tmp_path / "a.xml").write_bytes(article_set(*map(article, range(n_records))))
        tracemalloc.start()
        for _ in pubmed.read_xml(tmp_path / "a.xml", []):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(4000) < 1.5 * peak_bytes(400) + 250 * 4000  # what grows is the set of PMIDs
