"""Which checkpoint a run goes on from, and what is refused."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import make_tiny_transformer
from tests.training.parallel_pairs import complete
from tests.training.test_trainer import trainer
from xbench._util.errors import UserError
from xbench.training.batching.dataset import PairDataset
from xbench.training.checkpoints import last_checkpoint

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    options = {"save_strategy": "steps", "save_steps": 1, "max_steps": 2}
    trainer(folder, PairDataset([complete(16)]), make_tiny_transformer(), **options).train()
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "checkpoints")


def test_the_newest_finished_checkpoint_is_taken(folder):
    assert last_checkpoint(folder, 1) == folder / "checkpoint-2"
    (folder / "checkpoint-2" / "rng_state.pth").unlink()
    assert last_checkpoint(folder, 1) == folder / "checkpoint-1"
    assert last_checkpoint(folder / "nothing", 1) is None


@pytest.mark.integration
def test_other_folders_are_no_checkpoints(folder):
    (folder / "checkpoint-best").mkdir()
    (folder / "checkpoint-10").mkdir()
    (folder / "tmp-checkpoint-20").mkdir()
    assert last_checkpoint(folder, 1) == folder / "checkpoint-2"


@pytest.mark.parametrize(
    "name",
    ["model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json", "config.json"],
)
def test_a_truncated_file_of_the_checkpoint_is_named(folder, name):
    path = folder / "checkpoint-2" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=rf"checkpoint-2/{name}: damaged .* delete the folder"):
        last_checkpoint(folder, 1)
    shutil.rmtree(folder / "checkpoint-2")
    assert last_checkpoint(folder, 1) == folder / "checkpoint-1"
