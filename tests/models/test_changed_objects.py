"""A model that is changed in place is another model, and its old results are not its own."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder

import xbench
from tests.conftest import make_tiny_transformer

pytestmark = pytest.mark.integration

MONO = "XBenchMiniMonolingualRetrieval"


class Projected(AbsEncoder):
    """An encoder whose weights are in a module not named `model`, and in a number."""

    def __init__(self, name="test/projected"):
        generator = torch.Generator().manual_seed(0)
        self.projection = torch.nn.Linear(64, 8, bias=False)
        with torch.no_grad():
            self.projection.weight.copy_(torch.randn(8, 64, generator=generator))
        self.power = 1.0
        self.mteb_model_meta = name and ModelMeta.create_empty({"name": name, "revision": "1"})

    def encode(self, inputs, **kwargs):
        texts = [text for batch in inputs for text in batch["text"]]
        counts = torch.zeros(len(texts), 64)
        for row, text in zip(counts, texts, strict=True):
            for character in text:
                row[ord(character) % 64] += 1
        with torch.no_grad():
            return self.projection(counts**self.power)


def evaluate(model, tmp_path, **options):
    results = xbench.evaluate(
        model,
        MONO,
        output=tmp_path / "results",
        cache_dir=tmp_path / "cache",
        no_progress=True,
        **options,
    )
    frame = results.to_dataframe().query("measure == 'map' and average == 'macro'")
    return float(frame["value"].iloc[0])


def weights(model):
    with torch.no_grad():
        model.projection.weight[0] *= 9


def number(model):
    model.power = 0.25


@pytest.mark.parametrize("change", [weights, number])
@pytest.mark.parametrize("name", ["test/projected", None])
def test_results_of_a_changed_object_are_made_again(change, name, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="xbench")
    model = Projected(name)
    first = evaluate(model, tmp_path)
    assert evaluate(model, tmp_path) == first
    assert "1 of 1 tasks already had results" in caplog.text
    change(model)
    changed = evaluate(model, tmp_path)
    assert changed != first
    assert "are not known to be of this object" in caplog.text
    fresh = Projected(name)
    change(fresh)
    assert evaluate(fresh, tmp_path / "elsewhere") == changed


@pytest.mark.parametrize("change", [weights, number])
def test_a_living_object_in_one_task_after_another(change):
    model = Projected()
    (task,) = xbench.get_tasks(MONO)
    kwargs = {"batch_size": 32, "show_progress_bar": False}
    first = task.evaluate(model, encode_kwargs=kwargs)
    change(model)
    second = task.evaluate(model, encode_kwargs=kwargs)
    assert second != first
    fresh = Projected()
    change(fresh)
    assert task.evaluate(fresh, encode_kwargs=kwargs) == second


def test_an_object_of_the_same_class_that_has_no_name_is_another(tmp_path):
    model, other = Projected(None), Projected(None)
    number(other)
    assert evaluate(model, tmp_path) != evaluate(other, tmp_path)


def test_changed_settings_of_a_sentence_transformer(tmp_path):
    model = make_tiny_transformer()
    first = evaluate(model, tmp_path)
    model.prompts = {"query": "a question that is long enough to matter: "}
    prompted = evaluate(model, tmp_path)
    model.similarity_fn_name = "manhattan"
    assert len({first, prompted, evaluate(model, tmp_path)}) == 3


FACTORY = """
from pathlib import Path
import numpy as np
def embed(texts):
    seed = int(Path(__file__).with_name("weights.txt").read_text())
    table = np.random.default_rng(seed).standard_normal((1000, 8))
    return np.array([table[[ord(c) % 1000 for c in text]].sum(axis=0) for text in texts])
"""


def test_weights_behind_a_file_that_changed(tmp_path, caplog):
    (tmp_path / "mine.py").write_text(FACTORY)
    found = []
    for seed in (1, 2, 2):
        (tmp_path / "weights.txt").write_text(str(seed))
        caplog.clear()
        found.append(evaluate(f"{tmp_path / 'mine.py'}:embed", tmp_path, overwrite=True))
        assert ("not the model whose embeddings are stored" in caplog.text) == (len(found) == 2)
    assert found[0] != found[1] == found[2]
    assert np.isfinite(found).all()
