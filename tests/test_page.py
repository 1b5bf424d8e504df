"""The exported page: what it holds, and in a real browser, that it computes and shows what the package does."""

import json
import re
import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from in_browser import least_contrast
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tinygpt.attention import attention_maps
from tinygpt.checkpoint import METRICS, open_run, own_weights
from tinygpt.config import InputError, ModelConfig, SampleConfig
from tinygpt.corpora import open_corpus
from tinygpt.course import explorers
from tinygpt.evaluation import evaluate
from tinygpt.model import TinyGPT
from tinygpt.sampling import generate, generate_ids, make_decoder, prompt_ids
from tinygpt.share import page as page_module
from tinygpt.share.page import KINDS, export_page, pack
from tinygpt.tokenizer import Tokenizer
from tinygpt.training import train

PRESETS = ("modern", "gpt2")
SHAPE = dict(d_model=20, n_heads=2, n_layers=2, context_length=32)  # no multiple of 4 rows everywhere


@pytest.fixture(scope="module")
def runs(make_run, corpus_file, tmp_path_factory):
    """A small trained run of each preset, with a vocabulary that no loop over four rows at a time divides."""
    tokenizer = Tokenizer.train((d.text for d in open_corpus(str(corpus_file)).split("train")), 301)
    folder, made = tmp_path_factory.mktemp("page-runs"), {}
    for preset in PRESETS:
        run = make_run(folder / preset, preset, tokenizer, **SHAPE, dropout=0.0)
        assert train(run)
        made[preset] = open_run(run.folder)
    return made


@pytest.fixture(scope="module")
def exported(runs, tmp_path_factory):
    """exported(preset, kind of weights): the page, made once."""
    folder = tmp_path_factory.mktemp("pages")

    def exported(preset="modern", weights="float32"):
        path = folder / f"{preset}-{weights}.html"
        if not path.exists():
            export_page(runs[preset].folder, path, weights)
        return path

    return exported


# Without a browser


