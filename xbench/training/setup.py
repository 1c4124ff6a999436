"""What is checked of a run before any data is read."""

from __future__ import annotations

from transformers.integrations.integration_utils import get_reporting_integration_callbacks

from xbench._util.errors import UserError
from xbench.training.config import TrainingConfig, check_measure
from xbench.training.corpora.held_out import HELD_OUT
from xbench.training.evaluator import evaluation_name
from xbench.training.losses import TAUGHT, check_loss

PACKAGES = {
    "azure_ml": "azureml-sdk",
    "comet_ml": "comet-ml",
    "flyte": "flytekit",
}
"""Packages of the trackers that are not called as these are."""


def check_setup(config: TrainingConfig) -> None:
    """Refuse what cannot work before any data is read.

    Raises:
        UserError: If a loss or tracker does not exist, or what the best checkpoint is chosen by.
    """
    check_measure(config)
    best_by(config)
    _check_trackers(config)
    for loss in (config.loss, *(source.loss for source in config.data)):
        if loss is not None:
            check_loss(loss)
    names = [source.title for source in config.data]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"data: two corpora are called {', '.join(twice)}; give them a name")
    if config.loss in TAUGHT and not config.teacher:
        raise UserError(f"loss {config.loss} compares with a teacher; name one under teacher")
    if config.teacher and config.loss not in TAUGHT:
        raise UserError(
            f"teacher is {config.teacher!r}, but loss {config.loss} takes none; expected one of "
            f"{', '.join(sorted(TAUGHT))}"
        )


def _check_trackers(config: TrainingConfig) -> None:
    """Start each tracker's callback once, as the library does only when it has the model.

    Raises:
        UserError: If a tracker is unknown, or its package is missing.
    """
    others = config.training_arguments.get("report_to") or ()
    for name in (*config.report_to, *((others,) if isinstance(others, str) else others)):
        if name in ("all", "none"):
            continue
        try:
            (callback,) = get_reporting_integration_callbacks([name])  # type: ignore[no-untyped-call]
        except ValueError as error:
            raise UserError(f"report_to: {error}") from error
        try:
            callback()
        except (RuntimeError, ImportError) as error:
            package = PACKAGES.get(name, name)
            raise UserError(
                f"report_to: {name} cannot be used ({error}); run pip install {package}"
            ) from error


def best_by(config: TrainingConfig) -> str | None:
    """Return the trainer's name of what the best checkpoint is chosen by."""
    dataset = config.evaluation_set
    sets = [source.title for source in config.validation]
    loss = f"{sets[0]}_loss" if sets and config.separate_validation else "loss"
    named = evaluation_name(dataset) if dataset else HELD_OUT if config.hold_out else None
    default = loss if sets else "multilingual_map" if named else None
    chosen = config.select_by or default
    if chosen is None:
        if config.patience:
            raise UserError("patience needs validation or evaluate_on: nothing is measured")
        return None
    if chosen == "loss" or chosen in [f"{name}_loss" for name in sets]:
        if not sets:
            raise UserError("select_by is loss, but there is no validation data; name some")
        if (chosen == "loss") == config.separate_validation:
            known = f"{', '.join(f'{name}_loss' for name in sets)}"
            raise UserError(
                f"select_by is {chosen}; expected "
                + (f"one of {known}" if config.separate_validation else "loss, which is of all")
            )
        return f"eval_{chosen}"
    if named is None:
        raise UserError(
            f"select_by is {chosen}, but evaluate_on names no dataset; name one, or give hold_out"
        )
    return f"eval_{named}_{chosen}"
