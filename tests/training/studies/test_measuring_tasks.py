"""mteb's tasks in a study: the values are mteb's, from a hub laid out as the real one."""

from __future__ import annotations

import json
import re

import mteb
import numpy as np
import pytest
import yaml

from tests.conftest import HashEncoder, make_tiny_transformer
from tests.hub_server import repository
from xbench._util.errors import UserError
from xbench.data.perturbation import perturb
from xbench.training.evaluator import ModelInTraining
from xbench.training.studies.evaluations import ACCURACY, NDCG, TaskEvaluation
from xbench.training.studies.grid import Places, runs
from xbench.training.studies.measuring import OVERLAP
from xbench.training.studies.measuring_tasks import load_task, measure_task, task_texts
from xbench.training.studies.report import write_report
from xbench.training.studies.running import carry_out
from xbench.training.studies.study_file import read_study
from xbench.training.studies.workplace import Workplace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("training/studies")]

RETRIEVAL = "MIRACLRetrievalHardNegatives"
WORDS = ["river", "mountain", "library", "teacher", "engine", "harbour", "winter", "doctor"]
NUMBER = {"de": 12, "en": 30}


def text(seed: int, number: int = 6) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, number))


def write(folder, path: str, rows: list[dict]) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def readme(folder, splits: dict[str, tuple[str, str]]) -> None:
    configs = [
        {"config_name": name, "data_files": [{"split": split, "path": path}]}
        for name, (split, path) in splits.items()
    ]
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n")


@pytest.fixture
def data(hub, tmp_path, monkeypatch):
    """A retrieval task in two languages, its relevance graded, and a bitext task."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr("datasets.config.HF_ENDPOINT", hub.address)
    source = mteb.get_task(RETRIEVAL).metadata.dataset
    folder = repository(hub.root, "datasets", source["path"], source["revision"])
    splits = {}
    for code, number in NUMBER.items():
        passages = [{"_id": f"p{i}", "title": "", "text": text(i)} for i in range(3 * number)]
        queries = [{"_id": f"q{i}", "text": text(i, 3)} for i in range(number)]
        relevant = [
            {"query-id": f"q{i}", "corpus-id": f"p{i + k * number}", "score": 2 - k}
            for i in range(number)
            for k in range(1 + i % 2)
        ]
        for kind, rows in (("corpus", passages), ("queries", queries), ("qrels", relevant)):
            write(folder, f"{code}-{kind}.jsonl", rows)
            splits[f"{code}-{kind}"] = ("dev", f"{code}-{kind}.jsonl")
    readme(folder, splits)
    source = mteb.get_task("Tatoeba").metadata.dataset
    folder = repository(hub.root, "datasets", source["path"], source["revision"])
    rows = [
        {"sentence1": text(100 + i), "sentence2": text(200 + i), "lang": lang}
        for lang, number in (("deu-eng", 9), ("fra-eng", 20))
        for i in range(number)
    ]
    write(folder, "test.jsonl", rows)
    readme(folder, {"default": ("test", "test.jsonl")})
    return hub


@pytest.fixture(scope="module")
def model():
    return ModelInTraining(make_tiny_transformer())


LANGUAGES = ("de", "en")

STUDY = f"""
title: Does it run?
question: Are the scores those of mteb?
base:
  training:
    base_model: start
    data: [{{dataset: XBench-Mini}}]
    languages: [de, en]
    allow_evaluation_data: [XBench-Mini]
    max_steps: 1
    batch_size: 4
  evaluate:
    as they are: &two {{task: {RETRIEVAL}, languages: [de, en]}}
    with errors: {{<<: *two, perturb: ["typo:0.3"]}}
vary:
  batches:
    X-X: {{alpha: 1.0}}
measure: [ndcg_at_10]
claims:
  - name: errors cost
    measure: ndcg_at_10
    condition: X-X
    than: X-X @ with errors
    matters: 0.01
  - name: little is kept
    measure: ndcg_at_10
    contrast: {{X-X @ with errors: -1}}
    share: true
    added: Asked later.
    matters: 0.01
