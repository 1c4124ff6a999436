"""Compare models on what they both were run on, from the per-query files alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xbench._util.errors import UserError
from xbench.analysis.compared_models import Candidate, Sample, TaskValues, common_tasks, task_values
from xbench.data.catalogue import TASKS
from xbench.metrics import EFFECTIVENESS, statistics
from xbench.metrics.across_languages import Spread, spread

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 10_000


@dataclass(frozen=True)
class Difference:
    """A model's score minus the best model's.

    Attributes:
        value: The difference.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Two-sided p value of the paired randomisation test, after Holm's correction over all
            differences of the same table.
        standardised: Mean difference per question over its standard deviation.
        superiority: Share of the questions on which the model is better, ties counted half.
    """

    value: float
    low: float
    high: float
    p: float
    standardised: float
    superiority: float


@dataclass(frozen=True)
class Figure:
    """A model's score.

    Attributes:
        value: The score.
        low: Lower end of its 95 % interval.
        high: Upper end.
        difference: How it differs from the best score; None for the best, and where models are not
            tested against each other.
        ranks: Best and worst rank among the models in 95 % of the resamples; None if not tested.
        tier: Tier from 1; models of a tier cannot be distinguished from its
            best. None if not tested.
    """

    value: float
    low: float
    high: float
    difference: Difference | None = None
    ranks: tuple[int, int] | None = None
    tier: int | None = None

    @property
    def cannot_be_told_from_the_best(self) -> bool:
        """Whether the score is the best or not significantly different from it at 5 %."""
        return self.tier is not None and (self.difference is None or self.difference.p > 0.05)


@dataclass(frozen=True)
class Row:
    """The scores of all models for one measure.

    Attributes:
        task: Name of the task.
        measure: Name of the measure.
        language: Query language, or None for the mean over all.
        figures: The scores, one per model, in the models' order.
    """

    task: str
    measure: str
    language: str | None
    figures: tuple[Figure, ...]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Tables of rows; Holm's correction is over each table.

    Attributes:
        models: Names of the models.
        settings: A row per task: the macro average.
        languages: A row per task and query language.
        bias: A row per multilingual task and language-bias measure, not tested.
        gaps: Rows of each dataset's cross-lingual task for the cross-lingual gap, not tested.
        spreads: Rows per monolingual and cross-lingual task for the least, the greatest and the
            standard deviation of the languages' scores, without intervals.
        candidates: The models and their ranks.
    """

    models: tuple[str, ...]
    settings: tuple[Row, ...]
    languages: tuple[Row, ...]
    bias: tuple[Row, ...]
    gaps: tuple[Row, ...]
    spreads: tuple[Row, ...]
    candidates: tuple[Candidate, ...] = field(default=(), repr=False, compare=False)

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row per table, task, language, measure and model.

        The columns are table, task, language, measure, model, value, low, high, the difference
        from the best model with its interval, p and effect sizes, rank_low, rank_high, tier and
        as_good_as_best.

        >>> import xbench
        >>> comparison = xbench.compare(["xbench/bm25", "xbench/char-ngram"])
        >>> list(comparison.to_dataframe()["table"].unique())
        ['settings', 'languages', 'bias', 'gaps', 'spreads']
        """
        from xbench.analysis.comparison_tables import comparison_frame

        return comparison_frame(self)

    def to_markdown(self) -> str:
        """Return all tables as Markdown.

        >>> import xbench
        >>> comparison = xbench.compare(["xbench/bm25", "xbench/char-ngram"])
        >>> "### mAP × 100, means over subsets" in comparison.to_markdown()
        True
        """
        from xbench._util import text_tables
        from xbench.analysis.comparison_tables import comparison_tables

        return text_tables.markdown(comparison_tables(self))

    def to_latex(self) -> str:
        """Return all tables as LaTeX.

        >>> import xbench
        >>> comparison = xbench.compare(["xbench/bm25", "xbench/char-ngram"])
        >>> comparison.to_latex().count("begin{tabular}") > 3
        True
        """
        from xbench._util import text_tables
        from xbench.analysis.comparison_tables import comparison_tables

        return text_tables.latex(comparison_tables(self))

    def plot(self, path: str | PathLike[str] | None = None) -> Any:  # noqa: ANN401
        """Draw the models' language pairs, the languages of the first places and rank distances.

        Args:
            path: File to write, in any format of matplotlib, by suffix; one per dataset, whose
                name is added where there are several. Without it nothing is written.

        Returns:
            The files that were written; or without a path the pictures, which a notebook shows.

        Raises:
            UserError: If no dataset has its three settings, or matplotlib is not installed.
        """
        from xbench.analysis.plots import comparison_pictures, write_comparison_plots

        if path is None:
            return comparison_pictures(self.candidates)
        return write_comparison_plots(self.candidates, Path(path))

    def __repr__(self) -> str:
        tasks = len({row.task for row in self.settings})
        return f"Comparison of {', '.join(self.models)} on {tasks} tasks"

    def _repr_html_(self) -> str:
        frame = self.to_dataframe()
        shown = frame[frame["table"] == "settings"].drop(columns=["table", "language"])
        return str(shown.to_html(index=False, float_format="{:.4g}".format, na_rep=""))


def compare(candidates: Sequence[Candidate], *, seed: int = 0) -> Comparison:
    """Compare models on the tasks that all of them were run on.

    Args:
        candidates: The models; with one there is nothing to test, and its intervals are given.
        seed: Seed of the bootstrap and of the randomisation tests.

    Raises:
        UserError: If they have no task in common, or were run on different data.
    """
    tasks = common_tasks(candidates)
    values = {task: [task_values(c.tasks[task]) for c in candidates] for task in tasks}
    multilingual = [task for task in tasks if candidates[0].tasks[task].multilingual]
    return Comparison(
        models=tuple(candidate.name for candidate in candidates),
        settings=_tested(
            [(task, None, [v.sample(main_score(task)) for v in values[task]]) for task in tasks],
            seed,
        ),
        languages=_tested(
            [
                (task, language, [v.sample(main_score(task), language) for v in values[task]])
                for task in tasks
                for language in values[task][0].languages
            ],
            seed,
        ),
        bias=tuple(_bias_rows(multilingual, values, seed)),
        gaps=tuple(_gap_rows(tasks, values, seed)),
        spreads=tuple(_spread_rows([t for t in tasks if t not in multilingual], values)),
        candidates=tuple(candidates),
    )


def main_score(task: str) -> str:
    """Return the measure of a task that is tested; the others are next to it."""
    return TASKS[task][0].main_score if task in TASKS else "map"


Case = tuple[str, str | None, list[Sample]]


def _tested(cases: Sequence[Case], seed: int) -> tuple[Row, ...]:
    """Return a row per case, each model tested against the best, corrected over all cases."""
    leaders = [
        int(np.argmax([statistics.macro_mean(s) for s in samples])) for _, _, samples in cases
    ]
    p_values = [
        statistics.randomisation_test(sample, samples[leader], seed=seed)
        for (_, _, samples), leader in zip(cases, leaders, strict=True)
        for i, sample in enumerate(samples)
        if i != leader
    ]
    corrected = iter(statistics.holm(p_values).tolist() if p_values else [])
    rows = []
    for (task, language, samples), leader in zip(cases, leaders, strict=True):
        differences = [
            None if i == leader else _difference(sample, samples[leader], next(corrected), seed)
            for i, sample in enumerate(samples)
        ]
        rows.append(Row(task, main_score(task), language, _figures(samples, differences, seed)))
    return tuple(rows)


def _figures(
    samples: Sequence[Sample], differences: Sequence[Difference | None], seed: int
) -> tuple[Figure, ...]:
    distributions = [statistics.bootstrap(sample, RESAMPLES, seed) for sample in samples]
    tested = len(samples) > 1
    ranks = statistics.rank_intervals(distributions) if tested else [None]
    tiers = statistics.tiers(samples, seed=seed) if tested else [None]
    return tuple(
        Figure(statistics.macro_mean(sample), *statistics.interval(drawn), difference, rank, tier)
        for sample, drawn, difference, rank, tier in zip(
            samples, distributions, differences, ranks, tiers, strict=True
        )
    )


def _difference(sample: Sample, best: Sample, p: float, seed: int) -> Difference:
    drawn = statistics.bootstrap(statistics.paired_difference(sample, best), RESAMPLES, seed)
    effect = statistics.effect_size(sample, best)
    value = statistics.macro_mean(sample) - statistics.macro_mean(best)
    return Difference(value, *statistics.interval(drawn), p, *effect)


def _untested(sample: Sample, seed: int) -> Figure:
    """Return a score with its interval, over the subsets in which the measure is defined."""
    defined = sample[:, ~np.isnan(sample).all(axis=0)]
    if defined.size == 0:
        return Figure(float("nan"), float("nan"), float("nan"))
    drawn = statistics.bootstrap(defined, RESAMPLES, seed)
    return Figure(statistics.macro_mean(defined), *statistics.interval(drawn))


def _bias_rows(
    tasks: Sequence[str], values: Mapping[str, list[TaskValues]], seed: int
) -> Iterator[Row]:
    for task in tasks:
        for measure in values[task][0].measures:
            if measure not in EFFECTIVENESS:
                figures = tuple(_untested(v.sample(measure), seed) for v in values[task])
                yield Row(task, measure, None, figures)


def _gap_rows(
    tasks: Sequence[str], values: Mapping[str, list[TaskValues]], seed: int
) -> Iterator[Row]:
    """Yield the cross-lingual gap of each dataset that has both settings, by query language too."""
    for task in tasks:
        if task not in TASKS or TASKS[task][1] != "crosslingual":
            continue
        monolingual = TASKS[task][0].task_name("monolingual")
        if monolingual not in values:
            continue
        pairs = list(zip(values[monolingual], values[task], strict=True))
        for language in (None, *values[task][0].languages):
            figures = tuple(_gap(first, second, language, seed) for first, second in pairs)
            yield Row(task, "cross_lingual_gap", language, figures)


def _gap(first: TaskValues, second: TaskValues, language: str | None, seed: int) -> Figure:
    """Return the monolingual minus the cross-lingual score, resampling the same questions."""
    if first.questions.keys() != second.questions.keys():
        raise UserError("the monolingual and the cross-lingual task have other questions")
    mono, cross = (own.sample("map", language) for own in (first, second))
    drawn = statistics.bootstrap(mono, RESAMPLES, seed) - statistics.bootstrap(
        cross, RESAMPLES, seed
    )
    value = statistics.macro_mean(mono) - statistics.macro_mean(cross)
    return Figure(value, *statistics.interval(drawn))


def _spread_rows(tasks: Sequence[str], values: Mapping[str, list[TaskValues]]) -> Iterator[Row]:
    for task in tasks:
        measure = main_score(task)
        spreads = [
            spread(np.array([statistics.macro_mean(v.sample(measure, a)) for a in v.languages]))
            for v in values[task]
        ]
        for name in Spread._fields:
            figures = tuple(Figure(getattr(s, name), np.nan, np.nan) for s in spreads)
            yield Row(task, f"{measure}_{name}", None, figures)
