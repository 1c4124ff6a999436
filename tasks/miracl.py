"""MIRACL: questions in 18 languages and the Wikipedia passages that answer them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xbench.data.datasets import MIRACL, MIRACL_HARD_NEGATIVES, Dataset, Setting
from xbench.data.download import DataLocation
from xbench.data.fetch import RemoteFile
from xbench.data.parallel_corpus import Texts
from xbench.data.streamed.corpus import LanguageFiles
from xbench.data.streamed.miracl_files import language_files, language_topics, miracl_remote_files
from xbench.tasks.base import describe
from xbench.tasks.streamed import StreamedRetrieval

DESCRIPTION = (
    "MIRACL: questions that native speakers asked in 18 languages and passages of each language's "
    "Wikipedia that they judged; every passage of it is searched."
)

HARD_NEGATIVES_DESCRIPTION = (
    "MIRACL on smaller corpora: of each language's Wikipedia the judged passages and the 250 best "
    "of BM25, e5-multilingual-large and e5-mistral-instruct for each question, at most 1000 "
    "questions a language."
)

SETTINGS: dict[Setting, str] = {
    "monolingual": "Queries of each language against the passages of the same language.",
    "multilingual": "Queries of each language against one pool of the passages of all languages: "
    "what a mixed index costs. Only passages in the query's language were judged.",
}

CITATION = r"""
@article{zhang2023miracl,
  author = {Zhang, Xinyu and Thakur, Nandan and Ogundepo, Odunayo and Kamalloo, Ehsan and
            Alfonso-Hermelo, David and Li, Xiaoguang and Liu, Qun and Rezagholizadeh, Mehdi and
            Lin, Jimmy},
  doi = {10.1162/tacl_a_00595},
  journal = {Transactions of the Association for Computational Linguistics},
  pages = {1114--1131},
  title = {{MIRACL}: A Multilingual Retrieval Dataset Covering 18 Diverse Languages},
  volume = {11},
  year = {2023},
}
"""


def _fields(source: Dataset) -> dict[str, Any]:
    return {
        "dataset": {"path": source.hub, "revision": source.revision},
        "prompt": {
            "query": "Given a question, retrieve Wikipedia passages that answer the question"
        },
        "reference": "https://project-miracl.github.io",
        "date": ("2022-06-01", "2023-01-30"),
        "domains": ["Encyclopaedic", "Written"],
        "task_subtypes": ["Question answering"],
        "license": "cc-by-sa-4.0",
        "annotations_creators": "expert-annotated",
        "dialect": [],
        "sample_creation": "created",
        "bibtex_citation": CITATION,
    }


class _MIRACL(StreamedRetrieval):
    """MIRACL or a selection of it, in its own layout or that of the hub."""

    @classmethod
    def read_language(cls, language: str, location: DataLocation) -> LanguageFiles:
        """Read what there is in a language, all but the passages."""
        return language_files(cls.source, language, location)

    @classmethod
    def read_topics(cls, language: str, location: DataLocation) -> Texts:
        """Read the queries of a language, whether its passages are there or not."""
        return language_topics(cls.source, language, location)

    @classmethod
    def remote_files(cls, languages: Sequence[str], location: DataLocation) -> list[RemoteFile]:
        """Return the files on the hub that some languages are read from."""
        return miracl_remote_files(cls.source, languages, location)


class MIRACLMonolingualRetrieval(_MIRACL):
    """MIRACL, one language."""

    source = MIRACL
    setting = "monolingual"
    metadata = describe(MIRACL, "monolingual", DESCRIPTION, settings=SETTINGS, **_fields(MIRACL))


class MIRACLMultilingualRetrieval(_MIRACL):
    """MIRACL, one pool of all languages."""

    source = MIRACL
    setting = "multilingual"
    run_first = True
    metadata = describe(MIRACL, "multilingual", DESCRIPTION, settings=SETTINGS, **_fields(MIRACL))


class MIRACLMonolingualHardNegativesRetrieval(_MIRACL):
    """MIRACL's pooled hard negatives, one language."""

    source = MIRACL_HARD_NEGATIVES
    setting = "monolingual"
    metadata = describe(
        MIRACL_HARD_NEGATIVES,
        "monolingual",
        HARD_NEGATIVES_DESCRIPTION,
        settings=SETTINGS,
        **_fields(MIRACL_HARD_NEGATIVES),
    )


class MIRACLMultilingualHardNegativesRetrieval(_MIRACL):
    """MIRACL's pooled hard negatives, one pool of all languages."""

    source = MIRACL_HARD_NEGATIVES
    setting = "multilingual"
    run_first = True
    metadata = describe(
        MIRACL_HARD_NEGATIVES,
        "multilingual",
        HARD_NEGATIVES_DESCRIPTION,
        settings=SETTINGS,
        **_fields(MIRACL_HARD_NEGATIVES),
    )
