# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the two middlewares share: the policy that governs, and how the headers
of a decision get into a response."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, AnyStr, Union

from ._policy import Policy

#: A policy, or what one is made from: the path of a policy file, or the
#: policy as a mapping.
PolicySource = Union[Policy, str, "os.PathLike[str]", Mapping[str, object]]

#: How the names begin that `merged` is for: Access-Control-* and Vary.
INITIALS = frozenset((*"aAvV", *b"aAvV"))


class Host:
    """Holds the policy that governs."""

    def __init__(
        self, policy: PolicySource | None, others: Mapping[str, Any]
    ) -> None:
        """`others` are the keywords that are not ours, such as those of other
        middlewares: they are an error that names the policy to use."""
        if isinstance(policy, (list, tuple, set, frozenset)):
            # Starlette's second parameter.
            policy, others = None, {"allow_origins": policy, **others}
        if others or policy is None:
            from ._keywords import complaint

            raise TypeError(complaint(policy, others))
        self.policy = policy

    @property
    def policy(self) -> Policy:
        """The policy that governs.

        It may be assigned while requests run, by any thread: a Policy, the
        path of a policy file, or a mapping. A request is answered wholly under
        the policy that it began with. Where a path or a mapping is refused,
        PolicyError is raised, and the policy stays what it was.
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
    words: tuple[AnyStr, AnyStr, AnyStr, AnyStr],
) -> list[tuple[AnyStr, AnyStr]]:
    """An application's headers, and those of a decision.

    The application's Access-Control-* headers are dropped: the policy is the
    one authority. Of Vary only the names that are missing are added, and
    nothing beside "*" (RFC 9110, section 12.5.5). `words` are "vary", ",",
    "*" and "access-control-" in the type of the headers.
    """
    vary, comma, star, access_control = words
    kept = []
    varies: set[AnyStr] = set()
    for header in headers:
        name, value = header
        name = name.lower()
        if name == vary:
            varies.update(word.strip().lower() for word in value.split(comma))
        if not name.startswith(access_control):
            kept.append(header)
    for name, value in answer:
        if name == vary:
            value = comma.join(
                word
                for word in value.split(comma)
                if word.strip() not in varies
            ).strip()
            if star in varies or not value:
                continue
        kept.append((name, value))
    return kept
