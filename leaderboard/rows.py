"""Everything that the leaderboard shows: the rows of all three origins, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xbench._util.errors import UserError
from xbench.leaderboard.figures import LeftOut, Row
from xbench.leaderboard.imported import read_all_imported
from xbench.leaderboard.loading import read_measured
from xbench.leaderboard.reported import read_all_reported


def read_rows(
    folders: Sequence[Path], cache_dir: Path | None = None, *, from_ranks: bool = False
) -> tuple[list[Row], list[LeftOut]]:
    """Read all figures of folders of results, and name the files that no figure was taken from.

    Args:
        folders: Folders of results; of two results of the same run the first counts.
        cache_dir: Where to keep what was derived from the files; None to keep nothing.
        from_ranks: Whether to look at no summary.

    Returns:
        The rows, measured, reported and imported, and the files left out; the same files give the
        same rows in the same order.

    Raises:
        UserError: If a folder does not exist.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; expected a folder of results")
    rows, left_out = read_measured(folders, cache_dir, from_ranks=from_ranks)
    for read in (read_all_reported, read_all_imported):
        more, unreadable = read(folders)
        rows += more
        left_out += unreadable
    return rows, left_out
