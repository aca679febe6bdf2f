# SPDX-License-Identifier: MIT OR Apache-2.0
"""CORS for ASGI applications: FastAPI, Starlette, Litestar, Quart, Django."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Callable

from ._host import INITIALS, Host, PolicySource, merged

# Each framework has its own types for these, TypedDicts and classes, and no
# narrower type here would accept all of them.
Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

WORDS = (b"vary", b",", b"*", b"access-control-", b"timing-allow-origin")

logger = logging.getLogger("libcors")


class CORSMiddleware(Host):
    """Answers preflights, and puts the policy's headers on every response of
    `app`, whatever its status.

        policy = Policy.from_file("cors.json")
        app = CORSMiddleware(app, policy=policy)

    Use this as the last line, around the finished application, so that the
    framework's own response to an unhandled exception has the headers too.
    `policy` is a Policy, the path of a policy file, or a mapping; you may
    assign another one later.

    The middleware changes only HTTP: lifespan and WebSockets pass. The server
    handles an exception that leaves `app`, as it does without this middleware.
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
            # The other two headers matter for OPTIONS only.
            decision = self._policy._decide(method, origin)
        answer = decision.headers
        if decision.status:
            await send_empty(send, decision.status, answer)
            return

        # Not a coroutine itself, which would cost as much again.
        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                for name, _ in headers:
                    if not name or name[0] in INITIALS:
                        headers = merged(headers, answer, WORDS)
                        break
                else:
                    headers += answer
                # The message belongs to the application, which may reuse it.
                message = {**message, "headers": headers}
            return send(message)

        await self.app(scope, receive, send_with_headers)


def joined(scope: Scope, wanted: bytes) -> bytes | None:
    """A request header, its fields joined; None if it is absent."""
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
    """Whether a running application makes the middleware, as Starlette does
    with added ones when the lifespan or the first request begins. If the
    lifespan raises an exception, servers conclude that the application does
    not support it, and do not report the exception. One that leaves a module
    stops them."""
    frame = sys._getframe(1)
    while frame := frame.f_back:  # type: ignore[assignment]
        if frame.f_code.co_flags & inspect.CO_COROUTINE:
            return True
        if frame.f_code.co_name == "<module>":
            return False
    return False
