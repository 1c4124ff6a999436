"""``xbench measures``."""

from __future__ import annotations

import click

from xbench.cli.command import Command

COLUMNS = ("Score", "Name", "Better", "Range", "Chance")


@click.command(cls=Command)
@click.argument("name", required=False)
def measures(name: str | None) -> None:
    """List the measures, or explain the score NAME with a worked example.

    Chance is what a random order of the pool gives: N passages, n of them in
    the query's language; R relevant, r of these in the query's language.
    """
    if name is None:
        _list()
    else:
        _explain(name)


def _list() -> None:
    from tabulate import tabulate

    from xbench.metrics.descriptions import families, measure_of, range_of

    rows = [
        (written, about.title, about.better, range_of(score), about.chance)
        for written, score in families().items()
        if (about := measure_of(score))
    ]
    click.echo(tabulate(rows, COLUMNS, tablefmt="simple", disable_numparse=True))


def _explain(name: str) -> None:
    from xbench._util.errors import unknown_name
    from xbench.metrics import SCORES, descriptions
    from xbench.metrics.registry import BY_PASSAGE_LANGUAGE

    about = descriptions.measure_of(name)
    names = (*SCORES, *BY_PASSAGE_LANGUAGE)
    if name not in names or about is None:
        raise unknown_name("measure", name, names)
    for field, value in (
        ("Name", descriptions.title_of(name)),
        ("Better", about.better),
        ("Range", descriptions.range_of(name)),
        ("Chance", about.chance or "not given"),
    ):
        click.echo(f"{field + ':':10}{value}")
    click.echo(f"\n{descriptions.explanation(name)}")
    values, by_chance = descriptions.example()
    if name in values:
        click.echo(f"\nExample. {descriptions.EXAMPLE}\n\n{name} = {values[name]:.4g}", nl=False)
        given = f"; chance here: {by_chance[name]:.4g}" if name in by_chance else ""
        click.echo(given)
