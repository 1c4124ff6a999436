"""Any of mteb's retrieval tasks, asked with perturbed queries."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mteb.abstasks import AbsTaskRetrieval

from xbench._util.errors import UserError
from xbench.data.languages import language
from xbench.data.perturbation import WITH_TRANSLATIONS, parse_perturbations, perturb
from xbench.tasks.base import RetrievalTask


class PerturbedQueries(AbsTaskRetrieval):
    """What a copy of a task does when it loads its data.

    Attributes:
        perturb: What is done to the queries.
        perturb_seed: Seed of it.
    """

    perturb: tuple[str, ...]
    perturb_seed: int

    def load_data(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Load the data and change the queries."""
        if self.data_loaded:
            return
        super().load_data(*args, **kwargs)
        perturb_queries(self, self.perturb, self.perturb_seed)


def perturb_queries(task: AbsTaskRetrieval, perturbations: Sequence[str], seed: int) -> None:
    """Change the queries of a task whose data is loaded, all subsets and splits.

    Args:
        task: The task.
        perturbations: What is done to the queries.
        seed: Seed of the changes.
    """
    task.convert_v1_dataset_format_to_v2(None)
    for name, splits in task.dataset.items():
        code = language(task.metadata.hf_subsets_to_langscripts[name][0]).code
        for split in splits.values():
            queries = split["queries"]
            changed = perturb(list(queries["text"]), perturbations, code, seed)
            columns = [own for own in queries.column_names if own != "text"]
            split["queries"] = queries.select_columns(columns).add_column("text", changed)


def perturb_task(
    task: AbsTaskRetrieval, perturbations: Sequence[str], seed: int = 0
) -> AbsTaskRetrieval:
    """Return a copy of any of mteb's text retrieval tasks whose queries are perturbed.

    Its name says so, so that results are stored apart from those on the queries as they are.
    xbench's own tasks are evaluated with ``xbench.evaluate(..., perturb=...)``.

    Args:
        task: A task of mteb, such as ``mteb.get_task("NFCorpus")``.
        perturbations: What is done to the queries, as `xbench.perturb` has it, without
            ``codeswitch``, which needs translations.
        seed: Seed of the changes; one seed, the same queries.

    Raises:
        UserError: If the task is not such a task, or a perturbation is not known.

    Examples:
        >>> import mteb, xbench
        >>> xbench.perturb_task(mteb.get_task("NFCorpus"), ["typo:0.1"]).metadata.name
        'NFCorpus-typo-0.1'
    """
    if isinstance(task, RetrievalTask):
        raise UserError(
            f"task: {task.metadata.name} is one of xbench's; use xbench.evaluate(model, "
            f"tasks={type(task).metadata.name!r}, perturb={list(perturbations)!r})"
        )
    metadata = getattr(task, "metadata", None)
    if not isinstance(task, AbsTaskRetrieval) or "text" not in task.metadata.modalities:
        raise UserError(
            f"task: {getattr(metadata, 'name', task)} is not one of mteb's text retrieval tasks; "
            'expected one such as mteb.get_task("NFCorpus")'
        )
    steps = tuple(str(step) for step in parse_perturbations(perturbations))
    if switched := [step for step in steps if step.startswith(WITH_TRANSLATIONS)]:
        raise UserError(
            f"perturbations: {switched[0]} needs translations, and queries of mteb's tasks have "
            "none; leave it out"
        )
    marks = [*steps, *([f"seed:{seed}"] if seed else [])]
    name = "-".join([task.metadata.name, *marks]).replace(":", "-")
    fields = {
        "metadata": task.metadata.model_copy(update={"name": name}),
        "perturb": steps,
        "perturb_seed": seed,
    }
    changed = copy.copy(task)
    changed.__dict__.pop("metadata", None)
    changed.__class__ = type(type(task).__name__, (PerturbedQueries, type(task)), fields)
    changed.dataset, changed.data_loaded = {}, False
    return changed
