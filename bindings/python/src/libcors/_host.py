# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the two middlewares share: the current policy, and the merging of a
decision's headers into a response."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, AnyStr, Union

from ._policy import Policy

#: A policy, or what one is made from: the path of a policy file, or the
#: policy as a mapping.
PolicySource = Union[Policy, str, "os.PathLike[str]", Mapping[str, object]]

#: The first letters of the names that `merged` is for: Access-Control-*,
#: Timing-Allow-Origin, Vary.
INITIALS = frozenset((*"aAtTvV", *b"aAtTvV"))


logger = logging.getLogger("libcors")

#: For how many seconds no other blocked request of an origin is logged, and
#: how many origins are remembered: clients choose them.
LOG_INTERVAL = 60
LOGGED_MAX = 1024


class Host:
    """Has the current policy."""

    def __init__(
        self, policy: PolicySource | None, others: Mapping[str, Any]
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
        self._logged: dict[bytes | None, float] = {}

    def _log_blocked(
        self,
        policy: Policy,
        method: str,
        origin: bytes | None,
        *others: bytes | None,
    ) -> None:
        """A warning, once a minute for each origin."""
        now = time.monotonic()
        if now - self._logged.get(origin, -LOG_INTERVAL) < LOG_INTERVAL:
            return
        if len(self._logged) >= LOGGED_MAX:
            self._logged.clear()
        self._logged[origin] = now
        logger.warning("%s", policy._explain(method, origin, *others))

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
