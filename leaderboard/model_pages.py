"""What a model's page shows of each dataset: all means, the languages, and how it was run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xbench.data.catalogue import SETTINGS, Setting
from xbench.leaderboard.entries import zero_shot
from xbench.leaderboard.figures import Figure, Key, Row, RunDetails, ZeroShot
from xbench.leaderboard.matrices import Matrix, matrices_of
from xbench.leaderboard.measures import (
    SETTING_ABBREVIATIONS,
    SETTING_NAMES,
    language_name,
    measure_name,
    score_order,
    written,
)
from xbench.metrics import EFFECTIVENESS, SCORES

LANGUAGE_MEASURES = ("map", "ndcg_at_10", "recall_at_10", "recall_at_100")
"""Measures of effectiveness whose figures by query language are shown."""


@dataclass(frozen=True)
class Sheet:
    """A plain table of figures.

    Attributes:
        caption: What it shows.
        columns: Its headings, the first that of the row headers.
        lines: Row header and cells; a cell is a figure and its interval.
    """

    caption: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True)
class DatasetPart:
    """What a model's page shows of one dataset."""

    title: str
    zero_shot: ZeroShot
    sheets: tuple[Sheet, ...]
    matrices: tuple[Matrix, ...]
    notes: tuple[str, ...]
    runs: tuple[tuple[str, RunDetails], ...]


def dataset_part(row: Row) -> DatasetPart:
    """Return what a model's page shows of a row."""
    sheets = [*_means(row), *_by_language(row)]
    notes = [figure.note for figure in row.figures.values() if figure.note]
    publication = [row.publication.note] if row.publication and row.publication.note else []
    return DatasetPart(
        title=row.dataset,
        zero_shot=zero_shot(row),
        sheets=tuple(sheet for sheet in sheets if sheet.lines),
        matrices=tuple(matrices_of(row)),
        notes=tuple(dict.fromkeys([*publication, *row.notes, *notes])),
        runs=_runs(row),
    )


def _means(row: Row) -> list[Sheet]:
    """Return the sheets of all means: of effectiveness, and of language bias."""
    keys = sorted((key for key in row.figures if key.average), key=_order)
    bias = [key for key in keys if key.measure in SCORES and key.measure not in EFFECTIVENESS]
    other = [key for key in keys if key not in bias]
    return [
        _mean_sheet(row, f"{row.dataset}: means", other),
        _mean_sheet(row, f"{row.dataset}: language bias, means", bias),
    ]


def _mean_sheet(row: Row, caption: str, keys: Sequence[Key]) -> Sheet:
    """Return a sheet with a line per score and a column per setting."""
    settings = [setting for setting in SETTINGS if any(key.setting == setting for key in keys)]
    lines = []
    for measure, average in dict.fromkeys((key.measure, key.average) for key in keys):
        name = measure_name(measure) + (", over all questions" if average == "micro" else "")
        figures = [row.figures.get(Key(setting, measure, None, average)) for setting in settings]
        lines.append((name, tuple(_written(measure, figure) for figure in figures)))
    columns = ("Measure", *(SETTING_NAMES[setting] for setting in settings))
    return Sheet(caption, columns, tuple(lines))


def _order(key: Key) -> tuple[tuple[int, str], str]:
    return score_order(key.measure), key.average or ""


def _by_language(row: Row) -> list[Sheet]:
    """Return the sheets with a line per query language: of effectiveness, and of language bias."""
    present = {key[:2] for key in row.figures if key.language and not key.passage_language}
    known = [(s, m) for m in SCORES for s in SETTINGS if (s, m) in present]
    other = sorted(present - set(known))
    shown = [(s, m) for s, m in known if m in LANGUAGE_MEASURES] + other
    bias = [(s, m) for s, m in known if m not in EFFECTIVENESS]
    return [
        _language_sheet(row, f"{row.dataset}: by query language", shown),
        _language_sheet(row, f"{row.dataset}: language bias by query language", bias),
    ]


def _language_sheet(row: Row, caption: str, shown: Sequence[tuple[Setting, str]]) -> Sheet:
    wanted = set(shown)
    languages = sorted({k.language for k in row.figures if k.language and k[:2] in wanted})
    several = len({setting for setting, _ in shown}) > 1
    columns = [
        f"{SETTING_ABBREVIATIONS[setting]} {measure_name(measure)}"
        if several
        else measure_name(measure)
        for setting, measure in shown
    ]
    lines = tuple(
        (
            f"{language_name(a)} ({a})",
            tuple(_written(m, row.figures.get(Key(s, m, a))) for s, m in shown),
        )
        for a in languages
    )
    return Sheet(caption, ("Query language", *columns), lines)


def _written(measure: str, figure: Figure | None) -> tuple[str, str]:
    if figure is None:
        return "", ""
    ends = [written(measure, end) for end in figure.interval or ()]
    return written(measure, figure.value), "\N{EN DASH}".join(ends)


def _runs(row: Row) -> tuple[tuple[str, RunDetails], ...]:
    """Return the different ways in which the settings were run, each under their names."""
    runs = row.details.runs if row.details else {}
    different: list[tuple[list[str], RunDetails]] = []
    for setting, run in runs.items():
        same = next((names for names, known in different if known == run), None)
        if same is None:
            different.append(([SETTING_NAMES[setting]], run))
        else:
            same.append(SETTING_NAMES[setting].lower())
    return tuple((", ".join(names), run) for names, run in different)
