"""SQuAD's JSON in several languages, whose questions have the same ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from xbench.data.lareqa import Paragraph, read_lareqa, read_squad_json
from xbench.training.corpora.rows import Row
from xbench.training.corpora.source import Passage
from xbench.training.corpora.tables import WideTable, columns_of, file_state, keep


def read_squad(files: Mapping[str, Path], passage: Passage, folder: Path) -> WideTable:
    """Read SQuAD-style files into a table with a row for each question that has an answer.

    Args:
        files: File of each language.
        passage: Whether a passage is the sentence with the answer, as LAReQA has it (arXiv
            2004.05484), or its paragraph; files without ``sentence_breaks`` have paragraphs only.
        folder: Folder to keep the table in.

    Raises:
        UserError: If a file is not in that format.
    """
    form: Passage = passage if all(map(_has_breaks, files.values())) else "paragraph"
    state = (form, [file_state(path) for path in files.values()])
    table = keep(READERS[form], columns_of(list(files)), folder, state, files=dict(files))
    empty = [name for name in table.column_names if name.startswith("negatives")]
    missing = form != passage
    notes = ("passages are paragraphs, as the files have no sentence_breaks",) if missing else ()
    return WideTable(table.remove_columns(empty), notes=notes)


def _sentences(files: Mapping[str, Path]) -> Iterator[Row]:
    corpus = read_lareqa(files, "sentence")
    rows: dict[str, Row] = {}
    for code in corpus.languages:
        passages = dict(zip(corpus.passages[code].ids, corpus.passages[code].texts, strict=True))
        queries = corpus.queries[code]
        for question, text in zip(queries.ids, queries.texts, strict=True):
            if relevant := corpus.relevant[code][question]:
                row = rows.setdefault(question, {})
                row |= {f"query_{code}": text, f"passage_{code}": passages[relevant[0]]}
    yield from rows.values()


def _paragraphs(files: Mapping[str, Path]) -> Iterator[Row]:
    rows: dict[str, Row] = {}
    for code, path in files.items():
        for paragraph in _contexts(path):
            for question in paragraph.qas:
                if question.answers:
                    row = rows.setdefault(question.id, {})
                    row[f"query_{code}"] = question.question.strip()
                    row[f"passage_{code}"] = paragraph.context
    yield from rows.values()


def _contexts(path: Path) -> Iterator[Paragraph]:
    for article in read_squad_json(path):
        yield from article.paragraphs


def _has_breaks(path: Path) -> bool:
    return all(paragraph.sentence_breaks is not None for paragraph in _contexts(path))


READERS = {"sentence": _sentences, "paragraph": _paragraphs}
