"""Read a corpus of one's own: a long or a wide table, or a folder with a part per language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench.data.languages import language
from xbench.data.own.building import CorpusBuilder, cell
from xbench.data.own.corpus import OwnCorpus, name_from
from xbench.data.own.folders import read_folder
from xbench.data.own.tables import Table, read_table, suffix_of

LONG = ("id", "language", "query", "passage")
OPTIONAL = ("passage_id", "relevant", "group")
OTHER_NAMES = {
    "id": ("qid", "query_id", "question_id", "key"),
    "language": ("lang", "locale", "code"),
    "query": ("question", "queries", "title"),
    "passage": ("answer", "text", "context", "document", "positive"),
}
"""What the columns of a long table are often called."""
WIDE = re.compile(r"(query|passage)_(.+)")
SHAPES = (
    "expected a row per question and language (id, language, query, passage[, passage_id, "
    "relevant, group]), or a row per question (id, query_en, passage_en, query_de, …)"
)

YES, NO = ("true", "yes"), ("false", "no")


def read_own_corpus(path: Path, name: str = "") -> OwnCorpus:
    """Read a corpus of one's own.

    Args:
        path: A table (CSV, TSV, JSONL, Parquet), or a folder with one folder in BEIR's format or
            one SQuAD file per language.
        name: Name of the corpus; by default that of the file.

    Raises:
        UserError: If it is malformed or contradicts itself, with the place, what was found and
            what was expected.
    """
    builder = CorpusBuilder(str(path))
    own = name or name_from(path.resolve().name)
    if path.is_dir():
        note = read_folder(path, builder)
    elif path.is_file():
        own = name or name_from(path.name.removesuffix(".gz").removesuffix(suffix_of(path)))
        note = add_table(read_table(path), builder)
    else:
        raise UserError(f"{path}: no such file or folder; expected a corpus of your own")
    found = builder.finish(own)
    return replace(found, notes=(*found.notes, *([note] if note else [])))


def add_table(table: Table, builder: CorpusBuilder) -> str:
    """Add the rows of a table, and return which columns were not used.

    Raises:
        UserError: If a column is missing, or a row cannot be used.
    """
    place = {name.strip().lower(): i for i, name in enumerate(table.columns)}
    if len(place) < len(table.columns):
        raise builder.error("header", f"{', '.join(table.columns)}: a name twice", SHAPES)
    plain = {"language", "query", "passage"} & place.keys()
    sides = {name: match for name in place if (match := WIDE.fullmatch(name))}
    if plain or not sides:
        used = _add_long(table, place, builder)
    else:
        used = _add_wide(table, place, sides, builder)
    if not builder.rows:
        raise builder.error("", "has no rows", SHAPES)
    ignored = [own for own in table.columns if own.strip().lower() not in used]
    return f"columns that are not used: {', '.join(ignored)}" if ignored else ""


def _add_long(table: Table, place: Mapping[str, int], builder: CorpusBuilder) -> set[str]:
    missing = [name for name in LONG if name not in place]
    if missing:
        found = f"no column {' and '.join(map(repr, missing))}; the columns are "
        near = _to_rename(missing, [own for own in place if own not in (*LONG, *OPTIONAL)])
        raise builder.error("header", f"{found}{', '.join(table.columns)}{near}", SHAPES)
    columns = [place.get(name, -1) for name in (*LONG, *OPTIONAL)]
    for where, values in table.rows:
        row = [cell(values[i]) if i >= 0 else "" for i in columns]
        relevant = _relevant(row[5], where, builder)
        builder.add(where, *row[:4], passage_id=row[4], relevant=relevant, group=row[6])
    return {*LONG, *OPTIONAL}


def _to_rename(missing: Sequence[str], others: Sequence[str]) -> str:
    """Return which columns may be those that are missing, under another name."""
    found = []
    for name in missing:
        close = [own for own in others if own in OTHER_NAMES.get(name, ())]
        close += get_close_matches(name, others, n=1)
        found += [f"{own!r} to {name!r}" for own in close[:1]]
    return f". Rename {', '.join(found)}" if found else ""


def _relevant(text: str, where: str, builder: CorpusBuilder) -> bool:
    """Return whether a passage is relevant, which it is where nothing is said."""
    if text in ("", "1") or text.lower() in YES:
        return True
    try:
        return text.lower() not in NO and float(text) > 0
    except ValueError:
        advice = "expected a number, relevant if greater than 0"
        raise builder.error(f"{where}, relevant", repr(text), advice) from None


def _add_wide(
    table: Table,
    place: Mapping[str, int],
    sides: Mapping[str, re.Match[str]],
    builder: CorpusBuilder,
) -> set[str]:
    if "id" not in place:
        found = f"no column 'id'; the columns are {', '.join(table.columns)}"
        raise builder.error("header", found, SHAPES)
    columns: dict[str, dict[str, int]] = {}
    for name, match in sides.items():
        try:
            language(match[2])
        except UserError as error:
            raise builder.error("header", f"column {name!r}: {error}", SHAPES) from error
        columns.setdefault(match[2], {})[match[1]] = place[name]
    parts = [(own, c.get("query", -1), c.get("passage", -1)) for own, c in columns.items()]
    group = place.get("group", -1)
    for where, values in table.rows:
        _add_wide_row(where, values, cell(values[place["id"]]), parts, group, builder)
    return {"id", "group", *sides}


def _add_wide_row(
    where: str,
    values: Sequence[Any],
    question: str,
    parts: Sequence[tuple[str, int, int]],
    group: int,
    builder: CorpusBuilder,
) -> None:
    for name, query, passage in parts:
        builder.add(
            where,
            question,
            name,
            cell(values[query]) if query >= 0 else "",
            cell(values[passage]) if passage >= 0 else "",
            group=cell(values[group]) if group >= 0 else "",
            optional=True,
        )
