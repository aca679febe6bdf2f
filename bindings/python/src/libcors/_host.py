# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the two middlewares share: the current policy, the decision by a whole
request, and the merging of a decision's headers into a response."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, AnyStr, Union

from ._decision import Decision, Reason, Verdict
from ._policy import Policy

#: A policy, or what one is made from: the path of a policy file, or the
#: policy as a mapping.
PolicySource = Union[Policy, str, "os.PathLike[str]", Mapping[str, object]]

#: The first letters of the names that `merged` is for: Access-Control-*,
#: Timing-Allow-Origin, Vary.
INITIALS = frozenset((*"aAtTvV", *b"aAtTvV"))

#: The request headers that a decision depends on, in the order of
#: Policy.evaluate. After them comes the scheme.
MEMBERS = (
    "origin",
    "access-control-request-method",
    "access-control-request-headers",
    "host",
    "sec-fetch-site",
    "upgrade",
)
UPGRADE = MEMBERS.index("upgrade")

#: The decisions if none can be made: the second one if `block` may name the
#: request.
UNDECIDED = Decision(
    Verdict.REFUSED,
    Reason.NONE,
    0,
    (
        (
            b"vary",
            b"origin, access-control-request-method,"
            b" access-control-request-headers",
        ),
    ),
    None,
    None,
)
UNAVAILABLE = Decision(
    Verdict.BLOCKED,
    Reason.NONE,
    503,
    ((b"vary", b"origin"), (b"cache-control", b"no-store")),
    None,
    None,
)

#: Looking up a member of an enum would cost every request as much as a call.
REFUSED = Verdict.REFUSED
BLOCKED = Verdict.BLOCKED

logger = logging.getLogger("libcors")

#: For how many seconds no request like a logged one is logged, and how many
#: logged ones are remembered: clients choose them.
LOG_INTERVAL = 60
LOGGED_MAX = 1024


class Host:
    """Has the current policy."""

    #: Whether the policy changes nothing, and the logger says what it would
    #: refuse or block.
    report_only: bool

    def __init__(
        self,
        policy: PolicySource | None,
        report_only: bool,
        others: Mapping[str, Any],
    ) -> None:
        """`others` are unknown keywords, such as those of other middlewares.
        They raise an error that shows the policy to use."""
        if isinstance(policy, (list, tuple, set, frozenset)):
            # Starlette's second parameter.
            policy, others = None, {"allow_origins": policy, **others}
        if others or policy is None:
            from ._keywords import complaint

            raise TypeError(complaint(policy, others))
        self.policy = policy
        self.report_only = report_only
        self._logged: dict[int, float] = {}

    def _members(self, request: Any) -> list[bytes | None]:
        """The values of MEMBERS in a request, their fields joined with commas,
        and the scheme."""
        raise NotImplementedError

    def _path(self, request: Any) -> str:
        raise NotImplementedError

    def _decide(self, policy: Policy, method: str, request: Any) -> Decision:
        """The decision by everything that a request says."""
        # What cannot be read may be one.
        upgrade: bytes | None = b"websocket"
        try:
            members = self._members(request)
            upgrade = members[UPGRADE]
            decision = policy._evaluate(method, *members)
            # CORS does not cover WebSockets, so being refused does not matter.
            if (
                decision.verdict is BLOCKED
                or (self.report_only and upgrade is None)
            ) and decision.reason is not Reason.NONE:
                self._log(policy, method, members, self._path(request))
            return decision
        except Exception:
            logger.exception("CORSMiddleware: no decision on a request")
            is_safe = method in ("GET", "HEAD", "OPTIONS") and (
                upgrade is None or b"websocket" not in upgrade.lower()
            )
            return UNAVAILABLE if policy._blocks and not is_safe else UNDECIDED

    def _log(
        self,
        policy: Policy,
        method: str,
        members: list[bytes | None],
        path: str,
    ) -> None:
        """Warns of a request, once a minute for each origin, method and
        path."""
        now = time.monotonic()
        # Not themselves: they may be long.
        key = hash((members[0], method, path))
        if now - self._logged.get(key, -LOG_INTERVAL) < LOG_INTERVAL:
            return
        if len(self._logged) >= LOGGED_MAX:
            self._logged.clear()
        self._logged[key] = now
        # The path is escaped, as the explanation is: clients choose it.
        logger.warning(
            "%spath %a: %s",
            "report only: " if self.report_only else "",
            path,
            policy._explain(method, *members),
        )

    @property
    def policy(self) -> Policy:
        """The current policy.

        Any thread may assign another one while requests run: a Policy, the
        path of a policy file, or a mapping. The whole of a request uses the
        policy that it began with. If the new policy is rejected, the
        assignment raises PolicyError and changes nothing.
        """
        return self._policy

    @policy.setter
    def policy(self, policy: PolicySource) -> None:
        if isinstance(policy, (str, os.PathLike)):
            policy = Policy.from_file(policy)
        elif not isinstance(policy, Policy):
            policy = Policy(policy)
        self._policy = policy


def may_be_own(
    origin: bytes | None, host: bytes | None, fetch_site: bytes | None
) -> bool:
    """Whether a page of the site itself may have sent a request. If so, only
    the engine knows; if not, it need not be asked again."""
    if fetch_site is not None and fetch_site.strip() == b"same-origin":
        return True
    if origin is None or host is None:
        return False
    host = host.strip().lower()
    # An origin does not have a default port.
    return origin.endswith(host) or host.endswith((b":80", b":443"))


def merged(
    headers: Iterable[tuple[AnyStr, AnyStr]],
    answer: Iterable[tuple[AnyStr, AnyStr]],
    words: tuple[AnyStr, AnyStr, AnyStr, AnyStr, AnyStr],
) -> list[tuple[AnyStr, AnyStr]]:
    """An application's headers together with those of a decision.

    The application's Access-Control-* headers are dropped, because the policy
    is the only source; so is its Timing-Allow-Origin if the decision has one.
    Of Vary, only the missing names are added, and nothing if it is "*" (RFC
    9110, section 12.5.5). `words` are "vary", ",", "*", "access-control-" and
    "timing-allow-origin" in the type of the headers.
    """
    vary, comma, star, access_control, timing = words
    kept = []
    varies: set[AnyStr] = set()
    for header in headers:
        name, value = header
        name = name.lower()
        if name == vary:
            varies.update(word.strip().lower() for word in value.split(comma))
        elif name.startswith(access_control):
            continue
        kept.append(header)
    for name, value in answer:
        if name == vary and varies:
            value = comma.join(
                word
                for word in value.split(comma)
                if word.strip() not in varies
            ).strip()
            if star in varies or not value:
                continue
        elif name == timing:
            kept = without(kept, timing)
        kept.append((name, value))
    return kept


# In `merged`, a comprehension would make its words dearer for every response.
def without(
    headers: list[tuple[AnyStr, AnyStr]], name: AnyStr
) -> list[tuple[AnyStr, AnyStr]]:
    return [header for header in headers if header[0].lower() != name]
