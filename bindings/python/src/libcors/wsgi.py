# SPDX-License-Identifier: MIT OR Apache-2.0
"""CORS for WSGI applications: Flask, Django, Pyramid, bare WSGI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from types import GeneratorType
from typing import TYPE_CHECKING, Callable

from ._decision import Decision
from ._host import (
    INITIALS,
    MEMBERS,
    REFUSED,
    Host,
    PolicySource,
    may_be_own,
    merged,
)

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    Headers = list[tuple[str, str]]

WORDS = ("vary", ",", "*", "access-control-", "timing-allow-origin")


class CORSMiddleware(Host):
    """Answers preflights, and puts the policy's headers on every response of
    `app`, whatever its status.

        policy = Policy.from_file("cors.json")
        app.wsgi_app = CORSMiddleware(app.wsgi_app, policy=policy)

    `policy` is a Policy, the path of a policy file, or a mapping; you may
    assign another one later. Requests that the policy's `block` names do not
    reach `app`. The decision on any other request is in
    `environ["libcors.decision"]`. The server handles an exception that leaves
    `app`, as it does without this middleware.

    With `report_only`, the policy changes nothing. The logger `libcors` says
    what it would refuse or block, and the decision is in
    `environ["libcors.report_only"]`.
    """

    if TYPE_CHECKING:

        def __init__(
            self,
            app: WSGIApplication,
            policy: PolicySource,
            *,
            report_only: bool = False,
        ) -> None: ...

    else:

        def __init__(self, app, policy=None, *, report_only=False, **others):
            super().__init__(policy, report_only, others)
            self.app = app

    #: The application.
    app: WSGIApplication

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        policy = self._policy
        method = environ["REQUEST_METHOD"]
        if self.report_only:
            decision = self._decide(policy, method, environ)
            environ["libcors.report_only"] = decision
            return self.app(environ, start_response)
        # Here, and not in methods: every request pays for a call.
        try:
            if policy._blocks:
                decision = self._decide(policy, method, environ)
            else:
                origin = header(environ, "HTTP_ORIGIN")
                if method == "OPTIONS":
                    decision = policy._decide(
                        method,
                        origin,
                        header(environ, "HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
                        header(environ, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
                    )
                else:
                    # The other two headers matter for OPTIONS only.
                    decision = policy._decide(method, origin)
                if decision.verdict is REFUSED and may_be_own(
                    origin,
                    header(environ, "HTTP_HOST"),
                    header(environ, "HTTP_SEC_FETCH_SITE"),
                ):
                    decision = self._decide(policy, method, environ)
        except Exception:
            # It is raised again there, and logged.
            decision = self._decide(policy, method, environ)
        # With a dot, since others are CGI variables, and strings (PEP 3333).
        environ["libcors.decision"] = decision
        answer = text(decision.headers)
        if decision.status:
            return respond(start_response, decision, answer)

        response = Response(start_response, answer)
        body = self.app(environ, response)
        if response.is_pending and type(body) is not GeneratorType:
            # Unchanged: servers recognize their file wrapper by its class.
            response.start()
            return body
        return body if response.is_started else Body(response, body)

    def _members(self, request: WSGIEnvironment) -> list[bytes | None]:
        members = [header(request, key) for key in KEYS]
        scheme = request["wsgi.url_scheme"]
        members.append(b"https" if scheme == "https" else None)
        return members

    def _path(self, request: WSGIEnvironment) -> str:
        path: str = request.get("SCRIPT_NAME", "") + request.get(
            "PATH_INFO", ""
        )
        return path


#: The server has joined the fields of each header.
KEYS = ["HTTP_" + name.upper().replace("-", "_") for name in MEMBERS]


class Response:
    """The start_response of one response. It calls the server's as late as
    possible: until then, the application may replace its response, with
    exc_info, and gunicorn would send the headers of both."""

    __slots__ = ("_answer", "_pending", "_start_response", "_write")

    def __init__(self, start_response: StartResponse, answer: Headers) -> None:
        self._start_response = start_response
        self._answer = answer
        self._pending: tuple[str, Headers] | None = None
        self._write: Callable[[bytes], object] | None = None

    def __call__(
        self,
        status: str,
        headers: Headers,
        exc_info: OptExcInfo | None = None,
    ) -> Callable[[bytes], object]:
        # The list belongs to the application, which may reuse it.
        for name, _ in headers:
            if not name or name[0] in INITIALS:
                headers = merged(headers, self._answer, WORDS)
                break
        else:
            headers = [*headers, *self._answer]
        if not self.is_started:
            if exc_info or not self._pending:
                self._pending = status, headers
                return self.write
            # Called twice without exc_info: the server handles that error.
            self.start()
        if exc_info is None:
            return self._start_response(status, headers)
        return self._start_response(status, headers, exc_info)

    @property
    def is_started(self) -> bool:
        return self._write is not None

    @property
    def is_pending(self) -> bool:
        return self._pending is not None

    def start(self) -> None:
        """Calls the server's start_response if it is still to be called."""
        if self._pending:
            status, headers = self._pending
            self._pending = None
            self._write = self._start_response(status, headers)

    def write(self, data: bytes) -> None:
        self.start()
        if self._write:
            self._write(data)


class Body:
    """An application's iterable that has not begun. The application may start
    or replace its response before the first piece."""

    __slots__ = ("_body", "_pieces", "_response")

    def __init__(self, response: Response, body: Iterable[bytes]) -> None:
        self._response = response
        self._body = body
        self._pieces = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            piece = next(self._pieces)
        except StopIteration:
            self._response.start()
            raise
        self._response.start()
        return piece

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close:
            close()


def header(environ: WSGIEnvironment, key: str) -> bytes | None:
    """A request header; the server has joined its fields."""
    value: str | None = environ.get(key)
    if value is None:
        return None
    # PEP 3333 promises latin-1. Anything else becomes "?", which no origin,
    # method or header name may contain.
    return value.encode("latin-1", "replace").strip(b" \t")


def text(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in pairs
    ]


def respond(
    start_response: StartResponse, decision: Decision, headers: Headers
) -> Iterable[bytes]:
    status = decision.status
    body = decision.body
    if status != 204:
        # A 204 has none (RFC 9110, section 8.6).
        headers.append(("content-length", str(len(body))))
        # wsgiref.validate requires one, even with an empty body.
        headers.append(("content-type", "text/plain"))
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    # One piece: without one, hypercorn sends no response.
    return [body]
