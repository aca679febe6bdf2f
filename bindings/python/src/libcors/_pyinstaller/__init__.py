# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tells PyInstaller where the hook is that collects the engine. Only
PyInstaller imports this."""

from __future__ import annotations


def hook_dirs() -> list[str]:
    return list(__path__)
