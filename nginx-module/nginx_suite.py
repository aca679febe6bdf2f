#!/usr/bin/env python3
"""Runs nginx's own test suite twice, without the module and with it and a
policy at http level, and compares each test.

    nginx_suite.py --suite=DIR --nginx=FILE --module=FILE --folder=DIR [T.t…]

A test that passes only without the module is a difference. nginx-suite.txt
lists the expected ones, each with its reason; any other makes this fail.
Tests of files with differences are repeated alone: some depend on time.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

EXPECTED = Path(__file__).with_name("nginx-suite.txt")
INSIDE = "NGINX_SUITE_INSIDE"

#: It allows nobody whom the suite asks as, so that the rest can be compared.
POLICY = {"allow_origins": ["https://app.example.com"]}

#: Seconds for one file; the longest needs half a minute.
TIMEOUT = 300
REPEATS = 3


def expected_differences():
    """Pairs of a file and a test's name."""
    lines = EXPECTED.read_text(encoding="utf-8").splitlines()
    return {
        tuple(line.split(": ", 1))
        for line in lines if line and not line.startswith("#")
    }


def results(output, code):
    """A file's tests, by number and name, and whether each passed. What is
    said of the whole file is a test too, without a number."""
    tests = {}
    planned = None
    for line in output.splitlines():
        if match := re.match(r"(not )?ok (\d+)(?: - )?([^#]*)(.*)", line):
            failed, number, name, remark = match.groups()
            passed = not failed or "TODO" in remark
            tests[int(number), name.strip()] = passed
        elif match := re.match(r"1\.\.(\d+)", line):
            planned = int(match[1])
    # The exit code counts failed tests, too.
    complete = code is not None and planned == len(tests) and (
        code == 0 or not all(tests.values())
    )
    if planned == 0:
        return {}
    tests[0, "runs to its end"] = complete
    return tests


class Suite:
    def __init__(self, options):
        self.folder = Path(options.folder).resolve()
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "temp").mkdir(parents=True)
        policy = self.folder / "cors.json"
        policy.write_text(json.dumps(POLICY))
        self.suite = Path(options.suite).resolve()
        # Workers need to read what the suite writes.
        main = "user root;" if os.geteuid() == 0 else ""
        self.environments = {
            "without": {"TEST_NGINX_GLOBALS": main},
            "with": {
                "TEST_NGINX_GLOBALS":
                    f"{main} load_module {Path(options.module).resolve()};",
                "TEST_NGINX_GLOBALS_HTTP": f"cors_policy {policy};",
            },
        }
        self.common = {
            **os.environ,
            "TEST_NGINX_BINARY": str(Path(options.nginx).resolve()),
            "TMPDIR": str(self.folder / "temp"),
        }

    def run(self, name, variant):
        log = self.folder / f"{name}.{variant}"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["perl", name], cwd=self.suite, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**self.common, **self.environments[variant]},
            )
            try:
                code = process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                code = None
        return results(log.read_text(errors="replace"), code)

    def both(self, name):
        return {variant: self.run(name, variant)
                for variant in self.environments}


def differences(runs):
    """The tests that have passed without the module, and never with it."""
    passed = {
        variant: {
            test for run in runs
            for test, passed in run[variant].items() if passed
        }
        for variant in ("without", "with")
    }
    return sorted(passed["without"] - passed["with"])


def compare(options):
    suite = Suite(options)
    names = options.files or sorted(
        path.name for path in suite.suite.glob("*.t")
    )
    # They mostly wait.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        runs = {}
        for name, run in zip(names, pool.map(suite.both, names), strict=True):
            runs[name] = run
            if len(runs) % 50 == 0:
                print(f"{len(runs)} of {len(names)} files", flush=True)
    skipped = sum(1 for run in runs.values() if not run["without"])
    # But for the one of each file that is not the suite's own.
    tests = [passed for run in runs.values()
             for test, passed in run["without"].items() if test[0]]
    expected = expected_differences()
    found = set()
    repeated = []
    for name, run in runs.items():
        attempts = [run]
        while (left := differences(attempts)) and len(attempts) <= REPEATS:
            attempts.append(suite.both(name))
        if len(attempts) > 1 and not left:
            repeated.append(name)
        found |= {(name, test[1]) for test in left}

    if repeated:
        print("the same when repeated alone:", *repeated)
    for name, test in sorted(expected - found):
        if runs.get(name, {}).get("without"):
            print(f"expected, but the same now: {name}: {test}")
    for name, test in sorted(found & expected):
        print(f"expected difference: {name}: {test}")
    for name, test in sorted(found - expected):
        print(f"DIFFERENT with the module: {name}: {test}"
              f" (see {suite.folder / name}.with)")
    print(f"{len(names)} files, {skipped} of them skipped by the suite;"
          f" {len(tests)} tests, {sum(tests)} pass without the module;"
          f" {len(found)} differ with it, {len(found & expected)} as expected")
    if not tests:
        sys.exit("the suite ran no tests")
    return found <= expected


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for name in ("suite", "nginx", "module", "folder"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("files", nargs="*", metavar="FILE.t")
    options = parser.parse_args()
    # The suite takes fixed ports: root runs it in a network of its own, with
    # a loopback device only, and in which nothing is left running.
    if os.geteuid() == 0 and INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", [
            "unshare", "--net", "--pid", "--fork", "--kill-child",
            "--mount-proc", "sh", "-c", 'ip link set lo up && exec "$@"',
            "sh", sys.executable, *sys.argv,
        ])
    sys.exit(0 if compare(options) else 1)


if __name__ == "__main__":
    main()
