"""Real processes: killed at any moment, two at once, and on a full disk."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.commands import Running
from tests.commands import start as start_command
from xbench.data.catalogue import BENCHMARKS
from xbench.results.per_query_file import PER_QUERY_SUFFIX

pytestmark = pytest.mark.integration
MINI = BENCHMARKS["XBenchMini"]


@pytest.fixture(scope="module")
def model(tiny_folder, tmp_path_factory):
    """A factory of a slow encoder: a real transformer that waits before each chunk."""
    path = tmp_path_factory.mktemp("model") / "slow.py"
    path.write_text(
        "import time\n"
        "from sentence_transformers import SentenceTransformer\n"
        "class Slow(SentenceTransformer):\n"
        "    def encode(self, *args, **kwargs):\n"
        "        time.sleep(0.05)\n"
        "        return super().encode(*args, **kwargs)\n"
        f"def factory():\n    return Slow({str(tiny_folder)!r}, device='cpu')\n"
    )
    return f"{path}:factory"


def start(model: str, place: Path, **options) -> Running:
    words = ("evaluate", "--model", model, "-b", "XBenchMini", "--no-progress")
    return start_command(place, *words, **options)


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
    start(model, place).succeed()
    return scores(place)


def stage(place: Path) -> int:
    """How far a run is: chunks stored and tasks finished."""
    return len(list(place.rglob("*.safetensors"))) + len(list(place.glob("results/*/*/X*")))


@pytest.mark.parametrize(
    "moment", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 9, 16, 18)), 20]
)
def test_a_killed_run_goes_on_and_ends_the_same(model, undisturbed, tmp_path, moment):
    """One of these runs is the real command."""
    real = moment == 9
    process = start(model, tmp_path, real=real)
    while stage(tmp_path) < moment and process.returncode is None:
        time.sleep(0.01)
    process.kill()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    start(model, tmp_path, real=real).succeed()
    assert scores(tmp_path) == undisturbed
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())


def test_two_processes_at_once_both_end_well(model, undisturbed, tmp_path):
    for process in [start(model, tmp_path) for _ in range(2)]:
        process.succeed()
    assert scores(tmp_path) == undisturbed


def test_a_full_disk_is_told_and_keeps_what_was_finished(model, undisturbed, tmp_path):
    limited = start(model, tmp_path, largest_file=8 * 1024).wait()
    assert limited.returncode == 2, limited.stderr
    assert "cannot be written (File too large). Make room" in limited.stderr
    assert "Traceback" not in limited.stderr
    assert not list(tmp_path.rglob("*.part"))
    start(model, tmp_path).succeed()
    assert scores(tmp_path) == undisturbed
