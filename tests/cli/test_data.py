"""A corpus of one's own from the command line: looked at, evaluated, compared, never published."""

from __future__ import annotations

import json

import pytest

from tests.commands import invoke
from xbench.results.loading import load_results
from xbench.results.reading import read_ranks

pytestmark = pytest.mark.integration

ROWS = """\
id,language,query,passage,group
1,de,Wie bezahle ich hier?,Hier bezahlt man mit Karte.,pay
1,en,How do I pay here?,Here one pays by card.,pay
1,ar,كيف أدفع هنا؟,يدفع المرء هنا بالبطاقة.,pay
2,de,Wo ist das Büro?,Das Büro ist in Rom.,place
2,en,Where is the office?,The office is in Rome.,place
2,ar,أين المكتب؟,المكتب في روما.,place
3,de,,Wir haben einen Hund.,dog
"""
NAMES = [f"faq{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")]
MODELS = ("xbench/char-ngram", "xbench/bm25")


@pytest.fixture
def xbench(tmp_path):
    (tmp_path / "faq.csv").write_text(ROWS, "utf-8")

    def run(*words):
        return invoke(tmp_path, *words)

    return run


def evaluate(xbench, *words, model=MODELS[0]):
    outcome = xbench("evaluate", "--model", model, "--no-progress", *words)
    assert outcome.returncode == 0, outcome.stderr
    return outcome


def test_check_prints_what_is_understood(xbench):
    outcome = xbench("data", "check", "faq.csv")
    assert outcome.returncode == 0, outcome.stderr
    lines = outcome.stdout.splitlines()
    understood = "3 languages, 2 questions, 7 passages, 6 pairs of a question and a relevant"
    assert lines[0].startswith(f"faq.csv: {understood}")
    german = next(line.split() for line in lines if line.startswith("German (de)"))
    assert german == ["German", "(de)", "2", "3", "2", "0", "0", "1"]
    assert "faqCrosslingualRetrieval: 6 subsets: ar-de, ar-en, de-ar" in outcome.stdout
    assert lines[-1].startswith("Revision: sha256-")


def test_it_is_evaluated_with_groups_and_its_content_as_revision(xbench, tmp_path):
    outcome = evaluate(xbench, "--data", "faq.csv", "-o", "out")
    assert [line.split()[:2] for line in outcome.stdout.splitlines()[4:7]] == [
        ["faq", setting] for setting in ("monolingual", "crosslingual", "multilingual")
    ]
    folder = tmp_path / "out" / "xbench__char-ngram" / "1"
    assert sorted(path.stem for path in folder.glob("faq*.json")) == sorted(NAMES)
    revision = xbench("data", "check", "faq.csv").stdout.split()[-1]
    for name in NAMES:
        assert json.loads((folder / f"{name}.json").read_text())["dataset_revision"] == revision
        ranks = read_ranks(folder / f"{name}.per_query.json.gz")
        assert ranks.groups == {"1": "pay", "2": "place"}
    settings = json.loads((folder / "run_settings.jsonl").read_text().splitlines()[0])
    words = ["--data", "faq.csv", "--data-name", "faq"]
    assert settings["xbench"]["command"][-4:] == words


def test_what_is_there_is_kept_until_the_data_change(xbench, tmp_path):
    evaluate(xbench, "--data", "faq.csv")
    again = evaluate(xbench, "--data", "faq.csv")
    assert "3 of 3 tasks already had results" in again.stderr
    (tmp_path / "faq.csv").write_text(ROWS.replace("in Rom.", "in Wien."), "utf-8")
    assert "already had results" not in evaluate(xbench, "--data", "faq.csv").stderr


def test_catalogue_tasks_come_with_it_when_they_are_named(xbench, tmp_path):
    evaluate(
        xbench, "--data", "faq.csv", "--data-name", "mine", "-t", "XBenchMiniMonolingualRetrieval"
    )
    names = {
        path.stem for path in (tmp_path / "results/xbench__char-ngram/1").glob("*Retrieval.json")
    }
    assert names == {name.replace("faq", "mine") for name in NAMES} | {
        "XBenchMiniMonolingualRetrieval"
    }


