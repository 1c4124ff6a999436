"""What the measures of language bias say of systems whose preference is known, through the ranking.

A system scores a passage by how well it matches, by whether it is in the query's language, by its
language, and by noise.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.metrics import scores
from xbench.metrics.subsets import task_per_query
from xbench.search.exact_ranks import RankTable

LANGUAGES = ("ar", "de", "en", "zh")
QUESTIONS = 150


@lru_cache
def corpus(questions: int = QUESTIONS) -> ParallelCorpus:
    """One passage in each language answers each question."""
    ids = tuple(f"q{i}" for i in range(questions))
    passages = {
        code: Texts(
            tuple(f"{code}.{i}" for i in range(questions)),
            tuple(f"{code} passage {i}" for i in range(questions)),
        )
        for code in LANGUAGES
    }
    return ParallelCorpus(
        queries={code: Texts(ids, tuple(f"{code} {i}" for i in ids)) for code in LANGUAGES},
        passages=passages,
        relevant={code: {q: (f"{code}.{i}",) for i, q in enumerate(ids)} for code in LANGUAGES},
    )


def measured(*, quality=0.0, own=0.0, noise=1.0, bonus=None, noises=None, steps=None, seed=0):
    """Return the mean of every score over the query languages, and the per-query values.

    Args:
        quality: What a relevant passage scores more.
        own: What a passage in the query's language scores more.
        noise: Spread of the scores.
        bonus: What a passage in a language scores more, by language.
        noises: Spread of the scores of the relevant passages in a language, by language.
        steps: Into how many equal scores they are cut; None for none.
        seed: Seed of the noise.
    """
    data = corpus()
    random = np.random.default_rng(seed)
    languages = np.repeat(range(len(LANGUAGES)), QUESTIONS)
    question = np.tile(np.arange(QUESTIONS), len(LANGUAGES))

    def scored(code):
        found = noise * random.standard_normal((QUESTIONS, len(languages)))
        for language, more in (noises or {}).items():
            column = languages == LANGUAGES.index(language)
            found[:, column] *= more
        found += quality * (question[None, :] == np.arange(QUESTIONS)[:, None])
        found += own * (languages == LANGUAGES.index(code))
        for language, more in (bonus or {}).items():
            found += more * (languages == LANGUAGES.index(language))
        if steps:
            found = np.round(found * steps)
        return found.astype(np.float32)

    table = RankTable(data, LANGUAGES, LANGUAGES, scored)
    ranks = {code: table.ranks(code, LANGUAGES) for code in LANGUAGES}
    values = task_per_query(ranks, multilingual=True)
    found = scores(ranks, multilingual=True)
    names = {name for own in found.values() for name in own}
    means = {n: float(np.mean([own[n] for own in found.values() if n in own])) for n in names}
    return means, values


def error(values, measure):
    """Return the standard error of the mean over the query languages, taken as independent."""
    own = [of[measure][~np.isnan(of[measure])] for of in values.values() if measure in of]
    return float(np.sqrt(sum(v.var() / len(v) for v in own)) / len(own))


@pytest.mark.parametrize("steps", [None, 1])
def test_random_scores_give_chance(steps):
    found, values = measured(steps=steps)
    for measure, chance in (
        ("own_language_preference", 0),
        ("rank_distance_ratio", 1),
        ("same_language_rank_gain", 0),
        ("same_language_first", 0),
        ("first_place_right_own", 1 / 600),
        ("first_place_wrong_other", 447 / 600),
        ("rank_correlation", 0),
    ):
        assert found[measure] == pytest.approx(chance, abs=4 * error(values, measure) + 2e-3)


def test_a_bad_retriever_without_preference_is_not_called_biased():
    bad, values = measured(quality=0.5)
    good, _ = measured(quality=6)
    assert bad["map"] < 0.05 < 0.9 < good["map"]
    assert abs(bad["own_language_preference"]) < 4 * error(values, "own_language_preference")
    assert bad["rank_distance_ratio"] == pytest.approx(1, abs=0.1)
    assert good["rank_distance_ratio"] < 0.1


def test_a_perfect_retriever_without_preference_and_one_with_are_distinguished():
    even, _ = measured(quality=20)
    biased, _ = measured(quality=20, own=8)
    assert even["map"] == biased["map"] == pytest.approx(1)
    assert even["rank_distance"] == biased["rank_distance"] == 3
    assert abs(even["own_language_preference"]) < 0.1
    assert biased["own_language_preference"] == pytest.approx(1, abs=0.01)
    assert biased["own_language_preference_found"] == pytest.approx(1, abs=0.01)


def test_a_bonus_and_bad_encoding_differ_in_the_advantage_of_english():
    liked, _ = measured(quality=4, bonus={"en": 2})
    noisy, _ = measured(quality=4, noises={"en": 2.5})
    even, _ = measured(quality=4)
    assert liked["english_advantage"] > 0.8
    assert even["english_advantage"] == pytest.approx(0.5, abs=0.05)
    assert abs(noisy["english_advantage"] - 0.5) < abs(liked["english_advantage"] - 0.5)


@pytest.mark.parametrize("steps", [None, 1])
def test_the_names_of_the_languages_do_not_matter(steps):
    """Equal scores would fall to the languages late in the alphabet if ids broke ties."""
    found, values = measured(quality=2, steps=steps, noise=0.3)
    gains = {code: of["same_language_first"].mean() for code, of in values.items()}
    errors = {
        code: of["same_language_first"].std() / np.sqrt(QUESTIONS) for code, of in values.items()
    }
    for code, gain in gains.items():
        assert abs(gain) < 4 * errors[code] + 1e-9, code
    assert found["map"] > 0.5
