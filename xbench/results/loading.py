"""`xbench.load_results`: results of models, as tables for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from xbench._util.errors import UserError, unknown_name
from xbench.data.languages import codes
from xbench.results.findings import RunIdentity, TaskCheck
from xbench.results.imported import FOLDER as IMPORTED
from xbench.results.imported import read_all_imported
from xbench.results.language_selection import Reader, reading_languages
from xbench.results.measured import add_task, read_measured
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.reading import read_ranks, read_task
from xbench.results.reported import FOLDER as REPORTED
from xbench.results.reported import read_reported
from xbench.results.score_table import COLUMNS, Contents, Excluded, as_table
from xbench.results.store import EXPERIMENTS, META_NAME
from xbench.results.summary_table import summary_table

RUN = ("*.json", "experiments/*/*.json")
"""Where the result files of a run are, seen from its folder."""

LEVELS = tuple(tuple(prefix + pattern for pattern in RUN) for prefix in ("*/*/", "*/", ""))
"""The same, seen from a folder of all results, of a model, and of a run."""


class Results:
    """Scores of models: a tidy table, ranks of single questions, and a short table of means.

    `xbench.evaluate` and `xbench.load_results` return it; a notebook shows it as a table.

    Attributes:
        excluded: The files that no score was taken from, and why.
        files: The result files, by their name in the column ``file``.
    """

    def __init__(self, contents: Contents) -> None:
        self._table = as_table(contents)
        self.excluded: tuple[Excluded, ...] = self._table.excluded
        self.files = dict(self._table.paths)
        self._read = {path: _stamp(path) for path in self.files.values()}

    def check_unchanged(self) -> None:
        """Check that the files are still those that were read.

        Raises:
            UserError: If one was written again.
        """
        for path, stamp in self._read.items():
            if _stamp(path) != stamp:
                raise UserError(
                    f"{path}: was written again after these results were read, perhaps by another "
                    "model of the same name. Give each model a name= of its own, or read the "
                    "results again with xbench.load_results"
                )

    def to_dataframe(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return every score, a row each.

        Args:
            columns: The columns to return; by default all of
                `xbench.results.score_table.COLUMNS`, which says what each of them is.

        Raises:
            UserError: If there is no such column.

        Examples:
            >>> import xbench
            >>> scores = xbench.load_results("results").to_dataframe()
            >>> means = scores.query("average == 'macro' and measure == 'map'")
            >>> print(means.pivot(index="setting", columns="model", values="value").round(3))
            model         xbench/bm25  xbench/char-ngram
            setting
            crosslingual        0.031              0.139
            monolingual         0.771              0.759
            multilingual        0.108              0.140
        """
        for name in columns or ():
            if name not in COLUMNS:
                raise unknown_name("column", name, COLUMNS)
        return self._table.scores[list(columns or COLUMNS)].copy()

    def runs(self) -> pd.DataFrame:
        """Return what is known of each run and task, a row each.

        The columns are `xbench.results.score_table.RUN_COLUMNS`: the model's size and licence, its
        prompts, the command, the versions of the packages.
        """
        return self._table.runs.copy()

    def per_question(self) -> pd.DataFrame:
        """Return the rank of every relevant passage of every question, a row each.

        The columns are model, revision, settings, passage_form, task, subset, query_language,
        question, passage_language and rank; a rank is missing where the passage was not retrieved.

        Raises:
            UserError: If there are no ranks next to any result file, or one is damaged.

        Examples:
            >>> import xbench
            >>> ranks = xbench.load_results("results/xbench__bm25").per_question()
            >>> wrong = ranks.query("task == 'XBenchMiniMonolingualRetrieval' and rank > 1")
            >>> len(ranks), len(wrong)
            (6144, 94)
        """
        runs = self._table.runs.set_index("file")
        frames = []
        for file, path in self.files.items():
            place = path.with_name(f"{path.stem}{PER_QUERY_SUFFIX}")
            if place.is_file():
                run = runs.loc[file]
                frames += [
                    _ranks(run, name, ranks) for name, ranks in read_ranks(place).subsets.items()
                ]
        if not frames:
            raise UserError(
                "there are no ranks of single questions: expected files "
                f"<task>{PER_QUERY_SUFFIX} next to the results, as `xbench evaluate` writes them"
            )
        text = [name for name in frames[0].columns if name not in ("rank", "question")]
        return pd.concat(frames, ignore_index=True).astype(dict.fromkeys(text, "category"))

    def table(self) -> str:
        """Return the means of each model, dataset and setting as text, as the command prints them.

        Examples:
            >>> import xbench
            >>> print(xbench.load_results("results/xbench__char-ngram").table().splitlines()[4])
            XBench-Mini*  monolingual   75.9     79.1  66.9  90.4  100.0   75.9
        """
        return summary_table(self._table.scores)

    def __repr__(self) -> str:
        scores = self._table.scores
        models, tasks = (list(dict.fromkeys(scores[name])) for name in ("model", "task"))
        excluded = f", {len(self.excluded)} files excluded" if self.excluded else ""
        named = ", ".join(models) if len(models) <= 3 else f"{len(models)} models"
        on = tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks"
        return f"Results of {named} on {on}: {len(scores):,} scores{excluded}"

    def _repr_html_(self) -> str:
        scores = self._table.scores
        means = scores[(scores["average"] != "") & (scores["query_language"] == "")]
        shown = means.pivot_table(
            index=["model", "settings", "dataset", "setting"],
            columns=["measure", "average"],
            values="value",
            observed=True,
            sort=False,
        )
        return str(shown.to_html(float_format="{:.4g}".format, na_rep=""))


