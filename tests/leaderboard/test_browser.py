"""The pages in a real browser, from the file system and from a server."""

from __future__ import annotations

import csv
import functools
import io
import json
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources, util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xbench.data.catalogue import MIRACL
from xbench.leaderboard.site import read_results, site_files
from xbench.results.score_table import ScoreTable

from .conftest import ROOT
from .made_tables import Made, joined, mean, single

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (CHROMIUM and DRIVER and util.find_spec("selenium")):
    pytest.skip(
        "chromium, chromedriver or selenium is missing: no test of the pages in a browser ran",
        allow_module_level=True,
    )

from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("chromium")]

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, PHONE = (1440, 1000), (390, 844)


HOSTILE = '</script><script>document.title="broken"</script><img src=x onerror=alert(1)>\u202e'
"""A name that breaks the page if anything of it becomes markup."""


def mixed(best: float) -> list[dict[str, object]]:
    """Return scores of MIRACL in both settings, other ones in every language."""
    scores = []
    for setting, measure, worse in (
        ("monolingual", "ndcg_at_10", 1.0),
        ("monolingual", "recall_at_100", 1.5),
        ("multilingual", "ndcg_at_10", 0.9),
        ("multilingual", "ndcg_at_10_lost", 0.1),
    ):
        values = [worse * best / (n + 1) ** 0.5 for n in range(len(MIRACL.languages))]
        own = zip(MIRACL.languages, values, strict=True)
        scores += [single(setting, measure, value, code) for code, value in own]
        scores.append(mean(setting, measure, float(np.mean(values))))
    return scores


@pytest.fixture(scope="module")
def table() -> ScoreTable:
    made = Made()
    details = {"n_parameters": 7 * 10**9, "zero_shot": "not zero-shot", "versions": {}}
    made.add(HOSTILE, [mean("multilingual", "map", 0.001)], details, provenance="measured")
    for model, best in (("org/one", 0.6), ("org/two", 0.5)):
        made.add(model, mixed(best), dataset="MIRACL")
    return joined(read_results([ROOT / "results"]), made.table())


