"""Nothing asks the network unasked, and offline holds whenever it is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import datasets.config
import huggingface_hub
import huggingface_hub.constants
import pytest
from click.testing import CliRunner
from huggingface_hub.errors import OfflineModeIsEnabled

from tests.conftest import make_tiny_transformer
from xbench._util.errors import UserError
from xbench._util.hub import SWITCHES, hub_access
from xbench.cli import main
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions

MISSING = "no-organisation/no-model"


@pytest.fixture
def asked(monkeypatch):
    """What is looked up in the network, which cannot be reached."""
    addresses = []

    def refuse(host, *_, **__):
        addresses.append(host)
        raise OSError(f"{host}: the network is not to be used")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("socket.create_connection", lambda address, *_, **__: refuse(address[0]))
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("XBENCH_DATA_DIR", raising=False)
    for module, name in SWITCHES:
        if hasattr(sys.modules.get(module), name):
            monkeypatch.setattr(f"{module}.{name}", False)
    return addresses


def ask():
    huggingface_hub.HfApi().model_info(MISSING)


def test_a_variable_set_after_the_import_is_heard(asked, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with hub_access(offline=False), pytest.raises(OfflineModeIsEnabled):
        ask()
    assert asked == []


def test_afterwards_the_libraries_are_as_they_were(asked):
    with hub_access(offline=True):
        assert datasets.config.HF_HUB_OFFLINE
        with hub_access(offline=False), pytest.raises(OfflineModeIsEnabled):
            ask()
    assert not datasets.config.HF_HUB_OFFLINE
    assert not huggingface_hub.constants.HF_HUB_OFFLINE
    assert "HF_HUB_OFFLINE" not in os.environ
    with pytest.raises(Exception, match="not to be used"):
        ask()
    assert asked


def test_what_is_imported_meanwhile_is_not_offline_for_ever():
    code = (
        "from xbench._util.hub import hub_access\n"
        "with hub_access(offline=True):\n"
        "    import huggingface_hub.constants as constants\n"
        "    assert constants.HF_HUB_OFFLINE\n"
        "assert not constants.HF_HUB_OFFLINE\n"
    )
    environment = {name: own for name, own in os.environ.items() if not name.startswith("HF_")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_model_is_looked_for_in_the_cache_if_the_variable_says_so(asked, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="not in the local Hugging Face cache"):
        find_model(ModelOptions(MISSING), offline=False)
    assert asked == []


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    make_tiny_transformer().save(str(folder))
    return folder


def run(place, *words):
    environment = {"XBENCH_CACHE_DIR": str(place / "cache")}
    done = CliRunner(env=environment).invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


def test_a_local_model_is_evaluated_without_a_network(asked, tiny, tmp_path):
    run(tmp_path, "evaluate", "--model", tiny, "-b", "XBenchMini", "-l", "de,en", "-o", tmp_path)
    assert asked == []


@pytest.mark.integration
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_local_model_is_trained_on_local_data_without_a_network(asked, tiny, tmp_path, suffix):
    path = tmp_path / f"pairs.{suffix}"
    rows = [
        {
            f"{side}_{a}": f"{side} {a} {n * 7919}"
            for side in ("query", "passage")
            for a in ("de", "en")
        }
        for n in range(16)
    ]
    if suffix == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        datasets.Dataset.from_list(rows).to_parquet(str(path))
    words = ["--base-model", tiny, "--data", path, "-o", tmp_path / "model"]
    run(tmp_path, "train", *words, "--max-steps", "1", "--batch-size", "4")
    assert asked == []
    record = json.loads((tmp_path / "model" / "xbench_training.json").read_text())
    (found,) = record["data"]
    assert "MIRACL not checked" in found["overlap"]["summary"]
