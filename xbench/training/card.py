"""The model card: what sentence-transformers writes, and a part about how the model was trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from xbench._util.atomic_write import write_atomically
from xbench.models.lookup import TRAINING_RECORD
from xbench.training.record import CONFIG_NAME

TEMPLATE = "card.md"
BEFORE = "## Model Details"


def write_card(folder: Path, record: Mapping[str, Any]) -> None:
    """Add to a model's card how it was trained, in front of the library's details.

    Args:
        folder: Folder of the model.
        record: The record of the run.
    """
    environment = Environment(
        loader=PackageLoader("xbench.training"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    part = environment.get_template(TEMPLATE).render(
        record, config_name=CONFIG_NAME, record_name=TRAINING_RECORD
    )
    path = folder / "README.md"
    card = path.read_text("utf-8")
    head, found, tail = card.partition(BEFORE)
    whole = f"{head}{part}\n{found}{tail}" if found else f"{card}\n{part}"
    write_atomically(path, whole.encode())
