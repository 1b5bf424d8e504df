"""A real browser without a window: Debian's Chromium, driven by Selenium."""

import shutil


def start_chromium():
    """One that keeps what goes wrong on a page and what pages ask the network for; None where none is installed."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
    if not (chromium and driver):
        return None
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, Service(driver))


def leave_page(browser):
    """Open an empty page and forget what was kept of the one before."""
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)


CONTRAST = """
const luminance = ([r, g, b]) => [r, g, b].map((x) => (x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
  .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const over = ([r, g, b, a = 1], ground) => [r, g, b].map((x, i) => a * x + (1 - a) * ground[i]);
const white = [255, 255, 255];
const groundOf = (e) => e ? over(parts(getComputedStyle(e).backgroundColor), groundOf(e.parentElement)) : white;
return arguments[0].map((e) => {
  const style = getComputedStyle(e), ground = groundOf(e);
  const ink = over([...parts(style.color).slice(0, 3), Number(style.opacity)], ground);
  const [a, b] = [luminance(ink), luminance(ground)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
});
"""


def least_contrast(browser, elements):
    """Of their inks on what lies behind; 4.5 and more can be read, says WCAG 2.2, 1.4.3."""
    return min(browser.execute_script(CONTRAST, elements))
