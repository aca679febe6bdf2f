# SPDX-License-Identifier: MIT OR Apache-2.0
"""CORS for ASGI applications: FastAPI, Starlette, Litestar, Quart, Django."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Callable

from ._host import INITIALS, Host, PolicySource, merged

# Each framework has types of its own for these, TypedDicts and classes, which
# no narrower type here would accept.
Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

WORDS = (b"vary", b",", b"*", b"access-control-")

logger = logging.getLogger("libcors")


class CORSMiddleware(Host):
    """Answers preflights, and puts the policy's headers on every response of
    `app`, whatever its status.

        policy = Policy.from_file("cors.json")
        app = CORSMiddleware(app, policy=policy)

    as the last line, around the finished application: then the framework's
    own answer to an unhandled exception has the headers too. `policy` is a
    Policy, the path of a policy file, or a mapping; it may be assigned later.

    Only HTTP is touched: lifespan and WebSockets pass. An exception that
    leaves `app` is the server's, as it is without this middleware.
    """

    if TYPE_CHECKING:

        def __init__(self, app: ASGIApp, policy: PolicySource) -> None: ...

    else:

        def __init__(self, app, policy=None, **others):
            try:
                super().__init__(policy, others)
            except Exception as error:
                if called_by_coroutine():
                    logger.error("CORSMiddleware: %s", error)
                raise
            self.app = app

    #: The application.
    app: ASGIApp

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        method = scope["method"]
        origin = None
        for name, value in scope["headers"]:
            if name == b"origin":
                origin = value if origin is None else origin + b"," + value
        if origin is not None:
            origin = origin.strip(b" \t")

        if method == "OPTIONS":
            decision = self._policy._decide(
                method,
                origin,
                joined(scope, b"access-control-request-method"),
                joined(scope, b"access-control-request-headers"),
            )
        else:
            # These two count for OPTIONS alone.
            decision = self._policy._decide(method, origin)
        answer = decision.headers
        if decision.status:
            await send_empty(send, decision.status, answer)
            return

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


async def send_empty(
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


def called_by_coroutine() -> bool:
    """Whether an application that runs already makes a middleware, as
    Starlette does for added ones when the first request or the lifespan
    begins. Servers take an exception in the lifespan for an application
    without one, and say nothing of it. One that leaves a module stops them."""
    frame = sys._getframe(1)
    while frame := frame.f_back:  # type: ignore[assignment]
        if frame.f_code.co_flags & inspect.CO_COROUTINE:
            return True
        if frame.f_code.co_name == "<module>":
            return False
    return False
