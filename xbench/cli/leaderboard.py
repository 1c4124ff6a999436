"""``xbench leaderboard``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xbench.cli.command import Group
from xbench.cli.options import language_option

if TYPE_CHECKING:
    from xbench.results.score_table import Excluded

Command = TypeVar("Command", bound=Callable[..., Any])

NAMED = 10
"""How many of the files that are not used the command names."""


@click.group(cls=Group)
def leaderboard() -> None:
    """Make the pages of results."""


def results_option(command: Command) -> Command:
    """Add the option that says where results are read from."""
    return click.option(
        "--results",
        "-r",
        multiple=True,
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        default=(Path("results"),),
        show_default=True,
        help="Folder of results; may be repeated.",
    )(command)


languages_option = language_option(
    "--languages",
    "-l",
    help="Show these languages only, such as ar,de: the pairs of full results, and the pools that "
    "were evaluated on part of the languages.",
)


private_option = click.option(
    "--private",
    is_flag=True,
    help="For a team of one's own: pages say that they are private, search engines are asked not "
    "to index them, and nothing is said of submissions.",
)


@leaderboard.command()
@results_option
@languages_option
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("site"),
    show_default=True,
    help="Folder to write the pages to.",
)
@click.option(
    "--from-ranks",
    is_flag=True,
    help="Recompute everything from the ranks, whatever stored summaries say: for results that "
    "`xbench validate` has not accepted. Slow where there are many.",
)
@private_option
def build(
    results: tuple[Path, ...],
    languages: tuple[str, ...],
    output: Path,
    from_ranks: bool,
    private: bool,
) -> None:
    """Write static pages from folders of results; they need no server."""
    from xbench.leaderboard import build_site

    site = build_site(results, output, from_ranks=from_ranks, languages=languages, private=private)
    name_excluded(site.excluded)
    if site.is_empty:
        folders = ", ".join(map(str, results))
        click.echo(f"{folders}: no results; expected a folder that evaluate wrote", err=True)
    click.echo(f"Page: {site.page}")


def name_excluded(excluded: Sequence[Excluded]) -> None:
    """Name the files that no score was taken from, all of them if they are few."""
    for file in excluded[:NAMED]:
        click.echo(f"not used: {file.file}: {file.reason}", err=True)
    if len(excluded) > NAMED:
        rest = len(excluded) - NAMED
        click.echo(f"not used: {rest} more files; the page excluded.html lists all", err=True)


@leaderboard.command()
@results_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port on this machine; 0 takes a free one.",
)
@private_option
@click.option("--open", "opens", is_flag=True, help="Open the first page in the browser.")
def serve(results: tuple[Path, ...], port: int, private: bool, opens: bool) -> None:
    """Show the pages of folders of results on this machine, until Ctrl-C.

    Only requests to this machine's own address are answered, and folders are not listed.
    """
    import tempfile
    import webbrowser

    from xbench._util.errors import UserError
    from xbench.leaderboard import build_site
    from xbench.leaderboard.serving import ADDRESS, server

    with tempfile.TemporaryDirectory(prefix="xbench-") as folder:
        try:
            running = server(Path(folder), port)
        except OSError as error:
            raise UserError(
                f"--port {port}: cannot be used ({error.strerror}); choose another, or 0 for a "
                "free one"
            ) from error
        with running:
            name_excluded(build_site(results, Path(folder), private=private).excluded)
            address = f"http://{ADDRESS}:{running.server_port}/"
            click.echo(f"Serving {address} until Ctrl-C")
            if opens:
                webbrowser.open(address)
            try:
                running.serve_forever()
            except KeyboardInterrupt:
                click.echo("Stopped")
