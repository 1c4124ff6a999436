"""Measured scores in the table, against the files they are from."""

from __future__ import annotations

import gzip
import json
from collections import Counter

import numpy as np
import pytest

from tests.leaderboard.sound_results import write_sound
from xbench.data.datasets import MINI
from xbench.leaderboard.board import arrange
from xbench.leaderboard.results import read_results
from xbench.metrics import SCORES
from xbench.results.reading import read_ranks
from xbench.results.run_details import seconds_per_1000
from xbench.results.store import micro_average

MONO, CROSS, MULTI = (
    f"XBenchMini{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")
)


@pytest.fixture
def whole(tmp_path):
    """The folder of a model with all three tasks."""
    return [write_sound(tmp_path, task).parent for task in (MONO, CROSS, MULTI)][-1]


def entries(folder, task):
    return json.loads((folder / f"{task}.json").read_text())["scores"]["test"]


def read(*folders):
    found = read_results(list(folders))
    assert found.excluded == ()
    return found


def scores(table, setting, average=""):
    """Scores by measure, query and passage language."""
    own = table.scores[(table.scores["setting"] == setting) & (table.scores["average"] == average)]
    keys = zip(own["measure"], own["query_language"], own["passage_language"], strict=True)
    return dict(zip(keys, own["value"], strict=True))


def test_every_score_has_a_mean(whole, tmp_path):
    found = read(tmp_path)
    assert set(found.scores["model"]) == {"org/model"}
    assert set(found.scores["revision"]) == {"0123abc"}
    assert set(found.scores["dataset"]) == {"XBench-Mini"}
    assert set(found.scores["provenance"]) == {"measured"}
    for setting, task in (("monolingual", MONO), ("crosslingual", CROSS), ("multilingual", MULTI)):
        means = scores(found, setting, "macro")
        for measure in set(SCORES) & set(entries(whole, task)[0]):
            own = [entry[measure] for entry in entries(whole, task) if measure in entry]
            assert means[measure, "", ""] == pytest.approx(np.mean(own))
        ranks = read_ranks(whole / f"{task}.per_query.json.gz")
        micro = scores(found, setting, "micro")
        assert micro == {("map", "", ""): pytest.approx(micro_average(ranks))}


def test_a_pair_of_languages_and_a_query_language_have_their_scores(whole, tmp_path):
    found = read(tmp_path)
    pairs = scores(found, "crosslingual")
    (pair,) = [e for e in entries(whole, CROSS) if e["hf_subset"] == "ar-th"]
    for measure in ("map", "ndcg_at_10", "recall_at_10"):
        assert pairs[measure, "ar", "th"] == pair[measure]
    thai = next(e for e in entries(whole, MULTI) if e["hf_subset"] == "th")
    own = scores(found, "multilingual")
    for measure in ("rank_distance", "same_language_rank_gain", "awrf_at_20", "rank_correlation"):
        assert own[measure, "th", ""] == thai[measure]


def test_shares_count_the_languages_of_the_first_20_places(whole, tmp_path):
    own = scores(read(tmp_path), "multilingual")
    packed = (whole / f"{MULTI}.per_query.json.gz").read_bytes()
    subset = json.loads(gzip.decompress(packed))["subsets"]["hi"]
    letters = Counter("".join(places[:20] for places in subset["top"]))
    for letter, language in zip("abcdefgh", subset["pool"], strict=True):
        share = letters[letter] / (20 * len(subset["top"]))
        assert own["language_share_at_20", "hi", language] == pytest.approx(share)
    assert len([key for key in own if key[0] == "language_share_at_20"]) == 64


def test_runs_say_how_it_was_run_and_what_it_was_trained_on(tmp_path):
    write_sound(tmp_path, MONO, meta={"training_datasets": ["MSMARCO"], "n_parameters": 118})
    (run,) = read(tmp_path).runs.itertuples()
    assert (run.n_parameters, run.training_data) == (118, ("MSMARCO",))
    assert run.zero_shot == "zero-shot"
    assert run.command == f"xbench evaluate --model org/model --tasks {MONO}"
    assert (run.truncated, run.date) == (0.025, "2026-11-18")
    assert run.seconds_per_1000 == 12.5
    assert run.versions["xbench-mteb"] == "0.1.0"


