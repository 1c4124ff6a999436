"""Return whether two models, or one model at two times, give the same embeddings."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import torch
from mteb.models.sentence_transformer_wrapper import (
    MultiVectorWrapper,
    SentenceTransformerEncoderWrapper,
    SparseEncoderWrapper,
)

WRAPPERS = (SentenceTransformerEncoderWrapper, SparseEncoderWrapper, MultiVectorWrapper)

_IDENTITY: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_UNCERTAIN: WeakSet[Any] = WeakSet()
_SAMPLE = 64


def remember_identity(model: Any, identity: str, *, certain: bool = True) -> None:  # noqa: ANN401
    """Record what decides the embeddings of a model that was just loaded.

    Args:
        model: The model.
        identity: What decides its embeddings.
        certain: Whether the same identity always means the same weights. It does not where code
            makes the model, which may read them from anywhere.
    """
    with suppress(TypeError):
        _IDENTITY[model] = f"{identity}\0{change_token(model)}"
        if not certain:
            _UNCERTAIN.add(model)


def is_certain(model: Any) -> bool:  # noqa: ANN401
    """Return whether the identity of a model always means the same weights."""
    try:
        return model_identity(model) is not None and model not in _UNCERTAIN
    except TypeError:
        return False


def model_identity(model: Any) -> str | None:  # noqa: ANN401
    """Return what decides a model's embeddings besides prompts and length, or None if unknown.

    A model that xbench loaded, unchanged since, has the identity of its source. In mteb's wrapper,
    a SentenceTransformer has the digest of its weights, modules and tokenizer. Of other objects
    nothing is known, so that their embeddings must not outlive them.
    """
    known, _, token = _known(model).partition("\0")
    if known and token == change_token(model):
        return known
    if type(model) not in WRAPPERS:
        return None
    return f"weights:{weights_digest(model.model)}"


def _known(model: Any) -> str:  # noqa: ANN401
    try:
        return _IDENTITY.get(model, "")
    except TypeError:
        return ""


def change_token(model: Any) -> str:  # noqa: ANN401
    """Return a value that changes when a model's text attributes or its torch weights change.

    Of the weights it holds every tensor's version counter and place in memory, and the sum of a
    sample of its values, so that it is cheap on a model of any size.
    """
    plain = {k: v for k, v in sorted(getattr(model, "__dict__", {}).items()) if _is_plain(v)}
    token = hashlib.sha256(repr(plain).encode())
    module = _module(model)
    if module is None:
        return token.hexdigest()
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


def _is_plain(value: object) -> bool:
    """Return whether a value is a setting, and not a counter or cache that encoding changes."""
    if isinstance(value, dict):
        return bool(value) and all(isinstance(item, str) for item in (*value, *value.values()))
    return isinstance(value, str)


def weights_digest(module: Any) -> str:  # noqa: ANN401
    """Return the digest of a SentenceTransformer's weights, modules and tokenizer."""
    tokenizer = getattr(module, "tokenizer", None)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    vocabulary = backend.to_str() if backend is not None else repr(tokenizer)
    digest = hashlib.sha256(f"{module!r}\n{vocabulary}".encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def object_digest(module: Any) -> str:  # noqa: ANN401
    """Return the digest of a SentenceTransformer and of how it was set up."""
    names = ("prompts", "default_prompt_name", "similarity_fn_name", "truncate_dim")
    how = {name: getattr(module, name, None) for name in names}
    return hashlib.sha256(f"{weights_digest(module)}\n{how}".encode()).hexdigest()
