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
import sys
import warnings
import weakref
from ctypes import byref, c_void_p, create_string_buffer, get_errno, sizeof
from dataclasses import dataclass
from typing import Any, Callable, Final, NoReturn

from . import _native

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
]

__version__: Final = _native.VERSION

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
    #: Where, from 1; 0 where there is no place in the text.
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

    __slots__ = ("__weakref__", "_cached", "_engine", "warnings")

    #: What is doubtful in it. Each was also told to the warnings module, as a
    #: PolicyWarning.
    warnings: tuple[Diagnostic, ...]

    def __init__(self, policy: str | bytes | dict[str, Any]) -> None:
        """Loads a policy from JSON, or from a dict of the same form.

        Raises PolicyError where it is refused, TypeError or ValueError where
        a dict cannot be written as JSON."""
        if isinstance(policy, dict):
            self._load(_native.policy_load, *_sized(_json(policy)))
        elif isinstance(policy, (str, bytes)):
            self._load(_native.policy_load, *_sized(_bytes(policy, "policy")))
        else:
            raise TypeError(
                "a policy is JSON as str or bytes, or a dict, not "
                f"{type(policy).__name__}; Policy.from_file takes a path"
            )

    @classmethod
    def from_file(cls, path: str | bytes | os.PathLike[Any]) -> Policy:
        """Loads the policy file at path.

        Raises PolicyError where it is refused, OSError (FileNotFoundError and
        the like) where it cannot be read."""
        encoded = os.fsencode(path)
        if b"\0" in encoded:
            raise ValueError("a path holds no NUL")
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
        """Decides. None is an absent header, which an empty one is not.

        `request_method` is Access-Control-Request-Method, `request_headers`
        Access-Control-Request-Headers. Several lines of one header are joined
        with commas; spaces around a value are stripped. A request that makes
        no sense is refused, never an error."""
        method = _optional(method, "method")
        return self._decide(
            None if method is None else method.decode("latin-1"),
            _optional(origin, "origin"),
            _optional(request_method, "request_method"),
            _optional(request_headers, "request_headers"),
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
            _optional(method, "method"),
            _optional(origin, "origin"),
            _optional(request_method, "request_method"),
            _optional(request_headers, "request_headers"),
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
        """evaluate() without its checks, for the middlewares: method is a str
        of latin-1 characters, all else bytes."""
        length = len(origin) if origin else 0
        if method:
            length += len(method)
        if request_method:
            length += len(request_method)
        if request_headers:
            length += len(request_headers)
        if length > _CACHED_LENGTH:
            return _evaluate(
                self._engine, method, origin, request_method, request_headers
            )
        return self._cached(method, origin, request_method, request_headers)

    def _load(
        self, function: Any, *arguments: Any, file: str | None = None
    ) -> None:
        found: list[Diagnostic] = []
        raised: list[BaseException] = []

        def report(_context: Any, diagnostic: Any) -> None:
            # What is raised here would be lost: ctypes prints it. That can be
            # Ctrl-C.
            try:
                found.append(_diagnostic(diagnostic.contents))
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
            raise OSError(error, found[0].message, file)
        if status == _native.ERROR_POLICY:
            raise PolicyError(tuple(found), file)
        if status != _native.OK:
            raise RuntimeError(_native.status_text(status).decode())
        self._cached: Callable[..., Decision] = functools.lru_cache(_CACHED)(
            functools.partial(_evaluate, self._engine)
        )
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


def _evaluate(
    engine: _Engine,
    method: str | None,
    origin: bytes | None,
    request_method: bytes | None,
    request_headers: bytes | None,
) -> Decision:
    request = _request(
        None if method is None else method.encode("latin-1"),
        origin,
        request_method,
        request_headers,
    )
    # One for each call: another thread may be deciding.
    decision = _native.Decision(sizeof(_native.Decision))
    # Where this fails, the decision permits nothing and goes the way of all.
    _native.evaluate(engine.pointer, byref(request), byref(decision))
    return Decision(
        _VERDICTS.get(decision.verdict, Verdict.UNKNOWN),
        _REASONS.get(decision.reason, Reason.UNKNOWN),
        decision.status,
        tuple(
            (
                _native.text(header.name) or b"",
                _native.text(header.value) or b"",
            )
            for header in decision.headers[: decision.header_count]
        ),
        _text(decision.culprit),
        _text(decision.pattern),
    )


_VERDICTS = dict(enumerate(Verdict))
_REASONS = dict(enumerate(Reason))
_SEVERITIES = dict(enumerate(Severity))


def _request(
    method: bytes | None,
    origin: bytes | None,
    request_method: bytes | None,
    request_headers: bytes | None,
) -> _native.Request:
    return _native.Request(
        sizeof(_native.Request),
        (method, len(method or b"")),
        (origin, len(origin or b"")),
        (request_method, len(request_method or b"")),
        (request_headers, len(request_headers or b"")),
    )


def _diagnostic(diagnostic: _native.Diagnostic) -> Diagnostic:
    return Diagnostic(
        _text(diagnostic.code) or "",
        _SEVERITIES.get(diagnostic.severity, Severity.WARNING),
        _text(diagnostic.pointer) or "",
        diagnostic.line,
        diagnostic.column,
        _text(diagnostic.message) or "",
        _text(diagnostic.help),
    )


def _text(text: _native.Text) -> str | None:
    copied = _native.text(text)
    return None if copied is None else copied.decode("utf-8", "replace")


def _placed(diagnostic: Diagnostic, file: str | None) -> str:
    """file:line:column, or what there is of it, and the diagnostic."""
    place = [str(n) for n in (diagnostic.line, diagnostic.column) if n]
    return ":".join([file or "policy", *place]) + f": {diagnostic}"


def _json(policy: dict[str, Any]) -> bytes:
    try:
        return json.dumps(policy).encode("ascii")
    except RecursionError:
        raise ValueError("the policy is nested too deeply") from None


def _sized(text: bytes) -> tuple[bytes, int]:
    return text, len(text)


def _bytes(value: str | bytes, name: str) -> bytes:
    """The bytes to decide on. What is not ASCII is allowed nowhere, so it is
    the engine that refuses it, lone surrogates too."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    raise TypeError(f"{name} is str or bytes, not {type(value).__name__}")


def _optional(value: str | bytes | None, name: str) -> bytes | None:
    return None if value is None else _bytes(value, name)


def _caller_level() -> int:
    """The stacklevel, for warnings.warn in the function that calls this, of
    the first frame outside of this package."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals["__name__"].startswith(__name__):
        frame = frame.f_back
        level += 1
    return level
