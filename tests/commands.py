"""``xbench`` in this process, in a fork of one that has imported it, or as the real command."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from xbench.cli import main

XBENCH = str(Path(sys.executable).with_name("xbench"))

FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(
    [
        "mteb",
        "sentence_transformers.sentence_transformer.trainer",
        "transformers.models.bert.modeling_bert",
        "xbench.cli",
        "xbench.evaluation.evaluate_tasks",
        "xbench.results.summary_table",
        "xbench.training.run",
    ]
)


class Outcome(NamedTuple):
    """How a command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def environment(place: Path, changed: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command: a cache of its own, one thread, no hub."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XBENCH_")}
    own = {"XBENCH_CACHE_DIR": str(place / "cache"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return {**kept, **own, **changed}


def invoke(place: Path, *words: object, **changed: str) -> Outcome:
    """Run a command in this process, and leave the process as it was.

    The loggers get handlers of the command's own, as pytest's would keep its messages from stderr.
    """
    root, own = logging.getLogger(), logging.getLogger("xbench")
    levels, handlers = (root.level, own.level), root.handlers
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        patch.dict(os.environ, environment(place, changed), clear=True),
        patch.object(sys, "argv", [XBENCH]),
        warnings.catch_warnings(),
    ):
        monkeypatch.chdir(place)
        root.handlers = []
        root.setLevel(logging.WARNING)
        try:
            result = CliRunner().invoke(main, [str(word) for word in words], prog_name="xbench")
        finally:
            root.handlers = handlers
            root.setLevel(levels[0])
            own.setLevel(levels[1])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


class Running:
    """A command that runs in a process of its own and can be killed."""

    def __init__(self, process: subprocess.Popen[bytes] | BaseProcess, output: Path) -> None:
        self.process, self.output = process, output

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative after a signal; None while the process runs."""
        own = self.process
        return own.poll() if isinstance(own, subprocess.Popen) else own.exitcode

    def kill(self) -> None:
        """End it at once, with the signal that cannot be caught."""
        self.process.kill()
        self.wait()

    def wait(self, timeout: float = 600) -> Outcome:
        """Wait for its end; a process that goes on longer is killed and fails the test."""
        own = self.process
        if isinstance(own, subprocess.Popen):
            own.wait(timeout)
        else:
            own.join(timeout)
        if self.returncode is None:
            own.kill()
            pytest.fail(f"still running after {timeout} s")
        written = (self.output / name for name in ("stdout", "stderr"))
        return Outcome(self.returncode, *(path.read_text("utf-8") for path in written))

    def succeed(self) -> Outcome:
        """Wait for its end, which must be a success."""
        outcome = self.wait()
        assert outcome.returncode == 0, outcome.stderr[-3000:]
        return outcome


def start(
    place: Path,
    *words: object,
    real: bool = False,
    largest_file: int | None = None,
    **changed: str,
) -> Running:
    """Start a command as a fork of a process that has done nothing but import, or for real.

    The command can write no file beyond `largest_file` bytes, as on a full disk.
    """
    place.mkdir(exist_ok=True)
    output = Path(mkdtemp(prefix="output", dir=place.parent))
    for name in ("stdout", "stderr"):
        (output / name).touch()
    arguments = [str(word) for word in words]
    if real:
        with (output / "stdout").open("wb") as out, (output / "stderr").open("wb") as err:
            started: subprocess.Popen[bytes] | BaseProcess = subprocess.Popen(
                [XBENCH, *arguments],
                cwd=place,
                env=environment(place, changed),
                stdout=out,
                stderr=err,
            )
        return Running(started, output)
    variables = environment(place, changed)
    started = FORKSERVER.Process(
        target=_command, args=(place, arguments, variables, output, largest_file)
    )
    started.start()
    return Running(started, output)


def _command(
    place: Path,
    words: list[str],
    variables: dict[str, str],
    output: Path,
    largest_file: int | None,
) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        with (output / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    os.chdir(place)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = [XBENCH, *words]
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    main(words, prog_name="xbench")
