"""Tasks of a corpus of one's own, in the three settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, overload

from xbench._util.errors import UserError
from xbench.data.catalogue import Subset
from xbench.data.datasets import SETTINGS, Setting
from xbench.data.own.corpus import OwnCorpus
from xbench.data.own.mappings import (
    Relevant,
    TextsByLanguage,
    corpus_from_dataframe,
    corpus_from_mappings,
)
from xbench.data.own.reading import read_own_corpus
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.tasks.base import RetrievalTask, describe
from xbench.tasks.parallel import ParallelCorpusRetrieval

FIELDS: dict[str, Any] = {
    "reference": None,
    "date": None,
    "domains": None,
    "task_subtypes": None,
    "license": None,
    "annotations_creators": None,
    "dialect": None,
    "sample_creation": None,
    "bibtex_citation": None,
    "is_public": False,
}


class OwnRetrieval(ParallelCorpusRetrieval):
    """A corpus of one's own in one of the settings.

    Attributes:
        own: The corpus.
    """

    own: ClassVar[OwnCorpus]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.groups = self.own.groups
        if self.passage_form != "sentence":
            raise UserError(
                f"--passage-form {self.passage_form}: {self.task_name} has a single passage "
                "format; omit the option"
            )

    def subsets_of(self, languages: tuple[str, ...]) -> dict[str, Subset]:
        """Return the subsets that some languages make, those without questions excluded."""
        return self.own.subsets(self.setting, languages)

    def load_corpus(self, languages: tuple[str, ...]) -> ParallelCorpus:
        """Return the corpus of some languages."""
        return self.own.corpus.restrict(languages)


def _task_class(own: OwnCorpus, setting: Setting) -> type[OwnRetrieval]:
    names = own.subsets(setting, own.corpus.languages)
    metadata = describe(
        own.dataset,
        setting,
        f"{own.name}, a corpus of one's own.",
        names=names,
        languages=own.languages,
        dataset={"path": own.name, "revision": own.dataset.revision},
        **FIELDS,
    )
    fields = {"own": own, "source": own.dataset, "setting": setting, "metadata": metadata}
    return type(own.dataset.task_name(setting), (OwnRetrieval,), fields)


class ParallelRetrieval(Sequence[RetrievalTask]):
    """A parallel corpus of one's own: its tasks, one for each setting that it has questions for.

    `mteb.evaluate` takes it as it is, `xbench.evaluate` as ``tasks``. A question has the same id in
    every language; languages may be missing for some questions, and passages may have no question.
    Results have the content's hash as the dataset's revision.

    Args:
        name: Name of the corpus, which those of its tasks begin with.
        queries: Texts by language and id.
        passages: Texts by language and id; equal passages of one language are one passage.
        qrels: Relevant passages by the question's id: ids, or grades by id.
        languages: Languages to keep; none keeps all.

    Attributes:
        corpus: What was understood.

    Raises:
        UserError: If something is malformed or contradicts itself.

    Examples:
        >>> import xbench
        >>> faq = xbench.ParallelRetrieval(
        ...     "faq",
        ...     queries={"en": {"q1": "How do I pay?"}, "de": {"q1": "Wie bezahle ich?"}},
        ...     passages={"en": {"p1": "By card."}, "de": {"p1": "Mit Karte.", "p2": "Per Post."}},
        ...     qrels={"q1": ["p1"]},
        ... )
        >>> [task.metadata.name for task in faq]
        ['faqMonolingualRetrieval', 'faqCrosslingualRetrieval', 'faqMultilingualRetrieval']
    """

    def __init__(
        self,
        name: str,
        queries: TextsByLanguage,
        passages: TextsByLanguage,
        qrels: Relevant,
        languages: Sequence[str] = (),
    ) -> None:
        self._take(corpus_from_mappings(name, queries, passages, qrels), languages)

    @classmethod
    def from_dataframe(
        cls,
        frame: Any,  # noqa: ANN401
        name: str = "dataframe",
        languages: Sequence[str] = (),
    ) -> ParallelRetrieval:
        """Return the corpus in a DataFrame, with the columns that a file has.

        Args:
            frame: A row per question and language (id, language, query, passage[, passage_id,
                relevant, group]), or one per question (id, query_en, passage_en, query_de, …).
            name: Name of the corpus.
            languages: Languages to keep; none keeps all.

        Raises:
            UserError: If a column is missing, or a row contradicts another.
        """
        return cls.from_corpus(corpus_from_dataframe(name, frame), languages)

    @classmethod
    def from_file(
        cls, path: str | PathLike[str], name: str = "", languages: Sequence[str] = ()
    ) -> ParallelRetrieval:
        """Return the corpus in a file or folder, as ``xbench evaluate --data`` takes them.

        Args:
            path: The file or folder.
            name: Name of the corpus, by default that of the file.
            languages: Languages to keep; none keeps all.

        Raises:
            UserError: If it is malformed.
        """
        return cls.from_corpus(read_own_corpus(Path(path), name), languages)

    @classmethod
    def from_corpus(cls, corpus: OwnCorpus, languages: Sequence[str] = ()) -> ParallelRetrieval:
        """Return the tasks of a corpus that was read."""
        made = cls.__new__(cls)
        made._take(corpus, languages)
        return made

    def _take(self, corpus: OwnCorpus, languages: Sequence[str]) -> None:
        self.corpus = corpus
        self._languages = tuple(languages)

    @cached_property
    def task_classes(self) -> tuple[type[OwnRetrieval], ...]:
        """The task classes, one for each setting with a subset."""
        return tuple(
            _task_class(self.corpus, setting)
            for setting in SETTINGS
            if setting in self.corpus.settings
        )

    @cached_property
    def _tasks(self) -> tuple[RetrievalTask, ...]:
        tasks = [cls(languages=self._languages) for cls in self.task_classes]
        return tuple(task for task in tasks if task.subsets)

    @overload
    def __getitem__(self, index: int) -> RetrievalTask: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RetrievalTask]: ...
    def __getitem__(self, index: int | slice) -> RetrievalTask | Sequence[RetrievalTask]:
        return self._tasks[index]

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[RetrievalTask]:
        return iter(self._tasks)

    def __repr__(self) -> str:
        names = ", ".join(task.task_name for task in self)
        return f"ParallelRetrieval {self.corpus.name}: {names}"
