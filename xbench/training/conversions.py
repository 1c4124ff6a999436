"""Parallel pairs for studies, made from public data of other tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xbench._util.errors import UserError
from xbench.data.languages import LANGUAGES

COLUMNS = ("premise", "hypothesis", "label")


def xnli_pairs(folder: Path) -> Iterator[dict[str, str]]:
    """Yield a wide row for each entailment of XNLI's development set (arXiv 1809.05053).

    The query is the hypothesis, and its passage the premise that it follows from. A line is the
    same example in every file. The test files have no labels and are not read.

    Args:
        folder: Folder with ``dev-<code>.tsv``: premise, hypothesis and label.

    Raises:
        UserError: If there are no such files, or they are not parallel.
    """
    files = {code: folder / f"dev-{code}.tsv" for code in sorted(LANGUAGES)}
    examples = {code: _examples(path) for code, path in files.items() if path.is_file()}
    if not examples:
        raise UserError(f"{folder}: no files such as dev-en.tsv; expected XNLI's development set")
    labels = {code: [label for _, _, label in own] for code, own in examples.items()}
    first = next(iter(labels))
    for code, own in labels.items():
        if own != labels[first]:
            raise UserError(
                f"{files[code]}: its {len(own):,} labels are not the {len(labels[first]):,} of "
                f"{files[first]}; expected the same examples in the same order"
            )
    for number, label in enumerate(labels[first]):
        if label == "entailment":
            row = {"id": f"dev-{number + 1}"}
            for code in examples:
                row[f"passage_{code}"], row[f"query_{code}"], _ = examples[code][number]
            yield row


def _examples(path: Path) -> list[list[str]]:
    lines = path.read_text("utf-8").removesuffix("\n").split("\n")
    examples = [line.split("\t") for line in lines]
    for number, example in enumerate(examples, 1):
        if len(example) != len(COLUMNS):
            raise UserError(
                f"{path}, line {number}: {len(example)} columns; expected {', '.join(COLUMNS)}"
            )
    return examples
