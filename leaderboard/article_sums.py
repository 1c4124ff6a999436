"""What each article adds to the main score of every pair of languages, for one model and dataset.

Intervals and tests draw whole articles, so of a column, the questions of one language over the
passages of another or over the pool, they need one number per article: the sum of its questions'
deviations from the column's mean. Any mean over columns, its interval, and the difference of two
models follow from these, as `xbench.metrics.intervals.group_values` has it. To read the ranks takes
long, so that the sums are kept in the cache folder, by the digest of the files they are from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.data.catalogue import TASKS, main_score
from xbench.data.download import DataLocation
from xbench.data.groups import question_groups
from xbench.metrics import FloatArray, IntArray
from xbench.metrics.chance import expected_average_precision
from xbench.metrics.effectiveness import average_precision
from xbench.results.reading import read_ranks
from xbench.results.store import PER_QUERY_SUFFIX, PerQuery

POOL = "pool"
"""What stands for the passages of a pool of all languages."""

VERSION = 1
"""Version of how the sums are computed; those of others in the cache are not read."""

Pair = tuple[str, str]
"""Query language, and passage language or `POOL`."""


class ArticleSums(NamedTuple):
    """The columns of a model on a dataset.

    Attributes:
        pairs: What each column is of.
        means: Mean of the main score of each column.
        numbers: Number of questions of each column.
        chance: What a random order gives as the mean of each column.
        sums: Shape (columns, articles): sum of the deviations from the column's mean of the
            questions of an article; nan where it has no question in the column.
    """

    pairs: tuple[Pair, ...]
    means: FloatArray
    numbers: IntArray
    chance: FloatArray
    sums: NDArray[np.float32]

    def group_values(self, pairs: Sequence[Pair]) -> FloatArray:
        """Return one value per article, whose mean is the mean over some columns.

        Raises:
            ValueError: If a column is not there.
        """
        at = [self.pairs.index(pair) for pair in pairs]
        own = self.sums[at].astype(np.float64) / self.numbers[at, None]
        there = ~np.isnan(own).all(axis=0)
        added = np.nansum(own[:, there], axis=0) * there.sum() / len(at)
        return np.asarray(self.means[at].mean() + added)

    def questions(self, pairs: Sequence[Pair]) -> bytes:
        """Return what two models have in common if they answer the same questions."""
        at = [self.pairs.index(pair) for pair in pairs if pair in self.pairs]
        return self.numbers[at].tobytes() + np.isnan(self.sums[at]).tobytes()


def article_sums(title: str, results: Sequence[Path]) -> ArticleSums | None:
    """Return the sums of a model on a dataset, from the cache if they are there.

    Args:
        title: Title of the dataset.
        results: The result files of its tasks, with their ranks next to them.

    Returns:
        None if no file has ranks, or the main score is not the average precision.
    """
    files = [path.with_name(path.stem + PER_QUERY_SUFFIX) for path in sorted(results)]
    present = [path for path in files if path.is_file() and _has_precision(path)]
    if not present:
        return None
    digest = hashlib.sha256(f"{VERSION}\0{title}".encode("utf-8", "surrogatepass"))
    for path in present:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    place = DataLocation.from_environment().cache_dir / "board" / f"{digest.hexdigest()}.npz"
    if (known := _read(place)) is not None:
        return known
    try:
        found = sums_of(title, [read_ranks(path) for path in present])
    except UserError:
        return None
    with suppress(UserError):
        _write(place, found)
    return found


def _has_precision(path: Path) -> bool:
    task = path.name.removesuffix(PER_QUERY_SUFFIX)
    return main_score(task) == "map" and not (task in TASKS and TASKS[task][0].streamed)


def sums_of(title: str, tasks: Sequence[PerQuery]) -> ArticleSums:
    """Return the sums that follow from the ranks of a dataset's tasks.

    Args:
        title: Title of the dataset.
        tasks: The ranks of its settings.
    """
    subsets = [(ranks.multilingual, own) for ranks in tasks for own in ranks.subsets.values()]
    ids = sorted({question for _, own in subsets for question in own.questions})
    known = {question: group for ranks in tasks for question, group in ranks.groups.items()}
    groups = question_groups(title, ids, groups=known or None)
    row = {question: number for number, question in enumerate(ids)}
    size = int(groups.max(initial=-1)) + 1
    pairs, means, numbers, chance, sums = [], [], [], [], []
    for pooled, own in subsets:
        values = average_precision(own.matrix())
        articles = groups[[row[question] for question in own.questions]]
        added = np.bincount(articles, values - values.mean(), size)
        asked = np.bincount(articles, minlength=size) > 0
        pairs.append((own.query_language, POOL if pooled else next(iter(own.pool))))
        means.append(float(values.mean()))
        numbers.append(len(values))
        chance.append(expected_average_precision(own))
        sums.append(np.where(asked, added, np.nan))
    return ArticleSums(
        tuple(pairs),
        np.array(means),
        np.array(numbers, np.int64),
        np.array(chance),
        np.array(sums, np.float32),
    )


def _read(place: Path) -> ArticleSums | None:
    try:
        with np.load(place, allow_pickle=False) as file:
            pairs = tuple((str(query), str(passage)) for query, passage in file["pairs"])
            names = ArticleSums._fields[1:]
            return ArticleSums(pairs, *(file[name] for name in names))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _write(place: Path, own: ArticleSums) -> None:
    content = BytesIO()
    np.savez_compressed(
        content,
        pairs=np.array(own.pairs, np.str_).reshape(-1, 2),
        means=own.means,
        numbers=own.numbers,
        chance=own.chance,
        sums=own.sums,
    )
    write_atomically(place, content.getvalue(), lasting=False)
