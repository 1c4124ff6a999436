"""Folders with a part per language: BEIR's format, or a file in SQuAD's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from xbench._util.errors import UserError
from xbench.data.languages import language
from xbench.data.lareqa import read_squad_json
from xbench.data.own.building import CorpusBuilder, cell
from xbench.data.own.tables import read_table

BEIR = ("corpus.jsonl", "queries.jsonl", "qrels")
EXPECTED = (
    "expected one folder per language with corpus.jsonl, queries.jsonl and qrels/test.tsv (de/…), "
    "or one file in SQuAD's format per language (de.json)"
)


def read_folder(folder: Path, builder: CorpusBuilder) -> str:
    """Add what is in a folder, and return what it was.

    Raises:
        UserError: If it has neither layout, or a file is malformed.
    """
    parts = sorted(path.parent for path in folder.glob("*/corpus.jsonl*"))
    files = sorted(folder.glob("*.json"))
    if parts:
        for part in parts:
            _add_beir(part, _named(part.name, part), builder)
        return f"{len(parts)} folders in BEIR's format"
    if files:
        for file in files:
            _add_squad(file, _named(file.stem, file), builder)
        return f"{len(files)} files in SQuAD's format; a passage is a paragraph"
    names = sorted(path.name for path in folder.iterdir())
    shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
    raise UserError(f"{folder}: has {shown or 'nothing'}; {EXPECTED}")


TAG = re.compile(r"(?:^|[._-])([a-z]{2,3}[-_][A-Z][a-z]{3}|[a-z]{2}[-_][A-Z]{2})$")
"""A language with its script or territory at the end of a name."""


def _named(name: str, path: Path) -> str:
    """Return the language that a name is, or ends in.

    Raises:
        UserError: If there is none.
    """
    tag = TAG.search(name)
    text = tag[1] if tag else re.split(r"[._ -]", name)[-1]
    try:
        language(text)
    except UserError as error:
        raise UserError(f"{path}: {error}; {EXPECTED}") from error
    return text


def _add_squad(path: Path, name: str, builder: CorpusBuilder) -> None:
    for a, article in enumerate(read_squad_json(path)):
        for p, paragraph in enumerate(article.paragraphs):
            where = f"{path.name}, data[{a}].paragraphs[{p}]"
            text = paragraph.context.strip()
            if not text:
                continue
            own = builder.add_passage(where, name, text, "", f"{a}.{p}")
            for question in paragraph.qas:
                builder.add(where, question.id, name, question.question.strip(), "")
                builder.add_relevance(where, name, question.id, own)


def _add_beir(folder: Path, name: str, builder: CorpusBuilder) -> None:
    def file(stem: str) -> Path:
        found = next((p for p in (folder / stem, folder / f"{stem}.gz") if p.is_file()), None)
        if found is None:
            raise UserError(f"{folder}: has no {stem}; {EXPECTED}")
        return found

    for where, row in _records(file("corpus.jsonl"), ("_id", "text"), ("title",)):
        text = f"{row['title']} {row['text']}".strip()
        if text:
            builder.add_passage(where, name, text, row["_id"])
    for where, row in _records(file("queries.jsonl"), ("_id", "text"), ()):
        builder.add(where, row["_id"], name, row["text"], "")
    for where, row in _records(_qrels(folder), ("query-id", "corpus-id", "score"), ()):
        try:
            relevant = float(row["score"]) > 0
        except ValueError:
            raise builder.error(where, f"score {row['score']!r}", "expected a number") from None
        if relevant:
            builder.add_relevance(where, name, row["query-id"], row["corpus-id"])


def _records(
    path: Path, needed: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the place and the columns of each row."""
    table = read_table(path)
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise UserError(
            f"{path}: has {', '.join(table.columns)}; expected {', '.join(needed)}, as BEIR has"
        )
    place = {column: table.columns.index(column) for column in needed}
    place |= {column: table.columns.index(column) for column in optional if column in table.columns}
    base = dict.fromkeys(optional, "")
    for where, values in table.rows:
        row = {column: cell(values[i]) for column, i in place.items()}
        yield f"{path.parent.name}/{path.name}, {where}", base | row


def _qrels(folder: Path) -> Path:
    files = sorted((folder / "qrels").glob("*.tsv"))
    test = [path for path in files if path.stem == "test"] or files
    if len(test) != 1:
        found = ", ".join(path.name for path in files) or "no file"
        raise UserError(f"{folder / 'qrels'}: has {found}; expected test.tsv, or one file")
    return test[0]
