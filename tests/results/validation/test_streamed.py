"""Results of MIRACL: sound ones are accepted, and everything that is not is named."""

from __future__ import annotations

import copy
import gzip
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.leaderboard.sound_results import write_sound
from tests.results.validation.test_fuzzing import places, replaced, values
from tests.results.validation.test_hostile import drop, put
from xbench.data.catalogue import TASKS
from xbench.data.datasets import MIRACL_HARD_NEGATIVES
from xbench.results.findings import Notes
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.schema import RanksDocument, conforms
from xbench.results.validation import check_summarised, check_task
from xbench.results.validation.check_ranks import check_ranks
from xbench.results.validation.report import as_json, as_markdown, as_text

pytestmark = pytest.mark.integration

STREAMED = [name for name, (dataset, _) in TASKS.items() if dataset.streamed]
MONO, MULTI = (MIRACL_HARD_NEGATIVES.task_name(s) for s in ("monolingual", "multilingual"))


@pytest.fixture(scope="module")
def written(shared_data, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("streamed")
    for task in (MONO, MULTI):
        write_sound(root, task, summary=True)
    return root


@pytest.fixture
def results(written, tmp_path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "results"))


@pytest.fixture(scope="module")
def documents(written):
    folder = written / "org__model" / "0123abc"
    return {
        task: json.loads(gzip.decompress((folder / f"{task}{PER_QUERY_SUFFIX}").read_bytes()))
        for task in (MONO, MULTI)
    }


@pytest.mark.parametrize("task", STREAMED)
def test_sound_results_are_accepted(shared_data, tmp_path, task):
    found = check_task(write_sound(tmp_path, task), tmp_path)
    assert found.accepted
    assert not found.findings


@pytest.mark.parametrize("task", [MONO, MULTI])
def test_their_summaries_are_accepted_and_stand_for_the_ranks(written, task):
    path = written / "org__model" / "0123abc" / f"{task}.json"
    assert check_task(path, written).findings == ()
    found = check_summarised(path, written)
    assert found is not None
    assert found.accepted


def own(field, index=0, language="de"):
    return ("subsets", language, field, index)


def rank_twice(document):
    """Give two passages of a question the same place in the index of their language."""
    subset = document["subsets"]["de"]
    given = subset["own_rank"]
    row = next(
        i
        for i in range(1, len(given))
        if subset["question"][i] == subset["question"][i - 1]
        and given[i - 1]
        and subset["rank"][i] == 0
    )
    given[row] = given[row - 1]


def own_rank_behind(document):
    subset = document["subsets"]["de"]
    row = next(i for i, rank in enumerate(subset["rank"]) if 0 < rank < 900)
    subset["own_rank"][row] = subset["rank"][row] + 1


def lost_alone(document):
    """Say that a passage is not found in the smaller index, but in the greater one."""
    subset = document["subsets"]["de"]
    subset["own_rank"][next(i for i, rank in enumerate(subset["rank"]) if rank)] = 0


def other_order(document):
    """Swap two passages of a question that are found far down, in one index alone."""
    subset = document["subsets"]["de"]
    own, rank, question = (subset[field] for field in ("own_rank", "rank", "question"))
    for i in range(1, len(own)):
        if question[i] == question[i - 1] and min(rank[i], rank[i - 1]) > 100:
            rank[i], rank[i - 1] = rank[i - 1], rank[i]
            return
    raise AssertionError


def first_and_not_found(document):
    subset = document["subsets"]["de"]
    row = next(i for i, own in enumerate(subset["own_rank"]) if own == 1)
    question = subset["question"][row]
    for other, its in enumerate(subset["question"]):
        if its == question:
            subset["rank"][other] = 0


def as_if_mixing_were_free(document):
    for subset in document["subsets"].values():
        subset["own_rank"] = list(subset["rank"])


def foreign_questions(document):
    document["questions"] = [f"{question}x" for question in document["questions"]]


def cut(document):
    del document["subsets"]["de"]["own_rank"][-1]


def of_a_partial_corpus(document):
    for subset in document["subsets"].values():
        subset["pool"]["en"] = 1000


MULTILINGUAL = [
    ("no own ranks", drop("subsets", "de", "own_rank"), "de.own_rank"),
    ("own ranks of nothing", put("subsets", "de", "own_rank", None), "de.own_rank"),
    ("own ranks cut off", cut, "de.own_rank"),
    ("a negative own rank", put(*own("own_rank"), -1), "de.own_rank[0]"),
    ("a huge own rank", put(*own("own_rank"), 10**300), "de.own_rank[0]"),
    ("half an own rank", put(*own("own_rank"), 1.5), "de.own_rank[0]"),
    ("an own rank beyond the last place", put(*own("own_rank"), 1001), "de.own_rank"),
    ("an own rank behind that in the pool", own_rank_behind, "de.own_rank"),
    ("found only in the greater index", lost_alone, "de.own_rank"),
    ("an own rank twice", rank_twice, "de.own_rank"),
    ("other own ranks than the first places say", as_if_mixing_were_free, "ar.own_rank"),
    ("an own rank in another order", other_order, "de.own_rank"),
    ("not found although first", first_and_not_found, "de.own_rank"),
    ("no depth", drop("subsets", "de", "depth"), "de.depth"),
    ("another depth", put("subsets", "de", "depth", 100), "de.depth"),
    ("a greater depth", put("subsets", "de", "depth", 10**9), "de.depth"),
    ("a rank below the depth", put(*own("rank"), 1001), "de.rank"),
    ("questions of others", foreign_questions, "bn.question"),
    ("a partial corpus", of_a_partial_corpus, "ar.pool"),
    ("no first places", put("subsets", "de", "top", None), "de.top"),
]  # fmt: skip

