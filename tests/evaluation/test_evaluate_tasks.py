"""An evaluation from end to end, in one process, on the shipped set."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from mteb import ResultCache
from mteb.results import TaskResult

from tests.conftest import make_tiny_transformer
from xbench._util.errors import UserError
from xbench.data.catalogue import BENCHMARKS
from xbench.evaluation.evaluate_tasks import evaluate
from xbench.evaluation.mteb_plugin import register
from xbench.evaluation.run_settings import Selection
from xbench.metrics import scores
from xbench.models.options import ModelOptions
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.reading import read_ranks

pytestmark = pytest.mark.integration

MINI = BENCHMARKS["XBenchMini"]
MONO, CROSS, MULTI = MINI


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "tiny"
    make_tiny_transformer().save(str(path))
    return path


def run(model, tmp_path, location, tasks=MINI, *, overwrite=False, options=None, **selection):
    return evaluate(
        ModelOptions(str(model), **(options or {})),
        Selection(tuple(tasks), **selection),
        output=tmp_path / "results",
        location=location,
        overwrite=overwrite,
        show_progress=False,
    )


def test_files_are_mtebs_and_mteb_reads_them(tmp_path, location):
    register()
    evaluated = run("xbench/char-ngram", tmp_path, location)
    folder = tmp_path / "results" / "xbench__char-ngram" / "1"
    assert [item.path for item in evaluated] == [folder / f"{task}.json" for task in MINI]
    result = TaskResult.from_disk(folder / f"{MONO}.json")
    assert result.task.metadata.name == MONO
    assert result.get_score() == pytest.approx(
        sum(s["map"] for s in result.scores["test"]) / 8, abs=1e-6
    )
    loaded = ResultCache(tmp_path).load_results(tasks=list(MINI))
    frame = loaded.to_dataframe()
    assert set(frame["task_name"]) == set(MINI)
    settings = [json.loads(line) for line in (folder / "run_settings.jsonl").open()]
    assert [line["task"] for line in settings] == sorted(MINI)
    encoding = settings[0]["xbench"]["encoding"]
    assert encoding.pop("seconds") > 0
    assert encoding == {"texts": 768, "encoded": 768, "truncated": 0}
    assert settings[0]["version"]["mteb"]


@pytest.mark.parametrize("model", ["xbench/char-ngram", "xbench/bm25"])
def test_every_score_can_be_recomputed_from_the_per_query_file(tmp_path, location, model):
    for item in run(model, tmp_path, location):
        ranks = read_ranks(item.path.with_name(f"{item.ranks.task}{PER_QUERY_SUFFIX}"))
        stored = {s["hf_subset"]: s for s in json.loads(item.path.read_text())["scores"]["test"]}
        for name, values in scores(ranks.subsets, multilingual=ranks.multilingual).items():
            assert set(values) <= set(stored[name])
            for measure, value in values.items():
                assert stored[name][measure] == round(value, 6)


def test_finished_work_is_skipped_before_any_weights_are_loaded(
    tmp_path, location, folder, monkeypatch
):
    run(folder, tmp_path, location)

    def unloadable(*_):
        raise AssertionError("the weights were loaded")

    monkeypatch.setattr("xbench.models.loading.load_model", unloadable)
    assert all(item.skipped for item in run(folder, tmp_path, location))
    assert not any(item.skipped for item in run(folder, tmp_path, location, overwrite=True))
    elsewhere = replace(location, cache_dir=tmp_path / "nothing stored")
    with pytest.raises(AssertionError, match="the weights were loaded"):
        run(folder, tmp_path, elsewhere, overwrite=True)


def test_overwrite_runs_again(tmp_path, location):
    run("xbench/char-ngram", tmp_path, location, [MONO])
    assert run("xbench/char-ngram", tmp_path, location, [MONO])[0].skipped
    assert not run("xbench/char-ngram", tmp_path, location, [MONO], overwrite=True)[0].skipped


@pytest.mark.parametrize("name", [f"{MONO}.json", f"{MONO}{PER_QUERY_SUFFIX}"])
@pytest.mark.parametrize("damage", ["truncate", "remove"])
def test_damaged_results_are_made_again(tmp_path, location, name, damage):
    first = run("xbench/char-ngram", tmp_path, location, [MONO])[0]
    path = first.path.with_name(name)
    content = path.read_bytes()
    if damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()
    again = run("xbench/char-ngram", tmp_path, location, [MONO])[0]
    assert not again.skipped
    assert again.result["scores"] == first.result["scores"]


def test_part_of_the_languages_never_passes_for_the_full_figure(tmp_path, location):
    partial = run("xbench/char-ngram", tmp_path, location, [MULTI], languages=("de", "en"))[0]
    assert partial.path.parent.name == "languages_de,en"
    assert partial.path.parent.parent.name == "experiments"
    assert {pool.pool_size for pool in partial.ranks.subsets.values()} == {96}
    whole = run("xbench/char-ngram", tmp_path, location, [MULTI])[0]
    assert not whole.skipped
    assert {pool.pool_size for pool in whole.ranks.subsets.values()} == {8 * 48}


def test_the_order_of_languages_does_not_matter(tmp_path, location):
    run("xbench/char-ngram", tmp_path, location, [MONO], languages=("de", "en"))
    assert run("xbench/char-ngram", tmp_path, location, [MONO], languages=("en", "de"))[0].skipped


def test_part_of_the_languages_gives_the_same_scores_within_them(tmp_path, location, folder):
    partial = run(folder, tmp_path, location, [CROSS], languages=("de", "en"))[0]
    whole = run(folder, tmp_path, location, [CROSS])[0]
    stored = {s["hf_subset"]: s for s in whole.result["scores"]["test"]}
    for subset in partial.result["scores"]["test"]:
        assert subset == stored[subset["hf_subset"]]


def test_other_settings_are_stored_apart(tmp_path, location, folder):
    plain = run(folder, tmp_path, location, [MONO])[0]
    short = run(folder, tmp_path, location, [MONO], options={"max_length": 5})[0]
    context = run(folder, tmp_path, location, [MONO], passage_form="context")[0]
    assert len({item.path for item in (plain, short, context)}) == 3
    assert len({str(item.result["scores"]) for item in (plain, short, context)}) == 3


@pytest.mark.integration
def test_prompts_that_look_alike_in_a_path_are_stored_apart(tmp_path, location, folder):
    long = "سؤال " * 60
    paths = {
        run(
            folder, tmp_path, location, [MONO], options={"query_prompt": prompt, "max_length": 400}
        )[0].path
        for prompt in ("query: ", "query? ", "query/ ", long)
    }
    assert len(paths) == 4


def test_a_new_per_query_file_beside_an_old_result_is_not_finished(tmp_path, location):
    first = run("xbench/char-ngram", tmp_path, location, [MONO])[0]
    other = run("xbench/bm25", tmp_path, location, [MONO])[0]
    name = f"{MONO}{PER_QUERY_SUFFIX}"
    first.path.with_name(name).write_bytes(other.path.with_name(name).read_bytes())
    again = run("xbench/char-ngram", tmp_path, location, [MONO])[0]
    assert not again.skipped
    assert again.result["scores"] == first.result["scores"]


def test_a_damaged_settings_file_loses_nothing(tmp_path, location):
    folder = tmp_path / "results" / "xbench__char-ngram" / "1"
    folder.mkdir(parents=True)
    (folder / "run_settings.jsonl").write_bytes(b"\xff\xfe broken\n")
    assert run("xbench/char-ngram", tmp_path, location, [MONO])[0].path.is_file()


def test_a_second_run_encodes_nothing(tmp_path, location, folder):
    run(folder, tmp_path, location)
    run(folder, tmp_path, location, overwrite=True)
    lines = (tmp_path / "results").rglob("run_settings.jsonl")
    reports = [json.loads(line)["xbench"]["encoding"] for path in lines for line in path.open()]
    assert {report["encoded"] for report in reports} == {0}
    assert {report["texts"] for report in reports} == {768}


@pytest.mark.parametrize(
    ("tasks", "languages", "message"),
    [
        (["NoSuchTask"], (), "unknown task 'NoSuchTask'; known are XQuADRMonolingualRetrieval"),
        ([MONO], ("xx",), "unknown language 'xx'; expected a code such as ar"),
        ([MONO], ("sw",), "--languages sw: no subset of XBenchMiniMonolingualRetrieval"),
        ([CROSS], ("de",), "no subset of XBenchMiniCrosslingualRetrieval has all its languages"),
    ],
)
def test_wrong_names(tmp_path, location, tasks, languages, message):
    with pytest.raises(UserError, match=message):
        run("xbench/bm25", tmp_path, location, tasks, languages=languages)


def test_a_task_without_a_chosen_subset_is_left_out_and_said(tmp_path, location, caplog):
    evaluated = run("xbench/bm25", tmp_path, location, languages=("de",))
    assert [item.ranks.task for item in evaluated] == [MONO]
    for task in (CROSS, MULTI):
        assert f"{task} has no subset in these languages; skipped" in caplog.text


def test_a_model_that_runs_out_of_memory_is_told_what_to_do(tmp_path, location):
    path = tmp_path / "large.py"
    path.write_text(
        "from xbench.models.baselines.char_ngram import CharNgramEncoder\n"
        "class Large(CharNgramEncoder):\n"
        "    def encode(self, inputs, **kwargs):\n"
        "        raise RuntimeError('CUDA out of memory')\n"
    )
    with pytest.raises(
        UserError, match=r"encode failed on 48 texts in the role 'query'.*batch-size"
    ):
        run(f"{path}:Large", tmp_path, location)


def test_embeddings_that_are_not_finite_keep_what_was_finished(tmp_path, location):
    path = tmp_path / "broken.py"
    path.write_text(
        "import numpy as np\n"
        "from xbench.models.baselines.char_ngram import CharNgramEncoder\n"
        "class Broken(CharNgramEncoder):\n"
        "    def encode(self, inputs, **kwargs):\n"
        "        vectors = super().encode(inputs, **kwargs)\n"
        "        return vectors * np.nan if kwargs['prompt_type'] == 'document' else vectors\n"
    )
    run("xbench/char-ngram", tmp_path, location, [MONO])
    with pytest.raises(UserError, match="xbench/char-ngram: the embedding of 48 of 48 texts"):
        run(f"{path}:Broken", tmp_path, location)
    assert run("xbench/char-ngram", tmp_path, location, [MONO])[0].skipped
    assert list(location.cache_dir.rglob("*.safetensors"))
