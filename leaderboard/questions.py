"""The questions that models fail: one file for each model, dataset, setting and language pair."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xbench.leaderboard.board import Board
from xbench.leaderboard.downloads import failed_script, keyed_script
from xbench.leaderboard.measures import SETTING_NAMES, language_name
from xbench.leaderboard.pages import Page, file_name
from xbench.results.failures import Failures, SubsetFailures, find_failures, read_failures
from xbench.results.findings import Notes

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failed:
    """What a model fails of a task.

    Attributes:
        slug: The model's name in addresses.
        model: Its name.
        dataset: Title of the dataset.
        setting: The setting.
        content: The questions, by subset.
    """

    slug: str
    model: str
    dataset: str
    setting: str
    content: Failures

    @property
    def name(self) -> str:
        """How the names of its files begin."""
        return f"{self.slug}-{file_name(self.dataset)}-{self.setting}"


def read_failed(board: Board, paths: Mapping[str, Path]) -> list[Failed]:
    """Return what is known of the failures of the measured models; damaged files are warned of.

    Args:
        board: What pages show.
        paths: Where each file of the scores is.
    """
    found = []
    for run in board.runs[board.runs.file.isin(list(paths))].itertuples():
        path = find_failures(paths[run.file], run.task)
        if path is None:
            continue
        notes = Notes(str(path))
        content = read_failures(path, notes)
        for finding in notes.listed():
            logger.warning("not used: %s: %s: %s", finding.file, finding.found, finding.rule)
        if content is not None and content.task == run.task:
            model = board.models.loc[run.run]
            found.append(Failed(model.slug, model["name"], run.dataset, run.setting, content))
    return found


def questions_page() -> Page:
    """Return the page that shows them."""
    return Page(
        "questions.html", "questions.html", "Failed questions",
        "The questions that a model fails, with the passage it put first and the right one.", {},
    )  # fmt: skip


def question_files(failed: Sequence[Failed]) -> Iterator[tuple[str, bytes]]:
    """Yield the list of what there is, and the questions of each subset."""
    codes = {code for own in failed for code in _languages(own.content)}
    content = {
        "languages": {code: language_name(code) for code in sorted(codes)},
        "settings": dict(SETTING_NAMES),
        "models": [
            {
                "slug": own.slug,
                "model": own.model,
                "dataset": own.dataset,
                "setting": own.setting,
                "name": own.name,
                "subsets": [_subset(subset) for subset in own.content.subsets.values()],
            }
            for own in failed
        ],
    }
    yield "data/failed.js", failed_script(content)
    for own in failed:
        for number, subset in enumerate(own.content.subsets.values()):
            name = f"{own.name}-{number}"
            shown = [failure.model_dump() for failure in subset.shown]
            yield f"questions/{name}.js", keyed_script("questions", name, shown)


def _subset(subset: SubsetFailures) -> dict[str, Any]:
    return {
        "query": subset.query_language,
        "passages": subset.passage_languages,
        "questions": subset.questions,
        "failed": subset.failed,
    }


def _languages(content: Failures) -> Iterator[str]:
    for subset in content.subsets.values():
        yield subset.query_language
        yield from subset.passage_languages
