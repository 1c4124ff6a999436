"""How long a model takes on some tasks, and how much memory: from a short measurement."""

from __future__ import annotations

from xbench.estimation.loads import Load
from xbench.estimation.measurement import LoadEstimate
from xbench.estimation.report import GPUS, UTILISATION, Estimate, check_gpu, estimate

__all__ = [
    "GPUS",
    "UTILISATION",
    "Estimate",
    "Load",
    "LoadEstimate",
    "check_gpu",
    "estimate",
]
