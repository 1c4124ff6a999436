"""Checks of results that others made: nothing that is read is trusted."""

from __future__ import annotations

from xbench.validation.findings import Finding, RunIdentity, TaskCheck
from xbench.validation.folders import check, check_changes
from xbench.validation.imported import Imported, ImportedRow, imported_json, read_imported
from xbench.validation.submission import check_summarised, check_task, result_files
from xbench.validation.upstream import read_upstream, upstream_files

__all__ = [
    "Finding",
    "Imported",
    "ImportedRow",
    "RunIdentity",
    "TaskCheck",
    "check",
    "check_changes",
    "check_summarised",
    "check_task",
    "imported_json",
    "read_imported",
    "read_upstream",
    "result_files",
    "upstream_files",
]
