"""The batch sampler: what sentence-transformers' trainer asks which pairs to put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sentence_transformers.base.sampler import DefaultBatchSampler

from xbench.training.batching.dataset import Pair, PairDataset
from xbench.training.batching.epoch import CorpusBatches, Drawn
from xbench.training.batching.expected import ExpectedPairs
from xbench.training.batching.table_batches import TableBatches
from xbench.training.batching.texts import TextTable

CHUNK = 256
"""Batches whose languages are drawn at once."""


class HybridBatchSampler(DefaultBatchSampler):
    """Draws monolingual and cross-lingual batches of parallel pairs (arXiv 2408.10536).

    A batch is of one corpus, and corpora are drawn in proportion to their sizes and weights. The
    batches are a function of the seed and of the dataset's epoch alone, so every process of a
    distributed run, and a run that resumes, sees the same ones. What a batch and an epoch hold is
    described in `CorpusBatches`.

    Args:
        dataset: The pairs, and how they are to be sampled.
        batch_size: Pairs in a batch, over all processes.
        drop_last: Whether rows that fill no batch are skipped of an epoch; else the last batch of
            a corpus is filled up with rows drawn a second time.
        valid_label_columns: Not used; the trainer passes it.
        generator: Not used; batches are functions of the seed and the epoch.
        seed: Seed of all batches.

    Raises:
        UserError: If the batches asked for cannot be made of a corpus.
    """

    dataset: PairDataset

    def __init__(
        self,
        dataset: PairDataset,
        batch_size: int,
        drop_last: bool = False,
        valid_label_columns: list[str] | None = None,
        generator: Any = None,  # noqa: ANN401
        seed: int = 0,
    ) -> None:
        super().__init__(dataset, batch_size, drop_last, valid_label_columns, generator, seed)
        self.dataset = dataset
        self.corpora = [
            TableBatches(pairs, batch_size, drop_last)
            if isinstance(pairs, TextTable)
            else CorpusBatches(
                pairs, batch_size, sampling, drop_last=drop_last, weight=weight, seed=seed
            )
            for pairs, sampling, weight in zip(
                dataset.corpora, dataset.samplings, dataset.weights, strict=True
            )
        ]

    def __len__(self) -> int:
        return sum(len(corpus) for corpus in self.corpora)

    @property
    def expected(self) -> list[ExpectedPairs]:
        """The pairs of an epoch that are asked for and expected, by corpus."""
        return [own.expected for own in self.corpora if isinstance(own, CorpusBatches)]

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch whose batches are drawn next; it is kept with the dataset."""
        self.dataset.set_epoch(epoch)

    def __iter__(self) -> Iterator[list[Pair]]:  # type: ignore[override]
        random = np.random.default_rng((self.seed, self.dataset.epoch))
        drawn = [corpus.draw(random) for corpus in self.corpora]
        order = np.repeat(np.arange(len(drawn), dtype=np.int16), [len(d.kinds) for d in drawn])
        random.shuffle(order)
        chunks = [self._chunks(number, d, random) for number, d in enumerate(drawn)]
        for number in order.tolist():
            yield next(chunks[number])

    def _chunks(
        self, number: int, drawn: Drawn, random: np.random.Generator
    ) -> Iterator[list[Pair]]:
        """Yield the batches of a corpus with their languages, in the dataset's numbering."""
        corpus = self.corpora[number]
        offset = self.dataset.offsets[number]
        position = self.dataset.language_positions[number]
        for start in range(0, len(drawn.kinds), CHUNK):
            chunk = slice(start, start + CHUNK)
            query, passage = corpus.languages(drawn, chunk, random)
            rows = drawn.rows[chunk].astype(np.int64) + offset
            columns = (
                rows.tolist(),
                position.take(query).tolist(),
                position.take(passage).tolist(),
            )
            for batch in zip(*columns, strict=True):
                yield list(zip(*batch, strict=True))
