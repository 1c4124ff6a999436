"""Belebele: questions and passages that are parallel in 122 language variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xbench._util.errors import UserError
from xbench.data.belebele import belebele_remote_files, load_belebele, passage_of
from xbench.data.datasets import BELEBELE
from xbench.data.download import DataLocation
from xbench.data.fetch import RemoteFile
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.tasks.base import describe
from xbench.tasks.parallel import ParallelCorpusRetrieval

DESCRIPTION = (
    "Belebele as retrieval: 900 questions about 488 passages of FLORES-200, parallel in 122 "
    "language variants; the relevant passage is the one that the question was asked of."
)

CITATION = r"""
@inproceedings{bandarkar2024belebele,
  author = {Bandarkar, Lucas and Liang, Davis and Muller, Benjamin and Artetxe, Mikel and
            Shukla, Satya Narayan and Husa, Donald and Goyal, Naman and Krishnan, Abhinandan and
            Zettlemoyer, Luke and Khabsa, Madian},
  booktitle = {Proceedings of the 62nd Annual Meeting of the Association for Computational
               Linguistics},
  doi = {10.18653/v1/2024.acl-long.44},
  pages = {749--775},
  title = {The {Belebele} Benchmark: a Parallel Reading Comprehension Dataset in 122 Language
           Variants},
  year = {2024},
}
"""

FIELDS: dict[str, Any] = {
    "dataset": {"path": BELEBELE.hub, "revision": BELEBELE.revision},
    "reference": "https://arxiv.org/abs/2308.16884",
    "date": ("2023-08-31", "2023-08-31"),
    "domains": ["Web", "News", "Written"],
    "task_subtypes": ["Question answering"],
    "license": "cc-by-sa-4.0",
    "annotations_creators": "expert-annotated",
    "dialect": [],
    "sample_creation": "created",
    "bibtex_citation": CITATION,
}

MOST_LANGUAGES = 12
"""Languages of which all pairs are evaluated without being asked to by ``--many-pairs``."""


class _Belebele(ParallelCorpusRetrieval):
    """Belebele, read from the hub."""

    source = BELEBELE

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        if self.passage_form != "sentence":
            raise UserError(
                f"--passage-form {self.passage_form}: {self.task_name} has a single passage "
                "format; omit the option"
            )

    @classmethod
    def remote_files(cls, languages: Sequence[str], location: DataLocation) -> list[RemoteFile]:
        """Return the files on the hub that some languages are read from."""
        return belebele_remote_files(tuple(languages), location)

    def load_corpus(self, languages: tuple[str, ...]) -> ParallelCorpus:
        """Return the corpus of some languages."""
        corpus = load_belebele(languages, self.location)
        questions = corpus.queries[languages[0]].ids
        self.groups = {question: passage_of(question) for question in questions}
        if self.location.data_dir is not None:
            self.data_digest = corpus.fingerprint
        return corpus


class BelebeleRMonolingualRetrieval(_Belebele):
    """Belebele, one language."""

    setting = "monolingual"
    metadata = describe(BELEBELE, "monolingual", DESCRIPTION, **FIELDS)


class BelebeleRCrosslingualRetrieval(_Belebele):
    """Belebele, every ordered pair of chosen languages."""

    setting = "crosslingual"
    metadata = describe(BELEBELE, "crosslingual", DESCRIPTION, **FIELDS)

    def inspect_data(self) -> None:
        """Refuse more languages than are evaluated in all pairs unasked.

        Raises:
            UserError: If there are more.
        """
        languages = {self.subsets[name].query_language for name in self.hf_subsets}
        if len(languages) > MOST_LANGUAGES and not self.search.many_pairs:
            raise UserError(
                f"{self.task_name}: {len(languages)} languages make {len(self.hf_subsets):,} "
                f"pairs; choose at most {MOST_LANGUAGES} with --languages, or allow so many with "
                "--many-pairs"
            )

    def load_corpus(self, languages: tuple[str, ...]) -> ParallelCorpus:
        """Return the corpus of some languages."""
        self.inspect_data()
        return super().load_corpus(languages)


class BelebeleRMultilingualRetrieval(_Belebele):
    """Belebele, one pool of all languages."""

    setting = "multilingual"
    metadata = describe(BELEBELE, "multilingual", DESCRIPTION, **FIELDS)