@pytest.mark.parametrize(
    "encoding",
    [None, {"texts": 9, "encoded": 8, "truncated": 0, "seconds": 1.0}, {"texts": 9, "encoded": 9}],
)
def test_a_time_is_of_a_run_that_encoded_everything(encoding):
    assert seconds_per_1000(encoding) is None


def test_undeclared_training_data_is_noted(tmp_path):
    write_sound(tmp_path, MONO, meta={"training_datasets": None})
    (run,) = read(tmp_path).runs.itertuples()
    assert (run.training_data, run.zero_shot) == (None, "unknown")
    assert len([note for note in run.notes if note.startswith("training_datasets")]) == 1


def test_a_missing_task_has_no_scores(tmp_path):
    write_sound(tmp_path, MONO)
    found = read(tmp_path)
    assert set(found.scores["setting"]) == {"monolingual"}
    assert {measure for _, measure in found.influence} == {"map"}
    assert "language_share_at_20" not in set(found.scores["measure"])


def test_other_settings_and_other_revisions_are_runs_of_their_own(tmp_path):
    write_sound(tmp_path, MONO)
    write_sound(tmp_path, MONO, revision="other", seed=1)
    write_sound(tmp_path, MONO, experiment={"max_length": 64}, seed=2)
    write_sound(tmp_path, MONO, experiment={"passage_form": "context"}, seed=3)
    columns = ["settings", "revision", "passage_form"]
    found = read(tmp_path).scores[columns].astype(str).drop_duplicates()
    assert {tuple(own) for own in found.to_numpy()} == {
        ("", "0123abc", "sentence"),
        ("", "other", "sentence"),
        ("max_length=64", "0123abc", "sentence"),
        ("", "0123abc", "context"),
    }


def test_a_score_that_a_subset_lacks_has_no_mean(tmp_path):
    write_sound(tmp_path, CROSS, edit=lambda result: result["scores"]["test"][0].pop("ndcg_at_10"))
    found = read(tmp_path)
    own = scores(found, "crosslingual")
    assert ("ndcg_at_10", "ar", "de") not in own
    assert ("ndcg_at_10", "", "") not in scores(found, "crosslingual", "macro")
    assert ("ndcg_at_10", "ar", "en") in own
    cells = arrange(found).cells
    shown = cells[(cells.measure == "ndcg_at_10") & (cells.setting == "crosslingual")]
    assert "de" in set(shown.query_language)
    assert not {"ar", ""} & set(shown.query_language)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda r: r["scores"]["test"][0].update(awrf_at_20=0.987), "awrf_at_20: 0.987: its ranks"),
        (lambda r: r.update(dataset_revision="main"), f"expected {MINI.revision!r}"),
        (lambda r: r["scores"]["test"].pop(0), "1 of 8 missing: ar"),
    ],
)
def test_a_wrong_result_gives_no_score_and_says_why(tmp_path, edit, reason):
    write_sound(tmp_path, CROSS)
    write_sound(tmp_path, MULTI, edit=edit)
    found = read_results([tmp_path])
    (excluded,) = found.excluded
    assert set(found.scores["setting"]) == {"crosslingual"}
    assert excluded.file == f"org__model/0123abc/{MULTI}.json"
    assert reason in excluded.reason


def test_the_file_that_is_wrong_is_named_where_it_is_another(tmp_path):
    path = write_sound(tmp_path, MULTI)
    path.with_name(f"{MULTI}.per_query.json.gz").write_bytes(b"no gzip")
    (excluded,) = read_results([tmp_path]).excluded
    assert excluded.reason.startswith(f"{MULTI}.per_query.json.gz: ")


def test_of_many_findings_two_are_listed_and_the_rest_counted(tmp_path):
    def spoil(result):
        for entry in result["scores"]["test"][:5]:
            entry["recall_at_1"] = 7.0

    write_sound(tmp_path, MONO, edit=spoil)
    (excluded,) = read_results([tmp_path]).excluded
    assert excluded.reason.count("recall_at_1") == 2
    assert excluded.reason.endswith("; and 3 more")


def test_of_two_results_of_a_run_the_first_counts(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    write_sound(first, MONO)
    write_sound(second, MONO, seed=1)
    found = read_results([first, second])
    (excluded,) = found.excluded
    assert found.scores["value"].equals(read(first).scores["value"])
    assert excluded.reason == "the same run's result is there already"
