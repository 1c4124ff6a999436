"""sentence-transformers' trainer with batches drawn by xbench's sampler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from torch.utils.data import BatchSampler

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.training.batching.dataset import PairDataset, PairTexts
from xbench.training.batching.sampler import HybridBatchSampler

PAIRS = "pairs"
PROMPT_NAMES = {"query": "query", "passage": "document"}
"""Name under which a model saves the prompt of a column."""


class PairCollator(SentenceTransformerDataCollator):
    """The library's collator, which also keeps which pairs a batch is made of."""

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the batch that the features make."""
        batch: dict[str, Any] = super().__call__(features)
        pairs = [item.pair for item in features if isinstance(item, PairTexts)]
        if pairs:
            batch[PAIRS] = torch.tensor(pairs)
        return batch


class HybridTrainer(SentenceTransformerTrainer):
    """Train on monolingual, cross-lingual or hybrid batches of parallel pairs (arXiv 2408.10536).

    Takes what the library's trainer takes; where a dataset is a `PairDataset`, its batches are
    drawn by `HybridBatchSampler`. The batch size is that of the whole batch: several processes
    share each batch between them, so that they draw the batches, and with a loss that gathers
    across devices reach the losses, of one process. Prompts given by column are saved in the model
    under the names that `encode_query` and `encode_document` look for. A loss that is not finite
    stops the training before the step that would spoil the weights, and names its batch.

    Args:
        model: The model to train.
        args: The library's training arguments.
        *rest: As the library's trainer takes them.
        **others: As the library's trainer takes them.

    Raises:
        UserError: If the batch cannot be shared evenly between the processes.
    """

    data_collator_class = PairCollator

    def __init__(
        self,
        model: SentenceTransformer | None = None,
        args: SentenceTransformerTrainingArguments | None = None,
        *rest: Any,  # noqa: ANN401
        **others: Any,  # noqa: ANN401
    ) -> None:
        if args is not None:
            _share_batches(args)
        super().__init__(model, args, *rest, **others)
        if isinstance(self.args.prompts, dict):
            for column, name in PROMPT_NAMES.items():
                if isinstance(prompt := self.args.prompts.get(column), str):
                    self.model.prompts[name] = prompt

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


def _share_batches(args: SentenceTransformerTrainingArguments) -> None:
    """Let several processes share each batch, where the library would give each its own."""
    args.accelerator_config.split_batches = True  # type: ignore[union-attr]
    for option in ("per_device_train_batch_size", "per_device_eval_batch_size"):
        if (size := getattr(args, option)) % args.world_size:
            raise UserError(
                f"{option} is {size}, which {args.world_size} processes cannot share evenly; "
                f"expected a multiple of {args.world_size}"
            )
