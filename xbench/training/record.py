"""The record of a training run, next to its model: what was done, on what, and what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from transformers import TrainerState

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError, reason
from xbench.models.lookup import find_model
from xbench.models.model_folder import TRAINING_RECORD
from xbench.models.options import ModelOptions
from xbench.training.batching.expected import ExpectedPairs
from xbench.training.batching.texts import TextTable
from xbench.training.config import TrainingConfig
from xbench.training.corpora.contamination import Overlap
from xbench.training.corpora.pairs import ParallelPairs

CONFIG_NAME = "training.yaml"
PACKAGES = ("xbench-mteb", "sentence-transformers", "transformers", "torch", "accelerate", "numpy")


def is_finished(config: TrainingConfig) -> bool:
    """Return whether the run that a configuration describes has ended.

    Raises:
        UserError: If its output folder is another run's.
    """
    record = read_record(config.output)
    if record is None:
        if any(path.is_file() and path.suffix != ".part" for path in config.output.rglob("*")):
            raise UserError(
                f"{config.output}: not empty, and no training run began there; choose another "
                "output"
            )
        return False
    _check_same(config, "config", record, _settings(config))
    return record.get("results") is not None


def begin(
    config: TrainingConfig,
    corpora: Sequence[ParallelPairs | TextTable],
    overlap: Sequence[Overlap],
    expected: Sequence[ExpectedPairs],
) -> None:
    """Write the record of a run that begins, or check that of one that goes on.

    Args:
        config: The run.
        corpora: Its corpora.
        overlap: What those of parallel pairs have in common with evaluation sets.
        expected: The pairs of an epoch that are asked for and expected, of the same.

    Raises:
        UserError: If the folder is that of a run on other data, or cannot be written to.
    """
    overlaps = {found.corpus: found for found in overlap}
    data = [_corpus(own, overlaps) for own in corpora]
    record = read_record(config.output)
    if record is not None:
        _check_same(config, "data", record, data)
        _write_settings(config)
        return
    settings = _settings(config)
    versions = {name: version(name) for name in PACKAGES}
    evaluated = {s.title for found in overlap for s in found.sets if s.questions}
    own = {corpus.name for corpus in corpora} | evaluated
    document = {
        "config": settings,
        "training_datasets": _with_base(own, config.base_model, certain=bool(evaluated)),
        "data": data,
        "pairs": [own.as_dict() for own in expected],
        "versions": versions,
        "results": None,
    }
    _write(config.output, document)
    _write_settings(config)


def _write_settings(config: TrainingConfig) -> None:
    write_atomically(
        config.output / CONFIG_NAME,
        yaml.safe_dump(_settings(config), allow_unicode=True, sort_keys=False).encode(),
    )


def _corpus(corpus: ParallelPairs | TextTable, overlaps: Mapping[str, Overlap]) -> dict[str, Any]:
    """Return what the record says of a corpus."""
    if isinstance(corpus, TextTable):
        report: dict[str, Any] = {"name": corpus.name, "rows": len(corpus.table)}
        overlap: dict[str, Any] = {"summary": "not checked", "sets": []}
    else:
        report, overlap = corpus.report.as_dict(), overlaps[corpus.name].as_dict()
    return {
        "name": corpus.name,
        "fingerprint": corpus.table._fingerprint,
        "languages": list(corpus.languages),
        "report": report,
        "overlap": overlap,
    }


def _with_base(own: set[str], base_model: str, *, certain: bool) -> list[str] | None:
    """Return what the model was trained on, with its base model's data.

    Where the base model's data is unknown nothing can be claimed, unless an evaluation set is
    among the model's own data, so that its results there are certainly not zero-shot.
    """
    try:
        base = find_model(ModelOptions(base_model), offline=True).meta.training_datasets
    except UserError:
        base = None
    return sorted(own | (base or set())) if base is not None or certain else None


def finish(config: TrainingConfig, state: TrainerState) -> dict[str, Any]:
    """Add to the record of a run its losses by step and the scores of the model that it kept."""
    record = read_record(config.output) or {}
    step = state.best_global_step or state.global_step
    measured = {
        name.removeprefix("eval_"): value
        for line in state.log_history
        if line["step"] == step
        for name, value in line.items()
        if name.startswith("eval_") and not name.endswith(("_runtime", "_per_second"))
    }
    losses = [[line["step"], float(line["loss"])] for line in state.log_history if "loss" in line]
    record["results"] = {
        "steps": state.global_step,
        "kept_step": step,
        "metrics": measured,
        "losses": losses,
    }
    _write(config.output, record)
    return record


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of a training run, or None if there is none.

    Raises:
        UserError: If it is damaged.
    """
    path = folder / TRAINING_RECORD
    try:
        record = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be read ({reason(error)}); choose another output"
        ) from error
    return record if isinstance(record, dict) else None


def _write(folder: Path, record: Mapping[str, Any]) -> None:
    text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
    write_atomically(folder / TRAINING_RECORD, text.encode())


def _settings(config: TrainingConfig) -> dict[str, Any]:
    return config.model_dump(mode="json")


def _check_same(config: TrainingConfig, part: str, record: Mapping[str, Any], now: Any) -> None:  # noqa: ANN401
    before = record.get(part)
    now = json.loads(json.dumps(now, default=str))
    if part == "config" and isinstance(before, dict):
        before = _in_this_form(before)
    if before == now:
        return
    what = part
    if isinstance(before, dict) and isinstance(now, dict):
        fields = sorted(k for k in before.keys() | now.keys() if before.get(k) != now.get(k))
        what = ", ".join(f"{k} was {before.get(k)!r} and is {now.get(k)!r}" for k in fields)
    raise UserError(
        f"{config.output}: a run with another {part} began there ({what:.500}); choose another "
        "output, or delete the folder to begin again"
    )


def _in_this_form(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings that an earlier version recorded as this one would record them."""
    try:
        return dict(json.loads(json.dumps(_settings(TrainingConfig(**settings)), default=str)))
    except (TypeError, ValueError, UserError):
        return settings


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
        {"pairs": [], **record},
        config_name=CONFIG_NAME,
        record_name=TRAINING_RECORD,
        folder=folder.name,
    )
    path = folder / "README.md"
    card = path.read_text("utf-8")
    head, found, tail = card.partition(BEFORE)
    whole = f"{head}{part}\n{found}{tail}" if found else f"{card}\n{part}"
    write_atomically(path, whole.encode())
