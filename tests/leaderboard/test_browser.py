"""The pages in a real browser, from the file system and from a server."""

from __future__ import annotations

import csv
import functools
import io
import json
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t as student

from tests import chromium
from xbench.analysis.compared_models import read_candidates
from xbench.analysis.comparison import compare
from xbench.data.datasets import MIRACL
from xbench.leaderboard.rendering import visible
from xbench.leaderboard.results import read_results
from xbench.leaderboard.site import build_site, site_files
from xbench.metrics import comparisons
from xbench.results.failures import (
    Failure,
    Failures,
    ShownPassage,
    SubsetFailures,
    failures_path,
    write_failures,
)
from xbench.results.score_table import ScoreTable

from .conftest import ROOT
from .made_tables import Made, joined, mean, single

if chromium.MISSING:
    pytest.skip(chromium.REASON, allow_module_level=True)

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("chromium")]

WIDE, MIDDLE, PHONE = (1440, 1000), (768, 1000), (360, 780)


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


FAILED = "XQuADRCrosslingualRetrieval"


def write_failed(results: Path) -> None:
    """Write what bm25 fails of two pairs of languages, one question with hostile texts."""
    english = ShownPassage(language="en", text="The right one. " * 40)
    first = ShownPassage(language="en", text=HOSTILE)
    failures = [
        Failure(question="1", query="من؟", rank=1234, right=english, first=first),
        Failure(question="2", query="x" * 400, rank=None, right=english, first=None),
    ]
    subsets = {
        f"{code}-en": SubsetFailures(
            query_language=code,
            passage_languages=["en"],
            questions=1190,
            failed=failed,
            shown=failures[:failed],
        )
        for code, failed in (("ar", 900), ("de", 1))
    }
    path = failures_path(results, results / "xbench__bm25" / "1", FAILED)
    write_failures(path, Failures(task=FAILED, dataset_revision="1", subsets=subsets))


