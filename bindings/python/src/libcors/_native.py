# SPDX-License-Identifier: MIT OR Apache-2.0
"""The shared library and its C ABI, as include/cors.h has it.

Names, order and meaning are the header's.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from importlib.metadata import version
from pathlib import Path
from typing import Any

OK = 0
ERROR_ARGUMENT = 1
ERROR_POLICY = 2
ERROR_IO = 3
ERROR_INTERNAL = 4

HEADERS_MAX = 8


class Text(ctypes.Structure):
    """cors_str, as the library hands it out.

    The pointer is a number: reading a c_char_p would look for a NUL, and the
    request's bytes have none where the text ends.
    """

    _fields_ = [("ptr", c_void_p), ("len", c_size_t)]
    ptr: int | None
    len: int


class Bytes(ctypes.Structure):
    """cors_str, as it is made from bytes; it keeps them alive."""

    _fields_ = [("ptr", c_char_p), ("len", c_size_t)]


class Diagnostic(ctypes.Structure):
    """cors_diagnostic"""

    _fields_ = [
        ("size", c_size_t),
        ("severity", ctypes.c_int32),
        ("line", c_uint32),
        ("column", c_uint32),
        ("code", Text),
        ("pointer", Text),
        ("message", Text),
        ("help", Text),
    ]
    severity: int
    line: int
    column: int
    code: Text
    pointer: Text
    message: Text
    help: Text


class Request(ctypes.Structure):
    """cors_request"""

    _fields_ = [
        ("size", c_size_t),
        ("method", Bytes),
        ("origin", Bytes),
        ("request_method", Bytes),
        ("request_headers", Bytes),
    ]


class Header(ctypes.Structure):
    """cors_header"""

    _fields_ = [("name", Text), ("value", Text)]
    name: Text
    value: Text


class Decision(ctypes.Structure):
    """cors_decision"""

    _fields_ = [
        ("size", c_size_t),
        ("verdict", ctypes.c_int32),
        ("reason", ctypes.c_int32),
        ("status", c_uint32),
        ("header_count", c_uint32),
        ("headers", Header * HEADERS_MAX),
        ("culprit", Text),
        ("pattern", Text),
    ]
    verdict: int
    reason: int
    status: int
    header_count: int
    headers: ctypes.Array[Header]
    culprit: Text
    pattern: Text


def text(of: Text) -> bytes | None:
    """A copy of what a cors_str points to, None where it is absent."""
    return None if of.ptr is None else ctypes.string_at(of.ptr, of.len)


PATH = Path(__file__).with_name("libcors.so")

try:
    # With the GIL for the calls that take a fraction of a microsecond: to give
    # it up and fight for it again would cost more than they do.
    _library = ctypes.PyDLL(str(PATH))
    # Without it for those that read and check a file.
    _slow = ctypes.CDLL(str(PATH), use_errno=True)
except OSError as error:
    raise ImportError(
        f"the engine of libcors cannot be loaded ({error}): install libcors "
        "again"
    ) from error

diagnostic_fn = ctypes.CFUNCTYPE(None, c_void_p, POINTER(Diagnostic))


def _function(
    library: ctypes.CDLL, name: str, result: Any, *arguments: Any
) -> Any:
    function = getattr(library, name)
    function.restype = result
    function.argtypes = arguments
    return function


policy_load = _function(
    _slow,
    "cors_policy_load",
    c_int,
    c_char_p,
    c_size_t,
    diagnostic_fn,
    c_void_p,
    POINTER(c_void_p),
)
policy_load_file = _function(
    _slow,
    "cors_policy_load_file",
    c_int,
    c_char_p,
    diagnostic_fn,
    c_void_p,
    POINTER(c_void_p),
)
policy_free = _function(_library, "cors_policy_free", None, c_void_p)
evaluate = _function(
    _library,
    "cors_evaluate",
    c_int,
    c_void_p,
    POINTER(Request),
    POINTER(Decision),
)
explain = _function(
    _library,
    "cors_explain",
    c_size_t,
    c_void_p,
    POINTER(Request),
    c_char_p,
    c_size_t,
)
status_text = _function(_library, "cors_status_text", c_char_p, c_int)
verdict_text = _function(_library, "cors_verdict_text", c_char_p, c_int)
reason_text = _function(_library, "cors_reason_text", c_char_p, c_int)

VERSION: str = _function(_library, "cors_version", c_char_p)().decode()

if version("libcors") != VERSION:
    raise ImportError(
        f"libcors {version('libcors')} is installed, but its engine, {PATH}, "
        f"is {VERSION}: install libcors again"
    )