def test_it_is_compared_and_shown(xbench, tmp_path):
    for model in MODELS:
        evaluate(xbench, "--data", "faq.csv", model=model)
    compared = xbench("compare", *MODELS, "--format", "csv")
    assert compared.returncode == 0, compared.stderr
    assert {name in compared.stdout for name in NAMES} == {True}
    built = xbench("leaderboard", "build")
    assert (built.returncode, built.stderr) == (0, "")
    page = (tmp_path / "site" / "index.html").read_text()
    assert all(text in page for text in ("faq", *MODELS))


def test_other_data_of_the_same_name_are_not_compared(xbench, tmp_path):
    evaluate(xbench, "--data", "faq.csv")
    (tmp_path / "faq.csv").write_text(ROWS.replace("in Rom.", "in Wien."), "utf-8")
    evaluate(xbench, "--data", "faq.csv", model=MODELS[1])
    compared = xbench("compare", *MODELS)
    assert compared.returncode == 2
    assert "differ in dataset revision" in compared.stderr


def test_it_is_never_published(xbench, tmp_path):
    evaluate(xbench, "--data", "faq.csv")
    refused = xbench("submit", MODELS[0])
    assert refused.returncode == 2
    assert "Not submitted: faqCrosslingualRetrieval, faqMonolingualRetrieval" in refused.stdout
    assert "on data of one's own" in refused.stdout
    assert "nothing to submit" in refused.stderr
    assert not (tmp_path / "submission").exists()
    checked = xbench("validate", "results")
    assert checked.returncode == 1
    assert checked.stdout.count("\n") == len(NAMES) + 1
    evaluate(xbench, "-b", "XBenchMini")
    evaluate(xbench, "-b", "XBenchMini", "-l", "ar,de")
    submitted = xbench("submit", MODELS[0])
    assert submitted.returncode == 0, submitted.stderr
    assert "XBenchMiniMultilingualRetrieval: on part of the languages (ar,de)" in submitted.stdout
    copied = [path for path in (tmp_path / "submission" / "results").rglob("*") if path.is_file()]
    assert len(copied) == 3 * 3 + 2
    assert not any(b"faq" in path.read_bytes() for path in copied)
    assert xbench("validate", "submission/results").returncode == 0


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("id,language,query,answer\n1,de,a,b\n", (), "faq.csv: header: no column 'passage'"),
        ("id,language,query,passage\n1,de,a,b\n", (), "has one language only, German (de)"),
        (ROWS, ("-l", "fr"), "--languages fr: no subset of faqMonolingualRetrieval"),
        (ROWS, ("--data-name", "XQuADR"), "is that of a published dataset"),
        (ROWS, ("--passage-form", "context"), "has a single passage format"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(content, words, message, xbench, tmp_path):
    (tmp_path / "faq.csv").write_text(content, "utf-8")
    outcome = xbench("evaluate", "--model", MODELS[0], "--data", "faq.csv", *words)
    assert outcome.returncode == 2
    assert message in outcome.stderr
    assert not (tmp_path / "results").exists()


def test_one_language_is_measured_when_it_is_named(xbench, tmp_path):
    (tmp_path / "faq.csv").write_text("id,language,query,passage\n1,de,a,b\n2,de,c,d\n")
    assert xbench("data", "check", "faq.csv").returncode == 2
    outcome = evaluate(xbench, "--data", "faq.csv", "-l", "German")
    assert "Results: results/xbench__char-ngram/1\n" in outcome.stdout
    assert set(load_results(tmp_path / "results").to_dataframe()["setting"]) == {"monolingual"}


def test_next_to_a_published_task_each_is_recorded_with_its_own_command(xbench, tmp_path):
    words = ("-t", "XBenchMiniMonolingualRetrieval", "--languages", "de,en,ar")
    evaluate(xbench, "--data", "faq.csv", *words)
    records = (tmp_path / "results").rglob("run_settings.jsonl")
    lines = [json.loads(line) for own in records for line in own.read_text().splitlines()]
    commands = {own["task"]: own["xbench"]["command"] for own in lines}
    assert "--data" not in commands.pop("XBenchMiniMonolingualRetrieval")
    assert set(commands) == set(NAMES)
    for own in commands.values():
        assert "--data" in own
        assert "--tasks" not in own
