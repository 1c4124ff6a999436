"""``xbench validate``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from xbench.cli.command import Choice, Command


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "output_format",
    type=Choice(("text", "json", "markdown")),
    default="text",
    show_default=True,
    help="How to write the findings; Markdown is safe to paste into a comment.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the results that are there already: check only what differs from them, and in "
    "Markdown show the new scores among theirs.",
)
@click.option(
    "--write-summaries",
    is_flag=True,
    help="Write the summary of every accepted result next to it, over one that is there; it makes "
    "pages quick to build, and results of older versions have none.",
)
def validate(
    paths: tuple[Path, ...], output_format: str, against: Path | None, write_summaries: bool
) -> None:
    """Check results before they are published.

    PATHS are folders of results, models' or runs' folders, or result files, of xbench's tasks or of
    the public MTEB results repository. All defects are named, with their file and field. The exit
    code is 0 if all files are accepted, warnings allowed, and 2 if not.

    \b
    Examples:
      xbench validate results
      xbench validate results/intfloat__multilingual-e5-small --format markdown
    """  # noqa: D301
    from xbench.results.validation import check, check_changes, folders
    from xbench.results.validation.pull_request import comparison
    from xbench.results.validation.report import as_json, as_markdown, as_text

    if write_summaries and against is not None:
        raise click.UsageError("--write-summaries and --against exclude each other; leave one out")
    if against is None:
        checks = check(paths, stored=not write_summaries)
    else:
        checks = [item for path in paths for item in check_changes(path, against)]
    if write_summaries:
        click.echo(f"{folders.write_summaries(checks)} summaries written.", err=True)
    write = {"text": as_text, "json": as_json, "markdown": as_markdown}[output_format]
    click.echo(write(checks))
    if against is not None and output_format == "markdown":
        click.echo(f"\n{comparison(checks, against)}")
    if not all(item.accepted for item in checks):
        sys.exit(2)
