"""The explorers in a real browser, as JupyterLab, a static page and a page without scripts show them."""

import json
import re

import numpy as np
import pytest
import torch
from in_browser import least_contrast
from nbformat.v4 import new_code_cell, new_notebook, new_output
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tinygpt.config import InputError, SampleConfig
from tinygpt.course import explorers
from tinygpt.sampling import next_token_probs

TOKENS = ["small", " left", " heart", "</script><script>oops()</script>", "\"<b>'&amp;", "\n"]
T = len(TOKENS)


def maps():
    """Two layers with two heads: all on oneself, all on the one before, all on the first, evenly shared."""
    itself, first, even = np.eye(T), np.zeros((T, T)), np.tril(np.ones((T, T)))
    before = np.eye(T, k=-1)
    before[0, 0] = first[:, 0] = 1
    return np.array([[itself, before], [first, even / even.sum(1, keepdims=True)]])


def words_only(page):
    """What is left where scripts and styles are taken out, as on GitHub."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


# Without a browser


def test_it_says_itself_in_words():
    told = repr(explorers.attention(TOKENS, maps()))
    assert told.splitlines()[0].startswith("Attention of 2 layers with 2 heads each over 6 tokens")
    assert [line.split() for line in told.splitlines()[2:]] == [
        ["0", "0", "100%", "0%", "0%"],
        ["0", "1", "0%", "100%", "20%"],  # the one before the second token is the first
        ["1", "0", "0%", "20%", "100%"],
        ["1", "1", "29%", "29%", "29%"],
    ]


def test_the_words_are_there_without_scripts():
    page = words_only(explorers.attention(TOKENS, maps())._repr_html_())
    assert "Attention of 2 layers" in page and "<td>29%</td>" in page and "tokens&quot;" not in page
    assert "script" not in page.replace("script&gt;", "") and "{" not in page


def test_no_token_ends_the_script_and_nothing_is_fetched():
    page = explorers.attention(TOKENS, maps())._repr_html_()
    assert page.count("</script>") == 2 and "oops()</script>" not in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|\bsrc=|@import|url\(|fetch\(|innerHTML", page)


def test_hidden_keys_take_no_place_and_bidirectional_maps_are_kept():
    explorer = explorers.attention(["a", "b"], [[[[1, 0], [0.25, 0.75]], [[0.5, 0.5], [0.0004, 0.9996]]]])
    assert explorer.data["maps"] == [[[[1000], [250, 750]], [[500, 500], [0, 1000]]]]
    assert json.loads(json.dumps(explorer.data)) == explorer.data


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((1, 1, 2, 3)) / 3, r"shape \(1, 1, 2, 3\) for 2 tokens; it takes \(layers, heads, 2, 2\)"),
        (np.eye(2), r"shape \(2, 2\)"),
        (np.ones((1, 1, 2, 2)), "every row must sum to 1"),
        (np.array([[[[2.0, -1.0], [0, 1]]]]), "no attention weights"),
        (np.full((1, 1, 2, 2), np.nan), "no attention weights"),
    ],
)
def test_what_is_no_attention_is_refused(weights, message):
    with pytest.raises(InputError, match=message):
        explorers.attention(["a", "b"], weights)


def test_torch_tensors_will_do():
    assert repr(explorers.attention(TOKENS, torch.from_numpy(maps()))) == repr(explorers.attention(TOKENS, maps()))


def test_one_token_is_no_text():
    with pytest.raises(InputError, match="at least two tokens"):
        explorers.attention(["a"], np.ones((1, 1, 1, 1)))


NEXT = [*TOKENS, "…", " of", " the"]
SHARP = torch.tensor([0.0, 1.0, 9.0, 0.0, -1.0, 0.0, 2.0, -30.0, 1.0])
FLAT = torch.zeros(9)
CONTEXTS = {"The presence": SHARP, "An abnormal\n</script>": FLAT}


def test_the_sampling_explorer_says_itself_in_words():
    told = repr(explorers.sampling(CONTEXTS, NEXT)).splitlines()
    assert told[0].startswith("The likeliest next token after each text")
    assert re.split(r"  +", told[2].strip()) == [
        "The presence",
        "heart",
        "100%, 9",
        "100%, 9",
        "100%, 1",
        "100%, 1",
    ]
    assert re.split(r"  +", told[3].strip())[1:] == [
        "small",
        "11%, 9",
        "11%, 9",
        "11%, 9",
        "11%, 9",
    ]
    page = explorers.sampling(CONTEXTS, NEXT)._repr_html_()
    assert page.count("</script>") == 2 and "<td>11%, 9</td>" in words_only(page)


def test_the_sampling_explorer_is_given_all_logits_in_falling_order():
    place = explorers.sampling({"a": SHARP.tolist()}, NEXT).data["places"][0]
    assert place["logits"] == [0.0, -7.0, -8.0, -8.0, -9.0, -9.0, -9.0, -10.0, -39.0]
    assert place["names"] == [NEXT[i] for i in (2, 6, 1, 8, 0, 3, 5, 4, 7)]


@pytest.mark.parametrize(
    ("contexts", "message"),
    [
        ({}, "at least one text"),
        ({"a": SHARP[:3]}, r"'a' have shape \(3,\); it takes 9"),
        ({"a": SHARP / 0}, "9 finite ones"),
    ],
)
def test_what_is_no_distribution_is_refused(contexts, message):
    with pytest.raises(InputError, match=message):
        explorers.sampling(contexts, NEXT)


# In a browser


LIGHT, DARK = ("#ffffff", "#111111"), ("#111111", "#dddddd")
HOST = """<!doctype html><meta charset="utf-8"><body style="background: {0}; color: {1}">{2}"""
LATER = """<div id="host"></div><script>
  // as JupyterLab does it: the HTML first, then every script anew
  const host = document.createElement("div");
  host.innerHTML = JSON.parse(document.querySelector("#given").textContent);
  for (const old of host.querySelectorAll("script")) {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) script.setAttribute(name, value);
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
  document.querySelector("#host").append(host);
