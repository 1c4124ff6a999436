"""The runs of a study: conditions of its grid, each with every seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError, did_you_mean
from xbench.training.config import TrainingConfig
from xbench.training.studies.evaluations import Evaluation
from xbench.training.studies.study_file import Changes, Study

UNSEEDED = -1
"""Seed of a condition that is not trained."""


@dataclass(frozen=True)
class Run:
    """A model to train and measure.

    Attributes:
        condition: Name of the condition.
        seed: Seed, or `UNSEEDED`.
        stages: Fields of the training configuration of each training, one after another; none if
            the start itself is measured.
        start: The model to begin with.
        max_length: Maximum length in tokens; None keeps the start's.
        evaluations: What to measure on, by name.
    """

    condition: str
    seed: int
    stages: tuple[Changes, ...]
    start: str
    max_length: int | None
    evaluations: tuple[tuple[str, Evaluation], ...]

    def key(self, places: Places) -> str:
        """Return what is the same for runs that train the same model, in whatever study."""
        stages = [places.identity(stage) for stage in self.stages]
        seed = self.seed if self.stages else None
        start = places.fingerprint(places.model(self.start))
        return _digest([start, self.max_length, seed, stages])


@dataclass(frozen=True)
class Places:
    """Where models and data are.

    Attributes:
        models: Folder of models to start from; a name that is not there is one of the hub.
        data: Folder of the training corpora made of datasets.
    """

    models: Path
    data: Path

    def model(self, name: str) -> str:
        """Return the folder of a model to start from, or its name on the hub."""
        return str(self.models / name) if (self.models / name).is_dir() else name

    def path(self, source: Changes | str) -> Changes:
        """Return a corpus with ``dataset`` replaced by the file it is made into."""
        own = {"path": source} if isinstance(source, str) else dict(source)
        if "dataset" in own:
            title = own.pop("dataset")
            made = {"path": str(self.data / f"{title}.jsonl"), "format": "wide"}
            own = {"name": title, **own, **made}
        return own

    def settings(self, stage: Changes, base_model: str, seed: int, output: Path) -> TrainingConfig:
        """Return the configuration of a training.

        Raises:
            UserError: If a field is not as expected.
        """
        from xbench.training.config import read_config

        given = {**stage, "data": [self.path(source) for source in _listed(stage.get("data"))]}
        own = {"base_model": base_model, "output": output, "seed": seed}
        return read_config(None, given | own)

    def identity(self, stage: Changes) -> Any:  # noqa: ANN401
        """Return a training's fields with files replaced by fingerprints of what they hold."""
        sources = [self.path(source) for source in _listed(stage.get("data"))]
        known = [own | {"path": self.fingerprint(str(own["path"]))} for own in sources]
        return {**stage, "data": known}

    def fingerprint(self, path: str) -> str:
        """Return the SHA-256 of a file or of all files of a folder, or else the name itself."""
        place = Path(path)
        if not place.exists():
            return path
        found = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
        kept = [own for own in found if own.name != "README.md"]
        return _digest([[own.name, _file_digest(own, own.stat().st_mtime_ns)] for own in kept])


@lru_cache(maxsize=256)
def _file_digest(path: Path, _changed: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def evaluation_key(evaluation: Evaluation) -> str:
    """Return what is the same for equal evaluations."""
    return _digest(evaluation.model_dump(mode="json"))


def conditions(study: Study) -> dict[str, Changes]:
    """Return the changes of every condition, by its name: those of the grid, then the others."""
    axes = []
    for axis, values in study.vary.items():
        named = values if isinstance(values, dict) else {f"{axis}={v}": {axis: v} for v in values}
        axes.append(list(named.items()))
    found: dict[str, Changes] = {}
    for levels in product(*axes):
        changes: Changes = {}
        for _, own in levels:
            changes |= own
        found[", ".join(name for name, _ in levels)] = changes
    if twice := found.keys() & study.also.keys():
        raise UserError(f"study {study.name}: condition {min(twice)} is in the grid and under also")
    return found | study.also


def runs(study: Study) -> list[Run]:
    """Return the runs of a study, seed by seed, so that an early stop leaves whole seeds.

    Raises:
        UserError: If a claim is about a condition that the study does not have.
    """
    _check_claims(study)
    planned = [
        run
        for seed in range(1, study.seeds + 1)
        for name, changes in conditions(study).items()
        for run in [_run(study, name, changes, seed)]
    ]
    return list({(run.condition, run.seed): run for run in planned}.values())


def _check_claims(study: Study) -> None:
    """Refuse claims about unknown conditions, but at the smoke size, which has fewer."""
    known = conditions(study)
    for claim in study.claims if study.size != "smoke" else ():
        where = f"study {study.name}, claim {claim.name!r}"
        for named in claim.contrast:
            condition, _, evaluation = named.partition(" @ ")
            if condition not in known:
                there = f"{'; '.join(known)}{did_you_mean(condition, known)}"
                raise UserError(f"{where}: no condition {condition!r}; there are {there}")
            if evaluation and evaluation not in study.base.evaluate:
                there = "; ".join(study.base.evaluate)
                raise UserError(f"{where}: no evaluation {evaluation!r}; there are {there}")
            if claim.share and study.unchanged(evaluation or study.usual) is None:
                raise UserError(
                    f"{where}: share of {evaluation or study.usual!r} needs an evaluation of the "
                    "same data and languages without perturb; there is none"
                )


def _run(study: Study, name: str, changes: Changes, seed: int) -> Run:
    own = dict(changes)
    trained = own.pop("train", True)
    stages = own.pop("stages", None) or list(study.stages) or [{}]
    settings = {**study.base.training, **own}
    start = settings.pop("base_model", None)
    if not start:
        raise UserError(f"study {study.name}: base.training has no base_model")
    total, parts = settings.get("max_steps"), len(stages)
    steps = [{"max_steps": _share(total, parts, i)} if total else {} for i in range(parts)]
    made = tuple({**settings, **step, **stage} for step, stage in zip(steps, stages, strict=True))
    evaluations = tuple(study.base.evaluate.items())
    length = settings.get("max_length")
    if not trained:
        return Run(name, UNSEEDED, (), start, length, evaluations)
    return Run(name, seed, made, start, length, evaluations)


def _share(total: int, parts: int, index: int) -> int:
    """Return the steps of one of several stages, which add up to all.

    >>> [_share(100, 3, i) for i in range(3)]
    [33, 33, 34]
    """
    return total * (index + 1) // parts - total * index // parts


def shared(planned: list[Run], places: Places) -> dict[str, Run]:
    """Return runs by key, with the evaluations of all that train the same model."""
    found: dict[str, Run] = {}
    for run in planned:
        key = run.key(places)
        if key in found:
            known = dict(found[key].evaluations)
            keys = {evaluation_key(own) for own in known.values()}
            more = [
                (f"{name} {len(known)}", own)
                for name, own in run.evaluations
                if evaluation_key(own) not in keys
            ]
            found[key] = replace(found[key], evaluations=(*known.items(), *more))
        else:
            found[key] = run
    return found


def _listed(sources: Any) -> list[Any]:  # noqa: ANN401
    return [sources] if isinstance(sources, (str, Mapping)) else list(sources or ())


def _digest(content: Any) -> str:  # noqa: ANN401
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
