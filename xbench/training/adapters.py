"""LoRA: training a few small matrices instead of all weights, and merging them into the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from xbench._util.errors import UserError

ADAPTER_WEIGHTS = "trained.safetensors"
"""Weights of a checkpoint that are trained; the others are the base model's."""


def add_lora(model: SentenceTransformer, options: Mapping[str, Any]) -> None:
    """Put LoRA around the encoder of a model.

    Args:
        model: The model; changed in place.
        options: Fields of peft's `LoraConfig`, such as ``r`` and ``target_modules``.

    Raises:
        UserError: If peft is not installed, or does not take the options for this model.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise UserError("lora needs the package peft; run pip install peft") from error
    known = [field.name for field in fields(LoraConfig)]
    if unknown := sorted(set(options) - set(known)):
        raise UserError(f"lora: no {', '.join(unknown)}; it takes {', '.join(known)}")
    try:
        encoder: Any = model[0]
        encoder.model = get_peft_model(encoder.model, LoraConfig(**options))
    except (TypeError, ValueError) as error:
        raise UserError(f"lora: {error}") from error


def has_adapter(model: torch.nn.Module) -> bool:
    """Return whether a part of a model is trained by way of peft."""
    return any(hasattr(module, "merge_and_unload") for module in model.modules())


def merge_adapter(model: SentenceTransformer) -> None:
    """Add what was trained to the weights of the model, which then is an ordinary one again."""
    encoder: Any = model[0]
    if hasattr(encoder.model, "merge_and_unload"):
        encoder.model = encoder.model.merge_and_unload()


def save_trained(model: torch.nn.Module, folder: Path) -> None:
    """Save the weights that are trained."""
    trained = {
        name: weight.detach().cpu().contiguous()
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(trained, str(folder / ADAPTER_WEIGHTS))


def load_trained(model: torch.nn.Module, folder: Path) -> None:
    """Load the weights that `save_trained` saved."""
    model.load_state_dict(load_file(str(folder / ADAPTER_WEIGHTS)), strict=False)
