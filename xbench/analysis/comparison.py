"""Compare models on what they both were run on, from the per-query files alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xbench.analysis.compared_models import Candidate, TaskValues, common_tasks, task_values
from xbench.analysis.comparison_rows import Difference, ModelScore, Row
from xbench.analysis.options import CompareOptions
from xbench.data.catalogue import TASKS, Unit, main_score
from xbench.data.groups import question_groups
from xbench.metrics import EFFECTIVENESS, FloatArray, IntArray, comparisons, intervals
from xbench.metrics.across_languages import Spread, spread
from xbench.metrics.registry import WRONG_SHARE_RATIO
from xbench.results.store import PerQuery
from xbench.results.summaries import (
    advantage_values,
    chance_and_best,
    question_values,
    wrong_shares,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Comparison:
    """Tables of rows.

    Attributes:
        models: Names of the models.
        settings: A row per task: the macro average.
        languages: A row per task and query language.
        bias: A row per multilingual task and language-bias measure, not tested.
        advantages: A row per multilingual task and passage language: how much it is favoured.
        gaps: Rows of each dataset's cross-lingual task for the cross-lingual gap, not tested.
        spreads: Rows per monolingual and cross-lingual task for the least, the greatest and the
            standard deviation of the languages' scores, without intervals.
        candidates: The models and their ranks.
        options: What was drawn.
    """

    models: tuple[str, ...]
    settings: tuple[Row, ...]
    languages: tuple[Row, ...]
    bias: tuple[Row, ...]
    advantages: tuple[Row, ...]
    gaps: tuple[Row, ...]
    spreads: tuple[Row, ...]
    candidates: tuple[Candidate, ...] = field(default=(), repr=False, compare=False)
    options: CompareOptions = field(default_factory=CompareOptions)

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row per table, task, language, measure and model.

        The columns are table, task, language, measure, model, value, low, high; of two models, in
        the rows of the first, the difference first minus second with its interval, p and effect
        sizes; rank_low, rank_high, tier and as_good_as_best; chance and best; questions, groups and
        effective_questions.

        >>> import xbench
        >>> comparison = xbench.compare(["xbench/bm25", "xbench/char-ngram"])
        >>> list(comparison.to_dataframe()["table"].unique())
        ['settings', 'languages', 'bias', 'advantages', 'gaps', 'spreads']
        """
        from xbench.analysis.comparison_tables import comparison_frame

        return comparison_frame(self)

    def pairs(self) -> pd.DataFrame:
        """Return a row per tested score and pair of models.

        The columns are table, task, language, measure, first, second, difference (first minus
        second) and p, which is adjusted for all pairs of a row, or of two models for all rows of a
        table.

        >>> import xbench
        >>> pairs = xbench.compare(["xbench/bm25", "xbench/char-ngram"]).pairs()
        >>> len(pairs.query("table == 'settings'"))
        3
        """
        from xbench.analysis.comparison_tables import pairs_frame

        return pairs_frame(self)

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


def compare(candidates: Sequence[Candidate], options: CompareOptions | None = None) -> Comparison:
    """Compare models on the tasks that all of them were run on.

    Args:
        candidates: The models; with one there is nothing to test, and its intervals are given.
        options: What intervals and tests draw, and the seed.

    Raises:
        UserError: If they have no task in common, or were run on different data.
    """
    options = options or CompareOptions()
    tasks = common_tasks(candidates)
    values = {task: [task_values(c.tasks[task]) for c in candidates] for task in tasks}
    ranks = {task: candidates[0].tasks[task] for task in tasks}
    data = {task: _Task(task, values[task], ranks[task], options.resample) for task in tasks}
    pooled = [task for task in tasks if ranks[task].multilingual]
    settings = [own.row(main_score(own.task)) for own in data.values()]
    languages = [
        own.row(main_score(own.task), language)
        for own in data.values()
        for language in own.models[0].languages
    ]
    return Comparison(
        models=tuple(candidate.name for candidate in candidates),
        settings=_tested(settings, options.seed),
        languages=_tested(languages, options.seed),
        bias=tuple(row for task in pooled for row in data[task].bias()),
        advantages=tuple(
            row
            for task in pooled
            for row in data[task].advantages([c.tasks[task] for c in candidates])
        ),
        gaps=tuple(_gap_rows(data)),
        spreads=tuple(_spread_rows([t for t in tasks if t not in pooled], values)),
        candidates=tuple(candidates),
        options=options,
    )


