"""A sound submission, and ways to spoil a copy of it."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from xbench.data.catalogue import BENCHMARKS
from xbench.data.download import DataLocation
from xbench.evaluation.evaluate_tasks import evaluate
from xbench.evaluation.run_settings import Selection
from xbench.models.options import ModelOptions
from xbench.results.summaries import SUMMARY_SUFFIX
from xbench.results.validation import check_task

CROSSLINGUAL = "XBenchMiniCrosslingualRetrieval"
MULTILINGUAL = "XBenchMiniMultilingualRetrieval"


@dataclass
class Submission:
    """A copy of a sound submission."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "xbench__char-ngram" / "1"

    @property
    def result(self) -> Path:
        return self.folder / f"{MULTILINGUAL}.json"

    @property
    def ranks(self) -> Path:
        return self.folder / f"{MULTILINGUAL}.per_query.json.gz"

    @property
    def meta(self) -> Path:
        return self.folder / "model_meta.json"

    @property
    def settings(self) -> Path:
        return self.folder / "run_settings.jsonl"

    def edit(self, path: Path, change) -> None:
        """Change a document in place."""
        packed = path.suffix == ".gz"
        content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
        document = json.loads(content)
        change(document)
        text = json.dumps(document).encode()
        path.write_bytes(gzip.compress(text, mtime=0) if packed else text)

    def edit_settings(self, change) -> None:
        """Change the settings of the multilingual task in place."""
        lines = [json.loads(line) for line in self.settings.read_text().splitlines()]
        change(next(line for line in lines if line["task"] == MULTILINGUAL))
        self.settings.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def check(self, task: str = MULTILINGUAL):
        return check_task(self.folder / f"{task}.json", self.root)


@pytest.fixture(scope="session")
def sound(tmp_path_factory) -> Path:
    """A folder of results, as ``xbench evaluate`` writes it."""
    root = tmp_path_factory.mktemp("sound")
    evaluate(
        ModelOptions("xbench/char-ngram"),
        Selection(BENCHMARKS["XBenchMini"]),
        output=root / "results",
        location=DataLocation(None, root / "cache", offline=True),
        show_progress=False,
    )
    return root / "results"


WITHOUT_SUMMARIES = shutil.ignore_patterns(f"*{SUMMARY_SUFFIX}")


@pytest.fixture
def submission(sound, tmp_path) -> Submission:
    """The results as the first version wrote them, so that a test may change one file alone."""
    return Submission(Path(shutil.copytree(sound, tmp_path / "results", ignore=WITHOUT_SUMMARIES)))


@pytest.fixture
def summarised(sound, tmp_path) -> Submission:
    """The results with their summaries."""
    return Submission(Path(shutil.copytree(sound, tmp_path / "results")))
