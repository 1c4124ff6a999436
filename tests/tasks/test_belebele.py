"""Belebele from a hub laid out as the real one, with made texts of the real numbers."""

from __future__ import annotations

import json
from itertools import product

import pytest

from tests.commands import invoke
from tests.conftest import HashEncoder
from tests.hub_server import Fault, repository
from xbench._util.errors import UserError
from xbench.data.belebele import load_belebele, passage_of
from xbench.data.belebele_tags import PASSAGES, QUESTIONS, TAGS
from xbench.data.catalogue import BENCHMARKS
from xbench.data.datasets import BELEBELE, XQUAD_R
from xbench.data.download import DataLocation
from xbench.data.languages import codes, distinct_languages
from xbench.search.options import SearchOptions
from xbench.tasks import (
    BelebeleRCrosslingualRetrieval,
    BelebeleRMonolingualRetrieval,
    BelebeleRMultilingualRetrieval,
)

LANGUAGES = ("ar", "de", "zh-Hant")
CLASSES = (
    BelebeleRMonolingualRetrieval,
    BelebeleRCrosslingualRetrieval,
    BelebeleRMultilingualRetrieval,
)


def lines(tag: str) -> list[dict[str, object]]:
    """The rows of a variant: 412 passages with two questions, and 76 with one."""
    twice = QUESTIONS - PASSAGES
    pairs = [(p, n) for p, n in product(range(PASSAGES), (1, 2)) if n == 1 or p < twice]
    return [
        {
            "link": f"https://en.wikinews.org/wiki/{p}",
            "question_number": n,
            "flores_passage": f"{tag} passage {p}",
            "question": f"{tag} question {n} of passage {p}?",
            **{f"mc_answer{i}": f"answer {i}" for i in range(1, 5)},
            "correct_answer_num": "1",
            "dialect": tag,
            "ds": "2023-05-03",
        }
        for p, n in (pairs if tag != "deu_Latn" else reversed(pairs))
    ]


def write(folder, code, rows=None) -> None:
    path = folder / "data" / f"{TAGS[code]}.jsonl"
    path.parent.mkdir(exist_ok=True)
    content = lines(TAGS[code]) if rows is None else rows
    path.write_text("".join(json.dumps(row) + "\n" for row in content), "utf-8")


@pytest.fixture
def served(hub):
    folder = repository(hub.root, "datasets", BELEBELE.hub, BELEBELE.revision)
    for code in (*LANGUAGES, "en"):
        write(folder, code)
    yield folder
    load_belebele.cache_clear()


@pytest.fixture
def location(tmp_path):
    return DataLocation(None, tmp_path / "cache", offline=False)


def test_the_variants_are_those_of_the_source():
    assert len(TAGS) == 122
    assert {tag: own.code for tag, own in distinct_languages(TAGS.values()).items()} == {
        tag: code for code, tag in TAGS.items()
    }
    assert codes(["arb_Arab", "arb_Latn", "zho_Hant"]) == ("ar", "ar-Latn", "zh-Hant")


def test_it_is_parallel_whatever_the_order_of_a_file(served, location):
    corpus = load_belebele(LANGUAGES, location)
    for code in LANGUAGES:
        assert len(corpus.queries[code]) == 900
        assert len(corpus.passages[code]) == 488
        assert set(corpus.queries[code].ids) == set(corpus.queries["ar"].ids)
    question = corpus.queries["ar"].ids[0]
    by_id = dict(zip(corpus.queries["de"].ids, corpus.queries["de"].texts, strict=True))
    assert by_id[question] == "deu_Latn question 1 of passage 0?"
    (passage,) = corpus.relevant["de"][question]
    texts = dict(zip(corpus.passages["de"].ids, corpus.passages["de"].texts, strict=True))
    assert texts[passage] == "deu_Latn passage 0"


def test_only_the_chosen_languages_are_fetched(served, hub, location):
    for cls in CLASSES:
        task = cls(languages=LANGUAGES, location=location)
        task.load_data()
        assert task.corpus_data.languages == LANGUAGES
        question = task.corpus_data.queries["ar"].ids[0]
        assert task.groups[question] == passage_of(question)
    fetched = [own.path for own in hub.requests if "resolve" in own.path and own.sent > 100]
    assert len(fetched) == 3
    assert sum("/tree/" in own.path for own in hub.requests) == 1


@pytest.mark.integration
def test_all_settings_are_scored(served, location):
    class SameEverywhere(HashEncoder):
        """An encoder that knows passage and question by their numbers, in every language."""

        def vector(self, role, text):
            return super().vector("", text.rstrip("?").rpartition(" ")[2])

    for cls in CLASSES:
        task = cls(languages=("ar", "de"), location=location)
        for scores in task.evaluate(SameEverywhere(), encode_kwargs={}).values():
            assert scores["main_score"] == scores["map"] == pytest.approx(1)


