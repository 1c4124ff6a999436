"""From rows to a parallel corpus: what belongs together, what is there twice, what contradicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xbench._util.errors import UserError
from xbench.data.languages import distinct_languages, variety
from xbench.data.own.corpus import LanguageCounts, OwnCorpus, checked_name
from xbench.data.parallel_corpus import ParallelCorpus, Texts

SHOWN = 60
"""Characters of a text that a message shows."""

NAME_LENGTH = 200
"""Most characters of an id or a group, as result files have them."""


def cell(value: Any) -> str:  # noqa: ANN401
    """Return the text of a cell, without white space around it; of a missing one, none.

    >>> cell(" a "), cell(None), cell(float("nan")), cell(7), cell(7.0)
    ('a', '', '', '7', '7')
    """
    if isinstance(value, str):
        return value.strip()
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def short(text: str) -> str:
    """Return the beginning of a text as messages quote it."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


@dataclass
class _Part:
    """What has been read of one language.

    Attributes:
        queries: Text of each question, by id.
        texts: Id of each passage, by its text; of equal texts, that of the first.
        ids: Text of each passage, by every id that was given to it.
        relevant: Ids of the relevant passages by question id, in order.
        rows: Number of passages that were given, equal ones counted each time.
    """

    queries: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    relevant: dict[str, dict[str, None]] = field(default_factory=dict)
    rows: int = 0


