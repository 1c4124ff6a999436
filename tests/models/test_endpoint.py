"""Models behind an OpenAI-compatible endpoint: the same scores, nothing paid twice or lost."""

from __future__ import annotations

import email.utils
import json
import logging
import shlex
import signal
import time

import numpy as np
import pytest

import xbench
from tests import endpoint_server as server
from tests.commands import invoke, start
from tests.endpoint_server import serving, status, vector
from xbench._util.errors import UserError
from xbench.models.endpoint import endpoint_of
from xbench.models.endpoint_requests import Requests
from xbench.models.options import ModelOptions
from xbench.models.parallel_calls import at_once

pytestmark = pytest.mark.integration

TASK = "XBenchMiniMonolingualRetrieval"


def evaluate(url, place, tasks=TASK, **options):
    return xbench.evaluate(
        url,
        tasks,
        output=place / "results",
        cache_dir=place / "cache",
        no_progress=True,
        **{"served_model": "letters"} | options,
    )


def mean_map(results):
    frame = results.to_dataframe().query("measure == 'map' and average == 'macro'")
    return float(frame["value"].iloc[0])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The mean of a function that gives the embeddings that the server gives."""

    def letters(texts):
        return np.stack([vector(text) for text in texts])

    place = tmp_path_factory.mktemp("plain")
    return mean_map(xbench.evaluate(letters, TASK, output=place, no_progress=True))


@pytest.mark.parametrize(
    ("faults", "sent_again"),
    [
        ([], 0),
        ([None, server.cut, status(500), status(503), None, status(429, Retry_After="1")], 4),
        ([None, server.shuffled, server.shuffled], 0),
    ],
)
def test_the_same_scores_as_those_of_a_local_model(faults, sent_again, plain, tmp_path):
    with serving(faults=list(faults)) as running:
        results = evaluate(running.url, tmp_path, request_texts=16)
        assert not running.faults
    assert mean_map(results) == pytest.approx(plain)
    texts = [tuple(request["input"]) for request in running.requests]
    assert max(map(len, texts)) <= 16
    assert len(texts) - len(set(texts)) == sent_again


def test_requests_run_at_once_and_each_text_is_sent_once(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="xbench")
    with serving(seconds=0.1) as running:
        evaluate(running.url, tmp_path, request_texts=4)
        sent = len(running.texts)
        times = [request["time"] for request in running.requests[1:]]
        assert max(times) - min(times) < 0.1 * len(times) / 4
        first = len(running.requests)
        evaluate(running.url, tmp_path, request_texts=4)
        assert len(running.requests) == first
    tokens = sum(len(text) for request in running.requests for text in request["input"])
    assert f"{first} requests answered, {tokens:,} tokens" in caplog.text
    (line,) = (tmp_path / "results").rglob("run_settings.jsonl")
    own = json.loads(line.read_text())["xbench"]
    assert own["encoding"]["texts"] == own["encoding"]["encoded"] == sent
    assert own["encoding"]["tokens"] == tokens - len(running.requests[0]["input"][0])
    assert "--served-model letters --request-texts 4" in shlex.join(own["command"])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (server.wider, "17 dimensions came back; expected 16"),
        (server.ragged, "embeddings of 16 and of 17 dimensions came back"),
        (server.not_finite, "hold NaN or infinity, first of "),
        (server.nulls, "hold NaN or infinity, first of "),
        (server.shorter, r"15 embeddings came back for 16 texts"),
        (server.page, "Expecting value"),
        (status(400, "input is too long"), "400: input is too long"),
        (status(401, "no key"), "refused no key .401: no key.. Put a valid key into"),
        (status(404, "no model"), "404: no model.*Expected an address"),
        (status(429, "slow down", Retry_After="30"), "slow down.*It asks to wait 30 s"),
        (status(503), "503: try later.*Sent again for at most 1 s"),
        (server.cut, "cannot be reached"),
    ],
)
def test_an_error_ends_the_run_and_what_was_paid_for_is_kept(fault, message, tmp_path):
    options = {"request_texts": 16, "requests_at_once": 2, "retry_seconds": 1}
    with serving(faults=[None] * 6, always=fault, seconds=0.02) as running:
        with pytest.raises(UserError, match=f"letters: .*{message}") as raised:
            evaluate(running.url, tmp_path, **options)
        assert "What was encoded before is kept" in str(raised.value)
        assert not (tmp_path / "results").exists()
        paid = [tuple(request["input"]) for request in running.requests[1:6]]
        running.requests.clear()
        running.always, running.seconds = None, 0
        again = evaluate(running.url, tmp_path, **options)
        sent = [tuple(request["input"]) for request in running.requests[1:]]
        compared = [own for own in sent if len(own) == 8]
        assert 1 <= len(compared) <= 2
        assert not set(sent) & set(paid)
    assert len(again.files) == 1


def test_another_model_behind_the_same_address_is_noticed(plain, tmp_path, caplog):
    with serving(faults=[None] * 30, always=status(400)) as running:
        with pytest.raises(UserError):
            evaluate(running.url, tmp_path, request_texts=16, requests_at_once=1)
        running.always = None
        running.prefixes = {"": "another "}
        evaluate(running.url, tmp_path, request_texts=16)
        sent = running.texts
        assert "not the model whose embeddings are stored" in caplog.text
        running.prefixes = {}
        with serving() as fresh:
            evaluate(fresh.url, tmp_path / "fresh", request_texts=16)
            assert len(set(sent)) == len(set(fresh.texts))


def test_roles_prompts_and_no_prefix_twice(tmp_path, caplog):
    prefixes = {"query": "query: ", "passage": "passage: "}
    roles = {
        "served_query_options": {"input_type": "query"},
        "served_passage_options": {"input_type": "passage"},
    }
    with serving(prefixes=prefixes) as running:
        evaluate(running.url, tmp_path, **roles)
        assert {request["input_type"] for request in running.requests} == {"query", "passage"}
        assert not [text for text in running.texts if text.startswith(("query: ", "passage: "))]
        assert "alike" not in caplog.text
        assert "same embedding" not in caplog.text
        running.prefixes = {}
        evaluate(running.url, tmp_path / "ignored", **roles)
        assert "the same embedding as a query and as a passage" in caplog.text
        evaluate(running.url, tmp_path / "alike")
        assert "queries and passages are sent alike" in caplog.text
        running.requests.clear()
        prompted = evaluate(
            running.url, tmp_path / "prompts", query_prompt="query: ", passage_prompt="passage: "
        )
        assert {text.split()[0] for text in running.texts} == {"query:", "passage:"}
        assert "experiments" in str(next(iter(prompted.files.values())))


def test_models_by_role_and_asked_dimensions(tmp_path):
    with serving() as running:
        models = {"served_query_model": "q", "served_passage_model": "p", "served_model": None}
        results = evaluate(running.url, tmp_path, **models)
        assert {request["model"] for request in running.requests} == {"q", "p"}
        assert "local__q-p" in str(next(iter(results.files.values())))
        with pytest.raises(UserError, match="16 dimensions came back; expected 8"):
            evaluate(running.url, tmp_path, served_query_options={"dimensions": 8})


def test_a_server_that_is_not_there_is_reported_at_once(tmp_path):
    with serving() as running:
        url = running.url
    began = time.monotonic()
    with pytest.raises(UserError, match=r"cannot be reached .ConnectError.. Is the server running"):
        evaluate(url, tmp_path)
    assert time.monotonic() - began < 20
    assert not (tmp_path / "results").exists()


def waits(*faults):
    """Return the seconds between the requests of one text whose first answers are faults."""
    with serving(faults=list(faults)) as running:
        requests = Requests(running.url, None, "KEY", retry_seconds=20)
        found = requests.embeddings("letters", ["a text"], {}, None)
        np.testing.assert_array_equal(found, [vector("a text")])
        return np.diff([request["time"] for request in running.requests])


def test_waits_grow_and_are_as_long_as_the_server_asks():
    grown = waits(status(500), server.cut, status(502))
    assert (grown >= [0.37, 0.75, 1.5]).all()
    assert (grown <= [0.8, 1.3, 2.3]).all()
    (asked,) = waits(status(429, Retry_After="2"))
    assert 2 <= asked <= 2.5
    date = email.utils.formatdate(time.time() + 3, usegmt=True)
    (asked,) = waits(status(503, Retry_After=date))
    assert 1.5 <= asked <= 3.5


def test_a_spent_account_is_not_waited_for(tmp_path):
    def spent(handler, answer):
        handler.reply(429, {"error": {"message": "no money", "code": "insufficient_quota"}})

    with serving(always=spent) as running:
        with pytest.raises(UserError, match="no money"):
            Requests(running.url, None, "KEY", retry_seconds=20).embeddings("m", ["a"], {}, None)
        assert len(running.requests) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "which of the server's models"),
        ({"served_model": "m", "dtype": "float16"}, "--dtype cannot be applied"),
        ({"served_model": "m", "truncate_dim": 8}, "--truncate-dim cannot be applied"),
        ({"served_model": "m", "served_query_options": {"input": "x"}}, "'input' is set by xbench"),
        ({"served_model": "m", "api_key_env": "sk-secret"}, "no environment variable of this name"),
        ({"served_model": "m", "model": "https://me:sk-secret@host/v1"}, "without user, password"),
        ({"served_model": "m", "model": "https://host/v1?key=sk-secret"}, "without user, password"),
        ({"served_model": "m", "model": "xbench/bm25"}, "--served-model cannot be applied"),
        ({"served_model": "m", "model": "./folder"}, "--served-model cannot be applied"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(options, message, tmp_path):
    options = {"model": "http://127.0.0.1:9/v1"} | options
    with pytest.raises(UserError, match=message) as raised:
        evaluate(options.pop("model"), tmp_path, **{"served_model": None} | options)
    assert "sk-secret" not in str(raised.value)
    assert not (tmp_path / "results").exists()


def test_an_endpoint_is_no_cross_encoder():
    with pytest.raises(UserError, match=r"--rerank http.*expected a cross-encoder"):
        xbench.evaluate("xbench/bm25", TASK, rerank="http://127.0.0.1:9/v1")


def test_the_default_key_is_for_this_machine_and_encrypted_connections(monkeypatch):
    from xbench.models.endpoint import key_of

    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OTHER", "sk-other")
    options = ModelOptions("", served_model="m")
    named = ModelOptions("", served_model="m", api_key_env="OTHER")
    assert key_of(options, "http://localhost:1/v1")[1] == "sk-secret"
    assert key_of(options, "https://example.org/v1")[1] == "sk-secret"
    assert key_of(options, "http://example.org/v1")[1] is None
    assert key_of(named, "http://example.org/v1")[1] == "sk-other"


def test_identity_is_address_models_and_fields():
    def digest(model="http://h/v1", **options):
        return endpoint_of(ModelOptions(model, **{"served_model": "m"} | options)).digest

    same = digest()
    assert digest("http://h/v1/") == digest("http://h/v1/embeddings") == same
    assert digest(request_texts=1) == same
    changed = [
        digest("http://h:1/v1"),
        digest(served_model="n"),
        digest(served_query_model="n"),
        digest(served_passage_model="n"),
        digest(served_query_options={"a": 1}),
        digest(served_passage_options={"a": 1}),
    ]
    assert len({same, *changed}) == 7


@pytest.mark.integration
@pytest.mark.parametrize(
    "key", ["sk-right-8d2e41", pytest.param("sk-wrong-8d2e41", marks=pytest.mark.slow)]
)
def test_a_key_is_in_no_file_message_or_process_list(key, tmp_path):
    with serving(key="sk-right-8d2e41", seconds=0.05) as running:
        command = start(
            tmp_path / "work",
            *("--verbose", "evaluate", "--model", running.url, "--served-model", "letters"),
            *("--tasks", TASK, "--api-key-env", "MY_KEY", "--request-texts", 8),
            real=True,
            MY_KEY=key,
            OPENAI_LOG="debug",
        )
        lists = set()
        while command.returncode is None:
            with open(f"/proc/{command.pid}/cmdline", "rb") as file:  # noqa: PTH123
                lists.add(file.read())
            time.sleep(0.05)
        outcome = command.wait()
    assert outcome.returncode == (0 if "right" in key else 2), outcome.stderr
    assert {request["key"] for request in running.requests} == {key}
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(lists) >= 1
    for content in [*written, *lists, outcome.stdout.encode(), outcome.stderr.encode()]:
        assert key.encode() not in content
    if "wrong" in key:
        assert "refused the key in MY_KEY (401: Incorrect API key provided: ***)" in outcome.stderr
        assert not (tmp_path / "work" / "results").exists()
    else:
        assert '"--api-key-env", "MY_KEY"' in b"".join(written).decode("utf-8", "replace")


def test_results_are_valid_and_submitted_by_name(tmp_path):
    with serving() as running:
        words = ("--model", running.url, "--served-model", "letters", "--name", "me/letters")
        done = invoke(tmp_path, "evaluate", *words, "--tasks", TASK, "--no-progress")
    assert done.returncode == 0, done.stderr
    assert "tokens" in done.stderr
    checked = invoke(tmp_path, "validate", "results")
    assert checked.returncode == 0, checked.stdout
    assert (tmp_path / "results" / "me__letters").is_dir()


def test_calls_that_ended_are_yielded_before_the_error():
    ended = []

    def call(item):
        time.sleep(0.05)
        if item == 3:
            raise ValueError(item)
        return -item

    given_up = []
    with pytest.raises(ValueError, match="3"):
        for pair in at_once(call, range(100), 4, lambda: given_up.append(1)):
            ended.append(pair)
    assert {(0, 0), (1, -1), (2, -2)} <= set(ended)
    assert len(ended) < 12
    assert given_up


def test_interrupted_calls_are_yielded_and_then_the_interrupt_is_raised():
    def call(item):
        if item == 2:
            time.sleep(0.05)
            signal.raise_signal(signal.SIGINT)
        time.sleep(0.1)
        return item

    ended = []
    with pytest.raises(KeyboardInterrupt):
        for item, _ in at_once(call, range(100), 4, lambda: None):
            ended.append(item)
    assert set(range(4)) <= set(ended)
    assert len(ended) < 12
