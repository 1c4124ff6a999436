"""Names that do not exist are refused before anything heavy is imported, with the closest one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

MODEL = ["--model", "xbench/bm25"]
TRAIN = ["train", "--base-model", "x", "--data", "y", "-o", "z"]
STUDY = ["study", "batch-sampling", "--config", "labse"]
HEAVY = {"mteb", "torch", "sentence_transformers", "datasets", "transformers"}


def outcome(words, folder):
    """The exit code and the messages of a command, and the heavy packages that it imported."""
    code = (
        "import json, sys\n"
        "from xbench.cli import main\n"
        "try:\n"
        f"    main({words!r})\n"
        "except SystemExit as end:\n"
        f"    print(json.dumps([end.code, sorted({HEAVY!r} & set(sys.modules))]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    exit_code, heavy = json.loads(done.stdout.splitlines()[-1])
    return exit_code, " ".join(done.stderr.replace("│", " ").split()), heavy


@pytest.mark.integration
@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["evaluate", *MODEL, "-t", "XBenchMiniMonolingual"],
         ["'XBenchMiniMonolingual'. Did you mean 'XBenchMiniMonolingualRetrieval'? Known are"]),
        (["estimate", *MODEL, "-t", "MIRACLmonolingualretrieval"],
         ["Did you mean 'MIRACLMonolingualRetrieval'?"]),
        (["download", "-t", "nothing"], ["unknown task 'nothing'"]),
        (["tasks", "XQuADRMonolingual"], ["Did you mean 'XQuADRMonolingualRetrieval'?"]),
        (["evaluate", *MODEL, "-b", "XBenchmini"], ["'XBench'", "Did you mean 'XBenchMini'?"]),
        (["evaluate", *MODEL, "-l", "de", "-l", "xx"], ["--languages", "unknown language 'xx'"]),
        (["estimate", *MODEL, "-l", "xx,de"], ["unknown language 'xx'"]),
        (["download", "-l", "xx"], ["unknown language 'xx'"]),
        (["estimate", *MODEL, "--gpu", "h10"], ["Did you mean 'h100'?"]),
        (["evaluate", *MODEL, "--passage-form", "contex"], ["Did you mean 'context'?"]),
        ([*TRAIN, "--evaluation-languages", "xx"], ["unknown language 'xx'"]),
        ([*TRAIN, "--evaluate-on", "MLQAR"], ["Did you mean 'MLQA-R'?"]),
        ([*TRAIN, "--allow-evaluation-data", "miracle"], ["Did you mean 'MIRACL'?"]),
        ([*TRAIN, "--select-by", "ndcg"], ["select_by is 'ndcg'", "rank_distance"]),
        ([*TRAIN, "--sampling", "mono"], ["sampling is 'mono'", "hybrid"]),
        ([*STUDY, "-l", "xx"], ["unknown language 'xx'"]),
        ([*STUDY, "--evaluate-on", "XQUAD"], ["Did you mean 'XQuAD-R'?"]),
        (["compare", "org/nothing"], ["neither a folder nor a model in results"]),
        (["compare", "a/b", "--format", "latx"], ["Did you mean 'latex'?"]),
        (["submit", "org/nothing"], ["neither a folder nor a model in results"]),
        (["bias", "run", "qrels", "--languages", "none"], ["does not exist"]),
        (["evaluation"], ["No such command 'evaluation'"]),
    ],
    ids=lambda value: " ".join(value[:3]),
)  # fmt: skip
def test_a_wrong_name_costs_no_heavy_import(tmp_path, words, parts):
    exit_code, message, heavy = outcome(words, tmp_path)
    assert exit_code == 2, message
    for part in parts:
        assert part in message
    assert heavy == []


@pytest.mark.integration
def test_a_task_of_another_package_is_looked_for_there(tmp_path, monkeypatch):
    """An entry point may give several tasks, whose names are known only when it is loaded."""
    information = tmp_path / "other-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[xbench.tasks]\nown = other_tasks:TASKS\n")
    (tmp_path / "other_tasks.py").write_text(
        "from xbench.tasks import XBenchMiniMonolingualRetrieval as Mini\n"
        "class Own(Mini):\n"
        "    metadata = Mini.metadata.model_copy(update={'name': 'OwnRetrieval'})\n"
        "TASKS = [Own]\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    exit_code, message, _ = outcome(["evaluate", *MODEL, "-t", "OwnRetrival"], tmp_path)
    assert exit_code == 2
    assert "Did you mean 'OwnRetrieval'?" in message
