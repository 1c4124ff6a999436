"""The pairs as the trainer's dataset: texts are fetched when a batch is drawn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset, DatasetInfo
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.training.batching.options import BatchSampling, NegativeLanguage
from xbench.training.batching.texts import PairTable, TextTable, TrainingCorpus, with_negatives
from xbench.training.corpora.pairs import ParallelPairs
from xbench.training.corpora.presence import unpack

Pair = tuple[int, int, int]
"""Row in the dataset, position of the query's language, position of the passage's language."""

SHOWN = 100
"""Rows that the dataset shows as an ordinary one."""


class PairTexts(dict[str, Any]):
    """The texts of a pair by column, and which pair it is."""

    def __init__(self, texts: dict[str, Any], pair: Pair) -> None:
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
        corpora: The corpora: `ParallelPairs`, or `TextTable` for rows that are drawn as they come.
        samplings: How the batches of each are drawn.
        weights: Times that each question of each is drawn in an epoch.
        languages: Languages of all corpora, in alphabetical order.
        offsets: Number of the first row of each corpus.
        language_positions: For each corpus, the positions in `languages` of its own.
        named: Whether items have the name of their corpus, for losses and prompts by corpus.
        epoch: The epoch whose batches are drawn; set by the data loader.

    Raises:
        UserError: If there is no corpus.
    """

    def __init__(
        self,
        corpora: Sequence[ParallelPairs | TrainingCorpus | TextTable],
        sampling: BatchSampling | None = None,
        negative_language: NegativeLanguage = "passage",
    ) -> None:
        if not corpora:
            raise UserError("there is no training corpus; name at least one")
        self.sampling = sampling or BatchSampling()
        self.negative_language = negative_language
        self.parts = tuple(_part(corpus) for corpus in corpora)
        self.corpora = tuple(_prepared(part, negative_language) for part in self.parts)
        self.samplings = tuple(
            (part.sampling if isinstance(part, TrainingCorpus) else None) or self.sampling
            for part in self.parts
        )
        self.weights = tuple(
            part.weight if isinstance(part, TrainingCorpus) else 1.0 for part in self.parts
        )
        self.languages = tuple(sorted({c for own in self.corpora for c in own.languages}))
        *self.offsets, self._rows = accumulate((len(p.table) for p in self.corpora), initial=0)
        self.language_positions: tuple[NDArray[np.int64], ...] = tuple(
            np.array([self.languages.index(code) for code in own.languages] or [0])
            for own in self.corpora
        )
        self.named = False
        self.epoch = 0
        self._tables = [
            own if isinstance(own, TextTable) else PairTable(own, negative_language)
            for own in self.corpora
        ]
        names = " + ".join(own.name for own in self.corpora)
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
        table = self._tables[number]
        rows = [row - self.offsets[number] for row, _, _ in keys]
        if isinstance(table, TextTable):
            found: list[dict[str, Any]] = table.lookup(rows)
        else:
            queries, passages = ([self.languages[key[side]] for key in keys] for side in (1, 2))
            found = table.lookup(rows, queries, passages)
        name = {"dataset_name": self.corpora[number].name} if self.named else {}
        return [PairTexts({**texts, **name}, key) for texts, key in zip(found, keys, strict=True)]

    def describe(self, pairs: Iterable[Pair]) -> list[str]:
        """Return a line for each pair: corpus, row, languages and the beginnings of its texts."""
        lines = []
        for pair in pairs:
            number = bisect_right(self.offsets, pair[0]) - 1
            texts = self.__getitems__([pair])[0]
            own = self.corpora[number]
            codes = ", ".join(
                [f"{self.languages[pair[1]]}-{self.languages[pair[2]]}"] if own.languages else []
            )
            row = pair[0] - self.offsets[number] + 1
            beginnings = " | ".join(
                repr(text[:60]) for text in texts.values() if isinstance(text, str)
            )
            place = f"{own.name}, row {row}" + (f", {codes}" if codes else "")
            lines.append(f"{place}: {beginnings}")
        return lines

    def _shown(self) -> list[PairTexts]:
        """Return the first pairs, in one language where a row has one on both sides."""
        pairs = self.corpora[0]
        positions = self.language_positions[0]
        if isinstance(pairs, TextTable):
            return self.__getitems__([(row, 0, 0) for row in range(min(SHOWN, len(pairs.table)))])
        shown: list[Pair] = []
        there = pairs.queries.any(axis=1) & pairs.passages.any(axis=1)
        for row in np.flatnonzero(there)[:SHOWN]:
            queries, passages = (
                unpack(bits[row : row + 1], len(pairs.languages))[0] > 0
                for bits in (pairs.queries, pairs.passages)
            )
            both = queries & passages
            query = int(np.argmax(both if both.any() else queries))
            passage = query if both.any() else int(np.argmax(passages))
            shown.append((int(row), int(positions[query]), int(positions[passage])))
        if not shown:
            raise UserError(f"corpus {pairs.name}: no row has a query and a passage")
        return self.__getitems__(shown)


def _part(corpus: ParallelPairs | TrainingCorpus | TextTable) -> TrainingCorpus | TextTable:
    return TrainingCorpus(corpus) if isinstance(corpus, ParallelPairs) else corpus


def _prepared(
    part: TrainingCorpus | TextTable, language: NegativeLanguage
) -> ParallelPairs | TextTable:
    return part if isinstance(part, TextTable) else with_negatives(part.pairs, language)


def merged(datasets: Mapping[str, Dataset]) -> PairDataset:
    """Return one dataset of several, whose corpora have the names of the datasets.

    Args:
        datasets: By name; datasets of the library next to ours are drawn as they come.

    Raises:
        UserError: If their negatives are to be in different languages.
    """
    corpora: list[TrainingCorpus | TextTable] = []
    for name, dataset in datasets.items():
        if not isinstance(dataset, PairDataset):
            corpora.append(TextTable(name, dataset))
            continue
        for part, sampling in zip(dataset.parts, dataset.samplings, strict=True):
            if isinstance(part, TextTable):
                corpora.append(replace(part, name=name))
            else:
                pairs = replace(part.pairs, name=name)
                corpora.append(replace(part, pairs=pairs, sampling=sampling))
    ours = [own for own in datasets.values() if isinstance(own, PairDataset)]
    if len({own.negative_language for own in ours}) > 1:
        raise UserError("datasets: negative_language differs between them; give all the same")
    return PairDataset(corpora, ours[0].sampling, ours[0].negative_language)
