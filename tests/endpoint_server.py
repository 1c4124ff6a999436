"""A small OpenAI-compatible embeddings server with faults that can be switched on.

``python -m tests.endpoint_server PORT SECONDS DIMENSIONS`` serves on loopback, SECONDS late.
"""

from __future__ import annotations

import base64
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

import numpy as np

DIMENSIONS = 16


def vector(text: str) -> np.ndarray:
    """Return how often the characters of each class modulo 16 are in a text."""
    codes = np.fromiter(map(ord, text), np.int64, len(text))
    return np.bincount(codes % DIMENSIONS, minlength=DIMENSIONS).astype(np.float32)


Answer = dict[str, Any]
Fault = Callable[["Handler", Answer], Answer | None]
"""What a fault makes of a good answer; None if it has answered in another way itself."""


@dataclass
class Server:
    """A running server.

    Attributes:
        url: Address for ``--model``.
        requests: The body of each request, with its key and its time.
        faults: What happens to the next requests, each once; None lets one pass.
        always: What happens to every request for which no fault waits.
        key: The key that is accepted; None accepts all.
        prefixes: What the server puts before texts, by their ``input_type``.
        seconds: How long an answer takes.
        dimensions: Dimensions of the embeddings; those beyond the first repeat them.
        upstream: Address of a server that answers instead.
    """

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    always: Fault | None = None
    key: str | None = None
    prefixes: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    dimensions: int = DIMENSIONS
    upstream: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def texts(self) -> list[str]:
        """All texts that were sent, without those of the first contact."""
        from xbench.models.endpoint_encoder import PROBE

        return [t for request in self.requests for t in request["input"] if t != PROBE]

    def answer(self, body: dict[str, Any]) -> Answer:
        if self.upstream is not None:
            sent = Request(
                f"{self.upstream}/embeddings",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            with urlopen(sent) as answered:
                found: Answer = json.load(answered)
                return found
        before = self.prefixes.get(body.get("input_type", ""), "")
        rows = [np.resize(vector(before + text), self.dimensions) for text in body["input"]]
        coded = body.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": place,
                "embedding": base64.b64encode(row.tobytes()).decode() if coded else row.tolist(),
            }
            for place, row in enumerate(rows)
        ]
        tokens = sum(map(len, body["input"]))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def log_message(self, *_: Any) -> None:
        pass

    def reply(self, code: int, content: Any, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with self.state.lock:
            self.state.requests.append({**body, "key": key, "time": time.monotonic()})
            fault = self.state.faults.pop(0) if self.state.faults else self.state.always
        if self.state.key not in (None, key):
            said = f"Incorrect API key provided: {key}"
            self.reply(401, {"error": {"message": said, "code": "invalid_api_key"}})
            return
        time.sleep(self.state.seconds)
        if self.path != "/v1/embeddings":
            self.reply(404, {"error": {"message": f"no route {self.path}"}})
            return
        answer = self.state.answer(body) if fault is None else fault(self, self.state.answer(body))
        if answer is not None:
            self.reply(200, answer)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        pass


@contextmanager
def serving(**about: Any) -> Iterator[Server]:
    """Serve on loopback while the context lasts."""
    state = Server(**about)
    handler = type("Bound", (Handler,), {"state": state})
    with _Server(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield state
        finally:
            server.shutdown()


def status(code: int, said: str = "try later", **headers: str) -> Fault:
    """Answer with an error."""

    def fault(handler: Handler, answer: Answer) -> None:
        handler.reply(code, {"error": {"message": said}}, **headers)

    return fault


def cut(handler: Handler, answer: Answer) -> None:
    """Close the connection in the middle of the answer."""
    body = json.dumps(answer).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def _rows(answer: Answer) -> list[np.ndarray]:
    return [np.frombuffer(base64.b64decode(own["embedding"]), "<f4") for own in answer["data"]]


def wider(handler: Handler, answer: Answer) -> Answer:
    """Answer with one more dimension."""
    for own, row in zip(answer["data"], _rows(answer), strict=True):
        own["embedding"] = [*row.tolist(), 1.0]
    return answer


def ragged(handler: Handler, answer: Answer) -> Answer:
    """Answer with one more dimension for the last text."""
    answer["data"][-1]["embedding"] = [*_rows(answer)[-1].tolist(), 1.0]
    return answer


def not_finite(handler: Handler, answer: Answer) -> Answer:
    """Answer with NaN in the last embedding."""
    answer["data"][-1]["embedding"] = [float("nan"), *_rows(answer)[-1][1:].tolist()]
    return answer


def nulls(handler: Handler, answer: Answer) -> Answer:
    """Answer with null in the last embedding."""
    answer["data"][-1]["embedding"] = [None, *_rows(answer)[-1][1:].tolist()]
    return answer


def shorter(handler: Handler, answer: Answer) -> Answer:
    """Answer with the last embedding missing."""
    answer["data"].pop()
    return answer


def shuffled(handler: Handler, answer: Answer) -> Answer:
    """Answer in another order, as the index says."""
    answer["data"].reverse()
    return answer


def page(handler: Handler, answer: Answer) -> None:
    """Answer with a page of a proxy."""
    handler.reply(200, b"<html>Bad gateway</html>")


if __name__ == "__main__":
    served = Server(seconds=float(sys.argv[2]), dimensions=int(sys.argv[3]))
    bound = type("Bound", (Handler,), {"state": served})
    _Server(("127.0.0.1", int(sys.argv[1])), bound).serve_forever()
