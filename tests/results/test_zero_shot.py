"""What counts as having seen an evaluation set."""

from __future__ import annotations

import pytest

from xbench.results.zero_shot import zero_shot

SETS = ("XQuAD-R", "MLQA-R", "XQuADRetrieval", "MLQARetrieval", "MIRACLRetrieval")


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        ("XQuADRetrieval", {"XQuAD-R", "XQuADRetrieval"}),
        ("google/xquad", {"XQuAD-R", "XQuADRetrieval"}),
        ("juletxara/xquad_xtreme", {"XQuAD-R", "XQuADRetrieval"}),
        ("MLQARetrieval", {"MLQA-R", "MLQARetrieval"}),
        ("mlqa.ar.de", {"MLQA-R", "MLQARetrieval"}),
        ("LAReQA", {"XQuAD-R", "MLQA-R", "XQuADRetrieval", "MLQARetrieval"}),
        ("MIRACLRetrievalHardNegatives", {"MIRACLRetrieval"}),
        ("MIRACLReranking", {"MIRACLRetrieval"}),
        ("miracl/miracl-corpus", {"MIRACLRetrieval"}),
        ("\u039c-LQ-\u0391", {"MLQA-R", "MLQARetrieval"}),
        ("M\u013dQA", {"MLQA-R", "MLQARetrieval"}),
        ("M\u029fQA", {"MLQA-R", "MLQARetrieval"}),
        ("MIQA", {"MLQA-R", "MLQARetrieval"}),
        ("XQu\u00c0D", {"XQuAD-R", "XQuADRetrieval"}),
        ("mlracl", {"MIRACLRetrieval"}),
        ("M1RACL", {"MIRACLRetrieval"}),
        ("HumiQA", set()),
        ("SQuAD", set()),
        ("squad_v2", set()),
        ("ParSQuAD", set()),
        ("mr-tydi", set()),
        ("", set()),
    ],
)
def test_a_declared_name_counts_for_what_derives_from_it(declared, seen):
    not_zero_shot = {name for name in SETS if zero_shot(["MSMARCO", declared], name) != "zero-shot"}
    assert not_zero_shot == seen


def test_nothing_declared_is_unknown_and_declared_nothing_is_zero_shot():
    assert {zero_shot(None, name) for name in SETS} == {"unknown"}
    assert {zero_shot([], name) for name in SETS} == {"zero-shot"}
