"""Whether the network may be used, and for how long a server that fails is tried again.

The Hugging Face libraries read the environment once, when they are imported, which may be long
before an option or a variable says that they must not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
"""Environment variables that the libraries read."""

SWITCHES = (
    ("huggingface_hub.constants", "HF_HUB_OFFLINE"),
    ("datasets.config", "HF_HUB_OFFLINE"),
    ("datasets.config", "HF_DATASETS_OFFLINE"),
    ("transformers.utils.hub", "_is_offline_mode"),
)
"""Where they keep what they read, by module; not every version has each."""

RETRY_SECONDS = 600
"""Seconds for which a server that fails is tried again, unless the user says otherwise."""

_retry_seconds = [RETRY_SECONDS]


def retry_seconds() -> int:
    """Return for how many seconds a server that fails is tried again now."""
    return _retry_seconds[-1]


@contextmanager
def retrying(seconds: int) -> Iterator[None]:
    """Try servers that fail again for some seconds, in all threads."""
    _retry_seconds.append(seconds)
    try:
        yield
    finally:
        _retry_seconds.pop()


def hub_is_offline() -> bool:
    """Return whether the environment says that the hub must not be asked."""
    return any(
        os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in VARIABLES[:2]
    )


@contextmanager
def hub_access(*, offline: bool, retry_seconds: int = RETRY_SECONDS) -> Iterator[None]:
    """Say how the network is used; it is not, if asked to or if the environment says so now.

    It works whether they are imported already or not, and afterwards they are as they were.

    Args:
        offline: Whether the network must not be used, whatever the environment says.
        retry_seconds: For how long a server that fails is tried again.
    """
    with retrying(retry_seconds), _switched(offline=offline):
        yield


@contextmanager
def _switched(*, offline: bool) -> Iterator[None]:
    before = hub_is_offline()
    if not (offline or before):
        yield
        return
    kept = {name: os.environ.get(name) for name in VARIABLES}
    switches = _switches()
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
    for module, name in switches:
        setattr(sys.modules[module], name, True)
    try:
        yield
    finally:
        for variable, value in kept.items():
            if value is None:
                del os.environ[variable]
            else:
                os.environ[variable] = value
        for module, name in _switches():
            setattr(sys.modules[module], name, switches.get((module, name), before))


def _switches() -> dict[tuple[str, str], bool]:
    """Return the value of each switch of the libraries that are imported."""
    return {
        (module, name): getattr(sys.modules[module], name)
        for module, name in SWITCHES
        if hasattr(sys.modules.get(module), name)
    }
