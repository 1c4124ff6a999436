"""Compare models on what they both were run on, from the per-query files alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbench.analysis.compared_models import Candidate, common_tasks, task_values
from xbench.analysis.comparison_cases import ComparedTask, gap_rows, spread_rows, tested
from xbench.analysis.comparison_rows import Row
from xbench.analysis.options import CompareOptions
from xbench.data.catalogue import main_score

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
        options: What was drawn, and what tables of text show.
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

        Examples:
            >>> import xbench
            >>> comparison = xbench.compare(["xbench/bm25", "xbench/char-ngram"])
            >>> list(comparison.to_dataframe()["table"].unique())
            ['settings', 'languages', 'bias', 'advantages', 'gaps', 'spreads']
        """
        from xbench.analysis.comparison_frame import comparison_frame

        return comparison_frame(self)

    def pairs(self) -> pd.DataFrame:
        """Return a row per tested score and pair of models.

        The columns are table, task, language, measure, first, second, difference (first minus
        second) and p, which is adjusted for all pairs of a row, or of two models for all rows of a
        table.

        Examples:
            >>> import xbench
            >>> pairs = xbench.compare(["xbench/bm25", "xbench/char-ngram"]).pairs()
            >>> len(pairs.query("table == 'settings'"))
            3
        """
        from xbench.analysis.comparison_frame import pairs_frame

        return pairs_frame(self)

    def to_markdown(self) -> str:
        """Return the tables that the option ``show`` asks for as Markdown.

        Examples:
            >>> import xbench
            >>> comparison = xbench.compare(["xbench/bm25", "xbench/char-ngram"])
            >>> "### mAP × 100, means over subsets" in comparison.to_markdown()
            True
        """
        from xbench._util import text_tables
        from xbench.analysis.comparison_tables import comparison_tables

        return text_tables.markdown(comparison_tables(self))

    def to_latex(self) -> str:
        """Return the tables that the option ``show`` asks for as LaTeX.

        Examples:
            >>> import xbench
            >>> comparison = xbench.compare("xbench/bm25", "xbench/char-ngram", show="all")
            >>> comparison.to_latex().count("begin{tabular}")
            9
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
        options: What intervals and tests draw, the seed, and what tables of text show.

    Raises:
        UserError: If they have no task in common, or were run on different data.
    """
    options = options or CompareOptions()
    tasks = common_tasks(candidates)
    values = {task: [task_values(c.tasks[task]) for c in candidates] for task in tasks}
    ranks = {task: candidates[0].tasks[task] for task in tasks}
    data = {task: ComparedTask(task, values[task], ranks[task], options.resample) for task in tasks}
    pooled = [task for task in tasks if ranks[task].multilingual]
    settings = [own.row(main_score(own.task)) for own in data.values()]
    languages = [
        own.row(main_score(own.task), language)
        for own in data.values()
        for language in own.models[0].languages
    ]
    return Comparison(
        models=tuple(candidate.name for candidate in candidates),
        settings=tested(settings, options.seed),
        languages=tested(languages, options.seed),
        bias=tuple(row for task in pooled for row in data[task].bias()),
        advantages=tuple(
            row
            for task in pooled
            for row in data[task].advantages([c.tasks[task] for c in candidates])
        ),
        gaps=tuple(gap_rows(data)),
        spreads=tuple(spread_rows([t for t in tasks if t not in pooled], values)),
        candidates=tuple(candidates),
        options=options,
    )
