# SPDX-License-Identifier: MIT OR Apache-2.0
"""One CORS policy file, one matcher, the same decision in every server.

    from libcors import Policy

    policy = Policy.from_file("cors.json")
    decision = policy.evaluate(method="GET", origin="https://app.example.com")
    decision.headers   # what to add to the response
    decision.status    # where not 0: answer at once, with this status

`libcors.asgi` and `libcors.wsgi` have middlewares that do so.
"""

from __future__ import annotations

import enum
import functools
import json
import os
import re
import sys
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence, Set
from ctypes import (
    byref,
    c_void_p,
    create_string_buffer,
    get_errno,
    sizeof,
    string_at,
)
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from . import _native
from ._version import VERSION

__all__ = [
    "Decision",
    "Diagnostic",
    "Policy",
    "PolicyError",
    "PolicyWarning",
    "Reason",
    "Severity",
    "Verdict",
    "__version__",
    "public_suffix_list_date",
]

__version__: Final = VERSION


def public_suffix_list_date() -> str:
    """The date of the built-in public suffix list, "2026-10-22".

    The list decides whether anyone can get a name that a wildcard matches.
    """
    date: bytes = _native.public_suffix_list_date()
    return date.decode()


#: How many decisions a policy remembers, and how long, in bytes, what they
#: were made from may be: strangers choose it, and it is kept in memory.
_CACHED = 1024
_CACHED_LENGTH = 512


class _Name(str, enum.Enum):
    """enum.StrEnum, which Python has since 3.11."""

    __str__ = str.__str__
    __format__ = str.__format__  # type: ignore[assignment]


class Verdict(_Name):
    """The kinds of decision. Act on status and headers, not on these: later
    versions may append some."""

    #: The request has no Origin.
    NOT_CORS = "not_cors"
    #: An actual request whose response the origin may read.
    ALLOWED = "allowed"
    #: An actual request that gets no permission header. It is not blocked:
    #: the browser keeps the response from the page. Browsers send Origin with
    #: same-origin POST, PUT, DELETE and WebSocket handshakes too.
    REFUSED = "refused"
    #: A preflight; answer it with the decision's status.
    PREFLIGHT_ALLOWED = "preflight_allowed"
    #: A preflight; answer it with the decision's status: the browser will not
    #: send the request that it asked for.
    PREFLIGHT_REFUSED = "preflight_refused"
    #: None that this version knows.
    UNKNOWN = "unknown"


class Reason(_Name):
    """Why a decision refuses. Later versions may append some."""

    #: Nothing was refused.
    NONE = "none"
    #: No pattern of the policy matches the origin.
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    #: Origin is not one serialized origin, or too long.
    ORIGIN_MALFORMED = "origin_malformed"
    #: The requested method is not allowed; culprit names it.
    METHOD_NOT_ALLOWED = "method_not_allowed"
    #: Access-Control-Request-Method is not a token, or too long.
    METHOD_MALFORMED = "method_malformed"
    #: A requested header is not allowed; culprit names the first one.
    HEADER_NOT_ALLOWED = "header_not_allowed"
    #: Access-Control-Request-Headers is not a list of tokens, or too long.
    HEADERS_MALFORMED = "headers_malformed"
    #: None that this version knows.
    UNKNOWN = "unknown"


class Severity(_Name):
    """Whether a diagnostic keeps the policy from loading."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Decision:
    """What to do with one request."""

    verdict: Verdict
    reason: Reason
    #: Where not 0: answer now, with this status and no body.
    status: int
    #: The headers to add, names in lower case. A name can come twice. Of Vary
    #: only the names that the response does not have yet, and nothing where
    #: it has "*".
    headers: tuple[tuple[bytes, bytes], ...]
    #: The method or header name that was not allowed.
    culprit: str | None
    #: The policy's pattern that the origin matched.
    pattern: str | None


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong or doubtful in a policy. str() is all of it in
    one line."""

    #: What kind, stable from release to release: "origin-trailing-slash".
    code: str
    severity: Severity
    #: Where, as a JSON pointer (RFC 6901): "/allow_origins/2".
    pointer: str
    #: Where, from 1; 0 where there is no place in a text, as in a dict.
    line: int
    #: The character in the line, from 1; 0 where there is none.
    column: int
    #: What is wrong.
    message: str
    #: What to write instead, where the library can tell.
    help: str | None

    def __str__(self) -> str:
        help = f"; {self.help}" if self.help else ""
        return f"{self.severity}: {self.message}{help} [{self.code}]"


