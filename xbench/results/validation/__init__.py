"""Checks of results that others made: nothing that is read is trusted."""

from __future__ import annotations

from xbench.results.findings import Finding, RunIdentity, TaskCheck
from xbench.results.imported_file import Imported, ImportedRow, imported_json, read_imported
from xbench.results.validation.changes import Changes, check_changes, check_pull_request
from xbench.results.validation.check_task import (
    check_summarised,
    check_task,
    private_files,
    result_files,
)
from xbench.results.validation.folders import check
from xbench.results.validation.mteb_results import read_upstream, upstream_files

__all__ = [
    "Changes",
    "Finding",
    "Imported",
    "ImportedRow",
    "RunIdentity",
    "TaskCheck",
    "check",
    "check_changes",
    "check_pull_request",
    "check_summarised",
    "check_task",
    "imported_json",
    "private_files",
    "read_imported",
    "read_upstream",
    "result_files",
    "upstream_files",
]
