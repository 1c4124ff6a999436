"""Processes that work for another, which is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from xbench._util.worker_pool import worker_pool

pytestmark = pytest.mark.integration

OWNER = """
import os, sys, time
from xbench._util.worker_pool import worker_pool

def pid(_):
    time.sleep(0.5)
    return os.getpid()

if __name__ == "__main__":
    with worker_pool(2, sys.argv[1]) as pool:
        print(*set(pool.map(pid, range(4))), flush=True)
        pool.submit(time.sleep, 600).result()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_workers_end_with_the_process_that_began_them(tmp_path, method):
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    command = [sys.executable, script, method]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        workers = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        assert workers
        os.kill(owner.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


def test_what_begins_a_worker_is_called_in_it():
    with worker_pool(1, "spawn", _mark) as pool:
        assert pool.submit(_marked).result() == "begun"
    assert _marked() is None


def _mark() -> None:
    os.environ["XBENCH_TEST_MARK"] = "begun"


def _marked() -> str | None:
    return os.environ.get("XBENCH_TEST_MARK")
