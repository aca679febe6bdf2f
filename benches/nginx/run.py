#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""run.py --nginx=NGINX --module=MODULE [--pairs=N] [--only=REGEX]
          [--folder=FOLDER] [--record=FILE]

What CORS costs in nginx, in the ways that its users have and with the module:
instructions of a request under callgrind, load by wrk, memory, and time to
start. Every answer of the warm-up is checked. Writes the record.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

sys.path[:0] = str(HERE.parent), str(HERE.parent / "peers")
import machine
from instructions import Bench, connect, request, send
from scenarios import SPREAD, policy, spread, stranger, tenant

ANSWER = 'return 200 "application\\n";'

HEADERS = """
add_header Access-Control-Allow-Origin %ORIGIN% always;
add_header Access-Control-Expose-Headers X-Request-Id always;
add_header Vary Origin always;
"""

PREFLIGHT = """
    add_header Access-Control-Allow-Origin %ORIGIN% always;
    add_header Access-Control-Allow-Methods PUT always;
    add_header Access-Control-Allow-Headers content-type always;
    add_header Access-Control-Max-Age 600 always;
    add_header Vary Origin always;
    return 204;
"""

WITH_MAP = (
    "if ($request_method = OPTIONS) {" + PREFLIGHT + "}" + HEADERS + ANSWER
).replace("%ORIGIN%", "$cors")

# An `if` can neither be in another nor have two conditions.
WITH_IF = """
    set $cors "";
    if ($http_origin ~* "^https://(%HOSTS%)$") { set $cors yes; }
    if ($request_method = OPTIONS) { set $cors "${cors}-preflight"; }
    if ($cors = yes) {""" + HEADERS + """}
    if ($cors = yes-preflight) {""" + PREFLIGHT + "}" + ANSWER
WITH_IF = WITH_IF.replace("%ORIGIN%", "$http_origin")


def host(number):
    return tenant(number).removeprefix("https://")


def exact_map(n):
    entries = "".join(f'"{tenant(i)}" $http_origin;\n' for i in range(n))
    return "map $http_origin $cors {" + entries + "}"


def regex_map(n):
    entries = "".join(
        '"~^https://[a-z0-9-]+\\.' + re.escape(host(i)) + '$" $http_origin;\n'
        for i in range(n)
    )
    return "map $http_origin $cors {" + entries + "}"


def app(number):
    return f"https://app.{host(number)}"


class Variant:
    """A name; how many origins there are, and how one is made; the text in
    http{} and in the location; the policy, where the module is loaded."""

    def __init__(self, name, n, origin, http="", inside="", patterns=None):
        self.name, self.n, self.origin = name, n, origin
        # A big map does not fit into the default's table.
        self.http = ("map_hash_max_size 4194304; map_hash_bucket_size 128;"
                     + http if n > 1000 and http else http)
        self.inside = inside or "cors_policy api.json; " + ANSWER
        self.patterns = patterns

    def requests(self):
        """By kind, as many different ones as there are, up to SPREAD."""
        numbers = spread(self.name, self.n)[:max(self.n, 1)]
        allowed = [self.origin(i) for i in numbers]
        # None is in a list.
        refused = [stranger(i) for i in range(len(numbers))]
        asks = ("Access-Control-Request-Method: PUT",
                "Access-Control-Request-Headers: content-type")
        return {
            "allowed": [request("GET", f"Origin: {o}") for o in allowed],
            "refused": [request("GET", f"Origin: {o}") for o in refused],
            "no origin": [request("GET")],
            "preflight": [request("OPTIONS", f"Origin: {o}", *asks)
                          for o in allowed],
        }


def ours(name, n, origin, pattern):
    return Variant(name, n, origin, patterns=[pattern(i) for i in range(n)])


BARE = Variant("bare", 5, tenant, inside=ANSWER)
BARE_PREFLIGHT = Variant("bare", 5, tenant, inside="return 204;")
FIXED = Variant("3 fixed add_header", 1, tenant,
                inside=HEADERS.replace("%ORIGIN%", tenant(0)) + ANSWER)

