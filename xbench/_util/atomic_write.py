"""Writing files whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from xbench._util.errors import UserError


def write_atomically(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Write a file whole or not at all, making its folder.

    Args:
        path: The file.
        content: What it shall hold.
        lasting: Whether to wait until a loss of power cannot undo it; not needed for what can be
            made again.

    Raises:
        UserError: If the disk is full or the place cannot be written.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}). Make room or choose another place; "
            "what was finished before is kept."
        ) from error
    finally:
        if path.parent.is_dir():
            temporary.unlink(missing_ok=True)