def test_cross_lingual_pairs_are_chosen(served, location):
    task = BelebeleRCrosslingualRetrieval(location=location)
    with pytest.raises(UserError, match=r"122 languages make 14,762 pairs; choose at most 12"):
        task.load_data()
    twelve = BELEBELE.languages[:12]
    BelebeleRCrosslingualRetrieval(languages=twelve, location=location).inspect_data()
    many = BelebeleRCrosslingualRetrieval(
        languages=BELEBELE.languages[:13],
        location=location,
        search=SearchOptions(many_pairs=True),
    )
    many.inspect_data()
    assert len(many.hf_subsets) == 156


@pytest.mark.slow
@pytest.mark.integration
def test_the_command_takes_the_source_s_names(served, tmp_path):
    words = ("-b", "XBenchBelebele", "-l", "arb_Arab,German,zho_Hant")
    hub_of = {"HF_HUB_OFFLINE": "0"}
    said = invoke(tmp_path, "download", *words, **hub_of).stdout
    assert "Belebele, 3 languages: 3 files, 0 of them there; " in said
    evaluated = ("evaluate", "--model", "xbench/char-ngram", *words, "--no-progress", "--offline")
    outcome = invoke(tmp_path, *evaluated, **hub_of)
    assert outcome.returncode == 0, outcome.stderr
    paths = sorted(tmp_path.glob("results/**/BelebeleR*Retrieval.json"))
    assert len(paths) == 3
    assert json.loads(paths[0].read_text())["dataset_revision"] == BELEBELE.revision
    again = invoke(tmp_path, *evaluated, **hub_of)
    assert "already had results" in again.stderr + again.stdout
    other = invoke(tmp_path, *evaluated[:2], "xbench/bm25", *evaluated[3:], **hub_of)
    assert other.returncode == 0, other.stderr
    models = ("xbench/char-ngram", "xbench/bm25")
    compared = invoke(tmp_path, "compare", *models, "--languages", "ar,de,zh-Hant")
    assert compared.returncode == 0, compared.stderr
    assert "Belebele" in compared.stdout
    built = invoke(tmp_path, "leaderboard", "build", "--results", "results", "--output", "site")
    assert built.returncode == 0, built.stderr
    assert "Belebele (ar, de, zh-Hant)" in (tmp_path / "site" / "index.html").read_text()


@pytest.mark.slow
def test_full_results_are_valid(served, tmp_path):
    for code in TAGS:
        write(served, code)
    words = ("--model", "xbench/bm25", "-t", "BelebeleRMonolingualRetrieval", "--no-progress")
    outcome = invoke(tmp_path, "evaluate", *words, HF_HUB_OFFLINE="0")
    assert outcome.returncode == 0, outcome.stderr
    checked = invoke(tmp_path, "validate", "results")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"link": None}, "line 3: link: Input should be a valid string"),
        ({"link": "https://en.wikinews.org/wiki/0"}, "line 3: link .* has two passages"),
        ({"question_number": 2, "link": "new"}, "900 questions and 489 passages; expected 900"),
    ],
)
def test_malformed_files_are_named(tmp_path, change, expected):
    rows = lines(TAGS["ar"])
    rows[2] |= change
    folder = tmp_path / "data" / BELEBELE.hub
    folder.mkdir(parents=True)
    write(folder, "ar", rows)
    local = DataLocation(tmp_path / "data", tmp_path / "cache", offline=True)
    with pytest.raises(UserError, match=rf"arb_Arab\.jsonl: .*{expected}"):
        load_belebele(("ar",), local)


def test_a_clone_is_read_and_its_changes_are_noticed(tmp_path):
    local = DataLocation(tmp_path / "data", tmp_path / "cache", offline=True)
    folder = tmp_path / "data" / BELEBELE.hub
    folder.mkdir(parents=True)
    digests = set()
    for text in ("one?", "other?"):
        rows = lines(TAGS["ar"])
        rows[0]["question"] = text
        write(folder, "ar", rows)
        load_belebele.cache_clear()
        task = BelebeleRMonolingualRetrieval(languages=("ar",), location=local)
        task.load_data()
        digests.add(task.data_digest)
    assert len(digests) == 2


def test_offline_without_the_files(tmp_path, hub):
    location = DataLocation(None, tmp_path / "cache", offline=True)
    with pytest.raises(UserError, match=r"facebook/belebele: data was not fetched.*download"):
        load_belebele(("ar",), location)


def test_a_hub_that_fails_is_tried_again(served, hub, location, pauses):
    hub.faults = [Fault("resolve", status=503, times=4)]
    assert len(load_belebele(("en",), location).queries["en"]) == 900
    assert pauses == [1, 2, 4, 8]


def test_xtreme_r_is_its_part_that_is_lareqa():
    names = tuple(map(XQUAD_R.task_name, XQUAD_R.settings))
    assert BENCHMARKS["XTREME-R"] == names
