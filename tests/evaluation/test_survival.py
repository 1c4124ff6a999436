"""Real processes: killed at any moment, two at once, and on a full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import make_tiny_transformer
from xbench.data.catalogue import BENCHMARKS
from xbench.results.store import PER_QUERY_SUFFIX

XBENCH = str(Path(sys.executable).with_name("xbench"))
MINI = BENCHMARKS["XBenchMini"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A factory of a slow encoder: a real transformer that waits before each chunk."""
    folder = tmp_path_factory.mktemp("model")
    make_tiny_transformer().save(str(folder / "tiny"))
    path = folder / "slow.py"
    path.write_text(
        "import time\n"
        "from sentence_transformers import SentenceTransformer\n"
        "class Slow(SentenceTransformer):\n"
        "    def encode(self, *args, **kwargs):\n"
        "        time.sleep(0.05)\n"
        "        return super().encode(*args, **kwargs)\n"
        f"def factory():\n    return Slow({str(folder / 'tiny')!r}, device='cpu')\n"
    )
    return f"{path}:factory"


def start(model: str, place: Path) -> subprocess.Popen:
    place.mkdir(exist_ok=True)
    return subprocess.Popen(
        [XBENCH, "evaluate", "--model", model, "-b", "XBenchMini", "--no-progress"],
        cwd=place,
        env={**os.environ, "XBENCH_CACHE_DIR": str(place / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def scores(place: Path) -> dict[str, bytes]:
    """The scores and the bytes of the per-query file of each task."""
    found = {}
    for task in MINI:
        (path,) = place.glob(f"results/*/*/{task}.json")
        found[task] = json.dumps(json.loads(path.read_text())["scores"]).encode()
        found[task] += path.with_name(f"{task}{PER_QUERY_SUFFIX}").read_bytes()
    return found


@pytest.fixture(scope="module")
def undisturbed(model, tmp_path_factory):
    place = tmp_path_factory.mktemp("undisturbed")
    process = start(model, place)
    _, error = process.communicate()
    assert process.returncode == 0, error
    return scores(place)


def stage(place: Path) -> int:
    """How far a run is: chunks stored and tasks finished."""
    return len(list(place.rglob("*.safetensors"))) + len(list(place.glob("results/*/*/X*")))


@pytest.mark.parametrize("moment", [1, 3, 9, 16, 18, 20])
def test_a_killed_run_goes_on_and_ends_the_same(model, undisturbed, tmp_path, moment):
    process = start(model, tmp_path)
    while stage(tmp_path) < moment and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    again = start(model, tmp_path)
    _, error = again.communicate()
    assert again.returncode == 0, error
    assert scores(tmp_path) == undisturbed
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())


def test_two_processes_at_once_both_end_well(model, undisturbed, tmp_path):
    processes = [start(model, tmp_path) for _ in range(2)]
    for process in processes:
        _, error = process.communicate()
        assert process.returncode == 0, error
    assert scores(tmp_path) == undisturbed


def test_a_full_disk_is_told_and_keeps_what_was_finished(model, undisturbed, tmp_path):
    command = [XBENCH, "evaluate", "--model", model, "-b", "XBenchMini", "--no-progress"]
    environment = {**os.environ, "XBENCH_CACHE_DIR": str(tmp_path / "cache")}
    limited = subprocess.run(
        # Every file longer than 8 × 1024 bytes fails, as on a full disk.
        ["bash", "-c", 'ulimit -f 8; exec "$@"', "-", *command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert limited.returncode == 2, limited.stderr
    assert "cannot be written (File too large). Make room" in limited.stderr
    assert "Traceback" not in limited.stderr
    assert not list(tmp_path.rglob("*.part"))
    assert subprocess.run(command, cwd=tmp_path, env=environment, check=False).returncode == 0
    assert scores(tmp_path) == undisturbed
