"""``xbench mteb``: mteb's own command line, with our tasks in it."""

from __future__ import annotations

import sys

import click

from xbench.cli.command import Command


@click.command(
    cls=Command,
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def mteb(arguments: tuple[str, ...]) -> None:
    """Run mteb's own command with xbench's tasks in it (xbench mteb run …)."""
    from mteb.cli import main

    from xbench.evaluation.mteb_plugin import register

    register()
    sys.argv = ["mteb", *arguments]
    main()