@pytest.fixture(scope="module")
def table(real_results) -> ScoreTable:
    write_failed(real_results)
    made = Made()
    details = {"n_parameters": 7 * 10**9, "zero_shot": "not zero-shot", "versions": {}}
    details |= {"seconds_per_1000": 12.5, "device": HOSTILE}
    made.add(HOSTILE, [mean("multilingual", "map", 0.001)], details, provenance="measured")
    for model, best in (("org/one", 0.6), ("org/two", 0.5)):
        made.add(model, mixed(best), dataset="MIRACL")
    return joined(read_results([real_results]), made.table())


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
        self.driver = chromium.start(profile)
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

    def settled(self) -> None:
        """Wait until what the address says is drawn."""
        script = """return document.documentElement.dataset.shown === addressOf({})
          && understood(location.hash.slice(1)).q === chosen.q"""
        WebDriverWait(self.driver, 10).until(lambda driver: driver.execute_script(script))

    def choose(self, address: str) -> None:
        """Open the first page at a choice."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.root}/index.html{address}")
        self.settled()

    def set(self, name: str, value: str) -> None:
        """Choose a value of a control."""
        self.run(
            """const field = document.querySelector(`#strip [name=${arguments[0]}]`);
            if (field.type === "checkbox") field.checked = arguments[1] === "1";
            else field.value = arguments[1];
            field.dispatchEvent(new Event("input", { bubbles: true }));""",
            name,
            value,
        )
        self.settled()

    def text(self, selector: str) -> str:
        return " ".join(self.one(selector).text.split())

    def scripted(self, selector: str) -> None:
        """Scroll to a section that is drawn when it comes into view, and wait for it."""
        self.run("document.querySelector(arguments[0]).scrollIntoView()", selector)
        script = "return document.querySelector(arguments[0]).textContent.trim() !== ''"
        WebDriverWait(self.driver, 10).until(lambda d: d.execute_script(script, selector))

    def rows(self) -> list[list[str]]:
        """Return rank, name and score of each measured model that is shown, from the top."""
        return self.run(
            """return [...document.querySelectorAll("#rows tr.row")].map((row) =>
              ["rank", "name", "score"].map((slot) =>
                row.querySelector(`[data-s=${slot}]`).textContent))"""
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
    opened.settled()
    return opened


def a_page_of_each_kind(folder: Path) -> list[str]:
    models = [f"models/{next(folder.glob(f'models/{name}*')).name}" for name in ("xbench", "labse")]
    chosen = ",".join(Path(model).stem for model in models)
    others = [
        "measures.html",
        "submit.html",
        "excluded.html",
        "questions.html",
        f"compare.html?models={chosen}",
    ]
    return ["index.html", "datasets/xquad-r.html", *models, *others]


def slug_of(browser: Browser, model: str) -> str:
    return browser.run("return board.models.find(({ name }) => name === arguments[0]).slug", model)


DRAWN = """
const attributes = ["x", "x1", "x2", "y1", "cx", "r", "class", "href"];
return ["answer", "key", "board", "note", "others", "lede"].map((id) => {
  const part = document.getElementById(id);
  const all = [...part.querySelectorAll("line, circle, text, a, tr, td, th")];
  const drawn = all.map((own) =>
    [own.localName, own.hidden ?? false, ...attributes.map((name) => own.getAttribute(name))]);
  return [part.textContent.replace(/\\s+/g, ""), drawn];
});
"""
"""What the page shows: its text, and the attributes of what is drawn."""


def test_the_page_without_scripts_shows_what_scripts_draw(browser):
    script = browser.run(DRAWN)
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get("about:blank")
        browser.driver.get(f"{browser.root}/index.html")
        assert not browser.one("#strip").is_displayed()
        assert browser.one("#rows tr.ref:not(.sum)").is_displayed()
        assert "every dataset has a page" in browser.one("noscript").get_attribute("innerHTML")
        static = browser.run(DRAWN)
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert "bm25" in static[0][0]
    for own, other in zip(static, script, strict=True):
        assert own == other


def test_choosing_a_model_for_two_languages_is_one_link(browser, table):
    browser.choose("#q=ar&a=de&size=600&open=1")
    said = browser.text("#answer")
    assert said.startswith("Of 3 measured models 2 fit, and neither finds much. For Arabic")
    assert "over German passages the best, bm25, reaches mAP 5.2" in said
    assert "all-MiniLM-L6-v2 is excluded because its licence is not declared." in said
    own = table.scores.query(
        "dataset == 'XQuAD-R' and subset == 'ar-de' and measure == 'map' and model == 'xbench/bm25'"
    )
    assert browser.rows()[0] == ["1", "bm25", f"{100 * own.value.item():.1f}"]


def test_choosing_takes_three_changes_of_controls_and_back_returns(browser):
    for field, value in (("q", "ar"), ("a", "de"), ("open", "1")):
        browser.set(field, value)
    assert browser.driver.current_url.endswith("#q=ar&a=de&open=1")
    shown = browser.rows()
    browser.driver.back()
    browser.settled()
    assert browser.driver.current_url.endswith("#q=ar&a=de")
    browser.driver.forward()
    browser.settled()
    assert browser.rows() == shown
    browser.one("#reset").click()
    browser.settled()
    assert browser.driver.current_url.endswith("index.html")


def test_a_paper_gets_the_table_that_is_shown(browser):
    browser.choose("#refs=1")
    latex = browser.run("return latexOf(records(shownView))")
    assert latex.count("\\textsuperscript{\\dag}") == 6
    assert "bm25 & 8.7 & [8.1, 9.3]" in latex
    command = browser.run("return commandOf(shownView)")
    assert command.startswith("xbench compare xbench/bm25@1 xbench/char-ngram@1 local/all-MiniLM")
    records = browser.run("return records(shownView)")
    links = """return ["csv", "json"].map((kind) => {
      const link = document.getElementById(kind);
      link.addEventListener("click", (event) => event.preventDefault());
      link.click();
      return decodeURIComponent(link.href.slice(link.href.indexOf(",") + 1));
    });"""
    as_csv, as_json = browser.run(links)
    assert json.loads(as_json) == records
    lines = list(csv.DictReader(io.StringIO(as_csv)))
    assert [line["model"] for line in lines] == [record["model"] for record in records]
    assert [float(line["value"]) for line in lines] == [record["value"] for record in records]
    assert len(records) == 4 + 6


def test_a_submitter_finds_the_row_and_how_it_was_made(browser):
    browser.set("find", "ngram")
    assert [row[1] for row in browser.rows()] == ["char-ngram"]
    browser.one("#rows tr.row a").click()
    text = browser.one("main").text
    for proof in ("xbench evaluate --model xbench/char-ngram", "mteb 2.26.24", "per_query.json.gz"):
        assert proof in text


def test_which_model_favours_english_is_one_link(browser, table):
    browser.choose("#f=en&s=favours")
    browser.scripted("#favours-say")
    own = table.scores.query(
        "dataset == 'XQuAD-R' and measure == 'language_advantage' and average == 'macro' "
        "and passage_language == 'en'"
    ).set_index("model")
    least = own.value.astype(float).idxmin().partition("/")[2]
    said = browser.text("#favours-say")
    assert said.startswith(f"{least} favours English least.")
    assert f"in {100 * own.value.min():.0f} of 100 cases" in said
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, "#lift tbody tr")) == len(own)


def test_quality_against_time_is_of_named_machines(browser, table):
    timed = table.runs.query("dataset == 'XQuAD-R' and seconds_per_1000.notna()")
    browser.open("index.html")
    browser.scripted("#times")
    dots = browser.driver.find_elements(By.CSS_SELECTOR, "#times circle")
    assert len(dots) == timed.model.nunique() > 0
    said = browser.text("#times-cap")
    assert "no rank depends on them" in said
    assert visible(HOSTILE) in said
    ticks = [own.text for own in browser.driver.find_elements(By.CSS_SELECTOR, "#times .tx")]
    assert {"10 s", "100 s"} <= set(ticks)
    browser.choose("#d=miracl")
    browser.scripted("#times-cap")
    assert browser.text("#times").startswith("No model of this view has a time")


def test_a_phone_shows_the_answer_on_its_first_screen(browser):
    browser.open("index.html", PHONE)
    browser.settled()
    bottom = browser.run(
        "return document.querySelector('#answer .big').getBoundingClientRect().bottom"
    )
    assert bottom < PHONE[1]


@pytest.mark.parametrize(
    ("task", "passage"),
    [
        ("XQuADRMultilingualRetrieval", "pool"),
        ("XQuADRCrosslingualRetrieval", "other"),
        ("MLQARMonolingualRetrieval", "same"),
    ],
)
def test_a_against_b_is_what_compare_gives(browser, tmp_path, task, passage):
    models = {"xbench/bm25": "xbench__bm25/1", "xbench/char-ngram": "xbench__char-ngram/1"}
    for place in models.values():
        (tmp_path / "results" / place).mkdir(parents=True)
        for file in (ROOT / "results" / place).iterdir():
            if file.name.startswith((task, "model_meta", "run_settings")):
                shutil.copy(file, tmp_path / "results" / place / file.name)
    build_site([tmp_path / "results"], tmp_path / "site")
    comparison = compare(read_candidates(list(models), tmp_path / "results"))
    browser.driver.get("about:blank")
    browser.driver.get(f"{(tmp_path / 'site').as_uri()}/index.html#a={passage}")
    browser.settled()
    slug = "return board.models.find(({ name }) => name === 'xbench/bm25').slug"
    browser.run("go({ A: arguments[0], B: '' })", browser.run(slug))
    browser.scripted("#duels")
    shown = browser.run(
        """const numbers = ["value", "low", "high", "p"];
        const rows = [...document.querySelectorAll("#duels tr")].map(({ dataset }) => dataset);
        return Object.fromEntries(rows.map((own) =>
          [own.language, numbers.map((name) => Number(own[name]))]))"""
    )
    assert len(shown) == len(comparison.languages) > 6
    for row in comparison.languages:
        own = row.scores[0].difference
        expected = (own.value, own.low, own.high, own.p)
        assert shown[row.language] == pytest.approx(expected, abs=1e-6)
    assert browser.errors() == []


def test_student_and_holm_are_those_of_scipy(browser):
    ts, degrees = [0.0, 0.3, 1.7, 2.5, 8.0, 40.0], [1, 4, 47, 519, 11800]
    for own in degrees:
        found = browser.run("return arguments[0].map((t) => twoSided(t, arguments[1]))", ts, own)
        assert found == pytest.approx(2 * student.sf(ts, own), rel=1e-8, abs=1e-300)
        assert browser.run("return quantile(arguments[0])", own) == pytest.approx(
            student.ppf(0.975, own), rel=1e-9
        )
    p = [0.01, 0.04, 0.02, 0.9, 0.03]
    assert browser.run("return holm(arguments[0])", p) == pytest.approx(
        comparisons.holm(p).tolist()
    )


def test_two_ticks_choose_a_and_b(browser):
    slug = slug_of(browser, "local/all-MiniLM-L6-v2")
    browser.one('input[aria-label^="Compare local/all-MiniLM-L6-v2"]').click()
    browser.settled()
    assert f"B={slug}" in browser.driver.current_url
    browser.scripted("#versus-say")
    assert "bm25 is better than all-MiniLM-L6-v2 by 4.2 points" in browser.text("#versus-say")


def test_the_questions_that_a_model_fails_are_one_link_away(browser):
    browser.open(f"models/{slug_of(browser, 'xbench/bm25')}.html")
    browser.driver.find_element(By.LINK_TEXT, "Questions it fails").click()
    waiting = WebDriverWait(browser.driver, 10)
    waiting.until(lambda driver: "900 of 1,190 questions are failed" in browser.text("#status"))
    first, second = browser.driver.find_elements(By.CSS_SELECTOR, "#failures > li")
    assert "Right, rank 1,234 The right one." in " ".join(first.text.split())
    assert HOSTILE.replace("\u202e", "") in first.text.replace("\u202e", "")
    assert "nothing was found" in second.text
    browser.run(
        """const field = document.querySelector("#choice [name=query]");
        field.value = "de";
        field.dispatchEvent(new Event("change", { bubbles: true }));"""
    )
    waiting.until(lambda driver: "1 of 1,190 questions are failed:" in browser.text("#status"))
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, "#failures > li")) == 1
    assert "query=de&passages=en" in browser.driver.current_url
    browser.driver.back()
    waiting.until(lambda driver: "900 of" in browser.text("#status"))
    assert browser.driver.title.startswith("Failed questions")
    assert browser.errors() == []


def test_several_languages_are_a_mean_with_careful_words(browser, table):
    browser.choose("#q=ar,th&a=de,en")
    pairs = [f"{q}-{p}" for q in ("ar", "th") for p in ("de", "en")]
    scores = table.scores
    own = scores[(scores.dataset == "XQuAD-R") & (scores.measure == "map")]
    own = own[own.subset.isin(pairs)]
    means = own.groupby("model", observed=True).value.mean()
    for _, name, score in browser.rows():
        (value,) = [value for model, value in means.items() if model.endswith(name)]
        assert score == f"{100 * value:.1f}"
    assert "only if their intervals do not meet" in browser.text("#answer")
    browser.scripted("#versus-say")
    assert "For Arabic and Thai questions over German and English passages" in browser.text(
        "#versus-say"
    )


def test_filters_renumber_ranks_and_nothing_is_a_dead_end(browser):
    browser.choose("#size=100")
    assert [row[1] for row in browser.rows()] == ["bm25", "char-ngram", "all-MiniLM-L6-v2"]
    browser.choose("#size=100&open=1")
    assert [row[:2] for row in browser.rows()] == [["1", "bm25"], ["2", "char-ngram"]]
    browser.choose("#find=nothing+has+this+name")
    assert "No measured model fits this choice. Drop the name" in browser.text("#answer")
    assert not browser.one("#board").is_displayed()
    browser.one("#answer a").click()
    browser.settled()
    assert len(browser.rows()) == 4


def test_published_rows_fold_and_unfold_and_never_have_a_rank(browser):
    assert browser.run("return document.querySelectorAll('#rows tr.ref:not([hidden])').length") == 1
    browser.one("#rows .sum button").click()
    assert browser.run("return document.querySelectorAll('#rows tr.ref:not([hidden])').length") == 7
    assert "LaBSE, hybrid batches" in browser.text("#rows")
    assert {cell.text for cell in browser.driver.find_elements(By.CSS_SELECTOR, ".ref .rank")} <= {
        "not ranked",
        "",
    }
    browser.set("refs", "0")
    assert browser.run("return document.querySelectorAll('#rows tr.ref').length") == 0


def test_a_heading_sorts_and_ranks_stay(browser):
    browser.one('th[data-sort="preference"] button').click()
    browser.settled()
    assert [row[0] for row in browser.rows()][:3] == ["3", "2", "1"]
    browser.one('th[data-sort="score"] button').click()
    browser.settled()
    assert [row[0] for row in browser.rows()][:3] == ["1", "2", "3"]


def test_another_dataset_keeps_what_it_has(browser):
    browser.choose("#q=th&a=de")
    browser.set("d", "mlqa-r")
    assert browser.run("return [chosen.q, chosen.a]") == ["all", "de"]
    browser.choose("#d=miracl")
    assert "MIRACL" in browser.text("#lede")
    assert "No model is measured on MIRACL" in browser.text("#answer")
    assert "LaBSE, X-X-mono batches, 45.5" in browser.text("#answer")
    assert "org/one" in browser.one("#rows").get_attribute("textContent")


def test_a_hostile_name_stays_text(browser):
    slug = slug_of(browser, HOSTILE.replace("\u202e", "\\u202e"))
    other = slug_of(browser, "xbench/bm25")
    for path in ("index.html", f"models/{slug}.html", f"compare.html?models={slug},{other}"):
        browser.open(path)
        assert browser.driver.title != "broken"
        assert not browser.run("return document.querySelector('main img, main script')")
        assert "</script><script>" in browser.one("main").text
    assert browser.errors() == []


def ground(browser) -> str:
    return browser.run("return getComputedStyle(document.body).backgroundColor")


def test_the_theme_follows_the_system_until_the_button_is_pressed(browser):
    assert ground(browser) == "rgb(255, 255, 255)"
    browser.scheme("dark")
    browser.open()
    assert ground(browser) == "rgb(18, 22, 26)"
    browser.one("button.theme").click()
    assert ground(browser) == "rgb(255, 255, 255)"
    browser.open("measures.html")
    assert ground(browser) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("size", [WIDE, MIDDLE, PHONE])
def test_no_page_scrolls_sideways(browser, size):
    for path in a_page_of_each_kind(browser.folder):
        browser.open(path, size)
        assert browser.run("return document.documentElement.scrollWidth") <= size[0], path
    for section in ("versus", "favours", "languages"):
        browser.open(f"index.html#q=ar&a=same&s={section}", size)
        browser.scripted(f"#{section}-say")
        assert browser.run("return document.documentElement.scrollWidth") <= size[0], section


def test_nothing_is_asked_for_outside_the_folder_and_nothing_complains(browser):
    browser.errors()
    for path in a_page_of_each_kind(browser.folder):
        browser.open(path)
    assert browser.errors() == []
    asked = browser.asked()
    assert len(asked) > 20
    assert all(url.startswith(browser.root) for url in asked)


POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"


class Strict(SimpleHTTPRequestHandler):
    """A handler that does not log what is read, and sends a strict policy with it."""

    def log_message(self, format, *arguments):
        pass

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()


def test_a_server_with_a_strict_policy_serves_the_same(browser):
    handler = functools.partial(Strict, directory=browser.folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.root = f"http://127.0.0.1:{server.server_port}"
        browser.errors()
        for path in a_page_of_each_kind(browser.folder):
            browser.open(path)
        browser.choose("#q=ar&a=de")
        assert browser.rows()[0][1] == "bm25"
        browser.scripted("#versus-say")
        assert browser.errors() == []
        assert all(url.startswith(browser.root) for url in browser.asked() if "data:" not in url)
        browser.driver.get("about:blank")
        server.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_of_axe(browser, scheme):
    browser.scheme(scheme)
    pages = [(path, WIDE) for path in a_page_of_each_kind(browser.folder)]
    for path, size in [*pages, ("index.html#q=ar&a=de", PHONE), ("index.html#open=1", MIDDLE)]:
        browser.open(path, size)
        if path.startswith("index.html"):
            for section in ("versus", "favours", "languages"):
                browser.scripted(f"#{section}-say")
        assert chromium.serious_findings(browser.driver) == [], path
