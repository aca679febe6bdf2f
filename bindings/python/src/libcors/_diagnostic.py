# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is wrong or doubtful in a policy, and how Python says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import _native
from ._names import Name


class Severity(Name):
    """Whether a diagnostic keeps the policy from loading."""

    ERROR = "error"
    WARNING = "warning"


SEVERITIES = dict(enumerate(Severity))


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
                *(placed(each, self.file) for each in self.diagnostics),
            ]
        )


class PolicyWarning(UserWarning):
    """Something doubtful in a policy that was loaded."""


def read_diagnostic(diagnostic: Any, has_place: bool) -> Diagnostic:
    return Diagnostic(
        _native.text(diagnostic.code, diagnostic.code_len) or "",
        SEVERITIES.get(diagnostic.severity, Severity.WARNING),
        _native.text(diagnostic.pointer, diagnostic.pointer_len) or "",
        diagnostic.line if has_place else 0,
        diagnostic.column if has_place else 0,
        _native.text(diagnostic.message, diagnostic.message_len) or "",
        _native.text(diagnostic.help, diagnostic.help_len),
    )


def placed(diagnostic: Diagnostic, file: str | None) -> str:
    """The diagnostic after file:line:column, or what there is of it."""
    place = (
        f":{diagnostic.line}:{diagnostic.column}"
        if diagnostic.line
        else diagnostic.pointer
    )
    return f"{file or 'policy'}{place}: {diagnostic}"
