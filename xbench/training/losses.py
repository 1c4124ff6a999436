"""Losses by name, sentence-transformers' and two of ours, with options as YAML has them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, util
from sentence_transformers.sentence_transformer import losses

from xbench._util.errors import UserError, did_you_mean
from xbench.training.batching.texts import TextTable
from xbench.training.corpora.pairs import ParallelPairs
from xbench.training.corpora.reading import SCORES
from xbench.training.language_losses import AlignedRankingLoss, LanguageAdversarialLoss

LOSSES: dict[str, Any] = {
    **{name: getattr(losses, name) for name in losses.__all__ if name.endswith("Loss")},
    **{own.__name__: own for own in (AlignedRankingLoss, LanguageAdversarialLoss)},
}

SCORED = frozenset(
    {
        *("CoSENTLoss", "AnglELoss", "CosineSimilarityLoss", "ContrastiveLoss"),
        *("OnlineContrastiveLoss", "SoftmaxLoss", "BatchAllTripletLoss", "BatchHardTripletLoss"),
        *("BatchSemiHardTripletLoss", "BatchHardSoftMarginTripletLoss"),
    }
)
"""Losses of texts with a score or a label."""

TAUGHT = frozenset({"MarginMSELoss", "DistillKLDivLoss", "EmbedDistillLoss"})
"""Losses that compare with what a teacher says."""

WITH_NEGATIVES = frozenset({"TripletLoss", "MarginMSELoss", "DistillKLDivLoss"})

INNER = "MultipleNegativesRankingLoss"
"""The loss that another is put around, where none is named."""

FUNCTIONS = ("similarity_fct", "distance_metric")
MODULES = ("loss_fct", "cos_score_transformation")


def make_loss(
    name: str,
    options: Mapping[str, Any],
    model: SentenceTransformer,
    *,
    scale: float,
    gather: bool = False,
    languages: Sequence[str] = (),
) -> torch.nn.Module:
    """Return a loss.

    Args:
        name: Name of a loss of sentence-transformers, or of one of `language_losses`.
        options: Its arguments. Functions and modules are given by name (``similarity_fct:
            cos_sim``), a guide as the name or folder of its model, and for a loss around another
            that one as ``loss`` with its own ``loss_options``.
        model: The model to train.
        scale: Scale of the loss, if it has one and the options give none.
        gather: Whether several processes share each batch.
        languages: Languages of the training data, for a loss that takes them.

    Raises:
        UserError: If there is no such loss, or it does not take an option.
    """
    check_loss(name)
    loss = LOSSES[name]
    accepted = _accepted(loss)
    given = dict(options)
    if "scale" in accepted:
        given.setdefault("scale", scale)
    if "languages" in accepted:
        given.setdefault("languages", languages)
    if gather and "gather_across_devices" in accepted:
        given.setdefault("gather_across_devices", True)
    if "loss" in accepted:
        inner = given.pop("loss", INNER)
        inner_options = given.pop("loss_options", {})
        given["loss"] = make_loss(
            inner, inner_options, model, scale=scale, gather=gather, languages=languages
        )
    if unknown := sorted(given.keys() - set(accepted)):
        raise UserError(
            f"loss_options: {name} has no {', '.join(unknown)}; it takes {', '.join(accepted)}"
        )
    try:
        values = {option: _value(option, value) for option, value in given.items()}
        return loss(model, **values)  # type: ignore[no-any-return]
    except (TypeError, ValueError, OSError) as error:
        raise UserError(f"loss {name} with {dict(options)}: {error}") from error


def check_loss(name: str) -> None:
    """Refuse a loss that does not exist.

    Raises:
        UserError: If it is not one of those known.
    """
    if name not in LOSSES:
        known = list(LOSSES)
        raise UserError(
            f"loss is {name!r}; expected one of {', '.join(known)}{did_you_mean(name, known)}"
        )


def check_fits(name: str, options: Mapping[str, Any], corpus: ParallelPairs | TextTable) -> None:
    """Refuse a loss that a corpus does not have the columns for.

    Raises:
        UserError: If scores or negatives are missing, or all scores are equal.
    """
    check_loss(name)
    inner = str(options.get("loss", INNER)) if "loss" in _accepted(LOSSES[name]) else name
    if isinstance(corpus, TextTable):
        if inner not in SCORED:
            raise UserError(
                f"corpus {corpus.name}: loss {inner} does not use its scores; expected one of "
                f"{', '.join(sorted(SCORED))}, or another format"
            )
        (column,) = set(corpus.table.column_names) & set(SCORES)
        if len(set(corpus.table[column][:])) < 2:
            raise UserError(
                f"corpus {corpus.name}: all values of {column} are equal, so that {inner} has "
                "nothing to learn from; expected different ones"
            )
        return
    if inner in SCORED:
        raise UserError(
            f"corpus {corpus.name}: loss {inner} needs texts with a score; give format: scored and "
            f"a column {' or '.join(SCORES)}, or another loss"
        )
    if inner in WITH_NEGATIVES and not corpus.negatives:
        raise UserError(
            f"corpus {corpus.name}: loss {inner} needs hard negatives, and no row has any; mine "
            "some with xbench mine, or choose another loss"
        )


def _accepted(loss: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Return a loss's arguments but the model, its parents' too where it passes them on."""
    names: dict[str, None] = {}
    for cls in inspect.getmro(loss):
        parameters = inspect.signature(cls).parameters.values()
        names.update(dict.fromkeys(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return tuple(name for name in names if name not in ("self", "model"))


def _value(option: str, value: Any) -> Any:  # noqa: ANN401
    """Return the value that an option of YAML stands for."""
    if not isinstance(value, str):
        return value
    if option == "guide":
        return load_model(value, "loss_options: guide")
    if option in FUNCTIONS:
        for holder in (util, losses.SiameseDistanceMetric, losses.TripletDistanceMetric):
            found = getattr(holder, value, getattr(holder, value.upper(), None))
            if callable(found) or isinstance(found, Enum):
                return found
    if option in MODULES and hasattr(torch.nn, value):
        return getattr(torch.nn, value)()
    return value


def load_model(name: str, field: str) -> SentenceTransformer:
    """Return a model by its folder or name.

    Raises:
        UserError: If it cannot be loaded.
    """
    try:
        return SentenceTransformer(name)
    except Exception as error:
        raise UserError(
            f"{field} {name}: cannot be loaded ({type(error).__name__}: {error}); expected the "
            "folder or the hub name of a sentence-transformers or transformers model"
        ) from error
