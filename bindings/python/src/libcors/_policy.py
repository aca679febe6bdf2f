# SPDX-License-Identifier: MIT OR Apache-2.0
"""A policy: how it is loaded, and how it decides."""

from __future__ import annotations

import functools
import os
import re
import sys
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence, Set
from ctypes import byref, c_void_p, create_string_buffer, get_errno
from dataclasses import replace
from typing import Any, NoReturn

from . import _native
from ._decision import Decision, Verdict, evaluate, native_request
from ._diagnostic import (
    Diagnostic,
    PolicyError,
    PolicyWarning,
    placed,
    read_diagnostic,
)

#: How many decisions a policy remembers, and the maximum size of their
#: requests in bytes: clients choose these, and they stay in memory.
_CACHED = 1024
_CACHED_LENGTH = 512


def public_suffix_list_date() -> str:
    """The date of the built-in public suffix list, "2026-10-22".

    The list decides whether anyone can get a name that a wildcard matches.
    """
    date: bytes = _native.public_suffix_list_date()
    return date.decode()


class Policy:
    """A loaded policy. It never changes, so any number of threads, and of
    processes after a fork, may use it at the same time. To replace a policy,
    load another one and use it from the next request on."""

    __slots__ = (
        "__weakref__",
        "_any_origin",
        "_blocks",
        "_cached",
        "_engine",
        "warnings",
    )

    #: Its warnings. Each also went to the warnings module, as a PolicyWarning.
    warnings: tuple[Diagnostic, ...]

    def __init__(self, policy: str | bytes | Mapping[str, object]) -> None:
        """Loads a policy from JSON, or from a mapping of the same form, such
        as a dict. Sets and tuples in it are arrays.

        Raises PolicyError if it is rejected, TypeError or ValueError if a
        mapping cannot be written as JSON."""
        if isinstance(policy, Mapping):
            text = _json(policy)
        elif isinstance(policy, str):
            # A lone surrogate becomes an error with its location.
            text = policy.encode("utf-8", "surrogatepass")
        elif isinstance(policy, bytes):
            text = policy
        else:
            raise TypeError(
                "expected a policy as a mapping, or as JSON in a str or bytes,"
                f" found {type(policy).__name__}; use Policy.from_file to load"
                " a file"
            )
        try:
            self._load(
                _native.policy_load,
                text,
                len(text),
                has_places=not isinstance(policy, Mapping),
            )
        except PolicyError as error:
            first = error.diagnostics[0]
            if first.code != "json-syntax" or not _is_path(text):
                raise
            raise PolicyError((_no_json(first, text),)) from None

    @classmethod
    def from_file(cls, path: str | bytes | os.PathLike[Any]) -> Policy:
        """Loads the policy file at path.

        Raises PolicyError if it is rejected, OSError (FileNotFoundError and
        the like) with the absolute path if it cannot be read."""
        encoded = os.fsencode(path)
        if b"\0" in encoded:
            raise ValueError(f"there is a NUL in the path {path!r}")
        self = cls.__new__(cls)
        self._load(
            _native.policy_load_file, encoded, file=os.fsdecode(encoded)
        )
        return self

    def evaluate(
        self,
        *,
        method: str | bytes | None = None,
        origin: str | bytes | None = None,
        request_method: str | bytes | None = None,
        request_headers: str | bytes | None = None,
        host: str | bytes | None = None,
        fetch_site: str | bytes | None = None,
        upgrade: str | bytes | None = None,
        scheme: str | bytes | None = None,
    ) -> Decision:
        """Decides (Fetch standard, "CORS protocol").

        `request_method` is Access-Control-Request-Method, `request_headers`
        Access-Control-Request-Headers. The others tell whether a page of the
        site itself sent the request, and matter for `block`: `host` is Host
        as the client sent it, `fetch_site` Sec-Fetch-Site, `upgrade` Upgrade,
        or "websocket" for a WebSocket that opens over HTTP/2, and `scheme`
        "https" or "http" if it is known which of them the client used. None
        is an absent header, which is not the same as an empty one. The caller
        joins repeated header fields with commas, and strips the spaces and
        tabs around a value. A malformed request is refused; it is never an
        error."""
        method = _bytes(method, "method")
        asked = (
            None if method is None else method.decode("latin-1"),
            _bytes(origin, "origin"),
            _bytes(request_method, "request_method"),
            _bytes(request_headers, "request_headers"),
        )
        site = (
            _bytes(host, "host"),
            _bytes(fetch_site, "fetch_site"),
            _bytes(upgrade, "upgrade"),
            _bytes(scheme, "scheme"),
        )
        if not self._blocks:
            decision = self._decide(*asked)
            if decision.verdict is not Verdict.REFUSED or not any(site):
                return decision
        return self._evaluate(*asked, *site)

    def explain(
        self,
        *,
        method: str | bytes | None = None,
        origin: str | bytes | None = None,
        request_method: str | bytes | None = None,
        request_headers: str | bytes | None = None,
        host: str | bytes | None = None,
        fetch_site: str | bytes | None = None,
        upgrade: str | bytes | None = None,
        scheme: str | bytes | None = None,
    ) -> str:
        """Explains the decision to people, on one line of ASCII."""
        method = _bytes(method, "method")
        return self._explain(
            None if method is None else method.decode("latin-1"),
            _bytes(origin, "origin"),
            _bytes(request_method, "request_method"),
            _bytes(request_headers, "request_headers"),
            _bytes(host, "host"),
            _bytes(fetch_site, "fetch_site"),
            _bytes(upgrade, "upgrade"),
            _bytes(scheme, "scheme"),
        )

    def _explain(self, method: str | None, *headers: bytes | None) -> str:
        request = native_request(method, *headers)
        engine = self._engine.pointer
        length = _native.explain(engine, byref(request), None, 0)
        buffer = create_string_buffer(length + 1)
        _native.explain(engine, byref(request), buffer, length + 1)
        return buffer.value.decode("ascii")

    def _decide(
        self,
        method: str | None,
        origin: bytes | None,
        request_method: bytes | None = None,
        request_headers: bytes | None = None,
    ) -> Decision:
        """evaluate() for the middlewares, which strips and checks nothing.
        method is a str, everything else bytes. If the policy blocks requests,
        or the verdict is refused, only _evaluate knows enough."""
        if self._any_origin and origin is not None:
            # The policy is "*": no header echoes the origin.
            origin = b"*"
        # Not by _evaluate: the call would cost every request.
        try:
            return self._cached(
                method, origin, request_method, request_headers
            )
        except _Forgotten as forgotten:
            return forgotten.decision

    def _evaluate(
        self, method: str | None, *headers: bytes | None
    ) -> Decision:
        try:
            return self._cached(method, *headers)
        except _Forgotten as forgotten:
            return forgotten.decision

    def _load(
        self,
        function: Any,
        *arguments: Any,
        file: str | None = None,
        has_places: bool = True,
    ) -> None:
        found: list[Diagnostic] = []
        raised: list[BaseException] = []

        def report(_context: Any, diagnostic: Any) -> None:
            # ctypes would only print an exception from here, even Ctrl-C.
            try:
                found.append(read_diagnostic(diagnostic.contents, has_places))
            except BaseException as exception:
                raised.append(exception)

        pointer = c_void_p()
        status = function(
            *arguments, _native.diagnostic_fn(report), None, byref(pointer)
        )
        error = get_errno()
        if status == _native.OK:
            self._engine = _Engine(pointer.value)
        if raised:
            raise raised[0]
        if status == _native.ERROR_IO:
            raise OSError(error, found[0].message, _absolute(file))
        if status == _native.ERROR_POLICY:
            raise PolicyError(tuple(found), file)
        if status != _native.OK:
            raise RuntimeError(_native.status_text(status).decode())
        self._cached: Callable[..., Decision] = functools.lru_cache(_CACHED)(
            functools.partial(_evaluate_short, self._engine)
        )
        # Without Vary, the response to every origin is the same. Rules whose
        # last one is "*" have Vary.
        engine = self._engine.pointer
        _, probe = evaluate(engine, "GET", b"*")
        self._any_origin = all(name != b"vary" for name, _ in probe.headers)
        cross_site = (None, None, None, None, b"cross-site", b"websocket")
        self._blocks = any(
            evaluate(engine, method, *cross_site)[1].status
            for method in ("GET", "POST")
        )
        self.warnings = tuple(found)
        for warning in found:
            warnings.warn(
                placed(warning, file),
                PolicyWarning,
                stacklevel=_caller_level(),
            )

    def __copy__(self) -> Policy:
        return self

    def __deepcopy__(self, _memo: Any) -> Policy:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Policy cannot be pickled: load it in the process that uses it"
        )


