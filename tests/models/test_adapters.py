"""A folder of sentence-transformers with a LoRA adapter is evaluated with the adapter's weights."""

from __future__ import annotations

import pytest

import xbench
from tests.conftest import make_tiny_transformer

pytest.importorskip("peft")
TASK = "XBenchMiniMonolingualRetrieval"


def adapted(base, seed):
    """Return a model with an adapter of random weights over a saved one."""
    import torch
    from peft import LoraConfig
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(base), device="cpu")
    torch.manual_seed(seed)
    model.add_adapter(
        LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=False, lora_alpha=64)
    )
    return model


def values(model, place):
    results = xbench.evaluate(
        model,
        TASK,
        languages="en,de",
        output=place / "results",
        cache_dir=place / "cache",
        no_progress=True,
    )
    frame = results.to_dataframe().query("measure == 'map' and subset != ''")
    return dict(zip(frame["subset"], frame["value"], strict=True))


@pytest.mark.integration
def test_an_adapter_is_part_of_the_model(tiny_folder, tmp_path):
    for seed in (1, 2):
        adapted(tiny_folder, seed).save(str(tmp_path / f"adapted-{seed}"))
    names = {path.name for path in (tmp_path / "adapted-1").iterdir()}
    assert "adapter_model.safetensors" in names
    assert "model.safetensors" not in names
    folders = [values(str(tmp_path / f"adapted-{seed}"), tmp_path) for seed in (1, 2)]
    assert folders[0] == pytest.approx(values(adapted(tiny_folder, 1), tmp_path / "object"))
    assert len({str(own) for own in (*folders, values(str(tiny_folder), tmp_path))}) == 3


def test_the_weights_under_an_adapter_may_change(tmp_path, caplog):
    base = tmp_path / "base"
    make_tiny_transformer(0).save(str(base))
    adapted(base, 1).save(str(tmp_path / "adapted"))
    first = values(str(tmp_path / "adapted"), tmp_path)
    make_tiny_transformer(7).save(str(base))
    (result,) = (tmp_path / "results").rglob(f"{TASK}.json")
    result.unlink()
    assert values(str(tmp_path / "adapted"), tmp_path) != first
    assert "not the model whose embeddings are stored" in caplog.text
