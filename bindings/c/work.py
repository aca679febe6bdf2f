#!/usr/bin/env python3
"""Counts the instructions of one cors_evaluate for inputs of 1, 2 and 4 times
a size, and fails where they grow faster than the input.

    work.py build/c/work        (needs valgrind)

Below a bound the instructions grow with the bytes. Beyond it, not at all: the
input is refused by its length.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# kind, first size, and whether these sizes lie beyond the bound
ROWS = [
    ("commas", 1024, False),
    ("spaces", 1024, False),
    ("short-names", 1024, False),
    ("names", 1024, False),
    ("method", 16, False),
    ("origin-labels", 64, False),
    ("origin-deep", 61, False),
    ("origin-pieces", 20, False),
    ("origin-scheme", 16, False),
    ("commas", 8192, True),
    ("short-names", 8192, True),
    ("method", 8192, True),
    ("origin-labels", 8192, True),
    ("origin-scheme", 8192, True),
]

# What does not depend on the size, and how a hash table's luck may differ.
SLACK = 500


def count_instructions(program, inputs):
    """The instructions and the decision of each input, from one process."""
    words = [str(word) for pair in inputs for word in pair]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=cors_evaluate",
             f"--callgrind-out-file={out}", program, *words],
            capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit(f"exit {run.returncode}\n{run.stderr}")
        counts = []
        for number in range(1, len(inputs) + 1):
            dump = Path(f"{out}.{number}").read_text(encoding="utf-8")
            counts.append(int(re.search(r"^summary: (\d+)", dump, re.M)[1]))
        return list(zip(counts, run.stdout.splitlines(), strict=True))


def main(program):
    inputs = [(kind, size * n) for kind, size, _ in ROWS for n in (1, 2, 4)]
    results = iter(count_instructions(program, inputs))
    failures = 0
    print(f"{'input':<16}{'bytes':>7}{'instructions at 1x, 2x, 4x':>30}"
          "  decision at 4x")
    for kind, size, beyond in ROWS:
        (one, _), (two, _), (four, decision) = (next(results) for _ in "124")
        if beyond:
            good = max(two, four) <= one + SLACK
        else:
            # From 2x to 4x the input grows twice as much as from 1x to 2x.
            good = four - two <= 2 * (two - one) + SLACK
        failures += not good
        print(f"{kind:<16}{size:>7}{one:>10}{two:>10}{four:>10}  {decision}"
              f"{'' if good else '  FAILED: not linear'}")
    print(f"{len(ROWS) - failures} passed, {failures} failed")
    return failures > 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