class _Engine:
    """Owns a cors_policy. The remembered decisions refer to this instead of
    the Policy, which refers to them."""

    __slots__ = ("__weakref__", "pointer")

    def __init__(self, pointer: int | None) -> None:
        self.pointer = pointer
        free = weakref.finalize(self, _native.policy_free, pointer)
        # When the process ends, a thread may still be using it.
        free.atexit = False


class _Forgotten(Exception):
    """Has a decision that is not remembered: the cache does not remember
    exceptions."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision


def _evaluate_short(engine: _Engine, *request: Any) -> Decision:
    status, decision = evaluate(engine.pointer, *request)
    if status != _native.OK:
        # Not needed otherwise, and slower to import than this module.
        import logging

        text = _native.status_text(status).decode()
        logging.getLogger("libcors").error("cors_evaluate() failed: %s", text)
        raise _Forgotten(decision)
    # Not in front of the cache, where every request would pay for it.
    if sum(len(part) for part in request if part) > _CACHED_LENGTH:
        raise _Forgotten(decision)
    return decision


def _absolute(file: str | None) -> str | None:
    try:
        return file and os.path.abspath(file)
    except OSError:
        # The working directory is gone.
        return file


def _json(policy: Mapping[str, object]) -> bytes:
    # Not needed for a policy file, and slower to import than this module.
    import json

    try:
        return json.dumps(policy, default=_plain).encode("ascii")
    except RecursionError:
        raise ValueError("the policy is nested too deeply") from None


def _plain(value: object) -> object:
    """The JSON equivalent of a value that the json module does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        # The order of a set of strings differs between processes.
        return sorted(value, key=str)
    if isinstance(value, Sequence) and not isinstance(
        value, (bytes, bytearray, memoryview)
    ):
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__} is not JSON")


