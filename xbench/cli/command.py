"""What all commands have in common: how options, errors, the log and warnings are treated."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any

import click

from xbench._util.atomic_write import ADVICE, REFUSALS
from xbench._util.errors import UserError, did_you_mean


class Command(click.Command):
    """A command that refuses an option given twice, unless the option makes a list."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            click.UsageError: If an option that takes one value is given more than once.
        """
        *_, order = self.make_parser(ctx).parse_args(list(args))
        for parameter, times in Counter(order).items():
            if times > 1 and isinstance(parameter, click.Option) and _takes_one(parameter):
                names = " / ".join([*parameter.opts, *parameter.secondary_opts])
                raise click.UsageError(f"{names} is given {times} times; give it once", ctx)
        return super().parse_args(ctx, args)


def _takes_one(option: click.Option) -> bool:
    repeatable = option.multiple or option.count
    return not repeatable and not (option.is_flag and not option.secondary_opts)


class Group(click.Group):
    """A group of such commands that reports users' errors in one line and exits with 2."""

    command_class = Command
    group_class = type

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Run the command that was named; the console may have any encoding."""
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except UserError as error:
            message = str(error)
        except OSError as error:
            if error.errno not in REFUSALS:
                raise
            message = f"{error.filename or 'a file'}: {error.strerror}. {ADVICE}"
        click.echo(f"Error: {message}", err=True)
        sys.exit(2)


class Choice(click.Choice):  # type: ignore[type-arg]
    """One of some names; a wrong one is answered with the closest of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        """Return the name.

        Raises:
            click.BadParameter: If it is not one of the choices.
        """
        try:
            return str(super().convert(value, param, ctx))
        except click.BadParameter as error:
            question = did_you_mean(str(value), map(str, self.choices))
            self.fail(f"{error.message.rstrip('.')}{question or '.'}", param, ctx)


def _is_not_written_yet(record: logging.LogRecord) -> bool:
    """Return whether no library has written a message already, with a handler of its own."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None and logger.parent is not None:
        if logger.handlers and logger.name != "xbench":
            return False
        logger = logger.parent if logger.propagate else None
    return True


def _redacted(record: logging.LogRecord) -> logging.LogRecord:
    from xbench._util.network import redacted

    with suppress(TypeError, ValueError):
        record.msg, record.args = redacted(record.getMessage()), None
    if record.exc_info and record.exc_info[0]:
        record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
    return record


@contextmanager
def messages(*, verbose: bool) -> Iterator[None]:
    """Write xbench's own messages to the standard error while a command runs.

    Those of the libraries are written if they are errors, or all with `verbose`, and only once if a
    library writes its own; none shows a token or the signature of an address. Handlers that are
    already there stay, and afterwards the loggers are as they were.
    """
    make_record = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *args, **more: _redacted(make_record(*args, **more)))
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    handler.addFilter(_is_not_written_yet)
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    own, libraries = logging.getLogger("xbench"), logging.getLogger()
    levels, propagate = (own.level, libraries.level), own.propagate
    own.addHandler(handler)
    own.setLevel(logging.INFO)
    own.propagate = False
    if not libraries.handlers:
        libraries.addHandler(handler)
        libraries.setLevel(logging.ERROR)
    if verbose:
        libraries.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings():
            if not verbose:
                warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip((own, libraries), levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
        own.propagate = propagate
        handler.close()
        logging.setLogRecordFactory(make_record)
