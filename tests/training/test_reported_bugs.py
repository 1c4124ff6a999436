"""What users of sentence-transformers reported of samplers and trainers, tried here.

Numbers are those of the reports in sentence-transformers' public list (T: of transformers).

- 3069: `NO_DUPLICATES` gave the same batches in every epoch. Below.
- 2816: training on several datasets ended with StopIteration, as a sampler had fewer batches than
  its length. Below.
- 3348: a sampler's length was more than its batches, where many texts were equal. Below.
- 2791: columns in another order than anchor, positive were trained on in silence. Below.
- 3072: rows with fewer negatives than others crashed the collator, as None is no text. Below.
- 2749: KeyError "eval_loss" where the best checkpoint is chosen and there are several sets. Below.
- 3394: a prompt that the model has was not used in training. Below.
- T 34747: the best checkpoint of a model with an adapter was not found. Below.
- 3453: the hard negatives of other processes were taken for positives. In `test_distributed.py`,
  test_hard_negatives_of_other_processes_are_no_positives.
- 3393: gradient checkpointing ended in an error. In `test_losses.py`,
  test_gradient_options_and_the_loss_of_each_set_of_validation.
- 2648: a resumed run went on with a loss of the untrained model. In `test_train_command.py`, the
  runs that are killed.
- 3355: a dict of streams is not supported. Refused by name: `test_drop_in.py`,
  test_a_missing_loss_and_a_stream_are_refused.
- 4013: `GROUP_BY_LABEL` had batches of one label. Does not apply: no batch is grouped by label.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import TrainerCallback

from tests.conftest import make_tiny_transformer
from tests.training.parallel_pairs import complete, make_pairs
from tests.training.test_trainer import arguments
from xbench.training.adapters import add_lora, load_trained, merge_adapter
from xbench.training.batching.dataset import PairDataset
from xbench.training.batching.options import BatchSampling
from xbench.training.batching.sampler import HybridBatchSampler
from xbench.training.config import TrainingConfig
from xbench.training.corpora.reading import read_pairs
from xbench.training.corpora.source import CorpusSource
from xbench.training.run import train
from xbench.training.trainer import PAIRS, HybridTrainer

pytestmark = pytest.mark.integration


class Recording(HybridTrainer):
    """Keeps the pairs of each batch that is trained on."""

    def training_step(self, model, inputs, num_items_in_batch=None):
        self.seen = [*getattr(self, "seen", []), inputs[PAIRS].tolist()]
        return super().training_step(model, inputs, num_items_in_batch)


def trained(folder, dataset, **options):
    model = make_tiny_transformer()
    training = Recording(
        model=model,
        args=arguments(folder, max_steps=-1, **options),
        train_dataset=dataset,
        loss=MultipleNegativesRankingLoss(model),
    )
    training.train()
    return training


@pytest.fixture
def base(tmp_path):
    model = make_tiny_transformer()
    model.prompts = {"query": "ask: ", "document": "text: "}
    model.save(str(tmp_path / "base"))
    return tmp_path / "base"


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def config(base, data, output, **options):
    asked = {"max_steps": 6, "batch_size": 4, "learning_rate": 1e-3, **options}
    return TrainingConfig(base_model=str(base), data=[data], output=output, **asked)


def test_each_epoch_has_other_batches(tmp_path):
    steps = trained(tmp_path, PairDataset([complete(24)]), num_train_epochs=3).seen
    epochs = [steps[start : start + 3] for start in (0, 3, 6)]
    assert [sorted(row for batch in own for row, _, _ in batch) for own in epochs] == [
        list(range(24))
    ] * 3
    together = [{frozenset(row for row, _, _ in batch) for batch in own} for own in epochs]
    assert not together[0] & together[1]
    assert not together[1] & together[2]


def test_several_datasets_train_to_the_end_of_each_epoch(tmp_path):
    ready = Dataset.from_dict({"anchor": list("abcdefghijk"), "positive": list("lmnopqrstuv")})
    mask = np.arange(37 * 3).reshape(37, 3) % 5 > 0
    data = {"ragged": PairDataset([make_pairs(mask)]), "ready": ready}
    training = trained(tmp_path, data, num_train_epochs=3, dataloader_num_workers=1)
    sampler = HybridBatchSampler(training.train_dataset, 8, seed=training.args.seed)
    assert training.state.epoch == 3
    assert training.state.global_step == 3 * len(sampler) == len(training.seen)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("distinct", [8, 13, 40])
def test_the_length_is_the_number_of_batches_where_many_texts_are_equal(distinct, drop_last):
    group = np.arange(100) % distinct
    dataset = PairDataset([complete(100, group=group)])
    sampler = HybridBatchSampler(dataset, 8, drop_last, seed=1)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler)
        assert all(len({group[row] for row, _, _ in batch}) == 8 for batch in batches)


@pytest.mark.parametrize("names", [("positive", "anchor"), ("passage", "query")])
def test_the_order_of_columns_does_not_matter(tmp_path, names):
    rows = [{names[0]: f"passage {n}", names[1]: f"query {n}"} for n in range(8)]
    source = CorpusSource(write(tmp_path / "pairs.jsonl", rows), language="en")
    (item,) = PairDataset([read_pairs(source, tmp_path)]).__getitems__([(3, 0, 0)])
    assert list(item.items()) == [("query", "query 3"), ("passage", "passage 3")]


def test_rows_with_fewer_negatives_train_with_those_of_others(base, tmp_path):
    rows = [
        {
            "anchor": f"q {n}",
            "positive": f"p {n}",
            **{f"negative_{k + 1}": f"n {n} {k}" for k in range(n % 3)},
        }
        for n in range(12)
    ]
    path = write(tmp_path / "pairs.jsonl", rows)
    pairs = read_pairs(CorpusSource(path, language="en"), tmp_path)
    dataset = PairDataset([pairs], BatchSampling("monolingual"))
    for batch in HybridBatchSampler(dataset, 4):
        items = dataset.__getitems__(batch)
        assert len({tuple(item) for item in items}) == 1
        assert all(isinstance(text, str) and text for item in items for text in item.values())
    source = {"path": path, "language": "en", "sampling": "monolingual"}
    assert (train(config(base, source, tmp_path / "model")) / "model.safetensors").is_file()


def parallel(path, count=16):
    sides = ("query", "passage")
    columns = [(side, code) for side in sides for code in ("de", "en")]
    rows = [
        {f"{side}_{code}": f"{side} {code} {n * 7919}" for side, code in columns}
        for n in range(count)
    ]
    return write(path, rows)


def test_the_best_checkpoint_is_chosen_where_there_are_several_sets(base, tmp_path):
    path = parallel(tmp_path / "pairs.jsonl")
    sets = {code: {"path": path, "languages": [code]} for code in ("de", "en")}
    asked = config(base, path, tmp_path / "model", validation=sets, evaluation_steps=3)
    record = json.loads((train(asked) / "xbench_training.json").read_text())
    assert record["results"]["kept_step"] in (3, 6)


class FirstBatch(TrainerCallback):
    """Stops before training, keeping the texts of a batch."""

    def on_train_begin(self, args, state, control, model=None, train_dataloader=None, **others):
        batch = next(iter(train_dataloader))
        self.texts = {
            column: model.tokenizer.decode(batch[f"{column}_input_ids"][0]).replace(" ", "")
            for column in ("query", "passage")
        }


def test_prompts_that_the_model_has_are_trained_with(base, tmp_path, monkeypatch):
    seen = FirstBatch()
    monkeypatch.setattr(
        "xbench.training.run.HybridTrainer",
        lambda callbacks=None, **options: HybridTrainer(callbacks=[seen], **options),
    )
    train(config(base, parallel(tmp_path / "pairs.jsonl"), tmp_path / "model", max_steps=1))
    assert seen.texts["query"].startswith("ask:[UNK]query")
    assert seen.texts["passage"].startswith("text:[UNK]passage")
    saved = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    assert saved.prompts["query"] == "ask: "


def test_the_best_checkpoint_of_an_adapter_is_the_one_that_is_saved(base, tmp_path):
    path = parallel(tmp_path / "pairs.jsonl")
    options = {
        "lora": {"r": 2, "target_modules": ["query", "value"]},
        "validation": [path],
        "evaluation_steps": 1,
        "max_steps": 4,
        "keep_checkpoints": 4,
        "learning_rate": 1.0,
    }
    folder = train(config(base, path, tmp_path / "model", **options))
    kept = json.loads((folder / "xbench_training.json").read_text())["results"]["kept_step"]
    assert kept < 4
    expected = SentenceTransformer(str(base), device="cpu")
    add_lora(expected, options["lora"])
    load_trained(expected, folder / "checkpoints" / f"checkpoint-{kept}")
    merge_adapter(expected)
    saved = SentenceTransformer(str(folder), device="cpu")
    assert np.array_equal(saved.encode("a text"), expected.encode("a text"))
