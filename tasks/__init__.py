"""The tasks, as mteb task classes with full metadata."""

from __future__ import annotations

from xbench.tasks.mini import (
    XBenchMiniCrosslingualRetrieval,
    XBenchMiniMonolingualRetrieval,
    XBenchMiniMultilingualRetrieval,
)
from xbench.tasks.mlqa_r import (
    MLQARCrosslingualRetrieval,
    MLQARMonolingualRetrieval,
    MLQARMultilingualRetrieval,
)
from xbench.tasks.parallel import ParallelRetrieval
from xbench.tasks.xquad_r import (
    XQuADRCrosslingualRetrieval,
    XQuADRMonolingualRetrieval,
    XQuADRMultilingualRetrieval,
)

TASK_CLASSES: tuple[type[ParallelRetrieval], ...] = (
    XQuADRMonolingualRetrieval,
    XQuADRCrosslingualRetrieval,
    XQuADRMultilingualRetrieval,
    MLQARMonolingualRetrieval,
    MLQARCrosslingualRetrieval,
    MLQARMultilingualRetrieval,
    XBenchMiniMonolingualRetrieval,
    XBenchMiniCrosslingualRetrieval,
    XBenchMiniMultilingualRetrieval,
)

__all__ = [
    "TASK_CLASSES",
    "MLQARCrosslingualRetrieval",
    "MLQARMonolingualRetrieval",
    "MLQARMultilingualRetrieval",
    "ParallelRetrieval",
    "XBenchMiniCrosslingualRetrieval",
    "XBenchMiniMonolingualRetrieval",
    "XBenchMiniMultilingualRetrieval",
    "XQuADRCrosslingualRetrieval",
    "XQuADRMonolingualRetrieval",
    "XQuADRMultilingualRetrieval",
]
