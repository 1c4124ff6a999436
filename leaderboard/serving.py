"""Show a site on this machine alone."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from os import PathLike
from pathlib import Path
from typing import Any, cast

ADDRESS = "127.0.0.1"
NAMES = (ADDRESS, "localhost")
"""Names by which a page of this machine may be asked for."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Handler(SimpleHTTPRequestHandler):
    """A handler that answers only requests to this machine, lists no folder and logs nothing.

    A page of another site that has its own name lead to this machine sends that name as the host.
    """

    def parse_request(self) -> bool:
        """Parse a request, and refuse it if its host is another than this machine."""
        if not super().parse_request():
            return False
        port = cast(ThreadingHTTPServer, self.server).server_port
        if self.headers.get_all("Host", []) in [[f"{name}:{port}"] for name in NAMES]:
            return True
        self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This server is for this machine only")
        return False

    def list_directory(self, path: str | PathLike[str]) -> None:
        """Answer that there is nothing, as a folder without a first page is not part of a site."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        """Send a strict policy with each answer."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: ANN401
        """Write nothing."""


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the files in a folder, on this machine's own address.

    Raises:
        OSError: If the port cannot be used.
    """
    return ThreadingHTTPServer((ADDRESS, port), partial(Handler, directory=folder))
