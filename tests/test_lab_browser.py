"""`tinygpt lab` as a learner meets it: a real JupyterLab in a real browser, by keyboard, zoomed, in the dark."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from in_browser import least_contrast
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tinygpt.course.lab import state

FIRST, WITH_SLIDERS = "00_start_here.ipynb", "05_sampling.ipynb"
EXPLORER = ".tinygpt-explorer"
LIMIT_S = 300  # for what takes seconds on a free machine
QUIET = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is on the page
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def settings(home):
    """A folder of JupyterLab's settings; write(name, settings) changes them."""

    def write(name, values):
        path = home / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))

    for name, values in QUIET.items():
        write(name, values)
    return write


@pytest.fixture(scope="module")
def address(home, settings):
    """`tinygpt lab`, started; its address takes a path."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"JUPYTERLAB_SETTINGS_DIR": home / "settings", "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces"}
    environment = os.environ | {name: str(path) for name, path in own.items()}
    environment |= {"TINYGPT_HOME": str(home), "TINYGPT_QUICK": "1", "JUPYTER_CONFIG_DIR": str(home / "config")}
    options = ["--no-browser", f"--port={port}", "--IdentityProvider.token=secret", "--ServerApp.port_retries=0"]
    with subprocess.Popen(
        [sys.executable, "-m", "tinygpt", "lab", *options], env=environment, stderr=subprocess.DEVNULL
    ) as server:
        try:
            answered(f"http://127.0.0.1:{port}/api?token=secret", server)
            yield f"http://127.0.0.1:{port}{{}}?token=secret".format
        finally:
            server.terminate()
            assert server.wait(30) in (0, 143, -15)


def answered(address, server=None):
    """What a server answers once it is up."""
    for _ in range(10 * LIMIT_S):
        assert server is None or server.poll() is None, "it ended"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read()
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError(f"no answer in {LIMIT_S} s")


def test_lab_serves_the_learner_s_own_copies(address, home):
    lesson = json.loads(answered(address(f"/api/contents/{FIRST}")))
    assert lesson["content"]["cells"][0]["source"].startswith("# 00") and (home / "work" / FIRST).is_file()


@pytest.mark.parametrize("page", ["/formgrader", "/assignments"])
def test_the_teacher_s_pages_are_not_served(address, page):
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(address(page), timeout=30)
    refused.value.close()


# In a browser, by keyboard


def until(browser, condition):
    return WebDriverWait(browser, LIMIT_S, poll_frequency=0.2).until(condition)


def find(browser, selector):
    return browser.find_elements(By.CSS_SELECTOR, selector)


def press(browser, *keys, holding=None):
    actions = ActionChains(browser)
    actions = actions.key_down(holding) if holding else actions
    actions = actions.send_keys(*keys)
    (actions.key_up(holding) if holding else actions).perform()


def focused(browser, selector):
    return lambda _: browser.execute_script("return document.activeElement.matches(arguments[0])", selector)


def ready(browser):
    """The lesson is there, its kernel waits, and a cell has the focus."""
    until(browser, lambda _: find(browser, ".jp-Notebook .jp-Cell.jp-mod-active"))
    until(browser, lambda _: find(browser, "[data-status=idle]"))
    until(browser, focused(browser, ".jp-Notebook .jp-Cell"))
    time.sleep(3)  # JupyterLab lays the notebook out once more when its settings have come
    press(browser, Keys.ESCAPE)


def run_all(browser):
    """Choose all cells, run them, and save once the last has been run."""
    press(browser, "a", holding=Keys.CONTROL)
    until(browser, lambda _: not find(browser, ".jp-Notebook .jp-Cell:not(.jp-mod-selected)"))
    press(browser, Keys.ENTER, holding=Keys.CONTROL)
    last = find(browser, ".jp-CodeCell .jp-InputPrompt")[-1]
    until(browser, lambda _: re.search(r"\d", last.get_property("textContent")))
    press(browser, "s", holding=Keys.CONTROL)


def saved(browser, path):
    """The code cells of a copy, once it was saved with all of them run."""

    def cells(_):
        found = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
        return found if all(cell["execution_count"] for cell in found) else None

    return until(browser, cells)


def went_wrong(cells):
    return [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]


@pytest.fixture
def tab(browser):
    """A tab of its own, so that what the others look at stays open, in whatever order they come."""
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    yield browser
    browser.close()
    browser.switch_to.window(first)


def test_lesson_00_runs_from_the_first_page_on(tab, address, home):
    tab.get(address("/"))  # where `tinygpt lab` opens the browser
    ready(tab)
    assert tab.current_url.split("?")[0].endswith(FIRST)
    run_all(tab)
    cells = saved(tab, home / "work" / FIRST)
    assert len(cells) > 20 and went_wrong(cells) == []
    edition, made_of, was_run = state(home / "work" / FIRST)  # to JupyterLab's saving it is still what was copied
    assert edition == made_of and was_run


def test_a_learner_meets_no_teacher_s_menu_and_no_news(tab, address):
    tab.get(address("/lab") + "&reset")
    until(tab, lambda _: find(tab, ".lm-MenuBar-itemLabel"))
    menus = [label.text for label in find(tab, ".lm-MenuBar-itemLabel")]
    assert "File" in menus and "Nbgrader" not in menus
    config = json.loads(find(tab, "#jupyter-config-data")[0].get_property("textContent"))
    assert "@jupyter/nbgrader" in config["disabledExtensions"]
    asked = json.loads(answered(address("/lab/api/settings/@jupyterlab/apputils-extension:notification")))
    assert asked["schema"]["properties"]["fetchNews"]["default"] == "false"


@pytest.fixture(scope="module")
def explored(browser, address, home):
    """The browser at lesson 05, all of it run."""
    browser.get(address(f"/lab/tree/{WITH_SLIDERS}") + "&reset")  # without the lesson that was open before
    ready(browser)
    run_all(browser)
    assert went_wrong(saved(browser, home / "work" / WITH_SLIDERS)) == []
    return browser


def picture(browser):
    return find(browser, f"{EXPLORER} svg")[0].get_attribute("innerHTML")


def to_a_cell(browser):
    """Out of the explorer, which keeps its keys from JupyterLab."""
    browser.execute_script("document.querySelector('.jp-Notebook .jp-Cell.jp-mod-active').focus()")


def to_the_sliders(browser):
    """From anywhere in the lesson: search for the explorer's cell, then tab into what it shows."""
    to_a_cell(browser)
    press(browser, "f", holding=Keys.CONTROL)
    until(browser, focused(browser, ".jp-DocumentSearch-input"))
    press(browser, "explorers.sampling(")
    until(browser, lambda _: find(browser, ".jp-DocumentSearch-index-counter")[0].text == "1/1")
    press(browser, Keys.ENTER, Keys.ESCAPE)
    until(browser, focused(browser, ".jp-CodeCell"))
    for _ in range(3):
        press(browser, Keys.TAB)
        if focused(browser, f"{EXPLORER} input[type=range]")(browser):
            return
    raise AssertionError("three tabs did not lead to a slider")


