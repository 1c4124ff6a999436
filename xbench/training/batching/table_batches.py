"""The batches of an epoch of rows that are drawn as they come."""

from __future__ import annotations

import numpy as np

from xbench._util.errors import UserError
from xbench.training.batching.epoch import Drawn, Languages
from xbench.training.batching.texts import TextTable


class TableBatches:
    """Draws the batches of rows that are drawn as they come, epoch by epoch.

    Args:
        table: The rows.
        batch_size: Rows in a batch.
        drop_last: Whether rows that fill no batch are skipped of an epoch.

    Raises:
        UserError: If there are not the rows of a batch.
    """

    def __init__(self, table: TextTable, batch_size: int, drop_last: bool) -> None:
        if len(table.table) < batch_size:
            raise UserError(
                f"corpus {table.name}: no batch of {batch_size} can be made of its "
                f"{len(table.table):,} rows; use a smaller batch size"
            )
        self.rows = len(table.table)
        self.batch_size = batch_size
        number, rest = divmod(self.rows, batch_size)
        self._number = number if drop_last else number + (rest > 0)

    def __len__(self) -> int:
        return self._number

    def draw(self, random: np.random.Generator) -> Drawn:
        """Return the batches of an epoch; the last one is filled up with rows drawn again."""
        rows = random.permutation(self.rows).astype(np.int32)
        rows = np.resize(rows, (self._number, self.batch_size))
        return Drawn(rows, np.zeros(self._number, np.int16))

    def languages(
        self, drawn: Drawn, batches: slice, random: np.random.Generator
    ) -> tuple[Languages, Languages]:
        """Return zeros, as these rows have no languages to draw."""
        none = np.zeros(drawn.rows[batches].shape, np.int16)
        return none, none
