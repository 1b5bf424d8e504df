"""The README's pictures, each for a light and for a dark page: `python -m tests.benchmarks.pictures`.

The bars are drawn from the README's own table. The photograph is of the page that `tinygpt export --format page` makes
of the lessons' model, in Chromium, with one token of what it has written chosen.
"""

import re
import tempfile
from pathlib import Path
from unittest.mock import patch

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tinygpt import plots
from tinygpt.course.lesson_model import load_or_train
from tinygpt.picture import INK, STYLE
from tinygpt.share.page import export_page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "pictures"
INKS = {"light": "#1f2328", "dark": "#e6edf3"}
PROMPT, SEED, CHOSEN = "", 1, "thumb"


def table():
    """{name: bits per byte} of the README's table, the first column of figures."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## What a minute buys")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+?) \| ([*\d.]+) \|", text, flags=re.MULTILINE)
    return {re.sub(r"\*\*| \(.*\)", "", name): float(value.strip("*")) for name, value in rows}


def draw_bars():
    values = table()
    ours = next(name for name in values if name.startswith("our model"))
    for theme, ink in INKS.items():
        style = {key: ink if value == INK else value for key, value in STYLE.items()}
        with patch.object(plots, "INK", ink), patch.object(plots, "STYLE", style):
            picture = plots.bars(values, "bits per byte of held-out text (lower is better)", "", marked=[ours])
            picture.save(FOLDER / f"bits-per-byte-{theme}.png")


def photograph(page):
    options = webdriver.ChromeOptions()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--window-size=1000,930",
        "--hide-scrollbars",
    ):
        options.add_argument(argument)
    browser = webdriver.Chrome(options)
    try:
        for theme in INKS:
            browser.execute_cdp_cmd(
                "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
            )
            browser.get(page.as_uri())
            browser.execute_script(
                "document.getElementById('prompt').value = arguments[0];"
                "document.getElementById('seed').value = arguments[1];",
                PROMPT,
                SEED,
            )
            browser.find_element(By.ID, "write").click()
            stop = browser.find_element(By.ID, "stop")
            WebDriverWait(browser, 60).until(lambda _, stop=stop: not stop.is_enabled())
            tokens = browser.find_elements(By.CSS_SELECTOR, "#text button")
            next(token for token in tokens if token.text.strip() == CHOSEN).click()
            browser.execute_script("document.getElementById('text-title').parentElement.scrollIntoView()")
            browser.save_screenshot(str(FOLDER / f"page-{theme}.png"))
    finally:
        browser.quit()


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    draw_bars()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "model.html"
        export_page(load_or_train().folder, page)
        photograph(page)
