"""The tasks, as mteb task classes with full metadata."""

from __future__ import annotations

from xbench.tasks.base import RetrievalTask
from xbench.tasks.belebele import (
    BelebeleRCrosslingualRetrieval,
    BelebeleRMonolingualRetrieval,
    BelebeleRMultilingualRetrieval,
)
from xbench.tasks.mini import (
    XBenchMiniCrosslingualRetrieval,
    XBenchMiniMonolingualRetrieval,
    XBenchMiniMultilingualRetrieval,
)
from xbench.tasks.miracl import (
    MIRACLMonolingualHardNegativesRetrieval,
    MIRACLMonolingualRetrieval,
    MIRACLMultilingualHardNegativesRetrieval,
    MIRACLMultilingualRetrieval,
)
from xbench.tasks.mlqa_r import (
    MLQARCrosslingualRetrieval,
    MLQARMonolingualRetrieval,
    MLQARMultilingualRetrieval,
)
from xbench.tasks.mtop import MTOPCrosslingualRetrieval, MTOPMultilingualRetrieval
from xbench.tasks.own import OwnRetrieval, ParallelRetrieval
from xbench.tasks.parallel import ParallelCorpusRetrieval
from xbench.tasks.streamed import StreamedRetrieval
from xbench.tasks.xquad_r import (
    XQuADRCrosslingualRetrieval,
    XQuADRMonolingualRetrieval,
    XQuADRMultilingualRetrieval,
)

TASK_CLASSES: tuple[type[RetrievalTask], ...] = (
    XQuADRMonolingualRetrieval,
    XQuADRCrosslingualRetrieval,
    XQuADRMultilingualRetrieval,
    MLQARMonolingualRetrieval,
    MLQARCrosslingualRetrieval,
    MLQARMultilingualRetrieval,
    MIRACLMonolingualRetrieval,
    MIRACLMultilingualRetrieval,
    MIRACLMonolingualHardNegativesRetrieval,
    MIRACLMultilingualHardNegativesRetrieval,
    BelebeleRMonolingualRetrieval,
    BelebeleRCrosslingualRetrieval,
    BelebeleRMultilingualRetrieval,
    XBenchMiniMonolingualRetrieval,
    XBenchMiniCrosslingualRetrieval,
    XBenchMiniMultilingualRetrieval,
    MTOPCrosslingualRetrieval,
    MTOPMultilingualRetrieval,
)

__all__ = [
    "TASK_CLASSES",
    "BelebeleRCrosslingualRetrieval",
    "BelebeleRMonolingualRetrieval",
    "BelebeleRMultilingualRetrieval",
    "MIRACLMonolingualHardNegativesRetrieval",
    "MIRACLMonolingualRetrieval",
    "MIRACLMultilingualHardNegativesRetrieval",
    "MIRACLMultilingualRetrieval",
    "MLQARCrosslingualRetrieval",
    "MLQARMonolingualRetrieval",
    "MLQARMultilingualRetrieval",
    "MTOPCrosslingualRetrieval",
    "MTOPMultilingualRetrieval",
    "OwnRetrieval",
    "ParallelCorpusRetrieval",
    "ParallelRetrieval",
    "RetrievalTask",
    "StreamedRetrieval",
    "XBenchMiniCrosslingualRetrieval",
    "XBenchMiniMonolingualRetrieval",
    "XBenchMiniMultilingualRetrieval",
    "XQuADRCrosslingualRetrieval",
    "XQuADRMonolingualRetrieval",
    "XQuADRMultilingualRetrieval",
]
