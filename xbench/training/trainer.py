"""sentence-transformers' trainer with batches drawn by xbench's sampler."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from torch.utils.data import BatchSampler
from transformers.trainer import TRAINING_ARGS_NAME

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.training.adapters import ADAPTER_WEIGHTS, has_adapter, load_trained, save_trained
from xbench.training.batching.dataset import PairDataset, PairTexts, merged
from xbench.training.batching.sampler import HybridBatchSampler
from xbench.training.batching.texts import TextTable
from xbench.training.language_losses import needs_languages
from xbench.training.teacher import Teacher

PAIRS = "pairs"
PROMPT_NAMES = {"query": "query", "passage": "document"}
"""Name under which a model saves the prompt of a column."""


class PairCollator(SentenceTransformerDataCollator):
    """The library's collator, which also keeps which pairs a batch is made of.

    Attributes:
        teacher: Labels each batch, where a loss distils.
    """

    teacher: Teacher | None = None

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the batch that the features make."""
        batch: dict[str, Any] = super().__call__(features)
        if self.teacher is not None:
            columns = [name for name in features[0] if name != "dataset_name"]
            batch["label"] = self.teacher.labels(features, columns)
        pairs = [item.pair for item in features if isinstance(item, PairTexts)]
        if pairs:
            batch[PAIRS] = torch.tensor(pairs)
        return batch


