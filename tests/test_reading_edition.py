"""The reading edition: what its pages hold, where they lead, and how a browser without a network shows them."""

import json
import re
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from in_browser import least_contrast, leave_page
from nbformat.v4 import new_markdown_cell, new_notebook
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tinygpt.config import InputError
from tinygpt.course.notebooks import lesson_paths
from tinygpt.course.reading_edition import framed, html_of, write_pages

LESSONS = [path.stem for path in lesson_paths()]
PAGES = ["index", *(f"{edition}/{name}" for edition in ("notebooks", "solutions") for name in LESSONS)]
PHONE, LAPTOP = 360, 1100


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edition")
    assert write_pages(lesson_paths(), folder) == folder / "index.html"
    return folder


@pytest.fixture(scope="module")
def pages(edition):
    """Every page, read: path → what it holds."""
    found = {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in edition.rglob("*.html")}
    assert {path.relative_to(edition).with_suffix("").as_posix() for path in found} == set(PAGES)
    return found


def test_every_link_leads_somewhere(pages):
    led = set()
    for path, page in pages.items():
        for link in page.find_all("a", href=True):
            address = urlsplit(link["href"])
            if address.scheme:
                assert address.scheme == "https", link
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            assert target in pages, f"{path.name}: {link}"
            ids = [address.fragment, unquote(address.fragment)]  # as browsers look for them
            assert not address.fragment or pages[target].find(id=ids), f"{path.name}: {link}"
            led.add(target)
    assert led == set(pages)


def test_pages_ask_for_nothing(pages):
    for path, page in pages.items():
        assert not page.find_all(["link", "iframe", "object", "embed"]) and not page.find_all("script", src=True), path
        assert all(image["src"].startswith("data:") and image.get("alt") for image in page.find_all("img")), path
        assert not re.search(r"@import|url\((?!['\"]?(data:|#))", "".join(map(str, page.find_all("style")))), path


def test_the_index_names_every_lesson_with_its_minutes(edition, pages):
    index = pages[edition / "index.html"]
    assert [heading.text[:2] for heading in index.find_all("h2")] == [name[:2] for name in LESSONS]
    assert len(re.findall(r"About \d+ minutes to read", index.text)) == len(LESSONS)


def test_lessons_lead_to_their_neighbours(edition, pages):
    for i, name in enumerate(LESSONS):
        for folder in ("notebooks", "solutions"):
            nav = pages[edition / folder / f"{name}.html"].nav
            ways = {kind: [a["href"] for a in nav.find_all("a", rel=kind)] for kind in ("prev", "next")}
            assert ways == {
                "prev": [f"{other}.html" for other in LESSONS[:i][-1:]],
                "next": [f"{other}.html" for other in LESSONS[i + 1 :][:1]],
            }


@pytest.mark.parametrize("source", lesson_paths(), ids=lambda path: path.stem)
def test_a_lesson_to_be_solved_gives_no_answer_away(source, edition, pages):
    worked, solved = nbformat.read(source, as_version=4), pages[edition / "solutions" / f"{source.stem}.html"]
    page = pages[edition / "notebooks" / f"{source.stem}.html"]
    n_answers = sum(cell.source.count("### BEGIN SOLUTION") for cell in worked.cells)
    assert page.text.count('raise NotImplementedError("your turn")') == n_answers > 0
    assert "✅" in solved.text and not re.search(r"✅ \w+: |exercises solved|BEGIN SOLUTION", page.text)
    pictures = sum("text/html" in output.get("data", {}) for cell in worked.cells for output in cell.get("outputs", []))
    assert len(solved.select(".output_html")) == pictures and page.select(".output_html")


def page_of(*texts):
    return framed("page", html_of(new_notebook(cells=[new_markdown_cell(text) for text in texts])))


def test_links_between_notebooks_lead_to_their_pages():
    page = page_of(
        "[a](03_model.ipynb#Its-size) <a href='04_training.ipynb'>b</a> [c](https://x.org/a.ipynb) `d.ipynb`"
    )
    links = [link["href"] for link in BeautifulSoup(page, "html.parser").find_all("a")]
    assert links == ["03_model.html#Its-size", "04_training.html", "https://x.org/a.ipynb"] and "d.ipynb" in page


def test_a_file_is_not_written_over(tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(InputError, match="mine is a file; name a folder"):
        write_pages(lesson_paths(["00"]), tmp_path / "mine")


# In a browser


@pytest.fixture
def seen(browser):
    """seen(address, width, dark): open a page; afterwards nothing went wrong on any, and only files were asked for."""
    leave_page(browser)
    browser.execute_cdp_cmd("Network.enable", {})
    no_network = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", no_network)

    def seen(address, width=LAPTOP, dark=False):
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get(address)
        return browser

    yield seen
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert asked and [url[:80] for url in asked if not url.startswith(("file:", "data:", "about:"))] == []
    assert browser.get_log("browser") == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", no_network | {"offline": False})


def test_no_page_is_wider_than_a_phone_or_goes_wrong(seen, edition):
    for page in PAGES:
        browser = seen((edition / f"{page}.html").as_uri(), PHONE)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE, page


@pytest.mark.parametrize("dark", [False, True])
def test_pages_can_be_read(seen, edition, dark):
    for page in ("index", "notebooks/01_tokenizer", "solutions/02_attention", "solutions/06_perplexity"):
        browser = seen((edition / f"{page}.html").as_uri(), dark=dark)
        ground = browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        assert (ground == "rgba(255, 255, 255, 1)") != dark
        texts = "h1, h2, p, li, nav a, td, th, summary, pre, .highlight :not(.w)"
        assert least_contrast(browser, browser.find_elements(By.CSS_SELECTOR, texts)) >= 4.5, page


def picture(browser):
    return browser.find_element(By.CSS_SELECTOR, ".tinygpt-explorer svg").get_attribute("innerHTML")


@pytest.mark.parametrize("folder", ["notebooks", "solutions"])
def test_explorers_answer(seen, edition, folder):
    for lesson, control, key in (("02_attention", "radio", Keys.ARROW_DOWN), ("05_sampling", "range", Keys.PAGE_DOWN)):
        browser = seen((edition / folder / f"{lesson}.html").as_uri())
        before = picture(browser)
        browser.find_element(By.CSS_SELECTOR, f".tinygpt-explorer input[type={control}]").send_keys(key)
        assert picture(browser) != before


def test_formulas_need_no_network(seen, tmp_path):
    formulas = r"The weights are $\frac{e^{s_i}}{\sum_j e^{s_j}}$."
    block = "$$\nL = -\\frac{1}{N} \\sum_t \\ln p(x_t)\n$$"
    several = r"\begin{align} a &= 1 < 2 \\ b &= \sqrt{D} \end{align}"
    (tmp_path / "page.html").write_text(page_of(formulas, block, several, "It costs `$5`."), encoding="utf-8")
    browser = seen((tmp_path / "page.html").as_uri())
    shown = browser.find_elements(By.TAG_NAME, "math")
    assert [each.get_attribute("display") for each in shown] == ["inline", "block", "block"]
    (text,) = browser.find_elements(By.XPATH, "//p[contains(., 'It costs')]")
    assert "$5" in text.text and browser.find_element(By.TAG_NAME, "body").text.count("$") == 1
    assert all(each.size["height"] > text.size["height"] / 2 and each.size["width"] > 20 for each in shown)
    above, below = browser.find_elements(By.CSS_SELECTOR, "math:first-of-type mfrac > *")[:2]
    assert above.rect["y"] + above.rect["height"] <= below.rect["y"]  # set as a fraction
