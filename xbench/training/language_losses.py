"""In-batch negatives with a term against language bias: aligned pairs, or an adversary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, util
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.util import all_gather, all_gather_with_grad
from torch.nn.functional import cross_entropy, normalize

from xbench._util.errors import UserError

Similarity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


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
        similarity_fct: Similarity = util.cos_sim,
        gather_across_devices: bool = False,
        alignment: float = 1.0,
    ) -> None:
        super().__init__(model, scale, similarity_fct, gather_across_devices)
        self.alignment = alignment

    def compute_loss_from_embeddings(
        self, embeddings: list[torch.Tensor], labels: torch.Tensor
    ) -> torch.Tensor:
        """Return the loss of a batch, whose first two columns are queries and their passages."""
        queries, passages = (normalize(own, dim=-1) for own in embeddings[:2])
        distance = (queries - passages).square().sum(dim=-1).mean()
        contrast = super().compute_loss_from_embeddings(embeddings, labels)
        return contrast + self.alignment * distance

    def get_config_dict(self) -> dict[str, Any]:
        """Return the arguments, for the model card."""
        return {**super().get_config_dict(), "alignment": self.alignment}


class LanguageAdversarialLoss(MultipleNegativesRankingLoss):
    """`MultipleNegativesRankingLoss` against a classifier of the language of a text.

    The classifier is linear, learns with the model, and reads the embeddings of queries and their
    passages, of length 1, times the scale. Its gradient reaches the model reversed (Ganin et al.
    2016, arXiv 1505.07818, section 4.2), so that the model learns embeddings that do not show
    the language (Chen et al. 2018, arXiv 1606.01614). `HybridTrainer` gives it the languages of
    a batch; without them, as in validation, only the in-batch negatives count.

    Args:
        model: The model to train.
        languages: The languages, in the order of `PairDataset.languages`.
        scale: Scale of similarities, the inverse of the temperature.
        similarity_fct: Similarity of embeddings.
        gather_across_devices: Whether several processes share each batch.
        adversary: What the reversed gradient is multiplied by; 0 lets the classifier look on.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        languages: Sequence[str],
        scale: float = 20.0,
        similarity_fct: Similarity = util.cos_sim,
        gather_across_devices: bool = False,
        adversary: float = 0.1,
    ) -> None:
        super().__init__(model, scale, similarity_fct, gather_across_devices)
        self.languages = tuple(languages)
        self.adversary = adversary
        dimension = model.get_embedding_dimension()
        self.classifier = torch.nn.Linear(int(dimension or 0), len(self.languages))
        for values in self.classifier.parameters():
            torch.nn.init.zeros_(values)

    def compute_loss_from_embeddings(
        self, embeddings: list[torch.Tensor], labels: torch.Tensor
    ) -> torch.Tensor:
        """Return the loss of a batch, whose first two columns are queries and their passages.

        Args:
            embeddings: One tensor for each column, shape (rows, dimension).
            labels: Position of the language of each query and passage, shape (rows, 2).

        Raises:
            UserError: If the embeddings are of another size than the model's.
        """
        contrast = super().compute_loss_from_embeddings(embeddings, labels)
        if getattr(labels, "ndim", 0) != 2:
            return contrast
        texts = torch.cat([normalize(own, dim=-1) for own in embeddings[:2]])
        if texts.shape[1] != self.classifier.in_features:
            raise UserError(
                f"LanguageAdversarialLoss: embeddings of {texts.shape[1]} dimensions; expected "
                f"{self.classifier.in_features}, those of the model. Do not put it in a loss that "
                "shortens embeddings"
            )
        spoken = labels.T.reshape(-1)
        if self.gather_across_devices:
            texts, spoken = all_gather_with_grad(texts), all_gather(spoken)
        seen = _Reversed.apply(texts * self.scale, self.adversary)  # type: ignore[no-untyped-call]
        return contrast + cross_entropy(self.classifier(seen), spoken)

    def get_config_dict(self) -> dict[str, Any]:
        """Return the arguments, for the model card."""
        own = {"languages": list(self.languages), "adversary": self.adversary}
        return {**super().get_config_dict(), **own}


class _Reversed(torch.autograd.Function):
    """The identity, whose gradient is multiplied by a negative factor."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor, factor: float) -> torch.Tensor:  # noqa: ANN401
        context.factor = factor
        return values.view_as(values)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ANN401
        return -context.factor * gradient, None


def needs_languages(loss: Any) -> bool:  # noqa: ANN401
    """Return whether a loss, or one inside it, takes the languages of a batch."""
    parts = loss.modules() if isinstance(loss, torch.nn.Module) else ()
    return any(isinstance(part, LanguageAdversarialLoss) for part in parts)
