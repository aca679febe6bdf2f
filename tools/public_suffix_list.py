#!/usr/bin/env python3
"""Make src/origin/public_suffix_list.txt from the public suffix list.

    make public-suffix-list          (fetches the list's PyPI package)
    tools/public_suffix_list.py public_suffix_list.dat

The list is taken as it is, both sections, and brought into the order that the
library searches, in Punycode, labels from right to left, sorted by bytes: each
line is a name that rules stand right below, and the labels that they add. The
first line is the list's date.
"""

import itertools
import re
import sys
from pathlib import Path

OUTPUT = Path(__file__).parent.parent / "src/origin/public_suffix_list.txt"

#: The longest line, where a label is not longer.
WIDTH = 160


def main(path):
    text = Path(path).read_text(encoding="utf-8")
    date = re.search(r"^// VERSION: (\d{4}-\d\d-\d\d)", text, re.M)
    if not date:
        sys.exit(f"{path}: no line '// VERSION: YYYY-MM-DD'")
    rules = set()
    for line in text.splitlines():
        # The format's own rule: up to the first white space, no comments.
        rule = line.split()[0] if line.split() else ""
        if rule and not rule.startswith("//"):
            rules.add(reverse(rule))
    if len(rules) < 8000:
        sys.exit(f"{path}: only {len(rules)} rules, the list is not whole")
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
    OUTPUT.write_text("\n".join([date[1], *lines, ""]), "ascii")
    print(f"{OUTPUT.name}: {len(rules)} rules of {date[1]}")


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
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
