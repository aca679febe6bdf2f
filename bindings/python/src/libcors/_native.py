# SPDX-License-Identifier: MIT OR Apache-2.0
"""The shared library and its C ABI, as in include/cors.h.

Names, order and meaning are those of the header. A cors_str is written out as
its two members, because ctypes reads and writes flat structs several times
faster. If the library fills it in, its pointer is a number: ctypes would read
a c_char_p up to a NUL, which the request's own bytes need not have.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import (
    POINTER,
    c_char_p,
    c_int,
    c_int32,
    c_size_t,
    c_uint32,
    c_void_p,
)
from typing import Any

from ._version import VERSION

OK = 0
ERROR_POLICY = 2
ERROR_IO = 3

HEADERS_MAX = 8


class Diagnostic(ctypes.Structure):
    """cors_diagnostic"""

    _fields_ = [
        ("size", c_size_t),
        ("severity", c_int32),
        ("line", c_uint32),
        ("column", c_uint32),
        ("code", c_void_p),
        ("code_len", c_size_t),
        ("pointer", c_void_p),
        ("pointer_len", c_size_t),
        ("message", c_void_p),
        ("message_len", c_size_t),
        ("help", c_void_p),
        ("help_len", c_size_t),
    ]


class Request(ctypes.Structure):
    """cors_request; it keeps its bytes alive."""

    _fields_ = [
        ("size", c_size_t),
        ("method", c_char_p),
        ("method_len", c_size_t),
        ("origin", c_char_p),
        ("origin_len", c_size_t),
        ("request_method", c_char_p),
        ("request_method_len", c_size_t),
        ("request_headers", c_char_p),
        ("request_headers_len", c_size_t),
        ("host", c_char_p),
        ("host_len", c_size_t),
        ("fetch_site", c_char_p),
        ("fetch_site_len", c_size_t),
        ("upgrade", c_char_p),
        ("upgrade_len", c_size_t),
        ("scheme", c_char_p),
        ("scheme_len", c_size_t),
    ]


class Decision(ctypes.Structure):
    """cors_decision. In headers, each cors_header is four numbers: the address
    and length of the name, and those of the value."""

    _fields_ = [
        ("size", c_size_t),
        ("verdict", c_int32),
        ("reason", c_int32),
        ("status", c_uint32),
        ("header_count", c_uint32),
        ("headers", c_size_t * (4 * HEADERS_MAX)),
        ("culprit", c_void_p),
        ("culprit_len", c_size_t),
        ("pattern", c_void_p),
        ("pattern_len", c_size_t),
    ]
    verdict: int
    reason: int
    status: int
    header_count: int
    headers: ctypes.Array[c_size_t]
    culprit: int | None
    culprit_len: int
    pattern: int | None
    pattern_len: int


PATH = os.path.join(os.path.dirname(__file__), "libcors.so")

try:
    # With the GIL, for calls that take a fraction of a microsecond: releasing
    # and acquiring it would cost more than they do.
    _library = ctypes.PyDLL(PATH)
    # Without the GIL, for calls that read and check a file.
    _slow = ctypes.CDLL(PATH, use_errno=True)
except OSError as error:
    if not os.path.isdir(os.path.dirname(PATH)):
        raise ImportError(
            f"the engine of libcors, {PATH}, cannot be loaded from inside an "
            "archive, because it is a shared library; use an unpacked "
            "directory, or a tool that unpacks the archive at startup, such "
            "as shiv"
        ) from error
    raise ImportError(
        f"the engine of libcors cannot be loaded ({error}); reinstall libcors"
    ) from error

diagnostic_fn = ctypes.CFUNCTYPE(None, c_void_p, POINTER(Diagnostic))


def _function(
    library: ctypes.CDLL, name: str, result: Any, *arguments: Any
) -> Any:
    function = getattr(library, name)
    function.restype = result
    function.argtypes = arguments
    return function


def text(address: int | None, length: int) -> str | None:
    """The text of a cors_str in UTF-8; None if it is absent."""
    if address is None:
        return None
    return ctypes.string_at(address, length).decode("utf-8", "replace")


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

public_suffix_list_date = _function(
    _library, "cors_public_suffix_list_date", c_char_p
)

_version: str = _function(_library, "cors_version", c_char_p)().decode()

if _version != VERSION:
    raise ImportError(
        f"libcors {VERSION} is installed, but its engine, {PATH}, has version "
        f"{_version}; reinstall libcors"
    )