</script>"""


@pytest.fixture
def shown(browser, tmp_path):
    """shown(body, ground and ink): open a page with it; afterwards nothing may have gone wrong on it."""

    def shown(body, colours=LIGHT):
        page = tmp_path / "page.html"
        page.write_text(HOST.format(*colours, body), encoding="utf-8")
        browser.get(page.as_uri())
        return browser

    yield shown
    assert [line for line in browser.get_log("browser") if "favicon" not in line["message"]] == []


def explorer_html():
    return explorers.attention(TOKENS, maps())._repr_html_()


def find(browser, selector, i=0):
    return browser.find_elements(By.CSS_SELECTOR, f".tinygpt-explorer {selector}")[i]


def status(browser, i=0):
    return find(browser, ".status", i).text


def picture(browser):
    squares = browser.find_elements(By.CSS_SELECTOR, ".tinygpt-explorer svg .weight")
    return [tuple(square.get_attribute(name) for name in ("x", "y", "fill-opacity")) for square in squares]


def press(browser, *keys):
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def test_keys_alone_choose_head_layer_and_token(shown):
    browser = shown(explorer_html())
    assert status(browser) == "Layer 0, head 0: “↵” (token 5) listens to itself 100%."
    before = picture(browser)
    assert len(before) == T
    press(browser, Keys.TAB, Keys.TAB, Keys.ARROW_RIGHT)
    after = picture(browser)
    assert len(after) == T and after != before and "head 1" in status(browser)
    press(browser, Keys.TAB)  # the text, at the token that is chosen
    press(browser, Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert status(browser) == "Layer 0, head 1: “heart” (token 2) listens to “left” (token 1) 100%."
    assert browser.switch_to.active_element.text == " heart"
    press(browser, Keys.END, Keys.ARROW_RIGHT)
    assert "(token 5)" in status(browser)
    find(browser, "input[type=radio]", 0).send_keys(Keys.ARROW_DOWN)
    assert "Layer 1, head 1" in status(browser)
    assert len(picture(browser)) == T * (T + 1) // 2


def test_the_mouse_shows_a_token_s_weights_in_words_and_goes_back(shown):
    browser = shown(explorer_html())
    find(browser, "input[type=radio]", 1).click()
    find(browser, "input[type=radio]", 3).click()
    over = find(browser, ".strip button", 2)
    ActionChains(browser).move_to_element(over).perform()
    told = status(browser)
    assert told.startswith("Layer 1, head 1: “heart” (token 2) listens to")
    assert {"“small” (token 0) 33%", "“left” (token 1) 33%", "itself 33%"} <= set(
        told.removesuffix(".").split("listens to ")[1].split(", ")
    )
    tints = [find(browser, ".strip button", i).value_of_css_property("background-color") for i in range(T)]
    assert len(set(tints[:3])) == 1 and tints[0] != tints[3]
    ActionChains(browser).move_to_element_with_offset(find(browser, "svg"), 0, 20).perform()
    assert "(token 3)" in status(browser)  # a little below the middle
    ActionChains(browser).move_to_element(find(browser, "legend")).perform()
    assert "(token 5)" in status(browser) and "; 2 others share 33%." in status(browser)
    over.click()
    ActionChains(browser).move_to_element(find(browser, "legend")).perform()
    assert "(token 2)" in status(browser)


def test_bars_and_the_picture_have_names(shown):
    browser = shown(explorer_html())
    assert find(browser, ".bars").text == "itself 100%"
    assert find(browser, "svg").get_attribute("role") == "img"
    assert "layer 0, head 0" in find(browser, "svg").get_attribute("aria-label")
    assert find(browser, ".status").get_attribute("aria-live") == "polite"
    focusable = browser.find_elements(By.CSS_SELECTOR, ".tinygpt-explorer :is(input, button, summary)")
    assert len(focusable) == 4 + T + 1
    assert all(each.get_attribute("data-lm-suppress-shortcuts") for each in focusable)  # or JupyterLab takes their keys


def test_awkward_tokens_are_shown_as_they_are(shown):
    browser = shown(explorer_html())
    texts = [find(browser, ".strip button", i).get_property("textContent") for i in range(T)]
    assert texts == [*TOKENS[:-1], "↵"]
    find(browser, ".strip button", 3).click()
    assert "“</script><script>oops()</script>” (token 3)" in status(browser)


def test_the_words_stay_folded_away(shown):
    browser = shown(explorer_html())
    assert not find(browser, ".words").is_displayed()
    find(browser, "summary").click()
    assert find(browser, ".words").is_displayed() and "Attention of 2 layers" in find(browser, ".words").text


def test_several_stand_side_by_side(shown):
    browser = shown(2 * explorer_html())
    assert len(browser.find_elements(By.CSS_SELECTOR, ".tinygpt-explorer svg")) == 2
    find(browser, "input[type=radio]", 4 + 1).click()
    assert "Layer 0" in status(browser, 0) and "Layer 1" in status(browser, 1)


def test_it_works_where_html_is_put_in_before_its_scripts_run(shown):
    given = json.dumps(explorer_html()).replace("<", "\\u003c")
    browser = shown(f'<script type="application/json" id="given">{given}</script>{LATER}')
    find(browser, "input[type=radio]", 3).click()
    assert "head 1" in status(browser) and "“left”" not in status(browser)


def test_it_works_in_a_static_export(browser, tmp_path):
    from nbconvert import HTMLExporter

    output = new_output("execute_result", {"text/html": explorer_html(), "text/plain": "words"}, execution_count=1)
    cells = [new_code_cell("explorers", outputs=[output], execution_count=1) for _ in range(2)]
    exporter = HTMLExporter(require_js_url="", mathjax_url="", jquery_url="", exclude_anchor_links=True)
    page, _ = exporter.from_notebook_node(new_notebook(cells=cells))
    (tmp_path / "export.html").write_text(page, encoding="utf-8")
    browser.get((tmp_path / "export.html").as_uri())
    browser.get_log("browser")  # what the export itself would have fetched
    find(browser, "input[type=radio]", 3).click()
    assert "head 1" in status(browser)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_can_be_read_on_light_and_dark_pages(shown, colours):
    browser = shown(explorer_html(), colours)
    for head in (2, 3):  # the whole weight on one token; shared
        find(browser, "input[type=radio]", head).click()
        find(browser, ".strip button", 1).click()
        texts = browser.find_elements(By.CSS_SELECTOR, ".tinygpt-explorer :is(button, label, legend, .status, td, th)")
        assert least_contrast(browser, texts) >= 4.5


# Sampling


def sampling_html():
    return explorers.sampling(CONTEXTS, NEXT)._repr_html_()


SETTINGS = [
    *[(1, 0, 1), (0.3, 0, 1), (2, 3, 1), (1, 1, 1), (1, 0, 0.75), (1, 0, 0.01), (0.7, 3, 0.9)],
    *[(0, 0, 1), (0.05, 5000, 0.5), (1.5, 40, 0.95)],
]


def test_the_browser_filters_as_the_package_does(shown):
    browser = shown(sampling_html())
    generator = torch.Generator().manual_seed(0)
    ties = torch.tensor([0.5, 0.25, 0.125, 0.125]).log()
    for logits in (
        ties,
        FLAT,
        SHARP,
        torch.randn(300, generator=generator) * 3,
        torch.randn(2048, generator=generator),
    ):
        logits = logits.double().sort(descending=True, stable=True).values
        for temperature, k, p in SETTINGS:
            script = "return TinyGPT.nextTokenProbs(...arguments)"
            got = torch.tensor(browser.execute_script(script, logits.tolist(), temperature, k, p), dtype=torch.double)
            expected = next_token_probs(logits, SampleConfig(float(temperature), k, float(p)))
            torch.testing.assert_close(got, expected)
            assert ((got > 0) == (expected > 0)).all()


def value(browser, name):
    return [e.get_attribute("aria-valuetext") for e in browser.find_elements(By.CSS_SELECTOR, "input[type=range]")][
        ("temperature", "top-k", "top-p").index(name)
    ]


def test_keys_alone_move_the_sliders(shown):
    browser = shown(sampling_html())
    assert status(browser).startswith(
        "9 of 9 tokens stay; before the settings acted they had 100% together. Likeliest now: “heart” 100%"
    )
    press(browser, Keys.TAB, Keys.ARROW_DOWN)
    assert "“small” 11%" in status(browser)
    press(browser, Keys.TAB, Keys.HOME)
    assert value(browser, "temperature") == "0, greedy"
    assert (
        status(browser)
        == "1 of 9 tokens stay; before the settings acted they had 11% together. Likeliest now: “small” 100%."
    )
    press(browser, Keys.ARROW_RIGHT)
    assert value(browser, "temperature") == "0.05" and status(browser).startswith("9 of 9")
    press(browser, Keys.TAB, Keys.HOME)
    assert value(browser, "top-k") == "1" and status(browser).startswith("9 of 9")  # all as likely as the first stay
    press(browser, Keys.TAB, *[Keys.PAGE_DOWN] * 5)
    assert float(value(browser, "top-p")) < 0.6 and not status(browser).startswith("9 of 9")
    press(browser, Keys.HOME)
    assert status(browser).startswith("1 of 9 tokens stay")
    press(browser, Keys.END)
    assert value(browser, "top-p") == "1, off"


def test_bars_and_the_line_follow_the_sliders(shown):
    browser = shown(sampling_html())
    find(browser, "input[type=radio]", 1).click()
    assert len(browser.find_elements(By.CSS_SELECTOR, ".tinygpt-explorer .bars tr")) == 9
    assert len(picture(browser)) == 9 + 1  # one more for what can't be seen
    find(browser, "input[type=range]", 2).send_keys(Keys.HOME)
    widths = [e.get_attribute("width") for e in browser.find_elements(By.CSS_SELECTOR, ".tinygpt-explorer svg .weight")]
    assert widths == ["600", "0"] and "“small” 100%" in find(browser, "svg").get_attribute("aria-label")
    assert find(browser, ".bars").text.splitlines()[1].endswith("0%")


def test_its_words_and_its_keys_are_its_own(shown):
    browser = shown(sampling_html())
    focusable = browser.find_elements(By.CSS_SELECTOR, ".tinygpt-explorer :is(input, button, summary)")
    assert len(focusable) == 2 + 3 + 1 and all(each.get_attribute("data-lm-suppress-shortcuts") for each in focusable)
    find(browser, "summary").click()
    assert "100%, 9" in find(browser, ".words").text


def test_both_explorers_live_on_one_page(shown):
    browser = shown(explorer_html() + sampling_html())
    assert status(browser, 0).startswith("Layer 0") and status(browser, 1).startswith("9 of 9")


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_the_sampling_explorer_can_be_read_on_light_and_dark_pages(shown, colours):
    browser = shown(sampling_html(), colours)
    texts = browser.find_elements(By.CSS_SELECTOR, ".tinygpt-explorer :is(label, legend, output, .status, td, th)")
    assert least_contrast(browser, texts) >= 4.5
