"""Scores of a model on one of mteb's tasks, evaluated by mteb, one value per query."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from xbench._util.errors import UserError, reason
from xbench.data.languages import language
from xbench.metrics import FloatArray
from xbench.tasks.perturbed import perturb_queries
from xbench.training.evaluator import ModelInTraining
from xbench.training.studies.evaluations import ACCURACY, NDCG, TaskEvaluation, mteb_task
from xbench.training.studies.measuring import OVERLAP, Scores, forward_passes, rounded

Part = tuple[str, str]
"""A subset and a split."""

Ranking = Mapping[str, float]
"""Scores of the passages that were found."""


def load_task(evaluation: TaskEvaluation) -> Any:  # noqa: ANN401
    """Return the task of an evaluation with its data.

    Raises:
        UserError: If the data cannot be had.
    """
    task = mteb_task(evaluation.task, evaluation.languages)
    try:
        task.load_data()
    except (OSError, ValueError) as error:
        raise UserError(
            f"task {evaluation.task}: its data cannot be loaded ({reason(error)}); it is dataset "
            f"{task.metadata.dataset['path']} of the hub"
        ) from error
    if not _is_bitext(task):
        task.convert_v1_dataset_format_to_v2(None)
    return task


def task_texts(task: Any) -> dict[str, set[str]]:  # noqa: ANN401
    """Return the texts of a task whose data is loaded, by role: ``query`` and ``passage``."""
    found: dict[str, set[str]] = {"query": set(), "passage": set()}
    for subset in task.hf_subsets:
        for split in task.eval_splits:
            if _is_bitext(task):
                rows = task.dataset.get(subset, task.dataset)[split]
                own = rows["sentence1"], rows["sentence2"]
            else:
                part = task.dataset[subset][split]
                own = part["queries"]["text"], part["corpus"]["text"]
            found["query"].update(own[0])
            found["passage"].update(own[1])
    return found


def measure_task(
    model: ModelInTraining, evaluation: TaskEvaluation, kept: Path, batch_size: int = 32
) -> Scores:
    """Measure a model.

    Args:
        model: The model.
        evaluation: What to measure it on.
        kept: Folder of embeddings; texts that are there are not encoded again. One folder serves
            all evaluations of one model.
        batch_size: Texts encoded at once.

    Returns:
        As `measure` does: `NDCG`, of changed queries with the share of the first ten passages that
        are kept; of a bitext task `ACCURACY`. Subsets count alike, whatever their number of
        queries.

    Raises:
        UserError: If the data cannot be had.
    """
    from mteb.models import CachedEmbeddingWrapper

    with forward_passes(model, evaluation):
        encoder = CachedEmbeddingWrapper(model, kept / evaluation.precision)
        clean = load_task(evaluation)
        before = _rankings(clean, encoder, batch_size)
        draws = []
        for draw in range(evaluation.worst_of if evaluation.perturb else 0):
            changed = load_task(evaluation)
            perturb_queries(changed, evaluation.perturb, draw)
            draws.append(_rankings(changed, encoder, batch_size))
    values = [_values(clean, found) for found in draws or [before]]
    scores = {ACCURACY if _is_bitext(clean) else NDCG: _score(clean, _worst(values))}
    if draws:
        kept_first = [_first_ten_kept(before, found) for found in draws]
        scores[OVERLAP] = _score(clean, _worst(kept_first))
    ids = [f"{subset}/{split}/{own}" for (subset, split), part in values[0].items() for own in part]
    return {"questions": ids, "scores": scores}


def _is_bitext(task: Any) -> bool:  # noqa: ANN401
    return bool(task.metadata.type == "BitextMining")


def _rankings(task: Any, encoder: Any, batch_size: int) -> dict[Part, Any]:  # noqa: ANN401
    """Return what mteb found for each query, by subset and split."""
    options = {"batch_size": batch_size, "show_progress_bar": False}
    found: dict[Part, Any] = {}
    with TemporaryDirectory() as folder:
        for split in task.eval_splits:
            task.evaluate(encoder, split, encode_kwargs=options, prediction_folder=Path(folder))
        (path,) = Path(folder).iterdir()
        for subset, splits in json.loads(path.read_bytes()).items():
            if subset != "mteb_model_meta":
                found |= {(subset, split): own for split, own in splits.items()}
    return found


Values = dict[Part, dict[str, float]]
"""A value of each query, by subset and split."""


def _values(task: Any, found: Mapping[Part, Any]) -> Values:  # noqa: ANN401
    if _is_bitext(task):
        return {
            part: {str(i): float(own["corpus_id"] == i) for i, own in enumerate(nearest)}
            for part, languages in found.items()
            for nearest in [next(iter(languages.values()))]
        }
    return {
        (subset, split): _ndcg(task, task.dataset[subset][split]["relevant_docs"], rankings)
        for (subset, split), rankings in found.items()
    }


def _ndcg(
    task: Any,  # noqa: ANN401
    relevant: Mapping[str, Mapping[str, int]],
    rankings: Mapping[str, Ranking],
) -> dict[str, float]:
    """Return the nDCG@10 of each query, as trec_eval has it."""
    import pytrec_eval

    if task.ignore_identical_ids:
        rankings = {
            query: {own: score for own, score in ranking.items() if own != query}
            for query, ranking in rankings.items()
        }
    evaluator = pytrec_eval.RelevanceEvaluator(relevant, {"ndcg_cut.10"})
    found = evaluator.evaluate(rankings)
    return {query: found[query]["ndcg_cut_10"] for query in rankings}


def _worst(draws: list[Values]) -> Values:
    """Return the least value of each query over the draws."""
    return {
        part: {query: min(own[part][query] for own in draws) for query in queries}
        for part, queries in draws[0].items()
    }


def _first_ten_kept(before: Mapping[Part, Any], after: Mapping[Part, Any]) -> Values:
    return {
        part: {
            query: len(first & _first_ten(after[part][query])) / len(first)
            for query, ranking in rankings.items()
            for first in [_first_ten(ranking)]
        }
        for part, rankings in before.items()
    }


def _first_ten(ranking: Ranking) -> set[str]:
    return set(sorted(ranking, key=lambda own: (-ranking[own], own))[:10])


def _score(task: Any, values: Values) -> dict[str, Any]:  # noqa: ANN401
    """Return a score as runs keep it: the mean, and values per query whose mean it is."""
    by_language: dict[str, Values] = {}
    for (subset, split), own in values.items():
        code = language(task.metadata.hf_subsets_to_langscripts[subset][0]).code
        by_language.setdefault(code, {})[subset, split] = own
    languages = {code: _spread(values, own) for code, own in by_language.items()}
    spread = _spread(values, values)
    return {
        "value": rounded(float(np.mean(spread))),
        "languages": {code: rounded(float(np.nanmean(own))) for code, own in languages.items()},
        "questions": [rounded(value) for value in spread],
        "by_language": {code: [rounded(value) for value in own] for code, own in languages.items()},
    }


def _spread(whole: Values, parts: Values) -> FloatArray:
    """Return a value for each query, nan outside of some parts, whose mean counts these alike."""
    total = sum(len(own) for own in parts.values())
    return np.concatenate(
        [
            np.array([*own.values()]) * total / (len(own) * len(parts))
            if part in parts
            else np.full(len(own), np.nan)
            for part, own in whole.items()
        ]
    )