@dataclass(frozen=True)
class _Case:
    """What a row is made of.

    Attributes:
        task: Name of the task.
        measure: Name of the measure.
        language: Its language; None for the mean.
        values: One value per question, whose mean is the score, of each model.
        groups: Group of each question.
    """

    task: str
    measure: str
    language: str | None
    values: Sequence[FloatArray]
    groups: IntArray

    def row(self, **more: Any) -> Row:  # noqa: ANN401
        """Return the scores with their intervals."""
        there = ~np.isnan(self.values[0])
        numbers = [intervals.effective_number(own, self.groups) for own in self.values if len(own)]
        return Row(
            self.task,
            self.measure,
            self.language,
            tuple(map(self._score, self.values)),
            questions=int(there.sum()),
            groups=len(np.unique(self.groups[there])),
            effective=float(np.mean(numbers)),
            **more,
        )

    def _score(self, values: FloatArray) -> ModelScore:
        known = values[~np.isnan(values)]
        value = float(known.mean()) if len(known) else float("nan")
        return ModelScore(value, *intervals.interval(self.measure, values, self.groups))


@dataclass(frozen=True)
class _Task:
    """The values of all models on a task."""

    task: str
    models: Sequence[TaskValues]
    ranks: PerQuery
    unit: Unit

    @property
    def groups(self) -> IntArray:
        """The group of each question, in the order of the values."""
        own = self.ranks.groups
        return question_groups(
            self.task, [*self.models[0].questions], self.unit, groups=own or None
        )

    def row(self, measure: str, language: str | None = None) -> _Case:
        """Return a measure, of the subsets of one query language or of all."""
        values = [intervals.influence(own.sample(measure, language)) for own in self.models]
        return _Case(self.task, measure, language, values, self.groups)

    def bias(self) -> Iterator[Row]:
        """Yield the measures of language bias that some model has, each with its chance."""
        by_chance, at_best = chance_and_best(self.ranks)
        measures = dict.fromkeys(name for own in self.models for name in own.measures)
        for measure in measures:
            if measure not in EFFECTIVENESS:
                yield self.row(measure).row(
                    chance=by_chance.get(measure, np.nan), best=at_best.get(measure, np.nan)
                )

    def advantages(self, ranks: Sequence[PerQuery]) -> Iterator[Row]:
        """Yield how much each passage language is favoured over its translations."""
        found = [advantage_values(own) for own in ranks]
        nothing = np.full((len(self.models[0].questions), 1), np.nan)
        for language in sorted({code for own in found for code in own}):
            samples = [
                question_values(model, own[language]) if language in own else nothing
                for model, own in zip(ranks, found, strict=True)
            ]
            values = [intervals.influence(sample) for sample in samples]
            case = _Case(self.task, "language_advantage", language, values, self.groups)
            yield case.row(chance=0.5)
        shares = [wrong_shares(own) for own in ranks]
        for language in sorted({code for own in shares for code in own}):
            ratios = [own.get(language, np.nan) for own in shares]
            scores = tuple(ModelScore(ratio, np.nan, np.nan) for ratio in ratios)
            yield Row(self.task, WRONG_SHARE_RATIO, language, scores, chance=1.0)


