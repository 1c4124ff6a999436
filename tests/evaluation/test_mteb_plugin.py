"""mteb knows the tasks after `register`, in all the places that look names up."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import mteb
import pytest
from mteb.cache import ResultCache

from tests.conftest import ROOT, HashEncoder
from xbench import register
from xbench._util.errors import UserError
from xbench.data.catalogue import BENCHMARKS, TASKS
from xbench.evaluation import mteb_plugin
from xbench.tasks import XBenchMiniMonolingualRetrieval

pytestmark = pytest.mark.integration

MINI = BENCHMARKS["XBenchMini"]


@pytest.fixture(autouse=True)
def registered(monkeypatch, tmp_path):
    monkeypatch.setenv("XBENCH_CACHE_DIR", str(tmp_path / "cache"))
    register()


def test_get_task():
    assert type(mteb.get_task("XBenchMiniMonolingualRetrieval")) is XBenchMiniMonolingualRetrieval


@pytest.mark.integration
def test_get_tasks_by_language():
    greek = {task.metadata.name for task in mteb.get_tasks(languages=["ell"])}
    assert {name for name in TASKS if name.startswith("XQuADR")} <= greek
    assert not {name for name in TASKS if name.startswith("MLQAR")} & greek
    task = mteb.get_task("XQuADRCrosslingualRetrieval", languages=["ell"])
    assert len(task.hf_subsets) == 20


def test_get_benchmark():
    benchmark = mteb.get_benchmark("XBench")
    assert [task.metadata.name for task in benchmark] == list(BENCHMARKS["XBench"])


@pytest.mark.integration
def test_registering_twice_changes_nothing():
    before = len(mteb.get_tasks())
    register()
    assert len(mteb.get_tasks()) == before


def test_mtebs_own_tasks_are_untouched():
    assert type(mteb.get_task("XQuADRetrieval")).__module__.startswith("mteb.")


@pytest.mark.integration
def test_mteb_evaluate_and_its_result_table(tmp_path):
    model = HashEncoder()
    tasks = mteb.get_benchmark("XBenchMini").tasks
    cache = ResultCache(tmp_path)
    results = mteb.evaluate(model, tasks, cache=cache, show_progress_bar=False)
    assert len(set(model.seen)) == 768
    assert len(model.seen) - len(set(model.seen)) <= 2 * 16
    assert {result.task_name for result in results} == set(MINI)
    for result in results:
        assert result.task.metadata.main_score == "map"
        assert 0 < result.get_score() < 1
    frame = cache.load_results(tasks=list(MINI)).to_dataframe()
    assert set(frame["task_name"]) == set(MINI)


def test_a_search_model_from_the_registry_runs_in_mteb(tmp_path):
    model = mteb.get_model("xbench/bm25")
    task = mteb.get_task("XBenchMiniMonolingualRetrieval", languages=["eng"])
    result = mteb.evaluate(model, task, cache=None, show_progress_bar=False)[0]
    assert result.get_score() > 0.7


def test_predictions_are_saved_by_mteb(tmp_path):
    task = mteb.get_task("XBenchMiniMonolingualRetrieval", languages=["eng"])
    mteb.evaluate(HashEncoder(), task, cache=None, prediction_folder=tmp_path)
    assert (tmp_path / "XBenchMiniMonolingualRetrieval_predictions.json").is_file()


def test_a_cross_encoder_re_ranks_what_another_model_found(tmp_path):
    class Lengths:
        """Prefers passages whose length is near that of the query."""

        mteb_model_meta = mteb.models.ModelMeta.create_empty(
            {"name": "test/cross", "revision": "1"}
        )

        def __init__(self):
            pass

        def predict(self, inputs1, inputs2, **kwargs):
            import torch

            first = [len(t) for batch in inputs1 for t in batch["text"]]
            second = [len(t) for batch in inputs2 for t in batch["text"]]
            return torch.tensor([-abs(a - b) for a, b in zip(first, second, strict=True)])

    task = mteb.get_task("XBenchMiniMonolingualRetrieval", languages=["eng"])
    with pytest.raises(UserError, match=r"cross-encoder.*convert_to_reranking"):
        task.evaluate(Lengths(), encode_kwargs={})
    mteb.evaluate(HashEncoder(), task, cache=None, prediction_folder=tmp_path)
    again = mteb.get_task("XBenchMiniMonolingualRetrieval", languages=["eng"])
    again = again.convert_to_reranking(tmp_path, top_k=10)
    scores = again.evaluate(Lengths(), encode_kwargs={})
    assert 0 < scores["en"]["recall_at_10"] == scores["en"]["recall_at_100"] < 1


@pytest.mark.parametrize("name", mteb_plugin.PRIVATE_NAMES)
def test_mteb_still_has_the_private_name(name):
    assert mteb_plugin._private(name) is not None, f"mteb {mteb.__version__} moved {name}"


def test_a_moved_private_name_is_told(monkeypatch):
    monkeypatch.setattr(
        mteb_plugin, "PRIVATE_NAMES", ("mteb.get_tasks:_GONE", *mteb_plugin.PRIVATE_NAMES[1:])
    )
    with pytest.raises(UserError, match=r"mteb .* has no mteb\.get_tasks:_GONE"):
        register()


PACKAGE = """
from xbench.tasks.mini import XBenchMiniMonolingualRetrieval as Mini

