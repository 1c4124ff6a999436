"""Real scores of single questions, and samples of whole articles of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tests.conftest import ROOT
from xbench.data.groups import question_groups
from xbench.metrics import per_query
from xbench.metrics.intervals import influence
from xbench.results.reading import PerQuery, read_ranks
from xbench.results.summaries import question_values

MODELS = ("xbench__bm25", "xbench__char-ngram", "local__all-MiniLM-L6-v2")
TASK = "XQuADRMultilingualRetrieval"


@lru_cache
def _measured(model: int) -> tuple[PerQuery, dict[str, dict[str, np.ndarray]]]:
    """A measured model's ranks on XQuAD-R, and its values by subset and measure."""
    (path,) = (ROOT / "results").glob(f"{MODELS[model]}/*/{TASK}.per_query.json.gz")
    ranks = read_ranks(path)
    return ranks, {n: per_query(own, multilingual=True) for n, own in ranks.subsets.items()}


@lru_cache
def scores(measure: str, model: int = 0, language: str = "") -> np.ndarray:
    """A measured model's values on XQuAD-R, one per question in the order of their ids."""
    ranks, values = _measured(model)
    chosen = {
        name: own[measure]
        for name, own in values.items()
        if language in ("", name) and measure in own
    }
    return influence(question_values(ranks, chosen))


def articles() -> np.ndarray:
    """The article of each question."""
    return question_groups("XQuAD-R")


def paragraphs() -> np.ndarray:
    """The paragraph of each question."""
    return question_groups("XQuAD-R", unit="paragraph")


def draw(random: np.random.Generator, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw as many whole groups as there are, with replacement.

    Returns:
        Rows of the questions that were drawn, and the number of the draw that each is of.
    """
    rows = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    drawn = random.integers(0, len(rows), len(rows))
    chosen = [rows[group] for group in drawn]
    return np.concatenate(chosen), np.repeat(np.arange(len(chosen)), [len(own) for own in chosen])


def systems(measure: str, number: int, random: np.random.Generator) -> np.ndarray:
    """Values of systems made of the real ones by noise per question, shape (questions, systems)."""
    base = [scores(measure, model) for model in range(len(MODELS))]
    made = []
    for system in range(number):
        own = base[system % len(base)]
        noise = np.exp(0.3 * random.standard_normal(len(own)))
        made.append(own * noise if system >= len(base) else own)
    return np.stack(made, axis=1)


def exchanged(values: np.ndarray, drawn: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Exchange the systems within each text that was drawn, so that all are equal."""
    order = random.permuted(np.tile(np.arange(values.shape[1]), (drawn.max() + 1, 1)), axis=1)
    return np.take_along_axis(values, order[drawn], axis=1)
