"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"xbench": "xbench", "tasks": "xbench.tasks", "leaderboard": "xbench.leaderboard"}


def names():
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join([package, *parts]).removesuffix(".__init__")


def test_examples(mini_results, monkeypatch):
    """Examples find the results of both built-in models on the shipped set in ``results``."""
    monkeypatch.chdir(mini_results.parent)
    outcomes = {
        name: doctest.testmod(
            importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE
        )
        for name in names()
    }
    assert [name for name, outcome in outcomes.items() if outcome.failed] == []
    assert sum(outcome.attempted > 0 for outcome in outcomes.values()) >= 10
