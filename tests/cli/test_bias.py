"""The command ``xbench bias``."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict

import pytest
from click.testing import CliRunner

from tests.analysis.test_run_bias import PASSAGES, QRELS, QUERIES, QUESTION, RUN
from tests.data.test_trec_files import trec_qrels, trec_run
from xbench._util.errors import UserError
from xbench.analysis.run_bias import language_bias
from xbench.cli.bias import bias


@pytest.fixture
def files(tmp_path):
    queries = {**QUERIES, "none": "de"}
    contents = {
        "run": trec_run(RUN),
        "qrels": trec_qrels(QRELS),
        "passages.tsv": "id\tlanguage\n" + "".join(f"{p}\t{a}\n" for p, a in PASSAGES.items()),
        "queries.csv": "id,language,question\n"
        + "".join(f"{q},{a},{QUESTION.get(q, '')}\n" for q, a in queries.items()),
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def invoke(files, *options, tables=("passages.tsv", "queries.csv")):
    named = [part for table in tables for part in ("--languages", str(files / table))]
    arguments = [str(files / "run"), str(files / "qrels"), *named, *map(str, options)]
    return CliRunner().invoke(bias, arguments, catch_exceptions=False)


def test_table(files):
    outcome = invoke(files)
    assert outcome.exit_code == 0
    lines = outcome.output.splitlines()
    assert max(map(len, lines)) <= 100
    rows = [line.split() for line in lines]
    assert next(row for row in rows if row[:1] == ["en"])[:3] == ["en", "75.0", "87.7"]
    assert ["pool", "40.0", "60.0"] in rows
    assert "1 of 5 relevant passages were not retrieved." in lines
    invoke(files, "--output", files / "out.txt")
    assert (files / "out.txt").read_text() == outcome.output


def test_json_and_csv_are_exact(files):
    found = language_bias(RUN, QRELS, PASSAGES, {**QUERIES, "none": "de"}, QUESTION)
    written = json.loads(invoke(files, "--format", "json").output)
    (note,) = written.pop("notes")
    assert "'other' (line 9)" in note
    assert written == {name: value for name, value in asdict(found).items() if name != "notes"}
    outcome = invoke(files, "--format", "csv", "--output", files / "deep" / "out.csv")
    assert outcome.output == ""
    rows = [*csv.reader((files / "deep" / "out.csv").read_text().splitlines())]
    assert rows[0] == ["part", "query_language", "name", "value"]
    assert ["by_language", "en", "map", "0.75"] in rows
    assert ["shares", "en", "de", "0.5"] in rows
    assert ["mean", "", "map", repr(found.mean["map"])] in rows
    assert ["pool_share", "", "de", "0.4"] in rows
    assert ["unjudged", "", "", "1"] in rows
    assert [row[3] for row in rows if row[0] == "notes"] == [note]


def test_predictions_and_a_table_with_a_header(files):
    (files / "qrels").write_text(
        "query-id\tcorpus-id\tscore\n"
        + "".join(f"{q}\t{p}\t{v}\n" for q, own in QRELS.items() for p, v in own.items())
    )
    expected = json.loads(invoke(files, "--format", "json").output)["by_language"]
    meta = {"model_name": "a/b", "revision": "1"}
    document = {"mteb_model_meta": meta, "ours": {"test": RUN}, "theirs": {"test": {"x": {}}}}
    (files / "run").write_text(json.dumps(document))
    outcome = invoke(files, "--subset", "ours", "--format", "json")
    assert json.loads(outcome.output)["by_language"] == expected
    with pytest.raises(UserError, match="Did you mean 'ours'"):
        invoke(files, "--subset", "our")


def test_part_of_the_languages(files):
    found = invoke(files, "--languages", "en", "--format", "json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.output)["pool_share"] == {"en": 1.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--languages", "nowhere.tsv"], "nowhere.tsv: no such file"),
        (["--languages", "fr"], "'fr'"),
    ],
)
def test_what_is_neither_a_table_nor_a_language(files, options, message):
    arguments = [
        str(files / "run"),
        str(files / "qrels"),
        "--languages",
        str(files / "passages.tsv"),
    ]
    found = CliRunner().invoke(
        bias, [*arguments, "--languages", str(files / "queries.csv"), *options]
    )
    assert found.exit_code == 2 or isinstance(found.exception, UserError)
    assert message in found.output + str(found.exception)


def test_one_language_for_all_queries(files):
    options = ("--query-language", "fr", "--format", "json")
    found = json.loads(invoke(files, *options, tables=["passages.tsv"]).output)
    assert list(found["by_language"]) == ["fr"]
    with pytest.raises(UserError, match=r"queries\.csv: gives languages to 4 queries"):
        invoke(files, *options)


def test_user_errors_name_the_file(files):
    (files / "run").write_text("en-1 Q0 e1 1 0.5\n")
    with pytest.raises(UserError, match="run: line 1: 5 columns instead of 6"):
        invoke(files)
    outcome = invoke(files, tables=[])
    assert outcome.exit_code == 2
    assert "--languages" in outcome.output


def test_many_languages_with_long_names_fit(files):
    names = [f"[b]language number {i:02}" for i in range(40)]
    rows = "".join(f"p{i}\t{name}\n" for i, name in enumerate(names))
    with (files / "passages.tsv").open("a") as file:
        file.write(rows)
    output = invoke(files).output
    assert max(map(len, output.splitlines())) <= 100
    assert output.count("[b]language n") == len(names)


def test_a_pool_of_one_language(files):
    (files / "passages.tsv").write_text("id\tlanguage\n" + "".join(f"{p}\ten\n" for p in PASSAGES))
    output = invoke(files, "--query-language", "en", tables=["passages.tsv"]).output
    assert "mAP" in output
    assert "distance" not in output.split("× 100")[0]
    assert "Share" not in output
