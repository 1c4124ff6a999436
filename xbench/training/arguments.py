"""The library's training arguments, from a run's configuration."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)

from xbench._util.errors import UserError
from xbench.models.model_folder import CHECKPOINTS
from xbench.training.batching.dataset import PairDataset
from xbench.training.config import TrainingConfig
from xbench.training.evaluator import LOWER_IS_BETTER
from xbench.training.trainer import PROMPT_NAMES


def training_arguments(
    config: TrainingConfig, model: SentenceTransformer, dataset: PairDataset, metric: str | None
) -> SentenceTransformerTrainingArguments:
    """Return the training arguments of a run.

    Args:
        config: The run.
        model: The model, which has its prompts.
        dataset: The training data.
        metric: What the best checkpoint is chosen by; None keeps the last.

    Raises:
        UserError: If an argument is not one of the library's, or a tracker is not installed.
    """
    steps = config.evaluation_steps
    arguments: dict[str, Any] = {
        "output_dir": str(config.output / CHECKPOINTS),
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "per_device_train_batch_size": config.batch_size,
        "per_device_eval_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation,
        "gradient_checkpointing": config.gradient_checkpointing,
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "warmup_steps": config.warmup,
        "bf16": config.precision == "bf16",
        "fp16": config.precision == "fp16",
        "seed": config.seed,
        "prompts": _prompts(config, model, dataset),
        "eval_strategy": ("steps" if steps else "epoch") if metric else "no",
        "save_strategy": "steps" if steps else "epoch",
        "eval_steps": steps,
        "save_steps": steps or 500,
        "save_total_limit": config.keep_checkpoints,
        "load_best_model_at_end": metric is not None,
        "metric_for_best_model": metric,
        "greater_is_better": metric is not None and not metric.endswith(LOWER_IS_BETTER),
        "report_to": list(config.report_to) or "none",
        "use_cpu": not torch.cuda.is_available(),
    }
    try:
        return SentenceTransformerTrainingArguments(**arguments | config.training_arguments)
    except (TypeError, ValueError, ImportError) as error:
        raise UserError(f"training_arguments: {error}") from error


def _prompts(
    config: TrainingConfig, model: SentenceTransformer, dataset: PairDataset
) -> dict[str, str] | dict[str, dict[str, str]]:
    """Return the prompts by column, or by corpus and column where some corpus has its own."""
    saved = {name: prompt for name, prompt in model.prompts.items() if prompt}
    most = max(corpus.negatives for corpus in dataset.corpora)
    usual = _by_column(saved, most)
    if not any(s.query_prompt is not None or s.passage_prompt is not None for s in config.data):
        return usual
    by_corpus = {source.title: usual for source in config.validation}
    for source in config.data:
        own = {"query": source.query_prompt, "document": source.passage_prompt}
        changed = {name: prompt for name, prompt in own.items() if prompt is not None}
        by_corpus[source.title] = _by_column(saved | changed, most)
    return by_corpus


def _by_column(prompts: dict[str, str], negatives: int) -> dict[str, str]:
    """Return prompts by column of the data; negatives have the passages' prompt."""
    names = PROMPT_NAMES | {f"negative_{n + 1}": "document" for n in range(negatives)}
    return {column: prompts[name] for column, name in names.items() if prompts.get(name)}
