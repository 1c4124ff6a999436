"""Stored summaries: what is written follows from the ranks, and what does not is refused."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from click.testing import CliRunner

from tests.results.validation.conftest import MULTILINGUAL, Submission
from tests.results.validation.summaries import FORGERIES, HOSTILE, PLAUSIBLE, rewrite
from xbench.cli import main
from xbench.results.reading import read_ranks
from xbench.results.stored_summary import write_summary
from xbench.results.summaries import SUMMARY_SUFFIX, measures_with_intervals, summarise
from xbench.results.summary_document import as_document, from_document
from xbench.results.validation import check_summarised


@pytest.fixture
def summary(summarised: Submission):
    return summarised.folder / f"{MULTILINGUAL}{SUMMARY_SUFFIX}"


@pytest.mark.integration
def test_evaluate_writes_summaries_that_are_accepted(summarised: Submission):
    assert len(list(summarised.folder.glob(f"*{SUMMARY_SUFFIX}"))) == 3
    assert not summarised.check().findings
    assert check_summarised(summarised.result, summarised.root).run == summarised.check().run


def test_the_same_ranks_give_the_same_bytes(summarised: Submission, summary):
    before = summary.read_bytes()
    write_summary(summarised.folder, read_ranks(summarised.ranks), summarised.result.read_bytes())
    assert summary.read_bytes() == before


def test_a_summary_comes_back_as_it_was(summarised: Submission):
    ranks = read_ranks(summarised.ranks)
    found = summarise(ranks)
    again = from_document(json.loads(json.dumps(as_document(ranks, found, "", ""))))
    for field in ("micro", "chance", "best", "shares", "advantages"):
        assert getattr(again, field) == getattr(found, field)
    for language, own in found.favoured.items():
        other = again.favoured[language]
        assert (own.value, own.interval, own.questions) == (
            other.value,
            other.interval,
            other.questions,
        )
    for measure, own in found.evidence.items():
        assert np.array_equal(again.evidence[measure].values, own.values, equal_nan=True)
        assert again.evidence[measure].interval == own.interval
    for field in ("groups", "means", "chance"):
        assert getattr(again.sums, field) == getattr(found.sums, field)
    np.testing.assert_array_equal(again.sums.added, found.sums.added)


def test_a_missing_summary_is_no_error(summarised: Submission, summary):
    summary.unlink()
    assert not summarised.check().findings
    assert check_summarised(summarised.result, summarised.root) is None


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_summary_is_refused(summarised: Submission, summary, content):
    summary.write_bytes(content)
    found = summarised.check()
    assert not found.accepted
    assert {finding.file for finding in found.findings} == {
        f"xbench__char-ngram/1/{MULTILINGUAL}{SUMMARY_SUFFIX}"
    }
    assert check_summarised(summarised.result, summarised.root) is None


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_summary_is_refused(summarised: Submission, summary, forge):
    rewrite(summary, forge)
    assert not summarised.check().accepted
    assert check_summarised(summarised.result, summarised.root) is None


@pytest.mark.parametrize("field", PLAUSIBLE)
def test_what_ranks_do_not_give_is_refused_by_its_field(summarised: Submission, summary, field):
    rewrite(summary, PLAUSIBLE[field])
    findings = summarised.check().findings
    assert findings
    assert findings[0].field == field
    assert "its ranks give" in findings[0].rule
    assert not findings[0].warning


def test_a_summary_beside_no_result_is_a_stray(summarised: Submission):
    summarised.result.unlink()
    summarised.ranks.unlink()
    done = CliRunner().invoke(main, ["validate", str(summarised.root)])
    assert done.exit_code == 1
    assert f"{MULTILINGUAL}{SUMMARY_SUFFIX}: found" in done.output


def test_a_summary_without_its_result_is_removed(summarised: Submission, summary):
    summarised.result.unlink()
    summarised.ranks.unlink()
    CliRunner().invoke(main, ["validate", str(summarised.root), "--write-summaries"])
    assert not summary.exists()
    assert CliRunner().invoke(main, ["validate", str(summarised.root)]).exit_code == 0


def test_summaries_are_written_for_results_that_have_none(summarised: Submission, summary):
    content = summary.read_bytes()
    summary.write_bytes(b"damaged")
    done = CliRunner().invoke(main, ["validate", str(summarised.root), "--write-summaries"])
    assert done.exit_code == 0
    assert "3 summaries written" in done.output
    assert summary.read_bytes() == content


def test_no_summary_is_written_for_a_refused_result(summarised: Submission, summary):
    summary.unlink()
    summarised.edit(summarised.result, lambda result: result.update(more=1))
    done = CliRunner().invoke(main, ["validate", str(summarised.root), "--write-summaries"])
    assert done.exit_code == 1
    assert not summary.exists()


def test_submit_carries_the_summaries(summarised: Submission, tmp_path):
    done = CliRunner().invoke(
        main, ["submit", str(summarised.folder), "--output", str(tmp_path / "out")]
    )
    assert done.exit_code == 0
    names = {path.name for path in (tmp_path / "out").rglob(f"*{SUMMARY_SUFFIX}")}
    assert names == {path.name for path in summarised.folder.glob(f"*{SUMMARY_SUFFIX}")}


def test_the_content_is_plain_json(summary):
    document = json.loads(gzip.decompress(summary.read_bytes()))
    assert set(document["evidence"]) == set(measures_with_intervals(MULTILINGUAL))
    assert len(document["evidence"]["map"]["present"][0]) == 48
