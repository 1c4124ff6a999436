"""What a teacher says of the texts of a batch, as labels of a loss that distils."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, util

EMBEDDINGS = "EmbedDistillLoss"


class Teacher:
    """Labels batches with a model's embeddings, or with its scores of each passage.

    Args:
        model: The teacher; it encodes queries and passages with the prompts that it has.
        loss: The loss that is to use the labels: embeddings for `EmbedDistillLoss`, else the
            scores of the positive and of each negative.
    """

    def __init__(self, model: SentenceTransformer, loss: str) -> None:
        self.model = model
        self.loss = loss

    def labels(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> torch.Tensor:
        """Return the labels of a batch.

        Args:
            rows: The texts of each row by column.
            columns: The columns, that of the queries first.

        Returns:
            Shape (rows, columns, dimension) of embeddings, or (rows, columns - 1) of scores.
        """
        embeddings = [
            self._encode([str(row[column]) for row in rows], query=number == 0)
            for number, column in enumerate(columns)
        ]
        if self.loss == EMBEDDINGS:
            return torch.stack(embeddings, dim=1)
        query, *passages = embeddings
        return torch.stack([util.pairwise_dot_score(query, own) for own in passages], dim=1)

    def _encode(self, texts: list[str], *, query: bool) -> torch.Tensor:
        encode = self.model.encode_query if query else self.model.encode_document
        found: torch.Tensor = encode(texts, convert_to_tensor=True, show_progress_bar=False)
        return found.detach().cpu().float()
