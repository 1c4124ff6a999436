"""Fixtures: the real data when it is next to the checkout, and small encoders that count."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

# Libraries read these when they are imported.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder

from tests.hub_server import StandInHub, serving
from xbench._util.hub import SWITCHES
from xbench.data.download import DataLocation

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

settings.register_profile("untimed", deadline=None)
settings.register_profile("fast", max_examples=20, deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a file in one worker, as its tests share fixtures, unless it names a larger group."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(
                pytest.mark.xdist_group(item.path.relative_to(ROOT / "tests").as_posix())
            )


class HashEncoder(AbsEncoder):
    """An mteb encoder whose vectors are drawn with the text as seed; it remembers what it saw."""

    def __init__(self, dimensions: int = 16, name: str = "test/hash-encoder") -> None:
        self.dimensions = dimensions
        self.seen: list[tuple[str, str]] = []
        self.mteb_model_meta = ModelMeta.create_empty({"name": name, "revision": "1"})

    def vector(self, role: str, text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(f"{role} {text}".encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(self.dimensions).astype(np.float32)

    def encode(self, inputs, *, task_metadata, hf_split, hf_subset, prompt_type=None, **kwargs):
        texts = [text for batch in inputs for text in batch["text"]]
        self.seen += [(prompt_type.value, text) for text in texts]
        return np.array([self.vector(prompt_type.value, text) for text in texts])


@pytest.fixture
def hash_encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not (SHARED / "data").is_dir():
        pytest.skip("the complete real sets are not next to the checkout")
    return SHARED / "data"


@pytest.fixture
def location(tmp_path: Path) -> DataLocation:
    data = SHARED / "data"
    return DataLocation(data if data.is_dir() else None, tmp_path / "cache", offline=True)


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[StandInHub]:
    """A hub on this machine, which the libraries take for the real one; its folder is empty."""
    root = tmp_path / "hub root"
    root.mkdir()
    with serving(root) as served:
        for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HTTP_PROXY", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        for module, name in SWITCHES:
            if hasattr(sys.modules.get(module), name):
                monkeypatch.setattr(f"{module}.{name}", False)
        constants = "huggingface_hub.constants"
        template = served.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(f"{constants}.ENDPOINT", served.address)
        monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(f"{constants}.HF_HUB_OFFLINE", False)
        monkeypatch.setattr(f"{constants}.HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
        monkeypatch.setattr(f"{constants}.HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
        without_pauses = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})
        monkeypatch.setattr("huggingface_hub.utils._http.time", without_pauses)
        yield served


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses between tries, which take no time."""
    clock, waited = [0.0], []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr("xbench._util.network.sleep", sleep)
    monkeypatch.setattr("xbench._util.network.monotonic", lambda: clock[0])
    return waited


@pytest.fixture(scope="session")
def mini_results(tmp_path_factory) -> Path:
    """The folder ``results`` of both built-in models on the shipped set."""
    import xbench

    folder = tmp_path_factory.mktemp("mini") / "results"
    for model in ("xbench/bm25", "xbench/char-ngram"):
        xbench.evaluate(model, benchmark="XBenchMini", output=folder, no_progress=True)
    return folder


@pytest.fixture
def tiny_transformer():
    """A real SentenceTransformer of two layers with random weights and a character vocabulary."""
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

    return SentenceTransformerEncoderWrapper(make_tiny_transformer())


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """A saved model of two layers with random weights; tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    make_tiny_transformer().save(str(folder))
    return folder


def make_tiny_transformer(seed: int = 0):
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    characters = [chr(i) for i in range(33, 0x600)]
    vocabulary = {token: i for i, token in enumerate(["[PAD]", "[UNK]", *characters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        BertModel(config).save_pretrained(folder)
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=128
        ).save_pretrained(folder)
        transformer = Transformer(folder, max_seq_length=64)
    return SentenceTransformer(
        modules=[transformer, Pooling(transformer.get_word_embedding_dimension())], device="cpu"
    )
