"""Losses by name, options and adapters, each trained for a few steps."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments

from tests.commands import invoke
from tests.conftest import make_tiny_transformer
from xbench._util.errors import UserError
from xbench.training.batching.dataset import PairDataset
from xbench.training.config import TrainingConfig
from xbench.training.corpora.reading import read_pairs
from xbench.training.corpora.source import CorpusSource
from xbench.training.language_losses import LanguageAdversarialLoss
from xbench.training.losses import make_loss
from xbench.training.run import train
from xbench.training.trainer import HybridTrainer

pytestmark = pytest.mark.integration

LANGUAGES = ("de", "en", "ita")
GUIDED = {"guide": "BASE"}
WRAPPED = {"matryoshka_dims": [16, 8], "loss": "CachedMultipleNegativesRankingLoss"}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "tiny"
    make_tiny_transformer().save(str(folder))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rows = [
        {
            **{f"{s}_{a}": f"{s} {a} {n * 7919}" for s in ("query", "passage") for a in LANGUAGES},
            "negatives_de": [f"other {n}"] * (n % 2),
        }
        for n in range(24)
    ]
    (folder / "parallel.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    english = [
        {"anchor": f"premise {n}", "positive": f"follows {n}", "negative": f"not so {n}"}
        for n in range(16)
    ]
    (folder / "nli.jsonl").write_text("".join(json.dumps(row) + "\n" for row in english))
    scored = [
        {"sentence1": f"one {n}", "sentence2": f"two {n}", "score": n / 15} for n in range(16)
    ]
    (folder / "sts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in scored))
    equal = [{**row, "score": 1.0} for row in scored]
    (folder / "equal.jsonl").write_text("".join(json.dumps(row) + "\n" for row in equal))
    return folder


def config(base, data, output, corpora=None, **changed):
    return TrainingConfig(
        **{
            "base_model": str(base),
            "output": output,
            "data": corpora or [str(data / "parallel.jsonl")],
            "batch_size": 4,
            "max_steps": 3,
            "learning_rate": 1e-3,
            **changed,
        }
    )


def weights(folder):
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        ("MultipleNegativesRankingLoss", {"similarity_fct": "dot_score", "scale": 1}),
        ("MultipleNegativesSymmetricRankingLoss", {}),
        ("CachedMultipleNegativesSymmetricRankingLoss", {"mini_batch_size": 2}),
        ("AlignedRankingLoss", {"alignment": 0.5}),
        ("LanguageAdversarialLoss", {"adversary": 0.5}),
        ("GISTEmbedLoss", GUIDED),
        ("CachedGISTEmbedLoss", {**GUIDED, "margin": 0.1}),
        ("MatryoshkaLoss", {"matryoshka_dims": [16, 8]}),
        ("MatryoshkaLoss", WRAPPED),
        ("TripletLoss", {"distance_metric": "cosine"}),
        ("MarginMSELoss", {"teacher": "BASE"}),
        ("EmbedDistillLoss", {"teacher": "BASE", "distance_metric": "mse"}),
    ],
)
def test_a_loss_is_trained_by_its_name_and_options(base, data, tmp_path, loss, options):
    given = {name: str(base) if value == "BASE" else value for name, value in options.items()}
    teacher = given.pop("teacher", None)
    asked = config(base, data, tmp_path / "model", loss=loss, loss_options=given, teacher=teacher)
    model = train(asked)
    before, after = weights(base), weights(model)
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert all(np.isfinite(values).all() for values in after.values())


def test_the_alignment_term_is_the_mean_squared_distance_of_unit_vectors():
    queries = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    passages = torch.tensor([[1.0, 0.0], [3.0, 0.0]])

    def value(alignment):
        options = {"alignment": alignment}
        loss = make_loss("AlignedRankingLoss", options, make_tiny_transformer(), scale=1)
        return loss.compute_loss_from_embeddings([queries, passages], torch.empty(0)).item()

    in_batch_negatives = np.log(2)
    distance = (0 + 2) / 2
    assert value(0) == pytest.approx(in_batch_negatives)
    assert value(1) == pytest.approx(in_batch_negatives + distance)
    assert value(0.5) == pytest.approx(in_batch_negatives + distance / 2)


def test_corpora_have_their_own_sampling_weight_prompts_columns_and_loss(base, data, tmp_path):
    corpora = [
        {"path": str(data / "parallel.jsonl"), "query_prompt": "ask: "},
        {
            "path": str(data / "nli.jsonl"),
            "language": "en",
            "sampling": "plain",
            "weight": 2,
            "loss": "TripletLoss",
        },
        {"path": str(data / "sts.jsonl"), "format": "scored", "loss": "CoSENTLoss"},
    ]
    asked = config(base, data, tmp_path / "model", corpora, max_steps=None, epochs=1)
    record = json.loads((train(asked) / "xbench_training.json").read_text())
    assert record["results"]["steps"] == 24 // 4 + 2 * 16 // 4 + 16 // 4
    assert [own["pairs"] for own in record["pairs"]] == [24, 32]
    assert record["pairs"][1]["attained"] == {"en-en": 32}
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| sts |" in card


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"loss": "BestLoss"}, "loss is 'BestLoss'; expected one of"),
        ({"loss_options": {"scal": 3}}, "has no scal; it takes scale"),
        ({"loss": "MatryoshkaLoss"}, "matryoshka_dims"),
        ({"loss": "CoSENTLoss"}, "needs texts with a score"),
        ({"loss": "MarginMSELoss"}, "name one under teacher"),
        ({"teacher": "x"}, "takes none; expected one of"),
        ({"lora": {"rank": 8}}, "lora: no rank; it takes"),
        ({"report_to": "nothing"}, "report_to: nothing is not supported"),
        ({"select_by": "pairs_loss"}, "select_by is 'pairs_loss'"),
    ],
)
def test_what_a_loss_cannot_do_is_refused(base, data, tmp_path, changed, named):
    with pytest.raises(UserError, match=named):
        train(config(base, data, tmp_path / "model", **changed))
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("tracker", ["tensorboard", "wandb", "trackio"])
@pytest.mark.parametrize("as_argument", [False, True])
def test_a_tracker_that_is_not_installed_is_refused_before_the_model_loads(
    data, tmp_path, monkeypatch, tracker, as_argument
):
    for module in (tracker, "tensorboardX"):
        monkeypatch.setitem(sys.modules, module, None)
    changed = {"report_to": [tracker]}
    asked = {"training_arguments": changed} if as_argument else changed
    with pytest.raises(UserError, match=rf"report_to: {tracker} .*run pip install {tracker}$"):
        train(config(tmp_path / "no-model", data, tmp_path / "model", **asked))


def test_scores_that_are_all_equal_are_refused(base, data, tmp_path):
    corpora = [{"path": str(data / "equal.jsonl"), "format": "scored"}]
    with pytest.raises(UserError, match="all values of score are equal"):
        train(config(base, data, tmp_path / "model", corpora, loss="CoSENTLoss"))


def test_lora_trains_few_weights_resumes_and_is_merged_when_saved(base, data, tmp_path):
    lora = {"r": 2, "target_modules": ["query", "value"], "lora_dropout": 0.1}
    asked = {"lora": lora, "evaluation_steps": 2, "max_steps": 4}
    whole = train(config(base, data, tmp_path / "whole", **asked))
    before, after = weights(base), weights(whole)
    assert before.keys() == after.keys()
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed
    assert all("query.weight" in name or "value.weight" in name for name in changed)
    checkpoint = whole / "checkpoints" / "checkpoint-2"
    assert (checkpoint / "trained.safetensors").stat().st_size < (
        base / "model.safetensors"
    ).stat().st_size / 4
    shutil.rmtree(whole / "checkpoints" / "checkpoint-4")
    (whole / "model.safetensors").unlink()
    record = json.loads((whole / "xbench_training.json").read_text())
    (whole / "xbench_training.json").write_text(json.dumps({**record, "results": None}))
    train(config(base, data, tmp_path / "whole", **asked))
    assert all(np.array_equal(after[name], value) for name, value in weights(whole).items())
    assert SentenceTransformer(str(whole), device="cpu").encode("text").shape == (32,)


def test_gradient_options_and_the_loss_of_each_set_of_validation(base, data, tmp_path):
    german = {"path": str(data / "parallel.jsonl"), "languages": ["de"]}
    asked = config(
        base,
        data,
        tmp_path / "model",
        validation={"german": german, "italian": {**german, "languages": ["it"]}},
        select_by="italian_loss",
        patience=1,
        evaluation_steps=1,
        gradient_accumulation=2,
        gradient_checkpointing=True,
        precision="bf16",
    )
    record = json.loads((train(asked) / "xbench_training.json").read_text())
    assert {"german_loss", "italian_loss"} <= record["results"]["metrics"].keys()


def test_the_command_takes_a_language_outside_the_projects_tables(base, data, tmp_path):
    words = ["train", "--base-model", base, "--data", data / "parallel.jsonl", "-o", "model"]
    words += ["--batch-size", 4, "--max-steps", 1, "--languages", "it,de"]
    outcome = invoke(tmp_path, *words, "--language-sampling", "it=3,de=1")
    assert outcome.returncode == 0, outcome.stderr
    record = json.loads((tmp_path / "model" / "xbench_training.json").read_text())
    assert record["config"]["language_sampling"] == {"it": 3.0, "de": 1.0}
    assert record["pairs"][0]["wanted"]["it-it"] == 9


def test_questions_held_out_are_measured_and_not_trained_on(base, data, tmp_path):
    asked = config(
        base,
        data,
        tmp_path / "model",
        hold_out=6,
        evaluation_steps=1,
        select_by="own_language_preference",
    )
    record = json.loads((train(asked) / "xbench_training.json").read_text())
    names = {f"held_out_{setting}_map" for setting in ("monolingual", "crosslingual")}
    names |= {"held_out_multilingual_map", "held_out_rank_distance"}
    assert names | {"held_out_own_language_preference"} <= record["results"]["metrics"].keys()
    assert record["pairs"][0]["pairs"] == 20
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| q | de | en | it |" in card
    assert 'SentenceTransformer("model")' in card
    with pytest.raises(UserError, match="hold_out is 13, more than half of the 24"):
        train(config(base, data, tmp_path / "other", hold_out=13))


def test_a_loss_in_python_is_the_librarys():
    model = make_tiny_transformer()
    loss = make_loss("MatryoshkaLoss", {"matryoshka_dims": [8]}, model, scale=10)
    assert loss.loss.scale == 10
    assert isinstance(loss, torch.nn.Module)


def adversarial(adversary):
    model = make_tiny_transformer()
    options = {"adversary": adversary}
    loss = make_loss("LanguageAdversarialLoss", options, model, scale=2, languages=LANGUAGES)
    with torch.no_grad():
        loss.classifier.weight[0, 0] = 1
    return loss


def embeddings():
    size = make_tiny_transformer().get_embedding_dimension()
    queries, passages = torch.zeros(2, size), torch.zeros(2, size)
    queries[:, 0], passages[:, 1] = torch.tensor([3.0, 1.0]), 1.0
    return [queries.requires_grad_(), passages.requires_grad_()]


def test_the_adversary_is_told_languages_and_its_gradient_comes_back_reversed():
    """Two queries in languages 0 and 1; the classifier looks at the first dimension alone."""
    labels = torch.tensor([[0, 2], [1, 2]])
    own = embeddings()
    alone = adversarial(0.5).compute_loss_from_embeddings(own, torch.empty(0)).item()
    loss = adversarial(0.5)
    found = loss.compute_loss_from_embeddings(own, labels)
    whole, seen = np.exp(2) + 2, np.log(3)
    expected = (np.log(whole) - 2 + np.log(whole) + seen + seen) / 4
    assert found.item() - alone == pytest.approx(expected, rel=1e-6)
    found.backward()
    right = loss.classifier.weight.grad.clone()
    assert right[0, 0] == pytest.approx(2 / 4 * ((np.exp(2) / whole - 1) + np.exp(2) / whole))

    def gradient(adversary):
        queries, passages = embeddings()
        adversarial(adversary).compute_loss_from_embeddings([queries, passages], labels).backward()
        return passages.grad[:, 0].double().numpy()

    at = [gradient(adversary) for adversary in (0.0, 0.5, 1.0)]
    towards = 2 / 4 * 1 / 3
    np.testing.assert_allclose(at[1] - at[0], -0.5 * towards, rtol=1e-5)
    np.testing.assert_allclose(at[2] - at[0], -1.0 * towards, rtol=1e-5)


def test_an_adversary_does_not_take_shortened_embeddings(base, data, tmp_path):
    inside = {"matryoshka_dims": [16, 8], "loss": "LanguageAdversarialLoss"}
    with pytest.raises(UserError, match="dimensions; expected 32, those of the model"):
        train(config(base, data, tmp_path / "m", loss="MatryoshkaLoss", loss_options=inside))


def test_the_trainer_tells_the_adversary_the_language_of_each_text(base, data, tmp_path):
    dataset = PairDataset([read_pairs(CorpusSource(str(data / "parallel.jsonl")), tmp_path)])
    model = SentenceTransformer(str(base), device="cpu")
    seen = []

    class Recorded(LanguageAdversarialLoss):
        def forward(self, features, labels):
            for column, own in enumerate(list(features)[:2]):
                texts = model.tokenizer.batch_decode(own["input_ids"])
                seen.extend(zip(texts, labels[:, column].tolist(), strict=True))
            return super().forward(features, labels)

    args = SentenceTransformerTrainingArguments(
        str(tmp_path / "run"), max_steps=6, per_device_train_batch_size=8, report_to="none"
    )
    loss = Recorded(model, dataset.languages)
    HybridTrainer(model=model, args=args, train_dataset=dataset, loss=loss).train()
    assert {spoken for _, spoken in seen} == {0, 1, 2}
    assert all(dataset.languages[spoken] in text.replace(" ", "")[5:] for text, spoken in seen)
    assert loss.classifier.weight.any()
