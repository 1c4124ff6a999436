"""What the files of a result contain: the fields that mteb 2.23 to 2.26 and xbench write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from xbench.data.datasets import PassageForm
from xbench.results.field_types import (
    Address,
    Amount,
    Citation,
    Day,
    Digested,
    Dimensions,
    Duration,
    Licence,
    Link,
    LinkOrFlag,
    ModelName,
    Name,
    Names,
    Origin,
    PackageVersion,
    Parameters,
    Positive,
    PublicName,
    Ranks,
    Revision,
    Seconds,
    Setting,
    Settings,
    Similarity,
    Stage,
    Word,
    Words,
)
from xbench.results.findings import ABSENT, Notes
from xbench.results.safe_json import OBJECTS


class Document(BaseModel):
    """An object with these fields and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


Quantisation = Literal["int8", "binary"]


class Experiment(Document):
    """What makes a run's scores other than the model's own ones."""

    query_prompt: Digested | None = None
    passage_prompt: Digested | None = None
    max_length: Positive | None = None
    dtype: Literal["float32", "float16", "bfloat16"] | None = None
    model_kwargs: Digested | None = None
    truncate_dim: Positive | None = None
    rerank: Stage | None = None
    rerank_top: Positive | None = None
    passage_form: PassageForm | None = None
    languages: Name | None = None
    passages: Name | None = None
    dim: Positive | None = None
    quantize: Quantisation | None = None


class ModelMeta(Document):
    """mteb's ``model_meta.json``."""

    name: PublicName
    revision: Revision
    training_datasets: Names | None
    experiment_kwargs: Experiment | None = None
    loader: Word | None = None
    loader_kwargs: Settings = {}
    release_date: Day | None = None
    languages: Words | None = None
    n_parameters: Parameters | None = None
    n_active_parameters_override: Parameters | None = None
    n_embedding_parameters: Parameters | None = None
    memory_usage_mb: Amount | None = None
    max_tokens: Annotated[float, Field(ge=0, allow_inf_nan=True)] | None = None
    embed_dim: Dimensions = None
    license: Licence | None = None
    open_weights: bool | None = None
    public_training_code: Link | None = None
    public_training_data: LinkOrFlag = None
    framework: Words = []
    reference: Address | None = None
    similarity_fn_name: Similarity | None = None
    use_instructions: bool | None = None
    adapted_from: Origin | None = None
    superseded_by: Origin | None = None
    modalities: Words = []
    model_type: Words = []
    citation: Citation | None = None
    contacts: Names | None = None
    output_dtypes: Setting = None
    extra_requirements_groups: Words | None = None
    is_cross_encoder: bool | None = None


class Phase(Document):
    """A phase of mteb's evaluation."""

    name: Name
    start: Seconds
    end: Seconds
    split: Name
    subset: Name


class SubsetScores(Document):
    """The scores of one subset; every other field is a measure."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    hf_subset: Name
    languages: Names
    main_score: float
    mteb_version: PackageVersion | None = None


class TaskResult(Document):
    """mteb's ``<Task>.json`` of one of xbench's tasks."""

    task_name: Name
    dataset_revision: Name
    mteb_version: PackageVersion
    scores: dict[Name, Annotated[list[SubsetScores], Field(max_length=1000)]]
    evaluation_time: Duration | None = None
    kg_co2_emissions: Amount | None = None
    date: Seconds | None = None
    evaluation_phases: Annotated[list[Phase], Field(max_length=OBJECTS)] | None = None


class AnySubsetScores(Document):
    """The scores of one subset of any task of mteb, of which the numbers are used."""

    model_config = ConfigDict(extra="allow")

    hf_subset: Name
    languages: Names
    main_score: Any


class AnyTaskResult(Document):
    """What is used of the ``<Task>.json`` of any task and version of mteb."""

    model_config = ConfigDict(extra="ignore")

    task_name: Name
    dataset_revision: Name
    mteb_version: Name | None = None
    scores: dict[Name, Annotated[list[AnySubsetScores], Field(max_length=1000)]]


class AnyModelMeta(Document):
    """What is used of the ``model_meta.json`` of any version of mteb."""

    model_config = ConfigDict(extra="ignore")

    name: ModelName
    revision: Revision
    training_datasets: Names | dict[Name, Any] | None = None
    n_parameters: Parameters | None = None


class DescribedModel(AnyModelMeta):
    """What else is shown of a model."""

    experiment_kwargs: Settings | None = None
    license: Licence | None = None
    reference: Address | None = None


class TiesDocument(Document):
    """Which passages of a mixed pool have equal scores."""

    row: Ranks
    above: Ranks
    tied: Ranks
    query: Ranks
    start: Ranks
    counts: Annotated[list[Ranks], Field(fail_fast=True)]


class SubsetRanks(Document):
    """The ranks of one subset."""

    query_language: Name
    pool: Annotated[dict[Name, Annotated[int, Field(ge=1, le=10**9)]], Field(max_length=100)]
    question: Ranks
    language: Ranks
    rank: Ranks
    top: (
        Annotated[list[Annotated[str, StringConstraints(max_length=1000)]], Field(fail_fast=True)]
        | None
    )
    depth: Annotated[int, Field(ge=1)] | None = None
    own_rank: Ranks | None = None
    ties: TiesDocument | None = None


class RanksDocument(Document):
    """The content of ``<Task>.per_query.json.gz``."""

    task: Name
    task_version: Name
    dataset_revision: Name
    passage_form: PassageForm
    multilingual: bool
    questions: Annotated[list[Name], Field(fail_fast=True)]
    languages: Names
    subsets: Annotated[dict[Name, SubsetRanks], Field(max_length=1000)]
    groups: Annotated[list[Name | None], Field(fail_fast=True)] | None = None


RULES = {
    "missing": "the field is required; run the task again with `xbench evaluate`",
    "extra_forbidden": "neither mteb nor xbench writes such a field; remove it",
    "finite_number": "expected a finite number; run the task again",
    "string_unicode": "expected text that can be written as UTF-8",
}
"""Rules by the type of pydantic's error, where its own message does not say enough."""


def conforms(document: Any, schema: type[Document], notes: Notes, prefix: str = "") -> bool:  # noqa: ANN401
    """Return whether a document has a schema's fields, noting each that is missing or wrong."""
    try:
        schema.model_validate(document)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False):
            value = ABSENT if item["type"] == "missing" else item["input"]
            rule = RULES.get(item["type"]) or item["msg"].removeprefix("Value error, ")
            notes.error(prefix + _field(item["loc"]), value, rule[:1].lower() + rule[1:])
        return False
    return True


def _field(location: Sequence[int | str]) -> str:
    """Write a location as a field.

    >>> _field(("scores", "test", 3, "map"))
    'scores.test[3].map'
    """
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def fields_of(schema: type[Document]) -> Mapping[str, Any]:
    """Return the fields of a schema by name."""
    return schema.model_fields
