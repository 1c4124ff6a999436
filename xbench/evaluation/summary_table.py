"""The table at the end of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabulate import SEPARATING_LINE, tabulate

from xbench.data.catalogue import TASKS
from xbench.evaluation.evaluate_tasks import Evaluated
from xbench.results.store import macro_average, micro_average

PERCENT = {
    "mAP": "map",
    "nDCG@10": "ndcg_at_10",
    "R@1": "recall_at_1",
    "R@10": "recall_at_10",
    "R@100": "recall_at_100",
}
DATASET_WIDTH = 12
"""Width of the column of datasets with which a line has 80 characters."""

NOTE = (
    "Means over the subsets, × 100; mAP micro: LAReQA's mean over all questions. Rank\n"
    "distance: worst minus best rank of a question's answers; lower is less biased."
)


def summary_table(evaluated: Sequence[Evaluated], partial: Sequence[str] = ()) -> str:
    """Return the macro averages of each task, and LAReQA's micro average of mAP, as text.

    The lines have at most 80 characters, unless a task has a longer name than fits in there.

    Args:
        evaluated: The tasks.
        partial: The languages, if only some were evaluated.
    """
    rows = [_row(item) for item in evaluated]
    headers = ["Dataset", "Setting", *PERCENT, "mAP\nmicro", "Rank\ndistance"]
    longest_word = max(len(word) for title, *_ in rows for word in title.split())
    table = tabulate(
        [headers, [SEPARATING_LINE], *rows],
        colalign=["left", "left", *["right"] * (len(headers) - 2)],
        maxcolwidths=[max(DATASET_WIDTH, longest_word)],
        disable_numparse=True,
    )
    return "\n".join([table, "", *_notes(evaluated, partial)])


def _notes(evaluated: Sequence[Evaluated], partial: Sequence[str]) -> Iterator[str]:
    yield NOTE
    yield from filter(None, map(_cost_of_mixing, evaluated))
    if any(
        item.ranks.task in TASKS and TASKS[item.ranks.task][0].demonstration for item in evaluated
    ):
        yield "* A demonstration set: its scores say nothing of a model's quality."
    if partial:
        yield (f"Only {', '.join(partial)}: these are not the full figures, and are stored apart.")


def _cost_of_mixing(item: Evaluated) -> str:
    """Say what one pool of all languages costs, where it was compared with an index of each."""
    measures = ("ndcg_at_10_lost", "other_language_share_at_10", "same_language_preference_at_10")
    lost, others, preference = (macro_average(item.result, measure) for measure in measures)
    if lost is None or others is None or preference is None:
        return ""
    return (
        f"{TASKS[item.ranks.task][0].title}: one pool of all languages costs {100 * lost:.1f} "
        f"nDCG@10; of the first 10 passages\n{100 * others:.1f} % are in other languages than the "
        f"query; same-language preference {100 * preference:+.1f} points."
    )


def _row(item: Evaluated) -> list[str]:
    name = item.ranks.task
    title, setting = name, ""
    if name in TASKS:
        dataset, setting = TASKS[name]
        title = f"{dataset.title}*" if dataset.demonstration else dataset.title
    distance = macro_average(item.result, "rank_distance")
    return [
        title,
        setting,
        *(_percent(macro_average(item.result, measure)) for measure in PERCENT.values()),
        _percent(micro_average(item.ranks)),
        "" if distance is None else f"{distance:,.1f}",
    ]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"