#: A variant is a function of itself: a million origins need not all be there
#: at once.
VARIANTS = {
    "3 fixed add_header": lambda name: FIXED,
    **{f"exact map, {n:,}": lambda name, n=n: Variant(
        name, n, tenant, exact_map(n), WITH_MAP) for n in (5, 100_000)},
    **{f"regex map, {n:,}": lambda name, n=n: Variant(
        name, n, app, regex_map(n), WITH_MAP) for n in (5, 1000)},
    "the `if` idiom, 5": lambda name: Variant(
        name, 5, tenant, inside=WITH_IF.replace("%HOSTS%", "|".join(
            re.escape(host(i)) for i in range(5)))),
    **{f"libcors, {n:,}": lambda name, n=n: ours(name, n, tenant, tenant)
       for n in (5, 100_000, 1_000_000)},
    **{f"libcors, {n:,} wildcards": lambda name, n=n: ours(
        name, n, app, lambda i: f"https://*.{host(i)}") for n in (5, 1000)},
}

#: What memory and loading are measured of.
HEAVY = {
    "libcors, 5": VARIANTS["libcors, 5"],
    "exact map, 100,000": VARIANTS["exact map, 100,000"],
    "exact map, 1,000,000": lambda name: Variant(
        name, 1_000_000, tenant, exact_map(1_000_000), WITH_MAP),
    "libcors, 100,000": VARIANTS["libcors, 100,000"],
    "libcors, 1,000,000": VARIANTS["libcors, 1,000,000"],
}
WORKERS = 1, 4


class Run:
    def __init__(self, options):
        self.options = options
        self.bench = Bench(options)
        self.bare = {}

    def write(self, variant):
        """Its policy file, and what Bench wants to know."""
        if variant.patterns is None:
            return None, variant.inside, "", variant.http
        file = self.bench.folder / "api.json"
        file.write_text(json.dumps(policy(variant.patterns)
                                   | {"allow_headers": ["content-type"]}))
        return self.options.module.resolve(), variant.inside, "", variant.http

    def instructions(self, variant, bare):
        kinds = variant.requests()
        if variant is FIXED:
            # The header does not depend on the request, and browsers compare.
            del kinds["refused"], kinds["no origin"], kinds["preflight"]
        slow = variant.name == "regex map, 1,000"
        counts = self.bench.count(
            list(kinds.values()), *self.write(variant),
            number=100 if slow else 2048, check=check,
        )
        return {
            kind: {"instructions": round(count),
                   "added": round(count - bare[kind])}
            for kind, count in zip(kinds, counts)
        }

    def bare_instructions(self):
        kinds = BARE.requests()
        preflight = kinds.pop("preflight")
        counts = self.bench.count(list(kinds.values()), *self.write(BARE))
        [other] = self.bench.count([preflight], *self.write(BARE_PREFLIGHT))
        return dict(zip(kinds, counts)) | {"preflight": other}

    def serve(self, variant, workers=None):
        """An nginx that answers, and its port. Without workers it is one
        process."""
        port = self.bench.configure(*self.write(variant))
        file = self.bench.folder / "nginx.conf"
        if workers:
            file.write_text(file.read_text().replace(
                "master_process off;", f"worker_processes {workers};"))
        nginx = subprocess.Popen(self.bench.command(), stderr=subprocess.PIPE)
        connect(nginx, port).close()
        return nginx, port

    def load(self, variant, kind, pairs):
        """Ratios of requests a second, and CPU time added to a request, of
        pairs of runs side by side: bare and variant."""
        requests = variant.requests()[kind]
        script = self.bench.folder / "wrk.lua"
        script.write_text("local all = {\n" + "".join(
            json.dumps(one.decode()) + ",\n" for one in requests
        ) + "}\nlocal i = 0\nfunction request()\n"
            "  i = i % #all + 1\n  return all[i]\nend\n")
        bare = BARE_PREFLIGHT if kind == "preflight" else BARE
        servers = [self.serve(one) for one in (bare, variant)]
        ratios, added = [], []
        try:
            for turn in range(pairs):
                both = {}
                for i in (0, 1) if turn % 2 else (1, 0):
                    both[i] = self.wrk(*servers[i], script)
                ratios.append(round(both[1][0] / both[0][0], 4))
                added.append(round(both[1][1] - both[0][1]))
        finally:
            for nginx, _ in servers:
                self.bench.end(nginx)
        return {"rps_ratio": ratios, "cpu_ns_added": added}

    def wrk(self, nginx, port, script):
        before = cpu_ns(nginx.pid)
        output = subprocess.run(
            ["wrk", "-t1", "-c16", "-d1s", "-s", script,
             f"http://127.0.0.1:{port}/"],
            check=True, capture_output=True, text=True,
        ).stdout
        if "Non-2xx" in output or "Socket errors" in output:
            sys.exit(output)
        count = int(re.search(r"(\d+) requests in", output)[1])
        rate = float(re.search(r"Requests/sec: *([\d.]+)", output)[1])
        return rate, (cpu_ns(nginx.pid) - before) / count

    def memory(self, variant, workers):
        """Of a master and its workers, in KiB."""
        nginx, _ = self.serve(variant, workers)
        children = pathlib.Path(
            f"/proc/{nginx.pid}/task/{nginx.pid}/children")
        while len(pids := children.read_text().split()) < workers:
            time.sleep(0.01)
        time.sleep(0.3)    # until they wait for requests
        memory = sum(map(anonymous, [nginx.pid, *pids]))
        self.bench.end(nginx)
        return memory

    def load_cpu(self, variant, times):
        """The CPU time of `nginx -t`, in ms."""
        self.bench.configure(*self.write(variant))
        found = []
        for _ in range(times):
            before = cpu_of_children()
            subprocess.run([*self.bench.command(), "-t", "-q"], check=True)
            found.append(round((cpu_of_children() - before) * 1000, 1))
        return found


