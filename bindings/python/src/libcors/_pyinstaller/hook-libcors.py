# SPDX-License-Identifier: MIT OR Apache-2.0
from PyInstaller.utils.hooks import (  # type: ignore[import-untyped]
    collect_dynamic_libs,
)

binaries = collect_dynamic_libs("libcors")
# Imported where it is needed, for an error.
hiddenimports = ["libcors._keywords"]
