"""Submissions that are wrong, each in one way: refused, with the file and the field named."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.results.validation.conftest import CROSSLINGUAL, MULTILINGUAL, Submission
from xbench.results.safe_json import PACKED_LIMIT, RESULT_LIMIT, UNPACKED_LIMIT
from xbench.results.validation import check
from xbench.results.validation.report import as_json, as_markdown, as_text

pytestmark = pytest.mark.integration

RESULT, RANKS = f"{MULTILINGUAL}.json", f"{MULTILINGUAL}.per_query.json.gz"
META, SETTINGS = "model_meta.json", "run_settings.jsonl"


def put(*path):
    """Return a change that sets a field: the last argument is the value."""
    *keys, last, value = path

    def change(document):
        for key in keys:
            document = document[key]
        document[last] = value

    return change


def drop(*path):
    *keys, last = path

    def change(document):
        for key in keys:
            document = document[key]
        del document[last]

    return change


def text(find, replace):
    """Return a change of a file's text."""

    def change(path: Path):
        content = path.read_text()
        assert find in content
        path.write_text(content.replace(find, replace, 1))

    return change


def scale(factor):
    def change(document):
        for entry in document["scores"]["test"]:
            entry["map"] *= factor
            entry["main_score"] *= factor

    return change


def repeat_subset(document):
    document["scores"]["test"].append(dict(document["scores"]["test"][0]))


def swap_subsets(document):
    first, second = document["scores"]["test"][:2]
    first["hf_subset"], second["hf_subset"] = second["hf_subset"], first["hf_subset"]


def perfect(document):
    for subset in document["subsets"].values():
        subset["rank"] = [1] * len(subset["rank"])


def better_rank(document):
    """Swap the rank of one relevant passage with that of a passage that is not relevant."""
    ranks = document["subsets"]["de"]["rank"]
    last = max(range(len(ranks)), key=ranks.__getitem__)
    ranks[last] = 379


def question_twice(document):
    document["questions"][1] = document["questions"][0]


def other_questions(document):
    document["questions"] = [f"q{i}" for i in range(len(document["questions"]))]


def small_pool(document):
    for subset in document["subsets"].values():
        subset["pool"] = dict.fromkeys(subset["pool"], 8)
        subset["rank"] = [min(rank, 64) for rank in subset["rank"]]


def shuffled_rows(document):
    subset = document["subsets"]["de"]
    subset["question"][0], subset["question"][-1] = subset["question"][-1], subset["question"][0]


def passage_of_no_language(document):
    document["subsets"]["de"]["language"][0] = 99


def other_top(document):
    top = document["subsets"]["de"]["top"]
    top[0] = top[0].translate(str.maketrans("abcdefgh", "bcdefgha"))


def letters_past_the_end(document):
    top = document["subsets"]["de"]["top"]
    top[0] = "." + top[0][1:]


