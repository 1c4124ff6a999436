"""The GPUs whose time can be estimated, and how much of their peak rate encoding reaches."""

from __future__ import annotations

from collections.abc import Mapping

UTILISATION = 0.3
"""Share of a GPU's peak rate that encoding is taken to reach."""

GPUS: Mapping[str, tuple[float, int]] = {
    "t4": (65, 16),
    "v100": (125, 32),
    "l4": (121, 24),
    "a10": (125, 24),
    "a100": (312, 80),
    "l40s": (362, 48),
    "h100": (989, 80),
    "h200": (989, 141),
    "b200": (2250, 180),
}
"""Peak rate in half precision without sparsity, in TFLOPS, and memory in GB (data sheets)."""
