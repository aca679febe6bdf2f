#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""compare_instructions.py [BASE]

The instructions of one cors_evaluate through the C ABI, under callgrind, in
this tree and in BASE (HEAD~1), both built in this run: a table of figures
would be wrong with another compiler. Then those of this tree for one pattern
or rule and for many. Exits with 1 where one has grown by more than 3 %, or many
take much more than one.
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

# Tables have a seed of their own in each process, and what else lies where a
# text is looked for costs some instructions: the least of so many counts.
ROUNDS = 5

# What BASE may not know: a kind of pattern, how many, what is asked, and how
# many times the instructions of one the many may take. Ranges and rules are
# found by binary search; and addresses are of different lengths.
ONE_AND_MANY = [
    ("range", 100_000, ("allowed", "refused"), 1.6),
    ("range6", 100_000, ("allowed", "refused"), 1.6),
    ("scheme", 100_000, ("allowed", "refused"), 1.1),
    ("extension", 100_000, ("allowed", "refused"), 1.1),
    ("rules", 1024, ("allowed", "refused", "preflight"), 1.6),
]


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


def count(program, scenarios):
    """By scenario."""
    out = FOLDER / f"callgrind-{program.name}"
    for old in FOLDER.glob(f"{out.name}*"):
        old.unlink()
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=cors_evaluate",
         f"--callgrind-out-file={out}", program, FOLDER],
        input="".join(f"count {name}\n" for name in scenarios),
        capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{program} ended with {run.returncode}\n{run.stderr}")
    requests = map(int, re.findall(r'"requests": (\d+)', run.stdout))
    counts = {}
    for number, (name, requests) in enumerate(zip(scenarios, requests), 1):
        text = pathlib.Path(f"{out}.{number}").read_text(encoding="utf-8")
        total = int(re.search(r"^(?:summary|totals): (\d+)", text, re.M)[1])
        counts[name] = total / requests
    return counts


def least(program):
    rounds = [count(program, SCENARIOS) for _ in range(ROUNDS)]
    return {name: min(counts[name] for counts in rounds)
            for name in SCENARIOS}


def main(base):
    subprocess.run([ROOT / "benches/peers/scenarios.py", FOLDER], check=True)
    tree = FOLDER / "base-tree"
    git = ["git", "-C", ROOT, "worktree"]
    subprocess.run([*git, "remove", "--force", tree], check=False,
                   capture_output=True)
    subprocess.run([*git, "add", "--quiet", "--detach", tree, base],
                   check=True)
    try:
        before = least(build(tree, FOLDER / "base"))
    finally:
        subprocess.run([*git, "remove", "--force", tree], check=True)
    program = build(ROOT, ROOT / "target")
    now = least(program)
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
    return compare_one_and_many(program) or grown > 0


def compare_one_and_many(program):
    rows = [(f"{kind}=1/{what}", f"{kind}={many}/{what}", most)
            for kind, many, asked, most in ONE_AND_MANY for what in asked]
    # Those of one policy are next to each other: it is loaded once.
    counts = count(program, sorted(name for row in rows for name in row[:2]))
    print(f"\n{'':32}{'one':>13}{'many':>10}")
    steep = 0
    for one, many, most in rows:
        ratio = counts[many] / counts[one]
        steep += ratio > most
        print(f"{many:32}{counts[one]:>13,.0f}{counts[many]:>10,.0f}"
              f"{ratio - 1:>+9.1%}{'  NOT FLAT' if ratio > most else ''}")
    return steep > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or ["HEAD~1"]))
