"""``xbench submit``."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from xbench._util.errors import UserError, did_you_mean
from xbench.cli.command import Command
from xbench.cli.validate import REFUSED

if TYPE_CHECKING:
    from xbench.results.validation import TaskCheck

TEXT_NAME = "PULL_REQUEST.md"


@click.command(cls=Command)
@click.argument("model")
@click.option(
    "--results",
    "-r",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder of all results, in which a model's name is looked up.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("submission"),
    show_default=True,
    help="Folder to write results/… and the text of the pull request to; a checkout of the "
    "project, or any folder.",
)
def submit(model: str, results: Path, output: Path) -> None:
    """Check a model's results and prepare a pull request with them.

    MODEL is a model's name, org/model or org/model@revision, or a folder of its results. What is
    said of them is what the project's own check says of the pull request; if --output is a checkout
    of the project, its other models are compared, too. The exit code is 1 if they are refused.

    \b
    Example:
      xbench submit intfloat/multilingual-e5-small
    """  # noqa: D301
    from xbench._util.atomic_write import usable, write_atomically
    from xbench.results.validation import check
    from xbench.results.validation.pull_request import missing_tasks, pull_request

    checks = _publishable(check([_folder(model, results)]), model)
    if not _accepted(checks, output):
        click.echo(f"Error: {model}: fix these errors and submit again", err=True)
        sys.exit(REFUSED)
    with usable(output):
        folders = _copy(checks, output)
    write_atomically(output / TEXT_NAME, pull_request(checks).encode())
    if missing := missing_tasks(checks):
        click.echo(f"No results of {', '.join(missing)}: their cells will be blank.")
    click.echo(_next_steps(folders, output))


def _accepted(checks: Sequence[TaskCheck], output: Path) -> bool:
    """Check what a pull request would change, as the project does, and print its report."""
    from xbench.results.validation import check_changes
    from xbench.results.validation.report import as_text

    if not all(item.accepted and item.run for item in checks):
        click.echo(as_text(checks))
        return False
    there = output / "results"
    with TemporaryDirectory() as folder:
        proposed = Path(folder)
        if there.is_dir():
            shutil.copytree(there, proposed / "results", symlinks=True)
        _copy(checks, proposed)
        changes = check_changes(proposed / "results", there)
    click.echo(as_text(changes.checks or checks, changes.sentences))
    return all(item.accepted for item in changes.checks)


def _publishable(checks: Sequence[TaskCheck], model: str) -> list[TaskCheck]:
    """Return the results that may be published, and say which are not.

    Raises:
        UserError: If none may be.
    """
    from xbench.results.validation.check_task import why_private

    reasons = {item.path: why_private(item.path) for item in checks}
    for reason in dict.fromkeys(filter(None, reasons.values())):
        names = sorted(path.stem for path, own in reasons.items() if own == reason)
        click.echo(f"Not submitted: {', '.join(names)}: {reason}.")
    kept = [item for item in checks if not reasons[item.path]]
    if not kept:
        raise UserError(
            f"{model}: nothing to submit; expected results on all languages of published datasets, "
            "as `xbench evaluate` writes them without --languages and --data"
        )
    return kept


def _folder(model: str, results: Path) -> Path:
    """Return the folder of a model's results."""
    if Path(model).is_dir():
        return Path(model)
    name, _, revision = model.partition("@")
    folder = results / name.replace("/", "__").replace(" ", "_") / revision
    if re.fullmatch(r"[^/]+/[^/]+", model) and folder.is_dir():
        return folder
    there = sorted(path.name.replace("__", "/", 1) for path in results.glob("*__*"))
    raise UserError(
        f"{model}: neither a folder nor a model in {results}; there are "
        f"{', '.join(there) or 'none'}{did_you_mean(name, there)}"
    )


def _copy(checks: Sequence[TaskCheck], output: Path) -> list[Path]:
    """Write the files of accepted results below a folder, and return their folders there."""
    from xbench._util.atomic_write import write_atomically
    from xbench.results.summaries import SUMMARY_SUFFIX
    from xbench.results.validation.folders import files_of, root_of

    folders = []
    for item in checks:
        summary = item.path.with_name(f"{item.path.stem}{SUMMARY_SUFFIX}")
        if not summary.exists():  # one that is there is of other ranks
            old = output / "results" / summary.relative_to(root_of(item.path))
            old.unlink(missing_ok=True)
        for path in files_of(item.path):
            place = Path("results") / path.relative_to(root_of(item.path))
            if not ((output / place).exists() and (output / place).samefile(path)):
                write_atomically(output / place, _content(path))
            folders.append(place.parent)
    return list(dict.fromkeys(folders))


def _content(path: Path) -> bytes:
    """Return what is copied of a file: of a run's settings, only those of published datasets."""
    from xbench.data.catalogue import TASKS
    from xbench.results.store import SETTINGS_NAME, read_settings

    if path.name != SETTINGS_NAME or all(
        line.get("task") in TASKS for line in read_settings(path.parent)
    ):
        return path.read_bytes()
    lines = path.read_text("utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if json.loads(line)["task"] in TASKS).encode()


def _next_steps(folders: Iterable[Path], output: Path) -> str:
    """Return what to do with the files that were written."""
    names = list(folders)
    branch = "results-" + re.sub(r"[^A-Za-z0-9]+", "-", names[0].parts[1]).strip("-").lower()
    copied = (output / ".git").exists()
    title = f"Results of {names[0].parts[1].replace('__', '/', 1)}"
    steps = [
        f"Read and complete {output / TEXT_NAME}.",
        *(
            [f"In {output}, a checkout of your fork of the project:"]
            if copied
            else ["Fork the project, and in a checkout of your fork:"]
        ),
    ]
    commands = [
        f"git switch -c {branch}",
        *([] if copied else [f"cp -r {shlex.quote(str(output.resolve()))}/results ."]),
        f"git add {shlex.join(name.as_posix() for name in names)}",
        f"git commit -m {shlex.quote(title)}",
        f"git push -u origin {branch}",
    ]
    last = f"Open a pull request with the text of {TEXT_NAME}."
    numbered = [f"{n}. {step}" for n, step in enumerate(steps, 1)]
    shown = [f"     {command}" for command in commands]
    return "\n".join(["Next steps:", *numbered, *shown, f"{len(steps) + 1}. {last}"])
