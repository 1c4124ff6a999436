"""Rows of measured figures, against the files they are from."""

from __future__ import annotations

import gzip
import json
from collections import Counter

import numpy as np
import pytest

from xbench.data.catalogue import MINI
from xbench.leaderboard.figures import Key
from xbench.leaderboard.loading import read_measured
from xbench.metrics import SCORES
from xbench.results.reading import read_ranks
from xbench.results.store import micro_average

from .sound_results import write_sound

MONO, CROSS, MULTI = (
    f"XBenchMini{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")
)


@pytest.fixture
def whole(tmp_path):
    """The folder of a model with all three tasks."""
    return [write_sound(tmp_path, task).parent for task in (MONO, CROSS, MULTI)][-1]


def entries(folder, task):
    return json.loads((folder / f"{task}.json").read_text())["scores"]["test"]


def only_row(folder):
    (row,), left_out = read_measured([folder])
    assert left_out == []
    return row


def test_a_row_has_the_mean_of_every_score(whole, tmp_path):
    row = only_row(tmp_path)
    assert (row.model, row.revision, row.dataset, row.origin) == (
        *("org/model", "0123abc"),
        *("XBench-Mini", "measured"),
    )
    for setting, task in (("monolingual", MONO), ("crosslingual", CROSS), ("multilingual", MULTI)):
        for measure in set(SCORES) & set(entries(whole, task)[0]):
            mean = np.mean([entry[measure] for entry in entries(whole, task)])
            assert row.figures[Key(setting, measure, None, "macro")].value == pytest.approx(mean)
        ranks = read_ranks(whole / f"{task}.per_query.json.gz")
        micro = row.figures[Key(setting, "map", None, "micro")].value
        assert micro == pytest.approx(micro_average(ranks))


def test_a_query_language_has_the_mean_over_the_passage_languages(whole, tmp_path):
    row = only_row(tmp_path)
    arabic = [e for e in entries(whole, CROSS) if e["hf_subset"].startswith("ar-")]
    assert len(arabic) == 7
    for measure in ("map", "ndcg_at_10", "recall_at_10"):
        mean = np.mean([entry[measure] for entry in arabic])
        assert row.figures[Key("crosslingual", measure, "ar")].value == pytest.approx(mean)
        pair = next(e[measure] for e in arabic if e["hf_subset"] == "ar-th")
        assert row.figures[Key("crosslingual", measure, "ar", None, "th")].value == pair
    thai = next(e for e in entries(whole, MULTI) if e["hf_subset"] == "th")
    for measure in ("rank_distance", "same_language_rank_gain", "awrf_at_20", "rank_correlation"):
        assert row.figures[Key("multilingual", measure, "th")].value == thai[measure]


def test_shares_count_the_languages_of_the_first_20_places(whole, tmp_path):
    row = only_row(tmp_path)
    packed = (whole / f"{MULTI}.per_query.json.gz").read_bytes()
    subset = json.loads(gzip.decompress(packed))["subsets"]["hi"]
    letters = Counter("".join(places[:20] for places in subset["top"]))
    for letter, language in zip("abcdefgh", subset["pool"], strict=True):
        share = letters[letter] / (20 * len(subset["top"]))
        assert row.shares["hi", language] == pytest.approx(share)
    assert len(row.shares) == 64


def test_details_say_how_it_was_run_and_what_it_was_trained_on(tmp_path):
    write_sound(tmp_path, MONO, meta={"training_datasets": ["MSMARCO"], "n_parameters": 118})
    details = only_row(tmp_path).details
    assert (details.n_parameters, details.training_data) == (118, ("MSMARCO",))
    assert details.zero_shot == "zero-shot"
    (run,) = details.runs.values()
    assert run.command == f"xbench evaluate --model org/model --tasks {MONO}"
    assert (run.cut, run.date) == (0.025, "2026-11-18")
    assert run.versions["xbench-mteb"] == "0.1.0"