DOCUMENTS = [
    ("a score 100 times too high", RESULT, scale(100), "scores.test[0].map"),
    ("a score that its ranks do not give", RESULT, scale(0.9), "scores.test[0].map"),
    ("a negative score", RESULT, put("scores", "test", 2, "map", -0.1), "scores.test[2].map"),
    ("a great number", RESULT, put("scores", "test", 0, "map", 1e308), "scores.test[0].map"),
    ("text as score", RESULT, put("scores", "test", 0, "map", "0.5"), "scores.test[0].map"),
    ("truth as score", RESULT, put("scores", "test", 0, "map", True), "scores.test[0].map"),
    ("no score", RESULT, put("scores", "test", 0, "map", None), "scores.test[0].map"),
    ("another main score", RESULT, put("scores", "test", 1, "main_score", 0.9), "[1].main_score"),
    ("no main score", RESULT, drop("scores", "test", 1, "main_score"), "[1].main_score"),
    ("an unknown measure", RESULT, put("scores", "test", 0, "accuracy", 0.9), "[0].accuracy"),
    ("a subset missing", RESULT, drop("scores", "test", 3), "scores.test"),
    ("a subset twice", RESULT, repeat_subset, "scores.test"),
    ("an unknown subset", RESULT, put("scores", "test", 0, "hf_subset", "xx"), "scores.test"),
    ("subsets swapped", RESULT, swap_subsets, "scores.test[0].languages"),
    ("other languages", RESULT, put("scores", "test", 0, "languages", ["deu-Latn"]), "languages"),
    ("another split", RESULT, put("scores", "dev", []), "scores.dev"),
    ("no split", RESULT, put("scores", {}), "scores.test"),
    ("scores as a list", RESULT, put("scores", []), "scores"),
    ("another task", RESULT, put("task_name", "XBenchMiniMonolingualRetrieval"), "task_name"),
    ("another dataset", RESULT, put("dataset_revision", "main"), "dataset_revision"),
    ("no version", RESULT, put("mteb_version", None), "mteb_version"),
    ("a version that is none", RESULT, put("mteb_version", "new; rm -rf"), "mteb_version"),
    ("an extra field", RESULT, put("verified", True), "verified"),
    ("no date", RESULT, put("date", "2026-01-01"), "date"),
    ("a field of a forbidden name", RESULT, put("__proto__", {}), "__proto__"),
    ("ranks all first", RANKS, perfect, "subsets.ar.rank"),
    ("a rank beyond the pool", RANKS, put("subsets", "de", "rank", 0, 9999), "subsets.de.rank"),
    ("a negative rank", RANKS, put("subsets", "de", "rank", 0, -1), "subsets.de.rank[0]"),
    ("half a rank", RANKS, put("subsets", "de", "rank", 0, 1.5), "subsets.de.rank[0]"),
    ("a huge rank", RANKS, put("subsets", "de", "rank", 0, 10**300), "subsets.de.rank[0]"),
    ("ranks cut off", RANKS, drop("subsets", "de", "rank", 0), "subsets.de.question"),
    ("a question twice", RANKS, question_twice, "questions"),
    ("other questions", RANKS, other_questions, "subsets.ar.question"),
    ("a smaller pool", RANKS, small_pool, "subsets.ar.pool"),
    ("a pool of other languages", RANKS, drop("subsets", "de", "pool", "ar"), "subsets.de.pool"),
    ("rows out of order", RANKS, shuffled_rows, "subsets.de.question"),
    ("no such question", RANKS, put("subsets", "de", "question", -1, 999), "subsets.de.question"),
    ("no such language", RANKS, passage_of_no_language, "subsets.de.language"),
    ("unknown languages", RANKS, put("languages", 0, "xx"), "languages"),
    ("a subset's ranks missing", RANKS, drop("subsets", "de"), "subsets"),
    ("queries of another language", RANKS, put("subsets", "de", "query_language", "ar"), ".de."),
    ("first places of others", RANKS, other_top, "subsets.de.top"),
    ("no first places", RANKS, put("subsets", "de", "top", None), "subsets.de.top"),
    ("first places cut", RANKS, put("subsets", "de", "top", ["a"]), "subsets.de.top"),
    ("places of no language", RANKS, put("subsets", "de", "top", 0, "\uffff" * 100), "top"),
    ("a place after the end", RANKS, letters_past_the_end, "subsets.de.top"),
    ("another task version", RANKS, put("task_version", "0"), "task_version"),
    ("ranks of another form", RANKS, put("passage_form", "context"), "passage_form"),
    ("ranks of another dataset", RANKS, put("dataset_revision", "2"), "dataset_revision"),
    ("an extra field of ranks", RANKS, put("extra", []), "extra"),
    ("another model", META, put("name", "other/model"), "name"),
    ("a name that climbs", META, put("name", "../../etc"), "name"),
    ("a name with markup", META, put("name", "a/<script>alert(1)</script>"), "name"),
    ("a name that turns", META, put("name", "a/b\u202egpj"), "name"),
    ("a name of another alphabet", META, put("name", "xbench/ch\u0430r-ngram"), "name"),
    ("a revision that climbs", META, put("revision", "../1"), "revision"),
    ("no revision", META, drop("revision"), "revision"),
    ("a name that mentions", META, put("name", "a/b (@everyone)"), "name"),
    ("training data as text", META, put("training_datasets", "none"), "training_datasets"),
    ("no word on training data", META, drop("training_datasets"), "training_datasets"),
    ("a script as reference", META, put("reference", "javascript:alert(1)"), "reference"),
    ("a plain address", META, put("reference", "http://example.org"), "reference"),
    ("an address with markup", META, put("reference", "https://a/\"><img>"), "reference"),
    ("data as licence", META, put("license", "data:text/html,x"), "license"),
    ("half a surrogate", META, put("license", "\ud800"), "license"),
    ("a control character", META, put("citation", "a\u0000b"), "citation"),
    ("no number of parameters", META, put("n_parameters", float("nan")), "n_parameters"),
    ("too many parameters", META, put("n_parameters", 10**300), "n_parameters"),
    ("nested settings", META, put("loader_kwargs", {"a": [[[["x" * 60_000]]]]}), "loader_kwargs"),
    ("settings in the wrong place", META, put("experiment_kwargs", {"a": 1}), "experiment_kwargs"),
    ("part of the languages", META, put("experiment_kwargs", {"languages": "ar"}), ".languages"),
    ("an extra field of the model", META, put("verified_by", "me"), "verified_by"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "change", "field"), [case[1:] for case in DOCUMENTS], ids=[c[0] for c in DOCUMENTS]
)
def test_a_wrong_field_is_refused_and_named(submission: Submission, file, change, field):
    submission.edit(submission.folder / file, change)
    found = submission.check()
    errors = [finding for finding in found.findings if not finding.warning]
    assert not found.accepted
    assert found.run is None
    assert any(e.file.endswith(file) and field in e.field for e in errors), errors
    assert all(e.rule and e.found for e in errors)
    for shown in (as_text([found]), as_json([found]), as_markdown([found])):
        shown.encode()
        assert not set(shown) & set("\u202e\x00\ud800")


