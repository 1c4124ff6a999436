"""Tell whether two models, or one model at two times, give the same embeddings."""

from __future__ import annotations

import hashlib
from typing import Any
from weakref import WeakKeyDictionary

import torch

_IDENTITY: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_SAMPLE = 64


def remember_identity(model: Any, identity: str) -> None:  # noqa: ANN401
    """Record what decides the weights of a model that was just loaded."""
    _IDENTITY[model] = f"{identity}\0{change_token(model)}"


def model_identity(model: Any) -> str | None:  # noqa: ANN401
    """Return what decides a model's weights, or None if that cannot be told.

    A model that xbench loaded, unchanged since, has the identity of its source. Any other torch
    model has the digest of its weights. For other objects nothing can be told, so that their
    embeddings must not outlive them.
    """
    token = change_token(model)
    known, _, known_token = _IDENTITY.get(model, "").partition("\0")
    if known and known_token == token:
        return known
    module = _module(model)
    return None if module is None else f"weights:{_digest(module)}"


def change_token(model: Any) -> str:  # noqa: ANN401
    """Return a value that changes when the weights of a torch model change.

    It holds every tensor's version counter and place in memory, and the sum of a sample of its
    values, so that it is cheap on a model of any size.
    """
    module = _module(model)
    if module is None:
        return ""
    token = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        step = max(1, tensor.numel() // _SAMPLE)
        sample = tensor.detach().reshape(-1)[::step].double().sum().item()
        token.update(f"{name} {tensor._version} {tensor.data_ptr()} {sample!r}\n".encode())
    return token.hexdigest()


def _module(model: Any) -> torch.nn.Module | None:  # noqa: ANN401
    for candidate in (model, getattr(model, "model", None)):
        if isinstance(candidate, torch.nn.Module):
            return candidate
    return None


def _digest(module: torch.nn.Module) -> str:
    digest = hashlib.sha256(repr(module).encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
