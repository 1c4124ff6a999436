"""In-batch negatives with an alignment term, a remedy against language bias in the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, util
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss


class AlignedRankingLoss(MultipleNegativesRankingLoss):
    """`MultipleNegativesRankingLoss` plus the mean squared distance of a query and its passage.

    The term is the alignment of Wang and Isola (arXiv 2005.10242, section 4.1, with exponent 2),
    of embeddings of length 1. In cross-lingual batches it pulls two languages together.

    Args:
        model: The model to train.
        scale: Scale of similarities, the inverse of the temperature.
        similarity_fct: Similarity of embeddings.
        gather_across_devices: Whether several processes share each batch.
        alignment: Weight of the term; 0 leaves in-batch negatives alone.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        scale: float = 20.0,
        similarity_fct: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = util.cos_sim,
        gather_across_devices: bool = False,
        alignment: float = 1.0,
    ) -> None:
        super().__init__(model, scale, similarity_fct, gather_across_devices)
        self.alignment = alignment

    def compute_loss_from_embeddings(
        self, embeddings: list[torch.Tensor], labels: torch.Tensor
    ) -> torch.Tensor:
        """Return the loss of a batch, whose first two columns are queries and their passages."""
        queries, passages = (torch.nn.functional.normalize(own, dim=-1) for own in embeddings[:2])
        distance = (queries - passages).square().sum(dim=-1).mean()
        contrast = super().compute_loss_from_embeddings(embeddings, labels)
        return contrast + self.alignment * distance

    def get_config_dict(self) -> dict[str, Any]:
        """Return the arguments, for the model card."""
        return {**super().get_config_dict(), "alignment": self.alignment}
