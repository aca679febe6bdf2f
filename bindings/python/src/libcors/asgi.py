# SPDX-License-Identifier: MIT OR Apache-2.0
"""CORS for ASGI applications: FastAPI, Starlette, Litestar, Quart, Django."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Callable

from ._decision import Decision
from ._host import (
    INITIALS,
    MEMBERS,
    REFUSED,
    UPGRADE,
    Host,
    PolicySource,
    logger,
    may_be_own,
    merged,
)

# Each framework has its own types for these, TypedDicts and classes, and no
# narrower type here would accept all of them.
Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

WORDS = (b"vary", b",", b"*", b"access-control-", b"timing-allow-origin")


class CORSMiddleware(Host):
    """Answers preflights, and puts the policy's headers on every response of
    `app`, whatever its status.

        policy = Policy.from_file("cors.json")
        app = CORSMiddleware(app, policy=policy)

    Use this as the last line, around the finished application, so that the
    framework's own response to an unhandled exception has the headers too.
    `policy` is a Policy, the path of a policy file, or a mapping; you may
    assign another one later.

    Requests that the policy's `block` names, including WebSockets, do not
    reach `app`. The decision on any other request is in `scope["libcors"]`.
    The lifespan passes, and so do WebSockets if the policy blocks nothing. The
    server handles an exception that leaves `app`, as it does without this
    middleware.

    With `report_only`, the policy changes nothing. The logger `libcors` says
    what it would refuse or block, and the decision is in
    `scope["libcors.report_only"]`.
    """

    if TYPE_CHECKING:

        def __init__(
            self,
            app: ASGIApp,
            policy: PolicySource,
            *,
            report_only: bool = False,
        ) -> None: ...

    else:

        def __init__(self, app, policy=None, *, report_only=False, **others):
            try:
                super().__init__(policy, report_only, others)
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
        policy = self._policy
        if self.report_only:
            if scope["type"] == "http" or (
                scope["type"] == "websocket" and policy._blocks
            ):
                method = scope.get("method", "GET")
                decision = self._decide(policy, method, scope)
                scope["libcors.report_only"] = decision
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            if scope["type"] == "websocket" and policy._blocks:
                decision = self._decide(policy, "GET", scope)
                scope["libcors"] = decision
                if decision.status:
                    await deny(scope, receive, send, decision)
                    return
            await self.app(scope, receive, send)
            return

        method = scope["method"]
        # Here, and not in methods: every request pays for a call.
        try:
            if policy._blocks:
                decision = self._decide(policy, method, scope)
            else:
                if method == "OPTIONS":
                    origin, *asked = self._members(scope)[:3]
                    decision = policy._decide(method, origin, *asked)
                else:
                    # No other header matters.
                    origin = None
                    for name, value in scope["headers"]:
                        if name == b"origin":
                            origin = (
                                value
                                if origin is None
                                else origin + b"," + value
                            )
                    if origin is not None:
                        origin = origin.strip(b" \t")
                    decision = policy._decide(method, origin)
                if decision.verdict is REFUSED and may_be_own(
                    origin, *host_and_site(scope)
                ):
                    decision = self._decide(policy, method, scope)
        except Exception:
            # It is raised again there, and logged.
            decision = self._decide(policy, method, scope)
        # Not in a copy: frameworks put values into the scope for those around
        # them.
        scope["libcors"] = decision
        if decision.status:
            await respond(send, decision)
            return
        answer = decision.headers

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

    def _members(self, request: Scope) -> list[bytes | None]:
        members: list[bytes | None] = [None] * len(PLACES)
        for name, value in request["headers"]:
            if name in PLACES:
                place = PLACES[name]
                field = value.strip(b" \t")
                before = members[place]
                members[place] = (
                    field if before is None else before + b"," + field
                )
        if request["type"] == "websocket":
            members[UPGRADE] = b"websocket"
        scheme = request.get("scheme")
        members.append(b"https" if scheme in ("https", "wss") else None)
        return members

    def _path(self, request: Scope) -> str:
        path: str = request["path"]
        return path


PLACES = {name.encode(): place for place, name in enumerate(MEMBERS)}


def host_and_site(scope: Scope) -> tuple[bytes | None, bytes | None]:
    """Host and Sec-Fetch-Site. If one is repeated, the last field will do: the
    engine, which gets all of them, finds none of them the site's own."""
    host = fetch_site = None
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"sec-fetch-site":
            fetch_site = value
    return host, fetch_site


async def respond(
    send: Send, decision: Decision, prefix: str = "http.response"
) -> None:
    headers = list(decision.headers)
    body = decision.body
    if decision.status != 204:
        # A 204 has none (RFC 9110, section 8.6).
        headers.append((b"content-length", b"%d" % len(body)))
    if body:
        headers.append((b"content-type", b"text/plain"))
    await send(
        {
            "type": f"{prefix}.start",
            "status": decision.status,
            "headers": headers,
        }
    )
    await send({"type": f"{prefix}.body", "body": body})


async def deny(
    scope: Scope, receive: Receive, send: Send, decision: Decision
) -> None:
    """Refuses a WebSocket before it opens. Without the extension, the server
    makes its own 403 (ASGI specification, "Close - send event")."""
    await receive()
    if "websocket.http.response" in (scope.get("extensions") or ()):
        await respond(send, decision, "websocket.http.response")
    else:
        await send({"type": "websocket.close"})


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
