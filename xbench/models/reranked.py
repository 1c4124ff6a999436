"""A first stage and a cross-encoder that ranks again what the first stage ranks first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mteb.models import CrossEncoderProtocol, ModelMeta

from xbench._util.errors import UserError
from xbench.models.lookup import find_model
from xbench.models.objects import object_source
from xbench.models.options import ModelOptions
from xbench.models.source import ModelSource


@dataclass(eq=False)
class Reranked:
    """Two stages of a search.

    Attributes:
        first: An mteb encoder or search model.
        second: An mteb cross-encoder.
        top: Passages of each query that the second stage ranks.
        mteb_model_meta: Metadata of the first stage, whose name the results have.
    """

    first: Any
    second: CrossEncoderProtocol
    top: int
    mteb_model_meta: ModelMeta


def cross_encoder_source(second: Any, options: ModelOptions, *, offline: bool) -> ModelSource:  # noqa: ANN401
    """Find the cross-encoder of a second stage.

    Args:
        second: What ``--rerank`` takes, or an object.
        options: The options of the first stage.
        offline: Whether the network must not be used.

    Raises:
        UserError: If there is no such model.
    """
    named = isinstance(second, str)
    own = ModelOptions(
        model=second if named else type(second).__name__,
        device=options.device if named else None,
        trust_remote_code=options.trust_remote_code and named,
    )
    try:
        if named:
            return find_model(own, offline=offline, plain="CrossEncoder")
        return object_source(second, own)
    except UserError as error:
        raise UserError(str(error).replace("--model", "--rerank")) from error


def reranked_source(first: ModelSource, second: ModelSource, options: ModelOptions) -> ModelSource:
    """Return a first stage and a second as one model."""
    from xbench.models.forms import as_model
    from xbench.models.loading import load_model

    plain = replace(options, rerank=None)

    def load() -> Reranked:
        other = as_model(second.load(), second.meta, f"--rerank {options.rerank}")
        if not isinstance(other, CrossEncoderProtocol):
            raise UserError(
                f"--rerank {options.rerank}: got a {type(other).__name__}; expected a "
                "cross-encoder: sentence-transformers' CrossEncoder, or an mteb cross-encoder"
            )
        return Reranked(load_model(first, plain), other, options.rerank_top, first.meta)

    known = f"{second.meta.name}@{second.meta.revision}".replace("/", "-")
    return replace(
        first,
        load=load,
        is_object=first.is_object and second.is_known,
        is_known=first.is_known and second.is_known,
        settings={**first.settings, "rerank": known, "rerank_top": options.rerank_top},
    )
