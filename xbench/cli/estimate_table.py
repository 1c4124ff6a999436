"""The table of an estimate."""

from __future__ import annotations

import os

import pandas as pd

from xbench._util.text_tables import TextTable, text
from xbench.evaluation.estimate_cost import Estimate
from xbench.evaluation.estimate_requests import RequestsEstimate
from xbench.evaluation.estimate_reranking import Reranking
from xbench.evaluation.gpus import GPUS, UTILISATION

COLUMNS = ["Dataset", "Language", "Passages", "Tokens", "Passages/s", "Hours"]


REQUEST_COLUMNS = ["Dataset", "Language", "Texts", "Requests", "Characters", "Tokens"]


def estimate_table(estimate: Estimate, gpu: str | None) -> str:
    """Return what each corpus takes and what all take together, as text.

    Args:
        estimate: The estimate.
        gpu: A GPU whose time is to be computed.
    """
    rows = [
        (
            own.workload.dataset,
            own.workload.language,
            own.workload.passages,
            own.tokens,
            own.seconds,
        )
        for own in estimate.workloads
    ]
    passages = sum(own.workload.passages for own in estimate.workloads)
    rows.append(("all", "", passages, estimate.tokens, estimate.seconds))
    cells = pd.DataFrame([_cells(*row) for row in rows], columns=COLUMNS)
    lines = [
        text([TextTable("", cells, keys=2, total=True)]),
        "",
        *_second_stage(estimate.reranking),
        f"On this machine ({os.cpu_count()} cores): about {_duration(estimate.seconds)}, and "
        f"{estimate.memory / 1e9:.1f} GB of memory at most.",
    ]
    return "\n".join(lines if gpu is None else [*lines, _on_gpu(estimate, gpu.lower())])


def requests_table(estimate: RequestsEstimate) -> str:
    """Return what a run sends to an endpoint, as text."""
    every = [*estimate.sent, estimate.checks]
    tokens = [own.tokens for own in every if own.tokens is not None]
    counted = len(tokens) == len(every)
    rows = [
        (own.dataset, own.language, own.texts, own.requests, own.characters, own.tokens)
        for own in every
    ]
    sums = [sum(own) for own in zip(*(row[2:5] for row in rows), strict=True)]
    rows.append(("all", "", *sums, sum(tokens) if counted else None))  # type: ignore[arg-type]
    cells = pd.DataFrame(
        [[*row[:2], *("" if n is None else f"{n:,.0f}" for n in row[2:])] for row in rows],
        columns=REQUEST_COLUMNS,
    )
    if not counted:
        cells = cells.drop(columns="Tokens")
    lines = [
        text([TextTable("", cells, keys=2, total=True)]),
        "",
        "This is sent if nothing is stored yet; texts that are stored are not sent again.",
        "Checks: the first contact, and eight texts of each role before stored ones are used.",
        *_second_stage(estimate.reranking),
    ]
    return "\n".join(lines)


def _second_stage(reranking: Reranking | None) -> list[str]:
    if reranking is None:
        return []
    return [
        f"Second stage: at most {reranking.pairs:,} pairs of a query and a passage, about "
        f"{_duration(reranking.seconds)} on this machine."
    ]


def _cells(
    dataset: str, language: str, passages: int, tokens: float | None, seconds: float
) -> tuple[str, ...]:
    return (
        dataset,
        language,
        f"{passages:,}",
        "" if tokens is None else f"{tokens / 1e6:,.1f} M",
        f"{passages / seconds:,.0f}",
        f"{seconds / 3600:,.2f}",
    )


def _on_gpu(estimate: Estimate, gpu: str) -> str:
    seconds = estimate.gpu_seconds(gpu)
    if seconds is None:
        return f"On {gpu.upper()}: cannot be estimated, as this model's tokens are not known."
    peak, memory = GPUS[gpu]
    return (
        f"On {gpu.upper()} ({memory} GB): about {_duration(seconds)}, computed and not measured: "
        f"{UTILISATION:.0%} of {peak:,.0f} TFLOPS in half precision, encoding alone."
    )


def _duration(seconds: float) -> str:
    """Write a time in the unit that suits it.

    >>> _duration(90), _duration(9000)
    ('1.5 minutes', '2.5 hours')
    """
    return f"{seconds / 60:,.1f} minutes" if seconds < 7200 else f"{seconds / 3600:,.1f} hours"
