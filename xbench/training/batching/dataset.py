"""The pairs as the trainer's dataset: texts are fetched when a batch is drawn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset, DatasetInfo
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.training.batching.options import BatchSampling, NegativeLanguage
from xbench.training.corpora.pairs import ParallelPairs

Pair = tuple[int, int, int]
"""Row in the dataset, position of the query's language, position of the passage's language."""

SHOWN = 100
"""Rows that the dataset shows as an ordinary one."""


class PairTexts(dict[str, str]):
    """The texts of a pair by column, and which pair it is."""

    def __init__(self, texts: dict[str, str], pair: Pair) -> None:
        super().__init__(texts)
        self.pair = pair


class PairDataset(Dataset):  # type: ignore[misc]
    """Parallel question-passage pairs of one or more corpora.

    Its items are pairs (row, query language, passage language), drawn by `HybridBatchSampler`;
    their texts are looked up when a batch is drawn, so that the pairs are never written out. Asked
    for rows by number or name, as a model card does, it shows a small monolingual sample.

    Args:
        corpora: The corpora; rows are numbered through them.
        sampling: How batches are drawn.
        negative_language: Whether the hard negatives of a pair, where there are any, are in the
            language of its passage or of its query.

    Attributes:
        languages: ISO 639-1 codes of all corpora, in alphabetical order.
        offsets: Number of the first row of each corpus.
        language_positions: For each corpus, the positions in `languages` of its own.
        epoch: The epoch whose batches are drawn; set by the data loader.

    Raises:
        UserError: If there is no corpus.
    """

    def __init__(
        self,
        corpora: Sequence[ParallelPairs],
        sampling: BatchSampling | None = None,
        negative_language: NegativeLanguage = "passage",
    ) -> None:
        if not corpora:
            raise UserError("there is no training corpus; name at least one")
        self.sampling = sampling or BatchSampling()
        self.negative_language = negative_language
        self.corpora = tuple(_with_negatives(pairs, negative_language) for pairs in corpora)
        self.languages = tuple(sorted({code for pairs in corpora for code in pairs.languages}))
        *self.offsets, self._rows = accumulate((len(p.table) for p in corpora), initial=0)
        self.language_positions: tuple[NDArray[np.int64], ...] = tuple(
            np.array([self.languages.index(code) for code in pairs.languages]) for pairs in corpora
        )
        self.epoch = 0
        self._columns: dict[tuple[int, str], Dataset] = {}
        names = " + ".join(pairs.name for pairs in corpora)
        super().__init__(
            pa.Table.from_pylist([dict(item) for item in self._shown()]),
            info=DatasetInfo(dataset_name=names),
            fingerprint=names,
        )

    def __len__(self) -> int:
        return self._rows

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch whose batches are drawn next."""
        self.epoch = epoch

    def select_columns(self, column_names: str | list[str], new_fingerprint: Any = None) -> Dataset:  # noqa: ANN401
        """Return columns of the sample."""
        return Dataset(self.data).select_columns(column_names)

    def __getitems__(self, keys: list[Pair]) -> list[PairTexts]:
        """Return the texts of the pairs of a batch, which are all of one corpus."""
        number = bisect_right(self.offsets, keys[0][0]) - 1
        rows = [row - self.offsets[number] for row, _, _ in keys]
        queries, passages = ([key[side] for key in keys] for side in (1, 2))
        columns = {
            "query": self._texts(number, "query", rows, queries),
            "passage": self._texts(number, "passage", rows, passages),
        }
        if count := self.corpora[number].negatives:
            languages = passages if self.negative_language == "passage" else queries
            lists = self._texts(number, "negatives", rows, languages)
            columns |= {f"negative_{n + 1}": [own[n] for own in lists] for n in range(count)}
        texts = zip(*columns.values(), strict=True)
        return [
            PairTexts(dict(zip(columns, own, strict=True)), key)
            for own, key in zip(texts, keys, strict=True)
        ]

    def describe(self, pairs: Iterable[Pair]) -> list[str]:
        """Return a line for each pair: corpus, row, languages and the beginnings of its texts."""
        lines = []
        for pair in pairs:
            number = bisect_right(self.offsets, pair[0]) - 1
            texts = self.__getitems__([pair])[0]
            codes = f"{self.languages[pair[1]]}-{self.languages[pair[2]]}"
            row = pair[0] - self.offsets[number] + 1
            beginnings = " | ".join(repr(text[:60]) for text in texts.values())
            lines.append(f"{self.corpora[number].name}, row {row}, {codes}: {beginnings}")
        return lines

    def _texts(self, number: int, side: str, rows: list[int], languages: list[int]) -> list[Any]:
        """Look up a column in the language of each row."""
        found: list[Any] = [None] * len(rows)
        for language in set(languages):
            places = [i for i, own in enumerate(languages) if own == language]
            column = self._column(number, f"{side}_{self.languages[language]}")
            texts = column[[rows[i] for i in places]].column(0).to_pylist()
            for place, text in zip(places, texts, strict=True):
                found[place] = text
        return found

    def _column(self, number: int, name: str) -> Dataset:
        if (number, name) not in self._columns:
            column = self.corpora[number].table.select_columns([name])
            self._columns[number, name] = column.with_format("arrow")
        return self._columns[number, name]

    def _shown(self) -> list[PairTexts]:
        """Return the first pairs, in one language where a row has one on both sides."""
        pairs = self.corpora[0]
        positions = self.language_positions[0]
        shown: list[Pair] = []
        for row in np.flatnonzero((pairs.queries > 0) & (pairs.passages > 0))[:SHOWN]:
            queries, passages = int(pairs.queries[row]), int(pairs.passages[row])
            query = _lowest(queries & passages or queries)
            passage = query if queries & passages else _lowest(passages)
            shown.append((int(row), int(positions[query]), int(positions[passage])))
        if not shown:
            raise UserError(f"corpus {pairs.name}: no row has a query and a passage")
        return self.__getitems__(shown)


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _with_negatives(pairs: ParallelPairs, language: NegativeLanguage) -> ParallelPairs:
    """Let only those languages be a query's that have the negatives asked for."""
    if not pairs.negatives or language == "passage":
        return pairs
    return replace(pairs, queries=pairs.queries & pairs.passages)
