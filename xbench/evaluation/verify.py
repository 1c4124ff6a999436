"""A second look at a result: the model is run again on some questions, and its ranks compared."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xbench._util.errors import UserError
from xbench._util.hub import hub_access
from xbench.data.catalogue import TASKS
from xbench.data.download import DataLocation
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.evaluation.mteb_plugin import find_task
from xbench.metrics import IntArray, PoolRanks
from xbench.metrics.effectiveness import average_precision
from xbench.models.loading import load_model
from xbench.models.lookup import BUILT_IN, find_model
from xbench.models.options import ModelOptions
from xbench.models.python_code import named_code
from xbench.models.source import ModelSource
from xbench.results.findings import TaskCheck
from xbench.results.per_query_file import PerQuery
from xbench.results.validation import check_task
from xbench.results.validation.folders import root_of
from xbench.search.search_model_ranks import SplitView
from xbench.tasks.parallel import ParallelCorpusRetrieval

LANGUAGES = 3
"""How many query languages are looked at."""

AGREE = 0.9
"""Share of the ranks that have to be the same within `TOLERANCE`; precision and hardware differ."""

TOLERANCE = 0.05
"""Relative difference of two ranks that is the same; one place always is."""


@dataclass(frozen=True)
class Agreement:
    """How far the ranks of one subset agree.

    Attributes:
        subset: Name of the subset.
        questions: How many questions were asked again.
        passages: How many relevant passages they have.
        equal: Share of the ranks that are equal.
        near: Share of the ranks that differ by at most `TOLERANCE`, or by one place.
        tolerance: Relative difference that 95 % of the ranks do not exceed.
        recorded: Mean average precision of these questions, by the result.
        found: The same by the model as it is now.
    """

    subset: str
    questions: int
    passages: int
    equal: float
    near: float
    tolerance: float
    recorded: float
    found: float

    @property
    def agrees(self) -> bool:
        """Whether the ranks can be those of this model."""
        return self.near >= AGREE


def verify(
    path: Path,
    sample: int = 50,
    *,
    model: str | None = None,
    seed: int = 0,
    location: DataLocation | None = None,
) -> list[Agreement]:
    """Run the model of a result again on random questions of some languages.

    Embeddings that are stored are used, so that a pool is encoded once for all tasks. Code that
    comes with a model is never run.

    Args:
        path: The ``<Task>.json`` of XBench-Mini, XQuAD-R or MLQA-R.
        sample: Number of questions of each language.
        model: Name or folder of the model, if it is not where the result says.
        seed: Which questions and languages are drawn.
        location: Where data and embeddings are; by default as the environment says.

    Raises:
        UserError: If the result is not sound, or the model cannot be run in this way.
    """
    check = check_task(path.absolute(), root_of(path.absolute()))
    if check.run is None or check.ranks is None or check.meta is None or check.settings is None:
        first = next(finding for finding in check.findings if not finding.warning)
        reason = f"{first.file}: {first.field}: {first.rule}"
        raise UserError(f"{path}: not a sound result ({reason}); run `xbench validate` on it")
    if TASKS[path.stem][0].streamed:
        raise UserError(f"{path}: the passages of this task are streamed; expected another task")
    location = location or DataLocation.from_environment()
    options = _options(check, model)
    with hub_access(offline=location.offline):
        source = _source(options, check, offline=location.offline, elsewhere=model is not None)
        task: Any = find_task(path.stem)(passage_form=check.run.passage_form, location=location)
        chosen = _reduce(task, check.ranks, sample, random.Random(seed))
        kwargs = {"batch_size": options.batch_size, "show_progress_bar": False}
        found = task.ranks(load_model(source, options), kwargs)
    return [_compare(name, check.ranks.subsets[name], found[name]) for name in chosen]


def _options(check: TaskCheck, model: str | None) -> ModelOptions:
    """Return the options that a result was made with."""
    choice: Mapping[str, Any] = (check.settings or {})["xbench"]["model"]
    name, revision = choice["model"], str((check.meta or {})["revision"])
    if choice.get("trust_remote_code") or choice.get("rerank") is not None:
        raise UserError(
            f"{name}: runs code that comes with the model, or a second one; expected a result of "
            "one model without --trust-remote-code and --rerank"
        )
    if model is None and (named_code(name) or not re.fullmatch(r"[\w.-]+/[\w.-]+", name)):
        raise UserError(f"{name}: not a public name; name a folder of this model with --model")
    kept = ("query_prompt", "passage_prompt", "max_length", "dtype", "batch_size", "truncate_dim")
    return ModelOptions(
        model or name,
        revision=revision if model is None and re.fullmatch("[0-9a-f]{40}", revision) else None,
        **{key: choice[key] for key in kept if choice.get(key) is not None},
    )


def _source(
    options: ModelOptions, check: TaskCheck, *, offline: bool, elsewhere: bool
) -> ModelSource:
    """Return the model, if it is of the revision of the result and has no code of its own."""
    if options.model not in BUILT_IN and named_code(options.model):
        raise UserError(f"{options.model}: expected a name or a folder; code is never run")
    source = find_model(options, offline=offline)
    if (source.meta.loader_kwargs or {}).get("trust_remote_code"):
        raise UserError(f"{options.model}: needs code that comes with it, which is never run")
    found, expected = source.meta.revision, (check.meta or {})["revision"]
    if found != expected and not elsewhere:
        raise UserError(f"{options.model}: found revision {found}, the result is of {expected}")
    return source


def _reduce(
    task: ParallelCorpusRetrieval, ranks: PerQuery, sample: int, chance: random.Random
) -> Sequence[str]:
    """Leave a task some questions of some query languages, and return its subsets."""
    languages = sorted({own.query_language for own in ranks.subsets.values()})
    kept = sorted(chance.sample(languages, min(LANGUAGES, len(languages))))
    known = [set(task.subsets[name].passage_languages) for name in ranks.subsets]
    pairs = all(len(own) == 1 for own in known)
    task.hf_subsets = [
        name
        for name, subset in task.subsets.items()
        if subset.query_language in kept
        and (not pairs or set(subset.passage_languages) <= set(kept))
    ]
    task.load_data()
    corpus: ParallelCorpus = task.corpus_data
    queries = dict(corpus.queries)
    for language in kept:
        own = corpus.queries[language]
        numbers = sorted(chance.sample(range(len(own)), min(sample, len(own))))
        queries[language] = Texts(
            tuple(own.ids[n] for n in numbers), tuple(own.texts[n] for n in numbers)
        )
    task.corpus_data = replace(corpus, queries=queries)
    chosen = {name: task.subsets[name] for name in task.hf_subsets}
    task.dataset = SplitView(task.corpus_data, chosen, task.source.split)  # type: ignore[assignment]
    return task.hf_subsets


def _compare(name: str, recorded: PoolRanks, found: PoolRanks) -> Agreement:
    """Compare the ranks of the questions that both have."""
    old, new = _by_question(recorded), _by_question(found)
    shared = [question for question in new if question in old]
    pairs = [(old[question], new[question]) for question in shared]
    if not shared or any(len(first) != len(second) for first, second in pairs):
        raise UserError(f"{name}: the result has other passages of these questions")
    first = _placed(np.concatenate([own for own, _ in pairs]), recorded.pool_size)
    second = _placed(np.concatenate([own for _, own in pairs]), found.pool_size)
    most = np.maximum(first, second)
    difference = np.abs(first - second)
    return Agreement(
        subset=name,
        questions=len(shared),
        passages=len(first),
        equal=float((difference == 0).mean()),
        near=float((difference <= np.maximum(1, TOLERANCE * most)).mean()),
        tolerance=float(np.quantile(difference / most, 0.95)),
        recorded=_precision(recorded, shared),
        found=_precision(found, shared),
    )


def _placed(ranks: IntArray, pool_size: int) -> IntArray:
    """Return ranks with what was not retrieved behind all others."""
    return np.where(ranks > 0, ranks, pool_size)


def _by_question(ranks: PoolRanks) -> dict[str, IntArray]:
    """Return the ranks of each question, by passage language and rank."""
    order = np.lexsort((ranks.rank, ranks.language, ranks.query))
    parts = np.split(ranks.rank[order], np.cumsum(np.bincount(ranks.query))[:-1])
    return dict(zip(ranks.questions, parts, strict=True))


def _precision(ranks: PoolRanks, questions: Sequence[str]) -> float:
    values = dict(zip(ranks.questions, average_precision(ranks.matrix()).tolist(), strict=True))
    return float(np.mean([values[question] for question in questions]))
