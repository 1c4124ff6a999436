"""What each article adds to the main score of every pair of languages, for one model and dataset.

Intervals and tests draw whole articles, so of a column, the questions of one language over the
passages of another or over the pool, they need one number per article: the sum of its questions'
deviations from the column's mean. Any mean over columns, its interval, and the difference of two
models follow from these, as `xbench.metrics.intervals.group_values` has it. To read the ranks takes
long, so that the sums are kept in the cache folder, by the digest of the files they are from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.data.catalogue import TASKS, main_score
from xbench.data.download import DataLocation
from xbench.data.groups import question_groups
from xbench.metrics import FloatArray, IntArray, intervals
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

    def questions(self) -> tuple[tuple[Pair, ...], bytes, bytes]:
        """Return what two models have in common if they answered the same questions."""
        return self.pairs, self.numbers.tobytes(), np.isnan(self.sums).tobytes()


class Alike:
    """The sums of models that answered the same questions, as one array.

    Args:
        sums: The sums by number of the model, at least one.
    """

    def __init__(self, sums: Mapping[int, ArticleSums]) -> None:
        self.runs, self.first = list(sums), next(iter(sums.values()))
        self._at = {pair: column for column, pair in enumerate(self.first.pairs)}
        self._there = ~np.isnan(self.first.sums)
        self._means = np.stack([own.means for own in sums.values()])
        added = np.nan_to_num(np.stack([own.sums for own in sums.values()]))
        self._added = added / self.first.numbers[:, None].astype(np.float32)

    def columns(self, pairs: Sequence[Pair]) -> list[int] | None:
        """Return where some columns are, None if one is missing."""
        at = [self._at[pair] for pair in pairs if pair in self._at]
        return at if at and len(at) == len(pairs) else None

    def group_values(self, at: Sequence[int]) -> FloatArray:
        """Return `ArticleSums.group_values` of all models, shape (groups, models)."""
        there = self._there[at].any(axis=0)
        added = self._added[:, at].sum(axis=1, dtype=np.float64)[:, there]
        means = self._means[:, at].mean(axis=1, keepdims=True)
        return np.asarray((means + added * there.sum() / len(at)).T)


def ends(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return `intervals.interval` of a share of many models at once, from their group values.

    Args:
        drawn: Shape (groups, models), of at least two groups.

    Returns:
        The low and the high end of each model.
    """
    groups = len(drawn)
    mean, deviation = drawn.mean(axis=0), drawn.std(axis=0, ddof=1)
    reach = float(student.ppf((1 + intervals.LEVEL) / 2, groups - 1)) / np.sqrt(groups)
    low, high = mean - reach * deviation, mean + reach * deviation
    if groups >= intervals.FEW:
        with np.errstate(divide="ignore", invalid="ignore"):
            skewness = ((drawn - mean) ** 3).mean(axis=0) / drawn.std(axis=0) ** 3
            inner = [1 + skewness * (y - skewness / (6 * groups)) for y in (reach, -reach)]
            found = [mean - deviation * 3 / skewness * (np.cbrt(own) - 1) for own in inner]
        skewed = (deviation > 0) & (np.abs(skewness) >= 1e-6)
        low, high = np.where(skewed, found[0], low), np.where(skewed, found[1], high)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


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
