"""``xbench validate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xbench._util.errors import UserError
from xbench.cli.command import Choice, Command

if TYPE_CHECKING:
    from xbench.results.validation import TaskCheck

ACCEPTED, REFUSED, UNCHECKED = 0, 1, 2
"""Exit codes: all results are sound, some are not, the check itself was not possible."""


@click.command(cls=Command)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "output_format",
    type=Choice(("text", "json", "markdown")),
    default="text",
    show_default=True,
    help="How to write the findings; Markdown is safe to paste into a comment.",
)
@click.option(
    "--base",
    metavar="REF",
    help="Branch or commit of git that the results are proposed for, such as origin/main: check "
    "every file that differs from where the two parted, and in Markdown show the new scores among "
    "those that are there. PATHS is the folder of all results [default: results].",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The same as --base, with a folder of the results that are there instead of a branch.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report to this file, too; until the check has ended it says that it has not.",
)
@click.option(
    "--findings",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all findings to this file as JSON; a report lists those that fit a comment.",
)
@click.option(
    "--write-summaries",
    is_flag=True,
    help="Write the summary of every accepted result next to it, over one that is there; it makes "
    "pages quick to build, and results of older versions have none.",
)
def validate(
    paths: tuple[Path, ...],
    output_format: str,
    base: str | None,
    against: Path | None,
    report: Path | None,
    findings: Path | None,
    write_summaries: bool,
) -> None:
    """Check results before they are published.

    PATHS are folders of results, models' or runs' folders, or result files, of xbench's tasks or of
    the public MTEB results repository. All defects are named, with their file and field. The exit
    code is 0 if all files are accepted, warnings allowed, 1 if not, and 2 if they could not be
    checked.

    \b
    Examples:
      xbench validate results
      xbench validate results/intfloat__multilingual-e5-small --format markdown
      xbench validate results --base origin/main
    """  # noqa: D301
    from xbench._util.atomic_write import write_atomically
    from xbench.results.validation.report import UNFINISHED, as_json

    if write_summaries and (base is not None or against is not None):
        raise click.UsageError(
            "--write-summaries is for all results; leave --base and --against out"
        )
    if base is not None and against is not None:
        raise click.UsageError("--base and --against exclude each other; leave one out")
    if not paths and base is None:
        raise click.UsageError("Missing argument 'PATHS...'.")
    if report is not None:
        write_atomically(report, UNFINISHED.encode())
    try:
        checks, text = _checked(paths, base, against, output_format, write_summaries)
        if findings is not None:
            write_atomically(findings, as_json(checks, limit=10**9).encode())
    except UserError as error:
        _end(f"Could not check: {error}", report)
    except Exception as error:
        _end(f"Could not check: {type(error).__name__}: {error}", report)
    click.echo(text)
    if report is not None:
        write_atomically(report, f"{text}\n".encode())
    sys.exit(ACCEPTED if all(item.accepted for item in checks) else REFUSED)


def _end(message: str, report: Path | None) -> None:
    """Say why nothing was checked, and end."""
    from xbench._util.atomic_write import write_atomically
    from xbench.results.validation.report import code

    click.echo(f"Error: {message}", err=True)
    if report is not None:
        write_atomically(report, f"{code(message[:2000])}\n".encode())
    sys.exit(UNCHECKED)


def _checked(
    paths: tuple[Path, ...], base: str | None, against: Path | None, output_format: str, write: bool
) -> tuple[list[TaskCheck], str]:
    """Check the results, and return the checks and the report."""
    from xbench.results.validation import check, check_changes, check_pull_request, folders
    from xbench.results.validation.pull_request import comparison, details
    from xbench.results.validation.report import as_json, as_markdown, as_text

    sentences: list[str] = []
    tables = ""
    if base is None and against is None:
        checks = check(paths, stored=not write)
    else:
        checks = []
        for path in paths or (Path("results"),):
            changes = (
                check_changes(path, against) if against else check_pull_request(path, str(base))
            )
            checks += changes.checks
            sentences += changes.sentences
            if output_format == "markdown":
                parts = (comparison(changes.checks, path), details(changes.checks))
                tables += "\n\n".join(filter(None, parts))
    if write:
        click.echo(f"{folders.write_summaries(checks)} summaries written.", err=True)
    if output_format == "json":
        return checks, as_json(checks, sentences)
    if output_format == "markdown":
        return checks, as_markdown(checks, sentences, tables)
    return checks, as_text(checks, sentences)