def settings(*path):
    return lambda submission: submission.edit_settings(put(*path))


def replace_file(name, content):
    return lambda submission: (submission.folder / name).write_bytes(content)


def without(name):
    return lambda submission: (submission.folder / name).unlink()


def symbolic_link(submission):
    target = submission.root.parent / "elsewhere.json"
    shutil.move(submission.result, target)
    submission.result.symlink_to(target)


def linked_folder(submission):
    target = submission.root.parent / "elsewhere"
    shutil.move(submission.folder, target)
    submission.folder.symlink_to(target)


def hard_link(submission):
    os.link(submission.result, submission.root.parent / "elsewhere.json")


def folder_instead(submission):
    submission.result.unlink()
    submission.result.mkdir()


def nested(depth):
    return b'{"scores":' + b"[" * depth + b"]" * depth + b"}"


def bomb():
    return gzip.compress(b"0" * (UNPACKED_LIMIT * 20))


def pretend_link(submission):
    submission.meta.unlink()
    submission.meta.symlink_to("/etc/passwd")


FILES = [
    ("no model", without(META), META, ""),
    ("no settings", without(SETTINGS), SETTINGS, ""),
    ("no ranks", without(RANKS), RANKS, ""),
    ("settings of other tasks", settings("task", "Another"), SETTINGS, ""),
    ("settings of other subsets", settings("subsets", ["ar"]), SETTINGS, "subsets"),
    ("settings of another form", settings("xbench", "passage_form", "context"), SETTINGS, "form"),
    ("settings of an old task", settings("xbench", "task_version", "0"), SETTINGS, "version"),
    ("no version of xbench", settings("version", {"mteb": "2.26.24"}), SETTINGS, "xbench-mteb"),
    ("no command", settings("xbench", "command", None), SETTINGS, "command"),
    ("settings that are no object", replace_file(SETTINGS, b"[]\n"), SETTINGS, ""),
    ("an empty file", replace_file(RESULT, b""), RESULT, ""),
    ("a list", replace_file(RESULT, b"[]"), RESULT, ""),
    ("not a number", lambda s: text('"map": 0', '"map": NaN, "x": 0')(s.result), RESULT, "map"),
    ("infinite", lambda s: text('"map": 0', '"map": -Infinity, "x": 0')(s.result), RESULT, "map"),
    ("overflow", lambda s: text('"map": 0', '"map": 1e999, "x": 0')(s.result), RESULT, "map"),
    ("a key twice", lambda s: text('"map": 0', '"map": 1, "map": 0')(s.result), RESULT, "map"),
    ("a long number", replace_file(RESULT, b'{"a":' + b"9" * 100_000 + b"}"), RESULT, ""),
    ("other bytes", replace_file(RESULT, b'{"a":"\xff"}'), RESULT, ""),
    ("two byte order", replace_file(RESULT, '{"a":1}'.encode("utf-16")), RESULT, ""),
    ("deep nesting", replace_file(RESULT, nested(100_000)), RESULT, ""),
    ("nesting that can be read", replace_file(RESULT, nested(900)), RESULT, "scores"),
    ("a large file", replace_file(RESULT, b" " * (RESULT_LIMIT + 1)), RESULT, ""),
    ("a large model file", replace_file(META, b" " * 100_000_000), META, ""),
    ("a large packed file", replace_file(RANKS, b" " * (PACKED_LIMIT + 1)), RANKS, ""),
    ("a bomb", replace_file(RANKS, bomb()), RANKS, ""),
    ("no gzip", replace_file(RANKS, b"{}"), RANKS, ""),
    ("gzip cut off", lambda s: s.ranks.write_bytes(s.ranks.read_bytes()[:-9]), RANKS, ""),
    ("gzip and more", lambda s: s.ranks.write_bytes(s.ranks.read_bytes() * 2), RANKS, ""),
    ("a symbolic link", symbolic_link, RESULT, ""),
    ("a link to a system file", pretend_link, META, ""),
    ("a linked folder", linked_folder, RESULT, ""),
    ("a hard link", hard_link, RESULT, ""),
    ("a folder instead of a file", folder_instead, RESULT, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "file", "field"), [case[1:] for case in FILES], ids=[case[0] for case in FILES]
)
def test_a_wrong_file_is_refused_and_named(submission: Submission, spoil, file, field):
    spoil(submission)
    found = submission.check()
    errors = [finding for finding in found.findings if not finding.warning]
    assert any(e.file.endswith(file) and field in e.field for e in errors), errors
    assert found.run is None


