"""``xbench leaderboard``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def leaderboard() -> None:
    """Make the page of results."""


@leaderboard.command()
@click.option(
    "--results",
    "-r",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=(Path("results"),),
    show_default=True,
    help="Folder of results; may be repeated.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("site"),
    show_default=True,
    help="Folder to write the page to.",
)
def build(results: tuple[Path, ...], output: Path) -> None:
    """Write one self-contained page from folders of results."""
    from xbench.leaderboard import build_site

    click.echo(f"Page: {build_site(results, output)}")
