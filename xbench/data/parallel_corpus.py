"""A parallel corpus: queries and passages in several languages, and what is relevant to what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Texts:
    """The queries or the passages of one language.

    Attributes:
        ids: Identifiers, each once.
        texts: Their texts, in the same order.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.texts):
            raise ValueError(f"{len(self.ids)} ids for {len(self.texts)} texts")
        if len(set(self.ids)) != len(self.ids):
            raise ValueError("an id occurs twice")

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class ParallelCorpus:
    """Queries and passages by language, and the relevant passages of every question.

    A question has the same id in every language, so a query in language a has relevant passages
    in every language b that holds the answer.

    Attributes:
        queries: Queries by ISO 639-1 code.
        passages: Passages by ISO 639-1 code; a passage id is unique over all languages.
        relevant: By passage language, then by question id: the ids of the relevant passages.
    """

    queries: Mapping[str, Texts]
    passages: Mapping[str, Texts]
    relevant: Mapping[str, Mapping[str, tuple[str, ...]]]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for code, passages in self.passages.items():
            ids = set(passages.ids)
            if seen & ids:
                raise ValueError(f"passage id {min(seen & ids)!r} occurs in two languages")
            seen |= ids
            for question, relevant in self.relevant[code].items():
                if not ids.issuperset(relevant):
                    raise ValueError(f"question {question!r}: a relevant passage is not in {code}")

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes, in alphabetical order."""
        return tuple(sorted(self.passages))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the whole content, whatever its order."""
        digest = hashlib.sha256()
        for side in (self.queries, self.passages):
            for code, own in sorted(side.items()):
                digest.update(f"{code} {len(own)}\n".encode())
                for name, text in sorted(zip(own.ids, own.texts, strict=True)):
                    digest.update(f"{len(name)} {len(text)} {name}{text}".encode())
        for code, by_question in sorted(self.relevant.items()):
            known = [[question, *sorted(found)] for question, found in sorted(by_question.items())]
            digest.update(json.dumps([code, known]).encode())
        return digest.hexdigest()

    def restrict(self, languages: Sequence[str]) -> ParallelCorpus:
        """Return the corpus of some of the languages."""
        return ParallelCorpus(
            queries={code: self.queries[code] for code in languages},
            passages={code: self.passages[code] for code in languages},
            relevant={code: self.relevant[code] for code in languages},
        )

    def relevant_passages(
        self,
        query_language: str,
        passage_languages: Sequence[str],
        questions: Sequence[str] | None = None,
    ) -> dict[str, tuple[str, ...]]:
        """Return the relevant passages of each query, for the queries that have any.

        Args:
            query_language: Language of the queries.
            passage_languages: Languages of the pool.
            questions: Ids of the queries, by default all of the language.
        """
        found = {
            question: tuple(
                passage
                for code in passage_languages
                for passage in self.relevant[code].get(question, ())
            )
            for question in (self.queries[query_language].ids if questions is None else questions)
        }
        return {question: passages for question, passages in found.items() if passages}


@dataclass(frozen=True, eq=False)
class Qrels:
    """Judgments of one language, and where they are.

    Attributes:
        judgments: Relevance by query id and docid; relevant is what is greater than 0.
        file: File or repository they were read from.
        lines: Line of the file, or row of the repository, by query id and docid.
    """

    judgments: Mapping[str, Mapping[str, int]]
    file: str
    lines: Mapping[str, Mapping[str, int]]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the judgments."""
        return hashlib.sha256(json.dumps(self.judgments, sort_keys=True).encode()).hexdigest()
