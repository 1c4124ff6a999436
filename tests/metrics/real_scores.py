"""Real scores of single questions, and samples of whole articles of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tests.conftest import ROOT
from xbench.data.groups import question_groups
from xbench.metrics import per_query
from xbench.metrics.intervals import influence
from xbench.results.reading import read_ranks
from xbench.results.summaries import question_values

MODELS = ("xbench__bm25/1", "xbench__char-ngram/1", "local__all-MiniLM-L6-v2/3aaf3259c5e8")
TASK = "XQuADRMultilingualRetrieval"


@lru_cache
def scores(measure: str, model: int = 0, language: str = "") -> np.ndarray:
    """A measured model's values on XQuAD-R, one per question in the order of their ids."""
    folder = next(iter((ROOT / "results").glob(MODELS[model].split("/")[0]))) / "x"
    (path,) = folder.parent.glob(f"*/{TASK}.per_query.json.gz")
    ranks = read_ranks(path)
    chosen = [name for name in ranks.subsets if language in ("", name)]
    values = {n: per_query(ranks.subsets[n], multilingual=True)[measure] for n in chosen}
    return influence(question_values(ranks, values))


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
