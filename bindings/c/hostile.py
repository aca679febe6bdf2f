#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What hostile policy files cost.

    hostile.py build/c/hostile             (needs valgrind)
    hostile.py --long [--mib=255] build/c/hostile [NAME]...

The first counts instructions for files of 1, 2 and 4 times a size: loading
must not grow faster than the file, nor take more than so many for each of its
bytes, and deciding and explaining must not grow at all. The second loads files
of 32 MiB, or as many as are asked for: at the peak it must take under 5 times
the file, which is in memory besides. The processor time is shown, not judged:
it depends on the machine, which the instructions do not.
"""

import argparse
import ipaddress
import itertools
import math
import random
import re
import string
import subprocess
import sys
import tempfile
from pathlib import Path

MIB = 1 << 20

RULES_MAX = 1024

LETTERS = "abcdefgh"


def label_of_pieces():
    """63 bytes in which no two letters stand together twice, so that as many
    pieces as can be are different."""
    text = LETTERS[0]
    while len(text) < 63:
        text += next(letter for letter in reversed(LETTERS)
                     if text[-1] + letter not in text)
    return text


LABEL = label_of_pieces()


def word(number, width=4):
    """Letters and digits, `width` of them, another for each number."""
    digits = string.ascii_lowercase + string.digits
    out = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        out += digits[digit]
    return out


def strings(texts):
    return ",".join(f'"{text}"' for text in texts)


def origins(patterns, rest=""):
    return f'{{"allow_origins":[{strings(patterns)}]{rest}}}'


def globs(labels):
    return origins(f"https://{label}.example.com" for label in labels)


def with_key(key, values):
    return f'{{"allow_origins":["https://a.example"],"{key}":[{values}]}}'


def pieces(n, middles, shuffle=False):
    """Globs of pieces of LABEL, which match it, or with middles in the wrong
    order; repeated where there are not so many."""
    numbers = random.Random(1)
    labels = {}
    different = min(n, math.comb(len(LABEL), 2 + 2 * middles) // 2, 200_000)
    while len(labels) < different:
        cuts = sorted(numbers.sample(range(len(LABEL)), 2 + 2 * middles))
        between = [LABEL[a:b] for a, b in zip(cuts[1::2], cuts[2::2])]
        if shuffle:
            between.reverse()
        labels["*".join([LABEL[:cuts[0]], *between, LABEL[cuts[-1]:]])] = None
    return globs(itertools.islice(itertools.cycle(labels), n))


def v4(number):
    return str(ipaddress.IPv4Address(number))


def v6(number):
    return f"[{ipaddress.IPv6Address(number)}]"


def ranges(n, host, bits):
    """Of all lengths in turn, from every address to a single one."""
    numbers = random.Random(1)
    for i in range(n):
        length = i % (bits + 1)
        number = numbers.getrandbits(bits) >> bits - length << bits - length
        yield f"https://{host(number)}/{length}"


def nested(n, host, bits):
    """Of all lengths around one address, for each of many ports."""
    number = 0x0a010203 << bits - 32
    for i in range(n):
        port, length = 1000 + i // (bits + 1), i % (bits + 1)
        first = number >> bits - length << bits - length
        yield f"https://{host(first)}/{length}:{port}"


def rules(patterns, each=4, rest="", most=RULES_MAX):
    """The patterns in rules of so many each, or of more if there would be too
    many rules."""
    patterns = list(patterns)
    count = min(most, len(patterns) // each)
    bounds = [i * len(patterns) // count for i in range(count + 1)]
    texts = [origins(patterns[a:b], rest) for a, b in zip(bounds, bounds[1:])]
    return f'{{"rules":[{",".join(texts)}]}}'


def halves(n, early, late):
    """Rules with patterns of one kind, and then with as many of another."""
    return rules([early(i) for i in range(n // 2)]
                 + [late(i) for i in range(n // 2)])


def dangers(member, patterns, rest=""):
    patterns = list(patterns)
    return origins(patterns, f',"dangerously_allow":{{"{member}":'
                             f"[{strings(patterns)}]}}{rest}")


# Each kind's file of n elements.
FILES = {
    "exact": lambda n: origins(f"https://{word(i)}.example.com" for i in range(n)),
    "exact-repeated": lambda n: origins(["https://a.example.com"] * n),
    "exact-covered": lambda n: origins(
        ["https://**.example.com",
         *(f"https://{word(i)}.example.com" for i in range(n))]),
    "exact-covered-by-globs": lambda n: globs(
        [*(f"{word(i)}*" for i in range(n)),
         *(f"{word(i)}x" for i in range(n))]),
    "suffixes": lambda n: origins(f"https://*.{word(i)}.example.com" for i in range(n)),
    "subdomains": lambda n: origins(f"https://**.{word(i)}.example.com" for i in range(n)),
    "ports": lambda n: origins(
        f"https://*.example.com:{1000 + i % 60000}" for i in range(n)),
    "globs": lambda n: globs(f"pr-*-{word(i)}" for i in range(n)),
    "globs-repeated": lambda n: globs(["pr-*-a"] * n),
    "globs-heads": lambda n: globs(f"{word(i)}*-x" for i in range(n)),
    "globs-tails": lambda n: globs(f"pr-*-{word(i)}" for i in range(n)),
    "globs-middles": lambda n: globs(f"*-{word(i)}-*" for i in range(n)),
    "globs-one-middle": lambda n: globs(
        f"{word(i)}*-mid-*{word(i * 7)}" for i in range(n)),
    "globs-two-middles": lambda n: globs(
        f"pr-*-{word(i)}-*-mid-*-x" for i in range(n)),
    "globs-grid": lambda n: globs(
        f"a{i % 40}x*-m{i // 40 % 40}-*x{i // 1600}" for i in range(n)),
    "globs-grid-of-middles": lambda n: globs(
        f"*-a{i % 50}-*-b{i // 50}-*" for i in range(n)),
    "globs-deep": lambda n: globs(f"{word(i)}.a.*-x" for i in range(n)),
    "globs-deep-heads": lambda n: globs(f"a.b.{word(i)}*" for i in range(n)),
    "pieces-middle": lambda n: pieces(n, 1),
    "pieces-middles": lambda n: pieces(n, 2),
    "pieces-middles-wrong": lambda n: pieces(n, 2, shuffle=True),
    "ranges": lambda n: origins(ranges(n, v4, 32)),
    "ranges-ipv6": lambda n: origins(ranges(n, v6, 128)),
    "ranges-nested": lambda n: origins(nested(n, v4, 32)),
    "ranges-nested-inner-first": lambda n: origins(
        reversed(list(nested(n, v6, 128)))),
    "ranges-adjacent": lambda n: origins(
        f"https://{v4(0x0a000000 + 2 * i)}/31" for i in range(n)),
    "ranges-ports": lambda n: origins(
        f"https://10.0.0.0/8:{1000 + i % 60000}" for i in range(n)),
    "ranges-repeated": lambda n: origins(["https://10.0.0.0/8:*"] * n),
    "ranges-over-exact": lambda n: origins(
        [*ranges(n // 2, v4, 32),
         *(f"https://{v4(0x0a000000 + 99 * i)}" for i in range(n // 2))]),
    "ranges-public": lambda n: dangers(
        "public_suffix_wildcards",
        (f"https://{v4(0x08000000 + 256 * i)}/24" for i in range(n)),
        ',"allow_credentials":true'),
    "ranges-not-networks": lambda n: origins(
        f"https://{v4(0x0a000001 + 99 * i)}/8" for i in range(n)),
    "ranges-malformed": lambda n: origins(
        f"https://{v4(0x0a000000 + 99 * i)}/33" for i in range(n)),
    "schemes": lambda n: origins(f"app-{word(i)}://*" for i in range(n)),
    "schemes-repeated": lambda n: origins(["app://*"] * n),
    "schemes-over-exact": lambda n: origins(
        [*(f"app-{word(i)}://*" for i in range(n // 2)),
         *(f"app-{word(i)}://host" for i in range(n // 2))]),
    "schemes-named": lambda n: dangers(
        "scheme_wildcards", (f"app-{word(i)}://*" for i in range(n)),
        ',"allow_credentials":true'),
    "hosts-of-a-scheme": lambda n: origins(
        f"chrome-extension://{word(i)}" for i in range(n)),
    "rules": lambda n: rules(f"https://{word(i)}.example.com" for i in range(n)),
    "rules-small": lambda n: rules(
        (f"https://{word(i)}.example.com" for i in range(n * 16 // 25)), 1),
    "rules-too-many": lambda n: rules(["null"] * 4 * n, 1, most=4 * n),
    "rules-without-origins": lambda n: '{"rules":['
        + ",".join(['{"max_age":60}'] * min(n * 16 // 25, RULES_MAX))
        + f'],"description":"{"a" * 16 * n}"}}',
    "rules-repeated": lambda n: rules(["https://a.example.com"] * n),
    "rules-any": lambda n: rules(["*"] * (n * 16 // 25), 1),
    "rules-null": lambda n: rules(["null"] * (n * 16 // 25), 1),
    "rules-headers": lambda n: rules(
        (f"https://{word(i)}.example.com" for i in range(n)), 4,
        ',"allow_headers":["X-A","X-B"],"expose_headers":["X-C"],'
        '"allow_methods":["PUT"],"max_age":60'),
    "rules-misplaced": lambda n: rules(
        ["https://a.example.com"] * n, 4, ',"preflight_status":200'),
    "rules-exact-under-globs": lambda n: halves(
        n, lambda i: f"https://{word(i)}*.example.com",
        lambda i: f"https://{word(i)}x.example.com"),
    "rules-exact-under-subdomains": lambda n: halves(
        n, lambda i: f"https://**.{word(i)}.example.com",
        lambda i: f"https://a.{word(i)}.example.com"),
    "rules-globs-under-subdomains": lambda n: halves(
        n, lambda i: f"https://**.{word(i)}.example.com:*",
        lambda i: f"https://a*.b.{word(i)}.example.com:3000"),
    "rules-globs-under-globs": lambda n: halves(
        n, lambda i: f"https://{word(i)}*.example.com",
        lambda i: f"https://{word(i)}-*-x.example.com"),
    "rules-globs-beside-globs": lambda n: halves(
        n, lambda i: f"https://a*-{word(i)}-*z.example.com",
        lambda i: f"https://a*-{word(i)}*-z.example.com"),
    "rules-ranges-under-ranges": lambda n: rules(nested(n, v4, 32), 33),
    "rules-ranges": lambda n: rules(ranges(n, v4, 32)),
    "rules-exact-under-ranges": lambda n: halves(
        n, lambda i: f"https://{v4(0x0a000000 + 256 * i)}/24",
        lambda i: f"https://{v4(0x0a000001 + 256 * i)}"),
    "rules-exact-under-schemes": lambda n: halves(
        n, lambda i: f"app-{word(i)}://*", lambda i: f"app-{word(i)}://host"),
    "timing": lambda n: with_key(
        "timing_allow_origins",
        strings(f"https://{word(i)}.example.com" for i in range(n))),
    "timing-repeated": lambda n: with_key(
        "timing_allow_origins", strings(["https://a.example.com"] * n)),
    "timing-any": lambda n: with_key(
        "timing_allow_origins", strings(["*"] * n)),
    "timing-patterns": lambda n: with_key(
        "timing_allow_origins",
        strings(f"https://*.{word(i)}.example.com" for i in range(n))),
    "insecure": lambda n: origins(f"http://{word(i)}.example.com" for i in range(n)),
    "insecure-named": lambda n: origins(
        (f"http://{word(i)}.example.com" for i in range(n)),
        ',"dangerously_allow":{"insecure_origins":['
        + strings(f"http://{word(i)}.example.com" for i in range(n)) + "]}"),
    "insecure-unneeded": lambda n: origins(
        ["https://a.example"], ',"dangerously_allow":{"insecure_origins":['
        + strings(f"http://{word(i)}.example.com" for i in range(n)) + "]}"),
    "insecure-repeated": lambda n: origins(
        ["https://a.example"], ',"dangerously_allow":{"insecure_origins":['
        + strings(["http://a.example.com"] * n) + "]}"),
    "suffix-wildcards": lambda n: origins(
        f"https://{word(i)}*.amazonaws.com" for i in range(n)),
    "loopback": lambda n: origins(
        (f"http://localhost:{1000 + i % 60000}" for i in range(n)),
        ',"allow_credentials":true'),
    "null-repeated": lambda n: origins(["null"] * n),
    "malformed": lambda n: origins(f"https://{word(i)}.example.com/" for i in range(n)),
    "malformed-unicode": lambda n: origins("https://\xfc\xfc.example" for i in range(n)),
    "malformed-long": lambda n: origins(["https://" + "a." * 8 * n]),
    "malformed-regex": lambda n: origins(["^https://" + "a." * 8 * n]),
    "numbers": lambda n: with_key("allow_headers", ",".join(["12345678"] * n)),
    "nested": lambda n: with_key("allow_headers", "[" * 8 * n + "]" * 8 * n),
    "nested-elements": lambda n: with_key(
        "allow_headers", ",".join(["[[[[[[[[[]]]]]]]]]"] * n)),
    "headers": lambda n: with_key(
        "allow_headers", strings(f"X-Header-{word(i)}" for i in range(n))),
    "headers-repeated": lambda n: with_key(
        "allow_headers", strings(["X-Header-abcd"] * n)),
    "headers-covered": lambda n: with_key(
        "allow_headers", '"*",' + strings(f"X-Header-{word(i)}" for i in range(n))),
    "headers-malformed": lambda n: with_key(
        "allow_headers", strings(f"X Header {word(i)}" for i in range(n))),
    "headers-forbidden": lambda n: with_key(
        "allow_headers", strings(f"Sec-Header-{word(i)}" for i in range(n))),
    "headers-escaped": lambda n: with_key(
        "allow_headers", strings(f"\\u0058-{word(i)}" for i in range(n))),
    "header-long": lambda n: with_key("allow_headers", strings(["a" * 16 * n])),
    "methods": lambda n: with_key(
        "allow_methods", strings(f"METHOD-{word(i)}" for i in range(n))),
    "methods-repeated": lambda n: with_key(
        "allow_methods", strings(["METHOD-abcd"] * n)),
    "methods-safelisted": lambda n: with_key(
        "allow_methods", strings(["GET", "POST"] * n)),
    "methods-case": lambda n: with_key("allow_methods", strings(["Delete"] * n)),
    "expose": lambda n: with_key(
        "expose_headers", strings(f"X-Header-{word(i)}" for i in range(n))),
    "expose-repeated": lambda n: with_key(
        "expose_headers", strings(["X-Header-abcd"] * n)),
    "keys": lambda n: "{" + ",".join(f'"key-{word(i)}":1' for i in range(n)) + "}",
    "keys-repeated": lambda n: "{" + ",".join(['"max_age":123456'] * n) + "}",
    "key-long": lambda n: '{"' + "k" * 16 * n + '":1}',
    "key-invisible": lambda n: '{"' + "\u200b" * 5 * n + '":1}',
    "keys-of-dangers": lambda n: origins(
        ["https://a.example"], ',"dangerously_allow":{'
        + ",".join(f'"key-{word(i)}":1' for i in range(n)) + "}"),
    "description": lambda n: origins(
        ["https://a.example"], ',"description":"' + "\\u00fc abc" * 2 * n + '"'),
    "errors-at-the-end": lambda n: origins(
        ["https://a.example"], ',"description":"' + "\xfc" * 8 * n + '"'
        + "".join(f',"x{i}":1' for i in range(99))),
    "spaces": lambda n: " " * 16 * n + origins(["https://a.example"]),
    "lines": lambda n: "\n" * 16 * n + "{}",
    "syntax": lambda n: origins(f"https://{word(i)}.example.com" for i in range(n))[:-1],
    "encoding": lambda n: origins(
        ["https://a.example"], ',"description":"' + "a" * 16 * n + '\udcff"'),
}

# What is asked of them: another name than a stranger's, where there is one
# that makes more work.
ORIGINS = {
    "globs-heads": "https://aaaa-y.example.com",
    "globs-tails": "https://pr-7-zzzz.example.com",
    "globs": "https://pr-7-baaa.example.com",
    "globs-repeated": "https://pr-7-b.example.com",
    "globs-middles": "https://x-zzzz-x-baaa-x.example.com",
    "globs-one-middle": "https://baaa-mid-x-mid-y.example.com",
    "globs-two-middles": "https://pr-x-baaa-x-mid-y-x.example.com",
    "globs-grid": "https://a7x-m9-m8-m7-mx0.example.com",
    # In the wrong order.
    "globs-grid-of-middles": "https://x-b1-x-b2-x-b3-a1-x-a2-x-a3-x.example.com",
    "globs-deep": "https://baaa.a.b-y.example.com",
    "globs-deep-heads": "https://a.b.zzzzz.example.com",
    "pieces-middle": f"https://{LABEL}.example.com",
    "pieces-middles": f"https://{LABEL}.example.com",
    "pieces-middles-wrong": f"https://{LABEL}.example.com",
    "exact-covered-by-globs": "https://zzzzy.example.com",
    "suffixes": "https://a.baaa.example.com",
    "subdomains": "https://a.baaa.example.com",
    "ports": "https://a.example.com:1001",
    "ranges": "https://10.1.2.3",
    "ranges-ipv6": "https://[fd00:1:2:3:4:5:6:7]",
    "ranges-nested": "https://10.1.2.3:1001",
    "ranges-nested-inner-first": "https://[a01:203::]:1001",
    "ranges-adjacent": "https://10.0.0.9",
    "ranges-ports": "https://10.1.2.3:1001",
    "ranges-repeated": "https://10.1.2.3:1001",
    "ranges-over-exact": "https://10.1.2.3",
    "ranges-public": "https://8.0.1.2",
    "schemes": "app-baaa://host",
    "schemes-repeated": "app://host",
    "schemes-over-exact": "app-baaa://other",
    "schemes-named": "app-baaa://host",
    "hosts-of-a-scheme": "chrome-extension://baaa",
    "rules": "https://baaa.example.com",
    "rules-small": "https://baaa.example.com",
    "rules-headers": "https://baaa.example.com",
    "rules-exact-under-globs": "https://baaax.example.com",
    "rules-exact-under-subdomains": "https://a.baaa.example.com",
    "rules-globs-under-subdomains": "https://ax.b.baaa.example.com:3000",
    "rules-globs-under-globs": "https://baaa-x-x.example.com",
    "rules-globs-beside-globs": "https://a-baaa-z.example.com",
    "rules-ranges-under-ranges": "https://10.1.2.3:1001",
    "rules-ranges": "https://10.1.2.3",
    "rules-exact-under-ranges": "https://10.0.1.1",
    "rules-exact-under-schemes": "app-baaa://host",
}

STRANGER = "https://evil.example"

SIZES = [1, 2, 4]
ELEMENTS = 400

# From 2x to 4x the work grows twice as much as from 1x to 2x, or a little
# more, as what is sorted takes n log n comparisons.
LINEAR = 2.4
SLACK = 20_000

# How often what fails is counted again. Each process has a seed of its own for
# its hash tables, and with a few seeds many keys are close together.
AGAIN = 2

# One decision, and one explanation, which asks for some dozens of decisions.
EVALUATE_MAX = 20_000
EXPLAIN_MAX = 400_000

# Of globs that are all made of pieces of the label, those with two middles in
# the wrong order are tried: never more than that (src/origin/glob_index.rs).
PER_GLOB = {"pieces-middle": 150, "pieces-middles": 150,
            "pieces-middles-wrong": 200}

# What loading takes for each byte that a file is longer.
PER_BYTE = 300
PER_BYTE_OF = {
    # Elements of 6 to 9 bytes, which cost as much as longer ones.
    "null-repeated": 500, "numbers": 350, "methods-safelisted": 500,
    "methods-case": 450,
    # The standard library takes long to find out what is printable.
    "key-invisible": 1100,
    "timing-any": 400, "rules-any": 350, "schemes-repeated": 700,
    # Each rule is an error.
    "rules-without-origins": 650,
    # An address is read, written and compared.
    "ranges": 650, "ranges-ipv6": 700, "ranges-nested": 600,
    "ranges-nested-inner-first": 750, "ranges-adjacent": 600,
    "ranges-ports": 600, "ranges-repeated": 600, "ranges-over-exact": 500,
    "ranges-public": 400, "rules-ranges-under-ranges": 650,
    "rules-ranges": 600, "rules-exact-under-ranges": 500,
    # What earlier rules leave of a pattern is looked for among their patterns.
    "rules-globs-under-globs": 450, "rules-globs-beside-globs": 500,
    "rules-exact-under-schemes": 400,
    # The public suffix list has 200 lines below that name.
    "suffix-wildcards": 3500,
}

# Of short elements that are all different a file is smaller than what is made
# of it, and a table that has just grown is half empty.
MEMORY_MAX = 5
MEMORY_MAX_OF = {
    "insecure-unneeded": 9, "schemes-named": 11, "ranges-public": 7,
    # The pointer escapes each character: 8 bytes for 3.
    "key-invisible": 9,
}


def write(folder, name, n):
    path = Path(folder) / f"{name}-{n}.json"
    path.write_bytes(FILES[name](n).encode("utf-8", "surrogateescape"))
    return path


def count_instructions(program, folder, names):
    """Of each name and size: what loading, deciding and explaining took, and
    the bytes."""
    inputs = [(name, n * ELEMENTS) for name in names for n in SIZES]
    words = []
    for name, n in inputs:
        words += [write(folder, name, n), ORIGINS.get(name, STRANGER)]
    out = Path(folder) / "out"
    run = subprocess.run(
        ["valgrind", "--tool=callgrind",
         "--toggle-collect=cors_policy_load",
         "--toggle-collect=cors_evaluate", "--toggle-collect=cors_explain",
         f"--callgrind-out-file={out}.%p", program, *words],
        capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"exit {run.returncode}\n{run.stderr}")
    results = {}
    for (name, _), line in zip(inputs, run.stdout.splitlines(), strict=True):
        process, size, *_, verdict = line.split()[:6]
        counts = []
        for dump in range(1, 2 if verdict == "not-loaded" else 4):
            text = Path(f"{out}.{process}.{dump}").read_text(encoding="utf-8")
            counts.append(int(re.search(r"^(?:summary|totals): (\d+)", text,
                                        re.MULTILINE)[1]))
        results.setdefault(name, []).append((int(size), counts))
    return results


def faults_of(name, results):
    sizes, rows = zip(*results)
    one, two, four = (row[0] for row in rows)
    faults = []
    per_byte = (four - two) / (sizes[2] - sizes[1])
    if per_byte > (most := PER_BYTE_OF.get(name, PER_BYTE)):
        faults.append(f"loading takes more than {most} a byte")
    if four - two > LINEAR * (two - one) + SLACK:
        faults.append("loading is not linear")
    for at, what, most in ((1, "deciding", EVALUATE_MAX),
                           (2, "explaining", EXPLAIN_MAX)):
        most += PER_GLOB.get(name, 0) * ELEMENTS * SIZES[-1]
        if len(rows[0]) > at and max(row[at] for row in rows) > most:
            faults.append(f"{what} takes more than {most:,}")
    return faults


def short(program, names):
    failures = 0
    print(f"{'policy file':<24}{'loading 1x, 2x, 4x':>36}{'a byte':>8}"
          f"{'deciding':>10}{'explaining':>12}")
    with tempfile.TemporaryDirectory() as folder:
        results = count_instructions(program, folder, names)
        for _ in range(AGAIN):
            doubtful = [name for name in names
                        if faults_of(name, results[name])]
            if doubtful:
                results |= count_instructions(program, folder, doubtful)
    for name, results_of in results.items():
        faults = faults_of(name, results_of)
        sizes, rows = zip(*results_of)
        one, two, four = (row[0] for row in rows)
        per_byte = (four - two) / (sizes[2] - sizes[1])
        failures += bool(faults)
        rest = [max(row[at] for row in rows) for at in (1, 2)
                if len(rows[0]) > at] or ["not loaded", ""]
        print(f"{name:<24}{one:>12,}{two:>12,}{four:>12,}{per_byte:>8.0f}"
              f"{rest[0]:>11}{rest[1]:>12}"
              f"{'  FAILED: ' if faults else ''}{', '.join(faults)}")
    print(f"{len(results) - failures} passed, {failures} failed")
    return failures > 0


def long(program, names, mib):
    failures = 0
    print(f"{'policy file':<24}{'MiB':>6}{'seconds':>9}{'memory':>8}"
          f"{'deciding us':>13}{'explaining us':>15}")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            few, more = (write(folder, name, n).stat().st_size
                         for n in (1000, 2000))
            n = 1000 + (mib * MIB - few) * 1000 // (more - few)
            run = subprocess.run(
                [program, write(folder, name, n),
                 ORIGINS.get(name, STRANGER)],
                capture_output=True, text=True, check=True)
        _, size, seconds, kb, _, verdict, *rest = run.stdout.split()
        seconds, memory = float(seconds), int(kb) * 1024 / int(size)
        good = memory < MEMORY_MAX_OF.get(name, MEMORY_MAX)
        failures += not good
        times = "".join(f"{float(text) * 1e6:>14,.1f}" for text in rest[:2])
        print(f"{name:<24}{int(size) // MIB:>6}{seconds:>9.2f}{memory:>7.2f}x"
              f"{times or '  ' + verdict}{'' if good else '  FAILED'}",
              flush=True)
    print(f"{len(names) - failures} passed, {failures} failed")
    return failures > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--mib", type=int, default=32)
    arguments = parser.parse_args()
    names = arguments.names or list(FILES)
    if arguments.long:
        return long(arguments.program, names, arguments.mib)
    return short(arguments.program, names)


if __name__ == "__main__":
    sys.exit(main())
