"""A study's report: what was asked, run and found, and what can be concluded, as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isnan
from pathlib import Path

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.training.studies.grid import conditions
from xbench.training.studies.inference import Verdict
from xbench.training.studies.outcome import Outcome, measured_seeds
from xbench.training.studies.picture import Panel, draw, draw_curves
from xbench.training.studies.report_tables import (
    TITLES,
    cell_name,
    changed_cells,
    claim_lines,
    drop_lines,
    language_lines,
    published_lines,
    score_lines,
    transfer_lines,
)
from xbench.training.studies.study_file import Study
from xbench.training.studies.training_data import common_texts, evaluation_texts
from xbench.training.studies.workplace import Workplace

ADVICE: dict[Verdict, str] = {"held": "held", "not held": "not_held", "not separable": "open"}
"""Field of a claim's advice, by how it came out."""

LOSSES = (
    "The training loss, mean over seeds. Losses of different batches, temperatures or losses are "
    "not of one kind: a lower curve is no better model."
)

MACHINERY = (
    "**This is the smoke size: a few steps on the demonstration set, trained and measured on the "
    "same questions. It proves that the machinery runs, and nothing about any model.**"
)


def write_report(study: Study, workplace: Workplace, command: str) -> Path:
    """Write the report, its picture and the scores per question; return the report.

    Args:
        study: The study.
        workplace: Where its runs are.
        command: The command that makes it.

    Raises:
        UserError: If nothing was measured, or the data is missing.
    """
    outcome = Outcome.of(study, workplace)
    if not outcome.cells:
        raise UserError(f"study {study.name}, size {study.size}: nothing was run; run {command}")
    folder = workplace.folder / "reports" / study.size
    picture = folder / f"{study.name}.svg"
    write_atomically(picture, _picture(outcome).encode())
    if outcome.curves:
        curves = folder / f"{study.name}-loss.svg"
        write_atomically(curves, draw_curves("Training loss by step", outcome.curves).encode())
    write_atomically(folder / f"{study.name}.json", _questions(outcome).encode())
    text = "\n".join(_report(outcome, workplace, command, picture.name)) + "\n"
    path = folder / f"{study.name}.md"
    write_atomically(path, text.encode())
    return path


def _report(outcome: Outcome, workplace: Workplace, command: str, picture: str) -> Iterator[str]:
    study = outcome.study
    yield from (f"# {study.title}", "", study.question.strip(), "")
    if study.size == "smoke":
        yield from (MACHINERY, "")
    yield from ("## What was run", "", *_run(outcome), *_overlap(outcome, workplace), "")
    yield from ("```", command, "```", "")
    yield from ("## Scores", "", *score_lines(outcome), "")
    yield from (f"![Scores with 95 % intervals]({picture})", "")
    if outcome.curves:
        yield from (LOSSES, "", f"![Training loss by step]({study.name}-loss.svg)", "")
    if changed_cells(outcome):
        yield from ("## What perturbation costs", "", *drop_lines(outcome), "")
        yield from (*language_lines(outcome), "")
    if any("language_pairs" in stage for run in outcome.planned for stage in run.stages):
        yield from transfer_lines(outcome)
    if study.published is not None:
        yield from ("## As published", "", *published_lines(study.published, study.measure), "")
    yield from ("## Claims", "", *claim_lines(outcome), "")
    yield from ("## What can be concluded", "", *_conclusions(outcome), "")
    yield from ("## What to do", "", _advice(outcome))


def _run(outcome: Outcome) -> Iterator[str]:
    study = outcome.study
    seeds = measured_seeds(outcome)
    trained = len(conditions(study)) - len(outcome.untrained)
    number = " to ".join(dict.fromkeys(str(end) for end in (min(seeds), max(seeds))))
    if trained:
        yield f"- {trained} conditions are trained, with {number} of {study.seeds} seeds each."
    for name, evaluation in study.base.evaluate.items():
        languages = ", ".join(evaluation.languages) or "all languages"
        done = f"; queries changed by {', '.join(evaluation.perturb)}" if evaluation.perturb else ""
        worst = f", the worst of {evaluation.worst_of}" if evaluation.worst_of > 1 else ""
        yield f"- Evaluation {name}: {evaluation.title}, {languages}{done}{worst}."
    yield f"- Training: {'; '.join(_settings(outcome))}."
    if outcome.missing:
        yield f"- **{outcome.missing} measurements are not done yet; this report is preliminary.**"


