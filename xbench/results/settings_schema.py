"""The schema of run_settings.jsonl: what decides the scores of a run."""

from __future__ import annotations

from typing import Literal

from xbench.data.datasets import PassageForm
from xbench.results.field_types import (
    Command,
    Count,
    Device,
    Duration,
    Languages,
    ModelName,
    Name,
    Names,
    NumberType,
    Package,
    PackageVersion,
    Positive,
    Prompt,
    Revision,
    Settings,
    Similarity,
    Word,
)
from xbench.results.schema import Document, Quantisation


class Encoding(Document):
    """What was encoded."""

    texts: Count
    encoded: Count
    truncated: Count
    tokens: Count | None = None
    seconds: Duration | None = None


class ModelChoice(Document):
    """The options a model was run with."""

    model: Name
    revision: Revision | None = None
    query_prompt: Prompt | None = None
    passage_prompt: Prompt | None = None
    max_length: Positive | None = None
    dtype: NumberType | None = None
    device: Device | None = None
    batch_size: Positive
    name: ModelName | None = None
    model_kwargs: Settings | None = None
    trust_remote_code: bool = False
    truncate_dim: Positive | None = None
    rerank: Name | None = None
    rerank_top: Positive | None = None
    served_model: Name | None = None
    served_query_model: Name | None = None
    served_passage_model: Name | None = None
    served_query_options: Settings | None = None
    served_passage_options: Settings | None = None
    api_key_env: Name | None = None
    request_texts: Positive | None = None
    requests_at_once: Positive | None = None


class Prompts(Document):
    """What was put before every text."""

    query: Prompt | None
    passage: Prompt | None


class VariantSettings(Document):
    """How the embeddings were truncated and quantised."""

    dim: Positive | None = None
    quantize: Quantisation | None = None
    ranges: Literal["passages"] | None = None


class XBenchSettings(Document):
    """xbench's own settings of a run."""

    task_version: Word
    passage_form: PassageForm
    languages: Languages
    model: ModelChoice
    prompts: Prompts
    maximum_length: Positive | None
    dtype: NumberType | None
    device: Device | None
    similarity: Similarity | None = None
    encoding: Encoding | None
    command: Command
    data: Name | None = None
    variant: VariantSettings | None = None


class TaskLine(Document):
    """What mteb and xbench write of a task to ``run_settings.jsonl``."""

    task: Name
    splits: Names
    subsets: Names


class MtebSettings(TaskLine):
    """A task's line of ``run_settings.jsonl``, as mteb writes it."""

    version: dict[Name, PackageVersion | None]
    encode_kwargs: Settings


class EncodeOptions(Document):
    """What xbench gives to an encoder."""

    batch_size: Positive


class RunSettings(TaskLine):
    """A task's line of ``run_settings.jsonl``, as xbench writes it."""

    version: dict[Package, PackageVersion | None]
    encode_kwargs: EncodeOptions
    xbench: XBenchSettings
