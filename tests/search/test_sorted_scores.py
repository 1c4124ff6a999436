"""Counts and first places by bisection, against plain comparisons of all scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbench.search.sorted_scores import SortedScores


@st.composite
def scores_of_languages(draw):
    """Scores of few distinct values, or of none that are equal, in languages of any size."""
    sizes = draw(st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any))
    queries, distinct = draw(st.integers(1, 4)), draw(st.sampled_from([1, 3, 10_000]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    texts = sum(sizes)
    scores = random.integers(-distinct, distinct, (queries, texts)).astype(np.float32) / 7
    return scores, np.array(sizes)


@settings(deadline=None, max_examples=150)
@given(scores_of_languages(), st.integers(1, 60))
def test_they_are_those_of_comparing_every_score(case, places):
    scores, sizes = case
    own = SortedScores(scores, sizes)
    thresholds = np.hstack([scores[:, :5], np.full((len(scores), 1), np.inf, np.float32)])
    higher, equal = own.counts(thresholds)
    for language, among in enumerate(np.split(scores, np.cumsum(sizes)[:-1], axis=1)):
        each = among[:, None]
        compared = thresholds[:, :, None]
        np.testing.assert_array_equal(higher[..., language], (each > compared).sum(axis=2))
        np.testing.assert_array_equal(equal[..., language], (each == compared).sum(axis=2))
    language = np.repeat(np.arange(len(sizes)), sizes)
    places = min(places, len(language))
    for query, (found, values) in enumerate(own.first(places)):
        whole = scores[query]
        order = np.argsort(-whole, kind="stable")
        reaching = np.count_nonzero(whole >= whole[order[places - 1]])
        assert len(values) >= reaching
        np.testing.assert_array_equal(values, whole[order[: len(values)]])
        kept = [sorted(zip(-values[:reaching], found[:reaching], strict=True))]
        kept.append(sorted(zip(-whole[order[:reaching]], language[order[:reaching]], strict=True)))
        assert kept[0] == kept[1]


def test_few_more_scores_than_there_are_places_are_sorted_for_the_first_places():
    random = np.random.default_rng(3)
    scores = random.standard_normal((64, 12_000)).astype(np.float32)
    own = SortedScores(scores, np.full(10, 1200))
    assert max(len(values) for _, values in own.first(100)) < 150


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 3, 6])
def test_a_score_that_is_not_finite_is_noticed(bad, column):
    scores = np.arange(14, dtype=np.float32).reshape(2, 7)
    sizes = np.array([3, 0, 4])
    assert SortedScores(scores, sizes).finite
    scores[1, column] = bad
    assert not SortedScores(scores, sizes).finite


def test_no_queries_and_no_thresholds_are_no_error():
    own = SortedScores(np.empty((0, 4), np.float32), np.array([4]))
    higher, equal = own.counts(np.empty((0, 0), np.float32))
    assert higher.shape == equal.shape == (0, 0, 1)
    assert own.first(4) == []
