#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""main.py FOLDER

Starlette's CORSMiddleware around an ASGI application that answers at once. It
reads what every program beside it reads (README.md):

    answers SCENARIO
    measure SCENARIO SAMPLES NANOSECONDS
"""

import importlib.metadata
import json
import pathlib
import platform
import re
import sys
import time

from starlette.middleware.cors import CORSMiddleware

START = {"type": "http.response.start", "status": 200, "headers": []}
BODY = {"type": "http.response.body", "body": b""}


async def application(scope, receive, send):
    # Middleware changes the message.
    await send(START | {"headers": []})
    await send(BODY)


def load(policy):
    origins = policy["allow_origins"]
    options = {"allow_origins": origins}
    if any("*" in origin for origin in origins):
        options = {"allow_origin_regex": "|".join(map(expression, origins))}
    return CORSMiddleware(
        application, **options,
        allow_methods=["GET", "HEAD", "POST", *policy["allow_methods"]],
        allow_headers=policy["allow_headers"],
        expose_headers=policy["expose_headers"],
        max_age=policy["max_age"],
    )


def expression(pattern):
    text = re.escape(pattern)
    text = text.replace(r"\*\*", "[a-z0-9_.-]+")
    return text.replace(r"\*", "[a-z0-9_-]+")


def scope(request):
    headers = {
        b"origin": request.get("origin"),
        b"access-control-request-method": request.get("request_method"),
        b"access-control-request-headers": request.get("request_headers"),
    }
    return {
        "type": "http",
        "method": request["method"],
        "path": "/",
        "headers": [(name, value.encode())
                    for name, value in headers.items() if value is not None],
    }


def answers(middleware, scopes):
    for one in scopes:
        messages = []

        async def send(message):
            messages.append(message)

        finish(middleware(one, None, send))
        headers = {name.decode(): value.decode()
                   for name, value in messages[0]["headers"]}
        yield messages[0]["status"], headers


async def discard(message):
    pass


def finish(coroutine):
    """Runs what has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("it waits")


class Clock:
    def __init__(self, app, scopes, nanoseconds):
        self.app, self.scopes = app, scopes
        self.next = 0
        self.batch = 1
        while self.sample() * self.batch < nanoseconds:
            self.batch *= 2

    def sample(self):
        """Nanoseconds a request."""
        end = self.next + self.batch
        count = len(self.scopes)
        batch = [self.scopes[i % count] for i in range(self.next, end)]
        self.next = end % count
        app = self.app
        start = time.perf_counter_ns()
        for one in batch:
            finish(app(one, None, discard))
        return (time.perf_counter_ns() - start) / self.batch


def measure(middleware, scopes, samples, nanoseconds):
    clocks = [Clock(app, scopes, nanoseconds)
              for app in (middleware, application)]
    times = [], []
    for _ in range(samples):
        for clock, into in zip(clocks, times):
            into.append(clock.sample())
    return times


def main(folder):
    def read(name):
        return json.loads((folder / name).read_bytes())

    scenarios = {one["name"]: one
                 for one in read("scenarios.json")["scenarios"]}
    print(json.dumps({"versions": {
        "Starlette": importlib.metadata.version("starlette"),
        "Python": platform.python_version(),
    }}), end="\n\n", flush=True)
    known = None
    for line in sys.stdin:
        command, name, *words = line.split()
        scenario = scenarios[name]
        if known != scenario["policy"]:
            known = scenario["policy"]
            policy = read(known)
            re.purge()
            start = time.perf_counter()
            middleware = load(policy)
            load_ms = (time.perf_counter() - start) * 1e3
        scopes = list(map(scope, read(scenario["requests"])))
        result = {"row": "Starlette", "load_ms": load_ms}
        if command == "answers":
            checked = scopes[:scenario["check"]]
            result["answers"] = list(answers(middleware, checked))
        else:
            samples, nanoseconds = words
            result["with"], result["without"] = measure(
                middleware, scopes, int(samples), float(nanoseconds)
            )
        print(json.dumps(result), end="\n\n", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
