"""HybridTrainer in place of the library's trainer: what that one takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict, IterableDataset
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers.base.sampler import BatchSamplers, NoDuplicatesBatchSampler
from sentence_transformers.sentence_transformer.losses import (
    CoSENTLoss,
    MultipleNegativesRankingLoss,
)
from transformers import TrainerCallback

from tests.conftest import make_tiny_transformer
from tests.training.parallel_pairs import complete
from tests.training.test_trainer import arguments
from xbench._util.errors import UserError
from xbench.training.batching.dataset import PairDataset
from xbench.training.batching.options import BatchSampling
from xbench.training.batching.sampler import HybridBatchSampler
from xbench.training.trainer import HybridTrainer

pytestmark = pytest.mark.integration


def ready(rows=24, name="a"):
    return Dataset.from_dict(
        {
            "anchor": [f"q {name} {n}" for n in range(rows)],
            "positive": [f"p {n}" for n in range(rows)],
        }
    )


def scored(rows=16):
    return Dataset.from_dict(
        {
            "first": [f"one {n}" for n in range(rows)],
            "second": [f"two {n}" for n in range(rows)],
            "score": [n / rows for n in range(rows)],
        }
    )


class Seen(TrainerCallback):
    def __init__(self):
        self.steps = 0

    def on_step_end(self, args, state, control, **others):
        self.steps += 1


def losses_of(model):
    return {"pairs": MultipleNegativesRankingLoss(model), "scores": CoSENTLoss(model)}


@pytest.mark.parametrize("wrap", [dict, DatasetDict])
def test_dicts_of_datasets_and_losses_train_as_with_the_library(tmp_path, wrap):
    found = []
    for cls in (SentenceTransformerTrainer, HybridTrainer):
        model = make_tiny_transformer()
        seen = Seen()
        training = cls(
            model=model,
            args=arguments(tmp_path / cls.__name__, logging_steps=1, max_steps=5, seed=1),
            train_dataset=wrap(pairs=ready(), scores=scored()),
            eval_dataset=wrap(pairs=ready(8, "b"), scores=scored(8)),
            loss=losses_of(model),
            callbacks=[seen],
        )
        training.train()
        metrics = training.evaluate()
        losses = [line["loss"] for line in training.state.log_history if "loss" in line]
        found.append((losses, metrics["eval_pairs_loss"], metrics["eval_scores_loss"], seen.steps))
    assert found[0] == found[1]


def test_own_datasets_and_the_librarys_mix_with_a_loss_for_each(tmp_path):
    model = make_tiny_transformer()
    parallel = PairDataset([complete(40)], BatchSampling("crosslingual"))
    training = HybridTrainer(
        model=model,
        args=arguments(tmp_path, max_steps=-1, num_train_epochs=1, logging_steps=1),
        train_dataset={"pairs": parallel, "scores": scored(), "more": ready()},
        eval_dataset={"pairs": PairDataset([complete(16)]), "scores": scored(8)},
        loss=losses_of(model) | {"more": MultipleNegativesRankingLoss(model)},
    )
    names = [batch["dataset_name"] for batch in training.get_train_dataloader()]
    assert sorted(set(names)) == ["more", "pairs", "scores"]
    assert (names.count("pairs"), names.count("scores"), names.count("more")) == (5, 2, 3)
    pairs = training.train_dataset
    own = [b for b in HybridBatchSampler(pairs, 8, seed=42) if b[0][0] < 40]
    assert all(query != passage for batch in own for _, query, passage in batch)
    training.train()
    assert training.state.global_step == 10
    assert {"eval_pairs_loss", "eval_scores_loss"} <= training.evaluate().keys()


def test_a_missing_loss_and_a_stream_are_refused(tmp_path):
    model = make_tiny_transformer()
    both = {"pairs": PairDataset([complete(16)]), "scores": scored()}
    with pytest.raises(UserError, match="loss: none for scores"):
        HybridTrainer(
            model=model,
            args=arguments(tmp_path),
            train_dataset=both,
            loss={"pairs": MultipleNegativesRankingLoss(model)},
        )
    stream = IterableDataset.from_generator(lambda: iter([]))
    with pytest.raises(UserError, match="'stream' is IterableDataset"):
        HybridTrainer(
            model=model,
            args=arguments(tmp_path),
            train_dataset={"pairs": both["pairs"], "stream": stream},
        )


def test_a_reserved_column_is_refused_in_any_dataset_of_a_dict(tmp_path):
    model = make_tiny_transformer()
    for name in ("dataset_name", "return_loss"):
        with pytest.raises(ValueError, match=f"invalid in your scores dataset: \\['{name}'\\]"):
            HybridTrainer(
                model=model,
                args=arguments(tmp_path),
                train_dataset={
                    "pairs": PairDataset([complete(16)]),
                    "scores": scored().rename_column("first", name),
                },
                loss=losses_of(model),
            )


def test_datasets_given_when_evaluating_use_the_losses_of_their_names(tmp_path):
    model = make_tiny_transformer()
    data = {"pairs": PairDataset([complete(16)]), "scores": scored(8)}
    training = HybridTrainer(
        model=model,
        args=arguments(tmp_path),
        train_dataset={"pairs": PairDataset([complete(24)]), "scores": scored()},
        eval_dataset=data,
        loss=losses_of(model),
    )
    expected = training.evaluate()
    again = training.evaluate({"pairs": PairDataset([complete(16)]), "scores": scored(8)})
    for name in ("eval_pairs_loss", "eval_scores_loss"):
        assert again[name] == expected[name]
    assert expected["eval_pairs_loss"] != expected["eval_scores_loss"]


def test_another_batch_sampler_is_honoured_or_refused(tmp_path):
    model = make_tiny_transformer()
    args = arguments(tmp_path, batch_sampler=BatchSamplers.NO_DUPLICATES)
    training = HybridTrainer(model=model, args=args, train_dataset=ready())
    assert isinstance(training.get_train_dataloader().batch_sampler, NoDuplicatesBatchSampler)
    with pytest.raises(UserError, match=r"args\.batch_sampler is no_duplicates"):
        HybridTrainer(model=model, args=args, train_dataset=PairDataset([complete(16)]))
    own = arguments(tmp_path, batch_sampler=HybridBatchSampler)
    HybridTrainer(model=model, args=own, train_dataset=PairDataset([complete(16)]))


def test_a_function_that_makes_the_model_and_prompts_by_dataset_work(tmp_path):
    prompts = {"pairs": {"query": "query: "}, "more": {"anchor": "premise: "}}
    training = HybridTrainer(
        model_init=lambda: make_tiny_transformer(),
        args=arguments(tmp_path, prompts=prompts),
        train_dataset={"pairs": PairDataset([complete(24)]), "more": ready()},
        loss=MultipleNegativesRankingLoss,
    )
    starts = set()
    for batch in training.get_train_dataloader():
        column = "query" if batch["dataset_name"] == "pairs" else "anchor"
        ids = batch[f"{column}_input_ids"][0]
        starts.add(training.model.tokenizer.decode(ids).replace(" ", "").split(":")[0])
    assert starts == {"query", "premise"}
    training.train()
    assert training.state.global_step == 3


def test_datasets_of_the_library_alone_are_not_shared_between_processes(tmp_path, monkeypatch):
    args = arguments(tmp_path)
    HybridTrainer(model=make_tiny_transformer(), args=args, train_dataset=ready())
    assert not args.accelerator_config.split_batches


def test_a_resumed_run_of_several_corpora_ends_with_the_same_weights(tmp_path):
    def run(folder, resume=None):
        torch.manual_seed(0)
        model = make_tiny_transformer()
        training = HybridTrainer(
            model=model,
            args=arguments(folder, max_steps=8, save_strategy="steps", save_steps=3),
            train_dataset={"pairs": PairDataset([complete(20)]), "scores": scored()},
            loss=losses_of(model) | {},
        )
        training.train(resume_from_checkpoint=resume)
        return {name: value.clone() for name, value in training.model.state_dict().items()}

    whole = run(tmp_path / "whole")
    again = run(tmp_path / "again", str(tmp_path / "whole" / "checkpoint-3"))
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert not np.isnan(sum(float(value.float().sum()) for value in whole.values()))
