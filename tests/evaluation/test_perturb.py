"""``--perturb``: results on changed queries, apart from the others, without encoding passages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import xbench
from tests.commands import invoke
from tests.miracl_corpora import write_miracl
from xbench.evaluation import evaluate_tasks
from xbench.evaluation.run_settings import Selection
from xbench.models.options import ModelOptions

pytestmark = pytest.mark.integration

TASK = "XBenchMiniMonolingualRetrieval"


def run(place, *words):
    given = ("evaluate", "--model", "xbench/char-ngram", "--tasks", TASK, "--no-progress")
    outcome = invoke(place, *given, *words)
    assert outcome.returncode == 0, outcome.stderr
    return {path.parent.name: path for path in Path(place).glob(f"results/**/{TASK}.json")}


def scores(path):
    return json.loads(path.read_bytes())["scores"]


def test_results_are_stored_apart_by_perturbation_and_seed(tmp_path):
    run(tmp_path)
    run(tmp_path, "--perturb", "typo:0.1")
    run(tmp_path, "--perturb", "typo:0.1", "--perturb-seed", 1)
    found = run(tmp_path, "--perturb", "typo:0.10", "--perturb", "codeswitch:0.3")
    assert set(found) == {
        "1",
        "perturb_typo_0.1",
        "perturb_typo_0.1__perturb_seed_1",
        "perturb_typo_0.1,codeswitch_0.3",
    }
    assert len({json.dumps(scores(path)) for path in found.values()}) == 4
    lines = (found["perturb_typo_0.1"].parent / "run_settings.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["xbench"]["command"][-2:] == ["--perturb", "typo:0.1"]


def test_such_results_are_for_oneself(tmp_path):
    run(tmp_path, "--perturb", "typo:0.1")
    outcome = invoke(tmp_path, "validate", "results")
    assert outcome.returncode == 1
    assert "on perturbed queries (typo:0.1)" in outcome.stdout


def test_a_rate_of_zero_is_no_perturbation(tmp_path):
    assert set(run(tmp_path, "--perturb", "typo:0")) == {"1"}


def test_passages_are_not_encoded_again(hash_encoder, tmp_path):
    options = {"tasks": TASK, "no_progress": True, "cache_dir": tmp_path / "cache"}
    xbench.evaluate(hash_encoder, output=tmp_path / "a", **options)
    hash_encoder.seen.clear()
    xbench.evaluate(hash_encoder, output=tmp_path / "b", perturb="typo:0.3", **options)
    again = [text for role, text in hash_encoder.seen if role != "query"]
    assert len(set(again)) <= 16, "only those that are compared to know the object again"
    assert len([text for role, text in hash_encoder.seen if role == "query"]) > 300


def test_what_cannot_be_perturbed_is_refused(location):
    selection = Selection(("MIRACLMonolingualRetrieval",), ("sw",), perturb=("codeswitch:0.1",))
    with pytest.raises(xbench.UserError, match=r"codeswitch:0\.1 cannot be applied to MIRACL"):
        evaluate_tasks.evaluate(ModelOptions("xbench/bm25"), selection, location=location)
    with pytest.raises(xbench.UserError, match="unknown kind 'tipo'"):
        Selection((TASK,), perturb=("tipo:0.1",))


def test_streamed_corpora_are_searched_with_what_perturb_makes_of_their_topics(tmp_path):
    """The same scores as those of local topics that were perturbed by hand."""
    task, step = "MIRACLMonolingualRetrieval", "typo:0.3"
    data = write_miracl(tmp_path / "data", {"sw": 300}, real=False)
    given = ("evaluate", "--model", "xbench/char-ngram", "--tasks", task, "--languages", "sw")
    words = (*given, "--data-dir", data, "--no-progress")
    for extra in ((), ("--perturb", step)):
        outcome = invoke(tmp_path, *words, *extra)
        assert outcome.returncode == 0, outcome.stderr
    found = {path.parent.name: path for path in tmp_path.glob(f"results/**/{task}.json")}
    (clean,) = (path for name, path in found.items() if "perturb" not in name)
    (changed,) = (path for name, path in found.items() if "perturb_typo_0.3" in name)
    assert scores(clean) != scores(changed)

    (topics,) = data.rglob("topics.*.tsv")
    ids, texts = zip(*(line.split("\t") for line in topics.read_text().splitlines()), strict=True)
    by_hand = zip(ids, xbench.perturb(texts, [step], "sw"), strict=True)
    topics.write_text("".join(f"{own}\t{text}\n" for own, text in by_hand))
    outcome = invoke(tmp_path, *words, "--output", "by_hand")
    assert outcome.returncode == 0, outcome.stderr
    (expected,) = tmp_path.glob(f"by_hand/**/{task}.json")
    assert scores(expected) == scores(changed)