seeds: 2
cost: {{minutes: 1, megabytes: 1}}
sizes: {{small: {{}}}}
"""


def test_ndcg_is_that_of_mteb_and_the_mean_of_its_queries(data, model, tmp_path):
    found = measure_task(model, TaskEvaluation(task=RETRIEVAL, languages=LANGUAGES), tmp_path)
    task = mteb.get_task(RETRIEVAL, languages=["deu", "eng"])
    expected = task.evaluate(model, "dev", encode_kwargs={"batch_size": 32})
    own = found["scores"][NDCG]
    by_language = {code: scores["ndcg_at_10"] for code, scores in expected.items()}
    assert own["languages"] == pytest.approx(by_language, abs=1e-5)
    assert own["value"] == pytest.approx(np.mean([*by_language.values()]), abs=1e-5)
    assert np.mean(own["questions"]) == pytest.approx(own["value"], abs=1e-5)
    assert len(found["questions"]) == len(own["questions"]) == sum(NUMBER.values())
    for code, number in NUMBER.items():
        values = np.array(own["by_language"][code], float)
        assert np.isfinite(values).sum() == number
        assert np.nanmean(values) == pytest.approx(by_language[code], abs=1e-5)


def test_changed_queries_are_those_of_perturb_and_no_passage_is_encoded_again(data, tmp_path):
    encoder = HashEncoder()
    encoder.model = make_tiny_transformer()
    given = {"task": RETRIEVAL, "languages": ("en",), "perturb": ("typo:0.4",)}
    clean = measure_task(encoder, TaskEvaluation(**given | {"perturb": ()}), tmp_path)
    passages = {text for role, text in encoder.seen if role == "document"}
    assert len(passages) == 3 * NUMBER["en"]
    encoder.seen.clear()
    one = measure_task(encoder, TaskEvaluation(**given), tmp_path)
    queries = perturb([text(i, 3) for i in range(NUMBER["en"])], ["typo:0.4"], "en")
    originals = {text(i, 3) for i in range(NUMBER["en"])}
    assert {text for _, text in encoder.seen} == set(queries) - originals
    assert {role for role, _ in encoder.seen} == {"query"}
    worst = measure_task(encoder, TaskEvaluation(**given, worst_of=3), tmp_path)
    values = [np.array(own["scores"][NDCG]["questions"]) for own in (one, worst)]
    assert (values[1] <= values[0]).all()
    assert values[1].mean() < values[0].mean() != clean["scores"][NDCG]["value"]
    assert 0 < worst["scores"][OVERLAP]["value"] < one["scores"][OVERLAP]["value"] < 1
    nothing = measure_task(encoder, TaskEvaluation(**given | {"perturb": ("typo:0",)}), tmp_path)
    assert nothing["scores"][NDCG] == clean["scores"][NDCG]
    assert nothing["scores"][OVERLAP]["value"] == 1


def test_the_accuracy_of_a_bitext_task_is_that_of_brute_force(data, model, tmp_path):
    found = measure_task(model, TaskEvaluation(task="Tatoeba", languages=("de", "fr")), tmp_path)
    expected = []
    for number in (9, 20):
        sides = [[text(start + i) for i in range(number)] for start in (100, 200)]
        first, second = (model.model.encode(own, normalize_embeddings=True) for own in sides)
        expected.append(np.mean((first @ second.T).argmax(1) == np.arange(number)))
    own = found["scores"][ACCURACY]
    assert own["languages"] == pytest.approx({"de": expected[0], "fr": expected[1]}, abs=1e-5)
    assert own["value"] == pytest.approx(np.mean(expected), abs=1e-5)


def test_texts_by_role(data):
    found = task_texts(load_task(TaskEvaluation(task=RETRIEVAL, languages=("de",))))
    assert found["query"] == {text(i, 3) for i in range(12)}
    assert found["passage"] == {text(i) for i in range(36)}
    found = task_texts(load_task(TaskEvaluation(task="Tatoeba", languages=("de",))))
    assert found == {
        role: {text(start + i) for i in range(9)}
        for role, start in (("query", 100), ("passage", 200))
    }


def test_a_study_of_tasks_has_a_report(data, tiny_folder, tmp_path, location):
    path = tmp_path / "mine.yaml"
    path.write_text(STUDY)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "start").symlink_to(tiny_folder)
    study = read_study(str(path), "small")
    folder = tmp_path / "studies"
    workplace = Workplace(folder, Places(tmp_path / "models", folder / "data"), location)
    workplace.prepare(runs(study))
    carry_out(runs(study), workplace)
    report = write_report(study, workplace, "xbench study run mine.yaml").read_text()
    shared = f"0 of 384 passages and 0 of 384 queries are in {RETRIEVAL}, too."
    assert f"Of the training data XBench-Mini, {shared}" in report
    assert re.search(r"^\| X-X @ with errors +\| 2 +\| 0\.\d{3} ± 0\.\d{3} +\|$", report, re.M)
    assert re.search(
        r"^\| condition +\| evaluation +\| fall of nDCG@10 +\| share kept", report, re.M
    )
    assert re.search(r"^\| X-X +\| with errors +\| .* ± \d+ % +\| \d+ % +\|$", report, re.M)
    assert re.search(r"^\| X-X +\| with errors +\| \S+ ± \d+ % +\| \S+ ± \d+ % +\|$", report, re.M)
    assert "| little is kept (+) | share kept of nDCG@10 |" in report
    assert "Stated before the runs, but for those marked (+)." in report
    assert "(+) Added after the runs: Asked later." in report
    assert "The first ten kept is the share of the first ten passages that" in report
    assert not list(folder.glob("runs/*/tmp*")), "embeddings are deleted"


def test_what_the_hub_does_not_have_is_named(hub):
    with pytest.raises(UserError, match=r"task SciFact: its data cannot be loaded .*mteb/scifact"):
        load_task(TaskEvaluation(task="SciFact"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "SciFakt"}, "mteb has no task 'SciFakt'.*Did you mean 'SciFact'"),
        ({"task": "STSBenchmark"}, "is not one of mteb's text retrieval or bitext tasks"),
        ({"task": "XQuADRMultilingualRetrieval"}, "name its dataset in place of task"),
        ({"task": "SciFact", "languages": ["de"]}, "No subsets were found for SciFact"),
        ({"task": "SciFact", "perturb": ["codeswitch:0.1"]}, "SciFact have no translations"),
        ({"task": "Tatoeba", "perturb": ["typo:0.1"]}, "Tatoeba has no queries to perturb"),
    ],
)
def test_wrong_evaluations_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        TaskEvaluation(**given)
