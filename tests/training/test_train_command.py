"""``xbench train``: in this process, killed and in several processes."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from tests.commands import environment, invoke, start
from tests.conftest import make_tiny_transformer
from xbench.tasks import XBenchMiniMultilingualRetrieval

pytestmark = pytest.mark.integration

LANGUAGES = ("de", "en", "zh")
SIDES = ("query", "passage")


@pytest.fixture(scope="module")
def base(tiny_folder):
    return tiny_folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "pairs.jsonl"
    rows = [
        {
            f"{side}_{a}": f"{side} {a} {n * 7919}"
            for side in ("query", "passage")
            for a in LANGUAGES
        }
        for n in range(40)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def options(base, corpus, folder, **changed):
    given = {
        "base_model": base,
        "data": corpus,
        "output": folder,
        "max_steps": 6,
        "batch_size": 8,
        "learning_rate": 1e-3,
        "query_prompt": "q: ",
        "passage_prompt": "p: ",
        "evaluation_steps": 2,
        **changed,
    }
    return [
        word
        for name, value in given.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]


def run(place: Path, *words: object) -> None:
    outcome = invoke(place, *words)
    assert outcome.returncode == 0, outcome.stderr


@pytest.fixture(scope="module")
def trained(base, data, tmp_path_factory):
    place = tmp_path_factory.mktemp("trained")
    run(place, "train", *options(base, data, "model"))
    return place


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(first, second):
    return all(np.array_equal(first[name], second[name]) for name in first)


def test_evaluate_uses_the_saved_prompts_with_no_other_option(trained):
    run(trained, "evaluate", "--model", "model", "-b", "XBenchMini", "--no-progress")
    (settings,) = trained.glob("results/*/*/run_settings.jsonl")
    lines = [json.loads(line) for line in settings.read_text().splitlines()]
    assert {tuple(line["xbench"]["prompts"].values()) for line in lines} == {("q: ", "p: ")}


def test_training_data_is_declared_only_where_the_base_models_is_known(trained, data, tmp_path):
    run(trained, "evaluate", "--model", "model", "-b", "XBenchMini", "--no-progress")
    (meta,) = trained.glob("results/*/*/model_meta.json")
    assert json.loads(meta.read_text())["training_datasets"] is None
    base = tmp_path / "base"
    shutil.copytree(trained / "model", base)
    record = json.loads((base / "xbench_training.json").read_text())
    record["training_datasets"] = ["MLQA"]
    (base / "xbench_training.json").write_text(json.dumps(record))
    run(tmp_path, "train", *options(base, data, "model", max_steps=1))
    run(tmp_path, "evaluate", "--model", "model", "-b", "XBenchMini", "--no-progress")
    (meta,) = tmp_path.glob("results/*/*/model_meta.json")
    assert sorted(json.loads(meta.read_text())["training_datasets"]) == ["MLQA", "pairs"]


def test_the_card_and_the_record_say_how_the_model_was_trained(trained):
    card = (trained / "model" / "README.md").read_text()
    assert "hybrid" in card
    assert "| pairs | de en zh | 40 |" in card
    assert "6 steps, seed 0" in card
    record = json.loads((trained / "model" / "xbench_training.json").read_text())
    assert record["data"][0]["report"]["rows"] == 40
    assert record["results"]["steps"] == 6
    assert record["config"]["alpha"] == 0.5


def test_the_saved_configuration_repeats_the_run(trained, tmp_path):
    config = yaml.safe_load((trained / "model" / "training.yaml").read_text())
    config["output"] = "again"
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(config))
    run(tmp_path, "train", "--config", "again.yaml")
    assert same(weights(trained / "model"), weights(tmp_path / "again"))


def test_a_finished_run_is_not_repeated_and_another_in_its_folder_is_refused(trained, base, data):
    before = (trained / "model" / "model.safetensors").stat().st_mtime_ns
    run(trained, "train", *options(base, data, "model"))
    assert (trained / "model" / "model.safetensors").stat().st_mtime_ns == before
    outcome = invoke(trained, "train", *options(base, data, "model", alpha=0.25))
    assert outcome.returncode == 2
    assert "alpha was 0.5 and is 0.25" in outcome.stderr


@pytest.mark.integration
def test_a_killed_run_goes_on_and_ends_with_the_same_model(base, data, tmp_path):
    words = ["train", *options(base, data, "model", max_steps=12)]
    start(tmp_path / "whole", *words).succeed()
    process = start(tmp_path / "killed", *words)
    checkpoint = tmp_path / "killed" / "model" / "checkpoints" / "checkpoint-4"
    while not checkpoint.is_dir() and process.returncode is None:
        time.sleep(0.02)
    process.kill()
    assert process.returncode == -signal.SIGKILL
    start(tmp_path / "killed", *words).succeed()
    assert same(weights(tmp_path / "whole" / "model"), weights(tmp_path / "killed" / "model"))


@pytest.mark.integration
@pytest.mark.slow
def test_a_run_killed_at_30_random_moments_ends_with_the_same_model(base, data, tmp_path):
    """A run that ends before its moment comes is compared, and another begins in a new folder."""
    words = ["train", *options(base, data, "model", max_steps=12)]
    began = time.monotonic()
    start(tmp_path / "whole", *words).succeed()
    whole = weights(tmp_path / "whole" / "model")
    took = time.monotonic() - began
    moments = random.Random(25)
    kills, folder, ended = 0, 0, []
    while kills < 30 or not ended:
        place = tmp_path / f"killed-{folder}"
        process = start(place, *words)
        until = time.monotonic() + moments.uniform(0, took)
        while process.returncode is None and (kills == 30 or time.monotonic() < until):
            time.sleep(0.01)
        if process.returncode is None:
            process.kill()
            kills += 1
        else:
            process.succeed()
            ended.append(place)
            folder += 1
    assert all(same(whole, weights(place / "model")) for place in ended)


def test_a_run_killed_before_its_record_was_written_begins_again(base, data, tmp_path):
    """What it leaves is the empty folder of its checkpoints, or half a record."""
    (tmp_path / "model" / "checkpoints").mkdir(parents=True)
    (tmp_path / "model" / ".1f.part").touch()
    run(tmp_path, "train", *options(base, data, "model", max_steps=1))
    assert weights(tmp_path / "model")


LAUNCHERS = {
    "torchrun": ["-m", "torch.distributed.run", "--nproc-per-node", "2"],
    "accelerate": [
        *("-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"),
        *("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"),
    ],
}


@pytest.fixture(scope="module")
def without_dropout(tmp_path_factory):
    """A base model whose training does not depend on how a batch is shared out."""
    folder = tmp_path_factory.mktemp("plain") / "tiny"
    model = make_tiny_transformer()
    model[0].auto_model.config.hidden_dropout_prob = 0.0
    model[0].auto_model.config.attention_probs_dropout_prob = 0.0
    model.save(str(folder))
    return folder


@pytest.fixture(scope="module")
def of_one_process(without_dropout, data, tmp_path_factory):
    place = tmp_path_factory.mktemp("one")
    start(place, "train", *options(without_dropout, data, "model")).succeed()
    return weights(place / "model")


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torchrun", "accelerate"])
def test_two_processes_train_the_model_of_one(
    without_dropout, of_one_process, data, tmp_path, launcher
):
    words = [*LAUNCHERS[launcher], "-m", "xbench", "train"]
    done = subprocess.run(
        [sys.executable, *words, *options(without_dropout, data, "model")],
        cwd=tmp_path,
        env=environment(tmp_path, {}),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = weights(tmp_path / "model")
    start_weights = load_file(without_dropout / "model.safetensors")
    assert all(np.allclose(found[n], of_one_process[n], atol=1e-5) for n in found)
    assert not all(np.allclose(found[n], start_weights[n], atol=1e-3) for n in found)


def test_the_checkpoint_best_in_a_setting_is_kept_and_training_stops_early(base, data, tmp_path):
    words = options(
        base,
        data,
        "model",
        max_steps=20,
        learning_rate=3e-2,
        validation=data,
        evaluate_on="XBench-Mini",
        evaluation_languages="de,en",
        select_by="multilingual_map",
        patience=2,
        loss="CachedMultipleNegativesRankingLoss",
    )
    run(tmp_path, "train", *words)
    record = json.loads((tmp_path / "model" / "xbench_training.json").read_text())["results"]
    assert record["kept_step"] == record["steps"] - 4 < 16
    assert {"loss", "mini_multilingual_map", "mini_rank_distance"} <= record["metrics"].keys()
    run(
        tmp_path, "evaluate", "--model", "model", "-b", "XBenchMini", "-l", "de,en", "--no-progress"
    )
    (path,) = tmp_path.rglob("XBenchMiniMultilingualRetrieval.json")
    scores = [subset["map"] for subset in json.loads(path.read_text())["scores"]["test"]]
    assert np.mean(scores) == pytest.approx(record["metrics"]["mini_multilingual_map"], abs=1e-5)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"alpha": 1.5}, "alpha is 1.5"),
        ({"sampling": "mixed"}, "sampling is 'mixed'"),
        ({"loss": "BestLoss"}, "loss is 'BestLoss'; expected one of"),
        ({"batch_size": 64}, "corpus pairs: no .* batch of 64"),
        ({"base_model": "no/such"}, "base_model no/such: cannot be loaded"),
        ({"select_by": "rank_distance"}, "evaluate_on names no dataset"),
        ({"select_by": "loss"}, "no validation data"),
        ({"patience": 2}, "patience needs validation or evaluate_on"),
        ({"evaluate_on": "SQuAD"}, "'SQuAD' is not one of XQuAD-R"),
        ({"language_pairs": "en-xx"}, "language_pairs: 'en-xx'"),
        ({"languages": "en", "sampling": "crosslingual"}, "no cross-lingual batch"),
        ({"languages": "tr"}, "none of tr; it has de, en, zh"),
        ({"data": "missing.jsonl"}, "missing.jsonl"),
        ({"config": "missing.yaml"}, "missing.yaml: cannot be read"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
    ],
)
def test_what_cannot_work_is_refused_before_training(base, data, tmp_path, changed, named):
    outcome = invoke(tmp_path, "train", *options(base, data, "model", **changed))
    assert outcome.returncode == 2
    assert re.search(named, outcome.stderr), outcome.stderr
    assert not (tmp_path / "model").exists()


def test_all_wrong_fields_of_a_configuration_are_named_at_once(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("base_model: x\noutput: y\ndata: [z]\nalhpa: 0.5\nbatch_size: -1\n")
    outcome = invoke(tmp_path, "train", "--config", path)
    assert outcome.returncode == 2
    assert "unknown field alhpa" in outcome.stderr
    assert "batch_size is -1" in outcome.stderr


def test_questions_of_an_evaluation_set_are_refused_and_recorded_when_allowed(base, tmp_path):
    corpus = XBenchMiniMultilingualRetrieval().load_corpus(LANGUAGES)
    path = tmp_path / "leaked.jsonl"
    with path.open("w") as lines:
        for number, question in enumerate(corpus.queries["en"].ids):
            row = {}
            for code in LANGUAGES:
                texts = dict(zip(corpus.queries[code].ids, corpus.queries[code].texts, strict=True))
                row |= {f"query_{code}": texts[question], f"passage_{code}": f"{code} {number}"}
            lines.write(json.dumps(row) + "\n")
    words = ["train", *options(base, path, "model", max_steps=1)]
    refused = invoke(tmp_path, *words)
    assert refused.returncode == 2
    assert "48 of XBench-Mini" in refused.stderr
    assert "--allow-evaluation-data XBench-Mini" in refused.stderr
    allowed = invoke(tmp_path, *words, "--allow-evaluation-data", "XBench-Mini")
    assert allowed.returncode == 0, allowed.stderr
    record = json.loads((tmp_path / "model" / "xbench_training.json").read_text())
    assert record["training_datasets"] == ["XBench-Mini", "leaked"]
    assert "Trained on questions of XBench-Mini" in (tmp_path / "model" / "README.md").read_text()


@pytest.mark.parametrize("name", ["xlm-r", "labse"])
def test_the_shipped_configurations_are_the_papers_setting(name):
    from xbench.training.config import read_config

    config = read_config(Path(name), {})
    assert (config.batch_size, config.learning_rate, config.weight_decay) == (100, 3e-5, 0.01)
    assert (config.sampling, config.alpha) == ("hybrid", 0.5)
    assert config.languages == ("ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh")
    assert (config.query_prompt, config.passage_prompt) == ("Query: ", "Passage: ")