@pytest.fixture(scope="module")
def folder(table, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for name, content in site_files(table):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


class Browser:
    """A browser on the pages of a folder, which notes what it asked for."""

    def __init__(self, folder: Path, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        self.folder, self.root = folder, folder.as_uri()

    def open(self, path: str = "index.html", size: tuple[int, int] = WIDE) -> None:
        width, height = size
        metrics = {
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": size == PHONE,
        }
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get(f"{self.root}/{path}")
        WebDriverWait(self.driver, 10).until(
            lambda driver: driver.execute_script("return document.readyState") == "complete"
        )

    def scheme(self, name: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": name}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def one(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def header(self, column: str):
        return self.one(f'#overview th[data-column="{column}"]')

    def column(self, column: str, table: str = "overview") -> dict[str, str]:
        """Return the figures of a column by model, of the rows that are shown, from the top."""
        cells = self.run(
            """const heads = [...document.querySelectorAll(`#${arguments[1]} tr.sortable th`)];
            const index = heads.findIndex((head) => head.dataset.column === arguments[0]);
            return [...document.querySelectorAll(`#${arguments[1]} tr[data-entry]`)]
              .filter((row) => row.checkVisibility())
              .map((row) => [row.querySelector("bdi").textContent,
                (row.cells[index].querySelector("strong") ?? row.cells[index])
                  .firstChild?.textContent ?? ""]);""",
            column,
            table,
        )
        return dict(cells)

    def choose(self, name: str, value: str) -> None:
        self.run(
            """const field = document.querySelector(`#controls [name=${arguments[0]}]`);
            field.value = arguments[1];
            field.dispatchEvent(new Event("input", { bubbles: true }));""",
            name,
            value,
        )

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def asked(self) -> list[str]:
        messages = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]


@pytest.fixture(scope="module")
def opened(folder, tmp_path_factory):
    browser = Browser(folder, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()


@pytest.fixture
def browser(opened):
    opened.root = opened.folder.as_uri()
    opened.scheme("light")
    opened.open()
    opened.run("localStorage.clear()")
    opened.open()
    opened.asked()
    return opened


def a_page_of_each_kind(folder: Path) -> list[str]:
    models = [f"models/{next(folder.glob(f'models/{name}*')).name}" for name in ("xbench", "labse")]
    chosen = ",".join(Path(model).stem for model in models)
    others = ["measures.html", "submit.html", "excluded.html", f"compare.html?models={chosen}"]
    return ["index.html", "datasets/xquad-r.html", *models, *others]


def slug_of(browser: Browser, model: str) -> str:
    return browser.run(
        """return [...document.querySelectorAll("#overview tr[data-entry]")]
          .find((row) => row.querySelector("bdi").textContent === arguments[0]).dataset.entry""",
        model,
    )


def test_a_heading_sorts_and_sorts_back(browser):
    column = "xquad-r-monolingual-map"
    browser.header(column).find_element(By.TAG_NAME, "button").click()
    figures = [float(x) for x in browser.column(column).values() if x]
    assert figures == sorted(figures, reverse=True)
    assert browser.header(column).get_attribute("aria-sort") == "descending"
    browser.header(column).find_element(By.TAG_NAME, "button").click()
    values = list(browser.column(column).values())
    figures = [float(x) for x in values if x]
    assert figures == sorted(figures)
    assert values[0] != ""


def test_the_keyboard_alone_sorts(browser):
    for _ in range(60):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        if browser.run("return document.activeElement.closest('th')?.dataset.column") == (
            "xquad-r-multilingual-rank-distance"
        ):
            break
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    shown = browser.column("xquad-r-multilingual-rank-distance")
    assert next(iter(shown)) == "LaBSE, hybrid batches"


def test_filters_keep_the_rows_that_match(browser):
    browser.choose("origin", "measured")
    names = ["xbench/bm25", "xbench/char-ngram", "local/all-MiniLM-L6-v2"]
    assert list(browser.column("size"))[:3] == names
    browser.choose("search", "NGRAM xbench")
    assert list(browser.column("size")) == ["xbench/char-ngram"]
    assert browser.one("#status").text.startswith("1 of ")
    browser.choose("search", "")
    browser.choose("size", "2000000001-")
    (name,) = browser.column("size")
    assert name.startswith("</script>")
    browser.choose("size", "")
    browser.choose("zero-shot", "zero-shot")
    assert list(browser.column("size")) == ["xbench/bm25", "xbench/char-ngram"]


def expected(scores: pd.DataFrame, setting: str, measure: str, codes: list[str]) -> float | None:
    """Return the mean over the subsets of some languages, None if one is missing."""
    own = scores[(scores.setting == setting) & (scores.measure == measure)]
    own = own[(own.average == "") & own.query_language.isin(codes)]
    if setting == "crosslingual":
        own = own[own.passage_language.isin(codes)]
        number = len(codes) * (len(codes) - 1)
    else:
        number = len(codes)
    return float(own.value.mean()) if number and len(own) == number else None


@pytest.mark.parametrize("codes", [["de"], ["ar", "zh"], ["ar", "el", "hi"]])
def test_chosen_languages_give_the_means_over_their_subsets(browser, table, codes):
    browser.open(f"index.html?languages={','.join(codes)}")
    blank = 0
    for title, prefix in (("XQuAD-R", "xquad-r"), ("MLQA-R", "mlqa-r")):
        for setting, measure in (
            ("monolingual", "map"),
            ("crosslingual", "map"),
            ("multilingual", "map"),
            ("multilingual", "rank_distance"),
        ):
            shown = browser.column(f"{prefix}-{setting}-{measure.replace('_', '-')}")
            scores = table.scores[table.scores.dataset == title]
            for model, text in shown.items():
                mean = expected(scores[scores.model == model], setting, measure, codes)
                text = text.replace(",", "")
                factor = 1 if measure == "rank_distance" else 100
                blank += mean is None
                if mean is None:
                    assert text == ""
                else:
                    assert float(text) == pytest.approx(factor * mean, abs=0.05001)
    assert blank
    assert "Means are over the subsets of" in browser.one("#status").text
    assert set(browser.column("xquad-r-multilingual-map-rank").values()) == {""}
    assert not browser.run("return document.querySelector('#overview td small')")


def test_miracl_is_sorted_and_filtered_like_the_others(browser, table):
    lost = "miracl-multilingual-ndcg-at-10-lost"
    browser.header(lost).find_element(By.TAG_NAME, "button").click()
    assert list(browser.column(lost))[:2] == ["org/two", "org/one"]
    browser.open("index.html?languages=sw,yo")
    shown = browser.column("miracl-monolingual-ndcg-at-10")
    scores = table.scores[table.scores.dataset == "MIRACL"]
    for model in ("org/one", "org/two", "bm25"):
        own = scores[scores.model == model]
        mean = expected(own, "monolingual", "ndcg_at_10", ["sw", "yo"])
        assert float(shown[model]) == pytest.approx(100 * mean, abs=0.05001)
    assert browser.column(lost)["bm25"] == ""
    assert browser.errors() == []


def test_the_address_keeps_the_view_and_back_restores_it(browser):
    first = browser.column("xquad-r-crosslingual-map")
    browser.choose("origin", "measured")
    browser.header("xquad-r-crosslingual-map").find_element(By.TAG_NAME, "button").click()
    browser.run("document.querySelector('#languages').open = true")
    browser.one("input[value=de]").click()
    browser.one("input[value=en]").click()
    view = browser.column("xquad-r-crosslingual-map")
    address = browser.driver.current_url
    assert address.endswith("?origin=measured&sort=-xquad-r-crosslingual-map&languages=de,en")
    browser.driver.get("about:blank")
    browser.open(address.rpartition("/")[2])
    assert browser.column("xquad-r-crosslingual-map") == view
    for _ in range(6):
        browser.driver.back()
    assert browser.driver.current_url.endswith("index.html")
    restored = browser.column("xquad-r-crosslingual-map")
    assert list(restored.items()) == list(first.items())


def test_chosen_models_are_side_by_side(browser, table):
    for model in ("xbench/bm25", "local/all-MiniLM-L6-v2"):
        slug = slug_of(browser, model)
        browser.one(f"tr[data-entry='{slug}'] input[type=checkbox]").click()
    browser.one("#compare").click()
    assert "compare.html?models=" in browser.driver.current_url
    lines = dict(
        browser.run(
            """return [...document.querySelector("#comparison table").tBodies[0].rows]
            .map((row) => [row.cells[0].textContent,
              [...row.cells].slice(1).map((cell) => cell.innerText.split("\\n"))])"""
        )
    )
    means = table.scores.query(
        "dataset == 'XQuAD-R' and setting == 'multilingual' and measure == 'map' "
        "and average == 'macro'"
    ).set_index("model")
    a, b = (means.loc[model] for model in ("xbench/bm25", "local/all-MiniLM-L6-v2"))
    low, high = b.low, b.high
    assert lines["Mul. mAP"][0][0] == f"{100 * a.value:.1f}"
    assert lines["Mul. mAP"][1] == [
        f"{100 * b.value:.1f}",
        f"{100 * low:.1f}–{100 * high:.1f}",
        f"{100 * (b.value - a.value):+.1f}".replace("-", "−"),
    ]
    command = browser.one("#command").text
    assert command == "xbench compare xbench/bm25@1 local/all-MiniLM-L6-v2@3aaf3259c5e8"
    browser.one("#chosen button").click()
    assert "Choose two models or more." in browser.one("#status").text
    browser.driver.back()
    assert browser.one("#command").is_displayed()


def test_a_hostile_name_stays_text(browser):
    slug = slug_of(browser, HOSTILE.replace("\u202e", "\\u202e"))
    other = slug_of(browser, "xbench/bm25")
    for path in (f"models/{slug}.html", f"compare.html?models={slug},{other}"):
        browser.open(path)
        assert browser.driver.title != "broken"
        assert not browser.run("return document.querySelector('main img, main script')")
        assert "</script><script>" in browser.one("main").text
    assert browser.errors() == []


def test_a_download_equals_the_table(browser):
    table = browser.column("xquad-r-multilingual-map", "xquad-r-all") or browser.column(
        "xquad-r-multilingual-map"
    )
    link = browser.one("main a[download]").get_attribute("href")
    text = (browser.folder / link.removeprefix(f"{browser.root}/")).read_text("utf-8")
    records = list(csv.DictReader(io.StringIO(text)))
    assert len(records) == len(table)
    for record, (model, cell) in zip(records, table.items(), strict=True):
        assert model.startswith(record["model"][:10])
        value = record["XQuAD-R Mul. mAP"]
        assert cell == (f"{float(value):.1f}" if value else "")


def ground(browser) -> str:
    return browser.run("return getComputedStyle(document.body).backgroundColor")


def test_the_theme_follows_the_system_until_the_button_is_pressed(browser):
    assert ground(browser) == "rgb(255, 255, 255)"
    browser.scheme("dark")
    browser.open()
    assert ground(browser) == "rgb(16, 20, 24)"
    browser.one("button.theme").click()
    assert ground(browser) == "rgb(255, 255, 255)"
    browser.open("measures.html")
    assert ground(browser) == "rgb(255, 255, 255)"


def test_a_narrow_screen_never_scrolls_sideways(browser):
    for path in a_page_of_each_kind(browser.folder):
        browser.open(path, PHONE)
        assert browser.run("return document.documentElement.scrollWidth") <= PHONE[0], path
    browser.open("index.html", PHONE)
    browser.run("document.querySelector('#overview').parentElement.scrollLeft = 400")
    left = browser.run(
        "return document.querySelector('#overview tbody th a').getBoundingClientRect().left"
    )
    assert 0 <= left < 60


def test_pages_can_be_read_without_scripts(browser):
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open()
        assert not browser.one("#controls").is_displayed()
        assert "LaBSE, hybrid batches" in browser.one("#overview").text
        browser.open("compare.html")
        assert "needs JavaScript" in browser.one("main").text
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_nothing_is_asked_for_outside_the_folder_and_nothing_complains(browser):
    browser.errors()
    for path in a_page_of_each_kind(browser.folder):
        browser.open(path)
        browser.driver.find_elements(By.TAG_NAME, "button")
    assert browser.errors() == []
    asked = browser.asked()
    assert len(asked) > 20
    assert all(url.startswith(browser.root) for url in asked)


class Silent(SimpleHTTPRequestHandler):
    """A handler that does not log what is read."""

    def log_message(self, format, *arguments):
        pass


def test_a_server_serves_the_same(browser):
    handler = functools.partial(Silent, directory=browser.folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.root = f"http://127.0.0.1:{server.server_port}"
        browser.errors()
        for path in a_page_of_each_kind(browser.folder):
            browser.open(path)
        browser.open("index.html?origin=measured&sort=xquad-r-monolingual-map")
        shown = list(browser.column("xquad-r-monolingual-map").values())
        assert sum(figure != "" for figure in shown) == 3
        assert browser.errors() == []
        assert all(url.startswith(browser.root) for url in browser.asked())
        browser.driver.get("about:blank")
        server.shutdown()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_of_axe(browser, scheme):
    if not util.find_spec("axe_core_python"):
        pytest.skip("axe-core-python is missing: no test of accessibility ran")
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    browser.scheme(scheme)
    for path in a_page_of_each_kind(browser.folder):
        browser.open(path)
        browser.run(axe)
        found = browser.driver.execute_async_script(
            """axe.run(document, {resultTypes: ["violations"]}).then((run) => arguments[0](
              run.violations.map((v) => [v.impact, v.id, v.nodes[0].html])))"""
        )
        serious = [finding for finding in found if finding[0] in ("serious", "critical")]
        assert serious == [], path
