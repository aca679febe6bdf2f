# SPDX-License-Identifier: MIT OR Apache-2.0
"""mypy and pyright about the applications of each framework, and the kinds of
policies."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def mypy(file, folder):
    """The lines on which mypy has an error."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--output=json"),
            *(f"--cache-dir={folder}", file),
        ],
        # Not the package's own configuration.
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode in (0, 1)
    found = map(json.loads, filter(str.strip, done.stdout.splitlines()))
    return [error["line"] for error in found if error["severity"] == "error"]


def pyright(file, folder):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pyright", "--outputjson"),
            *("--pythonpath", sys.executable, file),
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    return [
        error["range"]["start"]["line"] + 1
        for error in found["generalDiagnostics"]
        if error["severity"] == "error"
    ]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_checkers_accept_what_is_sensible(checker, tmp_path):
    assert checker(HERE / "types_accepted.py", tmp_path) == []


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_checkers_refuse_what_fails(checker, tmp_path):
    file = HERE / "types_refused.py"
    lines = file.read_text().splitlines()
    marked = [i for i, line in enumerate(lines, 1) if "# refused" in line]
    assert sorted(set(checker(file, tmp_path))) == marked
