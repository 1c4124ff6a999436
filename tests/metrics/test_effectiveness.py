import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.rankings import ranking
from xbench.metrics import EFFECTIVENESS, per_query, scores
from xbench.metrics.effectiveness import average_precision, ndcg, recall, reciprocal_rank
from xbench.metrics.language_bias import rank_distance
from xbench.metrics.ranks import PoolRanks
from xbench.metrics.registry import CUT_OFFS, FULL_DEPTH

NAN, INF = np.nan, np.inf

# Query 1: relevant at ranks 1, 3 and 6 of a pool of 7. Query 2: relevant at 2, and one more that
# was not retrieved. Query 3: one relevant passage, last of the pool.
RANKS = np.array([[1, 3, 6], [2, INF, NAN], [7, NAN, NAN]])


def test_average_precision_by_hand():
    expected = [(1 / 1 + 2 / 3 + 3 / 6) / 3, (1 / 2) / 2, 1 / 7]
    assert average_precision(RANKS) == pytest.approx(expected)


def test_average_precision_at_k_divides_by_all_relevant():
    assert average_precision(RANKS, k=3) == pytest.approx([(1 + 2 / 3) / 3, 1 / 4, 0])


def test_recall_by_hand():
    assert recall(RANKS, k=3) == pytest.approx([2 / 3, 1 / 2, 0])
    assert recall(RANKS, k=100) == pytest.approx([1, 1 / 2, 1])


def test_ndcg_by_hand():
    gain = 1 / np.log2(2) + 1 / np.log2(4) + 1 / np.log2(7)
    ideal = 1 / np.log2(2) + 1 / np.log2(3) + 1 / np.log2(4)
    second = (1 / np.log2(3)) / (1 / np.log2(2) + 1 / np.log2(3))
    assert ndcg(RANKS, k=10) == pytest.approx([gain / ideal, second, 1 / np.log2(8)])


def test_ndcg_ideal_is_cut_at_k():
    assert ndcg(np.array([[1.0, 2.0, 3.0]]), k=2) == pytest.approx([1])


def test_reciprocal_rank_by_hand():
    assert reciprocal_rank(RANKS, k=6) == pytest.approx([1, 1 / 2, 0])


def test_a_perfect_ranking_scores_one_and_has_the_least_rank_distance():
    ranks = np.arange(1.0, 12.0)[None, :]
    values = {name: measure(ranks)[0] for name, measure in FULL_DEPTH.items()}
    assert values.pop("recall_at_1") == pytest.approx(1 / 11)
    assert values.pop("recall_at_5") == pytest.approx(5 / 11)
    assert values.pop("recall_at_10") == pytest.approx(10 / 11)
    assert values == pytest.approx(dict.fromkeys(values, 1.0))
    assert rank_distance(ranking(" ".join(["a*"] * 11), pool=(100,))) == pytest.approx([10])


def test_scores_of_a_monolingual_subset_have_no_language_bias():
    ranks = PoolRanks(("a",), np.array([0]), np.array(["en"]), np.array([3]), "en", {"en": 9})
    assert set(per_query(ranks, multilingual=False)) == set(FULL_DEPTH)
    assert scores({"en": ranks}, multilingual=False)["en"]["map"] == pytest.approx(1 / 3)


@st.composite
def runs(draw):
    """A run of distinct scores, qrels that may name passages that were not retrieved."""
    run, qrels = {}, {}
    for q in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 30))
        order = draw(st.permutations(range(size)))
        retrieved = draw(st.integers(1, size))
        relevant = draw(st.sets(st.integers(0, size - 1), min_size=1))
        run[f"q{q}"] = {f"d{d:02}": float(size - i) for i, d in enumerate(order[:retrieved])}
        qrels[f"q{q}"] = {f"d{d:02}": 1 for d in relevant}
    return run, qrels


@settings(deadline=None)
@given(runs())
def test_agrees_with_trec_eval(run_and_qrels):
    run, qrels = run_and_qrels
    cuts = {"map": "map_cut", "recall": "recall", "ndcg": "ndcg_cut", "precision": "P"}
    names = {f"{own}_at_{k}": f"{theirs}_{k}" for own, theirs in cuts.items() for k in CUT_OFFS}
    names["map"] = "map"
    measures = {"map", *(f"{own}.{','.join(map(str, CUT_OFFS))}" for own in cuts.values())}
    judged = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    for question, documents in run.items():
        ranked = sorted(documents, key=documents.get, reverse=True)
        ranks = [ranked.index(d) + 1 if d in documents else INF for d in qrels[question]]
        matrix = np.sort(np.array([ranks], float), axis=1)
        for ours, theirs in names.items():
            assert EFFECTIVENESS[ours](matrix)[0] == pytest.approx(judged[question][theirs])
