"""Language bias of a run, worked out by hand and against the tasks' own scores."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from tests.data.test_trec_files import Qrel, ScoredDoc, WithToDict, refused, trec_qrels, trec_run
from xbench._util.errors import UserError
from xbench.analysis.run_bias import language_bias
from xbench.models.baselines.bm25 import BM25
from xbench.tasks import XBenchMiniMultilingualRetrieval

PASSAGES = {"d1": "de", "d2": "de", "e1": "en", "e2": "en", "e3": "en"}
QUERIES = {"en-1": "en", "de-1": "de", "de-2": "de"}
QUESTION = {"en-1": "1", "de-1": "1", "de-2": "2"}
RUN = {
    "en-1": {"e1": 0.9, "e2": 0.8, "d2": 0.7, "d1": 0.6},
    "de-1": {"e3": 0.5, "e1": 0.5, "d1": 0.5, "d2": 0.25},
    "other": {"e3": 1.0},
}
QRELS = {
    "en-1": {"e1": 1, "d1": 1, "e2": 0},
    "de-1": {"e1": 1, "d1": 1},
    "de-2": {"d2": 2},
    "none": {"d1": 0},
}


def bias(run=RUN, qrels=QRELS, passages=PASSAGES, queries=None, question=QUESTION):
    queries = {**QUERIES, "none": "de"} if queries is None else queries
    return language_bias(run, qrels, passages, queries, question)


def bad(*parts, **inputs):
    refused(lambda given: bias(**given), inputs, *parts)


def test_worked_out_by_hand():
    """Ranks: en-1 has e1 at 1 and d1 at 4; de-1 has e3, e1, d1 tied, then d2; de-2 has no run."""
    found = bias()
    english, german = found.by_language["en"], found.by_language["de"]
    assert english["map"] == pytest.approx((1 / 1 + 2 / 4) / 2)
    assert german["map"] == pytest.approx(((1 / 2 + 2 / 3) / 2 + 0) / 2)
    assert found.mean["map"] == pytest.approx((0.75 + 7 / 24) / 2)
    assert english["rank_distance"] == 3
    assert german["rank_distance"] == pytest.approx((4 / 3 + 0) / 2)
    assert english["worst_rank"] == 4
    assert german["worst_rank"] == pytest.approx((8 / 3 + 3) / 2)
    assert (english["complete_at_100"], german["complete_at_100"]) == (1, 1)
    assert english["same_language_rank_gain"] == 3
    assert german["same_language_rank_gain"] == 0
    assert (english["same_language_first"], german["same_language_first"]) == (0.5, 0)
    assert english["own_language_preference"] == 1
    assert german["own_language_preference"] == pytest.approx(0)
    assert english["first_place_right_own"] == 1
    for case in ("right_own", "right_other", "wrong_other"):
        assert german[f"first_place_{case}"] == pytest.approx(1 / 3)
    assert english["rank_correlation"] == german["rank_correlation"] == 0
    assert (german["not_retrieved_share"], german["tied_share"]) == (0.5, 0.5)
    assert found.shares == {"de": {"de": 0.5, "en": 0.5}, "en": {"de": 0.5, "en": 0.5}}
    assert found.pool_share == {"de": 0.4, "en": 0.6}
    assert (found.passages, found.queries, found.relevant) == (5, 3, 5)
    assert (found.without_relevant, found.unjudged) == (1, 1)
    assert (found.not_in_run, found.not_retrieved) == (1, 1)


def test_all_forms_agree(tmp_path):
    expected = bias()
    run, qrels = tmp_path / "run", tmp_path / "qrels"
    run.write_text(trec_run(RUN))
    qrels.write_text(trec_qrels(QRELS))
    scored = [ScoredDoc(q, p, s) for q, found in RUN.items() for p, s in found.items()]
    judged = [Qrel(q, p, v) for q, found in QRELS.items() for p, v in found.items()]
    table = tmp_path / "languages.csv"
    rows = [f"{p},{a},\n" for p, a in PASSAGES.items()]
    rows += [f"{q},{a},{QUESTION.get(q, '')}\n" for q, a in {**QUERIES, "none": "de"}.items()]
    table.write_text("id,language,question\n" + "".join([*rows, "other,fr,\n"]))
    assert bias(run, qrels) == expected
    assert bias(scored, judged) == expected
    assert bias(WithToDict(RUN), WithToDict(QRELS)) == expected
    assert language_bias(run, qrels, table) == expected
    assert language_bias(RUN, QRELS, str(table), str(table)) == expected
    assert language_bias(RUN, QRELS, [table], table) == expected


def test_part_of_the_languages_is_as_if_there_were_no_others():
    english = {p: a for p, a in PASSAGES.items() if a == "en"}
    run = {q: {p: own[p] for p in own if p in english} for q, own in RUN.items() if q == "en-1"}
    qrels = {"en-1": {p: v for p, v in QRELS["en-1"].items() if p in english}}
    alone = language_bias(run, qrels, english, {"en-1": "en"}, QUESTION)
    queries = {**QUERIES, "none": "de"}
    part = language_bias(RUN, QRELS, PASSAGES, queries, QUESTION, languages="eng")
    assert part.by_language == alone.by_language
    assert (part.passages, part.queries, part.pool_share) == (3, 1, {"en": 1.0})
    assert "Measured in eng alone: 3 passages in the pool" in part.notes
    both = language_bias(RUN, QRELS, PASSAGES, queries, QUESTION, languages=["en", "German"])
    assert both.by_language == bias().by_language


def test_a_language_without_passages_and_queries_is_refused():
    with pytest.raises(UserError, match=r"'fr'.*de"):
        language_bias(RUN, QRELS, PASSAGES, QUERIES | {"none": "de"}, languages="fr")


def test_without_questions_there_is_no_correlation():
    found = bias(question=None)
    assert "rank_correlation" not in found.mean
    assert found.mean.items() <= bias().mean.items()


def test_one_language_for_all_queries_and_one_that_the_pool_lacks():
    found = bias(queries="Old Norse", question=None)
    assert list(found.by_language) == ["Old Norse"]
    assert "same_language_first" not in found.mean
    assert found.mean["first_place_right_other"] == pytest.approx((1 + 2 / 3) / 2)


def test_a_pool_of_one_language_has_no_bias_scores():
    found = bias(passages=dict.fromkeys(PASSAGES, "en"), queries="en", question=None)
    assert found.mean["map"] == pytest.approx((0.75 + 7 / 12 + 0) / 3)
    assert "rank_distance" not in found.mean
    assert (found.shares, found.pool_share) == ({}, {"en": 1.0})


def test_a_query_language_that_found_nothing_has_no_shares():
    found = bias(run={"en-1": RUN["en-1"]})
    assert list(found.shares) == ["en"]
    assert found.by_language["de"]["map"] == 0


def test_what_has_no_language():
    passages = {p: a for p, a in PASSAGES.items() if p not in ("e3", "d1")}
    bad("run: 2 passages without language: 'd1', 'e3'", "qrels: 1 passages", passages=passages)
    bad("qrels: 3 queries without language: 'de-1'", queries={"en-1": "en"})
    bad("the language of passage 'e3' is ''", passages={**PASSAGES, "e3": ""})
    bad("has no retrieved passage", run={})
    bad("no query has a relevant passage", qrels={"en-1": {"e1": 0}})


def test_lines_without_language_are_named(tmp_path):
    run, qrels = tmp_path / "run", tmp_path / "qrels"
    run.write_text(trec_run(RUN))
    qrels.write_text(trec_qrels(QRELS))
    passages = {p: a for p, a in PASSAGES.items() if p != "e3"}
    bad(
        f"{run}: 1 passages without language: 'e3' (line 5)", "add them", run=run, passages=passages
    )
    queries = {q: a for q, a in QUERIES.items() if q != "de-1"} | {"none": "de"}
    bad(f"{qrels}: 1 queries without language: 'de-1' (line 4)", qrels=qrels, queries=queries)


def test_queries_without_judgments_are_counted_and_named(tmp_path):
    run = tmp_path / "run"
    run.write_text(trec_run(RUN))
    found = bias(run=run)
    assert found.unjudged == 1
    assert found.notes == (
        f"{run}: queries without judgment are skipped: 1 ('other' (line 9)); check the qrels if "
        "they should count",
    )


def test_a_run_and_qrels_that_do_not_belong_together_are_refused():
    queries = {**QUERIES, "none": "de"}
    bad(
        "run and qrels have no query in common that has a relevant passage",
        "the run has 'none', 'other', the qrels have 'de-1', 'de-2', 'en-1'",
        run={"other": {"e1": 1.0}, "none": {"e1": 1.0}},
        queries=queries,
    )


def test_labels_of_one_language_are_one_language():
    """Without it, all that is right would count as being in another language."""
    passages = {"c1": "zh", "c2": "zh-Hans", "c3": "cmn", "t1": "zh-Hant", "n1": "Old Norse"}
    run = {"a": {"c1": 2.0, "n1": 1.0}, "b": {"c2": 2.0, "c3": 1.0}}
    qrels = {"a": {"c1": 1, "n1": 1}, "b": {"c2": 1, "n1": 1}}
    found = language_bias(run, qrels, passages, {"a": "ZH", "b": "Chinese"})
    assert list(found.by_language) == ["zh"]
    assert found.by_language["zh"]["first_place_right_own"] == 1
    assert found.pool_share == {"Old Norse": 0.2, "zh": 0.6, "zh-Hant": 0.2}
    (note,) = found.notes
    assert note.endswith(": Chinese, ZH, cmn, zh, zh-Hans as zh")


def test_labels_without_a_double_stay_as_they_are():
    found = bias(passages={p: {"de": "deu", "en": "ENGLISH"}[a] for p, a in PASSAGES.items()},
                 queries={q: {"de": "deu", "en": "ENGLISH"}[a] for q, a in QUERIES.items()}
                 | {"none": "deu"})  # fmt: skip
    assert list(found.pool_share) == ["ENGLISH", "deu"]


def test_a_row_of_a_table_that_occurs_twice_is_noted(tmp_path):
    path = tmp_path / "languages.csv"
    path.write_text("id,language\n" + "".join(f"{p},{a}\n" for p, a in PASSAGES.items()) * 2)
    found = bias(passages=path)
    assert found == bias()
    assert (
        found.notes[0] == f"{path}: rows that occur twice count once: 5 (line 7, line 8, line 9, …)"
    )


def test_predictions_of_mteb_have_the_scores_of_the_task(location, tmp_path):
    task, model = XBenchMiniMultilingualRetrieval(languages=["de", "en"], location=location), BM25()
    expected = task.evaluate(
        model, encode_kwargs={}, subsets_to_run=["de", "en"], prediction_folder=tmp_path
    )
    (predictions,) = tmp_path.glob("*.json")
    for code in ("de", "en"):
        content = task.dataset[code]["test"]
        passages = dict(zip(content["corpus"]["id"], content["corpus"]["language"], strict=True))
        qrels = tmp_path / f"{code}.tsv"
        rows = [(q, p, v) for q, own in content["relevant_docs"].items() for p, v in own.items()]
        qrels.write_text(
            "query-id\tcorpus-id\tscore\n" + "".join(f"{q}\t{p}\t{v}\n" for q, p, v in rows)
        )
        found = language_bias(predictions, qrels, passages, code, subset=code)
        for name in ("map", "ndcg_at_10", "same_language_first", "first_place_right_own"):
            assert found.mean[name] == pytest.approx(expected[code][name], abs=1e-6)
    with pytest.raises(UserError, match="the subsets de, en have queries of the same id"):
        language_bias(predictions, qrels, passages, "de")
    assert json.loads(predictions.read_text())["mteb_model_meta"]["model_name"] == "xbench/bm25"


def test_versions_that_cannot_be_aligned():
    bad("'1' has the queries", question={"de-1": "1", "de-2": "1"})
    bad("'1': ", "differ in passages in 'de'", question={"en-1": "1", "de-2": "1"})


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        (["e1,en,", "e1,de,"], "line 3: passage 'e1' is listed a second time, as 'de' after 'en'"),
        (["e1,,"], "line 2: the language is empty"),
        ([",en,"], "line 2: the id is empty"),
        (["e1,en,topic"], "line 2: 'e1' may be a query or a passage; kind is 'topic'"),
        (["e2,en,"], "line 2: 'e2' may be a query or a passage; kind is ''"),
    ],
)
def test_tables_that_do_not_say(tmp_path, rows, part):
    path = tmp_path / "languages.csv"
    path.write_text("\n".join(["id,language,kind", *rows]))
    with pytest.raises(UserError) as error:
        language_bias({**RUN, "e2": {"e1": 1.0}}, QRELS, path)
    assert str(path) in str(error.value)
    assert part in str(error.value)


def test_an_id_of_both_kinds(tmp_path):
    path = tmp_path / "languages.csv"
    path.write_text("id,language,kind\n1,en,passage\n2,de,passage\n1,de,query\n")
    found = language_bias({"1": {"1": 1.0}}, {"1": {"2": 1}}, path)
    assert (list(found.by_language), found.passages) == (["de"], 2)
    bad("gives languages to 1 queries", "kind", run={"1": {"1": 1}}, passages=path, queries="en")


def test_a_run_made_from_a_task_has_the_scores_of_the_task(location):
    task = XBenchMiniMultilingualRetrieval(location=location)
    model = BM25()
    expected = task.scores(task.ranks(model, {}))
    run, qrels, queries, questions, passages = {}, {}, {}, {}, {}
    for code in task.hf_subsets:
        content = task.dataset[code]["test"]
        common = {"task_metadata": task.metadata, "hf_split": "test", "hf_subset": code}
        common |= {"encode_kwargs": {}, "num_proc": None}
        corpus = content["corpus"]
        model.index(corpus, **common)
        found = model.search(content["queries"], top_k=len(corpus), top_ranked=None, **common)
        passages = dict(zip(corpus["id"], corpus["language"], strict=True))
        for question, relevant in content["relevant_docs"].items():
            query = f"{code}-{question}"
            run[query], qrels[query] = found[question], relevant
            queries[query], questions[query] = code, question
    bias = asdict(language_bias(run, qrels, passages, queries, questions))
    assert bias["by_language"].keys() == expected.keys()
    for code, values in expected.items():
        values = {name: value for name, value in values.items() if name != "main_score"}
        assert bias["by_language"][code] == pytest.approx(values, abs=1e-12)
