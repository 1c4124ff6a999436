"""Downloads from a server that fails in every way, each with the right outcome and advice."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.hub_server import SIGNATURE, Fault, repository
from xbench._util.errors import UserError
from xbench._util.hub import retrying
from xbench.data.fetch import RemoteFile, check_room, fetch, summary

MIB = 1 << 20
CONTENT = random.Random(0).randbytes(4 * MIB + 17)
CDN = "^/_cdn/"


@pytest.fixture
def file(hub, tmp_path):
    """A file of 4 MiB of the hub that is not there yet."""
    folder = repository(hub.root, "datasets", "org/set")
    (folder / "a.parquet").write_bytes(CONTENT)
    return RemoteFile(
        name="org/set: a.parquet",
        url=f"{hub.address}/datasets/org/set/resolve/{folder.name}/a.parquet",
        path=tmp_path / "cache" / "a.parquet",
        digest=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        on_hub=True,
    )


@pytest.fixture
def raw(hub, tmp_path):
    """A file of a plain web server, whose size is not known."""
    (hub.root / "raw").mkdir()
    (hub.root / "raw" / "ar.json").write_bytes(CONTENT)
    return RemoteFile(
        name="ar.json",
        url=f"{hub.address}/raw/ar.json",
        path=tmp_path / "cache" / "ar.json",
        digest=hashlib.sha256(CONTENT).hexdigest(),
    )


def fails(file, *expected) -> str:
    with pytest.raises(UserError) as caught:
        fetch(file)
    message = str(caught.value)
    for words in expected:
        assert words in message
    assert SIGNATURE not in message
    assert "_cdn" not in message
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None
    return message


def test_a_file_is_fetched_once(hub, file):
    assert fetch(file).read_bytes() == CONTENT
    assert fetch(file).read_bytes() == CONTENT
    assert hub.sent(CDN) == len(CONTENT)
    assert not file.part.exists()


@pytest.mark.parametrize("kind", ["cut", "short"])
@pytest.mark.parametrize("name", ["file", "raw"])
def test_a_link_that_breaks_every_answer_gets_on(hub, pauses, request, kind, name):
    own = request.getfixturevalue(name)
    hub.faults = [Fault("^/(_cdn|raw)/", **{kind: MIB})]
    assert fetch(own).read_bytes() == CONTENT
    assert hub.sent("^/(_cdn|raw)/") <= 1.1 * len(CONTENT)
    assert len(pauses) <= 1


def test_a_link_that_resets_every_answer_gets_on(hub, pauses, file):
    """What is under way when a connection is reset is lost in the network."""
    hub.faults = [Fault(CDN, reset=MIB)]
    assert fetch(file).read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["file", "raw"])
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_that_fails_is_tried_again_with_growing_waits(hub, pauses, request, name, status):
    own = request.getfixturevalue(name)
    hub.faults = [Fault("a", status=status, times=5)]
    assert fetch(own).read_bytes() == CONTENT
    assert pauses == [1, 2, 4, 8, 16]


def test_the_server_says_when(hub, pauses, file):
    hub.faults = [Fault("resolve", status=429, times=2, headers={"Retry-After": "33"})]
    fetch(file)
    assert pauses == [33, 33]


def test_after_a_limit_it_stops_and_keeps_what_arrived(hub, pauses, file):
    hub.faults = [Fault(CDN, cut=MIB, times=1), Fault("resolve", skip=0, status=503)]
    hub.faults[1].skip = 1
    with retrying(100):
        fails(file, "HTTP status 503; tried again for 100 s", "1.0 MB are kept")
    assert sum(pauses) <= 100
    assert file.part.stat().st_size == MIB
    hub.faults, before = [], hub.sent(CDN)
    assert fetch(file).read_bytes() == CONTENT
    assert hub.sent(CDN) - before == len(CONTENT) - MIB


def test_a_server_that_wants_more_patience_than_there_is(hub, pauses, file):
    hub.faults = [Fault("resolve", status=429, headers={"Retry-After": "86400"})]
    fails(file, "asks to wait for 86,400 s", "log in with `hf auth login`")
    assert pauses == []


def test_a_server_that_was_never_reached_is_soon_given_up(pauses, tmp_path):
    file = RemoteFile("a", "http://127.0.0.1:9/a", tmp_path / "a", "0" * 64, 3)
    fails(file, "ConnectionError", "Check the network")
    assert sum(pauses) <= 15


@pytest.mark.parametrize(
    ("fault", "sent"), [(Fault("", garble=True), 3), (Fault("", garble=True, times=2), 1)]
)
def test_nothing_damaged_is_kept(hub, raw, file, fault, sent):
    hub.faults = [fault]
    own = raw if fault.times else file
    if fault.times:
        assert fetch(own).read_bytes() == CONTENT
    else:
        hub.faults = [Fault(CDN, garble=True)]
        fails(own, "what arrived is damaged; expected sha256", "proxy")
        assert hub.sent(CDN) == sent * len(CONTENT)
        assert not own.part.exists()
        assert not own.path.exists()


def test_a_page_instead_of_the_file(hub, pauses, file):
    hub.faults = [Fault(CDN, page=True)]
    fails(file, "36 bytes of text/html; expected 4194321")
    assert not file.path.exists()


def test_a_proxy_that_ignores_ranges(hub, pauses, file):
    hub.faults = [Fault(CDN, cut=MIB, times=1), Fault(CDN, whole=True)]
    assert fetch(file).read_bytes() == CONTENT
    file.path.unlink()
    hub.faults = [Fault(CDN, whole=True, cut=MIB)]
    fails(file, "a proxy in between ignores ranges; fetch the file without it")


def test_a_cut_part_that_is_longer_than_the_file_is_thrown_away(file):
    file.part.parent.mkdir()
    file.part.write_bytes(CONTENT + b"more")
    assert fetch(file).read_bytes() == CONTENT


def test_a_whole_part_is_checked_and_not_fetched_again(hub, file):
    file.part.parent.mkdir()
    file.part.write_bytes(CONTENT)
    assert fetch(file).read_bytes() == CONTENT
    assert hub.requests == []


@pytest.mark.parametrize(
    ("mark", "token", "expected"),
    [
        ("gated", None, ["access must be granted", "log in with `hf auth login`, or set HF_TOKEN"]),
        ("gated", "hf_stranger", ["Your token gives no access: ask for it"]),
        ("private", None, ["Check the name; if it is private, log in"]),
        (
            "private",
            "hf_stranger",
            ["if it is private, your token gives no access"],
        ),
    ],
)
def test_no_access(hub, file, monkeypatch, mark, token, expected):
    (hub.root / "datasets" / "org" / "set" / mark).touch()
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    message = fails(file)
    for words in expected:
        assert words.lower() in message.lower()
    assert "hf_stranger" not in message


def test_the_token_opens_the_hub_and_is_sent_to_it_only(hub, file, monkeypatch):
    (hub.root / "datasets" / "org" / "set" / "gated").touch()
    monkeypatch.setenv("HF_TOKEN", "hf_member")
    assert fetch(file).read_bytes() == CONTENT
    assert {(own.path.split("/")[1], own.authorized) for own in hub.requests} == {
        ("datasets", True),
        ("_cdn", False),
    }


def test_a_disk_that_is_too_small(file, monkeypatch):
    usage = type("Usage", (), {"free": MIB})
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage)
    with pytest.raises(UserError, match=r"4\.2 MB are to be fetched, and 1\.0 MB are free"):
        check_room([file])


FETCH = """
import resource, sys
from pathlib import Path
from xbench.data.fetch import RemoteFile, fetch
name, url, path, digest, size, largest = sys.argv[1:]
if int(largest):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
print(fetch(RemoteFile(name, url, Path(path), digest, int(size))))
"""


def start(file, largest=0) -> subprocess.Popen:
    words = (file.name, file.url, file.path, file.digest, file.size, largest)
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.integration
def test_a_full_disk(file):
    _, message = start(file, largest=MIB).communicate()
    assert "a.parquet: cannot be written (File too large). Make room" in message
    assert file.part.stat().st_size == MIB
    assert fetch(file).read_bytes() == CONTENT


@pytest.mark.integration
def test_a_killed_download_goes_on(hub, file):
    hub.faults = [Fault(CDN, stall=2 * MIB)]
    process = start(file)
    started = time.monotonic()
    while not (file.part.exists() and file.part.stat().st_size >= MIB):
        assert time.monotonic() - started < 60
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there, hub.faults, before = file.part.stat().st_size, [], hub.sent(CDN)
    assert fetch(file).read_bytes() == CONTENT
    assert hub.sent(CDN) - before == len(CONTENT) - there
    left = {path.name for path in file.path.parent.iterdir()}
    assert left == {"a.parquet", ".a.parquet.lock"}


@pytest.mark.integration
def test_two_processes_fetch_it_once(hub, file):
    hub.faults = [Fault(CDN, delay=1)]
    processes = [start(file), start(file)]
    assert [process.wait() for process in processes] == [0, 0]
    assert hub.sent(CDN) == len(CONTENT)


def test_the_summary_says_what_is_there(file):
    assert summary([file]) == "1 files, 0 of them there; 4.2 MB of 4.2 MB to fetch"
    file.part.parent.mkdir()
    file.part.write_bytes(CONTENT[: 2 * MIB])
    assert summary([file]) == "1 files, 0 of them there; 2.1 MB of 4.2 MB to fetch"
