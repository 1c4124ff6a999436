"""A run whose embeddings are all stored needs neither the weights nor the library."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import xbench
from tests.conftest import make_tiny_transformer
from xbench.models.encoder import MtebTextEncoder
from xbench.models.known_model import known_model, remember_model
from xbench.models.loading import load_model
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions
from xbench.tasks import XBenchMiniMonolingualRetrieval

MONO, MULTI = "XBenchMiniMonolingualRetrieval", "XBenchMiniMultilingualRetrieval"

METADATA = XBenchMiniMonolingualRetrieval.metadata

RUN = """
import json, sys, xbench
xbench.evaluate(sys.argv[1], sys.argv[2], output=sys.argv[3], cache_dir=sys.argv[4],
                no_progress=True, **json.loads(sys.argv[5]))
print("sentence_transformers" in sys.modules)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    model = make_tiny_transformer()
    model.prompts = {"query": "q: ", "passage": "p: "}
    folder = tmp_path_factory.mktemp("known") / "tiny"
    model.save(str(folder))
    return folder


def loads_the_library(folder, task, output, cache, **options):
    words = [str(folder), task, str(output), str(cache), json.dumps(options)]
    done = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1] == "True"


def evaluate(folder, task, output, cache, **options):
    return xbench.evaluate(
        str(folder), task, output=output, cache_dir=cache, no_progress=True, **options
    )


def written(output):
    """Return the content of all files by name, but for what says when and how long."""
    found = {}
    for path in sorted(output.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            content = gzip.decompress(raw) if path.suffix == ".gz" else raw
            found[path.relative_to(output).as_posix()] = content
    for name, content in found.items():
        if name.endswith(("Retrieval.json", "run_settings.jsonl")):
            own = json.loads(content)
            for key in ("date", "evaluation_time", "xbench"):
                value = own.pop(key, None)
                if key == "xbench":
                    own["settings"] = {
                        k: v for k, v in (value or {}).items() if k not in ("encoding", "command")
                    }
            found[name] = json.dumps(own)
        if "summary" in name:
            found[name] = b""
    return found


@pytest.mark.integration
def test_the_results_are_those_of_the_model_itself(folder, tmp_path):
    cache = tmp_path / "cache"
    evaluate(folder, MULTI, tmp_path / "first", cache)
    shutil.rmtree(cache / "models")
    evaluate(folder, MULTI, tmp_path / "itself", cache)
    assert not loads_the_library(folder, MULTI, tmp_path / "known", cache)
    assert written(tmp_path / "known") == written(tmp_path / "itself")
    assert len(written(tmp_path / "known")) >= 3


@pytest.mark.slow
@pytest.mark.integration
def test_what_is_not_stored_is_encoded_by_the_model(folder, tmp_path):
    cache = tmp_path / "cache"
    evaluate(folder, MONO, tmp_path / "part", cache, languages="en,de")
    assert loads_the_library(folder, MONO, tmp_path / "whole", cache)
    found = evaluate(folder, MONO, tmp_path / "whole", cache, overwrite=True)
    expected = evaluate(folder, MONO, tmp_path / "new", tmp_path / "other cache")
    assert found.to_dataframe()["value"].tolist() == pytest.approx(
        expected.to_dataframe()["value"].tolist(), abs=1e-6
    )


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean"])
def test_the_similarity_and_the_settings_are_the_models_own(name, tmp_path):
    model = make_tiny_transformer()
    model.prompts, model.similarity_fn_name = {"query": "q: "}, name
    model.save(str(tmp_path / "own"))
    options = ModelOptions(str(tmp_path / "own"), max_length=32, passage_prompt="p: ")
    source = find_model(options, offline=True)
    assert known_model(source, options, tmp_path) is None
    loaded = load_model(source, options)
    remember_model(loaded, source, options, tmp_path)
    known = known_model(source, options, tmp_path)
    if name == "euclidean":
        assert known is None
        return
    assert known_model(source, replace(options, query_prompt="other: "), tmp_path) is None
    one, other = (MtebTextEncoder(each, METADATA, {}) for each in (loaded, known))
    for role in ("query", "passage"):
        assert one.identity(role) == other.identity(role)
    a, b = (np.random.default_rng(n).standard_normal((9, 32), np.float32) for n in (1, 2))
    np.testing.assert_array_equal(one.similarity(a, b), other.similarity(a, b))


@pytest.mark.integration
def test_a_damaged_record_is_as_none(folder, tmp_path):
    cache = tmp_path / "cache"
    evaluate(folder, MONO, tmp_path / "first", cache)
    (record,) = (cache / "models").iterdir()
    for content in (b"", b"[]", b'{"model_prompts": null, "settings": {"prompts": 1}}'):
        record.write_bytes(content)
        evaluate(folder, MONO, tmp_path / "again", cache, overwrite=True)
        assert json.loads(record.read_bytes())["settings"]["similarity_fn_name"]
