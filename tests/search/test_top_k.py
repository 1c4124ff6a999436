"""The best passages of each query: against sorting everything, with ties, in blocks of any size."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xbench.search.top_k
from xbench._util.errors import UserError
from xbench.search.top_k import TopK, id_array


def brute_force(scores: np.ndarray, ids: list[str], depth: int) -> list[list[tuple[float, str]]]:
    ranked = []
    for row in scores.tolist():
        found = [(score, passage) for score, passage in zip(row, ids, strict=True)]
        found = [item for item in found if np.isfinite(item[0])]
        ranked.append(sorted(found, reverse=True)[:depth])
    return ranked


def listed(top: TopK) -> list[list[tuple[float, str]]]:
    scores, ids = top.best()
    assert (ids == b"")[~np.isfinite(scores)].all()
    return [
        [(s, i.decode()) for s, i in zip(row, names, strict=True) if np.isfinite(s)]
        for row, names in zip(scores.tolist(), ids.tolist(), strict=True)
    ]


@st.composite
def searches(draw):
    queries, passages = draw(st.integers(1, 5)), draw(st.integers(1, 60))
    values = draw(st.sampled_from([(0,), (0, 1), tuple(range(-3, 4)), tuple(range(1000))]))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    scores = random.choice(values, (queries, passages)).astype(np.float32)
    scores[random.random(scores.shape) < draw(st.sampled_from([0, 0.5, 1]))] = -np.inf
    ids = [f"{n}#{n % 3}" for n in random.permutation(passages)]
    cuts = sorted(draw(st.sets(st.integers(0, passages), max_size=6)) | {0, passages})
    return scores, ids, cuts, draw(st.integers(1, 20))


@pytest.fixture(params=[(1, 1), (3, 20), (1000, 1000)], autouse=True)
def limits(request, monkeypatch):
    monkeypatch.setattr(xbench.search.top_k, "_ROOM", request.param[0])
    monkeypatch.setattr(xbench.search.top_k, "_NAMES", request.param[1])
    monkeypatch.setattr(xbench.search.top_k, "_ROWS", 2)


@given(searches())
def test_as_sorting_everything_does(search):
    scores, ids, cuts, depth = search
    top = TopK(len(scores), 8, depth)
    for low, high in pairwise(cuts):
        top.add(scores[:, low:high], id_array(ids[low:high]))
    assert listed(top) == brute_force(scores, ids, depth)


@given(searches())
def test_found_in_parts_and_restored_on_the_way(search):
    scores, ids, cuts, depth = search
    top = TopK(len(scores), 8, depth)
    for low, high in pairwise(cuts):
        part = TopK(len(scores), 8, depth, floor=top.floor)
        for start in range(low, high, 7):
            own = slice(start, min(start + 7, high))
            part.add(scores[:, own], id_array(ids[own]))
        top.absorb(part.candidates())
        state = [array.copy() for array in top.arrays()]
        top = TopK.restored(*state)
    assert listed(top) == brute_force(scores, ids, depth)


def test_a_floor_saves_what_need_not_be_handed_over():
    top = TopK(1, 4, depth=2)
    top.add(np.array([[5, 6, 7]], np.float32), id_array(["a", "b", "c"]))
    part = TopK(1, 4, depth=2, floor=top.floor)
    part.add(np.array([[4, 6, 8]], np.float32), id_array(["d", "e", "f"]))
    assert part.candidates().passage.tolist() == [b"e", b"f"]


def test_ids_are_ordered_as_text_in_any_script():
    ids = ["ü", "z", "𝒳", "中", "Z", "a#10", "a#9"]
    top = TopK(1, 8, depth=4)
    top.add(np.zeros((1, len(ids)), np.float32), id_array(ids))
    assert [passage for _, passage in listed(top)[0]] == sorted(ids, reverse=True)[:4]


@pytest.mark.parametrize("score", [np.inf, np.nan])
def test_a_score_that_is_not_finite_is_an_error(score):
    with pytest.raises(UserError, match="NaN or infinite"):
        TopK(1, 4).add(np.array([[1, score]], np.float32), id_array(["a", "b"]))


def test_zeros_of_either_sign_are_equal():
    top = TopK(1, 4, depth=3)
    top.add(np.array([[-0.0, 0.0, -0.0, 0.0]], np.float32), id_array(["d", "a", "c", "b"]))
    assert [passage for _, passage in listed(top)[0]] == ["d", "c", "b"]


def test_scores_of_all_sizes_keep_their_bits():
    limits = np.finfo(np.float32)
    scores = np.array([limits.max, 1, limits.tiny, 1e-45, 0, -1e-45, -1, limits.min], np.float32)
    top = TopK(1, 4, depth=8)
    top.add(scores[None, ::-1], id_array(list("hgfedcba")))
    assert top.best()[0][0].tolist() == scores.tolist()
