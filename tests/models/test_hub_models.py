"""Models of a hub: loaded at a commit, offline afterwards, and refused with the right advice."""

from __future__ import annotations

import json
import shlex
import shutil

import pytest

from tests.commands import invoke, start
from tests.hub_server import COMMIT, SIGNATURE, Fault, repository
from xbench._util.hub import hub_access

pytestmark = pytest.mark.integration
NAME = "org/tiny"
LARGE = "^/_cdn/.*safetensors"


@pytest.fixture
def model(hub, tiny_folder):
    """A model of the hub; the folder of its files."""
    folder = repository(hub.root, "models", NAME)
    shutil.copytree(tiny_folder, folder, dirs_exist_ok=True)
    return folder


def evaluate(place, *words, **changed):
    own = ("evaluate", "--model", NAME, "-b", "XBenchMini", "-l", "de,en", "--no-progress")
    return invoke(place, *own, *words, **{"HF_HUB_OFFLINE": "0", **changed})


def refused(place, *words, **changed) -> str:
    outcome = evaluate(place, *words, **changed)
    assert outcome.returncode == 2
    assert "Traceback" not in outcome.stderr
    assert SIGNATURE not in outcome.stderr
    return outcome.stderr


def recorded(place) -> tuple[str, str]:
    """The folder of the results, and the command that repeats the first of them."""
    (path,) = place.glob("results/**/run_settings.jsonl")
    line = json.loads(path.read_text().splitlines()[0])
    return str(path.parent.relative_to(place)), line["xbench"]["command"]


def test_a_model_of_the_hub_is_evaluated_and_then_offline_too(hub, model, tmp_path):
    assert evaluate(tmp_path).returncode == 0
    before = recorded(tmp_path)
    requests = len(hub.requests)
    outcome = evaluate(tmp_path, "--offline", "--overwrite")
    assert outcome.returncode == 0, outcome.stderr
    assert recorded(tmp_path) == before
    assert len(hub.requests) == requests


def test_offline_without_refs_the_commit_that_is_there_is_taken(hub, model, tmp_path):
    assert evaluate(tmp_path).returncode == 0
    for path in (tmp_path / "hf" / "hub").glob("models--org--tiny/refs/*"):
        path.unlink()
    assert evaluate(tmp_path, "--offline", "--overwrite").returncode == 0


def test_the_recorded_command_names_the_commit(hub, model, tmp_path):
    assert evaluate(tmp_path).returncode == 0
    folder, command = recorded(tmp_path)
    assert f"--model {NAME} --revision {COMMIT}" in shlex.join(command)
    newer = repository(hub.root, "models", NAME, "2" * 40)
    shutil.copytree(model, newer, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "results")
    words = command[1:]
    assert invoke(tmp_path, *words, "--no-progress", HF_HUB_OFFLINE="0").returncode == 0
    assert recorded(tmp_path)[0] == folder


def test_code_that_comes_with_a_model_has_to_be_allowed(hub, model, tmp_path):
    config = json.loads((model / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig"}}
    (model / "config.json").write_text(json.dumps(config))
    (model / "own.py").write_text("raise SystemExit('the code was run')")
    assert "allow it with --trust-remote-code" in refused(tmp_path)


@pytest.mark.parametrize(
    ("mark", "token", "expected"),
    [
        ("private", "", "if it is private, log in with `hf auth login`, or set HF_TOKEN"),
        ("private", "hf_stranger", "if it is private, your token gives no access"),
        ("gated", "", "access must be granted: ask for it on the repository's page, and log in"),
        ("gated", "hf_stranger", "your token gives no access: ask for it on the repository's page"),
    ],
)
def test_no_access(hub, model, tmp_path, mark, token, expected):
    (model.parent / mark).touch()
    message = refused(tmp_path, **({"HF_TOKEN": token} if token else {}))
    assert expected in message
    assert "hf_stranger" not in message


def test_a_revision_that_is_gone(hub, model, tmp_path):
    message = refused(tmp_path, "--revision", "3" * 40)
    assert "the revision does not exist, or is gone: choose another one" in message


def test_a_hub_that_fails_is_tried_again_and_then_given_up(hub, model, tmp_path, pauses):
    hub.faults = [Fault("api/models", status=503, times=5), Fault(LARGE, status=500, times=5)]
    assert evaluate(tmp_path).returncode == 0
    assert pauses
    for forgotten in ("hf", "cache"):
        shutil.rmtree(tmp_path / forgotten)
    hub.faults = [Fault(LARGE, status=503)]
    message = refused(tmp_path, "--overwrite", "--retry-seconds", "20")
    assert "HTTP status 503; tried again for 20 s" in message
    hub.faults = [Fault("api/models", status=503)]
    message = refused(tmp_path, "--overwrite", "--retry-seconds", "20")
    assert "HTTP status 503; tried again for 20 s" in message


@pytest.mark.slow
@pytest.mark.parametrize("verbosity", ["", "warning"])
def test_no_message_is_written_twice(hub, model, tmp_path, verbosity):
    """In a real process, in which the hub's library has a handler of its own."""
    hub.faults = [Fault(LARGE, status=429, times=1)]
    changed = {"HF_HUB_VERBOSITY": verbosity} if verbosity else {}
    words = ("evaluate", "--model", NAME, "-b", "XBenchMini", "-l", "de,en", "--no-progress")
    place, home = tmp_path / "place", str(tmp_path / "hf")
    hub_of = {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "HF_HOME": home}
    outcome = start(place, *words, real=True, **hub_of, **changed).succeed()
    assert outcome.stderr.count("Retrying in") == (1 if verbosity else 0)
    assert ("thrown while requesting GET" in outcome.stderr) == bool(verbosity)
    assert SIGNATURE not in outcome.stderr


def test_a_missing_file_is_distinguished_from_a_hub_that_fails(hub, model):
    from xbench.models.hub_models import hub_file

    with hub_access(offline=False):
        assert hub_file(NAME, COMMIT, "no.json") is None
        hub.faults = [Fault("", method=method, status=503) for method in ("GET", "HEAD")]
        with pytest.raises(Exception, match=r"503|find the requested files"):
            hub_file(NAME, COMMIT, "config_sentence_transformers.json")
