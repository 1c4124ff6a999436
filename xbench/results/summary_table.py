"""The table at the end of an evaluation, and of `Results.table`."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from xbench._util.text_tables import TextTable, text
from xbench.data.datasets import DATASETS, SETTINGS
from xbench.results.variant_names import named

COLUMNS = {
    "mAP": ("map", "macro"),
    "nDCG@10": ("ndcg_at_10", "macro"),
    "R@1": ("recall_at_1", "macro"),
    "R@10": ("recall_at_10", "macro"),
    "R@100": ("recall_at_100", "macro"),
    "mAP\nmicro": ("map", "micro"),
    "Rank\ndistance": ("rank_distance", "macro"),
}
"""What each column shows: a measure, and over what it is averaged."""

NOTE = (
    "Means over the subsets, × 100; mAP micro: LAReQA's mean over all questions. Rank\n"
    "distance: worst minus best rank of a question's answers; lower is less biased."
)
MIXED = ("ndcg_at_10_lost", "other_language_share_at_10", "same_language_preference_at_10")
"""What one pool of all languages costs, where it was compared with an index of each."""

ROW = ["provenance", "model", "settings", "passage_form", "dataset", "setting"]
TITLES = {dataset.title: (i, dataset) for i, dataset in enumerate(DATASETS)}


def summary_table(scores: pd.DataFrame) -> str:
    """Return the means of each model, dataset and setting as text.

    Args:
        scores: Rows of the score table; a model that has no means is not shown.
    """
    means = scores[scores["average"].isin(("macro", "micro")) & (scores["query_language"] == "")]
    if means.empty:
        return "No means: the results are not of a whole task."
    values = means.pivot_table(
        index=ROW, columns=["measure", "average"], values="value", observed=True, sort=False
    )
    values = values.loc[sorted(values.index, key=_order)]
    several = len({index[1:4] for index in values.index}) > 1
    rows = [
        [*([_model(index)] if several else []), *_cells(index, row)]
        for index, row in values.iterrows()
    ]
    head = [*(["Model"] if several else []), "Dataset", "Setting", *COLUMNS]
    cells = pd.DataFrame(rows, columns=head)
    table = text([TextTable("", cells, keys=len(head) - len(COLUMNS))])
    return "\n".join([table, "", NOTE, *_notes(values, scores)])


def _order(index: tuple[str, ...]) -> tuple[object, ...]:
    provenance, model, settings, form, dataset, setting = index
    place = TITLES[dataset][0] if dataset in TITLES else len(TITLES)
    step = SETTINGS.index(setting) if setting in SETTINGS else len(SETTINGS)
    return provenance != "measured", model, settings, form, place, dataset, step


def _model(index: tuple[str, ...]) -> str:
    _, model, settings, form, *_ = index
    options = [*([settings] if settings else []), *([form] if form == "context" else [])]
    return named(model, ", ".join(options))


def _cells(index: tuple[str, ...], row: pd.Series) -> list[str]:
    *_, title, setting = index
    demonstration = title in TITLES and TITLES[title][1].demonstration
    texts = []
    for key in COLUMNS.values():
        value = row.get(key)
        if value is None or pd.isna(value):
            texts.append("")
        else:
            texts.append(f"{value:,.1f}" if key[0] == "rank_distance" else f"{100 * value:.1f}")
    return [f"{title}*" if demonstration else title, setting, *texts]


def _notes(values: pd.DataFrame, scores: pd.DataFrame) -> Iterator[str]:
    if {(measure, "macro") for measure in MIXED} <= set(values.columns):
        for index, row in values.iterrows():
            lost, others, preference = (row[measure, "macro"] for measure in MIXED)
            if not pd.isna(lost):
                yield (
                    f"{index[-2]}: one pool of all languages costs {100 * lost:.1f} nDCG@10; of "
                    f"the first 10 passages\n{100 * others:.1f} % are in other languages than the "
                    f"query; same-language preference {100 * preference:+.1f} points."
                )
    if any(TITLES[title][1].demonstration for title in set(scores["dataset"]) & TITLES.keys()):
        yield "* A demonstration set: its scores say nothing of a model's quality."
    partial = [text for text in sorted(set(scores["settings"])) if "languages=" in text]
    for settings in partial:
        yield f"Not the full scores, and stored apart from them: {settings}."
