"""Search from ready embeddings: next to matrix products alone, faiss and mteb, and how it grows."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from tests.benchmarks.ratios import record, shown
from xbench.models.matrix_product import MatrixProduct
from xbench.search.streamed.shards import PIECE
from xbench.search.top_k import TopK, id_array

DIMENSIONS, PLACES = 384, 1000
QUERIES = 2896
"""As many as MIRACL has in Arabic, the most of any language."""

PASSAGES = int(os.environ.get("XBENCH_BENCH_VECTORS", "1_000_000"))
COMPARED = PASSAGES // 5


def unit_vectors(number: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((number, DIMENSIONS), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def queries() -> np.ndarray:
    return unit_vectors(QUERIES, 1)


@pytest.fixture(scope="module")
def passages() -> np.ndarray:
    return unit_vectors(PASSAGES, 2)


@pytest.fixture(scope="module")
def ids() -> np.ndarray:
    return id_array([f"ar/{n // 7}#{n % 7}" for n in range(PASSAGES)])


def products_alone(queries, passages) -> float:
    started = time.perf_counter()
    for start in range(0, len(passages), PIECE):
        queries @ passages[start : start + PIECE].T
    return time.perf_counter() - started


def search(queries, passages, ids) -> tuple[float, TopK]:
    started = time.perf_counter()
    product, top = MatrixProduct(queries, normalize=False), TopK(len(queries), ids.itemsize, PLACES)
    scratch = np.empty(len(queries) * PIECE, np.float32)
    for start in range(0, len(passages), PIECE):
        own = slice(start, start + PIECE)
        top.add(product(passages[own], scratch), ids[own])
    top.best()
    return time.perf_counter() - started, top


def test_beside_the_matrix_products_alone(benchmark, queries, passages, ids):
    products_alone(queries, passages[: 10 * PIECE])
    ratios = []
    for _ in range(3):
        alone, (whole, _) = products_alone(queries, passages), search(queries, passages, ids)
        ratios.append(alone / whole)
    benchmark.pedantic(lambda: search(queries, passages, ids), rounds=1)
    record(benchmark, "search over the matrix products", ratios, "higher", goal=0.85)
    rate = 2 * len(queries) * len(passages) * DIMENSIONS / benchmark.stats.stats.mean / 1e9
    print(
        f"\n{len(queries):,} queries × {len(passages):,} passages × {DIMENSIONS} dimensions: "
        f"{shown(ratios)} of the rate of the matrix products alone; {rate:.0f} GFLOP/s"
    )


def test_grows_linearly_with_passages_and_queries(benchmark, queries, passages, ids):
    lines = []
    for part in (8, 4, 2, 1):
        size = len(passages) // part
        seconds, _ = search(queries, passages[:size], ids[:size])
        lines.append(f"{size:,} passages: {seconds:.1f} s, {1e6 * seconds / size:.1f} µs a passage")
    for part in (8, 4, 2, 1):
        size = len(queries) // part
        seconds, _ = search(queries[:size], passages, ids)
        lines.append(f"{size:,} queries: {seconds:.1f} s, {1e3 * seconds / size:.1f} ms a query")
    benchmark.pedantic(lambda: None, rounds=1)
    print("", *lines, sep="\n")


class Ready:
    """An encoder of mteb that has all embeddings."""

    def __init__(self, queries, passages):
        from mteb.models import ModelMeta

        self.mteb_model_meta = ModelMeta.create_empty({"name": "test/ready", "revision": "1"})
        self.vectors = {"query": queries, "document": passages}

    def encode(self, inputs, *, prompt_type, **kwargs):
        rows = [int(text) for batch in inputs for text in batch["text"]]
        return self.vectors[prompt_type.value][rows]

    def similarity(self, one, other):
        import torch

        return torch.as_tensor(one) @ torch.as_tensor(other).T


def test_beside_faiss_and_mteb(benchmark, queries, passages, ids):
    faiss = pytest.importorskip("faiss")
    passages, ids = passages[:COMPARED], ids[:COMPARED]
    ours, top = search(queries, passages, ids)
    index = faiss.IndexFlatIP(DIMENSIONS)
    index.add(passages)
    started = time.perf_counter()
    _, found = index.search(queries, PLACES)
    theirs = time.perf_counter() - started
    mteb_seconds, run = mteb_search(queries, passages)
    place = {passage: number for number, passage in enumerate(ids.tolist())}
    same = {"faiss": 0.0, "mteb": 0.0}
    for row, own in enumerate(top.best()[1].tolist()):
        mine = {place[passage] for passage in own}
        same["faiss"] += len(mine & set(found[row].tolist())) / PLACES / QUERIES
        same["mteb"] += len(mine & {int(p) for p in run[str(row)]}) / PLACES / QUERIES
    benchmark.pedantic(lambda: None, rounds=1)
    print(
        f"\n{QUERIES:,} queries × {COMPARED:,} passages, best {PLACES}: faiss' flat index takes "
        f"{theirs / ours:.2f} times as long, mteb's SearchEncoderWrapper {mteb_seconds / ours:.2f} "
        f"times; the same passages: {same['faiss']:.6f} and {same['mteb']:.6f}"
    )


def mteb_search(queries, passages) -> tuple[float, dict[str, dict[str, float]]]:
    from datasets import Dataset
    from mteb.models import SearchEncoderWrapper

    from xbench.tasks import MIRACLMonolingualRetrieval

    numbers = [str(n) for n in range(len(passages))]
    corpus = Dataset.from_dict({"id": numbers, "text": numbers, "title": [""] * len(passages)})
    rows = numbers[: len(queries)]
    wrapper = SearchEncoderWrapper(Ready(queries, passages))
    common = {
        "task_metadata": MIRACLMonolingualRetrieval.metadata,
        "hf_split": "dev",
        "hf_subset": "ar",
        "encode_kwargs": {"batch_size": 4096, "show_progress_bar": False},
        "num_proc": None,
    }
    started = time.perf_counter()
    wrapper.index(corpus, **common)
    run = wrapper.search(Dataset.from_dict({"id": rows, "text": rows}), top_k=PLACES, **common)
    return time.perf_counter() - started, run
