"""A study's report: what was asked, run and found, and what can be concluded, as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import isnan
from pathlib import Path

from tabulate import tabulate

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.training.config import PREFERENCE, RANK_DISTANCE
from xbench.training.studies.grid import conditions
from xbench.training.studies.inference import Estimate, Tested, Verdict
from xbench.training.studies.measuring import dataset_of
from xbench.training.studies.outcome import Outcome, measured_seeds
from xbench.training.studies.picture import Panel, draw
from xbench.training.studies.running import Workplace
from xbench.training.studies.study_file import Claim, Published, Study
from xbench.training.studies.training_data import common_texts, load_corpus

TITLES = {
    "monolingual_map": "mAP, monolingual",
    "crosslingual_map": "mAP, cross-lingual",
    "multilingual_map": "mAP, multilingual pool",
    RANK_DISTANCE: "rank distance",
    PREFERENCE: "own-language preference",
}

ADVICE: dict[Verdict, str] = {"held": "held", "not held": "not_held", "not separable": "open"}
"""Field of a claim's advice, by how it came out."""

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
    yield from ("## Scores", "", *_scores(outcome), "")
    yield from (f"![Scores with 95 % intervals]({picture})", "")
    if len(study.base.evaluate) > 1:
        yield from ("## What perturbation costs", "", *_drops(outcome), "")
    if study.published is not None:
        yield from ("## As published", "", *_published(study.published, study.measure), "")
    yield from ("## Claims", "", *_claims(outcome), "")
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
        yield f"- Evaluation {name}: {evaluation.dataset}, {languages}{done}{worst}."
    settings = {k: v for k, v in study.base.training.items() if k != "data"}
    yield f"- Training: {', '.join(f'{name} {value}' for name, value in settings.items())}."
    if outcome.missing:
        yield f"- **{outcome.missing} measurements are not done yet; this report is preliminary.**"


def _overlap(outcome: Outcome, workplace: Workplace) -> Iterator[str]:
    """Say what training and evaluation have in common."""
    titles = {
        source["dataset"]
        for run in outcome.planned
        for stage in run.stages
        for source in stage.get("data", ())
        if isinstance(source, dict) and "dataset" in source
    }
    sets = {own.dataset: own for own in outcome.study.base.evaluate.values()}
    for title in sorted(titles):
        path = workplace.places.data / f"{title}.jsonl"
        for name, evaluation in sorted(sets.items()):
            dataset = dataset_of(evaluation)
            languages = evaluation.languages or dataset.languages
            found = common_texts(path, load_corpus(dataset, languages, workplace.location))
            yield (
                f"- Of the training data {title}, {found['passages']:,} of "
                f"{found['training_passages']:,} passages and {found['queries']:,} of "
                f"{found['training_queries']:,} queries are in {name}, too."
            )


def _scores(outcome: Outcome) -> list[str]:
    measures = [m for m in outcome.study.measure if outcome.score(outcome.cells[0], m)]
    rows: list[list[str]] = []
    for cell in outcome.cells:
        scores = [outcome.score(cell, measure) for measure in measures]
        rows.append(
            [
                _name(outcome, cell),
                "" if cell[0] in outcome.untrained else str(len(outcome.seeds(cell[0]))),
                *(_estimate(m, own) for m, own in zip(measures, scores, strict=True)),
            ]
        )
    header = ["condition", "seeds", *(TITLES[measure] for measure in measures)]
    text = (
        "Means over seeds, ± half of the 95 % interval over seeds and questions (by article); of "
        "one seed no interval is known. Less is better for rank distance and preference."
    )
    return [text, "", *_table(header, rows)]


def _drops(outcome: Outcome) -> Iterator[str]:
    """Yield the fall of each mAP from the usual queries to those of the other evaluations."""
    study = outcome.study
    measures = [own for own in study.measure if own.endswith("_map")]
    rows: list[list[str]] = []
    for condition, evaluation in outcome.cells:
        if evaluation == study.usual:
            continue
        row = [condition, evaluation]
        for measure in measures:
            weights = {(condition, study.usual): 1.0, (condition, evaluation): -1.0}
            fall, clean = (
                outcome.sum_of(weights, measure),
                outcome.score((condition, study.usual), measure),
            )
            if fall is not None and clean is not None:
                row += [_estimate(measure, fall), f"{100 * fall.value / clean.value:.0f} %"]
        row.append(_by_language(outcome, condition, evaluation, measures[-1]))
        rows.append(row)
    header = ["condition", "evaluation"]
    for measure in measures:
        header += [TITLES[measure], "of clean"]
    header.append(f"{TITLES[measures[-1]]}, by language")
    yield (
        "How far scores fall from the usual queries to the changed ones, ± half of the 95 % "
        "interval over seeds and questions; and as a share of the score on the usual queries."
    )
    yield ""
    yield from _table(header, rows)


