"""What a run is asked to do, and the record of how it was done."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from xbench.data.catalogue import TASK_VERSION
from xbench.data.datasets import PassageForm
from xbench.data.languages import codes
from xbench.data.perturbation import parse_perturbations
from xbench.models.encoder import EncodingReport
from xbench.models.inner import dtype, max_length, sentence_transformer, similarity_name
from xbench.models.options import ModelOptions
from xbench.models.prompts import prompt_text
from xbench.results.field_types import PACKAGES
from xbench.search.options import SearchOptions
from xbench.search.variants import Variant
from xbench.tasks import ParallelRetrieval, RetrievalTask

SEARCH_DEFAULTS = SearchOptions()


@dataclass(frozen=True)
class Selection:
    """What to evaluate on.

    Attributes:
        tasks: Names of the tasks.
        languages: Languages to keep, in any form that `xbench.data.languages.language` reads, and
            kept as ISO 639-1 codes; none keeps all.
        passage_form: Whether a passage is the sentence alone or followed by its paragraph.
        own: Corpora of one's own, whose tasks come after the others.
        perturb: What is done to the queries, in this order.
        perturb_seed: Seed of it.

    Raises:
        UserError: If a language or a perturbation is not known.
    """

    tasks: tuple[str, ...]
    languages: tuple[str, ...] = ()
    passage_form: PassageForm = "sentence"
    own: tuple[ParallelRetrieval, ...] = ()
    perturb: tuple[str, ...] = ()
    perturb_seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", codes(self.languages))
        steps = tuple(str(step) for step in parse_perturbations(self.perturb) if step.rate)
        object.__setattr__(self, "perturb", steps)

    @property
    def non_default_settings(self) -> dict[str, str]:
        """What makes the scores other than the task's full, standard ones."""
        partial = {"languages": ",".join(sorted(self.languages))} if self.languages else {}
        form = {"passage_form": self.passage_form} if self.passage_form != "sentence" else {}
        seed = {"perturb_seed": str(self.perturb_seed)} if self.perturb_seed else {}
        changed = {"perturb": ",".join(self.perturb), **seed} if self.perturb else {}
        return partial | form | changed


def run_settings(
    model: Any,  # noqa: ANN401
    task: RetrievalTask,
    options: ModelOptions,
    selection: Selection,
    search: SearchOptions,
    commit: str | None = None,
) -> dict[str, Any]:
    """Return how a task was run, in the form of mteb's ``run_settings.jsonl``.

    Args:
        model: The model that was loaded.
        task: The task after its evaluation.
        options: The model's options.
        selection: What was evaluated on.
        search: How corpora that are streamed were searched.
        commit: Commit of the model on the hub, which the command that repeats the run names.
    """
    exact = options if commit is None else replace(options, revision=commit)
    inner = sentence_transformer(model)
    similarity = similarity_name(model)
    return {
        "task": task.task_name,
        "splits": [task.source.split],
        "subsets": task.hf_subsets,
        "version": {name: _version(name) for name in PACKAGES},
        "encode_kwargs": {"batch_size": options.batch_size},
        "xbench": {
            "task_version": TASK_VERSION,
            "passage_form": task.passage_form,
            "languages": list(selection.languages) if task.partial else "all",
            "model": options.recorded,
            "prompts": {
                role: prompt_text(model, type(task).metadata, role) for role in ("query", "passage")
            },
            "maximum_length": max_length(model),
            "dtype": dtype(model),
            "device": None if inner is None else str(inner.device),
            **({} if similarity in (None, "cosine") else {"similarity": similarity}),
            "encoding": None if task.report is None else _encoding(task.report),
            "command": command(exact, _alone(selection, task), search, task.variant),
            **({"variant": task.variant.recorded} if task.variant else {}),
            **({"data": task.data_digest} if task.data_digest else {}),
        },
    }


def _encoding(report: EncodingReport) -> dict[str, float]:
    found = {name: value for name, value in asdict(report).items() if value is not None}
    return found | ({"seconds": max(0.001, round(report.seconds, 3))} if report.seconds else {})


def command(
    options: ModelOptions,
    selection: Selection,
    search: SearchOptions = SEARCH_DEFAULTS,
    variant: Variant | None = None,
) -> list[str]:
    """Return the arguments of the command that repeats a run.

    >>> " ".join(command(ModelOptions("xbench/bm25"), Selection(("XQuADRMonolingualRetrieval",))))
    'xbench evaluate --model xbench/bm25 --tasks XQuADRMonolingualRetrieval'
    """
    words = ["xbench", "evaluate"]
    for name, value in options.given.items():
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(json.dumps(value) if isinstance(value, dict) else str(value))
    words += _selected(selection)
    if variant is not None:
        words += ["--variants", variant.option]
    for name, value in asdict(search).items():
        if name != "show_progress" and value != getattr(SEARCH_DEFAULTS, name):
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return words


def _alone(selection: Selection, task: RetrievalTask) -> Selection:
    """Return a selection without corpora of one's own that a task is not of, or of these alone."""
    own = tuple(corpus for corpus in selection.own if type(task) in corpus.task_classes)
    return replace(selection, tasks=() if own else selection.tasks, own=own)


def _selected(selection: Selection) -> list[str]:
    """Return the options that choose what to evaluate on."""
    words = [word for task in selection.tasks for word in ("--tasks", task)]
    for own in selection.own:
        words += ["--data", own.corpus.source, "--data-name", own.corpus.name]
    if selection.languages:
        words += ["--languages", ",".join(selection.languages)]
    if selection.passage_form != "sentence":
        words += ["--passage-form", selection.passage_form]
    words += [word for step in selection.perturb for word in ("--perturb", step)]
    if selection.perturb and selection.perturb_seed:
        words += ["--perturb-seed", str(selection.perturb_seed)]
    return words


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
