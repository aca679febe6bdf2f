#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""scenarios.py FOLDER

Writes what every program measures: FOLDER/scenarios.json, the policies as
libcors' own policy files in FOLDER/policies, the requests in FOLDER/requests.
The same call writes the same bytes.

A scenario has a name, the names of its two files, what a browser must make of
every answer ("allowed" or "refused"; "none" for requests without Origin), on how
many of the requests that is checked, and whether the peers know such patterns.
"""

import hashlib
import ipaddress
import itertools
import json
import pathlib
import random
import sys

#: Different requests, in turn. So many that no branch predictor knows them by
#: heart; so few that what they need stays in the cache.
SPREAD = 1024

#: So many that it does not.
COLD = 262_144

EXACT = [1, 10, 1000, 100_000, 1_000_000]
WILDCARDS = [1, 100, 10_000]
REQUESTED_HEADERS = [1, 10, 100]
MANY = [1, 100_000]
RULES = [1, 1024]
RULE_ORIGINS = 1000
HOSTILE_HEADERS = 16384
HOSTILE_ORIGIN = 8192

ALLOWED_HEADERS = [f"x-header-{number:03}" for number in range(100)]


def tenant(number):
    """32 bytes."""
    return f"https://tenant{number:06}.example.com"


def stranger(number):
    """Of the same length, and never in a policy."""
    return f"https://tenant{number:06}.example.net"


def subdomain(number):
    return f"https://app.tenant{number:06}.example.com"


def glob(number):
    return f"https://pr-7-tenant{number:06}.example.com"


def address_range(number):
    """The beginning of 128 addresses, one to 64 of them; its last address; and
    the first behind it."""
    first = ipaddress.IPv4Address("10.0.0.0") + 128 * number
    size = 64 >> number % 7
    return (f"https://{first}/{26 + number % 7}",
            f"https://{first + size - 1}", f"https://{first + size}")


def address_range6(number):
    """The same of 2^80 addresses."""
    first = ipaddress.IPv6Address("fd00::") + (number << 80)
    size = 1 << 79 - number % 80
    return (f"https://[{first}]/{49 + number % 80}",
            f"https://[{first + size - 1}]", f"https://[{first + size}]")


def view(number):
    """A scheme of its own, an origin of it, and one of another."""
    host = "3f9a1c7e-52d0"
    return (f"app{number:06}://*", f"app{number:06}://{host}",
            f"web{number:06}://{host}")


def extension(number):
    """An origin as Chrome makes it, 32 letters from a to p, twice; another."""
    def of(key):
        digits = hashlib.sha256(key.encode()).hexdigest()[:32]
        letters = (chr(ord("a") + int(digit, 16)) for digit in digits)
        return f"chrome-extension://{''.join(letters)}"
    own = of(f"extension {number}")
    return own, own, of(f"stranger {number}")


#: Kinds of patterns that the peers do not have: a pattern, an origin that it
#: matches, and one that none does.
OWN_KINDS = {"range": address_range, "range6": address_range6,
             "scheme": view, "extension": extension}


def rule(number):
    """With permissions of its own."""
    first = number * RULE_ORIGINS
    own = policy([tenant(first + i) for i in range(RULE_ORIGINS)])
    return own | {"expose_headers": [f"X-Rule-{number}"]}


def policy(origins):
    return {
        "allow_origins": origins,
        "allow_methods": ["PUT"],
        "allow_headers": ALLOWED_HEADERS,
        "expose_headers": ["X-Request-Id"],
        "max_age": 600,
    }


def policies():
    for n in EXACT:
        yield f"exact-{n}", policy([tenant(i) for i in range(n)])
    for n in WILDCARDS:
        yield f"wildcard-{n}", policy(
            [f"https://**.tenant{i:06}.example.com" for i in range(n)]
        )
        yield f"glob-{n}", policy(
            [f"https://pr-*-tenant{i:06}.example.com" for i in range(n)]
        )


def own_policies():
    for n in MANY:
        for kind, of in OWN_KINDS.items():
            yield f"{kind}-{n}", policy([of(i)[0] for i in range(n)])
    for n in RULES:
        yield f"rules-{n}", {"rules": [rule(i) for i in range(n)]}


def actual(origin):
    return {"method": "GET", "origin": origin}


def preflight(origin, headers):
    return {
        "method": "OPTIONS",
        "origin": origin,
        "request_method": "PUT",
        "request_headers": headers,
    }


def spread(name, n, count=SPREAD):
    """From all over the list, in no order."""
    if n >= count:
        numbers = [i * n // count for i in range(count)]
    else:
        numbers = [i % n for i in range(count)]
    random.Random(name).shuffle(numbers)
    return numbers


def scenarios():
    """name, policy, n, what a browser makes of it, requests"""
    for n in EXACT:
        numbers = spread(f"exact-{n}", n)
        file = f"exact-{n}"
        yield (f"exact={n}/allowed", file, n, "allowed",
               [actual(tenant(i)) for i in numbers])
        yield (f"exact={n}/refused", file, n, "refused",
               [actual(stranger(i)) for i in numbers])
    n = EXACT[-1]
    yield (f"exact={n}/allowed/cold", f"exact-{n}", n, "allowed",
           [actual(tenant(i)) for i in spread("cold", n, COLD)])
    for kind, host in ("wildcard", subdomain), ("glob", glob):
        for n in WILDCARDS:
            numbers = spread(f"{kind}-{n}", n)
            file = f"{kind}-{n}"
            yield (f"{kind}={n}/allowed", file, n, "allowed",
                   [actual(host(i)) for i in numbers])
            yield (f"{kind}={n}/refused", file, n, "refused",
                   [actual(host(n + i)) for i in numbers])
    for n in REQUESTED_HEADERS:
        requests = []
        for number in range(SPREAD):
            names = random.Random(number).sample(ALLOWED_HEADERS, n)
            # As browsers send it.
            requests.append(preflight(tenant(0), ",".join(sorted(names))))
        yield f"preflight/headers={n}", "exact-1", n, "allowed", requests
    yield ("preflight/origin-refused", "exact-1", 1, "refused",
           [preflight(stranger(i), ALLOWED_HEADERS[0]) for i in range(SPREAD)])
    for kind, piece in ("commas", ","), ("short-names", "a,"), ("name", "a"):
        text = (piece * HOSTILE_HEADERS)[:HOSTILE_HEADERS - 4] + ",x-z"
        yield (f"hostile/headers=16KiB-{kind}", "exact-1", 1, "refused",
               [preflight(tenant(0), text)])
    text = "https://" + "a" * (HOSTILE_ORIGIN - 8)
    for file, n in ("exact-1000", 1000), ("wildcard-100", 100):
        yield (f"hostile/origin=8KiB/{file}", file, n, "refused",
               [actual(text)])
    text = "https://" + "a." * 200 + "example.net"
    yield ("hostile/origin=200-labels", "wildcard-100", 100, "refused",
           [actual(text)])
    text = "https://" + "a." * 100 + "tenant000050.example.com"
    yield ("deep/origin=100-labels", "wildcard-100", 100, "allowed",
           [actual(text)])
    yield "no-origin", "exact-1000", 1000, "none", [{"method": "GET"}]


def own_scenarios():
    """As scenarios, of own_policies."""
    for kind, of in OWN_KINDS.items():
        for n in MANY:
            file = f"{kind}-{n}"
            of_kind = [of(i) for i in spread(file, n)]
            yield (f"{kind}={n}/allowed", file, n, "allowed",
                   [actual(origin) for _, origin, _ in of_kind])
            yield (f"{kind}={n}/refused", file, n, "refused",
                   [actual(origin) for _, _, origin in of_kind])
    for n in RULES:
        file, origins = f"rules-{n}", n * RULE_ORIGINS
        numbers = spread(file, origins)
        yield (f"rules={n}/allowed", file, origins, "allowed",
               [actual(tenant(i)) for i in numbers])
        yield (f"rules={n}/refused", file, origins, "refused",
               [actual(stranger(i)) for i in numbers])
        yield (f"rules={n}/preflight", file, origins, "allowed",
               [preflight(tenant(i), ALLOWED_HEADERS[0]) for i in numbers])


def write(path, value):
    path.write_text(json.dumps(value, separators=(",", ":")), "ascii")


def main(folder):
    for name in "policies", "requests":
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, value in itertools.chain(policies(), own_policies()):
        write(folder / "policies" / f"{name}.json", value)
    listed = []
    for own, (name, file, n, expect, requests) in itertools.chain(
        zip(itertools.repeat(False), scenarios()),
        zip(itertools.repeat(True), own_scenarios()),
    ):
        requests_file = name.replace("/", "_") + ".json"
        write(folder / "requests" / requests_file, requests)
        listed.append({
            "name": name, "policy": f"policies/{file}.json", "n": n,
            "requests": f"requests/{requests_file}", "expect": expect,
            # A scan of a long list takes its time.
            "check": min(len(requests), SPREAD if n <= 1000 else 64),
            "peers": not own,
        })
    write(folder / "scenarios.json", {"scenarios": listed})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