def test_undeclared_training_data_is_noted_once(tmp_path):
    for task in (MONO, CROSS):
        write_sound(tmp_path, task, meta={"training_datasets": None})
    row = only_row(tmp_path)
    assert (row.details.training_data, row.details.zero_shot) == (None, "unknown")
    assert len([note for note in row.notes if note.startswith("training_datasets")]) == 1


def test_a_missing_task_has_no_figures(tmp_path):
    write_sound(tmp_path, MONO)
    row = only_row(tmp_path)
    assert {key.setting for key in row.figures} == {"monolingual"}
    assert set(row.evidence) == {Key("monolingual", "map", None, "macro")}
    assert row.shares == {}


def test_other_settings_and_other_revisions_are_rows_of_their_own(tmp_path):
    write_sound(tmp_path, MONO)
    write_sound(tmp_path, MONO, revision="other", seed=1)
    write_sound(tmp_path, MONO, experiment={"max_length": 64}, seed=2)
    write_sound(tmp_path, MONO, experiment={"passage_form": "context"}, seed=3)
    rows, left_out = read_measured([tmp_path])
    assert left_out == []
    assert len({row.identity for row in rows}) == 4
    assert {(row.model, row.revision, row.passage_form) for row in rows} == {
        ("org/model", "0123abc", "sentence"),
        ("org/model", "other", "sentence"),
        ("org/model (max_length=64)", "0123abc", "sentence"),
        ("org/model", "0123abc", "context"),
    }


def test_a_score_that_a_subset_lacks_has_no_mean(tmp_path):
    write_sound(tmp_path, CROSS, edit=lambda result: result["scores"]["test"][0].pop("ndcg_at_10"))
    figures = only_row(tmp_path).figures
    missing = [Key("crosslingual", "ndcg_at_10", *rest) for rest in (("ar",), ("ar", None, "de"))]
    assert not {Key("crosslingual", "ndcg_at_10", None, "macro"), *missing} & figures.keys()
    assert Key("crosslingual", "ndcg_at_10", "de") in figures
    assert Key("crosslingual", "ndcg_at_10", "ar", None, "en") in figures


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda r: r["scores"]["test"][0].update(awrf_at_20=0.987), "awrf_at_20: 0.987: its ranks"),
        (lambda r: r.update(dataset_revision="main"), f"expected {MINI.revision!r}"),
        (lambda r: r["scores"]["test"].pop(0), "1 of 8 missing: ar"),
    ],
)
def test_a_wrong_result_gives_no_figure_and_says_why(tmp_path, edit, reason):
    write_sound(tmp_path, CROSS)
    write_sound(tmp_path, MULTI, edit=edit)
    (row,), (left_out,) = read_measured([tmp_path])
    assert {key.setting for key in row.figures} == {"crosslingual"}
    assert left_out.file == f"org__model/0123abc/{MULTI}.json"
    assert reason in left_out.reason


def test_the_file_that_is_wrong_is_named_where_it_is_another(tmp_path):
    path = write_sound(tmp_path, MULTI)
    path.with_name(f"{MULTI}.per_query.json.gz").write_bytes(b"no gzip")
    _, (left_out,) = read_measured([tmp_path])
    assert left_out.reason.startswith(f"{MULTI}.per_query.json.gz: ")


def test_of_many_findings_two_are_told_and_the_rest_counted(tmp_path):
    def spoil(result):
        for entry in result["scores"]["test"][:5]:
            entry["recall_at_1"] = 7.0

    write_sound(tmp_path, MONO, edit=spoil)
    _, (left_out,) = read_measured([tmp_path])
    assert left_out.reason.count("recall_at_1") == 2
    assert left_out.reason.endswith("; and 3 more")


def test_of_two_results_of_a_run_the_first_counts(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    write_sound(first, MONO)
    write_sound(second, MONO, seed=1)
    (row,), (left_out,) = read_measured([first, second])
    assert row.figures == only_row(first).figures
    assert left_out.reason == "the same run's result is there already"