MONOLINGUAL = [
    ("own ranks where nothing is mixed", put("subsets", "de", "own_rank", [1]), "de.own_rank"),
    ("no depth", drop("subsets", "de", "depth"), "de.depth"),
    ("questions of others", foreign_questions, "bn.question"),
]

CASES = [(MULTI, *case) for case in MULTILINGUAL] + [(MONO, *case) for case in MONOLINGUAL]


@pytest.mark.parametrize(
    ("task", "change", "field"),
    [(task, *rest) for task, _, *rest in CASES],
    ids=[f"{task}: {name}" for task, name, *_ in CASES],
)
def test_impossible_ranks_are_refused_and_named(documents, task, change, field):
    document = copy.deepcopy(documents[task])
    change(document)
    notes = Notes(f"{task}{PER_QUERY_SUFFIX}")
    if conforms(document, RanksDocument, notes):
        check_ranks(document, task, notes)
    errors = notes.listed()
    assert any(field in error.field for error in errors), errors
    assert all(error.file and error.found and error.rule for error in errors)


@pytest.mark.parametrize("field", ["own_rank", "depth"])
def test_ranks_of_parallel_questions_have_no_such_fields(field):
    task = "XQuADRMultilingualRetrieval"
    path = Path(__file__).parents[3] / "results" / "xbench__bm25" / "1"
    packed = (path / f"{task}{PER_QUERY_SUFFIX}").read_bytes()
    document = json.loads(gzip.decompress(packed))
    subset = document["subsets"]["de"]
    subset[field] = 1000 if field == "depth" else list(subset["rank"])
    notes = Notes("")
    check_ranks(document, task, notes)
    assert [error.field for error in notes.listed()] == [f"subsets.de.{field}"]


def edit(path: Path, change) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def renamed_split(document):
    document["scores"]["test"] = document["scores"].pop("dev")


def score(field, value):
    return put("scores", "dev", 2, field, value)


def precision_as_main(document):
    for entry in document["scores"]["dev"]:
        entry["main_score"] = entry["map"]


RESULTS = [
    ("another split", renamed_split, "scores.test"),
    ("another main score", precision_as_main, "scores.dev[0].main_score"),
    ("nothing lost", score("ndcg_at_10_lost", 0.0), "scores.dev[2].ndcg_at_10_lost"),
    ("less than nothing lost", score("ndcg_at_10_lost", -0.1), "dev[2].ndcg_at_10_lost"),
    ("another share", score("other_language_share_at_10", 0.0), "dev[2].other_language_share"),
    ("a measure of parallel pools", score("rank_distance", 3.0), "dev[2].rank_distance"),
]


@pytest.mark.parametrize(
    ("change", "field"), [case[1:] for case in RESULTS], ids=[case[0] for case in RESULTS]
)
def test_scores_that_their_ranks_do_not_give_are_refused(results, change, field):
    path = results / "org__model" / "0123abc" / f"{MULTI}.json"
    edit(path, change)
    found = check_task(path, results, stored=False)
    assert not found.accepted
    errors = [finding for finding in found.findings if not finding.warning]
    assert any(e.file.endswith(path.name) and field in e.field for e in errors), errors
    for shown in (as_text([found]), as_json([found]), as_markdown([found])):
        shown.encode()


def test_a_result_on_other_passages_is_refused_with_what_to_do(shared_data, tmp_path):
    """What is measured on other passages names them in its settings."""
    path = write_sound(tmp_path, MONO, experiment={"passages": "de-0123456789ab"})
    found = check_task(path, tmp_path)
    assert not found.accepted
    (error,) = [finding for finding in found.findings if not finding.warning]
    assert error.field == "experiment_kwargs.passages"
    assert "the published passages" in error.rule


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_value_in_any_field_of_the_ranks_is_a_finding_or_harmless(documents, data):
    subset = documents[MULTI]["subsets"]["yo"]
    document = replaced(
        documents[MULTI],
        ("subsets", "yo", *data.draw(st.sampled_from(list(places(subset))))),
        data.draw(values),
    )
    notes = Notes("")
    if conforms(document, RanksDocument, notes):
        check_ranks(document, MULTI, notes)
    assert notes.listed() or json.dumps(document) == json.dumps(documents[MULTI])


@pytest.mark.parametrize("change", [own_rank_behind, lost_alone, other_order, first_and_not_found])
def test_what_only_bm25_can_give_is_suspicious(documents, change):
    document = copy.deepcopy(documents[MULTI])
    change(document)
    notes = Notes("")
    check_ranks(document, MULTI, notes)
    assert notes.sound
    assert any("as BM25's" in finding.rule for finding in notes.listed())
