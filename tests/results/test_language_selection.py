"""Part of the languages: what full results answer is what a run on these languages gives."""

from __future__ import annotations

import pytest

import xbench
from tests.commands import invoke

MODELS = ("xbench/char-ngram", "xbench/bm25")
SETTINGS = ("Monolingual", "Crosslingual", "Multilingual")
ROUNDING = 1e-3
"""How far scores may be apart: products of other shapes round nearly equal scores differently."""
KEY = ["model", "task", "subset", "average", "measure", "query_language", "passage_language"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Folders `full` and `part`, of results on all languages and on Arabic and German."""
    place = tmp_path_factory.mktemp("selection")
    for model in MODELS:
        for name, languages in (("full", None), ("part", ["Arabic", "deu"])):
            xbench.evaluate(
                model,
                benchmark="XBenchMini",
                languages=languages,
                output=place / name,
                cache_dir=place / "cache",
                no_progress=True,
            )
    return place


def scores(*paths, languages="ar,de"):
    found = xbench.load_results([*paths], languages=languages)
    table = found.to_dataframe().astype(dict.fromkeys(KEY, str)).set_index(KEY)
    return found, table["value"]


@pytest.mark.integration
def test_pairs_are_those_of_a_run_on_these_languages(place):
    found, full = scores(place / "full")
    _, part = scores(place / "part")
    pairs = part[~part.index.get_level_values("task").str.contains("Multilingual")]
    assert full.index.symmetric_difference(pairs.index).empty
    assert (full - pairs).abs().max() < ROUNDING
    assert len(found.excluded) == len(MODELS)
    assert all(
        "--tasks XBenchMiniMultilingualRetrieval --languages ar,de" in own.reason
        for own in found.excluded
    )


@pytest.mark.integration
def test_pools_come_from_a_run_on_these_languages(place):
    found, table = scores(place / "full", place / "part")
    assert set(found.to_dataframe()["settings"]) == {""}
    assert set(table.index.get_level_values("task")) == {
        f"XBenchMini{setting}Retrieval"
        for setting in ("Monolingual", "Crosslingual", "Multilingual")
    }


@pytest.mark.integration
@pytest.mark.parametrize("languages", ["ar,de,en", "fr"])
def test_a_run_on_fewer_languages_does_not_answer(languages, place):
    found = xbench.load_results(place / "part", languages=languages)
    assert found.to_dataframe().empty
    assert len(found.excluded) == 6


@pytest.mark.integration
def test_models_on_part_of_the_languages_are_compared(place):
    part = xbench.compare([*MODELS], results=place / "part").to_dataframe()
    assert set(part["model"]) == {f"{model} (languages_ar,de)" for model in MODELS}
    full = xbench.compare([*MODELS], results=place / "full", languages=["ar", "German"])
    found = full.to_dataframe()
    assert not found["task"].str.contains("Multilingual").any()
    key = ["table", "task", "measure", "query_language"]
    key = [name for name in key if name in found]
    rows = [own[~own["task"].str.contains("Multilingual")] for own in (found, part)]
    means = [own.groupby(key, dropna=False)["value"].sum() for own in rows]
    assert means[0].index.equals(means[1].index)
    languages = means[0].xs("languages"), means[1].xs("languages")
    assert (languages[0] - languages[1]).abs().max() < 2 * ROUNDING


@pytest.mark.integration
def test_compare_says_what_has_to_be_searched(place):
    outcome = invoke(place, "compare", *MODELS, "-r", "full", "-l", "ara,deu")
    assert outcome.returncode == 0
    for model in MODELS:
        command = f"--model {model} --tasks XBenchMiniMultilingualRetrieval --languages ar,de"
        assert command in outcome.stderr


@pytest.mark.integration
def test_pages_show_them_as_datasets_of_these_languages(place):
    outcome = invoke(place, "leaderboard", "build", "-r", "full", "-r", "part")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    names = sorted(path.name for path in (place / "site" / "datasets").iterdir())
    assert len(names) == 2
    assert names[0] == "mini.html"
    assert names[1].startswith("xbench-mini-ar-de-")
    invoke(place, "leaderboard", "build", "-r", "full", "-l", "ar,de", "-o", "two")
    assert "XBench-Mini (ar, de)" in (place / "two" / "index.html").read_text()
