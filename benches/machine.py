# SPDX-License-Identifier: MIT OR Apache-2.0
"""What every record says of its run."""

import json
import os
import pathlib
import platform
import re
import subprocess
import time


def record(measured):
    """A record as JSON: one row a line."""
    cpu = re.search(r"^model name\s*: (.*)$",
                    pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    commit = git("rev-parse", "--short", "HEAD").stdout.strip()
    # What a bench itself writes is no change.
    written = "results", "README.md"
    if git("diff", "--quiet", "HEAD", "--", ":/",
           *(f":(exclude){name}" for name in written)).returncode:
        commit += " with changes"
    text = json.dumps({
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit,
        "machine": {
            "cpu": cpu[1] if cpu else platform.machine(),
            "cpus": os.cpu_count(),
            "system": platform.freedesktop_os_release()["PRETTY_NAME"],
            "kernel": platform.release(),
        },
        **measured,
    }, indent=1)
    # Lists of numbers in one line.
    return re.sub(r"\[[^][{}\"]*\]",
                  lambda found: re.sub(r"\s+", " ", found[0]), text) + "\n"


def git(*words):
    return subprocess.run(
        ["git", *words], capture_output=True, text=True, check=False,
        cwd=pathlib.Path(__file__).parent,
    )
