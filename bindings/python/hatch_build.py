# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds the engine with cargo and puts it beside the Python modules.

The engine is two folders up in a checkout, and in `rust` in an sdist.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
CRATE = HERE / "rust" if (HERE / "rust").exists() else HERE.parents[1]


def version() -> str:
    return manifest_value("version")


class BuildHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        include = build_data["force_include"]
        if self.target_name == "sdist":
            include[str(self.crate())] = "rust"
            # The licenses are links to files that an sdist has elsewhere.
            for file in filter(os.path.islink, list(include)):
                include[os.path.realpath(file)] = include.pop(file)
            return
        library = self.build_library()
        if version == "editable":
            link = HERE / "src/libcors/libcors.so"
            link.unlink(missing_ok=True)
            link.symlink_to(library)
        else:
            include[str(library)] = "libcors/libcors.so"
        # ctypes: nothing of CPython's is linked, so any Python will do.
        platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"

    def crate(self) -> Path:
        """The library's own package, unpacked: cargo takes out of its manifest
        and its lock file what other members of the workspace need."""
        self.unpacked = tempfile.TemporaryDirectory()
        done = subprocess.run(
            [
                *(self.cargo(), "package", "--package=libcors", "--quiet"),
                *("--no-verify", "--allow-dirty"),
                f"--target-dir={self.unpacked.name}",
            ],
            cwd=CRATE,
        )
        if done.returncode != 0:
            self.abort("cargo could not package libcors: see above")
        (package,) = Path(self.unpacked.name).glob("package/*.crate")
        shutil.unpack_archive(package, self.unpacked.name, "gztar")
        return Path(self.unpacked.name) / package.stem

    def build_library(self) -> Path:
        """The path of the shared library, as cargo tells it."""
        done = subprocess.run(
            [
                self.cargo(),
                "build",
                "--release",
                "--locked",
                "--lib",
                "--message-format=json-render-diagnostics",
            ],
            cwd=CRATE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode != 0:
            self.abort("cargo could not build libcors: see above")
        libraries = [
            Path(file)
            for message in map(json.loads, done.stdout.splitlines())
            if message["reason"] == "compiler-artifact"
            and "cdylib" in message["target"]["crate_types"]
            for file in message["filenames"]
            if Path(file).suffix in {".so", ".dylib"}
        ]
        return libraries[-1]

    def cargo(self) -> str:
        """The path of cargo, where it and rustc are there and new enough."""
        needed = manifest_value("rust-version")
        # rustup's place, for shells that have not read ~/.cargo/env.
        path = os.pathsep.join(
            [os.environ.get("PATH", ""), str(Path.home() / ".cargo/bin")]
        )
        cargo = shutil.which("cargo", path=path)
        if cargo is None:
            self.abort(
                f"libcors is built from Rust: Rust {needed} or newer is "
                "needed, from https://rustup.rs"
            )
        answer = subprocess.run(
            [cargo, "--version"], cwd=CRATE, capture_output=True, text=True
        )
        words = answer.stdout.split()
        if answer.returncode != 0 or len(words) < 2:
            self.abort(f"{cargo} does not run: {answer.stderr.strip()}")
        if numbers(words[1]) < numbers(needed):
            self.abort(
                f"Rust {needed} or newer is needed, and {cargo} is "
                f"{words[1]}: rustup update, or https://rustup.rs"
            )
        return cargo

    def abort(self, message: str) -> NoReturn:
        self.app.abort(message)
        raise SystemExit(1)


def manifest_value(key: str) -> str:
    """A text of Cargo.toml's first table, [package]."""
    text = (CRATE / "Cargo.toml").read_text(encoding="utf-8")
    found = re.search(rf'^{key} = "(.*)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError(f"no {key} in {CRATE / 'Cargo.toml'}")
    return found[1]


def numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
