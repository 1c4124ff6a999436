"""Checkpoints of a run: the newest that is whole, and what an interruption leaves."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from safetensors import SafetensorError, safe_open
from transformers.trainer import TRAINER_STATE_NAME

from xbench._util.errors import UserError

logger = logging.getLogger(__name__)


def last_checkpoint(folder: Path, processes: int) -> Path | None:
    """Return the newest checkpoint that was finished, or None if there is none.

    A run may be killed while it writes one; such a checkpoint is skipped. One that was finished
    and is damaged now is refused, as going on from an earlier one would not be noticed.

    Args:
        folder: Folder of the checkpoints.
        processes: Processes of the run.

    Raises:
        UserError: If it is damaged; the file is named.
    """
    found = [path for path in folder.glob("checkpoint-*") if _step(path) is not None]
    for checkpoint in sorted(found, key=lambda path: _step(path) or 0, reverse=True):
        if _is_finished(checkpoint, processes):
            _refuse_damaged(checkpoint)
            return checkpoint
        logger.info("%s: skipped, as it was not finished", checkpoint)
    return None


def _step(checkpoint: Path) -> int | None:
    text = checkpoint.name.rpartition("-")[2]
    return int(text) if text.isdecimal() else None


def _is_finished(checkpoint: Path, processes: int) -> bool:
    """Decide by what the library writes last: the trainer's state and the random states."""
    ranks = [f"rng_state_{rank}.pth" for rank in range(processes)]
    names = ranks if processes > 1 else ["rng_state.pth"]
    return all((checkpoint / name).is_file() for name in (TRAINER_STATE_NAME, *names)) and (
        (checkpoint / TRAINER_STATE_NAME).stat().st_size > 0
    )


def _refuse_damaged(checkpoint: Path) -> None:
    """Read what a run goes on from.

    Raises:
        UserError: If a file cannot be read.
    """
    for path in sorted(checkpoint.rglob("*")):
        try:
            if path.suffix == ".safetensors":
                with safe_open(str(path), "pt") as weights:
                    weights.keys()
            elif path.suffix == ".json":
                json.loads(path.read_bytes())
            elif path.suffix in (".pt", ".pth"):
                with ZipFile(path) as parts:
                    parts.testzip()
        except (SafetensorError, OSError, ValueError, BadZipFile) as error:
            raise UserError(
                f"{path}: damaged ({type(error).__name__}: {error!s:.200}); delete the folder "
                f"{checkpoint} to go on from the checkpoint before it"
            ) from error
