"""Scorers that several threads use."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from xbench.models.encoder import MtebTextEncoder
from xbench.search.streamed.scorers import EncoderScorer
from xbench.tasks import MIRACLMonolingualRetrieval

TEXTS = ["abcdefghijklmnopqrstuvwxyz " * 4] * 8


def hesitate(monkeypatch, tokenizer):
    """Let a tokenizer wait after it was told its maximum length, so that others come between."""
    told = type(tokenizer).set_truncation_and_padding

    def tell_and_wait(*args, **kwargs):
        told(*args, **kwargs)
        time.sleep(0.001)

    monkeypatch.setattr(type(tokenizer), "set_truncation_and_padding", tell_and_wait)


@pytest.mark.integration
def test_two_threads_do_not_disturb_each_others_maximum_length(tiny_transformer, monkeypatch):
    inner = tiny_transformer.model
    inner.max_seq_length = 8
    hesitate(monkeypatch, inner.tokenizer)
    encoder = MtebTextEncoder(tiny_transformer, MIRACLMonolingualRetrieval.metadata, {})
    scorer = EncoderScorer(encoder, {"en": np.ones((1, 32), np.float32)})
    stopped = threading.Event()
    cut: list[bool] = []
    widths: set[int] = set()
    preprocess = inner.preprocess

    def noted(*args, **kwargs):
        found = preprocess(*args, **kwargs)
        widths.update(map(len, found["input_ids"]))
        return found

    monkeypatch.setattr(inner, "preprocess", noted)

    def prepare():
        while not stopped.is_set():
            for number in (1, 10):
                cut.append(bool(scorer.prepare(number * TEXTS, "en").truncated.all()))

    thread = threading.Thread(target=prepare)
    thread.start()
    for _ in range(50):
        encoder.own_vectors(TEXTS, "passage")
    stopped.set()
    thread.join()
    assert widths == {8}
    assert all(cut)
