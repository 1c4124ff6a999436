"""Two stages: a cross-encoder over what an encoder or BM25 ranks first."""

from __future__ import annotations

import numpy as np
import pytest
from mteb.models import SearchEncoderWrapper

import xbench
from tests.conftest import HashEncoder
from xbench._util.errors import UserError
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions

pytestmark = pytest.mark.integration

MONO, CROSS, MULTI = (
    f"XBenchMini{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")
)


class Judge:
    """An mteb cross-encoder that counts common characters, and what it was asked."""

    mteb_model_meta = None

    def __init__(self):
        self.pairs = []

    def predict(self, inputs1, inputs2, *, task_metadata, **kwargs):
        one, other = (
            [text for batch in own for text in batch["text"]] for own in (inputs1, inputs2)
        )
        self.pairs += zip(one, other, strict=True)
        return np.array(
            [len(set(a) & set(b)) + len(b) / 1e4 for a, b in zip(one, other, strict=True)]
        )


def evaluate(model, task, tmp_path, **options):
    return xbench.evaluate(
        model,
        task,
        output=tmp_path / "results",
        cache_dir=tmp_path / "cache",
        no_progress=True,
        **options,
    )


def maps(results):
    frame = results.to_dataframe().query("measure == 'map' and average == ''")
    return dict(zip(frame["subset"], frame["value"], strict=True))


@pytest.mark.parametrize("task", [MONO, CROSS, MULTI])
def test_is_what_mteb_makes_of_the_same_stages(task, tmp_path):
    found = maps(evaluate(HashEncoder(), task, tmp_path, rerank=Judge(), rerank_top=7))
    (own,) = xbench.get_tasks(task)
    own.load_data()
    from xbench.models.adapters import NamedCrossEncoder

    judge = NamedCrossEncoder(Judge(), HashEncoder().mteb_model_meta)
    first = SearchEncoderWrapper(HashEncoder())
    for name in own.hf_subsets[:4]:
        content = own.dataset[name]["test"]
        common = {
            "task_metadata": own.metadata,
            "hf_split": "test",
            "hf_subset": name,
            "encode_kwargs": {"batch_size": 32, "show_progress_bar": False},
            "num_proc": None,
        }
        first.index(content["corpus"], **common)
        run = first.search(content["queries"], top_k=7, **common)
        top = {
            query: sorted(scores, key=scores.get, reverse=True)[:7] for query, scores in run.items()
        }
        content["top_ranked"] = top
        theirs = own._evaluate_subset(
            judge,
            content,
            encode_kwargs=common["encode_kwargs"],
            hf_split="test",
            hf_subset=name,
            timer=__import__("mteb.timing").timing.TimingStack(),
        )
        assert found[name] == pytest.approx(theirs["map_at_1000"], abs=1e-5)


def test_bm25_can_be_the_first_stage(tmp_path):
    judge = Judge()
    results = evaluate("xbench/bm25", MONO, tmp_path, rerank=judge, rerank_top=5)
    assert len(judge.pairs) <= 8 * 48 * 5
    (path,) = results.files.values()
    assert path.parent.name == "rerank_local-Judge@no_revision_available__rerank_top_5"
    assert path.parents[2].name == "1"


def test_a_cross_encoder_alone_and_an_encoder_as_second_stage(tmp_path):
    with pytest.raises(UserError, match="Name that model with --model and this one with --rerank"):
        evaluate(Judge(), MONO, tmp_path)
    with pytest.raises(
        UserError, match="--rerank HashEncoder: got a HashEncoder; expected a cross"
    ):
        evaluate("xbench/bm25", MONO, tmp_path, rerank=HashEncoder())
    with pytest.raises(UserError, match="--rerank 'nothing': expected a name"):
        evaluate("xbench/bm25", MONO, tmp_path, rerank="nothing")


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory, tiny_folder):
    import torch
    from transformers import AutoConfig, AutoTokenizer, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("second") / "judge"
    config = AutoConfig.from_pretrained(tiny_folder)
    config.num_labels = 1
    torch.manual_seed(3)
    BertForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_folder).save_pretrained(folder)
    return folder


def test_a_folder_and_the_object_are_the_same_second_stage(cross_encoder, tmp_path):
    from sentence_transformers import CrossEncoder

    loaded = CrossEncoder(str(cross_encoder), device="cpu")
    named = evaluate("xbench/char-ngram", MONO, tmp_path, rerank=str(cross_encoder), rerank_top=3)
    as_object = evaluate("xbench/char-ngram", MONO, tmp_path, rerank=loaded, rerank_top=3)
    assert maps(named) == maps(as_object)
    assert len({*named.files.values(), *as_object.files.values()}) == 2
    source = find_model(ModelOptions(str(cross_encoder)), offline=True, plain="CrossEncoder")
    (path,) = named.files.values()
    assert f"judge@{source.meta.revision}" in path.parent.name
