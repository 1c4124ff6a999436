"""A corpus of one's own from Python: dictionaries of queries and passages, or a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xbench._util.errors import UserError
from xbench.data.own.building import CorpusBuilder, cell
from xbench.data.own.corpus import OwnCorpus
from xbench.data.own.reading import add_table
from xbench.data.own.tables import frame_table

TextsByLanguage = Mapping[str, Mapping[str, str]]
"""Texts by language and id."""

Relevant = Mapping[str, Mapping[str, float] | Iterable[str] | str]
"""Relevant passages by the question's id: ids, or grades by id, relevant if greater than 0."""


def corpus_from_mappings(
    name: str, queries: TextsByLanguage, passages: TextsByLanguage, qrels: Relevant
) -> OwnCorpus:
    """Return a corpus of queries, passages and what is relevant.

    Args:
        name: Its name.
        queries: By language, then by id, which a question has in common in all languages.
        passages: By language, then by id. An id that occurs in several languages is that of
            parallel passages.
        qrels: By the question's id, the relevant passages, in all languages that have them.

    Raises:
        UserError: If something is malformed, or a relevant passage is in no language.
    """
    builder = CorpusBuilder(name)
    for language, own in _checked("queries", queries).items():
        for question, text in _checked(f"queries[{language!r}]", own).items():
            where = f"queries[{language!r}][{question!r}]"
            builder.add(where, cell(question), language, cell(text), "")
    homes: dict[str, list[str]] = {}
    for language, own in _checked("passages", passages).items():
        for passage, text in _checked(f"passages[{language!r}]", own).items():
            where = f"passages[{language!r}][{passage!r}]"
            if not cell(text):
                raise UserError(f"{where}: is empty; remove it or give it a text")
            builder.add_passage(where, language, cell(text), cell(passage))
            homes.setdefault(cell(passage), []).append(language)
    for question, found in _checked("qrels", qrels).items():
        for passage in _relevant(found):
            for language in homes.get(cell(passage), ()):
                builder.add_relevance("qrels", language, cell(question), cell(passage))
            if cell(passage) not in homes:
                raise UserError(
                    f"qrels[{question!r}]: passage {passage!r} is in no language; expected ids of "
                    "passages"
                )
    return builder.finish(name)


def corpus_from_dataframe(name: str, frame: Any) -> OwnCorpus:  # noqa: ANN401
    """Return the corpus in a long or a wide DataFrame, with the columns that files have.

    Raises:
        UserError: If a column is missing or a row cannot be used.
    """
    builder = CorpusBuilder(name)
    add_table(frame_table(frame), builder)
    return builder.finish(name)


def _checked(what: str, given: Any) -> Mapping[Any, Any]:  # noqa: ANN401
    if not isinstance(given, Mapping):
        raise UserError(f"{what}: a {type(given).__name__}; expected a dictionary")
    return given


def _relevant(found: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(found, Mapping):
        return [passage for passage, grade in found.items() if grade > 0]
    return [found] if isinstance(found, str) else list(found)
