"""A stand-in for the Hugging Face hub on 127.0.0.1, with faults that can be switched on.

It serves ``ROOT/{models,datasets}/<organisation>/<name>/``: a folder per commit (40 hex digits)
with its files, ``refs.json`` that names commits (``{"main": commit}``), and an empty file ``gated``
or ``private`` where the repository is. ``ROOT/raw/`` is served under ``/raw/`` as by any server.
The token ``hf_member`` opens everything, ``hf_stranger`` is valid and opens nothing.

As on the hub, small files are redirected to by a relative 307, large ones by a 302 to another host
with a signed address; ETag, X-Repo-Commit, X-Linked-Size, X-Linked-Etag, ranges and X-Error-Code
are the hub's. There is no xet, no whoami and no upload.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

SIGNATURE = "Signature=5ecre7"
"""Part of the address of every large file, which no message may show."""

COMMIT = "c0ffee" * 6 + "c0ff"
LARGE = 1 << 20
LFS_SUFFIXES = (".parquet", ".safetensors", ".bin", ".gz")
PIECE = 1 << 16


@dataclass
class Fault:
    """What goes wrong with requests whose path matches; the first that fits applies.

    Attributes:
        path: Regular expression.
        method: Method of the request.
        skip: Requests that are answered well first.
        times: Requests that it applies to; None for all.
        status: Status of the answer, with `headers`.
        delay: Seconds before the answer.
        reset: Bytes after which the connection is reset.
        cut: Bytes after which it is closed, while Content-Length is that of all.
        short: Bytes that are sent and that Content-Length is of.
        stall: Bytes after which nothing comes any more.
        garble: Whether the content is another one of the same length.
        page: Whether a page is sent instead, as the login page of a network.
        whole: Whether ranges are ignored.
    """

    path: str = ""
    method: str = "GET"
    skip: int = 0
    times: int | None = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    reset: int | None = None
    cut: int | None = None
    short: int | None = None
    stall: int | None = None
    garble: bool = False
    page: bool = False
    whole: bool = False


NONE = Fault()


@dataclass(frozen=True)
class Request:
    """A request that was answered: what was asked for, and how many bytes of content were sent."""

    method: str
    path: str
    range: str | None
    authorized: bool
    status: int
    sent: int


class ConnectionEnds(Exception):  # noqa: N818
    """The connection ends here."""


class StandInHub(ThreadingHTTPServer):
    """Repositories, faults, and what was requested."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._digests: dict[tuple[str, int, int], tuple[int, str, str]] = {}

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that is gone, or of a connection that was reset."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def sent(self, path: str = "") -> int:
        """Return the bytes that were sent of paths that match a regular expression."""
        return sum(own.sent for own in self.requests if re.search(path, own.path))

    def fault(self, method: str, path: str) -> Fault:
        """Return the fault that applies now, counting its use."""
        with self._lock:
            for fault in self.faults:
                if fault.method != method or not re.search(fault.path, path) or fault.times == 0:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return NONE

    def digests(self, path: Path) -> tuple[int, str, str]:
        """Return size, git's blob id and SHA-256 of a file."""
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        if key not in self._digests:
            content = path.read_bytes()
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            self._digests[key] = (len(content), blob, hashlib.sha256(content).hexdigest())
        return self._digests[key]


@contextmanager
def serving(root: Path) -> Iterator[StandInHub]:
    """Serve a folder meanwhile."""
    hub = StandInHub(root)
    threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()


