"""The demo: what it writes and shows, how many it serves at once, and how visitors meet it in a real browser."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from in_browser import least_contrast, leave_page
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tinygpt.checkpoint import open_run
from tinygpt.cli import main
from tinygpt.config import END_OF_TEXT, InputError, SampleConfig
from tinygpt.sampling import TorchDecoder, generate, generate_ids, prompt_ids
from tinygpt.share import shown
from tinygpt.share.demo import AT_ONCE, WAITING, WARNING, examples
from tinygpt.share.writer import LONGEST_PROMPT, Writer

AWKWARD = f"{END_OF_TEXT} </textarea><script>oops()</script> <b title='x'>&amp; ${{value}} {{{{value}}}} 🙂"
WARM = {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "length": 40, "seed": 7}
PATIENCE_S = 30


class Text(HTMLParser):
    """What a reader sees of a page, and the tags that it is made of."""

    def __init__(self, page):
        super().__init__()
        self.text, self.tags = "", []
        self.feed(page)
        self.close()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


@pytest.fixture(scope="module")
def run(_trained):
    return open_run(_trained)


@pytest.fixture(scope="module")
def writer(run):
    return Writer(run.model(), run.tokenizer())


def alone(writer, prompt, **changes):
    """What one visitor alone gets in the end: page, place, status."""
    *_, last = writer.write(prompt, **WARM | changes)
    return last


# What is written


@pytest.mark.parametrize("prompt", ["", "Dear", AWKWARD, "To Björn in Łódź " * 9])
@pytest.mark.parametrize("changes", [{}, {"temperature": 0}, {"top_k": 3, "top_p": 0.5, "seed": 2**53 - 1}])
def test_it_writes_what_generate_writes(writer, prompt, changes):
    values = WARM | changes
    config = SampleConfig(values["temperature"], values["top_k"], values["top_p"], values["length"])
    expected = "".join(generate(writer.model, writer.tokenizer, prompt, config, values["seed"]))
    page, (tail, _), status = alone(writer, prompt, **changes)
    assert Text(page).text == prompt + expected and (prompt + expected).endswith(tail.removeprefix("…"))
    n_tokens = int(re.match(r"(\d+) tokens", status)[1])
    assert n_tokens == 40 or "The model ended the text." in status
    assert ("it read the last 16" in status) == (len(prompt) > 100 or prompt == AWKWARD)


def test_it_streams_token_by_token_with_the_scores_of_what_follows(writer):
    prompt, n_tokens = prompt_ids(writer.tokenizer, "Dear"), 8
    assert len(prompt) + n_tokens <= writer.model.config.context_length
    steps = list(writer.write("Dear", **WARM | {"length": n_tokens}))
    config, generator = SampleConfig(1.5, 0, 1.0, n_tokens), torch.Generator().manual_seed(7)
    tokens = list(generate_ids(TorchDecoder(writer.model), prompt, config, writer.tokenizer.end_of_text, generator))
    assert len(steps) == len(tokens) + 1 > 5
    with torch.inference_mode():
        logits = writer.model(torch.tensor([prompt + tokens]))[0, len(prompt) - 1 :]  # (tokens + 1, V)
    torch.testing.assert_close(torch.stack([place[1] for _, place, _ in steps]), logits, atol=1e-4, rtol=1e-4)
    bits = torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(tokens)) / torch.tensor(2.0).log()
    assert f"{len(tokens)} tokens, {bits:.1f} bits of surprise each." in steps[-1][2]
    pages = [page for page, _, _ in steps]
    assert all(longer.startswith(page) for page, longer in pairwise(pages))
    assert {status for *_, status in steps[:-1]} == {"Writing …"}


def test_twenty_at_once_get_what_each_gets_alone(writer):
    prompts = [f"Dear {i}" for i in range(20)]
    expected = [alone(writer, prompt, seed=i) for i, prompt in enumerate(prompts)]
    with ThreadPoolExecutor(20) as pool:
        together = list(pool.map(lambda i: alone(writer, prompts[i], seed=i), range(20)))
    for (page, (tail, logits), status), (page_2, (tail_2, logits_2), status_2) in zip(expected, together, strict=True):
        assert (page, tail, status) == (page_2, tail_2, status_2) and logits.equal(logits_2)


def test_the_place_after_a_prompt_is_the_one_from_which_is_written(writer):
    for prompt in ("", "Dear", "To Björn in Łódź " * 9):
        _, (tail, logits), _ = next(iter(writer.write(prompt, **WARM)))
        assert writer.after(prompt)[0] == tail and writer.after(prompt)[1].equal(logits)


def test_where_the_model_ends_the_text_it_ends(run):
    model = run.model()
    with torch.no_grad():
        model.head.weight.zero_()  # greedily the first of equals is drawn: the end of the text
    assert alone(Writer(model, run.tokenizer()), "Dear", temperature=0)[2] == "0 tokens. The model ended the text."


def test_a_prompt_that_fits_was_read_whole(writer):
    context = writer.model.config.context_length
    text, config = shown.Coloured(writer.tokenizer, ""), SampleConfig(max_tokens=1)
    assert writer.summary(text, config, context) == "0 tokens. The model ended the text."
    assert "it read the last" in writer.summary(text, config, context + 1)


REFUSED = [
    ({"temperature": -0.1}, "temperature = -0.1 is no number from 0 to 2"),
    ({"temperature": float("nan")}, "temperature = nan is no number from 0 to 2"),
    ({"temperature": "hot" * 1000}, "temperature = 'hothothothot...thothothothot' is no number from 0 to 2"),
    ({"top_k": -1}, "top_k = -1 is no whole number from 0 to 200"),
    ({"top_k": 1.5}, "top_k = 1.5 is no whole number"),
    ({"top_p": 0}, "top_p = 0 is no number from 0.01 to 1"),
    ({"length": 1001}, "length = 1001 is no whole number from 1 to 1000"),
    ({"length": float("inf")}, "length = inf is no whole number"),
    ({"seed": None}, "seed = None is no whole number from 0 to 9007199254740991"),
    ({"prompt": "x" * (LONGEST_PROMPT + 1)}, "These are 10,001 characters; a prompt has at most 10,000: shorten it"),
    ({"prompt": None}, "a prompt is text"),
    ({"prompt": "\ud800"}, "the text holds half a character"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:25] for _, message in REFUSED])
def test_what_is_asked_wrongly_is_refused_in_a_line(writer, changes, message):
    with pytest.raises(InputError) as refusal:
        next(writer.write(**{"prompt": "Dear"} | WARM | changes))
    assert message in str(refusal.value) and "\n" not in str(refusal.value) and len(str(refusal.value)) < 200


# How it is shown


class Tokens:
    """A tokenizer of four tokens, two of them halves of a character."""

    end_of_text = 0

    def token_bytes(self, token):
        return [b"", b" <i>", "🙂".encode()[:2], "🙂".encode()[2:]][token]


def test_a_character_of_two_tokens_is_one_piece_and_their_surprise_adds_up():
    text = shown.Coloured(Tokens(), "a\n")
    for token, bits in ((1, 2.0), (2, 3.0), (3, 4.5), (2, 20.0)):
        text.add(token, bits)
    text.end()
    told = Text(text.page)
    assert told.text == text.text == "a\n <i>🙂\ufffd" and (text.n_tokens, text.bits) == (4, 29.5)
    pieces = [(a["title"], a["style"]) for tag, a in told.tags if tag == "b"]
    assert pieces == [
        ("2.0 bits of surprise", "--share:0.20"),
        ("7.5 bits of surprise", "--share:0.75"),
        ("20.0 bits of surprise", "--share:1.00"),
    ]


def test_surprise_is_counted_in_bits():
    assert shown.surprise_bits(torch.zeros(8), 3) == pytest.approx(3)
    assert shown.surprise_bits(torch.tensor([0.5, 0.25, 0.25]).log(), 0) == pytest.approx(1)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_shown_as_text(typed):
    told = Text(shown.Coloured(Tokens(), typed).page)
    assert told.text == typed and [tag for tag, _ in told.tags] == ["div", "div", "span"]
    told = Text(shown.bars(Tokens(), typed, torch.zeros(4), SampleConfig()))
    assert typed.replace("\n", "⏎") in told.text and {"script", "i"} & {tag for tag, _ in told.tags} == {"i"}


def test_the_bars_are_the_probabilities():
    logits = torch.tensor([0.125, 0.5, 0.25, 0.125]).log()

    def rows(**settings):
        page = shown.bars(Tokens(), "end", logits, SampleConfig(**{"temperature": 1.0, "top_p": 1.0} | settings))
        cells = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td>', page)
        widths = [re.search(r"width:([\d.]+)%", bar)[1] if bar else None for _, bar, _, _ in cells]
        return re.search(r"\d+ of [^<]*", page)[0], [row[0] for row in cells], widths, [row[2:] for row in cells]

    stay, names, widths, told = rows()
    assert stay == "4 of 4 tokens can be drawn."
    assert names[:2] == ["<code> &lt;i&gt;</code>", r"<code>\xf0\x9f</code>"] and "<i>end of text</i>" in names
    assert widths == ["50.0", "25.0", "12.5", "12.5"] and told[0] == ("50.0%", "50.0%")
    stay, _, widths, told = rows(top_k=2)
    assert stay == "2 of 4 tokens can be drawn." and widths == ["66.7", "33.3", None, None]
    assert told == [("66.7%", "50.0%"), ("33.3%", "25.0%"), ("ruled out", "12.5%"), ("ruled out", "12.5%")]
    assert rows(temperature=0)[2] == ["100.0", None, None, None] and rows(temperature=0)[1] == names


def test_the_end_of_a_text_is_named_whole_where_it_is_short():
    assert [shown.tail_of("x" * n) for n in (0, 24, 25)] == ["", "x" * 24, "…" + "x" * 24]


def test_examples_are_beginnings_of_documents_that_were_not_trained_on(run, trained):
    texts = list(run.tokens()["validation"].texts(run.tokenizer()))
    found = examples(run)
    assert len(set(found)) == len(found) == 4
    assert all(any(text.startswith(example) for text in texts) for example in found)
    assert any(not any(text.startswith(example) for text in texts[: len(texts) // 2]) for example in found)
    (trained / "tokens/validation.ids").unlink()
    assert examples(open_run(trained)) == []  # a run that was passed on without its corpus


# The command


@pytest.fixture
def refused(capfd, tmp_path, monkeypatch):
    """refused(*words): the one line that a wrong call of `tinygpt demo` gets."""
    monkeypatch.chdir(tmp_path)

    def refused(*words):
        code = main(["demo", *map(str, words)])
        out, err = capfd.readouterr()
        assert code == 2 and out == "" and err.startswith("tinygpt: ") and err.count("\n") == 1, err
        return err

    return refused


def test_wrong_calls_are_one_line(refused, trained, monkeypatch):
    said = refused().replace(os.sep, "/")
    assert "there is no run folder runs/default in " in said and "; make one with: tinygpt run" in said
    for port in (0, -1, 65536):
        assert f"port={port} is outside [1, 65535]" in refused("--run", trained, "--port", port)
    monkeypatch.setattr("tinygpt.share.target.find_spec", lambda name: None)
    line = 'this needs gradio, of the extra "share"; run: python -m pip install gradio'
    assert line in refused("--run", trained)


# The server, a process of its own

BOOT = """
import signal, sys, time
from tinygpt.cli import main
from tinygpt.share import writer

signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that a shell runs in the background ignore it

def say(line):  # in one piece, whatever the other threads say
    sys.stdout.write(line + "\\n")
    sys.stdout.flush()

def watch(event, args):  # a word on everything that is not this machine
    host = {"socket.connect": lambda: args[1][0], "socket.getaddrinfo": lambda: args[0]}.get(event, lambda: None)()
    if host not in (None, "", "127.0.0.1", "localhost"):
        say(f"reaches {host}")

sys.addaudithook(watch)
pause_s, generate_ids = float(sys.argv.pop(1)), writer.generate_ids

def watched(decoder, ids, config, end_of_text, generator):
    say("begins")
    try:
        for token in generate_ids(decoder, ids, config, -1 if pause_s else end_of_text, generator):
            time.sleep(pause_s)  # where there is a pause, the text has no end: there is something to be stopped
            yield token
    finally:
        say("ends")

writer.generate_ids = watched
sys.exit(main())
"""
UNHELPFUL = {"HTTP_PROXY": "http://127.0.0.1:9", "GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SHARE": "True"}


class Server:
    """`tinygpt demo` in a process of its own, and what it says."""

    def __init__(self, folder, here, pause_s=0.0):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address, self.here, self.lines = f"http://127.0.0.1:{self.port}/", here, []
        self.accepted = []  # the requests that wait or are being answered, and those that were
        command = [sys.executable, "-c", BOOT, pause_s, "demo", "--run", folder, "--no-browser", "--port", self.port]
        environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"} | UNHELPFUL
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "encoding": "utf-8"}
        self.process = subprocess.Popen([str(word) for word in command], cwd=here, env=environment, **streams)
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self.reader.start()
        self.wait_for(lambda: any(self.address in line for line in self.lines), 2 * PATIENCE_S)

    def wait_for(self, condition, seconds=PATIENCE_S):
        until = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None and time.monotonic() < until, "".join(self.lines)
            time.sleep(0.02)

    def end(self, kill=True):
        """Kill it, or wait for its end: the exit code."""
        if kill:
            self.process.kill()
        code = self.process.wait(PATIENCE_S)
        self.reader.join()
        self.process.stdout.close()
        return code

    @property
    def writing(self):
        """How many texts are being written now."""
        return self.lines.count("begins\n") - self.lines.count("ends\n")

    @property
    def memory_mb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1000

    def ask(self, *values, end="write"):
        """The answer to a request as a program makes it: {"error": ...}, or the outputs."""
        with httpx.Client(base_url=f"{self.address}gradio_api/call/{end}", timeout=120, trust_env=False) as client:
            response = client.post("", json={"data": values})
            if response.status_code != 200:
                return response.json()
            self.accepted.append(values)
            answer = client.get(f"/{response.json()['event_id']}").text
        event, data = re.findall(r"^event: (\w+)\ndata: (.*)$", answer, re.MULTILINE)[-1]
        assert event in ("complete", "error"), answer
        return json.loads(data)


@contextmanager
def serving(*args):
    server = Server(*args)
    try:
        yield server
        assert server.process.poll() is None
    finally:
        server.end()
    said = [line for line in server.lines if line not in ("begins\n", "ends\n")]
    assert len(said) == 1, "".join(said)  # the address: no warning, no traceback, no word to anybody else
    assert os.listdir(server.here) == []


@pytest.fixture(scope="module")
def server(_trained, tmp_path_factory):
    with serving(_trained, tmp_path_factory.mktemp("fast")) as server:
        yield server


@pytest.fixture(scope="module")
def slow_server(_trained, tmp_path_factory):
    """Texts that grow by fifty tokens a second and never end by themselves."""
    with serving(_trained, tmp_path_factory.mktemp("slow"), 0.02) as server:
        yield server


def test_only_this_machine_can_reach_it(server):
    assert httpx.get(server.address, trust_env=False).status_code == 200
    with socket.socket() as other, pytest.raises(OSError):
        other.connect(("127.0.0.2", server.port))  # an address of this machine that a server on 0.0.0.0 would hear


def test_a_port_that_is_taken_is_said(server, trained):
    command = [sys.executable, "-m", "tinygpt", "demo", "--no-browser", "--run", trained, "--port", str(server.port)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE_S)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"tinygpt: port {server.port} is taken; choose another --port\n"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("x" * 1_000_000, 1, 0, 1, 5, 0), "These are 1,000,000 characters; a prompt has at most 10,000: shorten it"),
        (("x", 1, 0, 1, 10**6, 0), "length = 1000000 is no whole number from 1 to 1000"),
        (("x", {"hot": 1}, 0, 1, 5, 0), "temperature = {'hot': 1} is no number from 0 to 2"),
    ],
)
def test_a_program_s_mistake_is_one_line(server, writer, values, message):
    assert server.ask(*values)["error"] == message
    assert server.ask("Dear", *WARM.values())[0] == alone(writer, "Dear")[0]  # and does no harm


def texts_of(writer, n_visitors):
    """What each visitor gets alone, for each of three seeds: {(visitor, seed): (page, place, status)}."""
    return {(v, seed): alone(writer, f"To visitor {v}:", seed=seed) for v in range(n_visitors) for seed in range(3)}


def visit(server, texts, n_visitors, n=sys.maxsize, seconds=float("inf")):
    """So many visitors write n texts each or until the time is up: how many; each must be the visitor's own."""
    until = time.monotonic() + seconds

    def visitor(number):
        done = 0
        while done < n and time.monotonic() < until:
            seed = done % 3
            page, status, *_ = server.ask(f"To visitor {number}:", *(WARM | {"seed": seed}).values())
            assert page == texts[number, seed][0] and texts[number, seed][2] in str(status)
            done += 1
        return done

    with ThreadPoolExecutor(n_visitors) as pool:
        return sum(pool.map(visitor, range(n_visitors)))


