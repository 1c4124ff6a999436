"""The command that a result records is one that the command line takes."""

from __future__ import annotations

import pytest

from xbench._util.errors import UserError
from xbench.cli.evaluate import evaluate
from xbench.results.command_line import (
    CHOICES,
    FLAGS,
    LISTS,
    OPTIONS,
    SHORT,
    parse_command,
    shown_command,
)


def test_the_options_are_those_of_the_command_line():
    options = {flag: own for own in evaluate.params for flag in own.opts}
    assert set(options) == {*OPTIONS, *SHORT}
    for flag, name in {**OPTIONS, **SHORT}.items():
        assert options[flag].is_flag == (name in FLAGS), flag
        assert options[flag].multiple == (name in LISTS), flag
        choices = getattr(options[flag].type, "choices", None)
        assert name in LISTS or (tuple(choices) if choices else None) == CHOICES.get(name), flag


def test_text_and_list_are_the_same_command():
    words = ["xbench", "evaluate", "--model", "a/b", "--query-prompt", "q: ", "-t", "X", "-t", "Y"]
    text = shown_command(words)
    assert text == "xbench evaluate --model a/b --query-prompt 'q: ' -t X -t Y"
    assert parse_command(words) == parse_command(text)
    assert parse_command(words).options == {
        "model": "a/b",
        "query_prompt": "q: ",
        "tasks": ["X", "Y"],
    }


@pytest.mark.parametrize(
    "command",
    [
        "",
        "xbench",
        "python -m xbench evaluate",
        "xbench evaluate model",
        "xbench evaluate --model",
        "xbench evaluate --offline=1",
        "xbench evaluate --max-length ten",
        "xbench evaluate --max-length -1",
        "xbench evaluate --model a --model b",
        "xbench evaluate --model-kwargs {",
        "xbench evaluate --model a && rm -rf /",
        "xbench evaluate --model 'a",
        "xbench evaluate --model a/b --output 'the best model of all'",
        "xbench evaluate --model a/b --cache-dir https://evil.example/x",
        "xbench evaluate --model a/b --ray-address 'the best model'",
        "xbench evaluate --model a/b --served-model 'the best model'",
        "xbench evaluate --model a/b --api-key-env 'the best model'",
        "xbench evaluate --model a/b --backend best",
    ],
)
def test_what_is_not_a_command_is_refused(command):
    with pytest.raises(UserError, match="expected"):
        parse_command(command)
