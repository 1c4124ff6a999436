"""``xbench leaderboard``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xbench.cli.command import Group
from xbench.cli.options import language_option

if TYPE_CHECKING:
    from xbench.results.score_table import Excluded

Command = TypeVar("Command", bound=Callable[..., Any])

ADDRESS = "127.0.0.1"

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
def build(
    results: tuple[Path, ...], languages: tuple[str, ...], output: Path, from_ranks: bool
) -> None:
    """Write static pages from folders of results; they need no server."""
    from xbench.leaderboard import build_site

    site = build_site(results, output, from_ranks=from_ranks, languages=languages)
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
def serve(results: tuple[Path, ...], port: int) -> None:
    """Show the pages of folders of results on this machine, until Ctrl-C."""
    import tempfile
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from xbench._util.errors import UserError
    from xbench.leaderboard import build_site

    class Quiet(SimpleHTTPRequestHandler):
        """A handler that does not log what is read."""

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: ANN401
            pass

    with tempfile.TemporaryDirectory(prefix="xbench-") as folder:
        handler = partial(Quiet, directory=folder)
        try:
            server = ThreadingHTTPServer((ADDRESS, port), handler)
        except OSError as error:
            raise UserError(
                f"--port {port}: cannot be used ({error.strerror}); choose another, or 0 for a "
                "free one"
            ) from error
        with server:
            name_excluded(build_site(results, Path(folder)).excluded)
            click.echo(f"Serving http://{ADDRESS}:{server.server_port}/ until Ctrl-C")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo("Stopped")