def _tested(cases: Sequence[_Case], seed: int) -> tuple[Row, ...]:
    """Return a row per case, in which all models are tested against each other."""
    rows = [case.row() for case in cases]
    number = len(rows[0].scores) if rows else 0
    if number == 2:
        return tuple(_two(rows, cases))
    return (
        tuple(_several(row, case, seed) for row, case in zip(rows, cases, strict=True))
        if number > 2
        else tuple(rows)
    )


def _two(rows: Sequence[Row], cases: Sequence[_Case]) -> Iterator[Row]:
    """Yield the rows of two models: t over groups, with Holm's correction over the rows."""
    found = [intervals.difference(case.values[0], case.values[1], case.groups) for case in cases]
    adjusted = comparisons.holm([p for *_, p in found]).tolist()
    for row, case, (value, low, high, _), p in zip(rows, cases, found, adjusted, strict=True):
        effect = intervals.effect_size(case.values[0], case.values[1])
        difference = Difference(value, low, high, p, *effect)
        yield _placed(row, np.array([[1.0, p], [p, 1.0]]), difference)


def _several(row: Row, case: _Case, seed: int) -> Row:
    """Return the row of more models: all pairs, step-down, with the same draws for all rows."""
    groups = comparisons.at_most(case.groups)
    drawn = np.stack([intervals.group_values(own, groups) for own in case.values], axis=1)
    return _placed(row, comparisons.pairwise_tests(drawn, seed=seed))


def _placed(row: Row, p_values: FloatArray, difference: Difference | None = None) -> Row:
    """Return a row with the tiers and ranks that follow from its tests."""
    places = comparisons.places([score.value for score in row.scores], p_values)
    scores = [
        replace(score, tier=place.tier, ranks=(place.low, place.high))
        for score, place in zip(row.scores, places, strict=True)
    ]
    scores[0] = replace(scores[0], difference=difference)
    return replace(row, scores=tuple(scores), p_values=p_values)


def _gap_rows(data: Mapping[str, _Task]) -> Iterator[Row]:
    """Yield the cross-lingual gap of each dataset that has both settings, by query language too."""
    for task, cross in data.items():
        if task not in TASKS or TASKS[task][1] != "crosslingual":
            continue
        mono = data.get(TASKS[task][0].task_name("monolingual"))
        if mono is None:
            continue
        for language in (None, *cross.models[0].languages):
            yield _gap(mono, cross, language).row()


def _gap(mono: _Task, cross: _Task, language: str | None) -> _Case:
    """Return the monolingual minus the cross-lingual score, over the questions of either."""
    ids = sorted(mono.models[0].questions.keys() | cross.models[0].questions.keys())
    place = {question: i for i, question in enumerate(ids)}

    def spread_out(own: _Task, values: FloatArray) -> FloatArray:
        """Return the score plus what each question adds to it, of all questions of either."""
        there = ~np.isnan(values)
        added = np.zeros(len(ids))
        rows = np.array([place[question] for question in own.models[0].questions])[there]
        mean = values[there].mean()
        added[rows] = (values[there] - mean) * len(ids) / there.sum()
        return np.asarray(mean + added)

    pairs = zip(mono.row("map", language).values, cross.row("map", language).values, strict=True)
    values = [spread_out(mono, first) - spread_out(cross, second) for first, second in pairs]
    groups = question_groups(mono.task, ids, mono.unit, groups=mono.ranks.groups or None)
    return _Case(cross.task, "cross_lingual_gap", language, values, groups)


def _spread_rows(tasks: Sequence[str], values: Mapping[str, list[TaskValues]]) -> Iterator[Row]:
    for task in tasks:
        measure = main_score(task)
        spreads = [
            spread(np.array([intervals.macro_mean(v.sample(measure, a)) for a in v.languages]))
            for v in values[task]
        ]
        for name in Spread._fields:
            scores = tuple(ModelScore(getattr(s, name), np.nan, np.nan) for s in spreads)
            yield Row(task, f"{measure}_{name}", None, scores)