def test_ten_visitors_at_once_get_their_own_texts(server, writer):
    assert visit(server, texts_of(writer, 10), 10, n=3) == 30
    server.wait_for(lambda: server.writing == 0)


@pytest.mark.slow
def test_fifty_visitors_for_a_minute(server, writer):
    texts = texts_of(writer, 50)
    visit(server, texts, 50, n=4)  # what is allocated once
    before = server.memory_mb
    n_texts = visit(server, texts, 50, seconds=60)
    after = server.memory_mb
    print(f"{n_texts} texts in a minute, {before:.0f} MB before, {after:.0f} MB after")
    assert n_texts >= 50 and after < before + 30
    server.wait_for(lambda: server.writing == 0)


def test_a_full_queue_turns_visitors_away_and_ctrl_c_ends_it_all(_trained, tmp_path):
    server, n = Server(_trained, tmp_path, 0.02), AT_ONCE + WAITING
    with ThreadPoolExecutor(n + 20) as pool:
        answers = [pool.submit(server.ask, f"{i}", 1, 0, 1, 1000, i) for i in range(n)]
        try:
            server.wait_for(lambda: server.writing == AT_ONCE and len(server.accepted) == n, 2 * PATIENCE_S)
            late = [pool.submit(server.ask, "late", 1, 0, 1, 1000, i) for i in range(20)]
            turned_away = [answer.result(PATIENCE_S)["detail"] for answer in late if not answer.exception(PATIENCE_S)]
            assert any("Queue is full" in detail for detail in turned_away)
            assert server.writing == AT_ONCE
            server.process.send_signal(signal.SIGINT)
            assert server.end(kill=False) == 0
            for answer in answers:
                answer.exception(PATIENCE_S)
        finally:
            server.process.kill()
    assert "Traceback" not in "".join(server.lines)