def test_a_slider_moves_by_keys_and_the_picture_with_it(explored):
    to_the_sliders(explored)
    before, n_cells = picture(explored), len(find(explored, ".jp-Cell"))
    press(explored, Keys.PAGE_DOWN, Keys.ARROW_LEFT, "d", "d")  # two d's would delete a cell, if JupyterLab got them
    until(explored, lambda _: picture(explored) != before)
    assert len(find(explored, ".jp-Cell")) == n_cells


def test_what_can_be_worked_has_a_name_for_screen_readers(explored):
    controls = find(explored, ".jp-OutputArea-output :is(input, button, summary, a[href], select, textarea)")
    assert len(controls) > 5 and [c.get_attribute("outerHTML") for c in controls if not c.accessible_name.strip()] == []
    pictures = find(explored, ".jp-OutputArea-output :is(img, svg[role=img])")
    assert len(pictures) > 2 and all(each.accessible_name.strip() for each in pictures)
    assert {"slider"} == {each.aria_role for each in find(explored, f"{EXPLORER} input[type=range]")}


@contextmanager
def zoomed(browser, factor, width=1280, height=1000):
    """As the browser's own zoom does it: fewer and larger pixels of CSS on a laptop's screen."""
    size = {"width": width // factor, "height": height // factor, "deviceScaleFactor": factor, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_at_200_percent_nothing_of_the_explorer_is_cut_off_and_it_answers(explored):
    with zoomed(explored, 2):
        to_a_cell(explored)
        press(explored, "b", holding=Keys.CONTROL)  # the files' list makes room
        until(explored, lambda _: not [side for side in find(explored, "#jp-left-stack") if side.is_displayed()])
        to_the_sliders(explored)
        (explorer,) = find(explored, EXPLORER)
        script = (
            "return [arguments[0].scrollWidth - arguments[0].clientWidth, arguments[0].getBoundingClientRect().right]"
        )
        over, right = explored.execute_script(script, explorer)
        assert over <= 0 and right <= 640
        before = picture(explored)
        press(explored, Keys.PAGE_UP)
        until(explored, lambda _: picture(explored) != before)
        to_a_cell(explored)
        press(explored, "b", holding=Keys.CONTROL)


def test_in_the_dark_theme_everything_can_be_read(explored, settings, home):
    settings("apputils-extension/themes", {"theme": "JupyterLab Dark"})
    explored.refresh()
    ready(explored)  # else whoever comes next types into a page that is still being laid out
    until(explored, lambda _: find(explored, "body[data-jp-theme-light=false]"))
    until(explored, lambda _: find(explored, f"{EXPLORER} svg .weight"))
    texts = find(explored, f"{EXPLORER} :is(label, legend, output, .status, td, th)")
    ours = find(explored, ".jp-RenderedMarkdown :is(h1, h2, p, li, summary), .jp-OutputArea-output pre")
    assert len(texts) > 20 and least_contrast(explored, texts) >= 4.5 and least_contrast(explored, ours) >= 4.5
    before = picture(explored)
    find(explored, f"{EXPLORER} input[type=range]")[0].send_keys(Keys.PAGE_DOWN)
    until(explored, lambda _: picture(explored) != before)
