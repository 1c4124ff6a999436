"""What studies would take: runs, hours, data and disk, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xbench.training.studies.grid import conditions, runs, shared
from xbench.training.studies.study_file import Study
from xbench.training.studies.workplace import Workplace


def plan_lines(studies: Sequence[Study], workplace: Workplace, processes: int) -> Iterator[str]:
    """Yield what some studies would take; runs that they have in common are counted once.

    Args:
        studies: The studies, at one size.
        workplace: Where the runs are or will be.
        processes: Runs at a time.
    """
    minutes = disk = 0.0
    seen: set[str] = set()
    for study in studies:
        planned = shared(runs(study), workplace.places)
        new = {key: run for key, run in planned.items() if key not in seen}
        seen |= planned.keys()
        waiting = [run for run in new.values() if workplace.missing(run)]
        per_run, source = _minutes(study, workplace)
        minutes += per_run * len(waiting)
        disk = max(disk, study.cost.megabytes)
        yield (
            f"{study.name}, size {study.size}: {len(conditions(study))} conditions, "
            f"{len(planned)} runs, {len(planned) - len(new)} of them in another study, "
            f"{len(new) - len(waiting)} done, {len(waiting)} to do"
        )
        yield f"  {per_run:.1f} minutes a run ({source})"
        yield f"  data: {', '.join(_data(study)) or 'as in the file'}"
    yield f"In all about {minutes / 60 / processes:.1f} hours, {processes} runs at a time"
    kept = "kept" if workplace.keep_models else "deleted after it is measured"
    yield f"Disk: {disk * processes:,.0f} MB at a time; each model is {kept}"


def _minutes(study: Study, workplace: Workplace) -> tuple[float, str]:
    """Return the minutes of a run, of those that were done if there are any."""
    found = [
        seconds / 60
        for run in runs(study)
        if run.stages and (seconds := workplace.record(run).get("seconds"))
    ]
    if found:
        return float(np.mean(found)), f"mean of {len(found)} that were done"
    return study.cost.minutes, study.cost.measured or "a guess, not measured"


def _data(study: Study) -> list[str]:
    trained = {
        str(source.get("dataset", source.get("path")) if isinstance(source, dict) else source)
        for run in runs(study)
        for stage in run.stages
        for source in stage.get("data", ())
    }
    tested = {evaluation.title for evaluation in study.base.evaluate.values()}
    return [f"train on {name}" for name in sorted(trained)] + [
        f"measure on {name}" for name in sorted(tested)
    ]
