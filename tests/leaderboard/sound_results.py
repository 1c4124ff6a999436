"""Sound results of models that do not exist: random ranks of the right passages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from xbench.data.catalogue import TASKS, subsets
from xbench.data.datasets import MINI
from xbench.data.languages import LANGUAGES
from xbench.metrics import TOP_K, PoolRanks, scores
from xbench.results.per_query_file import PerQuery, write_per_query
from xbench.results.reading import read_ranks
from xbench.results.store import result_content, write_result
from xbench.results.stored_summary import write_summary

from .miracl_results import drawn_streamed

ROOT = Path(__file__).resolve().parent.parent.parent
MEASURED = ROOT / "results" / "xbench__bm25" / "1"


@cache
def measured(task: str) -> PerQuery:
    """Return ranks of the right passages: of a measured model, or none yet for XBench-Mini."""
    dataset, setting = TASKS[task]
    if dataset is not MINI:
        return read_ranks(MEASURED / f"{task}.per_query.json.gz")
    lines = (ROOT / "tasks" / "data" / "mini.jsonl").read_text("utf-8").splitlines()
    questions = tuple(json.loads(line)["id"] for line in lines)
    pools = {}
    for name, subset in subsets(setting, dataset.languages).items():
        width = len(subset.passage_languages)
        pools[name] = PoolRanks(
            questions=questions,
            query=np.repeat(np.arange(len(questions)), width),
            language=np.array(subset.passage_languages * len(questions)),
            rank=np.zeros(len(questions) * width, np.int64),
            query_language=subset.query_language,
            pool=dict.fromkeys(subset.passage_languages, len(questions)),
        )
    return PerQuery(task, dataset.revision, "sentence", setting == "multilingual", pools)


def drawn(ranks: PoolRanks, random: np.random.Generator, badness: float) -> PoolRanks:
    """Return other ranks of the same passages: the greater `badness`, the farther down."""
    width, slot = ranks.slots()
    places = np.sort(random.random((len(ranks.questions), width)) ** (8 / badness), axis=1)
    rank = 1 + (places * (ranks.pool_size - width)).astype(np.int64) + np.arange(width)
    own = rank[ranks.query, slot]
    if len(ranks.pool) == 1:
        return replace(ranks, rank=own, top=None, ties=None)
    top = random.integers(0, len(ranks.pool), (len(ranks.questions), TOP_K))
    shallow = own <= TOP_K
    languages = np.searchsorted(list(ranks.pool), ranks.language)
    top[ranks.query[shallow], own[shallow] - 1] = languages[shallow]
    return replace(ranks, rank=own, top=top, ties=None)


def drawn_task(task: str, seed: int = 0, badness: float = 1.0) -> PerQuery:
    """Return random ranks of a task; those of one seed are equally lucky for every `badness`."""
    if TASKS[task][0].streamed:
        return drawn_streamed(task, seed, badness)
    random = np.random.default_rng(seed)
    content = measured(task)
    pools = {name: drawn(own, random, badness) for name, own in content.subsets.items()}
    return replace(content, subsets=pools)


def write_sound(
    results: Path,
    task: str,
    *,
    model: str = "org/model",
    revision: str = "0123abc",
    experiment: Mapping[str, Any] | None = None,
    meta: Mapping[str, Any] | None = None,
    seed: int = 0,
    badness: float = 1.0,
    edit: Callable[[dict[str, Any]], None] = lambda result: None,
    summary: bool = False,
) -> Path:
    """Write a sound result, its result file changed by `edit`, and return that file.

    With `summary`, everything that ``xbench evaluate`` writes is there; without, what its first
    version wrote.
    """
    folder = results / model.replace("/", "__").replace(" ", "_") / revision
    if experiment:
        digest = hashlib.sha256(json.dumps(experiment).encode()).hexdigest()
        folder = folder / "experiments" / f"exp_{digest[:16]}"
    form = (experiment or {}).get("passage_form", "sentence")
    content = replace(drawn_task(task, seed, badness), passage_form=form)
    write_per_query(folder, content)
    result = result_of(content)
    edit(result)
    if summary:
        write_summary(folder, content, result_content(result))
    own = json.loads((MEASURED / "model_meta.json").read_text())
    own |= {"name": model, "revision": revision, "experiment_kwargs": experiment, **(meta or {})}
    write_result(folder, result, own, settings_of(content, model, own["experiment_kwargs"] or {}))
    return folder / f"{task}.json"


def result_of(content: PerQuery) -> dict[str, Any]:
    """Return the result file of some ranks."""
    dataset, setting = TASKS[content.task]
    expected = subsets(setting, dataset.languages)
    entries, main = [], dataset.main_score
    for name, values in scores(content.subsets, multilingual=content.multilingual).items():
        others = expected[name].passage_languages if setting == "crosslingual" else ()
        codes = [LANGUAGES[a].mteb for a in (expected[name].query_language, *others)]
        entries.append(
            {"hf_subset": name, "languages": codes, **values, "main_score": values[main]}
        )
    return {
        "dataset_revision": content.dataset_revision,
        "task_name": content.task,
        "mteb_version": "2.26.24",
        "scores": {dataset.split: entries},
        "date": 1795000000.0,
    }


def settings_of(
    content: PerQuery, model: str, experiment: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the line of ``run_settings.jsonl`` of some ranks."""
    lines = (MEASURED / "run_settings.jsonl").read_text("utf-8").splitlines()
    settings: dict[str, Any] = json.loads(lines[0])
    splits = [TASKS[content.task][0].split]
    settings |= {"task": content.task, "splits": splits, "subsets": list(content.subsets)}
    chosen = {k: v for k, v in experiment.items() if k in ("max_length", "dtype", "truncate_dim")}
    settings["xbench"]["model"] |= {"model": model, **chosen}
    words = [f" --{name.replace('_', '-')} {value}" for name, value in chosen.items()]
    form = "" if content.passage_form == "sentence" else f" --passage-form {content.passage_form}"
    settings["xbench"] |= {
        "passage_form": content.passage_form,
        "encoding": {"texts": 1000, "encoded": 1000, "truncated": 25, "seconds": 12.5},
        "command": f"xbench evaluate --model {model} --tasks {content.task}{''.join(words)}{form}",
    }
    return settings
