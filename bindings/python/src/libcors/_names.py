# SPDX-License-Identifier: MIT OR Apache-2.0
"""The type of the names that the C ABI has as numbers."""

from __future__ import annotations

import enum


class Name(str, enum.Enum):
    """enum.StrEnum, which Python has had since 3.11."""

    __str__ = str.__str__
    __format__ = str.__format__  # type: ignore[assignment]