def _is_path(text: bytes) -> bool:
    """Whether a text that is not JSON may be the path of a file: one line that
    is not a URL and does not look like JSON, YAML or a variable."""
    line = text.decode("utf-8", "replace").strip()
    return (
        0 < len(line) < 1024
        and line.isprintable()
        and not line.startswith(("#", "//"))
        and not re.search(r"[][{}<>\"'$*]|://|:\s|:$", line)
    )


def _no_json(diagnostic: Diagnostic, text: bytes) -> Diagnostic:
    path = text.decode("utf-8", "replace").strip()
    return replace(
        diagnostic,
        message=f'expected JSON, found "{path}", which looks like a path',
        help="use Policy.from_file to load a file",
    )


def _bytes(value: str | bytes | None, name: str) -> bytes | None:
    """The bytes to decide on. The engine refuses everything that is not ASCII,
    including lone surrogates."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    raise TypeError(f"{name} is str or bytes, not {type(value).__name__}")


def _caller_level() -> int:
    """The stacklevel of the first frame outside this package, for a
    warnings.warn in the function that calls this."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back and _is_own(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
        level += 1
    return level


def _is_own(module: str) -> bool:
    # Not the first part of the name: the package may be a copy in another one.
    return f"{module}.".startswith(f"{__package__}.")
