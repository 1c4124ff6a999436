"""A small MIRACL: real layout, made-up questions, and passages with ties among them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import HashEncoder
from xbench.data.download import DataLocation

WORDS = {
    "ar": ["كتاب", "مدينة", "نهر", "جبل", "شمس", "قمر", "بحر", "طريق", "بيت", "شجرة"],
    "en": ["book", "city", "river", "hill", "sun", "moon", "sea", "road", "house", "tree"],
    "sw": ["kitabu", "mji", "mto", "mlima", "jua", "mwezi", "bahari", "njia", "nyumba", "mti"],
}


def write_language(folder: Path, code: str, passages: int, queries: int, per_file: int) -> None:
    """Write topics, qrels and passages; some passages are the same text under several ids."""
    random = np.random.default_rng(sorted(WORDS).index(code))
    own = folder / f"miracl-v1.0-{code}"
    for kind in ("topics", "qrels"):
        (own / kind).mkdir(parents=True)
    ids = [f"{n // 3}#{n % 3}" for n in random.permutation(passages)]
    texts = [" ".join(random.choice(WORDS[code], random.integers(1, 6))) for _ in ids]
    topics, qrels = [], []
    for query in range(queries):
        topics.append(f"{query}\t{' '.join(random.choice(WORDS[code], 3))}?")
        chosen = random.choice(passages, 4, replace=False)
        qrels += [f"{query}\tQ0\t{ids[n]}\t{int(i < 2)}" for i, n in enumerate(chosen)]
    name = f"miracl-v1.0-{code}-dev.tsv"
    (own / "topics" / f"topics.{name}").write_text("\n".join(topics) + "\n", "utf-8")
    (own / "qrels" / f"qrels.{name}").write_text("\n".join(qrels) + "\n", "utf-8")
    docs = folder / f"miracl-corpus-v1.0-{code}"
    docs.mkdir()
    for number, start in enumerate(range(0, passages, per_file)):
        lines = [
            json.dumps({"docid": i, "title": "", "text": text})
            for i, text in zip(ids[start : start + per_file], texts[start:], strict=False)
        ]
        with gzip.open(docs / f"docs-{number}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def small_miracl(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("data")
    for code, passages in (("ar", 90), ("en", 150), ("sw", 40)):
        write_language(data / "miracl", code, passages, queries=8, per_file=60)
    return data


@pytest.fixture
def small_location(small_miracl, tmp_path) -> DataLocation:
    return DataLocation(small_miracl, tmp_path / "cache", offline=True)


class IntegerEncoder(HashEncoder):
    """Vectors of small integers, so that scores are exact and ties are many."""

    def vector(self, role: str, text: str) -> np.ndarray:
        return np.rint(super().vector("any", text)).astype(np.float32)

    def similarity(self, one, other):
        return one @ other.T


@pytest.fixture
def integer_encoder() -> IntegerEncoder:
    return IntegerEncoder(dimensions=4)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr("xbench.data.streamed.scan.SHARD", 25)
    monkeypatch.setattr("xbench.search.streamed.shards.PIECE", 8)
