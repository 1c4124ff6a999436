"""MIRACL through the real command: killed at any moment, the same command goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import make_tiny_transformer
from tests.miracl_corpora import write_miracl
from xbench.results.store import PER_QUERY_SUFFIX

XBENCH = str(Path(sys.executable).with_name("xbench"))
TASKS = ("MIRACLMonolingualRetrieval", "MIRACLMultilingualRetrieval")
PASSAGES, SHARD = 3000, 700

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
def data(tmp_path_factory):
    """Two languages in files of 700 passages, each of which is a shard."""
    folder = tmp_path_factory.mktemp("data")
    write_miracl(folder, {"te": PASSAGES, "yo": PASSAGES}, file_size=SHARD)
    make_tiny_transformer().save(str(folder / "tiny"))
    (folder / "model.py").write_text(
        MODEL.format(log=str(folder / "log"), folder=str(folder / "tiny"))
    )
    return folder


def start(data: Path, place: Path, *options: str) -> subprocess.Popen:
    place.mkdir(exist_ok=True)
    command = [XBENCH, "evaluate", "--model", f"{data / 'model.py'}:factory", "-l", "te,yo"]
    command += [word for task in TASKS for word in ("--tasks", task)]
    return subprocess.Popen(
        [*command, "--data-dir", str(data), "--cache-dir", str(place / "cache"), *options],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen) -> str:
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


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
    output = finish(start(data, place))
    assert encoded(data) == 2 * PASSAGES
    assert " passages/s]" in output
    return results(place)


def shards_done(place: Path) -> int:
    for path in place.rglob("progress.json"):
        return sum(map(len, json.loads(path.read_text())["done"].values()))
    return 0


@pytest.mark.parametrize("moment", [0, 1, 4, 9])
def test_a_killed_search_loses_at_most_one_shard(data, undisturbed, tmp_path, moment):
    encoded(data)
    process = start(data, tmp_path)
    started = time.monotonic()
    while shards_done(tmp_path) < moment and process.poll() is None:
        assert time.monotonic() - started < 120
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finish(start(data, tmp_path))
    assert results(tmp_path) == undisturbed
    assert encoded(data) <= 2 * PASSAGES + SHARD
    assert not list(tmp_path.rglob("begun/*/*"))


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
    process = start(data, tmp_path)
    while shards_done(tmp_path) < 2 and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    refused = start(data, tmp_path, *options)
    output, _ = refused.communicate()
    assert refused.returncode == 2
    assert told in output
    assert "Traceback" not in output
    finish(start(data, tmp_path))
    assert results(tmp_path) == undisturbed


def test_two_runs_at_once_do_not_disturb_each_other(data, undisturbed, tmp_path):
    first, second = start(data, tmp_path), start(data, tmp_path)
    outputs = [process.communicate()[0] for process in (first, second)]
    codes = sorted(process.returncode for process in (first, second))
    assert codes in ([0, 0], [0, 2]), outputs
    if codes == [0, 2]:
        assert any("another process is working on this search" in output for output in outputs)
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
    process = start(broken, tmp_path)
    output, _ = process.communicate()
    assert process.returncode == 2
    assert "docs-1.jsonl.gz" in output
    assert "line 11" in output
    assert "--on-bad-line skip" in output
    assert encoded(data) == 0
    finish(start(broken, tmp_path, "--on-bad-line", "skip"))
    assert list((tmp_path / "results").iterdir())
