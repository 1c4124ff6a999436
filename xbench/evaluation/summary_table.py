"""The table at the end of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

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
WIDTH = 80
NOTE = (
    "Means over the subsets, × 100; mAP micro: LAReQA's mean over all questions. Rank\n"
    "distance: worst minus best rank of a question's answers; lower is less biased."
)


def summary_table(evaluated: Sequence[Evaluated], partial: Sequence[str]) -> None:
    """Print the macro averages of each task, and LAReQA's micro average of mAP.

    Args:
        evaluated: The tasks.
        partial: The languages, if only some were evaluated.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    rows = [_row(item) for item in evaluated]
    longest_word = max(len(word) for title, *_ in rows for word in title.split())
    table.add_column("Dataset", min_width=longest_word)
    table.add_column("Setting", no_wrap=True)
    for name in (*PERCENT, "mAP\nmicro", "Rank\ndistance"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    console.print(table)
    console.print(NOTE, style="dim")
    for item in evaluated:
        if cost := _cost_of_mixing(item):
            console.print(cost)
    if any(
        item.ranks.task in TASKS and TASKS[item.ranks.task][0].demonstration for item in evaluated
    ):
        console.print("* A demonstration set: its figures say nothing of a model's quality.")
    if partial:
        console.print(
            f"Only {', '.join(partial)}: these are not the full figures, and are stored apart.",
            style="bold",
        )


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
