"""A corpus of one's own: its name, its content, and what was understood of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from xbench._util.errors import UserError
from xbench.data.catalogue import CONTENT_REVISION, Subset, subsets
from xbench.data.datasets import DATASETS, SETTINGS, Dataset, Setting
from xbench.data.languages import Language
from xbench.data.parallel_corpus import ParallelCorpus

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

REVISION = 40
"""Hexadecimal digits of a content's hash in its revision, as many as a commit has."""


SMALL = 100
"""Passages of a language below which scores say little of a real search."""


def checked_name(name: str) -> str:
    """Return the name of a corpus if tasks can be named after it.

    Raises:
        UserError: If it has other characters, or a published dataset has it.

    >>> checked_name("my-faq")
    'my-faq'
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise UserError(
            f"name {name!r}: expected up to 64 letters, digits, dots, dashes and underscores"
        )
    taken = {own.casefold() for d in DATASETS for own in (d.prefix, d.title, d.folder)}
    if name.casefold() in taken:
        raise UserError(f"name {name!r}: is that of a published dataset; choose another")
    return name


def name_from(stem: str) -> str:
    """Return a name made of that of a file.

    >>> name_from("FAQ (march)"), name_from("données")
    ('FAQ-march', 'donn-es')
    """
    made = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-._")[:64]
    return made or "data"


@dataclass(frozen=True)
class LanguageCounts:
    """What there is in a language.

    Attributes:
        questions: Questions.
        passages: Distinct passages.
        pairs: Questions, of any language, with a passage that is relevant to them.
        merged: Passages that are equal to another, and were left away.
        without_passage: Questions of the language that have no relevant passage in it.
        without_question: Passages that are relevant to no question.
    """

    questions: int
    passages: int
    pairs: int
    merged: int
    without_passage: int
    without_question: int


@dataclass(frozen=True, eq=False)
class OwnCorpus:
    """A corpus of one's own.

    Attributes:
        name: Its name, which those of its tasks begin with.
        source: File or argument that it was read from.
        corpus: Queries, passages and what is relevant.
        languages: Its languages by code.
        counts: What there is in each, by code.
        empty: Rows that had neither a question nor a passage.
        groups: What questions are grouped by, such as an article, by the question's id.
        notes: What else a reader should know of how it was understood.
    """

    name: str
    source: str
    corpus: ParallelCorpus
    languages: Mapping[str, Language]
    counts: Mapping[str, LanguageCounts]
    empty: int = 0
    groups: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def dataset(self) -> Dataset:
        """The corpus as the catalogue describes datasets; its revision is the content's hash."""
        return Dataset(
            prefix=self.name,
            title=self.name,
            folder=self.name,
            revision=f"{CONTENT_REVISION}{self.corpus.fingerprint[:REVISION]}",
            sha256=dict.fromkeys(self.corpus.languages, ""),
        )

    @cached_property
    def questions(self) -> int:
        """Number of distinct question ids."""
        return len({q for side in self.corpus.queries.values() for q in side.ids})

    @cached_property
    def answerable(self) -> Mapping[tuple[str, str], int]:
        """Number of questions of a language with a relevant passage in another, where any has."""
        corpus = self.corpus
        counts = {
            (a, b): sum(map(corpus.relevant[b].__contains__, corpus.queries[a].ids))
            for a in corpus.languages
            for b in corpus.languages
            if corpus.queries[a].ids and corpus.relevant[b]
        }
        return {pair: count for pair, count in counts.items() if count}

    def subsets(self, setting: Setting, languages: Iterable[str]) -> dict[str, Subset]:
        """Return the subsets of a setting that have a question with a relevant passage.

        Args:
            setting: The setting.
            languages: Codes of the languages to keep; a pool has those with a passage.
        """
        kept = tuple(languages)
        pool = tuple(a for a in kept if self.corpus.passages[a].ids)
        if setting == "multilingual":
            if len(pool) < 2:
                return {}
            return {
                a: Subset(a, pool) for a in kept if any((a, b) in self.answerable for b in pool)
            }
        return {
            name: subset
            for name, subset in subsets(setting, kept).items()
            if (subset.query_language, *subset.passage_languages) in self.answerable
        }

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The settings that have a subset."""
        return tuple(s for s in SETTINGS if self.subsets(s, self.corpus.languages))


def summary(own: OwnCorpus) -> Iterator[str]:
    """Yield what was understood of a corpus, sentence by sentence."""
    counts = own.counts.values()
    total = {
        "languages": len(own.counts),
        "questions": own.questions,
        "passages": sum(c.passages for c in counts),
        "pairs of a question and a relevant passage": sum(c.pairs for c in counts),
    }
    yield f"{own.source}: " + ", ".join(f"{n:,} {what}" for what, n in total.items())
    if merged := sum(c.merged for c in counts):
        yield f"equal to another passage of their language, and one with it: {merged:,}"
    if own.empty:
        yield f"rows without question and passage, which are skipped: {own.empty:,}"
    if len(own.counts) > 1 and "crosslingual" not in own.settings:
        yield (
            "no question of one language has a relevant passage in another: a question needs the "
            "same id in every language"
        )
    small = [f"{code} {c.passages}" for code, c in own.counts.items() if 0 < c.passages < SMALL]
    if small:
        yield (
            f"small pools ({', '.join(small)} passages): scores in them are high, and say little "
            "of larger ones; add passages without a question"
        )
    yield from own.notes


def refuse_one_language(own: OwnCorpus) -> None:
    """Refuse a corpus of one language, in which there is nothing to compare languages by.

    Raises:
        UserError: If there is one language only.
    """
    if len(own.languages) == 1:
        ((code, only),) = own.languages.items()
        raise UserError(
            f"{own.source}: has one language only, {only.name} ({code}); expected several, with "
            "the same ids. Add another, or run the monolingual setting alone with --languages "
            f"{code}"
        )