def _by_language(outcome: Outcome, condition: str, evaluation: str, measure: str) -> str:
    clean = outcome.by_language((condition, outcome.study.usual), measure)
    changed = outcome.by_language((condition, evaluation), measure)
    falls = {code: 1 - changed[code] / clean[code] for code in clean if clean[code]}
    return ", ".join(f"{code} {100 * fall:.0f} %" for code, fall in sorted(falls.items()))


def _published(published: Published, measures: Sequence[str]) -> Iterator[str]:
    shown = [own for own in measures if any(own in row for row in published.scores.values())]
    rows = [
        [name, *(_number(own, row[own]) if own in row else "" for own in shown)]
        for name, row in published.scores.items()
    ]
    yield published.source.strip()
    yield ""
    yield from _table(["model, batches", *(TITLES[own] for own in shown)], rows)


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = tabulate(rows, header, tablefmt="pipe", disable_numparse=True).splitlines()
    return [line.rstrip() for line in lines]


def _name(outcome: Outcome, cell: tuple[str, str]) -> str:
    condition, evaluation = cell
    return condition if evaluation == outcome.study.usual else f"{condition} @ {evaluation}"


def _number(measure: str, value: float, sign: str = "") -> str:
    text = f"{value:{sign},.0f}" if measure == RANK_DISTANCE else f"{value:{sign}.3f}"
    return text.replace("-0.000", "0.000").replace("+0.000", "0.000")


def _estimate(measure: str, own: Estimate | None) -> str:
    if own is None:
        return ""
    half = "" if isnan(own.half) else f" ± {_number(measure, own.half)}"
    return f"{_number(measure, own.value)}{half}"


def _claims(outcome: Outcome) -> Iterator[str]:
    """Yield the table of the claims."""
    rows: list[list[str]] = []
    for claim, tested in outcome.tested:
        score = TITLES[claim.measure]
        matters = _number(claim.measure, claim.matters)
        if tested is None:
            why = "not run yet" if outcome.planned_for(claim) else "not run at this size"
            rows.append([claim.name, score, why, matters, "", ""])
            continue
        rows.append(
            [
                claim.name,
                score,
                _difference(outcome, claim, tested.estimate),
                matters,
                _p(tested.p),
                _verdict(tested),
            ]
        )
    if not rows:
        yield "None was stated."
        return
    header = ["claim", "score", "difference, 95 %", "matters from", "p, corrected", "outcome"]
    yield (
        "Stated before the runs. The tests hold the chance of any false finding at .05 over all "
        "claims (Holm) and count both seeds and questions, seeds as unpaired (Welch and "
        "Satterthwaite)."
    )
    yield ""
    yield from _table(header, rows)


def _difference(outcome: Outcome, claim: Claim, own: Estimate) -> str:
    value = _number(claim.measure, outcome.shown(claim, own.value), "+")
    if isnan(own.half):
        return f"{value}, one seed"
    ends = sorted((outcome.shown(claim, own.low), outcome.shown(claim, own.high)))
    low, high = (_number(claim.measure, end, "+") for end in ends)
    return f"{value} [{low}, {high}]"


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _verdict(tested: Tested) -> str:
    if tested.verdict == "held" and tested.matters:
        return "held, and it matters"
    if tested.verdict == "held" and tested.matters is False:
        return "held; less than what matters"
    return tested.verdict


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
            (_name(outcome, cell), own)
            for cell in outcome.cells
            if (own := outcome.score(cell, measure)) is not None
        ]
        if rows:
            panels.append((TITLES[measure], rows))
    ordered = len(study.vary) == 1 and isinstance(next(iter(study.vary.values())), list)
    return draw(study.title, panels, joined=ordered and len(study.base.evaluate) == 1)


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
        found[_name(outcome, cell)] = scores
    ids = {name: outcome.questions(name) for name in outcome.study.base.evaluate}
    return json.dumps({"questions": ids, "conditions": found}, indent=None) + "\n"
