"""Sound results are accepted; suspicious ones too, with a warning."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from mteb.models import ModelMeta
from mteb.results import TaskResult

from tests.conftest import ROOT
from tests.results.validation.conftest import MULTILINGUAL, Submission
from xbench.metrics import PoolRanks, scores
from xbench.metrics.chance import expected_average_precision
from xbench.results import schema
from xbench.results.reading import read_ranks
from xbench.results.validation import check, check_task, result_files


def test_what_evaluate_writes_is_accepted_with_all_its_parts(submission: Submission):
    found = submission.check()
    assert found.accepted
    assert not found.findings
    assert found.run is not None
    assert (found.run.model, found.run.revision) == ("xbench/char-ngram", "1")
    assert (found.run.options, found.run.passage_form) == ("", "sentence")
    assert found.result == json.loads(submission.result.read_text())
    assert found.meta is not None
    assert found.meta["name"] == "xbench/char-ngram"
    assert found.settings is not None
    assert found.settings["task"] == MULTILINGUAL
    assert found.ranks is not None
    assert len(found.ranks.subsets) == 8


@pytest.mark.integration
def test_the_measured_models_are_accepted():
    checks = check([ROOT / "results"])
    assert len(checks) == len(list(result_files(ROOT / "results"))) >= 18
    assert all(item.accepted and item.run for item in checks)


def test_the_fields_are_those_that_mteb_writes():
    assert set(schema.fields_of(schema.TaskResult)) == set(TaskResult.model_fields)
    written = set(ModelMeta.create_empty().to_dict())
    assert set(schema.fields_of(schema.ModelMeta)) == written


@pytest.mark.parametrize("declared", [[], ["XQuADRetrieval"], None])
def test_training_data_have_three_states(submission: Submission, declared):
    submission.edit(submission.meta, lambda meta: meta.update(training_datasets=declared))
    found = submission.check()
    assert found.accepted
    assert found.meta is not None
    assert found.meta["training_datasets"] == declared
    warned = [finding.field for finding in found.findings]
    assert warned == (["training_datasets"] if declared is None else [])


def test_a_model_without_a_length_limit_is_accepted(submission: Submission):
    submission.edit(submission.meta, lambda meta: meta.update(max_tokens=float("inf")))
    assert "Infinity" in submission.meta.read_text()
    found = submission.check()
    assert found.accepted
    assert found.meta is not None
    assert found.meta["max_tokens"] is None


def rewrite(submission: Submission, rank) -> None:
    """Change the ranks of every subset, and the scores with them."""
    content = json.loads(gzip.decompress(submission.ranks.read_bytes()))
    for subset in content["subsets"].values():
        letters = {code: chr(ord("a") + i) for i, code in enumerate(sorted(subset["pool"]))}
        place = {}
        for row, question in enumerate(subset["question"]):
            place[question] = place.get(question, -1) + 1
            subset["rank"][row] = rank(place[question], row)
        first: dict[int, list[str]] = {}
        for row, question in enumerate(subset["question"]):
            top = first.setdefault(question, list("." * len(subset["top"][0])))
            if subset["rank"][row] <= len(top):
                top[subset["rank"][row] - 1] = letters[
                    content["languages"][subset["language"][row]]
                ]
        subset["top"] = ["".join(fill(top)) for top in first.values()]
        subset["ties"] = {field: [] for field in subset["ties"]}
    submission.ranks.write_bytes(gzip.compress(json.dumps(content).encode()))
    ranks = read_ranks(submission.ranks)
    found = scores(ranks.subsets, multilingual=True)

    def rescore(result):
        for entry in result["scores"]["test"]:
            kept = {name: entry[name] for name in ("hf_subset", "languages", "mteb_version")}
            own = found[entry["hf_subset"]]
            entry.clear()
            entry.update(kept | own | {"main_score": own["map"]})

    submission.edit(submission.result, rescore)


def fill(top):
    """Put passages of the languages in turn where no relevant passage is."""
    return ["abcdefgh"[i % 8] if c == "." else c for i, c in enumerate(top)]


def test_perfect_and_equal_scores_are_suspicious(submission: Submission):
    rewrite(submission, lambda place, row: place + 1)
    found = submission.check()
    assert found.accepted
    rules = " ".join(finding.rule for finding in found.findings)
    assert "the same main score" in rules
    assert "almost perfect" in rules


def test_scores_at_chance_are_suspicious(submission: Submission):
    rewrite(submission, lambda place, row: 30 + 45 * place)
    (warning,) = [f for f in submission.check().findings if "random" in f.rule]
    assert warning.warning


def test_chance_is_the_mean_over_all_rankings():
    """One passage of two is relevant: it is first or second, AP 1 or 1/2."""
    one = np.array([0]), np.array(["de"]), np.array([1])
    chance = expected_average_precision
    assert chance(PoolRanks(("q",), *one, "de", {"de": 2})) == pytest.approx(0.75)
    both = np.array([0, 0]), np.array(["de", "de"]), np.array([1, 2])
    assert chance(PoolRanks(("q",), *both, "de", {"de": 2})) == pytest.approx(1)
    # two of three: ranks (1, 2), (1, 3) or (2, 3), AP 1, 5/6 or 7/12
    three = chance(PoolRanks(("q",), *both, "de", {"de": 3}))
    assert three == pytest.approx((1 + 5 / 6 + 7 / 12) / 3)


def test_another_revision_with_far_other_scores_is_suspicious(submission: Submission):
    other = submission.folder.with_name("2")
    shutil.copytree(submission.folder, other)
    second = Submission(submission.root)
    second.edit(other / "model_meta.json", lambda meta: meta.update(revision="2"))
    assert not submission.check().findings
    rewrite(submission, lambda place, row: place + 1)
    found = check_task(other / f"{MULTILINGUAL}.json", submission.root)
    assert found.accepted
    assert any("revision 1 has 1.000" in finding.rule for finding in found.findings)


@pytest.mark.parametrize("path", ["/home/me/out", "./out", "~/out", "../out"])
def test_paths_of_the_submitter_are_suspicious(submission: Submission, path):
    submission.edit_settings(lambda line: line["xbench"]["command"].extend(["--output", path]))
    (warning,) = submission.check().findings
    assert warning.warning
    assert warning.field.endswith("xbench.command")


@pytest.mark.integration
def test_a_check_loads_neither_torch_nor_mteb():
    file = ROOT / "results" / "xbench__bm25" / "1" / "MLQARMonolingualRetrieval.json"
    code = (
        "import sys; from pathlib import Path; from xbench.results.validation import check;"
        f"print(check([Path({str(file)!r})])[0].accepted, *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    accepted, *names = done.stdout.split()
    assert accepted == "True"
    loaded = {name.split(".")[0] for name in names}
    assert not loaded & {"torch", "mteb", "datasets", "sentence_transformers", "pandas"}


def test_result_files_are_those_of_known_tasks_in_order(submission: Submission):
    found = [path.name for path in result_files(submission.root)]
    assert found == sorted(found)
    assert len(found) == 3
