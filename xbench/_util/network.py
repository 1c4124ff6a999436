"""Requests that fail: why, what to do about it, and for how long to try again."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from time import monotonic, sleep
from typing import Any, TypeVar

from xbench._util.hub import retry_seconds

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

LONGEST_PAUSE = 60.0
"""Seconds between two tries at most, unless the server asks for more."""

UNREACHED = 15.0
"""Seconds for which a server is tried that has never answered: its name or the network is wrong."""

LIBRARIES = {"httpcore", "httpx", "httpx2", "requests", "urllib3"}
"""Packages whose exceptions say that a request failed; huggingface_hub has changed among them."""

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"

_QUERY = re.compile(r"(https?://[^\s'\"<>?]+)\?[^\s'\"<>)]*")
_TOKEN = re.compile(r"\bhf_\w{4,}")


def redacted(text: str) -> str:
    """Return a text without signatures of addresses and without tokens.

    >>> redacted("403 for https://cdn.example/a?Signature=1 with hf_abcdef")
    '403 for https://cdn.example/a with hf_…'
    """
    return _TOKEN.sub("hf_…", _QUERY.sub(r"\1", text))


@dataclass(frozen=True)
class Failure:
    """Why a request failed.

    Attributes:
        reason: In words, without addresses.
        status: HTTP status of the answer; 0 if there was none.
        code: What the hub calls the error (``GatedRepo``).
        retry_after: Seconds after which the server asks to be tried again.
        untrusted: Whether the server's certificate is not trusted.
    """

    reason: str
    status: int = 0
    code: str = ""
    retry_after: float | None = None
    untrusted: bool = False

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        if self.status:
            return self.status in (408, 409, 425, 429) or self.status >= 500
        return not self.untrusted

    def advice(self, *, has_token: bool | None) -> str:
        """Return what to do about it, as a sentence that begins in lower case.

        Args:
            has_token: Whether the user is logged in; None where the server is not the hub.
        """
        if self.code == "GatedRepo" or self.status == 403:
            if has_token:
                return "your token gives no access: ask for it on the repository's page"
            return f"access must be granted: ask for it on the repository's page, and {LOG_IN}"
        if self.code == "RevisionNotFound":
            return "the revision does not exist, or is gone: choose another one"
        if self.code == "EntryNotFound":
            return "the repository has no such file"
        if self.status in (401, 404) and has_token is not None:
            if has_token:
                return "check the name; if it is private, your token gives no access"
            return f"check the name; if it is private, {LOG_IN}"
        if self.status == 407:
            return "the proxy asks for a name and password: write them into HTTPS_PROXY"
        if self.untrusted:
            return (
                "the server's certificate is not trusted: check the clock, and name the "
                "certificates of a proxy with REQUESTS_CA_BUNDLE and SSL_CERT_FILE"
            )
        if self.status == 429:
            return f"too many requests: try later, or {LOG_IN}, which allows more"
        return "check the network, or try later" if self.is_transient else "check the name"


def failure_of(error: BaseException) -> Failure | None:
    """Return why a request failed, by what an exception or one of its causes says of it.

    Returns:
        None if no request has failed.
    """
    found = None
    for cause in _chain(error):
        answer = getattr(cause, "response", None)
        if getattr(answer, "status_code", None):
            return failure_of_answer(answer)
        if "CERTIFICATE_VERIFY" in str(cause) or type(cause).__name__ == "SSLCertVerificationError":
            return Failure("certificate not trusted", untrusted=True)
        is_offline = type(cause).__name__ == "OfflineModeIsEnabled"
        named = type(cause).__module__.split(".")[0] in LIBRARIES
        if (named or isinstance(cause, (ConnectionError, TimeoutError))) and not is_offline:
            found = found or Failure(type(cause).__name__)
    return found


def failure_of_answer(answer: Any) -> Failure:  # noqa: ANN401
    """Return why a request failed that was answered, with the response of any HTTP library."""
    status = int(answer.status_code)
    code = str(answer.headers.get("X-Error-Code") or "")
    after = _seconds(answer.headers.get("Retry-After"))
    return Failure(f"HTTP status {status}{f' {code}' if code else ''}", status, code, after)


def _seconds(value: str | None) -> float | None:
    """Return what Retry-After says, which is a number or a date, in seconds."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(value)
        return max(0.0, (then - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class OutOfPatienceError(Exception):
    """A server has failed for too long.

    Attributes:
        failure: How it failed last.
    """

    def __init__(self, failure: Failure, seconds: float) -> None:
        wanted = failure.retry_after
        if wanted is not None and wanted > seconds:
            words = f"{failure.reason}; the server asks to wait for {wanted:,.0f} s"
        else:
            words = f"{failure.reason}; tried again for {seconds:,.0f} s"
        super().__init__(words)
        self.failure = failure


class Patience:
    """Waits between tries, longer each time, until nothing has come for too long.

    Args:
        what: What messages say that is tried.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._tries = 0
        self._since = monotonic()
        self._reached = False

    def progressed(self) -> None:
        """Take note that something has come: the time begins again."""
        self._tries, self._since, self._reached = 0, monotonic(), True

    def wait(self, failure: Failure) -> None:
        """Wait before the next try.

        Raises:
            OutOfPatienceError: If it would take longer than the user allows.
        """
        self._reached = self._reached or bool(failure.status)
        allowed = float(retry_seconds())
        allowed = allowed if self._reached else min(allowed, UNREACHED)
        pause = min(2.0**self._tries, LONGEST_PAUSE)
        pause = max(pause, failure.retry_after or 0.0)
        if monotonic() - self._since + pause > allowed:
            raise OutOfPatienceError(failure, allowed)
        logger.warning("%s: %s; trying again in %.0f s", self._what, failure.reason, pause)
        self._tries += 1
        sleep(pause)


def patiently(what: str, call: Callable[[], Result]) -> Result:
    """Return what a call gives, which is tried again while a server fails.

    Args:
        what: What messages say that is tried.
        call: What may raise an exception of any HTTP library.

    Raises:
        OutOfPatienceError: If the server fails for too long.
        Exception: What the call raises, if trying again would not help.
    """
    patience = Patience(what)
    while True:
        try:
            return call()
        except Exception as error:
            failure = failure_of(error)
            if failure is None or not failure.is_transient:
                raise
            patience.wait(failure)


def get_token() -> str | None:
    """Return the user's token for the hub, if there is one."""
    import huggingface_hub

    return huggingface_hub.get_token()
