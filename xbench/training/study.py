"""Does hybrid sampling keep the best of both? arXiv 2408.10536, at any scale.

From the same start and for the same number of steps, train with monolingual, cross-lingual and
hybrid batches, each with several seeds, and measure all three settings and the rank distance on a
dataset that none of the training questions is from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from xbench._util.errors import UserError
from xbench.analysis.compared_models import Sample, task_values
from xbench.data.datasets import SETTINGS, Dataset, Setting
from xbench.data.download import DataLocation
from xbench.data.groups import groups_in_order
from xbench.data.languages import LANGUAGES
from xbench.evaluation.evaluate_tasks import evaluate
from xbench.evaluation.run_settings import Selection
from xbench.metrics import intervals
from xbench.models.options import DType, ModelOptions
from xbench.training.batching.options import SamplingMode
from xbench.training.config import Precision, TrainingConfig
from xbench.training.run import train

SAMPLINGS: tuple[SamplingMode, ...] = ("monolingual", "crosslingual", "hybrid")
START = "start"
FIGURES: dict[str, tuple[Setting, str]] = {
    **{setting: (setting, "map") for setting in SETTINGS},
    "rank_distance": ("multilingual", "rank_distance"),
}
"""What is measured: the task's setting and the measure, by name."""

DIGITS: dict[str, int] = {
    "monolingual": 1,
    "crosslingual": 1,
    "multilingual": 1,
    "rank_distance": 0,
}
"""Digits after the point that a score is printed with."""

DTYPES: dict[Precision, DType | None] = {"fp32": None, "bf16": "bfloat16", "fp16": "float16"}
"""Type of the weights in evaluation, by the precision of the training."""

