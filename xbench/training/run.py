"""One training run, from a configuration to a saved model."""

from __future__ import annotations

import inspect
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from transformers import EarlyStoppingCallback
from transformers.trainer import TRAINER_STATE_NAME

from xbench._util.atomic_write import REFUSALS, check_place, usable
from xbench._util.errors import UserError
from xbench._util.hub import hub_access
from xbench.data.download import DataLocation
from xbench.models.lookup import CHECKPOINTS
from xbench.training.batching.dataset import PairDataset
from xbench.training.batching.options import BatchSampling
from xbench.training.batching.sampler import HybridBatchSampler
from xbench.training.config import TrainingConfig
from xbench.training.corpora.contamination import evaluation_overlaps, refuse_overlap
from xbench.training.corpora.pairs import ParallelPairs
from xbench.training.corpora.reading import read_pairs
from xbench.training.corpora.source import CorpusSource
from xbench.training.evaluator import RANK_DISTANCE, SettingsEvaluator, evaluation_name
from xbench.training.record import begin, finish, is_finished, write_card
from xbench.training.trainer import PROMPT_NAMES, HybridTrainer

logger = logging.getLogger(__name__)


def train(config: TrainingConfig, location: DataLocation | None = None) -> Path:
    """Train a model and save it with its prompts, its card and the record of the run.

    A run that was interrupted goes on from its last checkpoint, and one that is finished is not
    repeated. The evaluation sets that the data is compared with are fetched only if some of the
    data is a dataset of the hub; else those that are there are compared.

    Args:
        config: What to do.
        location: Where data is read from and kept; by default as the environment says.

    Returns:
        The folder of the model.

    Raises:
        UserError: If the configuration cannot be carried out, or the loss is not finite.
    """
    location = location or DataLocation.from_environment()
    check_place(config.output)
    if is_finished(config):
        logger.info("%s: the model is there already", config.output)
        return config.output
    offline = location.offline or not _names_hub(config)
    with hub_access(offline=offline, retry_seconds=location.retry_seconds):
        return _train(config, location)


def _names_hub(config: TrainingConfig) -> bool:
    """Return whether anything that the hub is needed for was asked for."""
    corpora = (*config.data, *config.validation)
    return (
        not Path(config.base_model).is_dir()
        or any(source.on_hub for source in corpora)
        or bool(config.training_arguments.get("push_to_hub"))
    )


def _train(config: TrainingConfig, location: DataLocation) -> Path:
    corpora = _read(config.data, config, location)
    online = any(source.on_hub for source in config.data)
    overlap = evaluation_overlaps(corpora, location if online else replace(location, offline=True))
    for found in overlap:
        for line in found.lines():
            logger.info(line)
        refuse_overlap(found, config.allow_evaluation_data)
    trainer = make_trainer(config, corpora, location)
    begin(config, corpora, overlap)
    with usable(config.output, refusals=REFUSALS):
        trainer.train(resume_from_checkpoint=_last_checkpoint(config))
        if trainer.is_world_process_zero():
            trainer.model.save_pretrained(str(config.output))
            write_card(config.output, finish(config, trainer.state))
    trainer.accelerator.wait_for_everyone()
    return config.output


def make_trainer(
    config: TrainingConfig, corpora: Sequence[ParallelPairs], location: DataLocation
) -> HybridTrainer:
    """Return the trainer of a run, ready to train.

    Raises:
        UserError: If the model cannot be loaded, or an option does not apply.
    """
    dataset = PairDataset(corpora, config.batch_sampling, config.negative_language)
    HybridBatchSampler(dataset, config.batch_size)
    metric = _metric(config)
    model = _load(config)
    validation = _read(config.validation, config, location)
    measured = config.evaluation_set
    evaluator = measured and SettingsEvaluator(
        measured, config.evaluation_languages, location, config.batch_size
    )
    negatives = max(pairs.negatives for pairs in corpora)
    return HybridTrainer(
        model=model,
        args=_arguments(config, model, metric, negatives),
        train_dataset=dataset,
        eval_dataset=PairDataset(validation, BatchSampling("monolingual")) if validation else None,
        loss=_loss(config, model),
        evaluator=evaluator,
        callbacks=[EarlyStoppingCallback(config.patience)] if config.patience else None,
    )


def _read(
    sources: Sequence[CorpusSource], config: TrainingConfig, location: DataLocation
) -> list[ParallelPairs]:
    corpora = []
    for source in sources:
        if config.languages and not source.languages:
            source = replace(source, languages=config.languages)
        corpora.append(read_pairs(source, location.cache_dir))
        for line in corpora[-1].report.lines():
            logger.info(line)
    return corpora


