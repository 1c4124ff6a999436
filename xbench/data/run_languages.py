"""The languages of a run's passages and queries: from tables, from dictionaries, or one for all."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from xbench._util.errors import UserError, unknown_name
from xbench.data.language_labels import one_form
from xbench.data.text_files import Problems, first, opened, some
from xbench.data.trec_files import Scored

Source = str | PathLike[str]
TABLE_SUFFIXES = (".tsv", ".csv", ".gz")


class _Tabs(csv.excel_tab):
    quoting = csv.QUOTE_NONE


@dataclass(frozen=True)
class Languages:
    """Language by passage id and by query id, and question id by query id."""

    passage: Mapping[str, str]
    query: Mapping[str, str]
    question: Mapping[str, str]

    def part(self, wanted: Sequence[str]) -> Languages:
        """Return what is in some languages, by any label of theirs.

        Raises:
            UserError: If there is nothing in one of them.
        """
        labels = {*self.passage.values(), *self.query.values()}
        kept: set[str] = set()
        for name in wanted:
            own = {label for label in labels if label == name or one_form({label, name})}
            if not own:
                raise unknown_name("language", name, sorted(labels))
            kept |= own
        passage, query = (
            {key: label for key, label in own.items() if label in kept}
            for own in (self.passage, self.query)
        )
        return Languages(passage, query, self.question)

    def in_one_form(self, notes: list[str]) -> Languages:
        """Return the same with one label per language, after a note of what was merged."""
        merged = one_form({*self.passage.values(), *self.query.values()})
        if not merged:
            return self
        labels: dict[str, list[str]] = {}
        for label, code in merged.items():
            labels.setdefault(code, []).append(label)
        named = "; ".join(f"{', '.join(own)} as {code}" for code, own in labels.items())
        notes.append(f"Labels of the same language are taken together: {named}")
        passage, query = (
            {key: merged.get(label, label) for key, label in own.items()}
            for own in (self.passage, self.query)
        )
        return Languages(passage, query, self.question)


def read_languages(
    passage_language: Mapping[str, str] | Source | Sequence[Source],
    query_language: Mapping[str, str] | Source | None,
    run: Scored,
    qrels: Scored,
    notes: list[str],
) -> Languages:
    """Bring the ways to give languages to one.

    Args:
        passage_language: Language by passage id, or tables.
        query_language: Language by query id, a table, one language for all, or None.
        run: The run, whose ids say what a row of a table is.
        qrels: The qrels, as well.
        notes: Where to add what a reader should know.

    Raises:
        UserError: If a table is malformed, or languages of queries are given twice.
    """
    given = () if isinstance(passage_language, Mapping) else passage_language
    paths = [given] if isinstance(given, (str, PathLike)) else [*given]
    in_table = False
    if isinstance(query_language, (str, PathLike)):
        in_table = not isinstance(query_language, str) or query_language.endswith(TABLE_SUFFIXES)
        paths += [query_language] if in_table else []
    table = _read_tables([*dict.fromkeys(map(Path, paths))], run, qrels, notes)
    if table.query and not (in_table or query_language is None):
        raise UserError(
            f"{', '.join(map(str, paths))}: gives languages to {len(table.query):,} queries "
            f"({some(table.query)}), which are given languages apart, too. Leave out one of the "
            "two or, if these are passages, add a column kind that says so"
        )
    query: Mapping[str, str] = table.query
    if isinstance(query_language, Mapping):
        query = query_language
    elif isinstance(query_language, str) and not in_table:
        query = dict.fromkeys(qrels, query_language)
    passage = passage_language if isinstance(passage_language, Mapping) else table.passage
    return Languages(passage, query, table.question)


def _read_tables(paths: Sequence[Path], run: Scored, qrels: Scored, notes: list[str]) -> Languages:
    """Read tables of languages, together."""
    queries = run.keys() | qrels.keys()
    passages = {p for side in (run, qrels) for found in side.values() for p in found}
    table: dict[str, dict[str, str]] = {"passage": {}, "query": {}}
    question: dict[str, str] = {}
    for path in paths:
        remedy = "Expected every passage and query once, with a language; kind: passage or query"
        problems, repeated = Problems(str(path), remedy), list[str]()
        for line, row in read_table(path):
            name, kind, label = row["id"], _kind(row, queries, passages), row["language"]
            if not name or not label:
                problems.add(f"line {line}: the {'language' if name else 'id'} is empty")
            elif kind not in table:
                problems.add(f"line {line}: {name!r} may be a query or a passage; kind is {kind!r}")
            elif (known := table[kind].get(name, label)) != label:
                problems.add(
                    f"line {line}: {kind} {name!r} is listed a second time, as {label!r} after "
                    f"{known!r}"
                )
            else:
                repeated += [f"line {line:,}"] if name in table[kind] else []
                table[kind][name] = label
                if kind == "query" and row.get("question"):
                    question[name] = row["question"]
        problems.raise_if_any()
        if repeated:
            notes.append(
                f"{path}: rows that occur twice count once: {len(repeated):,} ({first(repeated)})"
            )
    return Languages(table["passage"], table["query"], question)


def _kind(row: Mapping[str, str], queries: Collection[str], passages: Collection[str]) -> str:
    """Return what a row is of; empty if it cannot be known."""
    is_query, is_passage = row["id"] in queries, row["id"] in passages
    if row.get("kind") or (is_query and is_passage):
        return row.get("kind", "")
    if is_query or is_passage:
        return "query" if is_query else "passage"
    return "" if row.get("question") else "passage"


def read_table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line and the cells by column of each row of a table of languages.

    Commas separate cells that may be quoted; tabs, cells that are taken as they are.

    Raises:
        UserError: If there is no header with id and language, or a row has other columns.
    """
    with opened(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        header = text.readline().rstrip("\r\n")
        delimiter = "\t" if "\t" in header else ","
        names = [
            name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])
        ]
        if not {"id", "language"} <= {*names}:
            raise UserError(
                f"{path}: the first line is {header[:80]!r}; expected the header "
                "id,language[,question][,kind], separated by commas or tabs"
            )
        reader = csv.reader(text, "excel" if delimiter == "," else _Tabs)
        for cells in reader:
            line = reader.line_num + 1
            if len(cells) == len(names):
                yield line, dict(zip(names, (cell.strip() for cell in cells), strict=True))
            elif cells:
                raise UserError(
                    f"{path}: line {line}: {len(cells)} columns; expected {len(names)}, as in the "
                    "header. Fix the line"
                )