CLAIMS: tuple[tuple[SamplingMode, str], ...] = (
    ("monolingual", "crosslingual"),
    ("monolingual", "multilingual"),
    ("crosslingual", "monolingual"),
    ("monolingual", "rank_distance"),
)
"""What the paper found hybrid sampling to be better than, and in which score."""


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 % interval over the questions, and its value with each seed."""

    value: float
    low: float
    high: float
    seeds: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """What came out.

    Attributes:
        figures: By sampling, `START` the model to begin with, then by score: the mean of seeds.
        differences: Hybrid minus the other sampling, for each of the paper's claims.
    """

    figures: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[tuple[SamplingMode, str], Estimate]


def run_study(
    config: TrainingConfig,
    dataset: Dataset,
    seeds: Sequence[int],
    languages: Sequence[str] = (),
    location: DataLocation | None = None,
) -> Outcome:
    """Train with each sampling and seed, measure, and compare; goes on where it was interrupted.

    Args:
        config: The runs' configuration; its output is the folder of the study, and its sampling and
            seed are set by the study.
        dataset: What to measure on.
        seeds: Seeds of the runs of each sampling.
        languages: Languages of the dataset to keep; none keeps all.
        location: Where data is; by default as the environment says.

    Raises:
        UserError: If a run cannot be carried out.
    """

    def measure(model: str) -> dict[str, Sample]:
        return _measure(model, config, dataset, languages, location)

    runs: dict[str, list[dict[str, Sample]]] = {START: [measure(config.base_model)]}
    for seed in seeds:
        for sampling in SAMPLINGS:
            output = config.output / "models" / f"{sampling}-seed-{seed}"
            changed = {"sampling": sampling, "seed": seed, "output": output}
            model = train(config.model_copy(update=changed), location)
            runs.setdefault(sampling, []).append(measure(str(model)))
    samples = {
        sampling: {name: [run[name] for run in own] for name in FIGURES}
        for sampling, own in runs.items()
    }
    return Outcome(
        figures={
            sampling: {name: _estimate(own, dataset) for name, own in by_figure.items()}
            for sampling, by_figure in samples.items()
        },
        differences={
            (other, name): _estimate(
                [
                    ours - theirs
                    for ours, theirs in zip(
                        samples["hybrid"][name], samples[other][name], strict=True
                    )
                ],
                dataset,
            )
            for other, name in CLAIMS
        },
    )


def _measure(
    model: str,
    config: TrainingConfig,
    dataset: Dataset,
    languages: Sequence[str],
    location: DataLocation | None,
) -> dict[str, Sample]:
    """Evaluate a model and return its values per question, by score."""
    evaluated = evaluate(
        ModelOptions(model, max_length=config.max_length, dtype=DTYPES[config.precision]),
        Selection(tuple(dataset.task_name(setting) for setting in SETTINGS), tuple(languages)),
        output=config.output / "results",
        location=location,
        show_progress=False,
    )
    values = {item.ranks.task: task_values(item.ranks) for item in evaluated}
    return {
        name: values[dataset.task_name(setting)].sample(measure)
        for name, (setting, measure) in FIGURES.items()
    }


def _estimate(samples: Sequence[Sample], dataset: Dataset) -> Estimate:
    """Return the mean over seeds, its interval over questions, and the value with each seed."""
    mean = np.mean(samples, axis=0)
    groups = groups_in_order(dataset.title, len(mean))
    return Estimate(
        intervals.macro_mean(mean),
        *intervals.symmetric(intervals.group_values(intervals.influence(mean), groups)),
        seeds=tuple(intervals.macro_mean(sample) for sample in samples),
    )


def markdown(outcome: Outcome) -> str:
    """Return the outcome as Markdown: a table of scores, and a line for each claim."""
    rows = [
        [sampling, *(_cell(name, figures[name]) for name in FIGURES)]
        for sampling, figures in outcome.figures.items()
    ]
    alignment = ["left", *["right"] * len(FIGURES)]
    table = tabulate(rows, ["sampling", *FIGURES], tablefmt="pipe", colalign=alignment)
    return "\n".join([table, "", *_claims(outcome)])


def _claims(outcome: Outcome) -> Iterator[str]:
    for (other, name), found in outcome.differences.items():
        yield f"- hybrid minus {other}, {name}: {_cell(name, found)}, {_verdict(name, found)}"


def _verdict(name: str, found: Estimate) -> str:
    """Say whether a difference is one as it is printed: 0.0 is neither better nor worse."""
    value, low, high = _rounded(name, found)
    agreeing = sum((seed > 0) == (found.value > 0) for seed in found.seeds if seed)
    seeds = f"{agreeing} of {len(found.seeds)} seeds have this sign"
    if value == 0:
        return "equal"
    if not (low > 0 or high < 0):
        return f"not distinguished; {seeds}"
    better = value < 0 if name == "rank_distance" else value > 0
    return f"{'better' if better else 'worse'}; {seeds}"


def _cell(name: str, found: Estimate) -> str:
    value, low, high = (f"{x:,.{DIGITS[name]}f}" for x in _rounded(name, found))
    return f"{value} [{low}, {high}]"


def _rounded(name: str, found: Estimate) -> list[float]:
    """Return a score and its interval as they are printed, without a negative zero."""
    scale = 1 if name == "rank_distance" else 100
    values = (found.value, found.low, found.high)
    return [round(scale * value, DIGITS[name]) + 0.0 for value in values]


XNLI_COLUMNS = ("premise", "hypothesis", "label")


def xnli_pairs(folder: Path) -> Iterator[dict[str, str]]:
    """Yield a wide row for each entailment of XNLI's development set (arXiv 1809.05053).

    The query is the hypothesis, and its passage the premise that it follows from. A line is the
    same example in every file. The test files have no labels and are not read.

    Args:
        folder: Folder with ``dev-<code>.tsv``: premise, hypothesis and label.

    Raises:
        UserError: If there are no such files, or they are not parallel.
    """
    files = {code: folder / f"dev-{code}.tsv" for code in sorted(LANGUAGES)}
    examples = {code: _examples(path) for code, path in files.items() if path.is_file()}
    if not examples:
        raise UserError(
            f"{folder}: no files such as dev-en.tsv; expected XNLI's development set, which xbench "
            "does not fetch: a file for each language with premise, hypothesis and label. A study "
            "looks for a folder xnli in that of --data-dir"
        )
    labels = {code: [label for _, _, label in own] for code, own in examples.items()}
    first = next(iter(labels))
    for code, own in labels.items():
        if own != labels[first]:
            raise UserError(
                f"{files[code]}: its {len(own):,} labels are not the {len(labels[first]):,} of "
                f"{files[first]}; expected the same examples in the same order"
            )
    for number, label in enumerate(labels[first]):
        if label == "entailment":
            row = {"id": f"dev-{number + 1}"}
            for code in examples:
                row[f"passage_{code}"], row[f"query_{code}"], _ = examples[code][number]
            yield row


def _examples(path: Path) -> list[list[str]]:
    lines = path.read_text("utf-8").removesuffix("\n").split("\n")
    examples = [line.split("\t") for line in lines]
    for number, example in enumerate(examples, 1):
        if len(example) != len(XNLI_COLUMNS):
            raise UserError(
                f"{path}, line {number}: {len(example)} columns; expected {', '.join(XNLI_COLUMNS)}"
            )
    return examples
