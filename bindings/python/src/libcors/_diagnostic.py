# SPDX-License-Identifier: MIT OR Apache-2.0
"""Errors and warnings of a policy, and how Python reports them."""

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
    """An error or warning of a policy. str() shows all of it on one line."""

    #: The kind, the same in every release: "origin-trailing-slash".
    code: str
    severity: Severity
    #: The location as a JSON pointer (RFC 6901): "/allow_origins/2".
    pointer: str
    #: The line, from 1; 0 if there is none, as in a dict.
    line: int
    #: The character in the line, from 1; 0 if there is none.
    column: int
    #: What is wrong.
    message: str
    #: What to use instead, if the library knows.
    help: str | None

    def __str__(self) -> str:
        help = f"; {self.help}" if self.help else ""
        return f"{self.severity}: {self.message}{help} [{self.code}]"


class PolicyError(ValueError):
    """A rejected policy. str() shows each reason on a line of its own."""

    #: All errors and warnings, in the order of the file.
    diagnostics: tuple[Diagnostic, ...]

    def __init__(
        self, diagnostics: tuple[Diagnostic, ...], file: str | None = None
    ) -> None:
        super().__init__(diagnostics, file)
        self.diagnostics = diagnostics
        #: The policy's file; None for a string or a dict.
        self.file = file

    def __str__(self) -> str:
        return "\n  ".join(
            [
                "the policy is rejected",
                *(placed(each, self.file) for each in self.diagnostics),
            ]
        )


class PolicyWarning(UserWarning):
    """A warning about a policy that was loaded."""


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
    """The diagnostic after file:line:column, as far as they are known."""
    place = (
        f":{diagnostic.line}:{diagnostic.column}"
        if diagnostic.line
        else diagnostic.pointer
    )
    return f"{file or 'policy'}{place}: {diagnostic}"
