"""XQuAD-R in the three settings of multilingual retrieval, in the style of mteb's own tasks.

It imports mteb and datasets alone; in mteb its place is mteb/tasks/retrieval/multilingual/.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any, ClassVar

from datasets import concatenate_datasets, load_dataset
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

_EVAL_SPLIT = "test"

_LANGUAGES = {
    "ar": "ara-Arab",
    "de": "deu-Latn",
    "el": "ell-Grek",
    "en": "eng-Latn",
    "es": "spa-Latn",
    "hi": "hin-Deva",
    "ru": "rus-Cyrl",
    "th": "tha-Thai",
    "tr": "tur-Latn",
    "vi": "vie-Latn",
    "zh": "zho-Hans",
}

_DESCRIPTION = (
    "XQuAD-R of LAReQA: 1190 questions of SQuAD v1.1 and the Wikipedia paragraphs that answer "
    "them, professionally translated into ten languages (XQuAD); a passage is one sentence, and "
    "the relevant one holds the start of the answer."
)

_CITATION = r"""
@inproceedings{roy2020lareqa,
  address = {Online},
  author = {Roy, Uma and Constant, Noah and Al-Rfou, Rami and Barua, Aditya and Phillips, Aaron and Yang, Yinfei},
  booktitle = {Proceedings of the 2020 Conference on Empirical Methods in Natural Language Processing (EMNLP)},
  doi = {10.18653/v1/2020.emnlp-main.477},
  pages = {5919--5930},
  title = {LAReQA: Language-agnostic answer retrieval from a multilingual pool},
  year = {2020},
}
"""  # noqa: E501


def _metadata(name: str, setting: str, eval_langs: dict[str, list[str]], main_score: str) -> Any:  # noqa: ANN401
    return TaskMetadata(
        name=name,
        description=f"{_DESCRIPTION} {setting}",
        dataset={"path": "mteb/XQuADR", "revision": "main"},
        reference="https://aclanthology.org/2020.emnlp-main.477/",
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=[_EVAL_SPLIT],
        eval_langs=eval_langs,
        main_score=main_score,
        date=("2016-06-16", "2020-04-11"),
        domains=["Encyclopaedic", "Written"],
        task_subtypes=["Question answering"],
        license="cc-by-sa-4.0",
        annotations_creators="human-annotated",
        dialect=[],
        sample_creation="human-translated and localized",
        bibtex_citation=_CITATION,
        prompt={"query": "Given a question, retrieve passages that answer the question"},
    )


class _XQuADR(AbsTaskRetrieval):
    """Subsets are put together from one configuration a language; no text is stored twice."""

    pools: ClassVar[dict[str, tuple[str, list[str]]]]
    """Language of the queries, and languages of the passages, by subset."""

    def load_data(self, num_proc: int | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        if self.data_loaded:
            return
        chosen = {name: self.pools[name] for name in self.hf_subsets}
        languages = {code for asked, pool in chosen.values() for code in (asked, *pool)}
        corpus, queries, qrels = (
            {code: self._part(f"{part}-{code}", num_proc) for code in sorted(languages)}
            for part in ("corpus", "queries", "qrels")
        )
        answers = {code: _answers(part) for code, part in qrels.items()}
        self.dataset = {}
        for name, (asked, pool) in chosen.items():
            relevant = {
                query: {passage: 1 for code in pool for passage in answers[code][query]}
                for query in queries[asked]["id"]
            }
            self.dataset[name] = {
                _EVAL_SPLIT: {
                    "corpus": concatenate_datasets([corpus[code] for code in pool]),
                    "queries": queries[asked],
                    "relevant_docs": relevant,
                    "top_ranked": None,
                }
            }
        self.data_loaded = True

    def _part(self, config: str, num_proc: int | None) -> Any:  # noqa: ANN401
        return load_dataset(
            self.metadata.dataset["path"],
            config,
            revision=self.metadata.dataset["revision"],
            split=_EVAL_SPLIT,
            num_proc=num_proc,
        )


def _answers(qrels: Any) -> dict[str, list[str]]:  # noqa: ANN401
    found: dict[str, list[str]] = {}
    for row in qrels:
        found.setdefault(row["query-id"], []).append(row["corpus-id"])
    return found


class XQuADRMonolingualRetrieval(_XQuADR):
    """One language."""

    pools: ClassVar = {code: (code, [code]) for code in _LANGUAGES}
    metadata = _metadata(
        "XQuADRMonolingualRetrieval",
        "Queries of each language against the passages of the same language.",
        {code: [name] for code, name in _LANGUAGES.items()},
        "map_at_1000",
    )


class XQuADRCrosslingualRetrieval(_XQuADR):
    """Every ordered pair of languages."""

    pools: ClassVar = {f"{a}-{b}": (a, [b]) for a, b in permutations(_LANGUAGES, 2)}
    metadata = _metadata(
        "XQuADRCrosslingualRetrieval",
        "Queries of each language against the passages of each other language; subset `ar-de` has "
        "Arabic queries and German passages.",
        {f"{a}-{b}": [_LANGUAGES[a], _LANGUAGES[b]] for a, b in permutations(_LANGUAGES, 2)},
        "map_at_1000",
    )


class XQuADRMultilingualRetrieval(_XQuADR):
    """One pool of all languages."""

    pools: ClassVar = {code: (code, list(_LANGUAGES)) for code in _LANGUAGES}
    metadata = _metadata(
        "XQuADRMultilingualRetrieval",
        "Queries of each language against one pool of the passages of all languages; the relevant "
        "passages are the parallel versions of the answer.",
        {code: [name] for code, name in _LANGUAGES.items()},
        "map_at_1000",
    )