class PolicyError(ValueError):
    """A policy was refused. str() shows every reason on a line of its own."""

    #: Every error, and the warnings between them, in the order of the file.
    diagnostics: tuple[Diagnostic, ...]

    def __init__(
        self, diagnostics: tuple[Diagnostic, ...], file: str | None = None
    ) -> None:
        super().__init__(diagnostics, file)
        self.diagnostics = diagnostics
        #: The policy's file, None where it was a text or a dict.
        self.file = file

    def __str__(self) -> str:
        return "\n  ".join(
            [
                "the policy is refused",
                *(_placed(each, self.file) for each in self.diagnostics),
            ]
        )


class PolicyWarning(UserWarning):
    """Something doubtful in a policy that was loaded."""


class Policy:
    """A loaded policy. It never changes: any number of threads, and of
    processes after a fork, may use it at the same time. To swap a policy,
    load another and use that from the next request on."""

    __slots__ = (
        "__weakref__",
        "_any_origin",
        "_cached",
        "_engine",
        "warnings",
    )

    #: What is doubtful in it. Each was also told to the warnings module, as a
    #: PolicyWarning.
    warnings: tuple[Diagnostic, ...]

    def __init__(self, policy: str | bytes | Mapping[str, object]) -> None:
        """Loads a policy from JSON, or from a mapping of the same form, such
        as a dict. Sets and tuples in it are arrays.

        Raises PolicyError if it is rejected, TypeError or ValueError if a
        mapping cannot be written as JSON."""
        if isinstance(policy, Mapping):
            text = _json(policy)
        elif isinstance(policy, str):
            # A lone surrogate is an error with its place.
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
    ) -> Decision:
        """Decides (Fetch standard, "CORS protocol").

        `request_method` is Access-Control-Request-Method, `request_headers`
        Access-Control-Request-Headers. None is an absent header, which an
        empty one is not. The caller joins several lines of one header with
        commas, and strips the spaces and tabs around a value. A request that
        makes no sense is refused; it is never an error."""
        method = _bytes(method, "method")
        return self._decide(
            None if method is None else method.decode("latin-1"),
            _bytes(origin, "origin"),
            _bytes(request_method, "request_method"),
            _bytes(request_headers, "request_headers"),
        )

    def explain(
        self,
        *,
        method: str | bytes | None = None,
        origin: str | bytes | None = None,
        request_method: str | bytes | None = None,
        request_headers: str | bytes | None = None,
    ) -> str:
        """The decision in words, for people: one line of ASCII."""
        request = _request(
            _bytes(method, "method"),
            _bytes(origin, "origin"),
            _bytes(request_method, "request_method"),
            _bytes(request_headers, "request_headers"),
        )
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
        """evaluate() for the middlewares: it strips and checks nothing.
        method is a str, all else bytes."""
        if self._any_origin and origin is not None:
            # "*" matches whatever is there, and no header echoes it.
            origin = b"*"
        try:
            return self._cached(
                method, origin, request_method, request_headers
            )
        except _TooLong:
            return _evaluate(
                self._engine, method, origin, request_method, request_headers
            )

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
            # What is raised here would be lost: ctypes prints it. That can be
            # Ctrl-C.
            try:
                found.append(_diagnostic(diagnostic.contents, has_places))
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
        # No other pattern matches what is not an origin.
        probe = _evaluate(self._engine, "GET", b"*", None, None)
        self._any_origin = probe.pattern == "*"
        self.warnings = tuple(found)
        for warning in found:
            warnings.warn(
                _placed(warning, file),
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
    """Owns a cors_policy. The decisions that are remembered refer to this and
    not to the Policy, which refers to them."""

    __slots__ = ("__weakref__", "pointer")

    def __init__(self, pointer: int | None) -> None:
        self.pointer = pointer
        free = weakref.finalize(self, _native.policy_free, pointer)
        # When the process ends, a thread may still be deciding.
        free.atexit = False


class _TooLong(Exception):
    """The request is not one to remember the decision of."""


def _evaluate_short(engine: _Engine, *request: Any) -> Decision:
    # Here and not in front of the cache, where all would wait for it; what is
    # raised is not remembered.
    if sum(len(part) for part in request if part) > _CACHED_LENGTH:
        raise _TooLong
    return _evaluate(engine, *request)


def _evaluate(
    engine: _Engine,
    method: str | None,
    origin: bytes | None,
    request_method: bytes | None,
    request_headers: bytes | None,
) -> Decision:
    request = _request(
        # What is not latin-1 comes from no server; "?" is no method.
        None if method is None else method.encode("latin-1", "replace"),
        origin,
        request_method,
        request_headers,
    )
    # One for each call: another thread may be deciding.
    decision = _native.Decision(_DECISION_SIZE)
    # Where this fails, the decision permits nothing and goes the way of all.
    _native.evaluate(engine.pointer, byref(request), byref(decision))
    parts = iter(decision.headers[: 4 * decision.header_count])
    return Decision(
        _VERDICTS.get(decision.verdict, Verdict.UNKNOWN),
        _REASONS.get(decision.reason, Reason.UNKNOWN),
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
        _text(decision.culprit, decision.culprit_len),
        _text(decision.pattern, decision.pattern_len),
    )


_DECISION_SIZE = sizeof(_native.Decision)
_REQUEST_SIZE = sizeof(_native.Request)
_VERDICTS = dict(enumerate(Verdict))
_REASONS = dict(enumerate(Reason))
_SEVERITIES = dict(enumerate(Severity))

#: The names of headers by their addresses: they are the library's own.
_NAMES: dict[int, bytes] = {}


def _name(address: int, length: int) -> bytes:
    return _NAMES.setdefault(address, string_at(address, length))


def _request(
    method: bytes | None,
    origin: bytes | None,
    request_method: bytes | None,
    request_headers: bytes | None,
) -> _native.Request:
    return _native.Request(
        _REQUEST_SIZE,
        method,
        len(method or b""),
        origin,
        len(origin or b""),
        request_method,
        len(request_method or b""),
        request_headers,
        len(request_headers or b""),
    )


def _diagnostic(diagnostic: Any, has_place: bool) -> Diagnostic:
    return Diagnostic(
        _text(diagnostic.code, diagnostic.code_len) or "",
        _SEVERITIES.get(diagnostic.severity, Severity.WARNING),
        _text(diagnostic.pointer, diagnostic.pointer_len) or "",
        diagnostic.line if has_place else 0,
        diagnostic.column if has_place else 0,
        _text(diagnostic.message, diagnostic.message_len) or "",
        _text(diagnostic.help, diagnostic.help_len),
    )


def _text(address: int | None, length: int) -> str | None:
    if address is None:
        return None
    return string_at(address, length).decode("utf-8", "replace")


def _placed(diagnostic: Diagnostic, file: str | None) -> str:
    """The diagnostic after file:line:column, or what there is of it."""
    place = (
        f":{diagnostic.line}:{diagnostic.column}"
        if diagnostic.line
        else diagnostic.pointer
    )
    return f"{file or 'policy'}{place}: {diagnostic}"


def _absolute(file: str | None) -> str | None:
    try:
        return file and os.path.abspath(file)
    except OSError:
        # The working directory is gone.
        return file


def _json(policy: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(policy, default=_plain).encode("ascii")
    except RecursionError:
        raise ValueError("the policy is nested too deeply") from None


def _plain(value: object) -> object:
    """What JSON has for a value that json does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        # A set of strings has another order in each process.
        return sorted(value, key=str)
    if isinstance(value, Sequence) and not isinstance(
        value, (bytes, bytearray, memoryview)
    ):
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__} is not JSON")


def _is_path(text: bytes) -> bool:
    """Whether a text that is not JSON may be the path of a file: one line
    that is no URL and has nothing of JSON, YAML or a variable."""
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
    """The bytes to decide on. What is not ASCII is allowed nowhere, so that
    the engine refuses it, lone surrogates too."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    raise TypeError(f"{name} is str or bytes, not {type(value).__name__}")


def _caller_level() -> int:
    """The stacklevel, for warnings.warn in the function that calls this, of
    the first frame outside of this package."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back and _is_own(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
        level += 1
    return level


def _is_own(module: str) -> bool:
    # Not its first part: the package may be a copy within another one.
    return f"{module}.".startswith(f"{__name__}.")
