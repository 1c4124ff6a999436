"""The command line, ``xbench``: one file per command, heavy imports inside the commands."""

from __future__ import annotations

import click

from xbench import __version__
from xbench.cli.bias import bias
from xbench.cli.command import Group, messages
from xbench.cli.compare import compare
from xbench.cli.data import data
from xbench.cli.download import download
from xbench.cli.estimate import estimate
from xbench.cli.evaluate import evaluate
from xbench.cli.import_mteb import import_mteb
from xbench.cli.leaderboard import leaderboard
from xbench.cli.measures import measures
from xbench.cli.mine import mine
from xbench.cli.mteb import mteb
from xbench.cli.results import results
from xbench.cli.study import study
from xbench.cli.submit import submit
from xbench.cli.tasks import tasks
from xbench.cli.train import train
from xbench.cli.validate import validate
from xbench.cli.verify import verify


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xbench")
@click.option("--verbose", is_flag=True, help="Show the log and the warnings of the libraries.")
@click.pass_context
def main(context: click.Context, verbose: bool) -> None:
    """Measure how an embedding model retrieves within, across and among many languages."""
    context.with_resource(messages(verbose=verbose))


COMMANDS = (
    evaluate,
    estimate,
    compare,
    bias,
    submit,
    validate,
    verify,
    leaderboard,
    results,
    import_mteb,
    train,
    mine,
    study,
    tasks,
    measures,
    download,
    data,
    mteb,
)

for command in COMMANDS:
    main.add_command(command)
