# SPDX-License-Identifier: MIT OR Apache-2.0
"""CORS for WSGI applications: Flask, Django, Pyramid, bare WSGI."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Callable

from ._host import INITIALS, Host, PolicySource, merged

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WORDS = ("vary", ",", "*", "access-control-")


class CORSMiddleware(Host):
    """Answers preflights, and puts the policy's headers on every response of
    `app`, whatever its status.

        app.wsgi_app = CORSMiddleware(app.wsgi_app, policy="cors.json")

    `policy` is the path of a policy file, a dict, or a Policy; it may be
    assigned later. An exception that leaves `app` is the server's, as it is
    without this middleware; Flask and Django let none out.
    """

    def __init__(self, app: WSGIApplication, policy: PolicySource) -> None:
        super().__init__(policy)
        #: The application.
        self.app = app

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        _, decide, without_origin, options_without_origin = self._rules
        origin = header(environ, "HTTP_ORIGIN")

        if environ["REQUEST_METHOD"] == "OPTIONS":
            if origin is None:
                pairs = options_without_origin
            else:
                decision = decide(
                    "OPTIONS",
                    origin,
                    header(environ, "HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
                    header(environ, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
                )
                pairs = decision.headers
                if decision.status:
                    return preflight(
                        start_response, decision.status, text(pairs)
                    )
        elif origin is None:
            pairs = without_origin
        else:
            # Of other methods none counts, nor do the other two headers.
            pairs = decide("GET", origin).headers
        answer = text(pairs)

        def start_with_headers(
            status: str,
            headers: list[tuple[str, str]],
            exc_info: OptExcInfo | None = None,
        ) -> Callable[[bytes], object]:
            # The list is the application's; it may use it again.
            for name, _ in headers:
                if not name or name[0] in INITIALS:
                    headers = merged(headers, answer, WORDS)
                    break
            else:
                headers = [*headers, *answer]
            if exc_info is None:
                return start_response(status, headers)
            return start_response(status, headers, exc_info)

        return self.app(environ, start_with_headers)


def header(environ: WSGIEnvironment, key: str) -> bytes | None:
    """A request header; the server has joined its lines."""
    value: str | None = environ.get(key)
    if value is None:
        return None
    # PEP 3333 promises latin-1. What is not is "?", which no origin, method
    # or header name may hold.
    return value.encode("latin-1", "replace").strip(b" \t")


def text(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in pairs
    ]


def preflight(
    start_response: StartResponse, status: int, headers: list[tuple[str, str]]
) -> Iterable[bytes]:
    if status != 204:
        # A 204 has none (RFC 9110, section 8.6).
        headers.append(("content-length", "0"))
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return []
