"""XBench-Mini: a small set that ships with xbench, to try everything without a download."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import Any

from xbench.data.datasets import MINI, PassageForm
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.tasks.base import describe
from xbench.tasks.parallel import ParallelCorpusRetrieval

DESCRIPTION = (
    "A demonstration set of 48 short factual sentences with questions, written for xbench in eight "
    "languages of six scripts. For trying things out; never ranked with the other datasets."
)

FIELDS: dict[str, Any] = {
    "dataset": {"path": "xbench/mini", "revision": MINI.revision},
    "reference": "https://arxiv.org/abs/2004.05484",
    "date": ("2026-11-01", "2026-11-21"),
    "domains": ["Encyclopaedic", "Written"],
    "task_subtypes": ["Question answering"],
    "license": "apache-2.0",
    "annotations_creators": "LM-generated",
    "dialect": [],
    "sample_creation": "created",
    "bibtex_citation": "",
}


@lru_cache(maxsize=4)
def _load(languages: tuple[str, ...], passage_form: PassageForm) -> ParallelCorpus:
    """Read the shipped file: one question and its passage in all languages per line."""
    content = resources.files("xbench.tasks").joinpath("data/mini.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in content.splitlines()]
    paragraphs: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        paragraphs.setdefault(row["paragraph"], []).append(row["passages"])

    def text(row: dict[str, dict[str, str]], code: str) -> str:
        if passage_form == "sentence":
            return row["passages"][code]
        context = " ".join(passages[code] for passages in paragraphs[str(row["paragraph"])])
        return f"{row['passages'][code]}\n{context}"

    ids = tuple(row["id"] for row in rows)
    return ParallelCorpus(
        queries={a: Texts(ids, tuple(row["questions"][a] for row in rows)) for a in languages},
        passages={
            a: Texts(tuple(f"{a}.{i}" for i in ids), tuple(text(row, a) for row in rows))
            for a in languages
        },
        relevant={a: {i: (f"{a}.{i}",) for i in ids} for a in languages},
    )


class _XBenchMini(ParallelCorpusRetrieval):
    """XBench-Mini, read from the package."""

    source = MINI

    def load_corpus(self, languages: tuple[str, ...]) -> ParallelCorpus:
        """Return the corpus of some languages, in the task's passage form."""
        return _load(languages, self.passage_form)


class XBenchMiniMonolingualRetrieval(_XBenchMini):
    """XBench-Mini, one language."""

    setting = "monolingual"
    metadata = describe(MINI, "monolingual", DESCRIPTION, **FIELDS)


class XBenchMiniCrosslingualRetrieval(_XBenchMini):
    """XBench-Mini, every ordered pair of languages."""

    setting = "crosslingual"
    metadata = describe(MINI, "crosslingual", DESCRIPTION, **FIELDS)


class XBenchMiniMultilingualRetrieval(_XBenchMini):
    """XBench-Mini, one pool of all languages."""

    setting = "multilingual"
    metadata = describe(MINI, "multilingual", DESCRIPTION, **FIELDS)
