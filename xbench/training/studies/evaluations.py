"""What the models of a study are measured on: a parallel dataset, or any of mteb's tasks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, PositiveInt, Tag, model_validator
from pydantic import field_validator as check

from xbench._util.errors import UserError, did_you_mean
from xbench.data.catalogue import TASKS
from xbench.data.datasets import MTOP, PARALLEL_DATASETS
from xbench.data.languages import codes, language
from xbench.data.perturbation import WITH_TRANSLATIONS, parse_perturbations
from xbench.training.config import MEASURES

NDCG = "ndcg_at_10"
ACCURACY = "accuracy"
LAREQA = "multilingual_map_at_20"

STUDY_MEASURES = (*MEASURES, LAREQA, NDCG, ACCURACY)
"""What a study can measure.

Those of a parallel dataset, with the measure that XTREME-R has for LAReQA; of mteb's retrieval
tasks nDCG@10; and of its bitext tasks, such as Tatoeba, the share of sentences whose nearest one is
their translation.
"""


class _Queries(BaseModel):
    """The part of an evaluation that is about its queries.

    Attributes:
        languages: Languages to keep; none keeps all.
        perturb: What is done to the queries, such as ``[typo:0.1]``.
        worst_of: Draws of the perturbation, of which each query has its worst value.
        precision: Number format of the forward pass; ``bf16`` is faster, and its scores are not
            to the last digit those of ``xbench evaluate``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    languages: tuple[str, ...] = ()
    perturb: tuple[str, ...] = ()
    worst_of: PositiveInt = 1
    precision: Literal["fp32", "bf16"] = "fp32"

    @check("languages")
    @classmethod
    def _codes(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(codes(languages))

    @check("perturb")
    @classmethod
    def _parsed(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        try:
            parse_perturbations(texts)
        except UserError as error:
            raise ValueError(str(error)) from error
        return texts


class DatasetEvaluation(_Queries):
    """An evaluation on a parallel dataset.

    Attributes:
        dataset: Title of the dataset.
    """

    dataset: str

    @check("dataset")
    @classmethod
    def _known(cls, title: str) -> str:
        known = [dataset.title for dataset in (*PARALLEL_DATASETS, MTOP)]
        if title not in known:
            raise ValueError(f"expected one of {', '.join(known)}{did_you_mean(title, known)}")
        return title

    @property
    def title(self) -> str:
        """Name of the data."""
        return self.dataset


class TaskEvaluation(_Queries):
    """An evaluation on one of mteb's tasks, of which the hub has the data.

    Attributes:
        task: Name of a text retrieval task, such as ``SciFact``, or of a bitext task, such as
            ``Tatoeba``, whose queries are not perturbed.
    """

    task: str

    @check("task")
    @classmethod
    def _known(cls, name: str) -> str:
        mteb_task(name)
        return name

    @model_validator(mode="after")
    def _queries(self) -> TaskEvaluation:
        task = mteb_task(self.task, self.languages)
        if self.perturb and task.metadata.type == "BitextMining":
            raise ValueError(f"{self.task} has no queries to perturb; leave perturb out")
        if any(step.startswith(WITH_TRANSLATIONS) for step in self.perturb):
            raise ValueError(f"queries of {self.task} have no translations; leave codeswitch out")
        return self

    @property
    def title(self) -> str:
        """Name of the data."""
        return self.task


KINDS = ("of a dataset", "of a task")


def _kind(document: Any) -> str:  # noqa: ANN401
    task = isinstance(document, TaskEvaluation) or (
        isinstance(document, dict) and "task" in document
    )
    return KINDS[task]


Evaluation = Annotated[
    Annotated[DatasetEvaluation, Tag(KINDS[0])] | Annotated[TaskEvaluation, Tag(KINDS[1])],
    Discriminator(_kind),
]
"""An evaluation; in a file it has ``dataset`` or ``task``."""


def mteb_task(name: str, languages: tuple[str, ...] = ()) -> Any:  # noqa: ANN401
    """Return a text retrieval or bitext task of mteb.

    Args:
        name: Its name.
        languages: ISO 639-1 codes to keep; none keeps all.

    Raises:
        ValueError: If mteb has no such task or not the languages, or it is one of xbench's, which
            are named by dataset.
    """
    import mteb
    from mteb.abstasks import AbsTaskBitextMining, AbsTaskRetrieval

    if name in TASKS:
        raise ValueError(f"{name} is one of xbench's tasks; name its dataset in place of task")
    tags = [language(code).mteb.partition("-")[0] for code in languages]
    try:
        task = mteb.get_task(name, languages=tags or None)
    except KeyError as error:
        known = [own.metadata.name for own in mteb.get_tasks(modalities=["text"])]
        raise ValueError(f"mteb has no task {name!r}{did_you_mean(name, known)}") from error
    kinds = (AbsTaskRetrieval, AbsTaskBitextMining)
    if not isinstance(task, kinds) or "text" not in task.metadata.modalities:
        raise ValueError(f"{name} is not one of mteb's text retrieval or bitext tasks")
    return task
