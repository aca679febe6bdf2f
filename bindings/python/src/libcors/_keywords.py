# SPDX-License-Identifier: MIT OR Apache-2.0
"""The error for the keywords of other middlewares: it shows the equivalent
policy. MIGRATING.md has the same as tables."""

from __future__ import annotations

import datetime
import json
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from ._diagnostic import PolicyError
from ._policy import Policy

_ALL_METHODS = ["DELETE", "PATCH", "PUT"]

#: The keywords of each middleware with the policy's keys, and its defaults.
_PEERS: list[tuple[dict[str, str], dict[str, object]]] = [
    # Starlette
    (
        {
            "allow_origins": "allow_origins",
            "allow_origin_regex": "regex",
            "allow_methods": "allow_methods",
            "allow_headers": "allow_headers",
            "allow_credentials": "allow_credentials",
            "expose_headers": "expose_headers",
            "max_age": "max_age",
            "allow_private_network": "",
        },
        {"max_age": 600},
    ),
    # flask-cors
    (
        {
            "origins": "allow_origins",
            "methods": "allow_methods",
            "allow_headers": "allow_headers",
            "supports_credentials": "allow_credentials",
            "expose_headers": "expose_headers",
            "max_age": "max_age",
            "allow_private_network": "",
            "resources": "",
            "send_wildcard": "",
            "vary_header": "",
            "always_send": "",
            "automatic_options": "",
            "intercept_exceptions": "",
        },
        {
            "allow_origins": "*",
            "allow_methods": _ALL_METHODS,
            "allow_headers": "*",
        },
    ),
    # django-cors-headers
    (
        {
            "CORS_ALLOWED_ORIGINS": "allow_origins",
            "CORS_ALLOW_ALL_ORIGINS": "any",
            "CORS_ALLOWED_ORIGIN_REGEXES": "regex",
            "CORS_ALLOW_METHODS": "allow_methods",
            "CORS_ALLOW_HEADERS": "allow_headers",
            "CORS_ALLOW_CREDENTIALS": "allow_credentials",
            "CORS_EXPOSE_HEADERS": "expose_headers",
            "CORS_PREFLIGHT_MAX_AGE": "max_age",
            "CORS_ALLOW_PRIVATE_NETWORK": "",
            "CORS_URLS_REGEX": "",
        },
        {
            "allow_methods": _ALL_METHODS,
            "allow_headers": [
                "Authorization",
                "Content-Type",
                "User-Agent",
                "X-CSRFToken",
                "X-Requested-With",
            ],
            "max_age": 86400,
        },
    ),
]

_PRIVATE_NETWORK = "browsers no longer ask for it"
_PATHS = "a policy is for all paths; wrap a part of the application"

#: Why a keyword has no equivalent.
_REASONS = {
    "allow_private_network": _PRIVATE_NETWORK,
    "CORS_ALLOW_PRIVATE_NETWORK": _PRIVATE_NETWORK,
    "resources": _PATHS,
    "CORS_URLS_REGEX": _PATHS,
    "send_wildcard": '"*" is always sent as "*"',
    "vary_header": "Vary is always sent if it is needed",
    "always_send": 'without Origin, only "*" is sent',
    "automatic_options": "preflights never reach the application",
    "intercept_exceptions": "every response has the headers",
}

_EXAMPLE = "https://app.example.com"


def complaint(policy: object, others: Mapping[str, Any]) -> str:
    """The message for `others`, which are unknown keywords."""
    if not others:
        return 'CORSMiddleware needs a policy; add policy="cors.json"'
    named = " and ".join(
        filter(None, [", ".join([*others][:-1]), [*others][-1]])
    )
    if policy is not None or not _peer(others)[0].keys() & others:
        return f"CORSMiddleware takes app, policy and report_only, not {named}"
    translated, notes = _translated(others)
    members = ",\n".join(
        f'    "{key}": {json.dumps(value, default=str)}'
        for key, value in translated.items()
    )
    text = f"{{\n{members}\n}}"
    notes += _diagnostics(text)
    return "\n".join(
        [
            f"CORSMiddleware takes a policy, not {named}; use"
            ' policy="cors.json" with this file:',
            text,
            *(f"note: {note}" for note in notes),
        ]
    )


def _translated(
    others: Mapping[str, Any],
) -> tuple[dict[str, Any], list[str]]:
    """The policy, and notes about everything that it cannot express."""
    known, defaults = _peer(others)
    notes = []
    keys = dict(defaults)
    for name, value in others.items():
        key = known.get(name)
        if key:
            keys[key] = value
        if key == "regex" and value:
            notes.append(
                f"{name} cannot be translated, as patterns are not regular"
                " expressions; add the origins to allow_origins, or patterns"
                " such as https://*.example.com"
            )
        if not key and value:
            reason = _REASONS.get(name, "it is unknown")
            notes.append(f"{name} has no equivalent: {reason}")

    origins = _list(keys.get("allow_origins"))
    if "*" in origins or keys.get("any"):
        origins = ["*"]
    if not origins:
        origins = [_EXAMPLE]
        notes.append(f"{_EXAMPLE} is an example; use your own origins")
    policy: dict[str, Any] = {"allow_origins": origins}
    if keys.get("allow_credentials"):
        if origins == ["*"]:
            notes.append(
                'allow_credentials cannot be combined with "*", as any site'
                " could act as its visitors; list the origins to use it"
            )
        else:
            policy["allow_credentials"] = True

    methods = [name.upper() for name in _list(keys.get("allow_methods"))]
    # The protocol always allows these, or browsers do not ask for them.
    free = ("GET", "HEAD", "POST", "OPTIONS")
    policy["allow_methods"] = (
        ["*"] if "*" in methods else [m for m in methods if m not in free]
    )
    headers = _list(keys.get("allow_headers"))
    if "*" in headers:
        # They allow every requested header; "*" allows all except this one.
        headers = ["*", "Authorization"]
    elif known is _PEERS[0][0] and "content-type" not in {
        name.lower() for name in headers
    }:
        # Starlette always allows it.
        headers = [*headers, "Content-Type"]
    policy["allow_headers"] = headers
    exposed = _list(keys.get("expose_headers"))
    policy["expose_headers"] = ["*"] if "*" in exposed else exposed
    policy["max_age"] = _seconds(keys.get("max_age"))
    return {
        key: value
        for key, value in policy.items()
        if value is not None and value != []
    }, notes


def _peer(
    others: Mapping[str, Any],
) -> tuple[dict[str, str], dict[str, object]]:
    """The middleware that most of the keywords belong to."""
    return max(_PEERS, key=lambda peer: len(peer[0].keys() & others))


def _list(value: object) -> list[str]:
    """The strings of a keyword: one, or a list, tuple or set of them."""
    if value is None:
        return []
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if not isinstance(value, Iterable):
        value = [value]
    return list(dict.fromkeys(map(str, value)))


def _seconds(value: object) -> object:
    if isinstance(value, datetime.timedelta):
        return int(value.total_seconds())
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value


def _diagnostics(text: str) -> list[str]:
    """The diagnostics of the policy, whose values may be wrong or risky."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [str(each) for each in Policy(text).warnings]
    except PolicyError as error:
        return [str(each) for each in error.diagnostics]