def load_results(
    paths: Any,  # noqa: ANN401
    languages: str | Sequence[str] | None = None,
) -> Results:
    """Read results: those of ``xbench evaluate``, mteb's own, and published ones.

    Args:
        paths: A folder of results, of a model or of a run; a result file; what `mteb.evaluate`
            returned; or a list of such.
        languages: Languages to keep; none keeps all. The means are over their subsets. A pool of
            part of the languages has scores where it was searched: `Results.excluded` has the
            command for the others.

    Returns:
        The scores. A file that cannot be used is in `Results.excluded`, with the reason.

    Raises:
        UserError: If there is no such file or folder, or no result in it.

    Examples:
        >>> import xbench
        >>> xbench.load_results("results")
        Results of xbench/bm25, xbench/char-ngram on 3 tasks: 2,112 scores
    """
    contents = Contents()
    wanted = [languages] if isinstance(languages, str) else languages or []
    names = codes(name for part in wanted for name in part.split(",") if name.strip())
    for source in paths if isinstance(paths, list | tuple) else [paths]:
        if isinstance(source, str | PathLike):
            _read_path(Path(source), contents, reading_languages(read_task, names))
        elif hasattr(source, "task_results"):
            for task in source.task_results:
                _add_mteb(task, str(source.model_name), str(source.model_revision), contents)
        else:
            raise UserError(
                f"load_results: got a {type(source).__name__}; expected a path, what mteb.evaluate "
                "returned, or a list of such"
            )
    return Results(contents)


def _read_path(path: Path, contents: Contents, read: Reader) -> None:
    if path.is_file():
        read_measured([_located(path)], read, contents)
        return
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder; expected results of xbench or mteb")
    files: list[Path] = []
    for patterns in LEVELS:
        files = sorted({f for own in patterns for f in path.glob(own) if f.name != META_NAME})
        if files:
            break
    others = [folder for folder in (REPORTED, IMPORTED) if any((path / folder).glob("*.json"))]
    files = [file for file in files if file.parent.name not in (REPORTED, IMPORTED)]
    if not files and not others:
        raise UserError(
            f"{path}: no results there; expected <model>/<revision>/<task>.json, or one of these "
            "folders"
        )
    read_measured(map(_located, files), read, contents)
    read_reported([path], contents)
    read_all_imported([path], contents)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _located(file: Path) -> tuple[Path, Path]:
    """Return a result file, and the folder of all results that it is in."""
    levels = 4 if file.absolute().parents[1].name == EXPERIMENTS else 2
    if len(file.parent.parents) < levels:
        file = file.absolute()
    parents = file.parent.parents
    return file, parents[min(levels, len(parents)) - 1]


def _add_mteb(result: Any, model: str, revision: str, contents: Contents) -> None:  # noqa: ANN401
    """Add the scores of an mteb result that is in memory."""
    document = result.to_dict()
    check = TaskCheck(
        path=Path(f"{document['task_name']}.json"),
        findings=(),
        run=RunIdentity(model, revision, "", "sentence"),
        result=document,
    )
    add_task(check, "", contents)


def _ranks(run: pd.Series, subset: str, ranks: Any) -> pd.DataFrame:  # noqa: ANN401
    about = ("model", "revision", "settings", "passage_form", "task")
    questions = pd.Series(ranks.questions, dtype=object)
    rank = pd.array(ranks.rank, dtype="Int64")
    rank[ranks.rank == 0] = pd.NA
    return pd.DataFrame(
        {
            **{name: run[name] for name in about},
            "subset": subset,
            "query_language": ranks.query_language,
            "question": questions.to_numpy()[ranks.query],
            "passage_language": ranks.language,
            "rank": rank,
        }
    )
