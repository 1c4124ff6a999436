"""What an evaluation with an encoder encoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EncodingReport:
    """What a run encoded.

    Attributes:
        texts: Distinct texts that the ranks rest on.
        encoded: Of these, how many this process encoded; the others were stored before.
        truncated: Of these, how many were cut at the model's maximum length.
    """

    texts: int
    encoded: int
    truncated: int
