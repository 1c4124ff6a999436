"""Names of models whose embeddings were truncated or quantised: ``org/model@dim=128,int8``."""

from __future__ import annotations

import re
from collections.abc import Mapping

LABEL = re.compile(r"(?:dim=(\d+))?(?:(?:^|,)(int8|binary))?")


def label(settings: Mapping[str, object]) -> str:
    """Return how a variant is named; nothing if the embeddings are as the model returns them.

    >>> label({"dim": 128, "quantize": "int8"}), label({"quantize": "binary"}), label({})
    ('dim=128,int8', 'binary', '')
    """
    dim, quantize = settings.get("dim"), settings.get("quantize")
    parts = [f"dim={dim}" if dim else "", str(quantize or "")]
    return ",".join(filter(None, parts))


def is_label(text: str) -> bool:
    """Return whether a text names a variant.

    >>> is_label("dim=128,int8"), is_label("int8"), is_label("1a2b3c"), is_label("")
    (True, True, False, False)
    """
    return bool(text) and LABEL.fullmatch(text) is not None


def named(model: str, settings: str) -> str:
    """Return the name of a model that was run with settings.

    >>> named("org/m", "dim=128, max_length=64, quantize=int8"), named("org/m", "max_length=64")
    ('org/m (max_length=64)@dim=128,int8', 'org/m (max_length=64)')
    """
    items = [item for item in settings.split(", ") if item]
    variant = {k: v for k, _, v in (item.partition("=") for item in items) if k in VARIANT}
    others = [item for item in items if item.partition("=")[0] not in VARIANT]
    shown = f"{model} ({', '.join(others)})" if others else model
    return f"{shown}@{label(variant)}" if variant else shown


def of_folder(name: str) -> tuple[str, str]:
    """Return the variant that a folder of settings names, and its other settings.

    >>> of_folder("dim_128__max_length_64__quantize_int8")
    ('dim=128,int8', 'max_length_64')
    """
    items = name.split("__")
    variant = {k: v for k, _, v in (item.partition("_") for item in items) if k in VARIANT}
    others = [item for item in items if item.partition("_")[0] not in VARIANT]
    return label(variant), "__".join(others)


VARIANT = ("dim", "quantize")
"""The settings that make a variant."""
