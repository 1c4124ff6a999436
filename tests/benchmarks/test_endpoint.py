"""How close requests to an endpoint come to the rate that the server makes possible."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.benchmarks.ratios import record
from tests.conftest import ROOT
from xbench.data.datasets import XQUAD_R
from xbench.data.download import DataLocation
from xbench.data.lareqa import load_lareqa
from xbench.models.embedding_store import EmbeddingStore, embed
from xbench.models.encoder import MtebTextEncoder
from xbench.models.loading import load_model
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions
from xbench.tasks import XBenchMiniMonolingualRetrieval

SECONDS = 0.2
DIMENSIONS = 384


@pytest.fixture
def url():
    """A server in a process of its own, that takes 200 ms for an answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "tests.endpoint_server", str(port), str(SECONDS)]
    with subprocess.Popen([*words, str(DIMENSIONS)], cwd=ROOT) as process:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/")
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/v1"
        process.terminate()


def test_share_of_the_possible_rate(benchmark, url, shared_data, tmp_path):
    location = DataLocation(shared_data, tmp_path, offline=True)
    corpus = load_lareqa(XQUAD_R, XQUAD_R.languages, "sentence", location)
    texts = [passages.texts for passages in corpus.passages.values()]
    options = ModelOptions(url, served_model="letters")
    model = load_model(find_model(options, offline=True), options)
    encoder = MtebTextEncoder(model, XBenchMiniMonolingualRetrieval.metadata, {})
    store = EmbeddingStore(tmp_path / "embeddings")
    benchmark.pedantic(lambda: embed(encoder, "passage", texts, store), rounds=1)
    requests = len(list((tmp_path / "embeddings").iterdir()))
    possible = requests / options.requests_at_once * SECONDS
    share = possible / benchmark.stats.stats.mean
    benchmark.extra_info.update(requests=requests)
    record(benchmark, "rate over the possible", [share], "higher")
    print(
        f"\n{sum(map(len, texts)):,} texts in {requests} requests of {options.request_texts}, "
        f"{options.requests_at_once} at once: {share:.3f} of the rate that is possible"
    )
