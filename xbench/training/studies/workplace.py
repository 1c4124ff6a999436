"""Where the runs of studies are: their records, and what was measured of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.data.download import DataLocation
from xbench.training.studies.evaluations import Evaluation
from xbench.training.studies.grid import Places, Run, evaluation_key

RUN = "run.json"


@dataclass(frozen=True)
class Workplace:
    """Where the runs of all studies are, and what they are made of.

    Attributes:
        folder: Folder of the runs; equal runs of several studies are one.
        places: Where models and training data are.
        location: Where datasets are.
        keep_models: Whether models are kept after they are measured.
    """

    folder: Path
    places: Places
    location: DataLocation
    keep_models: bool = False

    def run_folder(self, run: Run) -> Path:
        """Return the folder of a run."""
        return self.folder / "runs" / run.key(self.places)

    def scores(self, run: Run, evaluation: Evaluation) -> dict[str, Any] | None:
        """Return what was measured of a run, or None if it was not.

        Raises:
            UserError: If the file is damaged.
        """
        return _read(self.run_folder(run) / f"{evaluation_key(evaluation)}.json")

    def record(self, run: Run) -> dict[str, Any]:
        """Return the record of a run; nothing if it was not carried out."""
        return _read(self.run_folder(run) / RUN) or {}

    def missing(self, run: Run) -> list[Evaluation]:
        """Return the evaluations of a run that were not done."""
        return [own for _, own in run.evaluations if self.scores(run, own) is None]

    def prepare(self, runs: Sequence[Run]) -> None:
        """Write the training corpora that runs need."""
        from xbench.training.studies.training_data import write_dataset

        titles = {
            source["dataset"]
            for run in runs
            for stage in run.stages
            for source in stage.get("data", ())
            if isinstance(source, dict) and "dataset" in source
        }
        for title in sorted(titles):
            write_dataset(title, self.places.data / f"{title}.jsonl", self.location)

    def load_test_data(self, runs: Sequence[Run]) -> None:
        """Load what runs are still to be measured on.

        Raises:
            UserError: If it cannot be had.
        """
        from xbench.training.studies.training_data import load_evaluation

        missing = [evaluation for run in runs for evaluation in self.missing(run)]
        for evaluation in {(own.title, own.languages): own for own in missing}.values():
            load_evaluation(evaluation, self.location)


def write_record(path: Path, content: dict[str, Any]) -> None:
    """Write a record or what was measured, as JSON."""
    write_atomically(path, (json.dumps(content, ensure_ascii=False) + "\n").encode())


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); delete it to measure again") from error
