"""A model whose embeddings are all stored: what is known of it, without its weights.

Ranks from stored embeddings need a model's prompts, maximum length, type and similarity, no more.
They are kept next to the embeddings, so that such a run loads neither weights nor the library.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper
from torch.nn.functional import normalize

from xbench._util.atomic_write import write_atomically
from xbench.models.identity import remember_identity
from xbench.models.options import ModelOptions
from xbench.models.source import ModelSource

FOLDER = "models"
"""Folder of the cache that what is known of models is kept in."""

LIBRARIES = ("mteb", "sentence-transformers", "transformers")
"""Packages whose versions decide what a model's settings are."""

SIMILARITIES = ("cosine", "dot")


@dataclass(frozen=True)
class KnownSettings:
    """What is known of a SentenceTransformer, under its own names.

    Attributes:
        prompts: Prompts that are saved in the model, by name.
        default_prompt_name: Name of the one that texts without a role have.
        max_seq_length: Maximum length in tokens.
        dtype: Type of the weights.
        device: Where it was loaded.
        truncate_dim: How many dimensions are kept.
        similarity_fn_name: How it compares embeddings: the cosine or the dot product.
    """

    prompts: dict[str, str | None]
    default_prompt_name: str | None
    max_seq_length: int | None
    dtype: str
    device: str
    truncate_dim: int | None
    similarity_fn_name: str

    tokenizer = None


class KnownModel(AbsEncoder):
    """A model without its weights, which compares embeddings but makes none.

    Args:
        meta: Name and revision.
        model_prompts: Prompts by the names that mteb gives them.
        settings: What is known of the model.
    """

    def __init__(
        self, meta: ModelMeta, model_prompts: dict[str, str] | None, settings: KnownSettings
    ) -> None:
        self.mteb_model_meta = meta
        self.model_prompts = model_prompts
        self.model = settings

    def encode(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Refuse to encode.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("a model without weights was asked to encode")

    def similarity(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:  # noqa: ANN401
        """Return the similarity of all pairs, in the steps of sentence-transformers."""
        if self.model.similarity_fn_name == "cosine":
            embeddings1, embeddings2 = normalize(embeddings1), normalize(embeddings2)
        return torch.mm(embeddings1, embeddings2.transpose(0, 1))


def remember_model(
    model: Any,  # noqa: ANN401
    source: ModelSource,
    options: ModelOptions,
    cache_dir: Path,
) -> None:
    """Keep what is known of a model that was just loaded, if that is enough to do without it."""
    if type(model) is not SentenceTransformerEncoderWrapper or not _is_certain(source):
        return
    from sentence_transformers import SentenceTransformer

    inner = model.model
    if type(inner) is not SentenceTransformer or inner.similarity_fn_name not in SIMILARITIES:
        return
    length = inner.max_seq_length
    if length is not None and not float(length).is_integer():
        return
    known = KnownSettings(
        prompts=dict(inner.prompts),
        default_prompt_name=inner.default_prompt_name,
        max_seq_length=length,
        dtype=str(inner.dtype),
        device=str(inner.device),
        truncate_dim=inner.truncate_dim,
        similarity_fn_name=inner.similarity_fn_name,
    )
    content = {"model_prompts": model.model_prompts, "settings": asdict(known)}
    write_atomically(_path(source, options, cache_dir), json.dumps(content).encode())


def known_model(source: ModelSource, options: ModelOptions, cache_dir: Path) -> KnownModel | None:
    """Return a model that was loaded before, without its weights; None if it is not known."""
    if not _is_certain(source):
        return None
    with suppress(OSError, ValueError, TypeError, KeyError):
        content = json.loads(_path(source, options, cache_dir).read_bytes())
        settings = KnownSettings(**content["settings"])
        model = KnownModel(source.meta, content["model_prompts"], settings)
        remember_identity(model, str(source.identity))
        return model
    return None


def _is_certain(source: ModelSource) -> bool:
    return source.certain and source.identity is not None and not source.is_object


def _path(source: ModelSource, options: ModelOptions, cache_dir: Path) -> Path:
    own = [source.identity, options.non_default_settings, options.device]
    digest = hashlib.sha256(json.dumps([own, *map(_version, LIBRARIES)]).encode())
    return cache_dir / FOLDER / f"{digest.hexdigest()[:32]}.json"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