# In a browser


@pytest.fixture
def visited(browser):
    """visited(server, dark): a page that has come up; in the end nothing went wrong on it, nothing left the machine."""

    def visited(server, dark=False):
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        browser.get(server.address)
        until(browser, lambda: find(browser, "textarea"))
        return browser

    yield visited
    assert [line for line in browser.get_log("browser") if line["level"] != "INFO"] == []
    messages = [json.loads(line["message"])["message"] for line in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert asked and all(re.match(r"http://127\.0\.0\.1:|data:|blob:|about:", url) for url in asked), asked
    leave_page(browser)


def until(browser, condition):
    WebDriverWait(browser, PATIENCE_S, 0.05).until(lambda _: condition())


def find(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector)


def content(browser, selector):
    return browser.execute_script("return document.querySelector(arguments[0]).textContent", selector)


def press(browser, label):
    button = (By.XPATH, f"//button[normalize-space()='{label}']")
    until(browser, lambda: browser.find_elements(*button))
    browser.find_element(*button).click()


def n_written(browser):
    return browser.execute_script("return document.querySelectorAll('.written b').length")


def status(browser):
    return content(browser, ".tinygpt [role=status]")


def bars_of(writer, prompt, temperature=0.8, top_k=0, top_p=0.95):
    return Text(writer.bars(writer.after(prompt), temperature, top_k, top_p)).text


def type_prompt(browser, text):
    """As it would be pasted."""
    area = find(browser, "textarea")
    area.click()
    area.send_keys(Keys.CONTROL, "a")
    browser.execute_cdp_cmd("Input.insertText", {"text": text})
    return area


def test_a_visitor_types_and_reads(visited, server, writer):
    browser = visited(server)
    area = type_prompt(browser, AWKWARD)
    until(browser, lambda: content(browser, ".tinygpt:has(table)") == bars_of(writer, AWKWARD))
    area.send_keys(Keys.ENTER)
    until(browser, lambda: "bits of surprise each" in status(browser))
    page, place, told = alone(writer, AWKWARD, temperature=0.8, top_p=0.95, length=200, seed=0)
    assert content(browser, ".written") == Text(page).text and status(browser) == told
    assert content(browser, ".tinygpt:has(table)") == Text(writer.bars(place, 0.8, 0, 0.95)).text
    assert "The model invents medicine. Its text is never for medical use." in find(browser, "[role=note]").text
    assert Text(WARNING).text == find(browser, "[role=note]").text


def test_text_streams_and_stops(visited, slow_server):
    browser = visited(slow_server)
    press(browser, "Write")
    seen = []
    for n in (3, 6, 9):
        until(browser, lambda n=n: n_written(browser) >= n)
        seen.append(content(browser, ".written"))
    assert seen[1].startswith(seen[0]) and seen[2].startswith(seen[1]) and len(set(seen)) == 3
    assert status(browser) == "Writing …" and slow_server.writing == 1
    press(browser, "Stop")
    until(browser, lambda: status(browser) == "Stopped.")
    slow_server.wait_for(lambda: slow_server.writing == 0, 5)  # long before a thousand tokens
    stopped = content(browser, ".written")
    time.sleep(0.5)
    assert content(browser, ".written") == stopped and status(browser) == "Stopped."
    tail = re.search(r"After …?(.*), \d+ of", content(browser, "caption"))[1]
    assert stopped.replace("\n", "⏎").endswith(tail)  # the bars belong to the end of what can be read
    press(browser, "Write")  # and on it goes, from the beginning
    until(browser, lambda: 0 < n_written(browser) < 9)
    press(browser, "Stop")
    slow_server.wait_for(lambda: slow_server.writing == 0, 5)


def test_a_closed_page_ends_the_work(visited, slow_server):
    browser = visited(slow_server)
    press(browser, "Write")
    until(browser, lambda: n_written(browser) >= 3)
    assert slow_server.writing == 1
    browser.get("about:blank")
    slow_server.wait_for(lambda: slow_server.writing == 0, 10)
    browser.get_log("browser")  # the page complains that it was cut off


def test_sliders_move_by_keys_and_act_on_the_bars(visited, server, writer):
    browser = visited(server)
    prompt = find(browser, "textarea").get_property("value")
    assert content(browser, ".tinygpt:has(table)") == bars_of(writer, prompt)
    temperature, top_k, top_p, _ = browser.find_elements(By.CSS_SELECTOR, "input[type=range]")
    temperature.send_keys(Keys.ARROW_RIGHT)
    until(browser, lambda: content(browser, ".tinygpt:has(table)") == bars_of(writer, prompt, 0.85))
    top_k.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    until(browser, lambda: "2 of 300 tokens can be drawn" in content(browser, "caption"))
    assert content(browser, ".tinygpt:has(table)") == bars_of(writer, prompt, 0.85, 2)
    temperature.send_keys(Keys.HOME)
    until(browser, lambda: "1 of 300 tokens can be drawn" in content(browser, "caption"))
    top_k.send_keys(Keys.HOME)
    temperature.send_keys(Keys.END)
    top_p.send_keys(Keys.END)
    until(browser, lambda: content(browser, ".tinygpt:has(table)") == bars_of(writer, prompt, 2, 0, 1))


def test_keys_alone_are_enough_and_everything_has_a_name(visited, server, run):
    browser = visited(server)
    reached = []
    find(browser, "textarea").click()
    for _ in range(30):
        reached.append(browser.switch_to.active_element)
        ActionChains(browser).send_keys(Keys.TAB).perform()
        if browser.switch_to.active_element.tag_name == "body":
            break
    names = [element.accessible_name for element in reached]
    assert all(names), [e.get_attribute("outerHTML") for e, name in zip(reached, names, strict=True) if not name]
    places = [next(i for i, name in enumerate(names) if word in name) for word in ("begins", "Write", "Stop", "Temper")]
    assert places == sorted(places)
    assert {"range", "number"} <= {element.get_attribute("type") for element in reached}
    example = next(e for e in reached if e.text == examples(run)[2])
    example.send_keys(Keys.ENTER)
    until(browser, lambda: find(browser, "textarea").get_property("value") == examples(run)[2])
    reached[places[1]].send_keys(Keys.SPACE)
    until(browser, lambda: "tokens" in status(browser))


def test_a_megabyte_is_refused_kindly(visited, server):
    browser = visited(server)
    type_prompt(browser, "x" * 1_000_000)
    until(browser, lambda: "10,000: shorten it" in find(browser, "[data-testid=toast-body]").text)
    assert "These are 1,000,000 characters; a prompt has" in find(browser, "[data-testid=toast-body]").text
    type_prompt(browser, "Dear")
    press(browser, "Write")
    until(browser, lambda: content(browser, ".written").startswith("Dear") and "tokens" in status(browser))


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read_by_day_and_by_night(visited, server, dark):
    browser = visited(server, dark)
    press(browser, "Write")
    until(browser, lambda: "tokens" in status(browser))
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(float, re.findall(r"[\d.]+", ground)[:3])) < 200) == dark
    texts = [e for e in browser.find_elements(By.CSS_SELECTOR, "gradio-app *") if e.is_displayed() and own_text(e)]
    assert len(texts) > 50
    for text in texts:
        assert least_contrast(browser, [text]) >= 4.5, text.get_attribute("outerHTML")


def own_text(element):
    script = "const e = arguments[0]; return e.value || [...e.childNodes].some((n) => n.nodeType == 3 && n.data.trim())"
    return element.parent.execute_script(script, element)


def test_it_fits_a_phone(visited, server):
    browser = visited(server)
    try:
        phone = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        press(browser, "Write")
        until(browser, lambda: "tokens" in status(browser))
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
