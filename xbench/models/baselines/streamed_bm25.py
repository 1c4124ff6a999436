"""BM25 over a corpus that does not fit in memory, for queries that are known in advance.

Two passes. The first counts the terms of the queries in each piece of the corpus, and the sum of
the statistics of the pieces gives those of the corpus. The second weighs the counts of each piece,
which may have been kept on disk, under the statistics of any pool of corpora.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from .term_counts import Statistics, TermCounts
from .tokenization import tokenize
from .weighting import (
    DEFAULT_B,
    DEFAULT_K1,
    check_parameters,
    inverse_document_frequency,
    weigh,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Statistics", "StreamedBM25", "TermCounts"]

_PASSAGES_PER_PRODUCT = 256
"""So many that the dense weights of the terms of all queries stay in the processor's cache."""

_REMEMBERED_WORDS, _LONGEST_REMEMBERED = 2**19, 32
_UNKNOWN = -1
_PUNCTUATION = "!\"#$%&'()*+,-./:;?@[\\]^_`{|}~"
"""ASCII punctuation, without the signs <, = and >, with which a combining mark may compose."""


class StreamedBM25:
    """Scores of given queries, equal to those of `bm25.BM25` over the whole corpus.

    A pool is the corpora of some languages one after the other, each passage tokenized by the
    rules of its own language.

    Attributes:
        k1: Saturation of term frequency.
        b: Strength of length normalization.
        vocabulary: Column of each term of the queries of all languages.

    >>> bm25 = StreamedBM25({"en": ["apple banana", "date"]})
    >>> counts = bm25.count(["An apple, a banana and an apple", "A fig"], "en")
    >>> print(bm25.scores("en", counts, Statistics.of(counts)).round(3))
    [[0.777  -inf]
     [ -inf  -inf]]
    """

    def __init__(
        self, queries: Mapping[str, Sequence[str]], *, k1: float = DEFAULT_K1, b: float = DEFAULT_B
    ) -> None:
        """Take the vocabulary from the queries.

        Args:
            queries: Texts by ISO 639-1 code of their language.
            k1: Saturation of term frequency; 0 leaves only whether a term occurs.
            b: Strength of length normalization, from 0 (none) to 1 (full).

        Raises:
            ValueError: If `k1` is negative or not finite, or `b` is not in [0, 1].
        """
        check_parameters(k1, b)
        self.k1 = k1
        self.b = b
        terms = {
            language: [tokenize(text, language) for text in texts]
            for language, texts in queries.items()
        }
        distinct = dict.fromkeys(chain.from_iterable(chain.from_iterable(terms.values())))
        self.vocabulary = {term: column for column, term in enumerate(distinct)}
        self._queries = {language: self._count(rows) for language, rows in terms.items()}
        self._words = _Words("", self.vocabulary)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the vocabulary: counts on disk mean nothing under another one."""
        return hashlib.sha256("\n".join(self.vocabulary).encode()).hexdigest()

    def count(self, texts: Sequence[str], language: str) -> TermCounts:
        """Count the terms of the queries in some passages.

        Words are remembered while the language stays the same, so it is faster to count the
        passages of one language before those of the next.

        Args:
            texts: The passages.
            language: ISO 639-1 code of their language.

        Raises:
            ValueError: If `language` does not have the form of an ISO 639-1 code.
        """
        if language != self._words.language:
            tokenize("", language)
            self._words = _Words(language, self.vocabulary)
        columns_of = self._words.__getitem__
        data, indices, sizes, lengths = array("i"), array("i"), [0], []
        for text in texts:
            # No term reaches over white space, so each word can be looked up by itself.
            columns = list(chain.from_iterable(map(columns_of, text.split())))
            lengths.append(len(columns))
            frequencies = Counter(columns)
            frequencies.pop(_UNKNOWN, None)
            indices.extend(frequencies)
            data.extend(frequencies.values())
            sizes.append(len(frequencies))
        return TermCounts(
            terms=len(self.vocabulary),
            data=np.array(data, np.int32),
            indices=np.array(indices, np.int32),
            indptr=np.cumsum(sizes, dtype=np.int64),
            lengths=np.array(lengths, np.int32),
        )

    def scores(
        self, language: str, counts: TermCounts, statistics: Statistics
    ) -> NDArray[np.float32]:
        """Score some passages of a pool for all queries of a language.

        Args:
            language: ISO 639-1 code of the queries.
            counts: Counts of the passages.
            statistics: Statistics of the pool, which the passages are part of.

        Returns:
            Scores of shape (queries, passages), -inf where query and passage share no term.

        Raises:
            KeyError: If there are no queries of that language.
            ValueError: If counts or statistics were made under another vocabulary.
        """
        terms = len(self.vocabulary)
        if not counts.terms == len(statistics.passage_counts) == terms:
            raise ValueError(
                f"counts of {counts.terms} terms and statistics of "
                f"{len(statistics.passage_counts)} do not fit a vocabulary of {terms}"
            )
        queries = _sort_terms(self._queries[language], statistics.order)
        weights = self._weigh(counts, statistics)
        scores = np.empty((queries.shape[0], weights.shape[0]), np.float32)
        # Terms that these queries and passages do not share would only add zeros.
        shared = np.intersect1d(queries.indices, weights.indices)
        queries, weights = queries[:, shared], weights[:, shared]
        for start in range(0, weights.shape[0], _PASSAGES_PER_PRODUCT):
            block = slice(start, start + _PASSAGES_PER_PRODUCT)
            sums = queries @ weights[block].T.toarray()
            scores[:, block] = np.where(sums == 0, np.float32(-np.inf), sums)
        return scores

    def _weigh(self, counts: TermCounts, statistics: Statistics) -> csr_array:
        """Turn counts into weights (passages x terms)."""
        mean_length = statistics.length / max(statistics.passages, 1) or 1.0
        idf = inverse_document_frequency(statistics.passages, statistics.passage_counts)
        weights = weigh(
            counts.data.astype(np.float64),
            idf[counts.indices],
            np.repeat(counts.lengths / mean_length, np.diff(counts.indptr)),
            self.k1,
            self.b,
        )
        shape = (len(counts.lengths), counts.terms)
        return csr_array((weights, counts.indices, counts.indptr), shape=shape)

    def _count(self, rows: Sequence[Sequence[str]]) -> csr_array:
        """Count the terms of each query (queries x terms)."""
        frequencies = [Counter(row) for row in rows]
        indices = [self.vocabulary[term] for row in frequencies for term in row]
        data = [count for row in frequencies for count in row.values()]
        indptr = np.cumsum([0, *map(len, frequencies)])
        shape = (len(rows), len(self.vocabulary))
        return csr_array((np.array(data, np.float32), indices, indptr), shape=shape)


class _Words(dict[str, tuple[int, ...]]):
    """Columns of the terms of each word of a language, one that is not in the vocabulary as -1.

    The first words are remembered without punctuation around them, until there are many: the
    frequent ones are among them.
    """

    def __init__(self, language: str, vocabulary: Mapping[str, int]) -> None:
        super().__init__()
        self.language = language
        self._vocabulary = vocabulary

    def __missing__(self, word: str) -> tuple[int, ...]:
        bare = word.strip(_PUNCTUATION)
        if bare != word:
            return self[bare]
        terms = tokenize(word, self.language)
        columns = tuple(self._vocabulary.get(term, _UNKNOWN) for term in terms)
        if len(self) < _REMEMBERED_WORDS and len(word) <= _LONGEST_REMEMBERED:
            self[word] = columns
        return columns


def _sort_terms(queries: csr_array, order: NDArray[np.int32]) -> csr_array:
    """Put the terms of each query in the order in which their weights are to be summed.

    The sum of floats depends on the order, and `bm25.BM25` adds the terms in the order in which
    they first occur in the corpus.
    """
    rank = np.full(queries.shape[1], queries.shape[1])
    rank[order] = np.arange(len(order))
    rows = np.repeat(np.arange(queries.shape[0]), np.diff(queries.indptr))
    by_rank = np.lexsort((rank[queries.indices], rows))
    return csr_array(
        (queries.data[by_rank], queries.indices[by_rank], queries.indptr), shape=queries.shape
    )
