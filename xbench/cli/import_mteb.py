"""``xbench import-mteb``."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click

from xbench._util.errors import UserError
from xbench.cli.command import Command


@click.command("import-mteb", cls=Command)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("results/imported/mteb.json"),
    show_default=True,
    help="File to write.",
)
@click.option("--commit", help="Commit of the folder's files [default: that of the clone].")
def import_mteb(folder: Path, output: Path, commit: str | None) -> None:
    """Take the sound scores of multilingual retrieval from a clone of MTEB's public results.

    FOLDER is a clone of https://github.com/embeddings-benchmark/results. A file with errors is
    skipped, a subset without a sound score stays blank; `xbench validate FOLDER` names
    every defect.
    """
    from xbench._util.atomic_write import write_atomically
    from xbench.results.validation import imported_json, read_upstream, upstream_files

    commit = commit or _commit(folder)
    if commit is not None and not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise UserError(f"--commit {commit!r}: expected 40 hexadecimal digits")
    root = folder / "results" if (folder / "results").is_dir() else folder
    files = list(upstream_files(root))
    if not files:
        raise UserError(
            f"{folder}: no results of multilingual retrieval there; expected a clone of "
            "https://github.com/embeddings-benchmark/results"
        )
    read = [read_upstream(path, root) for path in files]
    rows = [row for found, _ in read for row in found]
    left_out = [finding for _, findings in read for finding in findings if not finding.warning]
    write_atomically(output, imported_json(rows, left_out, commit).encode())
    warnings = sum(finding.warning for _, findings in read for finding in findings)
    click.echo(
        f"{len(rows)} rows from {sum(bool(found) for found, _ in read)} of {len(files)} files, "
        f"{sum(row.complete for row in rows)} of them with every subset; {len(left_out)} errors, "
        f"{warnings} warnings (`xbench validate {root}` lists them)"
    )
    click.echo(f"Imported: {output}")


def _commit(folder: Path) -> str | None:
    """Return the commit of a clone, or None if the folder is none."""
    if not (folder / ".git").exists():
        return None
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
