"""What a pull request with results says: the scores, next to those of others, and their making."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from xbench.data.catalogue import TASKS
from xbench.data.datasets import DATASETS, SETTINGS, Dataset
from xbench.results.command_line import shown_command
from xbench.results.findings import RunIdentity, TaskCheck
from xbench.results.reading import read_result
from xbench.results.store import macro_average
from xbench.results.validation.report import as_markdown, code

INTRODUCTION = """\
Means over subsets, × 100; rank distance in ranks. Please check the declaration of the training data
and say in a sentence what the model is."""

HEAD = "Mo. | Cr. | Mul. | rank distance |\n|---|--:|--:|--:|--:|"

MAIN_SCORES = {"map": "mAP", "ndcg_at_10": "nDCG@10"}
"""Names of main scores for readers."""

OTHERS = 10
"""How many other models a comparison shows, the best first."""

Results = Mapping[str, Mapping[str, Any]]
"""Sound results of one run, by task name."""

Figures = tuple[float | None, ...]
"""Main score of Mo., Cr. and Mul., and rank distance, None where there is no result."""


def pull_request(checks: Sequence[TaskCheck]) -> str:
    """Return the text of a pull request for results that were checked and accepted."""
    sections = [_section(run, own) for run, own in _by_run(checks)]
    checked = f"## Check\n\n{as_markdown(checks)}"
    return "\n\n".join(["# Results", INTRODUCTION, *sections, checked]) + "\n"


def comparison(checks: Sequence[TaskCheck], base: Path) -> str:
    """Return tables of the accepted results, in bold, among those that are there already.

    Args:
        checks: The checks of the new results.
        base: Folder of the results that are there.
    """
    new = [(f"**{_name(run)}**", _results(own)) for run, own in _by_run(checks)]
    replaced = {
        path.parent.relative_to(path.parents[2])
        for path in (check.path for check in checks if check.run)
    }
    there = []
    for folder in sorted(base.glob("*__*/*")):
        if folder.relative_to(base) not in replaced:
            model = code(folder.parent.name.replace("__", "/", 1))
            there.append((model, _read(folder)))
    return "\n\n".join(
        f"### {_headed(dataset)}\n\n| model | {HEAD}\n{rows}"
        for dataset in DATASETS
        if (rows := _compared(dataset, new, there)) and not dataset.demonstration
    )


def details(checks: Sequence[TaskCheck]) -> str:
    """Return what the scores of accepted results rest on: settings, versions, training data."""
    return "\n\n".join(_section(run, own) for run, own in _by_run(checks) if own[0].settings)


def _headed(dataset: Dataset) -> str:
    """Return a dataset's title with its main score."""
    note = ", not ranked" if dataset.demonstration else ""
    return f"{dataset.title} ({MAIN_SCORES[dataset.main_score]}{note})"


def _compared(
    dataset: Dataset, new: Sequence[tuple[str, Results]], there: Sequence[tuple[str, Results]]
) -> str:
    """Return the lines of the new results and of the best others, by the multilingual score."""
    own = [(name, found) for name, results in new if (found := _figures(dataset, results))]
    others = [(name, found) for name, results in there if (found := _figures(dataset, results))]
    shown = [*own, *sorted(others, key=_place)[:OTHERS]] if own else []
    return "\n".join(f"| {name} | {_cells(found)} |" for name, found in sorted(shown, key=_place))


def _place(line: tuple[str, Figures]) -> tuple[bool, float, str]:
    name, (_, _, multilingual, _) = line
    return multilingual is None, -(multilingual or 0), name


def _by_run(checks: Sequence[TaskCheck]) -> Iterator[tuple[RunIdentity, list[TaskCheck]]]:
    for run, own in groupby(checks, key=lambda check: check.run):
        if run is not None:
            yield run, list(own)


def _results(checks: Sequence[TaskCheck]) -> Results:
    return {check.path.stem: check.result for check in checks if check.result}


def _read(folder: Path) -> Results:
    """Read the results of a run that is there already."""
    return {task: result for task in TASKS if (result := read_result(folder, task))}


def _name(run: RunIdentity) -> str:
    options = f" {code(run.options)}" if run.options else ""
    context = f" {code(run.passage_form)}" if run.passage_form != "sentence" else ""
    return f"{code(run.model)}{options}{context}"


def _figures(dataset: Dataset, results: Results) -> Figures | None:
    """Return a run's scores on a dataset, or None if there are none."""
    names = [dataset.task_name(setting) for setting in SETTINGS]
    measure = dataset.main_score
    means = [macro_average(results[name], measure) if name in results else None for name in names]
    multilingual = results.get(dataset.task_name("multilingual"))
    distance = macro_average(multilingual, "rank_distance") if multilingual else None
    return (*means, distance) if any(mean is not None for mean in means) else None


def _cells(figures: Figures) -> str:
    *means, distance = figures
    cells = ["" if mean is None else f"{100 * mean:.1f}" for mean in means]
    return " | ".join([*cells, "" if distance is None else f"{distance:,.1f}"])


def _section(run: RunIdentity, checks: Sequence[TaskCheck]) -> str:
    rows = [
        f"| {_headed(dataset)} | {_cells(found)} |"
        for dataset in DATASETS
        if (found := _figures(dataset, _results(checks)))
    ]
    facts = [f"- {name}: {text}" for name, text in _facts(run, checks)]
    title = f"## {code(run.model)} at {code(run.revision)}"
    return "\n".join([title, "", f"| dataset | {HEAD}", *rows, "", *facts])


def _facts(run: RunIdentity, checks: Sequence[TaskCheck]) -> Iterator[tuple[str, str]]:
    """Yield what the scores rest on, by the first task's settings, and every command."""
    settings = [check.settings for check in checks if check.settings]
    own, versions = settings[0]["xbench"], settings[0]["version"]
    prompts = own["prompts"]
    yield "settings that are not the model's own", _value(run.options)
    yield "passage form", _value(run.passage_form)
    yield "prompts", f"query {_value(prompts['query'])}, passage {_value(prompts['passage'])}"
    yield "maximum length", _value(own["maximum_length"])
    yield "type and device", f"{_value(own['dtype'])}, {_value(own['device'])}"
    yield "versions", ", ".join(_value(f"{k} {v}") for k, v in versions.items() if v)
    yield "training data", _training_data(checks[0].meta or {})
    for command in dict.fromkeys(shown_command(line["xbench"]["command"]) for line in settings):
        yield "command", _value(command)


def _value(value: object) -> str:
    return "none" if value is None or value == "" else code(str(value))


def _training_data(meta: Mapping[str, Any]) -> str:
    declared = meta.get("training_datasets")
    if declared is None:
        return "**not declared**"
    return ", ".join(code(name) for name in sorted(declared)) or "none"


def missing_tasks(checks: Sequence[TaskCheck]) -> list[str]:
    """Return the tasks of ranked datasets without a result, so that their cells stay blank."""
    there = {check.path.stem for check in checks}
    return [
        name
        for name, (dataset, _) in TASKS.items()
        if dataset in DATASETS and not dataset.demonstration and name not in there
    ]
