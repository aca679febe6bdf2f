#!/usr/bin/env python3
"""Make src/origin/public_suffix_list.txt from the public suffix list and
src/origin/shared_domains.txt.

    make public-suffix-list          (fetches the list's PyPI package)
    tools/public_suffix_list.py public_suffix_list.dat
    tools/public_suffix_list.py      (takes the list that is there)

The list is taken as it is, both sections, and brought into the order that the
library searches, in Punycode, labels from right to left, sorted by bytes: each
line is a name that rules stand right below, and the labels that they add. The
first line is the list's date. A shared domain has a + behind its label, or ++
where it is open at any depth. One that the list has by now is an error: it is
to be removed from the shared domains.
"""

import itertools
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "src/origin"
OUTPUT = FOLDER / "public_suffix_list.txt"
SHARED = FOLDER / "shared_domains.txt"

#: The longest line, where a label is not longer.
WIDTH = 160


def main(path=None):
    date, rules = published(path) if path else built_in()
    shared = set(map(reverse, rules_of(SHARED.read_text("ascii"))))
    known = {rule for rule in shared if rule in rules}
    if known:
        sys.exit(f"{path or OUTPUT}: has {', '.join(sorted(known))} itself")
    # "**.example.com" is the domain itself, with the mark of any depth.
    rules |= {
        rule[:-3] + "++" if rule.endswith(".**") else rule + "+"
        for rule in shared
    }
    lines = []
    for name, rules_below in itertools.groupby(
        sorted(rule.rpartition(".")[::2] for rule in rules),
        key=lambda rule: rule[0],
    ):
        line = name
        for _, label in rules_below:
            if len(line) + len(label) >= WIDTH and line != name:
                lines.append(line)
                line = name
            line += f" {label}"
        lines.append(line)
    OUTPUT.write_text("\n".join([date, *lines, ""]), "ascii")
    print(f"{OUTPUT.name}: {len(rules)} rules of {date}, {len(shared)} our own")


def published(path):
    """Date and rules of a list as it is published."""
    text = Path(path).read_text(encoding="utf-8")
    date = re.search(r"^// VERSION: (\d{4}-\d\d-\d\d)", text, re.M)
    if not date:
        sys.exit(f"{path}: no line '// VERSION: YYYY-MM-DD'")
    rules = set(map(reverse, rules_of(text)))
    if len(rules) < 8000:
        sys.exit(f"{path}: only {len(rules)} rules, the list is not whole")
    return date[1], rules


def built_in():
    """Date and rules of the list that is there, without the shared domains."""
    date, *lines = OUTPUT.read_text("ascii").splitlines()
    return date, {
        f"{name}.{label}".removeprefix(".")
        for name, *labels in (line.split(" ") for line in lines)
        for label in labels
        if not label.endswith("+")
    }


def rules_of(text):
    """The format's own rule: up to the first white space, no comments."""
    for line in text.splitlines():
        rule = line.split()[0] if line.split() else ""
        if rule and not rule.startswith("//"):
            yield rule


def reverse(rule):
    """`!www.ck` becomes `ck.!www`: the mark stays with its label."""
    labels = []
    for label in reversed(rule.split(".")):
        mark = "!" if label.startswith("!") else ""
        name = label.removeprefix("!").lower()
        if not name.isascii():
            # Not the codec "idna" (IDNA 2003): it maps some letters away.
            name = "xn--" + name.encode("punycode").decode("ascii")
        labels.append(mark + name)
    return ".".join(labels)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
