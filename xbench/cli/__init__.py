"""The command line, ``xbench``: one file per command, heavy imports inside the commands."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

import click

from xbench import __version__
from xbench._util.errors import UserError
from xbench.cli.bias import bias
from xbench.cli.compare import compare
from xbench.cli.download import download
from xbench.cli.estimate import estimate
from xbench.cli.evaluate import evaluate
from xbench.cli.import_mteb import import_mteb
from xbench.cli.leaderboard import leaderboard
from xbench.cli.mteb import mteb
from xbench.cli.study import study
from xbench.cli.submit import submit
from xbench.cli.tasks import tasks
from xbench.cli.train import train
from xbench.cli.validate import validate


class _Group(click.Group):
    """A group that tells users' errors in one line and exits with 2."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xbench")
@click.option("--verbose", is_flag=True, help="Show the log and the warnings of the libraries.")
def main(verbose: bool) -> None:
    """Measure how an embedding model retrieves within, across and among many languages."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.ERROR)
    logging.getLogger("xbench").setLevel(logging.INFO)
    if verbose:
        logging.getLogger().setLevel(logging.INFO)
    else:
        warnings.simplefilter("ignore")


COMMANDS = (
    evaluate,
    estimate,
    compare,
    bias,
    submit,
    validate,
    leaderboard,
    import_mteb,
    train,
    study,
    tasks,
    download,
    mteb,
)

for command in COMMANDS:
    main.add_command(command)
