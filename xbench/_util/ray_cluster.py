"""A connection to a Ray cluster."""

from __future__ import annotations

import os
import socket
from typing import Any

from xbench._util.errors import UserError

CONNECT = 10.0
"""Seconds within which a cluster must answer."""


def import_ray(option: str) -> Any:  # noqa: ANN401
    """Return the library.

    Args:
        option: The option that needs it.

    Raises:
        UserError: If it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise UserError(
            f"{option} needs Ray: pip install 'xbench-mteb[ray]', or leave the option out"
        ) from error
    return ray


def connect(ray: Any, given: str | None) -> None:  # noqa: ANN401
    """Connect to a cluster, or start one on this machine.

    Raises:
        UserError: If that fails.
    """
    address = given or os.environ.get("RAY_ADDRESS") or "local"
    options = {"include_dashboard": False} if address == "local" else {}
    try:
        _answers(address)
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **options)
    except (Exception, SystemExit) as error:
        raise UserError(
            f"--ray-address {address}: no Ray cluster can be reached there "
            f"({type(error).__name__}: {error}). Start one with `ray start --head`, or leave "
            "the option out for one on this machine. To a cluster that asks for a token, Ray sends "
            "one only if RAY_AUTH_MODE=token is set"
        ) from error


def _answers(address: str) -> None:
    """Look whether anyone listens at HOST:PORT; Ray itself tries for minutes.

    Raises:
        OSError: If no one does.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "://" not in address:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT).close()


def kept_environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: its threads, and whether the network may be touched."""
    kept = {name: os.environ[name] for name in ("HF_HUB_OFFLINE",) if name in os.environ}
    return {"OMP_NUM_THREADS": str(threads), **kept}
