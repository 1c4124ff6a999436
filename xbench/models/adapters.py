"""Objects of other forms as mteb models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mteb.models import CrossEncoderProtocol, EncoderProtocol, ModelMeta, SearchProtocol
from mteb.models.abs_encoder import AbsEncoder
from mteb.similarity_functions import cos_sim, pairwise_cos_sim
from mteb.types import PromptType

from xbench.models.calls import Call, EncodeTexts
from xbench.models.vectors import FloatArray

if TYPE_CHECKING:
    from mteb.abstasks.task_metadata import TaskMetadata

UNNAMED = "no_model_name/available"
"""What mteb calls a model without a name."""


def own_meta(model: Any) -> ModelMeta | None:  # noqa: ANN401
    """Return a model's metadata if they name it."""
    meta = getattr(model, "mteb_model_meta", None)
    named = isinstance(meta, ModelMeta) and meta.name not in (None, "", UNNAMED)
    return meta if named else None


def with_declared(meta: ModelMeta, model: Any) -> ModelMeta:  # noqa: ANN401
    """Return metadata with what a model declares of itself: its size, licence, training data.

    Args:
        meta: Name, revision and settings, which stay.
        model: The model.
    """
    declared = own_meta(model)
    if declared is None:
        return meta
    kept = {"name", "revision", "experiment_kwargs", "loader", "loader_kwargs"}
    said = {name: getattr(declared, name) for name in type(declared).model_fields.keys() - kept}
    return meta.model_copy(update={name: own for name, own in said.items() if own is not None})


class TextsEncoder(AbsEncoder):
    """An object that encodes texts, as an mteb encoder.

    Args:
        model: The object; its `similarity` is used if it has one, the cosine otherwise.
        meta: Name and revision.
        encode: Encodes texts with it.
    """

    def __init__(self, model: Any, meta: ModelMeta, encode: EncodeTexts) -> None:  # noqa: ANN401
        self.model = model
        self.mteb_model_meta = meta
        self._encode = encode

    def encode(
        self,
        inputs: Any,  # noqa: ANN401
        *,
        task_metadata: TaskMetadata,
        prompt_type: PromptType | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> FloatArray:
        """Encode texts, with the prompt of their role if one was chosen."""
        name = self.get_prompt_name(task_metadata, prompt_type)
        prompt = (self.model_prompts or {}).get(name or "", "")
        texts = [prompt + text for batch in inputs for text in batch["text"]]
        is_query = prompt_type == PromptType.query
        size = int(kwargs.get("batch_size") or 32)
        encoded: FloatArray = self._encode(Call(texts, is_query, task_metadata.name, size))
        return encoded

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:  # noqa: ANN401
        """Return the similarity of all pairs: the model's own, or the cosine."""
        return _similarity(self.model, embeddings1, embeddings2)


def _similarity(model: Any, one: Any, other: Any) -> Any:  # noqa: ANN401
    own = getattr(model, "similarity", None)
    return own(one, other) if callable(own) else cos_sim(one, other)


class _Named:
    """An mteb model without a name, under one; what is not here is the model's own.

    Args:
        model: The model.
        meta: Name and revision.
    """

    def __init__(self, model: Any, meta: ModelMeta) -> None:  # noqa: ANN401
        self._inner = model
        self.mteb_model_meta = meta

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__") or name == "_inner":
            raise AttributeError(name)
        return getattr(self._inner, name)


class NamedEncoder(_Named):
    """An mteb encoder under a name."""

    @classmethod
    def of(cls, model: Any, meta: ModelMeta) -> Any:  # noqa: ANN401
        """Return the model itself if it is complete and has a name."""
        whole = isinstance(model, EncoderProtocol) and own_meta(model)
        return model if whole else cls(model, meta)

    def encode(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Encode as the model does."""
        return self._inner.encode(*args, **kwargs)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:  # noqa: ANN401
        """Return the similarity of all pairs: the model's own, or the cosine."""
        return _similarity(self._inner, embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:  # noqa: ANN401
        """Return the similarity of each pair: the model's own, or the cosine."""
        own = getattr(self._inner, "similarity_pairwise", pairwise_cos_sim)
        return own(embeddings1, embeddings2)


class NamedSearch(_Named):
    """An mteb search model under a name."""

    @classmethod
    def of(cls, model: Any, meta: ModelMeta) -> Any:  # noqa: ANN401
        """Return the model itself if it has a name."""
        return model if isinstance(model, SearchProtocol) and own_meta(model) else cls(model, meta)

    def index(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Index as the model does."""
        self._inner.index(*args, **kwargs)

    def search(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Search as the model does."""
        return self._inner.search(*args, **kwargs)


class NamedCrossEncoder(_Named):
    """An mteb cross-encoder under a name."""

    @classmethod
    def of(cls, model: Any, meta: ModelMeta) -> Any:  # noqa: ANN401
        """Return the model itself if it has a name."""
        whole = isinstance(model, CrossEncoderProtocol) and own_meta(model)
        return model if whole else cls(model, meta)

    def predict(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Score pairs as the model does."""
        return self._inner.predict(*args, **kwargs)