class CorpusBuilder:
    """A corpus that is put together row by row.

    Args:
        source: File or argument that the rows are from, as messages name it.

    Attributes:
        rows: Number of rows that were added.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._parts: dict[str, _Part] = {}
        self._named: dict[str, _Part] = {}
        self._names: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._empty = 0
        self.rows = 0

    def add(
        self,
        where: str,
        question: str,
        language: str,
        query: str,
        passage: str,
        *,
        passage_id: str = "",
        relevant: bool = True,
        group: str = "",
        optional: bool = False,
    ) -> None:
        """Add a row: a question, a passage, or both, which then belong together.

        Args:
            where: Place of the row, as messages name it.
            question: Id of the question, the same in every language.
            language: Language of the row, in any form.
            query: Text of the question; empty if the row has none.
            passage: Text of the passage; empty if the row has none.
            passage_id: Id of the passage, if it has one.
            relevant: Whether the passage answers the question.
            group: What the question is grouped by, such as its article.
            optional: Whether a row with neither is just one of the languages that are missing.

        Raises:
            UserError: If the row contradicts an earlier one or does not say what it is.
        """
        self.rows += 1
        if not (query or passage):
            self._empty += not optional
            return
        part = self._part(where, language)
        if query:
            self._add_query(part, where, question, language, query)
        if group:
            self._check_name(where, "group", group)
        if group and self._groups.setdefault(question, group) != group:
            found = f"id {question!r} has two groups, {self._groups[question]!r} and {group!r}"
            raise self.error(where, found, "expected one for each id, the same in all languages")
        if passage:
            own = self.add_passage(where, language, passage, passage_id, question)
            if question and relevant:
                part.relevant.setdefault(question, {})[own] = None

    def add_passage(
        self, where: str, language: str, text: str, passage_id: str, question: str = ""
    ) -> str:
        """Add a passage, and return the id that it is kept under.

        Raises:
            UserError: If the id has another text already.
        """
        part = self._part(where, language)
        part.rows += 1
        kept = part.texts.get(text)
        if passage_id:
            known = part.ids.get(passage_id)
            if known is not None and known != text:
                found = (
                    f"passage_id {passage_id!r} has two texts in {language}, {short(known)} and "
                    f"{short(text)}"
                )
                raise self.error(where, found, "give each passage an id of its own")
        if kept is not None:
            if passage_id:
                part.ids[passage_id] = text
            return kept
        own = passage_id or question or "passage"
        while own in part.ids:
            own = f"{question or 'passage'}.{part.rows}"
        part.texts[text] = own
        part.ids[own] = text
        return own

    def add_relevance(self, where: str, language: str, question: str, passage_id: str) -> None:
        """Make a passage of a language, which was added before, relevant to a question.

        Raises:
            UserError: If there is no such passage.
        """
        part = self._part(where, language)
        text = part.ids.get(passage_id)
        if text is None:
            found = f"passage {passage_id!r} of question {question!r} is not in the corpus"
            raise self.error(where, found, f"add it to the passages of {language}")
        part.relevant.setdefault(question, {})[part.texts[text]] = None

    def _part(self, where: str, name: str) -> _Part:
        """Return the part of a language; all its names lead to the same."""
        part = self._named.get(name)
        if part is None:
            try:
                tag = variety(name)
            except UserError as error:
                raise UserError(f"{self.source}: {where}, language: {error}") from error
            self._names.setdefault(tag, name)
            part = self._named[name] = self._parts.setdefault(tag, _Part())
        return part

    def error(self, where: str, found: str, advice: str) -> UserError:
        """Return the error for what is wrong at a place of the source."""
        place = f"{self.source}: {where}" if where else self.source
        return UserError(f"{place}: {found}; {advice}")

    def _add_query(self, part: _Part, where: str, question: str, language: str, query: str) -> None:
        if not question:
            found = f"the question {short(query)} has no id"
            raise self.error(where, found, "expected one, the same in every language")
        self._check_name(where, "id", question)
        known = part.queries.setdefault(question, query)
        if known != query:
            found = (
                f"id {question!r} has two questions in {language}, {short(known)} and "
                f"{short(query)}"
            )
            raise self.error(where, found, "give each question an id of its own")

    def _check_name(self, where: str, column: str, name: str) -> None:
        """Refuse a name that result files cannot have."""
        if len(name) > NAME_LENGTH or not name.isprintable():
            found = f"{column} {name[:SHOWN]!a} of {len(name)} characters"
            raise self.error(where, found, f"expected at most {NAME_LENGTH}, all of them printable")

    def finish(self, name: str) -> OwnCorpus:
        """Return the corpus.

        Raises:
            UserError: If there is nothing to search for.
        """
        named = checked_name(name)
        languages = distinct_languages(self._names.values())
        parts = {languages[self._names[tag]].code: part for tag, part in self._parts.items()}
        self._parts.clear()
        self._named.clear()
        questions = {question for part in parts.values() for question in part.queries}
        queries, passages, relevant, counts = {}, {}, {}, {}
        for code in sorted(parts):
            part = parts.pop(code)
            queries[code] = Texts(tuple(part.queries), tuple(part.queries.values()))
            passages[code] = Texts(
                tuple(f"{code}:{own}" for own in part.texts.values()), tuple(part.texts)
            )
            relevant[code] = {
                question: tuple(f"{code}:{own}" for own in found)
                for question, found in part.relevant.items()
                if question in questions
            }
            counts[code] = _counts(part, relevant[code], queries[code].ids)
        if not any(relevant.values()):
            raise self._nothing(queries, passages)
        corpus = ParallelCorpus(queries, passages, relevant)
        tags = {own.code: own for own in languages.values()}
        return OwnCorpus(named, self.source, corpus, tags, counts, self._empty, self._groups)

    def _nothing(self, queries: dict[str, Texts], passages: dict[str, Texts]) -> UserError:
        asked, held = (sum(map(len, side.values())) for side in (queries, passages))
        return UserError(
            f"{self.source}: {asked:,} questions and {held:,} passages, and no passage belongs to "
            "a question; expected rows with both, or with the id of a question in another language"
        )


def _counts(
    part: _Part, relevant: dict[str, tuple[str, ...]], questions: tuple[str, ...]
) -> LanguageCounts:
    used = {passage for found in relevant.values() for passage in found}
    return LanguageCounts(
        questions=len(questions),
        passages=len(part.texts),
        pairs=sum(map(len, relevant.values())),
        merged=part.rows - len(part.texts),
        without_passage=sum(question not in relevant for question in questions),
        without_question=len(part.texts) - len(used),
    )
