"""What all commands have in common: the log, and options that are given twice."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from xbench.cli import main
from xbench.cli.command import messages
from xbench.data.catalogue import BENCHMARKS

LEFT_OUT = "XBenchMiniCrosslingualRetrieval has no subset in these languages"
ONE_LANGUAGE = ["--model", "xbench/bm25", "-b", "XBenchMini", "-l", "de", "--no-progress"]


def commands(group=main, words=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


OPTIONS = [
    (words, option)
    for words, command in commands()
    for option in command.params
    if isinstance(option, click.Option)
]


def given(option):
    """The option with a value of its type, once by each of its names."""
    if option.is_flag:
        return [option.opts[0], *option.secondary_opts]
    value = option.type.choices[0] if isinstance(option.type, click.Choice) else "7"
    return [word for name in (option.opts[0], option.opts[-1]) for word in (name, str(value))]


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (words, option)
        for words, option in OPTIONS
        if not option.multiple and (not option.is_flag or option.secondary_opts)
    ],
    ids=lambda value: value.name if isinstance(value, click.Option) else " ".join(value),
)
def test_an_option_that_takes_one_value_is_refused_twice(words, option):
    done = CliRunner().invoke(main, [*words, *given(option)])
    assert done.exit_code == 2
    assert f"{option.opts[0]}" in done.output
    assert "is given 2 times; give it once" in done.output


def test_a_flag_may_be_repeated():
    done = CliRunner().invoke(main, ["tasks", "--help", "--help"])
    assert done.exit_code == 0
    done = CliRunner().invoke(main, ["download", "--offline", "--offline", "-b", "XBenchMini"])
    assert done.exit_code == 0, done.output


@pytest.mark.integration
def test_options_that_make_lists_add_up(tmp_path):
    mono, cross, _ = BENCHMARKS["XBenchMini"]
    with CliRunner().isolated_filesystem(tmp_path) as folder:
        words = ["evaluate", *ONE_LANGUAGE, "-l", "en,de", "-t", cross, "-t", mono, "-o", "one"]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        (path,) = Path(folder).rglob(f"{cross}.json")
        assert path.parent.name == "languages_de,en"
        subsets = json.loads(path.read_text())["scores"]["test"]
        assert {subset["hf_subset"] for subset in subsets} == {"de-en", "en-de"}
        words = ["evaluate", "--model", "xbench/char-ngram", "-t", mono, "-o", "other"]
        assert CliRunner().invoke(main, words).exit_code == 0
        words = ["evaluate", "--model", "xbench/bm25", "-t", mono, "-o", "one"]
        assert CliRunner().invoke(main, words).exit_code == 0
        both = ["-r", "one", "-r", "other"]
        compared = CliRunner().invoke(main, ["compare", "xbench/bm25", "xbench/char-ngram", *both])
        assert compared.exit_code == 0, compared.output
        missed = CliRunner().invoke(main, ["compare", "xbench/bm52", *both])
        assert "in one, other" in missed.output
        assert "Did you mean 'xbench/bm25'?" in missed.output


def test_messages_come_once_whatever_handlers_there_are(tmp_path):
    with CliRunner().isolated_filesystem(tmp_path):
        for _ in range(2):
            done = CliRunner().invoke(main, ["evaluate", *ONE_LANGUAGE, "--overwrite"])
            assert done.exit_code == 0, done.output
            assert done.stderr.count(f"WARNING: {LEFT_OUT}") == 1
    own, root = logging.getLogger("xbench"), logging.getLogger()
    assert (own.handlers, own.level, own.propagate) == ([], logging.NOTSET, True)
    assert root.level == logging.WARNING


def test_no_message_shows_a_signature_or_a_token(capfd, monkeypatch):
    library = logging.getLogger("a_library_with_a_handler")
    monkeypatch.setattr(library, "handlers", [logging.StreamHandler(sys.stderr)])
    monkeypatch.setattr(library, "propagate", False)
    with messages(verbose=True):
        library.error("GET %s (%s)", "https://cdn.example/a?Signature=1", "hf_abcdef")
        library.error("%d", "no number")
        try:
            raise OSError("404 for https://cdn.example/b?Signature=2")
        except OSError:
            library.exception("a failure")
    written = capfd.readouterr().err
    assert "GET https://cdn.example/a (hf_…)" in written
    assert "OSError: 404 for https://cdn.example/b\n" in written
    assert "Signature" not in written


@pytest.mark.slow
@pytest.mark.integration
def test_a_library_that_set_up_the_log_first_takes_nothing_away(tmp_path):
    code = (
        "import logging, sys; logging.basicConfig(level=logging.ERROR, stream=sys.stdout);"
        "from xbench.cli import main; main()"
    )
    words = ["evaluate", *ONE_LANGUAGE, "-o", "out"]
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(f"WARNING: {LEFT_OUT}") == 1
    assert LEFT_OUT not in done.stdout