def _settings(outcome: Outcome) -> Iterator[str]:
    """Yield the fields of the base training, each with all its values over the conditions."""
    trained = [run for run in outcome.planned if run.stages]
    fields = [{"base_model": run.start, **stage} for run in trained for stage in run.stages]
    for name, value in outcome.study.base.training.items():
        if name != "data":
            own = [stage[name] for stage in fields if name in stage] or [value]
            texts = (", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in own)
            yield f"{name} {' or '.join(dict.fromkeys(texts))}"


def _overlap(outcome: Outcome, workplace: Workplace) -> Iterator[str]:
    """Say what training and evaluation have in common."""
    titles = {
        source["dataset"]
        for run in outcome.planned
        for stage in run.stages
        for source in stage.get("data", ())
        if isinstance(source, dict) and "dataset" in source
    }
    sets = {own.title: own for own in outcome.study.base.evaluate.values()}
    tested = {name: evaluation_texts(sets[name], workplace.location) for name in sorted(sets)}
    for title in sorted(titles):
        for name, texts in tested.items():
            found = common_texts(workplace.places.data / f"{title}.jsonl", texts)
            yield (
                f"- Of the training data {title}, {found['passages']:,} of "
                f"{found['training_passages']:,} passages and {found['queries']:,} of "
                f"{found['training_queries']:,} queries are in {name}, too."
            )


def _conclusions(outcome: Outcome) -> Iterator[str]:
    """Yield what can and what cannot be concluded."""
    for claim, tested in outcome.tested:
        if tested is None:
            continue
        if outcome.study.size == "smoke":
            break
        outcomes = {
            "held": f"- Yes: {claim.name}.",
            "not held": f"- No, this did not hold: {claim.name}.",
            "not separable": f"- Open, these runs cannot decide it: {claim.name}.",
        }
        yield outcomes[tested.verdict]
    if outcome.study.size == "smoke":
        yield "- Nothing about models."
    for limit in outcome.study.limits:
        yield f"- Not: {limit}"


def _advice(outcome: Outcome) -> str:
    """Return one paragraph for a practitioner."""
    if outcome.study.size == "smoke":
        return "Run the study at another size; this one proves the machinery alone."
    texts = []
    for claim, tested in outcome.tested:
        if tested is not None:
            own = getattr(claim.advice, ADVICE[tested.verdict]).strip()
            texts += [own] if own and own not in texts else []
    if not any(tested for _, tested in outcome.tested):
        return "Nothing yet: no claim could be tested with what was run."
    return " ".join(texts) or "Nothing here asks for a change of what is usual."


def _picture(outcome: Outcome) -> str:
    study = outcome.study
    panels: list[Panel] = []
    for measure in study.measure:
        rows = [
            (cell_name(outcome, cell), own)
            for cell in outcome.cells
            if (own := outcome.score(cell, measure)) is not None
        ]
        if rows:
            panels.append((TITLES[measure], rows))
    grid = [cell for cell in outcome.cells if cell[0] not in study.also]
    ordered = study.ordered and len(study.base.evaluate) == 1
    return draw(study.title, panels, joined=len(grid) if ordered else 0)


def _questions(outcome: Outcome) -> str:
    """Return the means over seeds per question, which the report follows from in part."""
    found = {}
    for cell in outcome.cells:
        scores = {}
        for measure in outcome.study.measure:
            values = outcome.values(cell, measure)
            if values is not None:
                means = values.mean(axis=0)
                scores[measure] = {
                    "seeds": [round(float(v[v == v].mean()), 6) for v in values],
                    "questions": [None if isnan(v) else round(float(v), 4) for v in means],
                }
        found[cell_name(outcome, cell)] = scores
    ids = {name: outcome.questions(name) for name in outcome.study.base.evaluate}
    return json.dumps({"questions": ids, "conditions": found}, indent=None) + "\n"