class Renamed(Mini):
    metadata = Mini.metadata.model_copy(update={"name": "ThirdPartyRetrieval"})
"""


@pytest.fixture
def install(tmp_path):
    """Build a third-party package and return a function that runs code with it installed."""

    def installed(entry_point: str):
        source = tmp_path / "package"
        source.mkdir()
        (source / "third_party.py").write_text(PACKAGE)
        (source / "pyproject.toml").write_text(
            textwrap.dedent(
                f"""
                [build-system]
                requires = ["setuptools"]
                build-backend = "setuptools.build_meta"
                [project]
                name = "third-party"
                version = "1"
                [project.entry-points."xbench.tasks"]
                mine = "{entry_point}"
                [tool.setuptools]
                py-modules = ["third_party"]
                """
            )
        )
        site = tmp_path / "site"
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--target", str(site), str(source)], check=True, capture_output=True)

        def run(*arguments: str):
            return subprocess.run(
                [sys.executable, *arguments],
                capture_output=True,
                text=True,
                cwd=tmp_path,
                env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            )

        return run

    return installed


CLI = ("-c", "from xbench.cli import main; main()")


@pytest.mark.slow
@pytest.mark.integration
def test_an_installed_package_adds_a_task(install):
    run = install("third_party:Renamed")
    code = "import xbench, mteb; xbench.register(); print(mteb.get_task('ThirdPartyRetrieval'))"
    output = run("-c", code)
    assert "ThirdPartyRetrieval" in output.stdout, output.stderr
    evaluated = run(*CLI, "evaluate", "--model", "xbench/bm25", "-t", "ThirdPartyRetrieval")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "ThirdPartyRetrieval" in evaluated.stdout


@pytest.mark.integration
@pytest.mark.parametrize(
    "entry_point",
    ["third_party:Missing", pytest.param("third_party:__name__", marks=pytest.mark.slow)],
)
def test_a_broken_package_is_named(install, entry_point):
    output = install(entry_point)(*CLI, "evaluate", "--model", "xbench/bm25", "-b", "XBenchMini")
    assert output.returncode == 2
    assert "entry point 'mine'" in output.stderr
    assert "Traceback" not in output.stderr


def test_the_checkout_is_not_importable_as_tasks():
    output = subprocess.run(
        [sys.executable, "-c", "import tasks"], cwd=ROOT.parent, capture_output=True, text=True
    )
    assert "No module named 'tasks'" in output.stderr