def test_all_defects_are_named_at_once(submission: Submission):
    submission.edit(submission.result, put("scores", "test", 0, "map", 7.0))
    submission.edit(submission.result, put("scores", "test", 1, "recall_at_5", -1.0))
    submission.edit(submission.ranks, put("subsets", "de", "rank", 0, 9999))
    submission.edit(submission.meta, put("reference", "ftp://a"))
    submission.edit_settings(put("xbench", "command", 7))
    fields = {finding.field for finding in submission.check().findings}
    assert {
        "scores.test[0].map",
        "scores.test[1].recall_at_5",
        "subsets.de.rank",
        "reference",
    } <= fields
    assert any(field.endswith("xbench.command") for field in fields)


def test_a_flood_of_defects_is_counted_not_listed(submission: Submission):
    submission.edit(submission.result, lambda d: d.update({f"f{i}": 0 for i in range(5000)}))
    findings = submission.check().findings
    assert len(findings) < 70
    assert any(finding.found == "4950 more errors" for finding in findings)


CHECK = """
import re
import sys
from pathlib import Path
from xbench.results.validation import check
from xbench.results.validation.report import as_markdown
checks = check([Path(sys.argv[1])])
as_markdown(checks)
status = Path("/proc/self/status").read_text()
print(all(item.accepted for item in checks), re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
"""
"""Check a folder and print whether all is accepted and the process's peak memory in KiB."""


@pytest.mark.integration
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    "content",
    [
        b'{"subsets":{' + b",".join(b'"%d":{}' % i for i in range(1_000_000)) + b"}}",
        b'{"questions":[' + b"[]," * 5_000_000 + b"[]]}",
        b'{"languages":["' + b"x" * 10_000_000 + b'"' + b',""' * 1_000_000 + b"]}",
    ],
    ids=["many subsets", "many lists", "one long language"],
)
def test_a_bomb_within_the_limits_costs_little(submission: Submission, content):
    assert len(content) <= UNPACKED_LIMIT
    submission.ranks.write_bytes(gzip.compress(content, mtime=0))
    assert submission.ranks.stat().st_size <= PACKED_LIMIT
    command = [sys.executable, "-c", CHECK, str(submission.root)]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    accepted, peak = done.stdout.split()
    assert accepted == "False"
    assert int(peak) * 1024 < 2**30
    assert time.monotonic() - started < 60


def test_strays_are_refused(submission: Submission):
    outside = submission.root.parent / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text("{}")
    strays = {
        submission.folder / "weights.bin",
        submission.folder / "MIRACLRetrieval.json",
        submission.root / "index.html",
        submission.root / "xbench__char-ngram" / "notes.json",
        submission.folder / "deep" / "deeper" / RESULT,
        submission.folder / "XQuADRMonolingualRetrieval.per_query.json.gz",
        submission.root / "reported" / "evil.html",
        submission.root / "imported" / "mteb.json",
    }
    for path in strays:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")
    (submission.root / "linked").symlink_to(outside)
    (submission.root / "loop").symlink_to(submission.root)
    refused = {item.path for item in check([submission.root]) if not item.accepted}
    assert refused == strays | {submission.root / "linked", submission.root / "loop"}


def test_the_same_run_in_two_folders_counts_once(submission: Submission):
    first = submission.folder / "experiments" / "passage_form_context"
    second = submission.folder / "experiments" / "exp_0123456789abcdef"
    names = [RESULT, RANKS, META, SETTINGS]
    first.mkdir(parents=True)
    for name in names:
        shutil.copy(submission.folder / name, first / name)
    form = "context"
    moved = Submission(submission.root)
    moved.edit(first / META, put("experiment_kwargs", {"passage_form": form}))
    moved.edit(first / RANKS, put("passage_form", form))
    lines = [json.loads(line) for line in (first / SETTINGS).read_text().splitlines()]
    for line in lines:
        line["xbench"]["passage_form"] = form
        line["xbench"]["command"] += ["--passage-form", form]
    (first / SETTINGS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    shutil.copytree(first, second)
    checks = {item.path: item.accepted for item in check([submission.root])}
    assert sorted([checks[first / RESULT], checks[second / RESULT]]) == [False, True]
    assert checks[submission.result]


def test_a_crosslingual_task_is_checked_by_both_languages(submission: Submission):
    result = submission.folder / f"{CROSSLINGUAL}.json"
    assert submission.check(CROSSLINGUAL).accepted
    submission.edit(result, put("scores", "test", 0, "languages", ["ara-Arab", "eng-Latn"]))
    (error,) = submission.check(CROSSLINGUAL).findings
    assert (error.field, error.warning) == ("scores.test[0].languages", False)
