#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Checks that every target exists that a document, a workflow or the head of a
Makefile tells people to make. Prints the line of each that does not, and exits
with 1."""

import functools
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: A command in a code span or an example. Two spaces end it, as in a table of
#: commands, where what it does comes next.
COMMAND = re.compile(
    r"(?:^#  +|^ {4,}(?:[$-] )?|[`&|;(] ?|run: )"
    r"(?:sudo |bash |nice |RUN |[A-Z_]+=\S+ )*"
    r"make((?: -C ?[^\s`]+| -j ?\d*| [A-Z_]+='[^']*'| [A-Z_]+=[^\s`]*"
    r"| [a-z0-9]+(?:-[a-z0-9]+)*(?![\w.-]))+)"
)
WORDS = re.compile(r"-C ?(\S+)|-j ?\d*|[A-Z_]+='[^']*'|[A-Z_]+=\S*|(\S+)")


def documents():
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard",
         "*.md", "*Makefile", "*Dockerfile", ".github", ".ci"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()
    for name in names:
        path = ROOT / name
        # The past is not mended.
        if path.exists() and name != "CHANGELOG.md":
            yield name, path.read_text(encoding="utf-8")


def commands(name, text):
    """The line, the folder that -C names, and each target."""
    for number, line in enumerate(text.splitlines(), 1):
        # Recipes are run anyway.
        if name.endswith("Makefile") and not line.startswith("#"):
            continue
        for command in COMMAND.finditer(line):
            folder = None
            for word in WORDS.finditer(command[1]):
                folder = word[1] or folder
                if word[2]:
                    yield number, folder, word[2]


@functools.cache
def targets(folder):
    """All targets of the Makefile there."""
    database = subprocess.run(
        ["make", "--no-print-directory", "-npRr", "-C", folder, "-f",
         "Makefile", ".SUFFIXES"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout
    database = re.sub(r"^# Not a target:\n.*\n", "", database, flags=re.M)
    return set(re.findall(r"^([a-z][a-z0-9-]*):", database, re.M))


def main():
    found = missing = 0
    for name, text in documents():
        for number, folder, target in commands(name, text):
            # Without -C it is the root, or the folder of the document. An
            # image has the source elsewhere.
            folders = [folder] if folder else [".", str(Path(name).parent)]
            if folder == "/usr/src/libcors":
                folders = ["."]
            found += 1
            if not any(target in targets(each) for each in folders):
                missing += 1
                print(f"{name}:{number}: there is no target {target}")
    print(f"{found} targets in documents, {missing} of them do not exist")
    # Fewer would mean that the commands are no longer recognized.
    sys.exit(1 if missing or found < 100 else 0)


if __name__ == "__main__":
    main()
