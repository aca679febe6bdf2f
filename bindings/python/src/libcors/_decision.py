# SPDX-License-Identifier: MIT OR Apache-2.0
"""The decision on one request, and the call that makes it."""

from __future__ import annotations

from ctypes import byref, sizeof, string_at
from dataclasses import dataclass

from . import _native
from ._names import Name


class Verdict(Name):
    """The kinds of decision. Later versions may add some, so act on status and
    headers instead."""

    #: The request has no Origin.
    NOT_CORS = "not_cors"
    #: An actual request whose response the origin may read.
    ALLOWED = "allowed"
    #: An actual request that gets no permission header. It is not blocked, but
    #: the browser does not let the page read the response. POLICY.md, "What
    #: refused means", has more.
    REFUSED = "refused"
    #: A preflight. Respond with the decision's status.
    PREFLIGHT_ALLOWED = "preflight_allowed"
    #: A preflight. Respond with the decision's status; the browser will not
    #: send the request that it asks for.
    PREFLIGHT_REFUSED = "preflight_refused"
    #: A request from a page of the same origin. It needs no permission, and
    #: gets none, since no pattern matches its origin.
    SAME_ORIGIN = "same_origin"
    #: A request that the policy's `block` names, from an origin that the
    #: policy does not trust. It must not reach the application.
    BLOCKED = "blocked"
    #: A newer one, which this version does not know.
    UNKNOWN = "unknown"


class Reason(Name):
    """Why a decision refuses. Later versions may add some."""

    #: Nothing was refused.
    NONE = "none"
    #: No pattern of the policy matches the origin.
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    #: Origin is not a single serialized origin, or is too long.
    ORIGIN_MALFORMED = "origin_malformed"
    #: The requested method is not allowed; culprit names it.
    METHOD_NOT_ALLOWED = "method_not_allowed"
    #: Access-Control-Request-Method is not a token, or is too long.
    METHOD_MALFORMED = "method_malformed"
    #: A requested header is not allowed; culprit names the first one.
    HEADER_NOT_ALLOWED = "header_not_allowed"
    #: Access-Control-Request-Headers is not a list of tokens, or is too long.
    HEADERS_MALFORMED = "headers_malformed"
    #: The request comes from another site's page, and `block` names its kind.
    CROSS_SITE = "cross_site"
    #: A newer one, which this version does not know.
    UNKNOWN = "unknown"


VERDICTS = dict(enumerate(Verdict))
REASONS = dict(enumerate(Reason))


@dataclass(frozen=True)
class Decision:
    """The decision on one request."""

    verdict: Verdict
    reason: Reason
    #: If not 0, respond at once with this status, and with the body `body`.
    status: int
    #: The headers to add, with names in lower case. A name can come twice. Of
    #: Vary, add only the names that the response does not list yet, and
    #: nothing if it is "*".
    headers: tuple[tuple[bytes, bytes], ...]
    #: The method or header name that was not allowed.
    culprit: str | None
    #: The policy's pattern that the origin matched.
    pattern: str | None

    @property
    def body(self) -> bytes:
        """The text/plain body of the response if status is not 0: of one to a
        blocked request, a line for people, otherwise empty."""
        is_blocked = self.status == 403 and self.verdict is Verdict.BLOCKED
        return BLOCKED_BODY if is_blocked else b""


#: CORS_BLOCKED_BODY of cors.h.
BLOCKED_BODY = (
    b"This request was blocked, because it came from another site.\n"
)


def evaluate(
    policy: int | None, method: str | None, *headers: bytes | None
) -> tuple[int, Decision]:
    """The status of cors_evaluate, and its decision. If it fails, it fails
    closed, and the decision is used like any other."""
    request = native_request(method, *headers)
    # One for each call: another thread may be deciding.
    decision = _native.Decision(_DECISION_SIZE)
    status: int = _native.evaluate(policy, byref(request), byref(decision))
    parts = iter(decision.headers[: 4 * decision.header_count])
    return status, Decision(
        VERDICTS.get(decision.verdict, Verdict.UNKNOWN),
        REASONS.get(decision.reason, Reason.UNKNOWN),
        decision.status,
        tuple(
            (
                _NAMES.get(name) or _name(name, name_len),
                string_at(value, value_len),
            )
            for name, name_len, value, value_len in zip(
                parts, parts, parts, parts
            )
        ),
        _native.text(decision.culprit, decision.culprit_len),
        _native.text(decision.pattern, decision.pattern_len),
    )


_DECISION_SIZE = sizeof(_native.Decision)
_REQUEST_SIZE = sizeof(_native.Request)

#: The names of headers by their addresses, which belong to the library.
_NAMES: dict[int, bytes] = {}


def _name(address: int, length: int) -> bytes:
    return _NAMES.setdefault(address, string_at(address, length))


def native_request(
    name: str | None, *headers: bytes | None
) -> _native.Request:
    """`headers` are in the order of cors_request; those not given are
    absent."""
    # No server passes on anything but latin-1; "?" is not a method.
    method = None if name is None else name.encode("latin-1", "replace")
    members: list[bytes | int | None] = [_REQUEST_SIZE]
    for text in (method, *headers):
        members += text, len(text or b"")
    return _native.Request(*members)
