"""The tables of a study's report, as lines of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any

from tabulate import tabulate

from xbench.data.datasets import SETTINGS
from xbench.training.config import PREFERENCE, RANK_DISTANCE
from xbench.training.evaluator import LOWER_IS_BETTER
from xbench.training.studies.evaluations import ACCURACY, LAREQA, NDCG, DatasetEvaluation
from xbench.training.studies.inference import Estimate, Tested
from xbench.training.studies.measuring import OVERLAP
from xbench.training.studies.outcome import Outcome
from xbench.training.studies.pair_transfer import ABOUT, KINDS, transfer_rows
from xbench.training.studies.study_file import Claim, Published

TITLES = {
    "monolingual_map": "mAP, monolingual",
    "crosslingual_map": "mAP, cross-lingual",
    "multilingual_map": "mAP, multilingual pool",
    RANK_DISTANCE: "rank distance",
    PREFERENCE: "own-language preference",
    LAREQA: "mAP@20, multilingual pool",
    NDCG: "nDCG@10",
    ACCURACY: "accuracy",
}

BY_LANGUAGE = (NDCG, *(f"{setting}_map" for setting in reversed(SETTINGS)))
"""Scores that are kept by query language, the one to show first."""


LATER = "(+)"
"""Mark of a claim that was added after the runs."""

POOL = " of the multilingual pool"


def score_lines(outcome: Outcome) -> list[str]:
    """Return the table of all scores."""
    measures = [
        measure
        for measure in outcome.study.measure
        if any(outcome.score(cell, measure) for cell in outcome.cells)
    ]
    rows: list[list[str]] = []
    for cell in outcome.cells:
        scores = [outcome.score(cell, measure) for measure in measures]
        rows.append(
            [
                cell_name(outcome, cell),
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


def drop_lines(outcome: Outcome) -> Iterator[str]:
    """Yield the fall of each score of quality from queries as they are to changed ones."""
    study = outcome.study
    measures = [own for own in study.measure if own not in LOWER_IS_BETTER]
    rows: list[list[str]] = []
    for condition, evaluation in changed_cells(outcome):
        row = [condition, evaluation]
        unchanged = study.unchanged(evaluation)
        for measure in measures:
            weights = {(condition, unchanged or ""): 1.0, (condition, evaluation): -1.0}
            fall = outcome.sum_of(weights, measure) if unchanged else None
            kept = outcome.share((condition, evaluation), measure)
            row += [_estimate(measure, fall), _share(kept)]
        first = outcome.score((condition, evaluation), OVERLAP)
        row.append("" if first is None else f"{100 * first.value:.0f} %")
        rows.append(row)
    header = ["condition", "evaluation"]
    for measure in measures:
        header += [f"fall of {TITLES[measure]}", "share kept"]
    header.append("first ten kept")
    yield (
        "How far scores fall when queries are changed, and the share that is kept of the score on "
        "the queries as they are, both ± half of the 95 % interval over seeds and questions. A "
        "lower score has less to lose, so that the share says more where scores differ. "
        f"{_kept(outcome)}"
    )
    yield ""
    yield from _table(header, rows)


def changed_cells(outcome: Outcome) -> list[tuple[str, str]]:
    """Return the conditions and evaluations whose queries are changed."""
    evaluate = outcome.study.base.evaluate
    return [cell for cell in outcome.cells if evaluate[cell[1]].perturb]


def _kept(outcome: Outcome) -> str:
    pool = any(isinstance(o, DatasetEvaluation) for o in outcome.study.base.evaluate.values())
    return (
        f"The first ten kept is the share of the first ten passages{pool * POOL} that a query "
        "still has when it is changed."
    )


def language_lines(outcome: Outcome) -> Iterator[str]:
    """Yield the share of a score that is kept, by query language."""
    measure = next((own for own in BY_LANGUAGE if own in outcome.study.measure), None)
    if measure is None:
        return
    languages = sorted({code for own in outcome.found.values() for code in _languages(own)})
    rows: list[list[str]] = []
    for condition, evaluation in changed_cells(outcome):
        row = [condition, evaluation]
        for code in languages:
            row.append(_share(outcome.share_by_language((condition, evaluation), measure, code)))
        rows.append(row)
    yield (
        f"The share of {TITLES[measure]} that is kept, by query language, ± half of the 95 % "
        "interval over seeds and questions."
    )
    yield ""
    yield from _table(["condition", "evaluation", *languages], rows)


def _languages(scores: Mapping[str, Any]) -> Iterator[str]:
    for own in scores["scores"].values():
        yield from own["languages"]


def _share(kept: Estimate | None) -> str:
    if kept is None:
        return ""
    half = "" if isnan(kept.half) else f" ± {100 * kept.half:.0f}"
    return f"{100 * kept.value:.0f}{half} %"


def transfer_lines(outcome: Outcome) -> list[str]:
    """Return the table of gains by what was trained of a pair; nothing if it is not known."""
    rows = list(transfer_rows(outcome))
    title = "## Trained and untrained pairs"
    return [title, "", ABOUT, "", *_table(["condition", *KINDS], rows), ""] if rows else []


def published_lines(published: Published, measures: Sequence[str]) -> Iterator[str]:
    """Yield the table of published scores, of the measures of a study."""
    shown = [own for own in measures if any(own in row for row in published.scores.values())]
    rows = [
        [name, *(written_score(own, row[own]) if own in row else "" for own in shown)]
        for name, row in published.scores.items()
    ]
    yield published.source.strip()
    yield ""
    yield from _table(["model, batches", *(TITLES[own] for own in shown)], rows)


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = tabulate(rows, header, tablefmt="pipe", disable_numparse=True).splitlines()
    return [line.rstrip() for line in lines]


def cell_name(outcome: Outcome, cell: tuple[str, str]) -> str:
    """Return how a condition and evaluation are named."""
    condition, evaluation = cell
    return condition if evaluation == outcome.study.usual else f"{condition} @ {evaluation}"


def written_score(measure: str, value: float, sign: str = "") -> str:
    """Return a score as reports have it; one that rounds to nothing has no sign."""
    text = f"{value:{sign},.0f}" if measure == RANK_DISTANCE else f"{value:{sign}.3f}"
    return text if text.strip("+-0.") else text.lstrip("+-")


def _estimate(measure: str, own: Estimate | None) -> str:
    if own is None:
        return ""
    half = "" if isnan(own.half) else f" ± {written_score(measure, own.half)}"
    return f"{written_score(measure, own.value)}{half}"


def claim_lines(outcome: Outcome) -> Iterator[str]:
    """Yield the table of the claims."""
    rows: list[list[str]] = []
    later = dict.fromkeys(claim.added for claim in outcome.study.claims if claim.added)
    for claim, tested in outcome.tested:
        name = f"{claim.name} {LATER}" if claim.added else claim.name
        score = f"share kept of {TITLES[claim.measure]}" if claim.share else TITLES[claim.measure]
        matters = written_score(claim.measure, claim.matters)
        if tested is None:
            why = "not run yet" if outcome.planned_for(claim) else "not run at this size"
            rows.append([name, score, why, matters, "", ""])
            continue
        rows.append(
            [
                name,
                score,
                _difference(outcome, claim, tested.estimate),
                matters,
                _p(tested.p),
                _verdict(claim, tested),
            ]
        )
    if not rows:
        yield "None was stated."
        return
    header = ["claim", "score", "difference, 95 %", "matters from", "p, corrected", "outcome"]
    but = f", but for those marked {LATER}" if later else ""
    yield (
        f"Stated before the runs{but}. The tests hold the chance of any false finding at .05 over "
        "all claims (Holm) and count both seeds and questions, seeds as unpaired (Welch and "
        "Satterthwaite)."
    )
    yield ""
    yield from _table(header, rows)
    for why in later:
        yield from ("", f"{LATER} Added after the runs: {why.strip()}")


def _difference(outcome: Outcome, claim: Claim, own: Estimate) -> str:
    value = written_score(claim.measure, outcome.shown(claim, own.value), "+")
    if isnan(own.half):
        return f"{value}, one seed"
    ends = sorted((outcome.shown(claim, own.low), outcome.shown(claim, own.high)))
    low, high = (written_score(claim.measure, end, "+") for end in ends)
    return f"{value} [{low}, {high}]"


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _verdict(claim: Claim, tested: Tested) -> str:
    if tested.verdict == "held" and tested.matters:
        return "held, and it matters"
    if tested.verdict == "held" and tested.matters is False and claim.kind == "better":
        return "held; less than what matters"
    return tested.verdict
