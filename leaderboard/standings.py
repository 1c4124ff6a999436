"""Where the models of a column stand, and how certain that is."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from xbench.leaderboard.cache import FOLDER, code_digest, store
from xbench.leaderboard.figures import Key, Row, RowIdentity, Standing
from xbench.leaderboard.measures import lower_is_better
from xbench.metrics import FloatArray, statistics
from xbench.results.summaries import SEED, influence_values

MANY = 30
"""Up to so many rows, all is as in ``xbench compare``. Of more, only the best so many are tested
for tiers, because all pairs are and the time grows steeply, and fewer resamples are ranked."""

RESAMPLES = 10_000
RESAMPLES_OF_MANY = 2_000
"""How many resamples are ranked of more rows than `MANY`; 50 of them lie beyond each end."""

_STANDINGS = TypeAdapter(list[Standing])


def standings(
    rows: Sequence[Row], key: Key, cache_dir: Path | None = None
) -> dict[RowIdentity, Standing]:
    """Return where each row stands in a column among those that it may be compared with.

    Rows are compared that were measured on the same dataset in the same passage form, and have
    values for the same questions; one alone has no standing. The questions are resampled for all
    rows alike, so ranks and tiers of up to `MANY` rows are those that ``xbench compare`` gives for
    the same models.

    Args:
        rows: The rows.
        key: What the column's figures say: a mean over subsets that has an interval.
        cache_dir: Where to keep what was found; None to keep nothing.
    """
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if key in row.evidence:
            values = row.evidence[key]
            questions = values.shape, np.isnan(values).tobytes()
            groups[row.dataset, row.passage_form, questions].append(row)
    found: dict[RowIdentity, Standing] = {}
    for group in groups.values():
        if len(group) > 1:
            own = _Column(group, key).standings(cache_dir)
            found |= {row.identity: standing for row, standing in zip(group, own, strict=True)}
    return found


class _Column:
    """The figures of comparable rows, turned so that the highest is the best."""

    def __init__(self, rows: Sequence[Row], key: Key) -> None:
        sign = -1 if lower_is_better(key.measure) else 1
        self.figures: FloatArray = sign * np.array([row.figures[key].value for row in rows])
        self.values = [sign * row.evidence[key] for row in rows]

    def standings(self, cache_dir: Path | None) -> list[Standing]:
        """Return the standing of each row, from the cache where it is there."""
        if cache_dir is None:
            return self._standings()
        place = cache_dir / FOLDER / f"{self._digest()}.json"
        try:
            found = _STANDINGS.validate_json(place.read_bytes())
        except (OSError, ValueError):
            found = []
        if len(found) != len(self.figures):
            found = self._standings()
            store(place, _STANDINGS.dump_json(found))
        return found

    def _standings(self) -> list[Standing]:
        resamples = RESAMPLES_OF_MANY if len(self.figures) > MANY else RESAMPLES
        drawn = statistics.bootstrap_models(self.values, resamples, SEED)
        intervals = statistics.rank_intervals(drawn)
        tiers = self._tiers()
        return [
            Standing(1 + int((self.figures > figure).sum()), *interval, tier)
            for figure, interval, tier in zip(self.figures, intervals, tiers, strict=True)
        ]

    def _tiers(self) -> list[int | None]:
        best = sorted(np.argsort(-self.figures, kind="stable")[:MANY].tolist())
        tiers: list[int | None] = [None] * len(self.figures)
        values = [influence_values(self.values[i])[:, None] for i in best]
        for index, tier in zip(best, statistics.tiers(values, seed=SEED), strict=True):
            tiers[index] = tier
        return tiers

    def _digest(self) -> str:
        digest = hashlib.sha256(code_digest())
        for array in (self.figures, *self.values):
            digest.update(array.tobytes())
        return digest.hexdigest()
