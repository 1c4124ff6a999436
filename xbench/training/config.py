"""What a training run is asked to do, from a YAML file and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic import field_validator as check

from xbench._util.errors import UserError, did_you_mean, reason
from xbench.data.datasets import DATASETS, PARALLEL_DATASETS, SETTINGS, Dataset
from xbench.training.batching.options import (
    BatchSampling,
    NegativeLanguage,
    SamplingMode,
    from_weighting,
    language_sampling,
)
from xbench.training.corpora.labels import language_labels
from xbench.training.corpora.source import CorpusSource

Precision = Literal["fp32", "bf16", "fp16"]


RANK_DISTANCE = "rank_distance"
PREFERENCE = "own_language_preference"
MEASURES = (*(f"{setting}_map" for setting in SETTINGS), RANK_DISTANCE, PREFERENCE)
"""What a checkpoint can be chosen by, other than a loss."""


class TrainingConfig(BaseModel):
    """A training run; the field names are those of the YAML file.

    Attributes:
        base_model: The model to start from: a sentence-transformers or transformers model, as a
            folder or as a name on the hub.
        output: Folder for the model, its checkpoints and the record of the run.
        data: The training corpora.
        validation: Corpora whose monolingual loss is measured during training, together; a mapping
            of names to corpora has the loss of each measured.
        separate_validation: Whether the loss of each corpus of validation is measured.
        languages: Languages to train on, by any usual code or the data's label; none takes all
            that the data has.
        sampling: See `BatchSampling`, as for the five fields that follow.
        alpha: Probability that a hybrid batch is monolingual.
        stratified: Whether shares are exact in every epoch.
        language_sampling: ``uniform``, ``proportional``, a temperature, or weights by language.
        language_pairs: ``all``, a number, ``size:N``, or a list such as ``[en-de, de-en]``.
        max_repeats: Times that a question is drawn in an epoch at most.
        negative_language: Language of the hard negatives, where the data has any.
        allow_evaluation_data: Evaluation sets whose questions may be in the training data.
        loss: Name of a loss of sentence-transformers.
        loss_options: Further options of the loss; of a loss around another (MatryoshkaLoss) that
            one is ``loss``, with ``loss_options`` of its own.
        teacher: Model whose embeddings or scores a loss that distils compares with.
        lora: Fields of peft's LoraConfig, such as ``{r: 16, target_modules: [query, value]}``;
            none trains all weights.
        temperature: Temperature of the loss, if it has a scale, which is its inverse.
        query_prompt: Put before every query, and saved in the model; none keeps the base model's.
        passage_prompt: Put before every passage, and saved in the model.
        max_length: Maximum length in tokens; none keeps the base model's.
        batch_size: Pairs in a batch, over all processes.
        gradient_accumulation: Batches whose gradients are added up for a step.
        gradient_checkpointing: Whether activations are computed again to save memory.
        epochs: Times that every question is drawn.
        max_steps: Steps to train, in place of epochs.
        learning_rate: The highest learning rate.
        weight_decay: AdamW's weight decay.
        warmup: Share of the steps over which the learning rate rises.
        precision: Number format of the forward pass.
        seed: Seed of the batches and of everything else that is random.
        evaluate_on: Dataset whose three settings are measured during training.
        hold_out: Questions of the first corpus that are not trained on and whose three settings
            are measured during training.
        evaluation_languages: Its languages to keep; none keeps all.
        evaluation_steps: Steps between evaluations and between checkpoints.
        select_by: What the best checkpoint is chosen by, when there is something to measure:
            ``loss``, ``NAME_loss`` of one set of validation, or a measure of ``evaluate_on``.
        patience: Evaluations without a better one after which training stops.
        keep_checkpoints: Checkpoints to keep.
        report_to: Trackers that training is reported to, such as ``[tensorboard]``.
        training_arguments: Any other of the library's training arguments.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    base_model: str
    output: Path
    data: tuple[CorpusSource, ...] = Field(min_length=1)
    validation: tuple[CorpusSource, ...] = ()
    separate_validation: bool = False
    languages: tuple[str, ...] = ()
    sampling: SamplingMode = "hybrid"
    alpha: float = Field(0.5, ge=0, le=1)
    stratified: bool = False
    language_sampling: str | float | dict[str, float] = "uniform"
    language_pairs: int | str | tuple[str, ...] = "all"
    max_repeats: PositiveInt = 20
    negative_language: NegativeLanguage = "passage"
    allow_evaluation_data: tuple[str, ...] = ()
    loss: str = "MultipleNegativesRankingLoss"
    loss_options: dict[str, Any] = {}
    teacher: str | None = None
    lora: dict[str, Any] | None = None
    temperature: PositiveFloat = 0.05
    query_prompt: str | None = None
    passage_prompt: str | None = None
    max_length: PositiveInt | None = None
    batch_size: PositiveInt = 100
    gradient_accumulation: PositiveInt = 1
    gradient_checkpointing: bool = False
    epochs: PositiveFloat = 1.0
    max_steps: PositiveInt | None = None
    learning_rate: PositiveFloat = 3e-5
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.0, ge=0, lt=1)
    precision: Precision = "fp32"
    seed: int = Field(0, ge=0)
    evaluate_on: str | None = None
    hold_out: PositiveInt | None = None
    evaluation_languages: tuple[str, ...] = ()
    evaluation_steps: PositiveInt | None = None
    select_by: str | None = None
    patience: PositiveInt | None = None
    keep_checkpoints: PositiveInt = 2
    report_to: tuple[str, ...] = ()
    training_arguments: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _older_forms(cls, document: Any) -> Any:  # noqa: ANN401
        """Read options by their older names, and sets of validation from a mapping."""
        if not isinstance(document, dict):
            return document
        found = dict(document)
        if "language_weighting" in found:
            found.setdefault("language_sampling", from_weighting(found.pop("language_weighting")))
        validation = found.get("validation")
        if isinstance(validation, dict) and "path" not in validation:
            found["validation"] = [
                {"name": name, **({"path": own} if isinstance(own, str) else own)}
                for name, own in validation.items()
            ]
            found["separate_validation"] = True
        return found

    @check("data", "validation", mode="before")
    @classmethod
    def _named(cls, sources: Any) -> Any:  # noqa: ANN401
        """Let a corpus be given by its path alone."""
        listed = [sources] if isinstance(sources, (str, Mapping)) else sources
        return [{"path": source} if isinstance(source, str) else source for source in listed or ()]

    @check("languages", "evaluation_languages")
    @classmethod
    def _codes(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        label = language_labels(languages)
        return tuple(label[text] for text in languages)

    @check("language_sampling")
    @classmethod
    def _sampled(cls, value: Any) -> Any:  # noqa: ANN401
        try:
            return language_sampling(value)
        except UserError as error:
            raise ValueError(str(error)) from error

    @check("report_to", mode="before")
    @classmethod
    def _listed(cls, names: Any) -> Any:  # noqa: ANN401
        return [names] if isinstance(names, str) else names

    @check("evaluate_on")
    @classmethod
    def _parallel(cls, title: Any) -> Any:  # noqa: ANN401
        return title if title is None else _one_of(title, PARALLEL_DATASETS)

    @check("allow_evaluation_data")
    @classmethod
    def _known(cls, titles: Any) -> Any:  # noqa: ANN401
        return tuple(_one_of(title, DATASETS) for title in titles or ())

    @property
    def batch_sampling(self) -> BatchSampling:
        """How batches are drawn."""
        return BatchSampling(
            self.sampling,
            self.alpha,
            self.stratified,
            language_sampling(self.language_sampling),
            self.language_pairs,
            self.max_repeats,
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
        for source in config.data:
            config.batch_sampling.of_corpus(source.sampling, source.alpha)
    except ValidationError as error:
        lines = [_line(dict(problem)) for problem in error.errors()]
        raise UserError(f"{path or 'options'}: {'; '.join(lines)}") from error
    check_measure(config)
    return config


def check_measure(config: TrainingConfig) -> None:
    """Refuse a checkpoint chosen by what is neither a measure nor a loss.

    Raises:
        UserError: It names the measures.
    """
    chosen = config.select_by
    losses = ("loss", *(f"{source.title}_loss" for source in config.validation))
    if chosen is not None and chosen not in (*losses, *MEASURES):
        raise UserError(
            f"select_by is {chosen!r}; expected loss, NAME_loss of a set of validation, or one of "
            f"{', '.join(MEASURES)}{did_you_mean(chosen, list(MEASURES))}"
        )


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
            f"--config {path}: cannot be read ({reason(error)}); expected a YAML file or one of "
            f"{shipped}"
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
