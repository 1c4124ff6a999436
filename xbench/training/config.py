"""What a training run is asked to do, from a YAML file and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError
from pydantic import field_validator as check

from xbench._util.errors import UserError, did_you_mean
from xbench.data.catalogue import DATASETS, PARALLEL_DATASETS, Dataset
from xbench.data.languages import codes
from xbench.training.batching.options import BatchSampling, NegativeLanguage, SamplingMode
from xbench.training.corpora.source import CorpusSource

Precision = Literal["fp32", "bf16", "fp16"]
SelectBy = Literal[
    "loss", "monolingual_map", "crosslingual_map", "multilingual_map", "rank_distance"
]


class TrainingConfig(BaseModel):
    """A training run; the field names are those of the YAML file.

    Attributes:
        base_model: The model to start from: a sentence-transformers or transformers model, as a
            folder or as a name on the hub.
        output: Folder for the model, its checkpoints and the record of the run.
        data: The training corpora.
        validation: Corpora whose monolingual loss is measured during training.
        languages: Languages to train on, kept as ISO 639-1 codes; none takes all that the data
            has.
        sampling: See `BatchSampling`, as for the four fields that follow.
        alpha: Probability that a hybrid batch is monolingual.
        stratified: Whether shares are exact in every epoch.
        language_weighting: ``uniform``, ``size``, or an exponent from 0 to 1.
        language_pairs: ``all``, the first n, or a list such as ``[en-de, de-en]``.
        negative_language: Language of the hard negatives, where the data has any.
        allow_evaluation_data: Evaluation sets whose questions may be in the training data.
        loss: Name of a loss of sentence-transformers.
        loss_options: Further options of the loss.
        temperature: Temperature of the loss, if it has a scale, which is its inverse.
        query_prompt: Put before every query, and saved in the model; none keeps the base model's.
        passage_prompt: Put before every passage, and saved in the model.
        max_length: Maximum length in tokens; none keeps the base model's.
        batch_size: Pairs in a batch, over all processes.
        epochs: Times that every question is drawn.
        max_steps: Steps to train, in place of epochs.
        learning_rate: The highest learning rate.
        weight_decay: AdamW's weight decay.
        warmup: Share of the steps over which the learning rate rises.
        precision: Number format of the forward pass.
        seed: Seed of the batches and of everything else that is random.
        evaluate_on: Dataset whose three settings are measured during training.
        evaluation_languages: Its languages to keep; none keeps all.
        evaluation_steps: Steps between evaluations and between checkpoints.
        select_by: What the best checkpoint is chosen by, when there is something to measure.
        patience: Evaluations without a better one after which training stops.
        keep_checkpoints: Checkpoints to keep.
        training_arguments: Any other of the library's training arguments.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_model: str
    output: Path
    data: tuple[CorpusSource, ...] = Field(min_length=1)
    validation: tuple[CorpusSource, ...] = ()
    languages: tuple[str, ...] = ()
    sampling: SamplingMode = "hybrid"
    alpha: float = Field(0.5, ge=0, le=1)
    stratified: bool = False
    language_weighting: Literal["uniform", "size"] | float = "uniform"
    language_pairs: Literal["all"] | int | tuple[str, ...] = "all"
    negative_language: NegativeLanguage = "passage"
    allow_evaluation_data: tuple[str, ...] = ()
    loss: str = "MultipleNegativesRankingLoss"
    loss_options: dict[str, Any] = {}
    temperature: PositiveFloat = 0.05
    query_prompt: str | None = None
    passage_prompt: str | None = None
    max_length: PositiveInt | None = None
    batch_size: PositiveInt = 100
    epochs: PositiveFloat = 1.0
    max_steps: PositiveInt | None = None
    learning_rate: PositiveFloat = 3e-5
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.0, ge=0, lt=1)
    precision: Precision = "fp32"
    seed: int = Field(0, ge=0)
    evaluate_on: str | None = None
    evaluation_languages: tuple[str, ...] = ()
    evaluation_steps: PositiveInt | None = None
    select_by: SelectBy | None = None
    patience: PositiveInt | None = None
    keep_checkpoints: PositiveInt = 2
    training_arguments: dict[str, Any] = {}

    @check("data", "validation", mode="before")
    @classmethod
    def _named(cls, sources: Any) -> Any:  # noqa: ANN401
        """Let a corpus be given by its path alone."""
        listed = [sources] if isinstance(sources, (str, Mapping)) else sources
        return [{"path": source} if isinstance(source, str) else source for source in listed or ()]

    @check("languages", "evaluation_languages")
    @classmethod
    def _codes(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return codes(languages)
        except UserError as error:
            raise ValueError(str(error)) from error

    @check("evaluate_on")
    @classmethod
    def _parallel(cls, title: Any) -> Any:  # noqa: ANN401
        return title if title is None else _one_of(title, PARALLEL_DATASETS)

    @check("allow_evaluation_data")
    @classmethod
    def _known(cls, titles: Any) -> Any:  # noqa: ANN401
        return [_one_of(title, DATASETS) for title in titles or ()]

    @property
    def batch_sampling(self) -> BatchSampling:
        """How batches are drawn."""
        return BatchSampling(
            self.sampling,
            self.alpha,
            self.stratified,
            self.language_weighting,
            self.language_pairs,
        )

    @property
    def evaluation_set(self) -> Dataset | None:
        """The dataset that is evaluated on during training."""
        return next((d for d in PARALLEL_DATASETS if d.title == self.evaluate_on), None)


def _one_of(title: Any, datasets: Sequence[Dataset]) -> Any:  # noqa: ANN401
    known = [dataset.title for dataset in datasets]
    if title not in known:
        raise ValueError(
            f"{title!r} is not one of {', '.join(known)}{did_you_mean(str(title), known)}"
        )
    return title


def read_config(path: Path | None, options: Mapping[str, Any]) -> TrainingConfig:
    """Return the configuration in a file, with options in place of what it says.

    Args:
        path: A YAML file, or the name of a configuration that ships with xbench; None for none.
        options: Values by field; they win over the file's.

    Raises:
        UserError: If the file cannot be read or a value is not as expected; all values are named.
    """
    document = _read(path) if path else {}
    try:
        config = TrainingConfig(**{**document, **options})
        config.batch_sampling  # noqa: B018
    except ValidationError as error:
        lines = [_line(dict(problem)) for problem in error.errors()]
        raise UserError(f"{path or 'options'}: {'; '.join(lines)}") from error
    return config


def shipped_configs() -> dict[str, Path]:
    """Return the configurations that ship with xbench, by name."""
    folder = Path(str(files("xbench.training") / "configs"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _read(path: Path) -> dict[str, Any]:
    path = shipped_configs().get(str(path), path)
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        shipped = ", ".join(shipped_configs())
        raise UserError(
            f"--config {path}: cannot be read ({error}); expected a YAML file or one of {shipped}"
        ) from error
    except yaml.YAMLError as error:
        raise UserError(f"--config {path}: not YAML ({error})") from error
    if not isinstance(document, dict):
        raise UserError(f"--config {path}: expected fields such as base_model: and data:")
    return document


def _line(problem: dict[str, Any]) -> str:
    field = ".".join(str(part) for part in problem["loc"])
    found = "" if problem["type"] == "missing" else f" is {problem['input']!r:.80}"
    if problem["type"] == "extra_forbidden":
        known = list(TrainingConfig.model_fields)
        return (
            f"unknown field {field}; the fields are {', '.join(known)}{did_you_mean(field, known)}"
        )
    return f"{field}{found}: {problem['msg']}"