class HybridTrainer(SentenceTransformerTrainer):
    """Train on monolingual, cross-lingual or hybrid batches of parallel pairs (arXiv 2408.10536).

    Takes what the library's trainer takes. Where a dataset is a `PairDataset`, or one of a dict is,
    batches are drawn by `HybridBatchSampler`; datasets without one are trained on as the library
    does. The batch size is that of the whole batch: several processes share each batch between
    them, so that they draw the batches, and with a loss that gathers across devices reach the
    losses, of one process. Prompts given by column are saved in the model under the names that
    `encode_query` and `encode_document` look for. A loss that is not finite stops the training
    before the step that would spoil the weights, and names its batch. Of a model with an adapter of
    peft, checkpoints have the weights that are trained.

    Args:
        model: The model to train.
        args: The library's training arguments.
        train_dataset: The training data.
        eval_dataset: Data whose loss is measured during training.
        loss: A loss, or one for each corpus or dataset by name.
        *rest: As the library's trainer takes them.
        **others: As the library's trainer takes them.

    Raises:
        UserError: If the batch cannot be shared evenly between the processes, if losses are
            missing, or if `args.batch_sampler` asks for other batches than these.
    """

    data_collator_class = PairCollator

    def __init__(
        self,
        model: SentenceTransformer | None = None,
        args: SentenceTransformerTrainingArguments | None = None,
        train_dataset: Any = None,  # noqa: ANN401
        eval_dataset: Any = None,  # noqa: ANN401
        loss: Any = None,  # noqa: ANN401
        *rest: Any,  # noqa: ANN401
        **others: Any,  # noqa: ANN401
    ) -> None:
        train_dataset, eval_dataset = _own_batches(train_dataset), _own_evaluation(eval_dataset)
        ours = isinstance(train_dataset, PairDataset)
        if ours:
            args = args or self.training_args_class(output_dir="tmp_trainer")
            _check_arguments(args)
        by_corpus = loss if ours and isinstance(loss, dict) else None
        if by_corpus is not None:
            _check_losses(by_corpus, train_dataset, eval_dataset)
            loss = next(iter(by_corpus.values()))
        self._named_losses = by_corpus is not None
        super().__init__(model, args, train_dataset, eval_dataset, loss, *rest, **others)
        if by_corpus is not None:
            self.loss = {
                name: self.prepare_loss(own, self.model) for name, own in by_corpus.items()
            }
        losses = self.loss.values() if isinstance(self.loss, dict) else [self.loss]
        self._gives_languages = ours and any(map(needs_languages, losses))
        prompts = self.args.prompts
        if isinstance(prompts, dict) and not self._nested_prompts:
            for column, name in PROMPT_NAMES.items():
                if isinstance(prompt := prompts.get(column), str):
                    self.model.prompts[name] = prompt

    @property
    def _nested_prompts(self) -> bool:
        prompts = self.args.prompts
        return isinstance(prompts, dict) and any(isinstance(v, dict) for v in prompts.values())

    def preprocess_dataset(self, dataset: Any = None, dataset_name: str | None = None) -> Any:  # noqa: ANN401
        """Return a dataset ready to be trained or evaluated on."""
        dataset = _own_evaluation(dataset)
        for own in _datasets(dataset):
            own.named = self._named_losses or self._nested_prompts
        return super().preprocess_dataset(dataset, dataset_name)

    def validate_column_names(self, dataset: Any, dataset_name: str | None = None) -> None:  # noqa: ANN401
        """Refuse names of columns that are in use, in each corpus of ours.

        Raises:
            ValueError: If a column has such a name.
        """
        if isinstance(dataset, PairDataset):
            for own in dataset.corpora:
                if isinstance(own, TextTable):
                    super().validate_column_names(own.table, own.name)
        else:
            super().validate_column_names(dataset, dataset_name)

    def get_batch_sampler(
        self,
        dataset: Dataset,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: list[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> BatchSampler | None:
        """Return `HybridBatchSampler` for parallel pairs, and for others the library's choice.

        The library drops rows as soon as there are several processes, lest a batch be short; none
        of ours is, so no row is dropped.
        """
        if isinstance(dataset, PairDataset):
            return HybridBatchSampler(dataset, batch_size, seed=seed)
        return super().get_batch_sampler(
            dataset, batch_size, drop_last, valid_label_columns, generator, seed
        )

    def should_dataset_name_column_be_added(self, dataset: Any, args: Any, loss: Any) -> bool:  # noqa: ANN401
        """Return whether items need the name of their dataset."""
        return (self._named_losses and isinstance(dataset, dict)) or bool(
            super().should_dataset_name_column_be_added(dataset, args, loss)
        )

    def add_dataset_name_column(self, dataset: Any, dataset_name: str | None = None) -> Any:  # noqa: ANN401
        """Let the items of a dataset have its name; ours have that of their corpus."""
        if isinstance(dataset, PairDataset):
            dataset.named = True
            return dataset
        return super().add_dataset_name_column(dataset, dataset_name)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401
        if not has_adapter(self.model):
            super()._save(output_dir, state_dict)
            return
        folder = Path(output_dir or str(self.args.output_dir))
        save_trained(self.model, folder)
        torch.save(self.args, folder / TRAINING_ARGS_NAME)

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:  # type: ignore[override]
        if (Path(checkpoint_path) / ADAPTER_WEIGHTS).is_file():
            load_trained(self.model, Path(checkpoint_path))
        else:
            super()._load_from_checkpoint(checkpoint_path)

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Run one step.

        Raises:
            UserError: If its loss is not finite.
        """
        pairs = inputs.pop(PAIRS, None)
        if self._gives_languages and pairs is not None:
            inputs.setdefault("label", pairs[:, 1:])
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        if not torch.isfinite(loss):
            raise UserError(self._not_finite(float(loss), pairs))
        return loss

    def _not_finite(self, loss: float, pairs: torch.Tensor | None) -> str:
        step = self.state.global_step + 1
        message = (
            f"step {step}: the loss is {loss}; training stopped before this step changed the "
            "weights. Lower the learning rate, or use bf16 or fp32 in place of fp16"
        )
        if pairs is None or not isinstance(self.train_dataset, PairDataset):
            return message
        lines = self.train_dataset.describe(pairs.tolist())
        path = Path(str(self.args.output_dir)) / f"batch-of-step-{step}.json"
        write_atomically(path, json.dumps(lines, indent=1, ensure_ascii=False).encode())
        return f"{message}. The batch that made it is in {path}; it begins with {lines[0]}"


def _own_batches(dataset: Any) -> Any:  # noqa: ANN401
    """Return a training dataset; a dict with one of ours as a single one, named by its keys.

    Raises:
        UserError: If a stream is among them.
    """
    if not isinstance(dataset, dict) or not any(
        isinstance(own, PairDataset) for own in dataset.values()
    ):
        return dataset
    for name, own in dataset.items():
        if not isinstance(own, Dataset):
            raise UserError(
                f"train_dataset {name!r} is {type(own).__name__}; expected a Dataset or a "
                "PairDataset: the batches of parallel pairs are drawn by row number, which a "
                "stream does not have"
            )
    return merged(dataset)


def _own_evaluation(dataset: Any) -> Any:  # noqa: ANN401
    """Return a dataset to evaluate on; those of ours in a dict are named by their keys."""
    if not isinstance(dataset, dict) or not any(_datasets(dataset)):
        return dataset
    return DatasetDict(
        {
            name: merged({name: own}) if isinstance(own, PairDataset) else own
            for name, own in dataset.items()
        }
    )


def _datasets(*datasets: Any) -> Iterator[PairDataset]:  # noqa: ANN401
    for dataset in datasets:
        found = dataset.values() if isinstance(dataset, dict) else [dataset]
        yield from (own for own in found if isinstance(own, PairDataset))


def _check_losses(losses: Mapping[str, Any], train: PairDataset, evaluated: Any) -> None:  # noqa: ANN401
    """Refuse losses by name where a corpus has none."""
    names = {own.name for dataset in _datasets(train, evaluated) for own in dataset.corpora}
    if missing := sorted(names - losses.keys()):
        raise UserError(
            f"loss: none for {', '.join(missing)}; it has {', '.join(losses)}; expected one for "
            "each corpus"
        )


def _check_arguments(args: SentenceTransformerTrainingArguments) -> None:
    """Let several processes share each batch, where the library would give each its own.

    Raises:
        UserError: If they cannot share it evenly, or other batches are asked for.
    """
    sampler = args.batch_sampler
    if sampler not in (BatchSamplers.BATCH_SAMPLER, HybridBatchSampler):
        name = getattr(sampler, "value", getattr(sampler, "__name__", sampler))
        raise UserError(
            f"args.batch_sampler is {name}, but the batches of a PairDataset are drawn by "
            "HybridBatchSampler, in which no two texts are equal; leave batch_sampler out"
        )
    args.accelerator_config.split_batches = True  # type: ignore[union-attr]
    for option in ("per_device_train_batch_size", "per_device_eval_batch_size"):
        if (size := getattr(args, option)) % args.world_size:
            raise UserError(
                f"{option} is {size}, which {args.world_size} processes cannot share evenly; "
                f"expected a multiple of {args.world_size}"
            )
