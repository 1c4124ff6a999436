"""The leaderboard: static pages from result files."""

from __future__ import annotations

from xbench.leaderboard.site import build_site

__all__ = ["build_site"]
