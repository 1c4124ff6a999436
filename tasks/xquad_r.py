"""XQuAD-R (LAReQA): questions and sentences that are parallel in eleven languages."""

from __future__ import annotations

from typing import Any

from xbench.data.datasets import XQUAD_R
from xbench.data.lareqa import LAREQA_CITATION, load_lareqa
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.tasks.base import describe
from xbench.tasks.parallel import ParallelCorpusRetrieval

DESCRIPTION = (
    "XQuAD-R of LAReQA: 1190 questions of SQuAD v1.1 and the Wikipedia paragraphs that answer "
    "them, professionally translated into ten languages (XQuAD); a passage is one sentence, and "
    "the relevant one holds the start of the answer."
)

CITATION = r"""
@inproceedings{artetxe2020cross,
  author = {Artetxe, Mikel and Ruder, Sebastian and Yogatama, Dani},
  booktitle = {Proceedings of the 58th Annual Meeting of the Association for Computational
               Linguistics},
  doi = {10.18653/v1/2020.acl-main.421},
  pages = {4623--4637},
  title = {On the Cross-lingual Transferability of Monolingual Representations},
  year = {2020},
}
"""

FIELDS: dict[str, Any] = {
    "dataset": {"path": "google-research-datasets/lareqa/xquad-r", "revision": XQUAD_R.revision},
    "reference": "https://arxiv.org/abs/2004.05484",
    "date": ("2016-06-16", "2020-04-11"),
    "domains": ["Encyclopaedic", "Written"],
    "task_subtypes": ["Question answering"],
    "license": "cc-by-sa-4.0",
    "annotations_creators": "human-annotated",
    "dialect": [],
    "sample_creation": "human-translated and localized",
    "bibtex_citation": LAREQA_CITATION + CITATION,
}


class _XQuADR(ParallelCorpusRetrieval):
    """XQuAD-R in LAReQA's format."""

    source = XQUAD_R

    def load_corpus(self, languages: tuple[str, ...]) -> ParallelCorpus:
        """Return the corpus of some languages, in the task's passage form."""
        return load_lareqa(XQUAD_R, languages, self.passage_form, self.location)


class XQuADRMonolingualRetrieval(_XQuADR):
    """XQuAD-R, one language."""

    setting = "monolingual"
    metadata = describe(XQUAD_R, "monolingual", DESCRIPTION, **FIELDS)


class XQuADRCrosslingualRetrieval(_XQuADR):
    """XQuAD-R, every ordered pair of languages."""

    setting = "crosslingual"
    metadata = describe(XQUAD_R, "crosslingual", DESCRIPTION, **FIELDS)


class XQuADRMultilingualRetrieval(_XQuADR):
    """XQuAD-R, one pool of all languages."""

    setting = "multilingual"
    metadata = describe(XQUAD_R, "multilingual", DESCRIPTION, **FIELDS)
