"""The trainer and its dataset: prompts, texts, errors and evaluation during training."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)

from tests.conftest import make_tiny_transformer
from tests.training.parallel_pairs import complete, make_pairs
from xbench._util.errors import UserError
from xbench.data.datasets import MINI
from xbench.training.batching.dataset import PairDataset
from xbench.training.batching.options import BatchSampling
from xbench.training.batching.sampler import HybridBatchSampler
from xbench.training.evaluator import SettingsEvaluator
from xbench.training.trainer import HybridTrainer

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def one_thread():
    """Spare a tiny model the cost of handing its work to several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def arguments(folder, **options):
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        **{
            "max_steps": 3,
            "per_device_train_batch_size": 8,
            "per_device_eval_batch_size": 8,
            "use_cpu": True,
            "report_to": "none",
            "disable_tqdm": True,
            "save_strategy": "no",
            **options,
        },
    )


def trainer(folder, dataset=None, model=None, cls=HybridTrainer, evaluator=None, **options):
    model = model or make_tiny_transformer()
    return cls(
        model=model,
        args=arguments(folder, **options),
        train_dataset=dataset or PairDataset([complete(40)]),
        loss=MultipleNegativesRankingLoss(model),
        evaluator=evaluator,
    )


def test_a_pair_is_the_query_in_one_language_and_the_passage_in_another():
    first = complete(3, 2)
    dataset = PairDataset([first, make_pairs(np.ones((2, 1), bool), languages=("zh",))])
    items = dataset.__getitems__([(2, 0, 1), (0, 1, 0)])
    assert [dict(item) for item in items] == [
        {"query": "q ar 2", "passage": "p de 2"},
        {"query": "q de 0", "passage": "p ar 0"},
    ]
    assert dict(dataset.__getitems__([(4, 2, 2)])[0]) == {"query": "q zh 1", "passage": "p zh 1"}
    assert len(dataset) == 5


@pytest.mark.parametrize(("language", "expected"), [("passage", "n1 de 2"), ("query", "n1 ar 2")])
def test_hard_negatives_are_in_the_language_asked_for(language, expected):
    dataset = PairDataset([complete(3, 2, negatives=2)], negative_language=language)
    (item,) = dataset.__getitems__([(2, 0, 1)])
    assert item["negative_2"] == expected


def test_no_query_is_drawn_in_a_language_without_the_negatives_asked_for():
    queries, passages = np.ones((40, 3), bool), np.ones((40, 3), bool)
    passages[:, 2] = False
    pairs = make_pairs(queries, passages, negatives=1)
    asked = {}
    for language in ("passage", "query"):
        dataset = PairDataset([pairs], BatchSampling("crosslingual"), language)
        asked[language] = {
            query for batch in HybridBatchSampler(dataset, 4) for _, query, _ in batch
        }
    assert asked == {"passage": {0, 1, 2}, "query": {0, 1}}


def test_the_trainer_uses_the_prompts_and_saves_them_in_the_model(tmp_path):
    prompts = {"query": "Query: ", "passage": "Passage: "}
    training = trainer(tmp_path, prompts=prompts)
    batch = next(iter(training.get_train_dataloader()))

    def first(column):
        return training.model.tokenizer.decode(batch[f"{column}_input_ids"][0]).replace(" ", "")

    assert first("query").startswith("Query:[UNK]q")
    assert first("passage").startswith("Passage:[UNK]p")
    training.train()
    training.save_model(str(tmp_path / "model"))
    saved = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    assert saved.prompts["query"] == "Query: "
    assert saved.prompts["document"] == "Passage: "
    expected = saved.encode("Passage: text", prompt="")
    np.testing.assert_allclose(saved.encode_document("text"), expected, atol=1e-6)


def test_a_loss_that_is_not_finite_stops_before_the_weights_change_and_names_the_batch(tmp_path):
    training = trainer(tmp_path, learning_rate=1e-3, max_steps=10)
    seen = []

    def poison(module, inputs, output):
        if training.state.global_step == 2:
            seen.append({k: v.detach().clone() for k, v in training.model.state_dict().items()})
            output["sentence_embedding"] = output["sentence_embedding"] * float("nan")
        return output

    training.model.register_forward_hook(poison)
    with pytest.raises(UserError, match=r"step 3: the loss is nan.*batch-of-step-3\.json"):
        training.train()
    now = training.model.state_dict()
    assert all(torch.equal(now[name], value) for name, value in seen[0].items())
    lines = json.loads((tmp_path / "batch-of-step-3.json").read_text())
    assert len(lines) == 8
    assert lines[0].startswith("made, row ")


def test_the_same_batches_made_ready_give_the_library_trainer_the_same_losses(tmp_path):
    dataset = PairDataset([complete(64)])
    ready = Dataset.from_list(
        [
            dict(item)
            for batch in HybridBatchSampler(dataset, 8, seed=5)
            for item in dataset.__getitems__(batch)
        ]
    )
    losses = []
    for name, data, cls in (("ours", dataset, HybridTrainer), ("theirs", ready, InOrder)):
        training = trainer(tmp_path / name, data, cls=cls, logging_steps=1, max_steps=8, seed=5)
        training.train()
        losses.append([line["loss"] for line in training.state.log_history if "loss" in line])
    assert losses[0] == losses[1]


class InOrder(SentenceTransformerTrainer):
    def get_batch_sampler(self, dataset, batch_size, drop_last, *rest, **others):
        return torch.utils.data.BatchSampler(range(len(dataset)), batch_size, drop_last)


def test_evaluation_during_training_is_the_evaluation_of_the_tasks(tmp_path):
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

    from xbench.tasks import XBenchMiniMultilingualRetrieval

    languages = ("de", "en", "zh")
    model = make_tiny_transformer()
    evaluator = SettingsEvaluator(MINI, languages)
    training = trainer(
        tmp_path,
        PairDataset([complete(40)]),
        model,
        evaluator=evaluator,
        eval_strategy="steps",
        eval_steps=2,
        max_steps=4,
        learning_rate=1e-2,
    )
    training.train()
    logged = [line for line in training.state.log_history if "eval_mini_rank_distance" in line]
    task = XBenchMiniMultilingualRetrieval(languages=languages)
    wrapped = SentenceTransformerEncoderWrapper(model)
    expected = task.evaluate(wrapped, encode_kwargs={"show_progress_bar": False})
    mean = np.mean([subset["map"] for subset in expected.values()])
    assert logged[-1]["eval_mini_multilingual_map"] == pytest.approx(mean)
    assert logged[0]["eval_mini_rank_distance"] != logged[1]["eval_mini_rank_distance"]
    assert {f"eval_mini_{s}_map" for s in ("monolingual", "crosslingual")} <= logged[0].keys()


def test_a_batch_that_processes_cannot_share_evenly_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(SentenceTransformerTrainingArguments, "world_size", 3)
    with pytest.raises(UserError, match="is 8, which 3 processes cannot share"):
        trainer(tmp_path)


def test_the_trainer_saves_a_model_card(tmp_path):
    training = trainer(tmp_path)
    training.train()
    training.save_model(str(tmp_path / "model"))
    card = (tmp_path / "model" / "README.md").read_text()
    assert "dataset_size:40" in card
    assert "q ar 0" in card
