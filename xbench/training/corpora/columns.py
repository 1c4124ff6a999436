"""What the columns of a table hold, from their names and what a configuration says of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xbench._util.errors import UserError
from xbench.training.corpora.labels import is_known, language_labels
from xbench.training.corpora.rows import LANGUAGE, LONG_COLUMNS, SIDES, SINGLE_NEGATIVE, Names

Shape = Literal["wide", "long", "columns"]

QUERIES = ("anchor", "query", "question", "sentence1")
PASSAGES = ("positive", "passage", "answer", "document", "context", "sentence2")
NEGATIVE = re.compile(r"negatives?(_\d+)?$")
ROLES = ("query", "passage", "negative")


@dataclass(frozen=True)
class Reading:
    """How a table is to be read.

    Attributes:
        shape: Its shape.
        names: What each column that is read holds; of a long table none is named.
        ignored: Columns that are not read.
    """

    shape: Shape
    names: Names
    ignored: tuple[str, ...]


def find_reading(
    columns: Sequence[str],
    where: str,
    shape: Shape | None = None,
    roles: Mapping[str, str] | None = None,
    language: str | Mapping[str, str] | None = None,
) -> Reading:
    """Return how a table with some columns is to be read.

    Args:
        columns: Its columns.
        where: Where it is from, for messages.
        shape: Its shape; None for what its columns are.
        roles: Role of columns (query, passage, negative) that have other names than these.
        language: Language of all columns, or of each.

    Raises:
        UserError: If the columns are of no shape, or do not say what they hold.
    """
    if roles or language:
        shape = "columns"
    shape = shape or _detect(columns, where)
    if shape == "columns":
        names = _library_names(columns, where, roles or {}, language)
        known = {*names, LANGUAGE, "id"}
    elif shape == "wide":
        names = wide_names(columns, where)
        known = {*names, "id"}
    else:
        names = {}
        known = {*LONG_COLUMNS, SINGLE_NEGATIVE}
    return Reading(shape, names, tuple(sorted(set(columns) - known)))


def _detect(columns: Sequence[str], where: str) -> Shape:
    names = set(columns)
    if {"id", LANGUAGE} <= names and not names & {"anchor", "positive"}:
        return "long"
    if any(column.startswith(("query_", "passage_")) for column in columns):
        return "wide"
    if names & set(QUERIES) and names & set(PASSAGES):
        return "columns"
    raise UserError(
        f"{where}: its columns are {', '.join(columns)}; expected query_<language> and "
        f"passage_<language>, such as query_en, or {', '.join(LONG_COLUMNS[:-1])}, or anchor and "
        "positive with the corpus's language"
    )


def wide_names(columns: Iterable[str], where: str) -> dict[str, str]:
    """Return what each column of a wide table holds; columns that are not read are skipped.

    Raises:
        UserError: If two columns hold the same, or a language that is not known has one side only.

    >>> wide_names(["id", "query_deu", "passage_de", "negative_de"], "table")
    {'query_deu': 'query_de', 'passage_de': 'passage_de', 'negative_de': 'negatives_de'}
    """
    parts = {
        column: (side, tag)
        for column in columns
        for side, found, tag in [column.partition("_")]
        if found and side in (*SIDES, SINGLE_NEGATIVE)
    }
    label = language_labels(tag for _, tag in parts.values())
    names: dict[str, str] = {}
    for column, (side, tag) in parts.items():
        name = f"{'negatives' if side == SINGLE_NEGATIVE else side}_{label[tag]}"
        if name in names.values():
            other = next(own for own, held in names.items() if held == name)
            raise UserError(
                f"{where}: columns {other} and {column} both hold {name}; keep one of them"
            )
        names[column] = name
    for column, (side, tag) in parts.items():
        sides = {own for own, other in parts.values() if label[other] == label[tag]}
        if not is_known(tag) and not {"query", "passage"} <= sides:
            raise UserError(
                f"{where}: column {column}: {tag!r} is not a known language, and no column "
                f"{'passage' if side == 'query' else 'query'}_{tag} is there; expected a language "
                "code, or a query and a passage column of the same label"
            )
    return names


def _library_names(
    columns: Sequence[str],
    where: str,
    roles: Mapping[str, str],
    language: str | Mapping[str, str] | None,
) -> dict[str, str]:
    """Return what each of the library's columns holds: anchor, positive, negative_1 and so on."""
    if unknown := sorted(roles.keys() - set(columns)):
        raise UserError(
            f"{where}: columns: no {', '.join(unknown)}; the data has {', '.join(columns)}"
        )
    if wrong := sorted(set(roles.values()) - set(ROLES)):
        raise UserError(
            f"{where}: columns: role {', '.join(wrong)}; expected one of {', '.join(ROLES)}"
        )
    side = dict(roles) or {column: role for column in columns if (role := _role(column))}
    if not {"query", "passage"} <= set(side.values()):
        raise UserError(
            f"{where}: its columns are {', '.join(columns)}; expected an anchor and a positive, or "
            "their names under columns: {NAME: query, NAME: passage}"
        )
    tags = dict.fromkeys(side, language) if isinstance(language, str) else dict(language or {})
    if untagged := [column for column in side if column not in tags]:
        if language or LANGUAGE not in columns:
            raise UserError(
                f"{where}: its columns are {', '.join(columns)}; no language of "
                f"{', '.join(untagged)}; give language: CODE, or one for each column, or a column "
                "language"
            )
        return {column: "negatives" if own == "negative" else own for column, own in side.items()}
    label = language_labels(str(tag) for tag in tags.values())
    return {
        column: f"{'negatives' if own == 'negative' else own}_{label[str(tags[column])]}"
        for column, own in side.items()
    }


def _role(column: str) -> str | None:
    if column in QUERIES:
        return "query"
    if column in PASSAGES:
        return "passage"
    return "negative" if NEGATIVE.match(column) else None
