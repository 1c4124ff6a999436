"""The table of an estimate."""

from __future__ import annotations

import os

from rich import box
from rich.console import Console
from rich.table import Table

from xbench.evaluation.estimate_cost import Estimate
from xbench.evaluation.gpus import GPUS, UTILISATION


def estimate_table(estimate: Estimate, gpu: str | None) -> None:
    """Print what each corpus takes and what all take together.

    Args:
        estimate: The estimate.
        gpu: A GPU whose time is to be computed.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Dataset", "Language"):
        table.add_column(name, no_wrap=True)
    for name in ("Passages", "Tokens", "Passages/s", "Hours"):
        table.add_column(name, justify="right", no_wrap=True)
    for own in estimate.workloads:
        passages = own.workload.passages
        tokens = "" if own.tokens is None else f"{own.tokens / 1e6:,.1f} M"
        rate, hours = f"{passages / own.seconds:,.0f}", f"{own.seconds / 3600:,.2f}"
        table.add_row(
            own.workload.dataset, own.workload.language, f"{passages:,}", tokens, rate, hours
        )
    passages = sum(own.workload.passages for own in estimate.workloads)
    tokens = "" if estimate.tokens is None else f"{estimate.tokens / 1e6:,.1f} M"
    rate, hours = f"{passages / estimate.seconds:,.0f}", f"{estimate.seconds / 3600:,.2f}"
    table.add_section()
    table.add_row("all", "", f"{passages:,}", tokens, rate, hours)
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"On this machine ({os.cpu_count()} cores): about {_duration(estimate.seconds)}, and "
        f"{estimate.memory / 1e9:.1f} GB of memory at most."
    )
    if gpu is None:
        return
    seconds = estimate.gpu_seconds(gpu.lower())
    peak, memory = GPUS[gpu.lower()]
    if seconds is None:
        console.print(
            f"On {gpu.upper()}: cannot be estimated, as this model's tokens are not known."
        )
        return
    console.print(
        f"On {gpu.upper()} ({memory} GB): about {_duration(seconds)}, computed and not measured: "
        f"{UTILISATION:.0%} of {peak:,.0f} TFLOPS in half precision, encoding alone."
    )


def _duration(seconds: float) -> str:
    """Write a time in the unit that suits it.

    >>> _duration(90), _duration(9000)
    ('1.5 minutes', '2.5 hours')
    """
    return f"{seconds / 60:,.1f} minutes" if seconds < 7200 else f"{seconds / 3600:,.1f} hours"
