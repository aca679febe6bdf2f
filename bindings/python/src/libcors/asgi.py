# SPDX-License-Identifier: MIT OR Apache-2.0
"""CORS for ASGI applications: FastAPI, Starlette, Litestar, Quart, Django."""

from __future__ import annotations

from collections.abc import Awaitable, MutableMapping
from typing import Any, Callable

from ._host import INITIALS, Host, PolicySource, merged

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

WORDS = (b"vary", b",", b"*", b"access-control-")


class CORSMiddleware(Host):
    """Answers preflights, and puts the policy's headers on every response of
    `app`, whatever its status.

        app = CORSMiddleware(app, policy="cors.json")

    as the last line, around the finished application: then the framework's
    own answer to an unhandled exception has the headers too. `policy` is the
    path of a policy file, a dict, or a Policy; it may be assigned later.

    Only HTTP is touched: lifespan and WebSockets pass. An exception that
    leaves `app` is the server's, as it is without this middleware.
    """

    def __init__(self, app: ASGIApp, policy: PolicySource) -> None:
        super().__init__(policy)
        #: The application.
        self.app = app

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        _, decide, without_origin, options_without_origin = self._rules
        origin = None
        for name, value in scope["headers"]:
            if name == b"origin":
                origin = value if origin is None else origin + b"," + value

        if scope["method"] == "OPTIONS":
            if origin is None:
                answer = options_without_origin
            else:
                decision = decide(
                    "OPTIONS",
                    origin.strip(b" \t"),
                    joined(scope, b"access-control-request-method"),
                    joined(scope, b"access-control-request-headers"),
                )
                answer = decision.headers
                if decision.status:
                    await send_preflight(send, decision.status, answer)
                    return
        elif origin is None:
            answer = without_origin
        else:
            # Of other methods none counts, nor do the other two headers.
            answer = decide("GET", origin.strip(b" \t")).headers

        # Not a coroutine itself: that would cost as much again.
        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                for name, _ in headers:
                    if not name or name[0] in INITIALS:
                        headers = merged(headers, answer, WORDS)
                        break
                else:
                    headers += answer
                # The message is the application's; it may send it again.
                message = {**message, "headers": headers}
            return send(message)

        await self.app(scope, receive, send_with_headers)


def joined(scope: Scope, wanted: bytes) -> bytes | None:
    """The lines of a request header as one value; None where it is absent."""
    values = [value for name, value in scope["headers"] if name == wanted]
    return b",".join(values).strip(b" \t") if values else None


async def send_preflight(
    send: Send, status: int, answer: tuple[tuple[bytes, bytes], ...]
) -> None:
    headers = list(answer)
    if status != 204:
        # A 204 has none (RFC 9110, section 8.6).
        headers.append((b"content-length", b"0"))
    await send(
        {"type": "http.response.start", "status": status, "headers": headers}
    )
    await send({"type": "http.response.body", "body": b""})
