#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""compare_instructions.py [BASE]

The instructions of one cors_evaluate through the C ABI, under callgrind, in
this tree and in BASE (HEAD~1), both built in this run: a table of figures
would be wrong with another compiler. Exits with 1 where one has grown by more
than 3 %.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build/bench"

sys.path.insert(0, str(ROOT / "benches/peers"))
from run import SYSTEM_LIBS

SCENARIOS = [
    "exact=1/allowed", "exact=1/refused", "exact=100000/allowed",
    "exact=100000/refused", "wildcard=1/allowed", "wildcard=1/refused",
    "wildcard=100/allowed", "wildcard=100/refused", "glob=1/allowed",
    "glob=1/refused", "glob=100/allowed", "glob=100/refused",
    "glob=10000/allowed", "preflight/headers=1", "preflight/headers=10",
    "preflight/headers=100",
    "preflight/origin-refused", "hostile/headers=16KiB-commas",
    "hostile/origin=200-labels", "deep/origin=100-labels", "no-origin",
]

GROWTH = 1.03


def build(tree, target):
    """The program of this tree with the library of that one."""
    subprocess.run(
        ["cargo", "build", "-q", "--release", "--manifest-path",
         tree / "Cargo.toml", "--target-dir", target], check=True)
    program = FOLDER / f"libcors-{'now' if tree == ROOT else 'base'}"
    subprocess.run(
        ["cc", "-std=c11", "-O2", f"-I{tree}/include",
         ROOT / "benches/peers/libcors.c",
         target / "release/libcors.a", "-ljansson",
         *SYSTEM_LIBS.split(), "-o", program], check=True)
    return program


def count(program):
    """By scenario."""
    out = FOLDER / f"callgrind-{program.name}"
    for old in FOLDER.glob(f"{out.name}*"):
        old.unlink()
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=cors_evaluate",
         f"--callgrind-out-file={out}", program, FOLDER],
        input="".join(f"count {name}\n" for name in SCENARIOS),
        capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{program} ended with {run.returncode}\n{run.stderr}")
    requests = map(int, re.findall(r'"requests": (\d+)', run.stdout))
    counts = {}
    for number, (name, requests) in enumerate(zip(SCENARIOS, requests), 1):
        text = pathlib.Path(f"{out}.{number}").read_text(encoding="utf-8")
        total = int(re.search(r"^(?:summary|totals): (\d+)", text, re.M)[1])
        counts[name] = total / requests
    return counts


def main(base):
    subprocess.run([ROOT / "benches/peers/scenarios.py", FOLDER], check=True)
    tree = FOLDER / "base-tree"
    git = ["git", "-C", ROOT, "worktree"]
    subprocess.run([*git, "remove", "--force", tree], check=False,
                   capture_output=True)
    subprocess.run([*git, "add", "--quiet", "--detach", tree, base],
                   check=True)
    try:
        before = count(build(tree, FOLDER / "base"))
    finally:
        subprocess.run([*git, "remove", "--force", tree], check=True)
    now = count(build(ROOT, ROOT / "target"))
    print(f"{'instructions of a decision':32}{base[:12]:>13}{'now':>10}")
    grown = 0
    for name in SCENARIOS:
        ratio = now[name] / before[name]
        grown += ratio > GROWTH
        print(f"{name:32}{before[name]:>13,.0f}{now[name]:>10,.0f}"
              f"{ratio - 1:>+9.1%}{'  GREW' if ratio > GROWTH else ''}")
    if grown:
        print(f"{grown} grew by more than {GROWTH - 1:.0%}: the change says"
              " why, or mends it")
    return grown > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or ["HEAD~1"]))
