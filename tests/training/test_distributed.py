"""Several processes and resuming: real processes, on CPU with gloo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SCRIPT = Path(__file__).with_name("script.py")
MIDDLE_OF_EPOCHS = ("4", "15", "28")
AT_THE_END_OF_AN_EPOCH = "22"


def run(output, *options, processes=1):
    launcher = [sys.executable]
    if processes > 1:
        launcher += ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [*launcher, str(SCRIPT), str(output), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return output


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return run(tmp_path_factory.mktemp("one") / "run")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two") / "run"
    return run(folder, "--resume-from", "15", processes=2)


def losses(folder):
    return np.array(json.loads((folder / "losses.json").read_text()))


def weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def assert_same_weights(first, second):
    first, second = weights(first), weights(second)
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    return run(tmp_path_factory.mktemp("four") / "run", processes=4)


@pytest.mark.parametrize("several", ["two", "four"])
def test_several_processes_reach_the_losses_and_weights_of_one(one, several, request):
    others = request.getfixturevalue(several)
    assert len(losses(one)) == 33
    np.testing.assert_allclose(losses(others), losses(one), atol=1e-5)
    ours, theirs = weights(one), weights(others)
    assert all(np.allclose(ours[name], theirs[name], atol=1e-4) for name in ours)
    far = max(float(abs(ours[name] - theirs[name]).max()) for name in ours)
    print(several, "losses", abs(losses(others) - losses(one)).max(), "weights", far)
    assert losses(one)[-5:].mean() < losses(one)[:5].mean() / 2


def test_hard_negatives_of_other_processes_are_no_positives(tmp_path):
    """Two processes each gather the passages of the other, of which two in three are negatives."""
    one = run(tmp_path / "one", "--negatives", "2")
    two = run(tmp_path / "two", "--negatives", "2", processes=2)
    np.testing.assert_allclose(losses(two), losses(one), atol=1e-5)


def test_the_adversary_of_two_processes_learns_what_that_of_one_does(tmp_path):
    one = run(tmp_path / "one", "--adversary", "0.5")
    two = run(tmp_path / "two", "--adversary", "0.5", processes=2)
    ours, theirs = weights(one), weights(two)
    assert all(np.allclose(ours[name], theirs[name], atol=1e-4) for name in ours)


def test_one_process_resumes_bitwise_from_any_checkpoint_with_dropout_and_workers(tmp_path):
    steps = [*MIDDLE_OF_EPOCHS, AT_THE_END_OF_AN_EPOCH]
    options = ["--dropout", "0.1", "--workers", "1", "--resume-from", *steps]
    whole = run(tmp_path / "run", *options)
    for step in steps:
        assert_same_weights(whole, whole / f"resumed-{step}")


def test_two_processes_resume_bitwise_in_the_middle_of_the_second_epoch(two):
    assert_same_weights(two, two / "resumed-15")
    assert np.array_equal(losses(two), losses(two / "resumed-15"))