def repository(root: Path, kind: str, name: str, commit: str = COMMIT) -> Path:
    """Make a repository and return the folder of its files."""
    folder = root / kind / name / commit
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "refs.json").write_text(json.dumps({"main": commit}))
    return folder


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server: StandInHub

    def do_GET(self) -> None:
        self.sent = self.status = 0
        url = urlsplit(self.path)
        self.rule = self.server.fault(self.command, url.path)
        try:
            time.sleep(self.rule.delay)
            if self.rule.status:
                self.answer(self.rule.status, b"fault", **self.rule.headers)
            elif self.rule.page:
                page = b"<html>Sign in to this network</html>"
                self.answer(200, page, Content_Type="text/html")
            else:
                self.route(unquote(url.path), parse_qs(url.query))
        except (ConnectionEnds, BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        self.server.requests.append(
            Request(
                self.command,
                self.path,
                self.headers.get("Range"),
                "Authorization" in self.headers,
                self.status,
                self.sent,
            )
        )

    do_HEAD = do_POST = do_GET  # noqa: N815

    def route(self, path: str, query: dict) -> None:
        root = self.server.root
        if match := re.fullmatch(r"/raw/(.+)", path):
            file = root / "raw" / match[1]
            return self.file(file) if file.is_file() else self.error(404, None, "Not Found")
        if match := re.fullmatch(r"/_cdn/(models|datasets)/([^/]+/[^/]+)/(\w{40})/(.+)", path):
            return self.file(root / match[1] / match[2] / match[3] / match[4])
        pattern = r"/api/resolve-cache/(models|datasets)/([^/]+/[^/]+)/(\w{40})/(.+)"
        if match := re.fullmatch(pattern, path):
            file = root / match[1] / match[2] / match[3] / match[4]
            return self.file(file, ETag=f'"{self.server.digests(file)[1]}"', X_Repo_Commit=match[3])
        if match := re.fullmatch(r"(/datasets)?/([^/]+/[^/]+)/resolve/(.+)", path):
            return self.resolve("datasets" if match[1] else "models", match[2], match[3])
        if match := re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+?)(?:/(.+))?", path):
            return self.api(match[1], match[2], match[3] or "revision/main", query)
        return self.error(404, None, "Not Found")

    def repository(self, kind: str, name: str) -> Path | None:
        """Return the folder; None once it was answered that there is none or no access."""
        folder = self.server.root / kind / name
        token = self.headers.get("Authorization")
        hidden = (folder / "private").exists() and token != "Bearer hf_member"
        if folder.is_dir() and not hidden:
            return folder
        if token:
            self.error(404, "RepoNotFound", "Repository not found")
        else:
            self.error(401, None, "Invalid username or password.")
        return None

    def commit(self, folder: Path, revision: str) -> str | None:
        commit = json.loads((folder / "refs.json").read_text()).get(revision, revision)
        if re.fullmatch(r"\w{40}", commit) and (folder / commit).is_dir():
            return commit
        self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return None

    def resolve(self, kind: str, name: str, rest: str) -> None:
        if (folder := self.repository(kind, name)) is None:
            return None
        token = self.headers.get("Authorization")
        if (folder / "gated").exists() and token != "Bearer hf_member":
            message = f"Access to {kind[:-1]} {name} is restricted."
            return self.error(403 if token else 401, "GatedRepo", message)
        revision, _, path = rest.partition("/")
        if (commit := self.commit(folder, revision)) is None:
            return None
        file = folder / commit / path
        if not file.is_file():
            return self.error(404, "EntryNotFound", "Entry not found", X_Repo_Commit=commit)
        size, blob, digest = self.server.digests(file)
        place = f"{kind}/{name}/{commit}/{quote(path)}"
        large = is_large(file, size)
        cdn = f"http://localhost:{self.server.server_port}/_cdn/{place}?{SIGNATURE}&Expires=9"
        return self.answer(
            302 if large else 307,
            b"Found",
            Location=cdn if large else f"/api/resolve-cache/{place}",
            X_Repo_Commit=commit,
            X_Linked_Size=size,
            X_Linked_ETag=f'"{digest if large else blob}"',
        )

    def api(self, kind: str, name: str, rest: str, query: dict) -> None:
        what, _, rest = rest.partition("/")
        if (folder := self.repository(kind, name)) is None:
            return None
        revision, _, path = rest.partition("/")
        if (commit := self.commit(folder, revision)) is None:
            return None
        files = [self.entry(f, folder / commit) for f in sorted((folder / commit).rglob("*"))]
        files = [own for own in files if own]
        if what == "revision":
            return self.json(information(name, commit, folder, files))
        folders = {
            str(p): {"type": "directory", "oid": "0" * 40, "size": 0, "path": str(p)}
            for own in files
            for p in Path(own["path"]).parents
            if str(p) != "."
        }
        if what == "paths-info":
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked = parse_qs(body).get("paths", [])
            found = [own for own in files if own["path"] in asked]
            return self.json(found + [folders[p] for p in asked if p in folders])
        if what == "tree":
            inside = [own for own in files if not path or own["path"].startswith(f"{path}/")]
            if path and not inside:
                return self.error(404, "EntryNotFound", f"{path} does not exist on {revision}")
            if query.get("recursive", ["false"])[0].lower() not in ("true", "1"):
                depth = path.count("/") + 1 if path else 0
                inside = [*folders.values(), *inside]
                inside = [own for own in inside if own["path"].count("/") == depth]
                inside = [own for own in inside if own["path"].startswith(path)]
            return self.json(inside)
        return self.error(404, None, "Not Found")

    def entry(self, file: Path, folder: Path) -> dict | None:
        if not file.is_file():
            return None
        size, blob, digest = self.server.digests(file)
        found = {"type": "file", "oid": blob, "size": size, "path": str(file.relative_to(folder))}
        if is_large(file, size):
            found["lfs"] = {"oid": digest, "size": size, "pointerSize": 134}
        return found

    def json(self, value: object) -> None:
        self.answer(200, json.dumps(value).encode(), Content_Type="application/json")

    def error(self, status: int, code: str | None, message: str, **headers: object) -> None:
        named = {"X_Error_Message": message, **({"X_Error_Code": code} if code else {})}
        body = json.dumps({"error": message}).encode()
        self.answer(status, body, Content_Type="application/json", **named, **headers)

    def file(self, path: Path, **headers: object) -> None:
        size = path.stat().st_size
        start, end, status = 0, size, 200
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if match and not self.rule.whole:
            first, last = match[1], match[2]
            start = int(first) if first else max(0, size - int(last))
            end = min(size, int(last) + 1) if first and last else size
            if start >= size:
                return self.answer(416, b"", Content_Range=f"bytes */{size}")
            status, headers["Content_Range"] = 206, f"bytes {start}-{end - 1}/{size}"
        headers.setdefault("ETag", f'"{self.server.digests(path)[2]}"')
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(end - start)
        return self.answer(status, content, Accept_Ranges="bytes", **headers)

    def answer(self, status: int, content: bytes, **headers: object) -> None:
        rule = self.rule
        self.status = status
        if status < 300 and rule.garble:
            content = bytes(255 - byte for byte in content)
        if status < 300 and rule.short is not None:
            content = content[: rule.short]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        limits = [own for own in (rule.reset, rule.cut, rule.stall) if own is not None]
        until = min(limits, default=len(content)) if status < 300 else len(content)
        for at in range(0, min(until, len(content)), PIECE):
            piece = content[at : min(at + PIECE, until)]
            self.wfile.write(piece)
            self.sent += len(piece)
        self.wfile.flush()
        if until >= len(content):
            return
        if rule.stall is not None:
            time.sleep(600)
        if rule.reset is not None:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.shutdown(socket.SHUT_RD)
            self.connection.close()
        raise ConnectionEnds

    def log_message(self, *arguments: object) -> None:
        """Say nothing; `requests` has it."""


def is_large(file: Path, size: int) -> bool:
    return size > LARGE or file.suffix in LFS_SUFFIXES


def information(name: str, commit: str, folder: Path, files: list[dict]) -> dict:
    return {
        "_id": "0" * 24,
        "id": name,
        "modelId": name,
        "author": name.split("/")[0],
        "sha": commit,
        "private": (folder / "private").exists(),
        "gated": "manual" if (folder / "gated").exists() else False,
        "disabled": False,
        "downloads": 1,
        "likes": 0,
        "tags": [],
        "lastModified": "2025-01-01T00:00:00.000Z",
        "createdAt": "2025-01-01T00:00:00.000Z",
        "siblings": [{"rfilename": own["path"]} for own in files],
        "cardData": {},
    }
