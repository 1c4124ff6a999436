"""Pages made of stored summaries: the same as of the ranks, and never of one that is wrong."""

from __future__ import annotations

import gzip
import json
import shutil

import numpy as np
import pytest

from tests.results.validation.summaries import FORGERIES, HOSTILE, rewrite
from xbench.leaderboard import results as reading
from xbench.leaderboard import writing
from xbench.leaderboard.results import read_results
from xbench.leaderboard.site import build_site
from xbench.results.summaries import SUMMARY_SUFFIX

from .conftest import read_site
from .sound_results import write_sound

pytestmark = pytest.mark.integration

MONO, CROSS, MULTI = (
    f"XBenchMini{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Results of two models with summaries."""
    root = tmp_path_factory.mktemp("summarised")
    for seed, model in enumerate(("org/model", "org/other")):
        for task in (MONO, CROSS, MULTI):
            write_sound(root, task, model=model, seed=seed, summary=True)
    write_sound(root, "MLQARMonolingualRetrieval", summary=True)
    return root


@pytest.fixture
def results(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "results")


@pytest.fixture
def summary(results):
    return results / "org__model" / "0123abc" / f"{MULTI}{SUMMARY_SUFFIX}"


@pytest.fixture
def read_from_ranks(monkeypatch):
    """The files whose ranks were read."""
    seen, original = [], reading.check_task

    def check_task(path, root, **options):
        seen.append(path.name)
        return original(path, root, **options)

    monkeypatch.setattr(reading, "check_task", check_task)
    monkeypatch.setattr(
        reading, "in_processes", lambda check, number: list(map(check, range(number)))
    )
    return seen


@pytest.fixture(scope="module")
def from_ranks(whole):
    """The table of the results as their ranks give it."""
    return read_results([whole], from_ranks=True)


def same(first, second):
    """Return whether two tables are the same, with what standings follow from."""
    return (
        first.scores.equals(second.scores)
        and first.runs.equals(second.runs)
        and first.excluded == second.excluded
        and first.influence.keys() == second.influence.keys()
        and all(
            np.array_equal(own, second.influence[key], equal_nan=True)
            for key, own in first.influence.items()
        )
    )


def test_summaries_give_what_ranks_give(results, read_from_ranks):
    found = read_results([results])
    assert not read_from_ranks
    assert same(found, read_results([results], from_ranks=True))
    assert len(read_from_ranks) == 7


def test_processes_give_the_same_table(results, from_ranks, monkeypatch):
    monkeypatch.setattr(writing, "cpu_count", lambda: 1)
    assert same(read_results([results], from_ranks=True), from_ranks)
    monkeypatch.setattr(writing, "cpu_count", lambda: 3)
    assert same(read_results([results], from_ranks=True), from_ranks)


def test_the_pages_are_the_same_bytes_with_and_without_summaries(results, tmp_path):
    def files(name, **options):
        build_site([results], tmp_path / name, **options)
        return read_site(tmp_path / name).files

    first = files("a")
    assert files("a") == first
    assert files("b", from_ranks=True) == first
    for path in results.rglob(f"*{SUMMARY_SUFFIX}"):
        path.unlink()
    assert files("c") == first


@pytest.mark.parametrize("name", ["json", "per_query.json.gz"])
def test_a_summary_of_other_files_is_not_used(results, read_from_ranks, from_ranks, name):
    path = results / "org__model" / "0123abc" / f"{MULTI}.{name}"
    if name == "json":
        path.write_bytes(path.read_bytes() + b"\n")
    else:
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1, mtime=0))
    found = read_results([results])
    assert read_from_ranks == [f"{MULTI}.json"]
    assert same(found, from_ranks)


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_summary_is_not_used(results, summary, read_from_ranks, from_ranks, content):
    summary.write_bytes(content)
    found = read_results([results])
    assert read_from_ranks == [f"{MULTI}.json"]
    assert same(found, from_ranks)


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_summary_that_cannot_be_is_not_used(results, summary, read_from_ranks, from_ranks, forge):
    rewrite(summary, forge)
    found = read_results([results])
    assert read_from_ranks == [f"{MULTI}.json"]
    assert same(found, from_ranks)


def test_a_link_to_a_summary_is_not_followed(results, summary, read_from_ranks, tmp_path):
    summary.rename(tmp_path / "elsewhere")
    summary.symlink_to(tmp_path / "elsewhere")
    read_results([results])
    assert read_from_ranks == [f"{MULTI}.json"]


def test_a_result_without_a_score_is_read_from_its_ranks(tmp_path, read_from_ranks):
    def lack(result):
        del result["scores"]["test"][0]["mrr_at_10"]

    write_sound(tmp_path, MONO, edit=lack, summary=True)
    (run,) = read_results([tmp_path]).runs.itertuples()
    assert read_from_ranks == [f"{MONO}.json"]
    assert any("mrr_at_10" in note for note in run.notes)


def test_scores_other_than_their_evidence_are_excluded(results, summary, read_from_ranks):
    """Whoever forges a score and its digest has to forge the values behind it too."""
    path = summary.with_name(f"{MULTI}.json")
    result = json.loads(path.read_bytes())
    for entry in result["scores"]["test"]:
        entry["map"] = entry["main_score"] = min(1.0, entry["map"] + 0.1)
    path.write_text(json.dumps(result))
    rewrite(summary, lambda document: None, beside=True)
    excluded = read_results([results]).excluded
    assert read_from_ranks == [f"{MULTI}.json"]
    assert [item.file for item in excluded] == [f"org__model/0123abc/{MULTI}.json"]


def test_models_with_values_of_other_questions_are_not_compared(results, summary, tmp_path):
    """Only from ranks is it known which questions there are; other shapes must break nothing."""

    def shorten(document):
        for own in document["evidence"].values():
            column = own["values"][0]
            own["present"] = [own["present"][0] + "xx"]
            mean = sum(column) / len(column)
            own["values"] = [[*column, mean, mean]]

    rewrite(summary, shorten)
    build_site([results], tmp_path / "site")
    assert (tmp_path / "site" / "index.html").is_file()
