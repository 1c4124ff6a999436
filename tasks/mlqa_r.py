"""MLQA-R (LAReQA): questions with answers in two to four of seven languages."""

from __future__ import annotations

from typing import Any

from xbench.data.datasets import MLQA_R
from xbench.data.lareqa import LAREQA_CITATION, load_lareqa
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.tasks.base import describe
from xbench.tasks.parallel import ParallelCorpusRetrieval

DESCRIPTION = (
    "MLQA-R of LAReQA: the questions of MLQA's development set that have answers in two to four of "
    "seven languages, against sentences of Wikipedia paragraphs written in each language; the "
    "relevant sentence holds the start of the answer."
)

CITATION = r"""
@inproceedings{lewis2020mlqa,
  author = {Lewis, Patrick and Oguz, Barlas and Rinott, Ruty and Riedel, Sebastian and
            Schwenk, Holger},
  booktitle = {Proceedings of the 58th Annual Meeting of the Association for Computational
               Linguistics},
  doi = {10.18653/v1/2020.acl-main.653},
  pages = {7315--7330},
  title = {MLQA: Evaluating Cross-lingual Extractive Question Answering},
  year = {2020},
}
"""

FIELDS: dict[str, Any] = {
    "dataset": {"path": "google-research-datasets/lareqa/mlqa-r", "revision": MLQA_R.revision},
    "reference": "https://arxiv.org/abs/2004.05484",
    "date": ("2019-10-16", "2020-04-11"),
    "domains": ["Encyclopaedic", "Written"],
    "task_subtypes": ["Question answering"],
    "license": "cc-by-nc-4.0",
    "annotations_creators": "human-annotated",
    "dialect": [],
    "sample_creation": "human-translated and localized",
    "bibtex_citation": LAREQA_CITATION + CITATION,
}


class _MLQAR(ParallelCorpusRetrieval):
    """MLQA-R in LAReQA's format."""

    source = MLQA_R

    def load_corpus(self, languages: tuple[str, ...]) -> ParallelCorpus:
        """Return the corpus of some languages, in the task's passage form."""
        return load_lareqa(MLQA_R, languages, self.passage_form, self.location)


class MLQARMonolingualRetrieval(_MLQAR):
    """MLQA-R, one language."""

    setting = "monolingual"
    metadata = describe(MLQA_R, "monolingual", DESCRIPTION, **FIELDS)


class MLQARCrosslingualRetrieval(_MLQAR):
    """MLQA-R, every ordered pair of languages."""

    setting = "crosslingual"
    metadata = describe(MLQA_R, "crosslingual", DESCRIPTION, **FIELDS)


class MLQARMultilingualRetrieval(_MLQAR):
    """MLQA-R, one pool of all languages."""

    setting = "multilingual"
    metadata = describe(MLQA_R, "multilingual", DESCRIPTION, **FIELDS)