@pytest.mark.parametrize("preset", PRESETS)
def test_a_page_is_one_file_that_fetches_nothing(exported, preset):
    page = exported(preset).read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|\bsrc=|@import|url\(|fetch\(|innerHTML|\beval\(", page)
    assert page.count("</script>") == 3


def test_no_token_ends_the_page_s_data(make_run, tmp_path):
    tokenizer = Tokenizer.train(["</script><script><!--"] * 9, 265)
    run = make_run(tmp_path / "run", "modern", tokenizer, **SHAPE)
    assert any("<" in pair[0] + pair[1] for pair in tokenizer.merges)
    assert train(run)
    export_page(run.folder, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert "<" not in data
    assert json.loads(data)["merges"] == [" ".join(pair) for pair in tokenizer.merges]


def test_a_model_of_the_default_size_takes_less_than_4_mb(exported):
    tiny = exported().read_text(encoding="utf-8")
    around = len(re.sub(r'(id="weights">)[^<]*', r"\1", tiny).encode())
    weights = {name: w.numpy() for name, w in own_weights(TinyGPT(ModelConfig())).items()}
    merges = 2 * 2048 * 20  # bytes, more than their lines take
    assert sum(w.size for w in weights.values()) > 1.3e6
    assert around + merges + len(pack(weights, "float16")[1]) * 4 / 3 < 4e6


def test_rounding_to_int8_by_hand():
    w = np.array([[1.0, -2.54, 0.011, 0.009], [0, 0, 0, 0]], dtype=np.float32)
    index, packed = pack({"w": w, "bias": np.float32([0.1])}, "int8")
    assert index == [["w", 2, 4, "int8"], ["bias", 1, 1, "float32"]]
    np.testing.assert_allclose(np.frombuffer(packed[:8], "<f4"), [0.02, 0], rtol=1e-6)
    assert np.frombuffer(packed[8:16], np.int8).tolist() == [50, -127, 1, 0, 0, 0, 0, 0]
    assert np.frombuffer(packed[16:], "<f4") == np.float32(0.1)


@pytest.mark.parametrize("preset", PRESETS)
def test_int8_costs_less_than_a_hundredth_of_the_bits_per_byte(runs, preset):
    run = runs[preset]
    model, tokens = run.model(), run.tokens()["validation"]
    before = evaluate(model, tokens).bits_per_byte
    model.load_state_dict({name: torch.from_numpy(w) for name, w in stored(model, "int8").items()}, strict=False)
    assert abs(evaluate(model, tokens).bits_per_byte / before - 1) < 0.01


def stored(model, kind):
    """The weights that a page holds, by numpy's own rounding."""
    weights = {name: w.numpy() for name, w in own_weights(model).items()}
    if kind == "float16":
        return {name: w.astype(np.float16).astype(np.float32) for name, w in weights.items()}
    if kind == "int8":
        for name, w in weights.items():
            if w.ndim == 2:
                scale = np.abs(w).max(1, keepdims=True) / np.float32(127)
                weights[name] = np.rint(w / scale).astype(np.float32) * scale
    return weights


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("taken", ["a file", "a folder"])
def test_what_is_there_stays(runs, tmp_path, preset, taken):
    path = tmp_path / "page.html"
    path.mkdir() if taken == "a folder" else path.write_text("mine")
    with pytest.raises(InputError, match=r"page\.html is there already; choose another --to"):
        export_page(runs[preset].folder, path)
    assert path.is_dir() or path.read_text() == "mine"


def test_mistakes_leave_nothing_behind(runs, trained, tmp_path):
    run = runs["modern"].folder
    with pytest.raises(InputError, match="weights='float8' is unknown; choose one of float16, int8, float32"):
        export_page(run, tmp_path / "a" / "page.html", "float8")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"can't be written: .*; choose another --to"):
        export_page(run, tmp_path / "file" / "page.html")
    (trained / METRICS).write_text('{"validation": {"bits_per_byte": 1.5}}')
    with pytest.raises(InputError, match=r"metrics.json is damaged .*; bring it back, or delete it"):
        export_page(trained, tmp_path / "page.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "trained"]


@pytest.mark.parametrize(("kind", "value"), [("float16", 1e5), ("int8", np.inf), ("float32", np.nan)])
def test_numbers_that_do_not_fit_are_told(kind, value):
    with pytest.raises(InputError, match=r"float32|broken"):
        pack({"w": np.float32([[1, value]])}, kind)


def test_the_facts_are_told(trained, tmp_path):
    figures = {"bits_per_byte": 1.468, "bits_per_byte_interval": [1.4333, 1.5033]}
    (trained / METRICS).write_text(json.dumps({"validation": figures}))
    export_page(trained, tmp_path / "page.html", "int8")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "1.468 bits per byte of held-out text (95% interval 1.433 to 1.503)" in page
    assert "stored as int8: 1 layers of 2 heads" in page and "Trained for 30 steps on: letters.txt." in page
    assert "Licence of that text" not in page  # it is yours


def test_licence_and_citation_are_told_and_are_text(runs, tmp_path, monkeypatch):
    run = open_run(runs["modern"].folder)
    run.config["corpus"] |= {"licence": "free", "citation": "Ada 1843", "source": "a<b>c"}
    monkeypatch.setattr(page_module, "open_run", lambda folder: run)
    export_page(run.folder, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<li>Licence of that text: free.</li><li>To cite it: Ada 1843.</li>" in page
    assert page.count("a&lt;b&gt;c") >= 2 and "a<b>c" not in page


def test_the_examples_are_a_few_first_words(runs, monkeypatch):
    texts = ["\n", "half \ufffd a character", *(f"text {i // 2} has six words\nand more" for i in range(20))]
    monkeypatch.setattr(page_module, "generate", lambda *_, seed, **__: iter(texts[seed]))
    found = page_module.beginnings(None, runs["modern"].tokenizer())
    assert found == [f"text {i} has six words" for i in range(3)]
    texts[:2] = ["one two three four five six", "seven"]
    assert page_module.beginnings(None, None) == ["one two three four five", "seven", *found[:2]]


# The tokenizer in a browser


@pytest.fixture
def opened(browser, exported):
    """opened(preset, kind of weights): the page, ready; afterwards nothing may have gone wrong on it."""

    def opened(preset="modern", weights="float32", path=None):
        browser.get((path or exported(preset, weights)).as_uri())
        until_idle(browser)
        return browser

    yield opened
    emulate(browser, "clearDeviceMetricsOverride")
    emulate(browser, "setEmulatedMedia", features=[])
    assert browser.get_log("browser") == []


def emulate(browser, what, **how):
    browser.execute_cdp_cmd(f"Emulation.{what}", how)


def until_idle(browser):
    """The model has read, and written, what it was asked to."""
    script = "return !TinyGPT.text.busy && TinyGPT.text.places[TinyGPT.text.ids.length] !== undefined"
    WebDriverWait(browser, 30, 0.02).until(lambda b: b.execute_script(script))


ENCODE = "return arguments[0].map((text) => TinyGPT.tokenizer.encode(text))"
HOSTILE = [
    *(
        "",
        " ",
        "  ",
        "a",
        " a",
        "a ",
        "\n",
        "\r\n",
        "a\r\n b",
        "\ta\t\tb",
        "a  b   c    ",
        "x \n y",
        "\u00a0",
        "a\u00a0b",
    ),
    *("it's we'll I'd they've I'm you're don'T 's", "'", "''s", "3.14", "x2y3", "²¾Ⅻ", "٣٤٥", "½kg", "1,000.50"),
    *(
        "🙂",
        "a🙂b",
        "👩‍👩‍👧‍👦",
        "🏳️‍🌈",
        "é",
        "e\u0301",
        "\u0301",
        "a\u0300\u0301\u0302b",
        "ZoëŁódź",
        "नमस्ते दुनिया",
        "ไทย",
        "한국어",
        "日本語テキスト",
    ),
    *(
        "\u200b",
        "\ufeff",
        "\ufeffa",
        "\u2028",
        "\u2029",
        "\x85",
        "\x1c",
        "\u180e",
        "\u3000",
        "\u1680a",
        "\x00",
        "\x7f",
        "\u202ertl",
    ),
    *(
        "<|endoftext|>",
        "</script>",
        "<!--",
        "\\",
        "__proto__",
        "constructor",
        "toString hasOwnProperty",
        "\U0010ffff",
        "\ue000",
    ),
    *(
        "a" * 5000,
        "ab" * 3000,
        " " * 3000,
        "é" * 2000,
        "🙂" * 1000,
        "Pneumonoultramicroscopicsilicovolcanoconiosis" * 50,
        "\n" * 500,
    ),
]


def test_every_document_and_hostile_text_is_cut_alike(opened, runs, letters):
    browser, tokenizer = opened(), runs["modern"].tokenizer()
    for texts in (letters, HOSTILE):
        assert browser.execute_script(ENCODE, texts) == [tokenizer.encode(text) for text in texts]


def test_the_validation_documents_of_the_course_are_cut_alike(opened):
    corpus = open_corpus("hpo")
    tokenizer = Tokenizer.train((d.text for d in corpus.split("train")), 2048)
    texts = [d.text for d in corpus.split("validation")] + HOSTILE
    script = ENCODE.replace("TinyGPT.tokenizer", "tokenizer")
    merges = [f"{left} {right}" for left, right in tokenizer.merges]
    found = opened().execute_script(f"const tokenizer = new TinyGPT.Tokenizer(arguments[1]); {script}", texts, merges)
    assert len(texts) > 800 and found == [tokenizer.encode(text) for text in texts]


# Unassigned characters are left out: what becomes a letter later is one only where Unicode is new enough.
KNOWN = st.characters(exclude_categories=["Cs", "Cn"])


@given(st.lists(st.text(KNOWN | st.sampled_from(" \n\r\t'sStdé1²\u00a0\u0301"), max_size=40), min_size=20, max_size=20))
def test_any_text_is_cut_alike(texts_browser, runs, texts):
    tokenizer = runs["modern"].tokenizer()
    assert texts_browser.execute_script(ENCODE, texts) == [tokenizer.encode(text) for text in texts]
    assert not any(unicodedata.category(c) == "Cn" for text in texts for c in text)


@pytest.fixture(scope="module")
def texts_browser(browser, exported):
    browser.get(exported().as_uri())
    until_idle(browser)
    return browser


def test_single_tokens_are_the_same_bytes(opened, runs):
    tokenizer = runs["modern"].tokenizer()
    found = opened().execute_script("return TinyGPT.tokenizer.tokens.map((_, i) => [...TinyGPT.tokenizer.bytes(i)])")
    assert [bytes(each) for each in found] == [tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size)]


# The model in a browser


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_uses_exactly_the_rounded_weights(opened, runs, preset, kind):
    script = "return Object.fromEntries(Object.entries(TinyGPT.model.weights).map(([name, w]) => [name, [...w]]))"
    found = opened(preset, kind).execute_script(script)
    for name, w in stored(runs[preset].model(), kind).items():
        np.testing.assert_array_equal(np.float32(found.pop(name)), w.ravel(), err_msg=name)
    assert list(found) == (["head.weight"] if preset == "gpt2" else [])  # tied: the embedding


def prompts(letters):
    """A hundred beginnings, from nothing to more than the context."""
    return ["", *(text[: 3 * n] for n, text in enumerate(letters[1:99], start=1)), " ".join(letters[:5])]


GREEDY = """
const [prompts, most] = arguments;
const greedy = { temperature: 0, k: 0, p: 1 };
return prompts.map((prompt) => {
  const ids = [0, ...TinyGPT.tokenizer.encode(prompt)], written = [];
  let logits = null;
  for (const { at, place, id } of TinyGPT.write(TinyGPT.model, ids, most, (logits) => TinyGPT.pick(logits, greedy))) {
    if (at === ids.length) logits ??= [...place.logits]; // later it may be read again, with less before it
    if (id !== undefined) written.push(id);
  }
  return [ids, logits, written];
});
"""


@pytest.mark.parametrize("preset", PRESETS)
def test_a_hundred_prompts_give_the_package_s_ids_and_logits(opened, runs, letters, preset):
    run, texts, most = runs[preset], prompts(letters), 40
    tokenizer, decoder = run.tokenizer(), make_decoder(run.model())
    context, settings = run.model_config.context_length, SampleConfig(0.0, 0, 1.0, most)
    found = opened(preset).execute_script(GREEDY, texts, most)
    assert len(found) == 100 and max(len(ids) for ids, _, _ in found) > context
    lengths = set()
    for text, (ids, logits, written) in zip(texts, found, strict=True):
        assert ids == prompt_ids(tokenizer, text)
        decoder.forget()
        np.testing.assert_allclose(logits, decoder(ids[-context:]), atol=1e-4)
        assert written == list(generate_ids(decoder, ids, settings, tokenizer.end_of_text))
        lengths.add(len(written))
    assert most in lengths  # some went on past a full context


@pytest.mark.parametrize("preset", PRESETS)
def test_attention_is_the_package_s(opened, runs, letters, preset):
    run = runs[preset]
    ids = prompt_ids(run.tokenizer(), letters[3])[: run.model_config.context_length]
    script = "TinyGPT.model.forget(); return arguments[0].map((id) => [...TinyGPT.model.read(id).attention])"
    found = opened(preset).execute_script(script, ids)
    maps = attention_maps(run.model(), torch.tensor([ids]))[:, 0]  # (layers, H, T, T)
    for t, weights in enumerate(found):
        np.testing.assert_allclose(weights, maps[:, :, t, : t + 1].flatten(), atol=1e-5)


def test_random_numbers_are_torch_s(opened):
    script = "const next = TinyGPT.randomNumbers(arguments[0]); return Array.from({ length: 400 }, next)"
    browser = opened()
    for seed in (0, 1, 5489, 2**32 - 1):
        generator = torch.Generator().manual_seed(seed)
        expected = [torch.rand((), dtype=torch.double, generator=generator).item() for _ in range(400)]
        assert browser.execute_script(script, seed) == expected


# The page


def find(browser, selector, i=0):
    return browser.find_elements(By.CSS_SELECTOR, selector)[i]


def note(browser):
    return find(browser, "#note").text


def texts(browser, selector):
    script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)"
    return browser.execute_script(script, selector)


def begin(browser, prompt):
    """Type a beginning and wait until the model has read it."""
    box = find(browser, "#prompt")
    box.clear()
    box.send_keys(prompt)
    until_text(browser, prompt)


def until_text(browser, text):
    script = "return document.getElementById('plain').textContent"
    WebDriverWait(browser, 30, 0.02).until(lambda b: b.execute_script(script) == text)
    until_idle(browser)


def press(browser, *keys):
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def set_value(browser, selector, value):
    script = """const [input, value] = [document.querySelector(arguments[0]), arguments[1]];
    input.value = value; input.dispatchEvent(new Event("input"))"""
    browser.execute_script(script, selector, value)


SIZES = [1, 2, 3, 5, 10, 20, 40, 80, 160, 320, 640, 0]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    ("settings", "seed"),
    [
        (SampleConfig(0.8, 0, 0.95, 60), 0),
        (SampleConfig(1.0, 0, 1.0, 60), 7),
        (SampleConfig(1.5, 40, 0.9, 100), 2**32 - 1),
    ],
)
def test_a_seed_writes_what_it_writes_in_the_package(opened, runs, preset, settings, seed):
    run = runs[preset]
    browser, prompt = opened(preset), "Zoë, my friend"
    begin(browser, prompt)
    set_value(browser, "[aria-label=temperature]", settings.temperature)
    set_value(browser, "[aria-label=top-k]", SIZES.index(settings.top_k))
    set_value(browser, "[aria-label=top-p]", settings.top_p)
    set_value(browser, "[aria-label=length]", settings.max_tokens)
    find(browser, "#seed").clear()
    find(browser, "#seed").send_keys(str(seed))
    find(browser, "#write").click()
    until_idle(browser)
    expected = prompt + "".join(generate(run.model(), run.tokenizer(), prompt, settings, seed))
    assert texts(browser, "#plain") == [expected]
    assert "".join(texts(browser, "#heard p")) == expected.removeprefix(prompt)
    shown = "".join(texts(browser, ".strip button")[1:])
    assert shown.replace("·", "").replace("␣", " ") == expected.replace("\n", "↵").replace("·", "").removesuffix(
        "\ufffd"
    )


def test_what_is_typed_is_read_at_once(opened, runs):
    browser, tokenizer = opened(), runs["modern"].tokenizer()
    begin(browser, "Dear Zoë 🙂")
    n = len(tokenizer.encode("Dear Zoë 🙂"))
    shown = texts(browser, ".strip button")
    assert len(shown) == 1 + n + 1 and shown[0] == "start" and shown[-1] == ""
    assert "".join(shown).replace("·", "").replace("␣", " ") == "startDear Zoë 🙂"
    assert find(browser, "#next-title").text == "What comes next"


def test_the_sliders_act_on_the_distribution_at_once(opened):
    browser = opened()
    begin(browser, "Dear")
    set_value(browser, "[aria-label=top-p]", 1)
    words = "301 of 301 tokens stay; before the settings acted they had 100%"
    assert find(browser, "#next .status").text.startswith(words)
    find(browser, "[aria-label=top-k]").send_keys(Keys.HOME)
    assert find(browser, "#next .status").text.startswith("1 of 301 tokens stay")
    shares = [row.split()[-1] for row in find(browser, "#next .bars").text.splitlines()]
    assert shares == ["100%"] + 11 * ["0%"]


def test_a_token_tells_its_alternatives_and_what_the_heads_heard(opened, runs):
    browser, run = opened("gpt2"), runs["gpt2"]
    begin(browser, "Dear Zoë")
    ids = prompt_ids(run.tokenizer(), "Dear Zoë")
    find(browser, ".strip button", 3).click()
    decoder = make_decoder(run.model())
    probs = torch.from_numpy(decoder(ids[:3])).softmax(-1)
    rank, bits = int((probs > probs[ids[3]]).sum()) + 1, -float(probs[ids[3]].log2())
    told = find(browser, "#taken").text
    assert find(browser, "#next-title").text == "What could stand at token 3"
    assert f"a surprise of {bits:.1f} bits, rank {rank} of 301" in told
    rows = browser.find_elements(By.CSS_SELECTOR, "#next .bars tr")
    assert len(rows) == 12 + (rank > 12)
    taken = [row for row in rows if row.get_attribute("aria-current") == "true"]
    assert [rows.index(row) for row in taken] == [min(rank - 1, 12)]
    find(browser, "#heads input[type=radio]", 0).click()
    maps = attention_maps(run.model(), torch.tensor([ids]))[:, 0]
    for head in range(2):
        share = maps[0, head, 2, :3].sort(descending=True)
        names = ["start" if s == 0 else run.tokenizer().decode([ids[s]]) for s in share.indices.tolist()]
        rows = find(browser, "#heads .bars", head).text.splitlines()
        assert [row.split() for row in rows] == [
            [*name.split(), f"{100 * x:.0f}%"] for name, x in zip(names, share.values.tolist(), strict=True)
        ]
    find(browser, "#colours input", 2).click()
    coloured = "return [...document.querySelectorAll('.strip button')].map((each) => each.style.backgroundColor)"
    opacity = [float(each.split(",")[3].rstrip(")")) for each in browser.execute_script(coloured)]
    np.testing.assert_allclose(opacity[:3], 0.6 * maps[0, 1, 2, :3].sqrt(), atol=4e-3)  # a browser keeps 8 bits of them
    assert not any(opacity[3:])


def test_surprise_colours_the_text(opened, runs):
    browser, run = opened(), runs["modern"]
    begin(browser, "Dear Zoë, my xq")
    ids = prompt_ids(run.tokenizer(), "Dear Zoë, my xq")
    logits = run.model()(torch.tensor([ids]))[0].detach().log_softmax(-1)
    bits = [-float(logits[t, ids[t + 1]]) / np.log(2) for t in range(len(ids) - 1)]
    coloured = "return [...document.querySelectorAll('.strip button')].map((each) => each.style.backgroundColor)"
    colours = browser.execute_script(coloured)
    opacity = [float(each.split(",")[3].rstrip(")")) for each in colours]
    np.testing.assert_allclose(
        opacity, [0, *(0.6 * min(b, 12) / 12 for b in bits), 0], atol=4e-3
    )  # a browser keeps 8 bits of them
    assert all(each.startswith("rgba(213, 94, 0") for each in colours)


def test_another_takes_the_next_seed(opened):
    browser = opened()
    begin(browser, "Dear")
    seen = set()
    for seed in ("1", "2", "3"):
        find(browser, "#another").click()
        until_idle(browser)
        assert find(browser, "#seed").get_attribute("value") == seed
        seen.add(browser.execute_script("return TinyGPT.text.ids.join()"))
    assert len(seen) == 3


def test_on_a_narrow_screen_the_text_comes_into_sight(opened):
    browser = opened()
    browser.set_window_size(500, 700)
    try:
        browser.execute_script("window.scrollTo(0, 0)")
        find(browser, "#write").click()
        until_idle(browser)
        top, height = browser.execute_script(
            "return [document.getElementById('text').getBoundingClientRect().top, innerHeight]"
        )
        assert 0 <= top < height
    finally:
        browser.set_window_size(1000, 900)


def test_keys_alone_are_enough(opened):
    browser = opened()
    begin(browser, "Dear Ada")
    find(browser, "#prompt").click()
    ActionChains(browser).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    WebDriverWait(browser, 30).until(lambda b: "a second" in note(b))
    reached = []
    for _ in range(30):
        press(browser, Keys.TAB)
        focused = browser.switch_to.active_element
        reached.append(focused.get_attribute("id") or focused.get_attribute("class") or focused.accessible_name)
        if focused.get_attribute("class") == "next":
            break
    assert {"seed", "write", "temperature", "top-k", "top-p", "length"} <= set(reached)
    press(browser, Keys.HOME)
    assert "Every text starts here" in find(browser, "#taken").text
    press(browser, Keys.ARROW_RIGHT)
    assert find(browser, "#next-title").text == "What could stand at token 1"
    style = "const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth"
    assert browser.execute_script(style) == "solid3px"
    press(browser, Keys.END)
    assert find(browser, "#next-title").text == "What comes next"


SLOW = """// a large model that never ends its text: what is done to it comes in time
TinyGPT.pick = () => 70;
const read = TinyGPT.model.read;
TinyGPT.model.read = function (id) {
  for (const end = performance.now() + 100; performance.now() < end; );
  return read.call(this, id);
};
"""


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_stop_stops_and_the_text_stays(opened, how):
    browser = opened()
    begin(browser, "Dear")
    set_value(browser, "[aria-label=temperature]", 2)
    set_value(browser, "[aria-label=length]", 500)
    browser.execute_script(SLOW)
    find(browser, "#write").click()
    count = "return TinyGPT.text.ids.length - TinyGPT.text.given"
    WebDriverWait(browser, 30, 0.02).until(lambda b: b.execute_script(count) >= 2)
    live = find(browser, "#plain").get_attribute("textContent")
    assert live.startswith("Dear") and find(browser, "#stop").is_enabled()
    find(browser, "#stop").click() if how == "button" else press(browser, Keys.ESCAPE)
    n = browser.execute_script(count)
    assert note(browser) == f"Stopped after {n} tokens." and not find(browser, "#stop").is_enabled()
    if how == "button":
        assert browser.switch_to.active_element.get_attribute("id") == "write"  # the focus is not lost
    browser.execute_async_script("setTimeout(arguments[0], 200)")
    assert browser.execute_script(count) == n and 2 <= n < 500
    assert "".join(texts(browser, "#plain")).startswith(live)


def test_a_new_prompt_ends_what_goes_on(opened):
    browser = opened()
    set_value(browser, "[aria-label=length]", 500)
    browser.execute_script(SLOW)
    find(browser, "#write").click()
    find(browser, "#prompt").clear()
    find(browser, "#prompt").send_keys("To Tom")
    until_text(browser, "To Tom")
    assert not find(browser, "#stop").is_enabled()


def fill(browser, prompt):
    browser.execute_script("document.getElementById('prompt').value = arguments[0]", prompt)
    find(browser, "#write").click()
    until_idle(browser)


def test_what_to_know_about_a_prompt_is_said(opened, runs):
    browser, tokenizer = opened(), runs["modern"].tokenizer()
    fill(browser, "")
    assert note(browser).startswith("With nothing to begin from, the model starts a text of its own. ")
    long = "Come soon! " * 40
    fill(browser, long)
    assert note(browser).startswith(
        f"The beginning has {len(tokenizer.encode(long)) + 1} tokens, the model reads the last 32. "
    )
    find(browser, ".strip button", 2).click()
    assert (
        find(browser, "#taken").text
        == f"“{tokenizer.decode(tokenizer.encode(long)[1:2]).strip()}” stands before what the model has read."
    )
    assert not find(browser, "#next").is_displayed()
    written = texts(browser, "#plain")
    fill(browser, "x" * 10_001)
    assert note(browser) == "The beginning has 10,001 characters: shorten it to 10,000."
    browser.execute_script("document.getElementById('prompt').value = 'a\\ud800b'")
    find(browser, "#write").click()
    assert note(browser) == "The beginning holds half a character, which no tokenizer can read: delete it."
    fill(browser, "Dear")
    for seed in ("-1", "1.5", str(2**32), ""):
        browser.execute_script("document.getElementById('seed').value = arguments[0]", seed)
        browser.execute_script("document.getElementById('form').requestSubmit()")
        assert note(browser) == "The seed must be a whole number from 0 to 4294967295."
    assert written != texts(browser, "#plain")


def test_nothing_is_fetched_and_no_text_becomes_code(opened, runs, tmp_path, monkeypatch):
    evil = ["</script><script>oops()</script>", "<img src=x onerror=oops()>", "\"'&amp;<!--"]
    monkeypatch.setattr(page_module, "beginnings", lambda decoder, tokenizer: evil)
    monkeypatch.setattr(page_module, "facts", lambda run, model, weights: evil)
    export_page(runs["modern"].folder, tmp_path / "evil.html", "int8")
    assert (tmp_path / "evil.html").read_text(encoding="utf-8").count("</script>") == 3
    browser = opened(path=tmp_path / "evil.html")
    assert texts(browser, "#examples button") == evil == texts(browser, "footer li")
    for i, text in enumerate(evil):
        find(browser, "#examples button", i).click()
        until_text(browser, text)
        find(browser, ".strip button", 1).click()
    assert browser.execute_script(
        "return [document.images.length, performance.getEntriesByType('resource').length]"
    ) == [0, 0]


def test_everything_has_a_name_and_what_is_written_is_heard(opened):
    browser = opened()
    for control in browser.find_elements(By.CSS_SELECTOR, "button, input, textarea, summary"):
        assert control.accessible_name.strip(), control.get_attribute("outerHTML")
    heard = find(browser, "#heard")
    assert (heard.aria_role, heard.get_attribute("aria-live")) == ("log", "polite")
    assert find(browser, "#note").aria_role == find(browser, "#taken").aria_role == "status"
    assert find(browser, "html").get_attribute("lang") == "en"
    assert "Not medical advice." in find(browser, ".warning").text


FULL = "for (const token of arguments[0]) token.style.backgroundColor = `rgba(${arguments[1]}, 0.6)`"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(opened, scheme):
    browser = opened()
    emulate(browser, "setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    begin(browser, "Dear Zoë, xqzw")
    for colour in (0, 1):
        find(browser, "#colours input", colour).click()
        everything = (
            "p, h1, h2, h3, li, label, legend, summary, textarea, output, td, th, .strip button, button:enabled"
        )
        assert least_contrast(browser, browser.find_elements(By.CSS_SELECTOR, everything)) >= 4.5
        tokens = browser.find_elements(By.CSS_SELECTOR, "#text .strip button")
        browser.execute_script(FULL, tokens, ("213, 94, 0", "31, 134, 204")[colour])
        assert least_contrast(browser, tokens) >= 4.5  # whatever a model finds surprising, or listens to
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", ground)[0]) > 128) == (scheme == "light")


@pytest.mark.parametrize(("width", "scale"), [(400, 1), (500, 2)])  # a phone; a window of 1000 at 200%
def test_it_fits_narrow_windows(opened, width, scale):
    browser = opened()
    emulate(browser, "setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=scale, mobile=False)
    begin(browser, "Dear " + "x" * 200)
    wide = "return document.documentElement.scrollWidth <= window.innerWidth"
    assert browser.execute_script(wide)


def test_page_and_explorers_share_their_components(exported):
    page = exported().read_text(encoding="utf-8")
    explorer = explorers.sampling({"a": [0.0, 1.0]}, ["x", "y"])._repr_html_()
    for name in ("components.js", "components.css"):
        assert page_module.source(name) in page and page_module.source(name) in explorer
