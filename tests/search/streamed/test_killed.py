"""MIRACL through the real command: killed at any moment, the same command goes on."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.commands import Outcome, Running
from tests.commands import start as start_command
from tests.miracl_corpora import write_miracl
from xbench.results.per_query_file import PER_QUERY_SUFFIX

pytestmark = pytest.mark.integration
TASKS = ("MIRACLMonolingualRetrieval", "MIRACLMultilingualRetrieval")
PASSAGES, SHARD = 900, 200

MODEL = """
import time
from sentence_transformers import SentenceTransformer

class Logged(SentenceTransformer):
    def encode(self, inputs, *args, **kwargs):
        time.sleep(0.02)
        with open({log!r}, "a") as file:
            file.write(f"{{kwargs.get('task')}} {{len(inputs)}}\\n")
        return super().encode(inputs, *args, **kwargs)

def factory():
    return Logged({folder!r}, device="cpu")
"""


@pytest.fixture(scope="module")
def data(tiny_folder, tmp_path_factory):
    """Two languages in files of 200 passages, each of which is a shard."""
    folder = tmp_path_factory.mktemp("data")
    write_miracl(folder, {"te": PASSAGES, "yo": PASSAGES}, file_size=SHARD, real=False)
    (folder / "model.py").write_text(MODEL.format(log=str(folder / "log"), folder=str(tiny_folder)))
    return folder


def start(data: Path, place: Path, *options: str, real: bool = False) -> Running:
    words = ["evaluate", "--model", f"{data / 'model.py'}:factory", "-l", "te,yo"]
    words += [word for task in TASKS for word in ("--tasks", task)]
    own = ("--data-dir", data, "--cache-dir", place / "cache")
    return start_command(place, *words, *own, *options, real=real)


def results(place: Path) -> dict[str, bytes]:
    """The scores and the bytes of the per-query file of each task."""
    found = {}
    for task in TASKS:
        (path,) = place.glob(f"results/*/*/*/*/{task}.json")
        found[task] = json.dumps(json.loads(path.read_text())["scores"]).encode()
        found[task] += path.with_name(f"{task}{PER_QUERY_SUFFIX}").read_bytes()
    return found


def encoded(data: Path) -> int:
    """How many passages the encoder has encoded since it was last asked."""
    log = data / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return sum(int(line.split()[1]) for line in lines if line.startswith("document"))


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    place = tmp_path_factory.mktemp("undisturbed")
    outcome = start(data, place).succeed()
    assert encoded(data) == 2 * PASSAGES
    assert " passages/s]" in outcome.stderr
    return results(place)


def shards_done(place: Path) -> int:
    for path in place.rglob("progress.json"):
        return sum(map(len, json.loads(path.read_text())["done"].values()))
    return 0


def kill_after(shards: int, process: Running, place: Path) -> None:
    started = time.monotonic()
    while shards_done(place) < shards and process.returncode is None:
        assert time.monotonic() - started < 300
        time.sleep(0.01)
    process.kill()


@pytest.mark.parametrize("moment", [0, 1, pytest.param(4, marks=pytest.mark.slow), 9])
def test_a_killed_search_loses_at_most_one_shard(data, undisturbed, tmp_path, moment):
    """One of these runs is the real command."""
    real = moment == 4
    encoded(data)
    kill_after(moment, start(data, tmp_path, real=real), tmp_path)
    start(data, tmp_path, real=real).succeed()
    assert results(tmp_path) == undisturbed
    assert encoded(data) <= 2 * PASSAGES + SHARD
    assert not list(tmp_path.rglob("begun/*/*"))


def refused(outcome: Outcome, *told: str) -> None:
    assert outcome.returncode == 2
    assert "Traceback" not in outcome.stderr
    for words in told:
        assert words in outcome.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--query-prompt", "q: "), "query prompt was '', now 'q: '"),
        (("--max-length", "7"), "maximum length was"),
        (("--dtype", "float16"), "dtype was 'torch.float32', now 'torch.float16'"),
    ],
)
def test_other_settings_are_refused_until_the_old_search_is_finished(
    data, undisturbed, tmp_path, options, told
):
    kill_after(2, start(data, tmp_path), tmp_path)
    refused(start(data, tmp_path, *options).wait(), told)
    start(data, tmp_path).succeed()
    assert results(tmp_path) == undisturbed


def test_two_runs_at_once_do_not_disturb_each_other(data, undisturbed, tmp_path):
    first, second = start(data, tmp_path), start(data, tmp_path)
    outcomes = [process.wait() for process in (first, second)]
    codes = sorted(outcome.returncode for outcome in outcomes)
    assert codes in ([0, 0], [0, 2]), outcomes
    if codes == [0, 2]:
        (other,) = (outcome for outcome in outcomes if outcome.returncode == 2)
        assert "another process is working on this search" in other.stderr
    assert results(tmp_path) == undisturbed


def test_defects_of_the_files_are_told_before_the_model_is_loaded(data, tmp_path):
    import gzip
    import shutil

    broken = tmp_path / "data"
    shutil.copytree(data, broken)
    (path,) = (broken / "miracl" / "miracl-corpus-v1.0-yo").glob("docs-1.jsonl.gz")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    lines[10] = "no JSON"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    encoded(data)
    words = ("docs-1.jsonl.gz", "line 11", "--on-bad-line skip")
    refused(start(broken, tmp_path).wait(), *words)
    assert encoded(data) == 0
    start(broken, tmp_path, "--on-bad-line", "skip").succeed()
    assert list((tmp_path / "results").iterdir())
