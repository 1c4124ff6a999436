"""Chromium, headless, and what axe-core finds on the page that it shows."""

from __future__ import annotations

import shutil
from importlib import resources, util
from pathlib import Path

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = not (CHROMIUM and DRIVER and util.find_spec("selenium"))
REASON = "chromium, chromedriver or selenium is missing: no test of the pages in a browser ran"

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def start(profile: Path):
    """Return a driver of a browser that notes what it asks for."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(DRIVER))


def serious_findings(driver) -> list[list[str]]:
    """Return what axe-core finds serious on a page: impact, rule and element."""
    if not util.find_spec("axe_core_python"):
        pytest.skip("axe-core-python is missing: no test of accessibility ran")
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    driver.execute_script(axe)
    found = driver.execute_async_script(
        """axe.run(document, {resultTypes: ["violations"]}).then((run) => arguments[0](
          run.violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html).join(" ")])))"""
    )
    return [finding for finding in found if finding[0] in ("serious", "critical")]
