"""The sampler's guarantees, on complete tables and on tables with missing languages."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from tests.training.parallel_pairs import complete, make_pairs
from xbench._util.errors import UserError
from xbench.training.batching.dataset import PairDataset
from xbench.training.batching.options import BatchSampling
from xbench.training.batching.sampler import HybridBatchSampler
from xbench.training.batching.texts import TrainingCorpus


def sampler(corpora, batch_size=4, drop_last=False, seed=0, **sampling):
    corpora = corpora if isinstance(corpora, list) else [corpora]
    dataset = PairDataset(corpora, BatchSampling(**sampling))
    return HybridBatchSampler(dataset, batch_size, drop_last, seed=seed)


def epoch(batches, number):
    batches.set_epoch(number)
    return list(batches)


def is_monolingual(batch):
    return len({language for _, query, passage in batch for language in (query, passage)}) == 1


def is_crosslingual(batch):
    return all(query != passage for _, query, passage in batch)


def rows_of(batches):
    return [row for batch in batches for row, _, _ in batch]


@pytest.mark.parametrize(
    ("sampling", "pure"), [("monolingual", is_monolingual), ("crosslingual", is_crosslingual)]
)
def test_every_batch_of_a_pure_mode_is_of_that_mode(sampling, pure):
    assert all(pure(batch) for batch in sampler(complete(40), sampling=sampling))


def test_a_hybrid_batch_is_one_mode_or_the_other():
    batches = list(sampler(complete(400)))
    assert all(is_monolingual(b) != is_crosslingual(b) for b in batches)
    assert {is_monolingual(b) for b in batches} == {True, False}


@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.5, 1.0])
def test_alpha_is_held_to_the_binomial_tolerance(alpha):
    batches = list(sampler(complete(8000), alpha=alpha))
    monolingual = sum(map(is_monolingual, batches))
    assert binomtest(monolingual, len(batches), alpha).pvalue > 1e-4
    assert alpha not in (0, 1) or monolingual == alpha * len(batches)


@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_exact_when_stratified(seed):
    batches = list(sampler(complete(400, 4), alpha=0.3, stratified=True, seed=seed))
    assert sum(map(is_monolingual, batches)) == 30
    languages = Counter(b[0][1] for b in batches if is_monolingual(b))
    assert sorted(languages.values()) in ([7, 7, 8, 8], [7, 7, 7, 9])


def test_the_coin_is_flipped_for_each_batch():
    counts = {sum(map(is_monolingual, sampler(complete(80), seed=seed))) for seed in range(20)}
    assert len(counts) > 3


@pytest.mark.parametrize("rows", [40, 41, 43])
def test_every_row_is_drawn_once_an_epoch_and_the_last_batch_is_filled_up(rows):
    batches = list(sampler(complete(rows)))
    drawn = Counter(rows_of(batches))
    assert set(drawn) == set(range(rows))
    assert sum(drawn.values()) - rows == -rows % 4
    assert all(len(batch) == 4 for batch in batches)
    assert all(len({row for row, _, _ in batch}) == 4 for batch in batches)


def test_with_drop_last_no_row_is_drawn_twice_and_other_rows_wait_in_other_epochs():
    batches = sampler(complete(43), drop_last=True)
    left = [set(range(43)) - set(rows_of(epoch(batches, n))) for n in range(5)]
    assert len(batches) == 10
    assert all(len(rows) == 3 for rows in left)
    assert len(set(map(frozenset, left))) > 1


def test_questions_that_share_a_passage_never_meet():
    group = np.repeat(np.arange(12), 4)
    for number in range(20):
        batches = epoch(sampler(complete(48, group=group), batch_size=12), number)
        assert all(len({group[row] for row, _, _ in b}) == 12 for b in batches)
        assert sorted(rows_of(batches)) == list(range(48))


def test_a_passage_shared_by_more_questions_than_batches_is_in_a_batch_once():
    group = np.concatenate([np.zeros(6, int), np.arange(1, 15)])
    batches = list(sampler(complete(20, group=group), batch_size=5))
    assert all(len({group[row] for row, _, _ in b}) == 5 for b in batches)


def test_the_same_seed_gives_the_same_batches_and_epochs_and_seeds_differ():
    first, again = sampler(complete(40)), sampler(complete(40))
    assert epoch(first, 0) == epoch(again, 0)
    assert epoch(first, 3) == epoch(again, 3)
    assert epoch(first, 0) != epoch(first, 1)
    assert epoch(first, 0) != epoch(sampler(complete(40), seed=1), 0)


def test_the_global_random_state_is_neither_read_nor_changed():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    first = list(sampler(complete(40)))
    assert (np.random.get_state()[1] == before).all()
    np.random.seed(2)
    assert first == list(sampler(complete(40)))


def test_languages_have_the_shares_asked_for():
    mask = np.ones((3000, 3), bool)
    mask[300:, 2] = False
    batches = {
        "uniform": (100, 100, 100),
        "proportional": (143, 143, 14),
        "temperature=2": (130, 130, 41),
        "ar=3,zz=9,en=1": (225, 0, 75),
    }
    for asked, expected in batches.items():
        own = sampler(make_pairs(mask), 10, sampling="monolingual", language_sampling=asked)
        drawn = Counter(batch[0][1] for batch in own)
        assert [drawn[i] for i in range(3)] == [pytest.approx(n, abs=2) for n in expected]


def test_cross_lingual_pairs_are_all_equally_likely():
    drawn = Counter(
        (query, passage)
        for batch in sampler(complete(6000, 4), sampling="crosslingual")
        for _, query, passage in batch
    )
    assert len(drawn) == 12
    assert all(binomtest(n, 6000, 1 / 12).pvalue > 1e-5 for n in drawn.values())


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [(("de-ar", "ar-en"), {(1, 0), (0, 2)}), (("deu-arb", "en-ar"), {(1, 0), (2, 0)})],
)
def test_only_the_chosen_language_pairs_are_drawn(chosen, expected):
    batches = sampler(complete(400), sampling="crosslingual", language_pairs=chosen)
    assert {(q, p) for batch in batches for _, q, p in batch} == expected


def test_a_number_of_language_pairs_is_drawn_by_the_seed_or_by_size():
    drawn = [
        frozenset(
            (q, p)
            for b in sampler(complete(400, 5), seed=seed, sampling="crosslingual", language_pairs=3)
            for _, q, p in b
        )
        for seed in (0, 0, 1, 2)
    ]
    assert [len(pairs) for pairs in drawn] == [3] * 4
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3
    mask = np.ones((400, 4), bool)
    mask[100:, :2] = False
    largest = sampler(make_pairs(mask), sampling="crosslingual", language_pairs="size:2")
    assert {(q, p) for b in largest for _, q, p in b} == {(2, 3), (3, 2)}


def ragged(rows=20_000, languages=30, rarest=1 / 200, **options):
    random = np.random.default_rng(1)
    mask = random.random((rows, languages)) < 0.5
    mask[:, 7] = random.random(rows) < rarest
    codes = tuple(f"l{i:02}" for i in range(languages))
    return make_pairs(mask, languages=codes, **options), mask


def counted(batches):
    counts = np.zeros((len(batches.dataset.languages),) * 2)
    for batch in batches:
        for _, query, passage in batch:
            counts[query, passage] += 1
    return counts


@pytest.mark.integration
@pytest.mark.parametrize(
    "asked", ["uniform", "temperature=3", "proportional", {"l07": 1, "l01": 10, "l20": 20}]
)
def test_each_pair_of_languages_has_the_share_asked_for_on_ragged_data(asked):
    pairs, mask = ragged()
    batches = sampler(pairs, 100, language_sampling=asked)
    (expected,) = batches.expected
    counts = counted(batches)
    assert counts.sum() == expected.pairs
    assert not list(expected.warnings())
    np.testing.assert_allclose(expected.attained, expected.wanted, atol=2e-5, rtol=0.15)
    own = mask.sum(axis=0)
    weights = {
        "uniform": own**0,
        "temperature=3": own ** (1 / 3),
        "proportional": own,
    }.get(str(asked), np.array([{7: 1, 1: 10, 20: 20}.get(i, 0) for i in range(30)]))
    shares = weights / weights.sum()
    monolingual, crosslingual = counts.diagonal(), counts - np.diag(counts.diagonal())
    np.testing.assert_allclose(monolingual, expected.pairs / 2 * shares, atol=101)
    product = np.outer(shares, shares) * (1 - np.eye(30))
    cross = expected.pairs / 2 * product / product.sum()
    assert (abs(crosslingual - cross) < 5 * np.sqrt(cross) + 6).all()


@pytest.mark.integration
def test_a_shortfall_is_stated_and_warned_of():
    pairs, _ = ragged(rarest=1 / 2000)
    batches = sampler(pairs, 4, language_sampling="uniform", max_repeats=3)
    (expected,) = batches.expected
    (warning,) = expected.warnings()
    assert "l07" in warning
    assert "max_repeats" in warning
    drawn = Counter(rows_of(batches))
    assert max(drawn.values()) <= 4
    counts = counted(batches)
    got = counts[7].sum() + counts[:, 7].sum() - counts[7, 7]
    share = expected.attained[7].sum() + expected.attained[:, 7].sum() - expected.attained[7, 7]
    assert got == pytest.approx(share * expected.pairs, rel=0.25)
    assert expected.as_dict()["wanted"]["l07-l08"] > 2 * expected.as_dict()["attained"]["l07-l08"]
    assert any("l07" in line for line in expected.lines())


@pytest.mark.integration
def test_no_text_meets_its_equal_on_ragged_data_with_rare_languages():
    random = np.random.default_rng(3)
    group = random.integers(0, 8_000, 20_000)
    pairs, _ = ragged(group=np.unique(group, return_inverse=True)[1])
    for batch in sampler(pairs, 50):
        assert len({group[row] for row, _, _ in batch}) == 50


@pytest.mark.integration
@pytest.mark.parametrize("languages", [40, 130])
def test_more_than_32_languages_are_sampled(languages):
    random = np.random.default_rng(0)
    mask = random.random((3000, languages)) < 0.4
    codes = tuple(f"x{i:03}" for i in range(languages))
    batches = list(sampler(make_pairs(mask, languages=codes), 10))
    assert all(mask[row, q] and mask[row, p] for b in batches for row, q, p in b)
    assert {q for b in batches for _, q, _ in b} == set(range(languages))
    whole = list(sampler(make_pairs(np.ones_like(mask), languages=codes), 10))
    assert {p for b in whole for _, _, p in b} == set(range(languages))


def test_plain_batches_take_questions_as_they_come_in_their_own_language():
    mask = np.eye(3, dtype=bool)[np.arange(60) % 3]
    passages = mask.copy()
    passages[0] = [False, True, True]
    batches = list(sampler(make_pairs(mask, passages), sampling="plain"))
    assert sorted(rows_of(batches)) == list(range(60))
    assert all(q == p for b in batches for row, q, p in b if row)
    assert any(len({q for _, q, _ in batch}) > 1 for batch in batches)
    (cross,) = [(q, p) for b in batches for row, q, p in b if row == 0]
    assert cross in {(0, 1), (0, 2)}


@pytest.mark.parametrize("weight", [0.5, 2.25])
@pytest.mark.parametrize("missing", [False, True])
def test_a_corpus_is_drawn_as_often_as_its_weight_says(weight, missing):
    mask = np.ones((400, 3), bool)
    mask[:150, 2] = not missing
    heavy = TrainingCorpus(make_pairs(mask), weight=weight)
    other = TrainingCorpus(complete(80, 1), BatchSampling("monolingual"))
    batches = HybridBatchSampler(PairDataset([heavy, other]), 8)
    drawn = Counter(rows_of(batches))
    counts = [drawn[row] for row in range(400)]
    assert sum(counts) == pytest.approx(400 * weight, abs=8)
    assert max(counts) - min(counts) <= 2 + missing
    assert all(len({row for row, _, _ in batch}) == 8 for batch in batches)


def test_corpora_are_never_mixed_and_are_drawn_by_size():
    corpora = [complete(60, 3), make_pairs(np.ones((20, 2), bool), languages=("en", "zh"))]
    batches = list(sampler(corpora, sampling="monolingual"))
    sources = [{row >= 60 for row, _, _ in batch} for batch in batches]
    assert all(len(source) == 1 for source in sources)
    assert Counter(source.pop() for source in sources) == {False: 15, True: 5}
    own = {language for b in batches for row, language, _ in b if row >= 60}
    names = sampler(corpora).dataset.languages
    assert {names[language] for language in own} == {"en", "zh"}


@st.composite
def tables(draw):
    rows, languages = draw(st.integers(30, 90)), draw(st.integers(2, 5))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    present = draw(st.floats(0.5, 1.0))
    queries = random.random((rows, languages)) < present
    passages = random.random((rows, languages)) < present
    group = random.integers(0, draw(st.sampled_from([rows, 3 * rows, 10**6])), rows)
    return queries, passages, np.unique(group, return_inverse=True)[1]


@pytest.mark.integration
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables(), size=st.integers(2, 6), drop_last=st.booleans(), alpha=st.floats(0.2, 0.8))
def test_guarantees_hold_where_languages_are_missing(table, size, drop_last, alpha):
    queries, passages, group = table
    try:
        batches = sampler(
            make_pairs(queries, passages, group=group),
            size,
            drop_last,
            alpha=alpha,
            stratified=True,
        )
    except UserError:
        return
    found = epoch(batches, 1)
    assert len(found) == len(batches)
    assert [len(batch) for batch in found] == [size] * len(found)
    for batch in found:
        assert is_monolingual(batch) != is_crosslingual(batch)
        assert all(queries[row, q] and passages[row, p] for row, q, p in batch)
        assert len({group[row] for row, _, _ in batch}) == size
    monolingual = sum(map(is_monolingual, found))
    assert abs(monolingual - alpha * len(found)) <= 1 + 0.01 * len(found)


def test_where_languages_are_missing_rows_are_drawn_once_but_for_less_than_a_batch_each():
    random = np.random.default_rng(0)
    mask = random.random((3000, 5)) < 0.6
    batches = sampler(make_pairs(mask), 20)
    usable = mask.any(axis=1)
    drawn = Counter(rows_of(epoch(batches, 0)))
    assert len(usable[usable]) - len(drawn) < 5 * 20
    assert max(drawn.values()) <= 2
    assert len(batches) == -(-int(usable.sum()) // 20)


@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (lambda: complete(3), {}, "no .* batch of 4"),
        (lambda: complete(40, 1), {"sampling": "crosslingual"}, "cross-lingual batch"),
        (lambda: complete(40, 1), {}, "cross-lingual batch"),
        (lambda: complete(40), {"alpha": 1.5}, "alpha is 1.5"),
        (lambda: complete(40), {"alpha": "half"}, "alpha is 'half'"),
        (lambda: complete(40), {"sampling": "mixed"}, "sampling is 'mixed'"),
        (lambda: complete(40), {"language_pairs": ("ar-xx",)}, "'ar-xx'"),
        (lambda: complete(40), {"language_pairs": 0}, "language_pairs is 0"),
        (lambda: complete(40), {"language_pairs": "size:x"}, "language_pairs is 'size:x'"),
        (lambda: complete(40), {"language_sampling": "log"}, "language_sampling is 'log'"),
        (lambda: complete(40), {"language_sampling": 0.5}, "language_sampling is 0.5"),
        (lambda: complete(40), {"language_sampling": "th=1"}, "weights of th; .* ar, de, en"),
        (lambda: complete(40, group=np.zeros(40)), {}, "no .* batch of 4"),
    ],
)
def test_what_cannot_be_sampled_is_refused_at_once(make, options, named):
    with pytest.raises(UserError, match=named):
        sampler(make(), **options)
