#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""run.py [--rounds=N] [--only=REGEX] [--folder=FOLDER] [--record=FILE]

Builds the programs of this folder, checks their answers, measures them in
turn, and writes the record. A program whose toolchain is missing is left out,
with a line that says so.

The programs all run at once, and wait. In each round each of them measures
one scenario before any measures the next, so that what else the machine does
hits all alike.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

sys.path.insert(0, str(HERE.parent))
import machine

#: Of each row in each round, and how long one shall last.
SAMPLES = 9
NANOSECONDS = 1_000_000

#: What the Rust standard library in libcors.a asks for.
SYSTEM_LIBS = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"

#: Name, its commands, and how it is started. FOLDER is the build folder.
PROGRAMS = [
    ("libcors (C)", [
        f"cc -std=c11 -O2 -I{ROOT}/include {HERE}/libcors.c"
        f" {ROOT}/target/release/libcors.a -ljansson {SYSTEM_LIBS}"
        " -o FOLDER/libcors",
    ], "FOLDER/libcors FOLDER"),
    ("Rust", [
        f"cargo build -q --release --locked --target-dir FOLDER/rust"
        f" --manifest-path {HERE}/rust/Cargo.toml",
    ], "FOLDER/rust/release/peers FOLDER"),
    ("jub0bs/cors", [
        f"go -C {HERE}/go/jub0bs build -o FOLDER/jub0bs-cors .",
    ], "FOLDER/jub0bs-cors FOLDER"),
    ("rs/cors", [
        f"go -C {HERE}/go build -o FOLDER/rs-cors ./rs",
    ], "FOLDER/rs-cors FOLDER"),
    ("Starlette", [
        "python3 -m venv FOLDER/python",
        "FOLDER/python/bin/pip install -q --disable-pip-version-check"
        f" -r {HERE}/starlette/requirements.txt",
    ], f"FOLDER/python/bin/python {HERE}/starlette/main.py FOLDER"),
    ("expressjs/cors", [
        "mkdir -p FOLDER/node",
        f"cp {HERE}/express/package.json {HERE}/express/package-lock.json"
        " FOLDER/node",
        "npm ci --silent --no-audit --no-fund --prefix FOLDER/node",
    ], f"env NODE_PATH=FOLDER/node/node_modules node {HERE}/express/main.js"
       " FOLDER"),
]


class Program:
    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        (self.versions,) = (line["versions"] for line in self.lines())

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.lines()

    def lines(self):
        """Up to the empty one that ends an answer."""
        found = []
        for line in self.process.stdout:
            if line == "\n":
                return found
            found.append(json.loads(line))
        raise SystemExit(f"{self.process.args[0]} ended")


def build(folder):
    """The programs that there are tools for."""
    log = folder / "build.log"
    for name, commands, run in PROGRAMS:
        print(f"building {name}", flush=True)
        for command in commands + [run]:
            words = shlex.split(command.replace("FOLDER", str(folder)))
            if command is run:
                yield name, Program(words)
                break
            try:
                with log.open("w") as output:
                    subprocess.run(words, check=True, stdout=output,
                                   stderr=subprocess.STDOUT)
            except FileNotFoundError:
                skip(name, f"{words[0]} is not installed")
                break
            except subprocess.CalledProcessError:
                skip(name, log.read_text().strip()[-200:])
                break


def skip(name, why):
    if name == "libcors (C)" or name == "Rust":
        sys.exit(f"{name}: {why}")
    print(f"skipped: {name}: {why}", flush=True)


def verdict(request, answer):
    """What a browser makes of an answer: https://fetch.spec.whatwg.org/."""
    status, headers = answer
    origin = request.get("origin")
    if origin is None:
        return "none"
    if headers.get("access-control-allow-origin") not in (origin, "*"):
        return "refused"
    if request["method"] != "OPTIONS":
        return "allowed"

    def names(header):
        return set(re.split(r"[ ,]+", headers.get(header, "").lower()))

    wanted = request["request_headers"].split(",")
    allowed = (
        200 <= status < 300
        and request["request_method"].lower()
        in names("access-control-allow-methods")
        and names("access-control-allow-headers").issuperset(wanted)
    )
    return "allowed" if allowed else "refused"


def check(programs, scenarios, folder):
    """Ends the run where an answer is wrong."""
    for number, scenario in enumerate(scenarios):
        requests = json.loads((folder / scenario["requests"]).read_text())
        for program in programs:
            for line in program.ask("answers", scenario["name"]):
                if "skipped" in line:
                    continue
                if len(line["answers"]) != scenario["check"]:
                    sys.exit(f"{scenario['name']}: {line['row']}: answers are"
                             " missing")
                for request, answer in zip(requests, line["answers"]):
                    found = verdict(request, answer)
                    if found != scenario["expect"]:
                        sys.exit(f"{scenario['name']}: {line['row']}: {found},"
                                 f" not {scenario['expect']}: {request}"
                                 f" {answer}")
        progress(f"answers {number + 1}/{len(scenarios)}")


def measure(programs, scenarios, rounds):
    """By scenario and row: medians and minima of each round."""
    rows = {scenario["name"]: {} for scenario in scenarios}
    start = time.monotonic()
    for turn in range(rounds):
        for number, scenario in enumerate(scenarios):
            first = (turn + number) % len(programs)
            for program in programs[first:] + programs[:first]:
                for line in program.ask("measure", scenario["name"], SAMPLES,
                                        NANOSECONDS):
                    if "skipped" not in line:
                        add(rows[scenario["name"]], line)
            minutes, seconds = divmod(int(time.monotonic() - start), 60)
            progress(f"round {turn + 1}/{rounds}, scenario "
                     f"{number + 1}/{len(scenarios)}, {minutes}:{seconds:02}")
    return rows


def add(rows, line):
    row = rows.setdefault(line["row"], {
        "load_ms": [], "median": [], "min": [], "without": {
            "median": [], "min": []},
    })
    for into, times in (row, line["with"]), (row["without"], line["without"]):
        into["median"].append(round(statistics.median(times or [0]), 1))
        into["min"].append(round(min(times or [0]), 1))
    row["load_ms"].append(round(line["load_ms"], 3))


def progress(text):
    if sys.stdout.isatty():
        print(f"\r{text}\033[K", end="", flush=True)
    elif re.search(r"\b(\d+)/\1\b(?!.*/)|scenario 1/|[05]/", text):
        print(text, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", metavar="REGEX")
    parser.add_argument("--folder", type=pathlib.Path,
                        default=ROOT / "build/bench")
    parser.add_argument("--record", type=pathlib.Path,
                        default=HERE.parent / "results/peers.json")
    options = parser.parse_args()
    folder = options.folder.resolve()
    subprocess.run([HERE / "scenarios.py", folder], check=True)
    scenarios = [
        scenario for scenario in
        json.loads((folder / "scenarios.json").read_text())["scenarios"]
        if scenario["peers"] and re.search(options.only, scenario["name"])
    ]
    named = dict(build(folder))
    programs = list(named.values())
    versions = {}
    for program in programs:
        versions |= program.versions
    for name, version in versions.items():
        print(f"{name} {version}")
    check(programs, scenarios, folder)
    rows = measure(programs, scenarios, options.rounds)
    print()
    for program in programs:
        program.process.stdin.close()
        program.process.wait()
    options.record.parent.mkdir(parents=True, exist_ok=True)
    options.record.write_text(machine.record({
        "versions": versions, "rounds": options.rounds,
        "samples": SAMPLES, "nanoseconds": NANOSECONDS,
        "rows": rows,
    }))
    print(os.path.relpath(options.record))


if __name__ == "__main__":
    main()
