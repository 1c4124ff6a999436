"""Scorers that several threads use."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from xbench.models.encoder import MtebTextEncoder
from xbench.streaming.scorers import EncoderScorer
from xbench.tasks import MIRACLMonolingualRetrieval

TEXTS = ["abcdefghijklmnopqrstuvwxyz " * 4] * 8


@pytest.fixture
def switching():
    """Let threads take turns so often that what can go wrong between them does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("switching")
def test_two_threads_do_not_disturb_each_others_maximum_length(tiny_transformer):
    inner = tiny_transformer.model
    inner.max_seq_length = 8
    encoder = MtebTextEncoder(tiny_transformer, MIRACLMonolingualRetrieval.metadata, {})
    scorer = EncoderScorer(encoder, {"en": np.ones((1, 32), np.float32)})
    stopped = threading.Event()
    cut: list[bool] = []

    def prepare():
        while not stopped.is_set():
            cut.append(bool(scorer.prepare(TEXTS, "en").truncated.all()))

    thread = threading.Thread(target=prepare)
    thread.start()
    widths = {inner.preprocess(TEXTS)["input_ids"].shape[1] for _ in range(1000)}
    stopped.set()
    thread.join()
    assert widths == {8}
    assert all(cut)