def check(data, answer):
    """Whether an answer is what the request has to get."""
    lines = data.decode().split("\r\n")
    headers = answer.decode().lower().split("\r\n")
    origin = next((line[8:] for line in lines if line.startswith("Origin: ")),
                  None)
    found = [line.split(": ")[1] for line in headers
             if line.startswith("access-control-allow-origin: ")]
    allowed = origin is not None and not origin.endswith(".net")
    status = "204" if lines[0].startswith("OPTIONS") else "200"
    if found != [origin] * allowed or answer.split()[1].decode() != status:
        sys.exit(f"a wrong answer: {data} {answer}")


def cpu_ns(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def anonymous(pid):
    """In KiB: what processes share counts in part, files not at all."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss_Anon: +(\d+)", text, re.M)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nginx", required=True)
    parser.add_argument("--module", required=True, type=pathlib.Path)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--only", default="", metavar="REGEX")
    parser.add_argument("--folder", type=pathlib.Path,
                        default=ROOT / "build/bench/nginx")
    parser.add_argument("--record", type=pathlib.Path,
                        default=HERE.parent / "results/nginx.json")
    options = parser.parse_args()
    run = Run(options)
    bare = run.bare_instructions()
    print("instructions of a request, added to", {
        kind: round(count) for kind, count in bare.items()}, flush=True)
    instructions, load, memory = {}, {}, {}
    named = {name: make for name, make in VARIANTS.items()
             if re.search(options.only, name)}
    for name, make in named.items():
        instructions[name] = run.instructions(make(name), bare)
        print(f"{name:26}", *(
            f"{kind} {counts['added']:+,}" for kind, counts
            in instructions[name].items()), flush=True)
    print("wrk beside bare: requests a second, CPU time added", flush=True)
    named = {"bare": lambda name: BARE} | named
    for name, make in named.items():
        variant = make(name)
        load[name] = {}
        for kind in "allowed", "preflight":
            if kind == "preflight" and variant in (BARE, FIXED):
                continue
            found = run.load(variant, kind, options.pairs)
            load[name][kind] = found
            print(f"{name:26} {kind:10}"
                  f" x{statistics.median(found['rps_ratio']):.3f}"
                  f" {statistics.median(found['cpu_ns_added']):+,.0f} ns",
                  flush=True)
    print("memory of a master and its workers, CPU time to load", flush=True)
    for name, make in ({"bare": lambda name: BARE} | HEAVY).items():
        if not re.search(options.only, name) and name != "bare":
            continue
        variant = make(name)
        found = {count: run.memory(variant, count) for count in WORKERS}
        cpu = run.load_cpu(variant, 3 if variant.n > 100_000 else 11)
        memory[name] = {"anonymous_kib": found, "cpu_ms": cpu}
        print(f"{name:26}", *(f"{count} workers {kib:,} KiB,"
                              for count, kib in found.items()),
              f"{statistics.median(cpu):,} ms", flush=True)
    version = subprocess.run([options.nginx, "-v"], capture_output=True,
                             text=True, check=True).stderr.split("/")[1]
    options.record.parent.mkdir(parents=True, exist_ok=True)
    options.record.write_text(machine.record({
        "versions": {"nginx": version.strip()},
        "bare_instructions": {k: round(v) for k, v in bare.items()},
        "instructions": instructions, "load": load, "memory": memory,
    }))
    print(os.path.relpath(options.record))


if __name__ == "__main__":
    main()