def _load(config: TrainingConfig) -> SentenceTransformer:
    try:
        model = SentenceTransformer(config.base_model)
    except Exception as error:
        raise UserError(
            f"base_model {config.base_model}: cannot be loaded ({type(error).__name__}: {error}); "
            "expected the folder or the hub name of a sentence-transformers or transformers model"
        ) from error
    if config.max_length is not None:
        model.max_seq_length = config.max_length
    for name, prompt in (("query", config.query_prompt), ("document", config.passage_prompt)):
        if prompt is not None:
            model.prompts[name] = prompt
    return model


def _loss(config: TrainingConfig, model: SentenceTransformer) -> torch.nn.Module:
    known = [name for name in losses.__all__ if name.endswith("Loss")]
    if config.loss not in known:
        raise UserError(f"loss is {config.loss!r}; expected one of {', '.join(known)}")
    loss = getattr(losses, config.loss)
    accepted = inspect.signature(loss).parameters
    options = dict(config.loss_options)
    if "scale" in accepted:
        options.setdefault("scale", 1 / config.temperature)
    if "gather_across_devices" in accepted and _processes() > 1:
        options.setdefault("gather_across_devices", True)
    if unknown := sorted(options.keys() - accepted.keys()):
        raise UserError(
            f"loss_options: {config.loss} has no {', '.join(unknown)}; it takes "
            f"{', '.join(name for name in accepted if name != 'model')}"
        )
    try:
        return loss(model, **options)  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise UserError(f"loss {config.loss} with {options}: {error}") from error


def _arguments(
    config: TrainingConfig, model: SentenceTransformer, metric: str | None, negatives: int
) -> SentenceTransformerTrainingArguments:
    steps = config.evaluation_steps
    arguments: dict[str, Any] = {
        "output_dir": str(_checkpoints(config)),
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "per_device_train_batch_size": config.batch_size,
        "per_device_eval_batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "warmup_steps": config.warmup,
        "bf16": config.precision == "bf16",
        "fp16": config.precision == "fp16",
        "seed": config.seed,
        "prompts": _prompts(model, negatives),
        "eval_strategy": ("steps" if steps else "epoch") if metric else "no",
        "save_strategy": "steps" if steps else "epoch",
        "eval_steps": steps,
        "save_steps": steps or 500,
        "save_total_limit": config.keep_checkpoints,
        "load_best_model_at_end": metric is not None,
        "metric_for_best_model": metric,
        "greater_is_better": metric is not None and not metric.endswith(("loss", RANK_DISTANCE)),
        "report_to": "none",
        "use_cpu": not torch.cuda.is_available(),
    }
    try:
        return SentenceTransformerTrainingArguments(**arguments | config.training_arguments)
    except (TypeError, ValueError, ImportError) as error:
        raise UserError(f"training_arguments: {error}") from error


def _prompts(model: SentenceTransformer, negatives: int) -> dict[str, str]:
    """Return the model's prompts by column of the data; negatives have the passages' prompt."""
    columns = PROMPT_NAMES | {f"negative_{n + 1}": "document" for n in range(negatives)}
    saved = {name: prompt for name, prompt in model.prompts.items() if prompt}
    return {column: saved[name] for column, name in columns.items() if name in saved}


def _metric(config: TrainingConfig) -> str | None:
    """Return the trainer's name of what the best checkpoint is chosen by."""
    dataset = config.evaluation_set
    default = "loss" if config.validation else "multilingual_map" if dataset else None
    chosen = config.select_by or default
    if chosen is None:
        if config.patience:
            raise UserError("patience needs validation or evaluate_on: nothing is measured")
        return None
    if chosen == "loss":
        if not config.validation:
            raise UserError("select_by is loss, but there is no validation data; name some")
        return "eval_loss"
    if dataset is None:
        raise UserError(f"select_by is {chosen}, but evaluate_on names no dataset; name one")
    return f"eval_{evaluation_name(dataset)}_{chosen}"


def _checkpoints(config: TrainingConfig) -> Path:
    return config.output / CHECKPOINTS


def _last_checkpoint(config: TrainingConfig) -> str | None:
    """Return the newest checkpoint that is whole; a run may be killed while it writes one."""
    folders = _checkpoints(config).glob("checkpoint-*")
    for folder in sorted(folders, key=lambda path: int(path.name.rpartition("-")[2]), reverse=True):
        if _is_whole(folder):
            return str(folder)
    return None


def _is_whole(checkpoint: Path) -> bool:
    """Decide by what the library writes last: the trainer's state and the random states."""
    processes = _processes()
    ranks = [f"rng_state_{rank}.pth" for rank in range(processes)]
    names = ranks if processes > 1 else ["rng_state.pth"]
    try:
        json.loads((checkpoint / TRAINER_STATE_NAME).read_bytes())
    except (OSError, ValueError):
        return False
    return all((checkpoint / name).is_file() for name in names)


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))
