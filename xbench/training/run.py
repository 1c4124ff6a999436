"""One training run, from a configuration to a saved model."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers import EarlyStoppingCallback

from xbench._util.atomic_write import REFUSALS, check_place, usable
from xbench._util.errors import UserError
from xbench._util.hub import hub_access
from xbench.data.download import DataLocation
from xbench.models.model_folder import CHECKPOINTS
from xbench.tasks.own import ParallelRetrieval
from xbench.training.adapters import add_lora, merge_adapter
from xbench.training.arguments import training_arguments
from xbench.training.batching.dataset import PairDataset
from xbench.training.batching.sampler import HybridBatchSampler
from xbench.training.batching.texts import TextTable, TrainingCorpus
from xbench.training.checkpoints import last_checkpoint
from xbench.training.config import TrainingConfig
from xbench.training.corpora.contamination import evaluation_overlaps, refuse_overlap
from xbench.training.corpora.held_out import HELD_OUT, hold_out
from xbench.training.corpora.pairs import ParallelPairs
from xbench.training.corpora.reading import read_pairs, read_scored
from xbench.training.corpora.source import CorpusSource
from xbench.training.evaluator import SettingsEvaluator
from xbench.training.losses import check_fits, load_model, make_loss
from xbench.training.record import begin, finish, is_finished, write_card
from xbench.training.setup import best_by, check_setup
from xbench.training.teacher import Teacher
from xbench.training.trainer import HybridTrainer

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
    check_setup(config)
    corpora = _read(config.data, config, location)
    held = None
    if config.hold_out:
        if not isinstance(corpora[0], ParallelPairs):
            raise UserError(f"hold_out: {config.data[0].title} is not of parallel pairs")
        corpora[0], held = hold_out(corpora[0], config.hold_out, config.seed)
    dataset = _dataset(config, corpora)
    online = any(source.on_hub for source in config.data)
    overlap = evaluation_overlaps(
        _parallel(corpora), location if online else replace(location, offline=True)
    )
    for found in overlap:
        for line in found.lines():
            logger.info(line)
        refuse_overlap(found, config.allow_evaluation_data)
    expected = HybridBatchSampler(dataset, config.batch_size, seed=config.seed).expected
    for own in expected:
        for line in own.lines():
            logger.info(line)
        for warning in own.warnings():
            logger.warning(warning)
    last = last_checkpoint(config.output / CHECKPOINTS, _processes())
    trainer = make_trainer(config, dataset, location, held)
    begin(config, corpora, overlap, expected)
    with usable(config.output, refusals=REFUSALS):
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        if trainer.is_world_process_zero():
            merge_adapter(trainer.model)
            trainer.model.save_pretrained(str(config.output))
            write_card(config.output, finish(config, trainer.state))
    trainer.accelerator.wait_for_everyone()
    return config.output


def _dataset(config: TrainingConfig, corpora: Sequence[ParallelPairs | TextTable]) -> PairDataset:
    """Return the training data, checking that batches and losses can be made of each corpus."""
    parts: list[TrainingCorpus | TextTable] = []
    for source, corpus in zip(config.data, corpora, strict=True):
        options = source.loss_options if source.loss else config.loss_options
        check_fits(source.loss or config.loss, options, corpus)
        if isinstance(corpus, TextTable):
            parts.append(corpus)
        else:
            sampling = config.batch_sampling.of_corpus(source.sampling, source.alpha)
            parts.append(TrainingCorpus(corpus, sampling, source.weight))
    return PairDataset(parts, config.batch_sampling, config.negative_language)


def make_trainer(
    config: TrainingConfig,
    dataset: PairDataset,
    location: DataLocation,
    held: ParallelRetrieval | None = None,
) -> HybridTrainer:
    """Return the trainer of a run, ready to train.

    Args:
        config: The run.
        dataset: The training data.
        location: Where the evaluation set is.
        held: Tasks on a part of the data that is not trained on.

    Raises:
        UserError: If the model cannot be loaded, or an option does not apply.
    """
    metric = best_by(config)
    validation = _validation(config, location)
    model = _load(config)
    measured = config.evaluation_set
    evaluators = []
    if measured:
        languages = config.evaluation_languages
        evaluators.append(SettingsEvaluator(measured, languages, location, config.batch_size))
    if held:
        evaluators.append(SettingsEvaluator.of_tasks(HELD_OUT, held, config.batch_size))
    trainer = HybridTrainer(
        model=model,
        args=training_arguments(config, model, dataset, metric),
        train_dataset=dataset,
        eval_dataset=validation,
        loss=_losses(config, model, dataset.languages, validation),
        evaluator=evaluators or None,
        callbacks=[EarlyStoppingCallback(config.patience)] if config.patience else None,
    )
    if config.teacher:
        teacher = Teacher(load_model(config.teacher, "teacher"), config.loss)
        trainer.data_collator.teacher = teacher  # type: ignore[attr-defined]
    return trainer


def _validation(
    config: TrainingConfig, location: DataLocation
) -> PairDataset | dict[str, PairDataset] | None:
    corpora = _read(config.validation, config, location)
    for corpus in corpora:
        check_fits(config.loss, config.loss_options, corpus)
    if not corpora:
        return None
    sampling = replace(config.batch_sampling, sampling="monolingual")
    if not config.separate_validation:
        return PairDataset(corpora, sampling)
    return {corpus.name: PairDataset([corpus], sampling) for corpus in corpora}


def _losses(
    config: TrainingConfig,
    model: SentenceTransformer,
    languages: Sequence[str],
    validation: PairDataset | dict[str, PairDataset] | None,
) -> torch.nn.Module | dict[str, torch.nn.Module]:
    """Return the run's loss, or one for each corpus where some corpus has its own."""

    def loss(name: str, options: Mapping[str, Any]) -> torch.nn.Module:
        scale, gather = 1 / config.temperature, _processes() > 1
        return make_loss(name, options, model, scale=scale, gather=gather, languages=languages)

    usual = loss(config.loss, config.loss_options)
    if not any(source.loss for source in config.data):
        return usual
    names = {source.title: usual for source in config.validation} if validation else {}
    return names | {
        source.title: loss(source.loss, source.loss_options) if source.loss else usual
        for source in config.data
    }


def _parallel(corpora: Sequence[ParallelPairs | TextTable]) -> list[ParallelPairs]:
    return [own for own in corpora if isinstance(own, ParallelPairs)]


def _read(
    sources: Sequence[CorpusSource], config: TrainingConfig, location: DataLocation
) -> list[ParallelPairs | TextTable]:
    corpora: list[ParallelPairs | TextTable] = []
    for source in sources:
        if source.format == "scored":
            corpora.append(TextTable(source.title, read_scored(source, location.cache_dir)))
            continue
        if config.languages and not source.languages:
            source = replace(source, languages=config.languages)
        pairs = read_pairs(source, location.cache_dir)
        for line in pairs.report.lines():
            logger.info(line)
        corpora.append(pairs)
    return corpora


def _load(config: TrainingConfig) -> SentenceTransformer:
    model = load_model(config.base_model, "base_model")
    if config.max_length is not None:
        model.max_seq_length = config.max_length
    for name, prompt in (("query", config.query_prompt), ("document", config.passage_prompt)):
        if prompt is not None:
            model.prompts[name] = prompt
    if config.lora is not None:
        add_lora(model, config.lora)
    return model


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))
