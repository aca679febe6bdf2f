#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What CORS adds to a request in Python: libcors, Starlette's CORSMiddleware,
flask-cors and django-cors-headers, side by side.

    middlewares.py [--rounds=300]

Everything runs in this process, without a server and without a socket: an
application is called as a server would call it. A figure is the time of a
request with the middleware less that of the same request without, where the
application is the smallest there can be: bare ASGI, one Flask view, one Django
view. "passed through" is a middleware that does nothing. A preflight and a
blocked request are answered instead of the application: there it is the whole
time. The others have no equivalent of `block`. All
contestants of a row take turns, a fraction of a millisecond each; the figure
is the fastest turn, and the median is in brackets. In the rows of origins
never seen, each request of the whole run has an origin of its own, so that
nobody remembers it.

Answers are verified before they are timed.
"""

import argparse
import importlib.metadata
import itertools
import logging
import platform
import statistics
import time

import corsheaders.middleware
import django
import flask
import flask_cors
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.urls import path
from starlette.middleware.cors import CORSMiddleware as StarletteMiddleware

import libcors.asgi
import libcors.wsgi

#: 32 bytes each, as in the other benches.
ORIGINS = [f"https://tenant{n:06}.example.com" for n in range(1000)]
STRANGER = "https://stranger00000.example.com"
SITE = "https://api.example.com"

#: What a browser sends with fetch() besides; Origin comes behind.
BROWSER = {
    "Host": "api.example.com",
    "Connection": "keep-alive",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
    "Accept": "*/*",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://tenant000000.example.com/",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "cross-site",
}
PREFLIGHT = {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "content-type",
}


class Row:
    """Requests of one kind, and what is right for them."""

    def __init__(
        self, name, origins, sent, permitted, preflight=False, block=None
    ):
        self.name = name
        self.origins = origins
        self.preflight = preflight
        self.block = block
        #: Whether the application is not asked.
        self.answered = preflight or block == "answered"
        self.method = "OPTIONS" if preflight else "POST" if block else "GET"
        self.sent = sent
        self.permitted = permitted

    def requests(self):
        """The headers of requests, without end."""
        more = PREFLIGHT if self.preflight else {}
        sent = self.sent
        origins = sent() if callable(sent) else itertools.cycle(sent)
        for origin in origins:
            yield {
                **BROWSER,
                **more,
                **({"Origin": origin} if origin else {}),
            }


ONE, MIDDLE = ORIGINS[:1], ORIGINS[500]
#: How many origins were made that nobody had seen.
UNSEEN = itertools.count()


def unseen():
    """Origins of 32 bytes, each only once in the whole run."""
    return (f"https://new{number:09}.example.com" for number in UNSEEN)


ROWS = [
    Row("no Origin", ONE, [None], False),
    Row("no Origin, 1,000 origins", ORIGINS, [None], False),
    Row("allowed", ONE, ONE, True),
    Row("allowed, 1,000 origins", ORIGINS, [MIDDLE], True),
    Row("allowed, 1,000 origins in turn", ORIGINS, ORIGINS, True),
    Row("refused", ONE, [STRANGER], False),
    Row("refused, 1,000 origins", ORIGINS, [STRANGER], False),
    Row("refused, an origin never seen", ONE, unseen, False),
    Row('"*"', ["*"], ONE, True),
    Row('"*", an origin never seen', ["*"], unseen, True),
    Row("preflight, allowed", ONE, ONE, True, True),
    Row("preflight, allowed, 1,000 origins", ORIGINS, [MIDDLE], True, True),
    Row("preflight, refused", ONE, [STRANGER], False, True),
    Row("preflight, refused, an origin never seen", ONE, unseen, False, True),
    Row("POST, allowed, with `block`", ONE, ONE, True, block="passed"),
    Row("POST of the site, with `block`", ONE, [SITE], False, block="passed"),
    Row("POST, blocked", ONE, [STRANGER], False, block="answered"),
]


def policy(origins, block=False):
    return {
        **({"block": ["unsafe_methods", "websockets"]} if block else {}),
        "allow_origins": origins,
        "allow_methods": ["PUT"],
        "allow_headers": ["Content-Type"],
        "max_age": 600,
    }


# --- ASGI


async def asgi_app(scope, receive, send):
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    await send(
        {"type": "http.response.start", "status": 200, "headers": headers}
    )
    await send({"type": "http.response.body", "body": b"ok"})


class PassThrough:
    """Stands in between as every middleware has to, and does nothing."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        def send_as_it_is(message):
            return send(message)

        await self.app(scope, receive, send_as_it_is)


class Asgi:
    title = "ASGI, bare application"

    def contestants(self, origins, block=False):
        ours = libcors.asgi.CORSMiddleware(asgi_app, policy(origins, block))
        return {
            "without": asgi_app,
            "passed through": PassThrough(asgi_app),
            "libcors": ours,
            "Starlette": StarletteMiddleware(
                asgi_app,
                allow_origins=origins,
                allow_methods=["GET", "HEAD", "POST", "PUT"],
                allow_headers=["Content-Type"],
            ),
        }

    def request(self, method, headers):
        lines = [
            (name.lower().encode(), value.encode())
            for name, value in headers.items()
        ]
        return {
            "type": "http",
            "method": method,
            "path": "/",
            "headers": lines,
        }

    def answer(self, app, scope):
        sent = []

        async def send(message):
            sent.append(message)

        finish(app(scope, receive, send))
        lines = sent[0]["headers"]
        return [(n.decode().lower(), v.decode()) for n, v in lines]

    def turn(self, app, requests):
        begin = time.perf_counter_ns()
        for scope in requests:
            try:  # noqa: SIM105 (suppress() costs as much as ours)
                app(scope, receive, discard).send(None)
            except StopIteration:
                pass
        return time.perf_counter_ns() - begin


async def receive():
    return {"type": "http.request", "body": b"", "more_body": False}


async def discard(message):
    pass


def finish(coroutine):
    """Runs a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


# --- WSGI


class Wsgi:
    def request(self, method, headers):
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "SERVER_NAME": "api.example.com",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": Nothing(),
            "wsgi.errors": None,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ

    def answer(self, app, environ):
        started = []
        body = app(environ.copy(), lambda *args: started.append(args))
        b"".join(body)
        getattr(body, "close", lambda: None)()
        return [(name.lower(), value) for name, value in started[0][1]]

    def turn(self, app, requests):
        begin = time.perf_counter_ns()
        for environ in requests:
            # Frameworks write into it.
            body = app(environ.copy(), start_response)
            for _ in body:
                pass
            if hasattr(body, "close"):
                body.close()
        return time.perf_counter_ns() - begin


class Nothing:
    """A request body."""

    def read(self, size=-1):
        return b""

    readline = read


def start_response(status, headers, exc_info=None):
    pass


class Flask(Wsgi):
    title = "WSGI, Flask"

    def contestants(self, origins, block=False):
        ours, theirs = self.app(), self.app()
        ours.wsgi_app = libcors.wsgi.CORSMiddleware(
            ours.wsgi_app, policy(origins, block)
        )
        flask_cors.CORS(
            theirs,
            origins=origins,
            methods=["GET", "HEAD", "POST", "PUT"],
            allow_headers=["Content-Type"],
            max_age=600,
            # Else it sends its whole list to whoever sends no Origin.
            always_send=False,
            send_wildcard=origins == ["*"],
        )
        return {"without": self.app(), "libcors": ours, "flask-cors": theirs}

    def app(self):
        app = flask.Flask("bench")
        app.add_url_rule("/", view_func=lambda: "ok", methods=["GET", "POST", "PUT"])
        return app


def django_view(request):
    return HttpResponse("ok")


urlpatterns = [path("", django_view)]


class Django(Wsgi):
    title = "WSGI, Django"

    def __init__(self):
        settings.configure(
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF=__name__,
            CORS_ALLOW_METHODS=["GET", "HEAD", "POST", "PUT"],
            CORS_ALLOW_HEADERS=["content-type"],
            CORS_PREFLIGHT_MAX_AGE=600,
        )
        django.setup()

    def contestants(self, origins, block=False):
        # It is read for each request.
        settings.CORS_ALLOW_ALL_ORIGINS = origins == ["*"]
        settings.CORS_ALLOWED_ORIGINS = origins
        bare = self.app([])
        middleware = corsheaders.middleware.CorsMiddleware
        name = f"{middleware.__module__}.{middleware.__name__}"
        return {
            "without": bare,
            "libcors": libcors.wsgi.CORSMiddleware(
                bare, policy(origins, block)
            ),
            "django-cors-headers": self.app([name]),
        }

    def app(self, middlewares):
        settings.MIDDLEWARE = middlewares
        return WSGIHandler()


# --- Measuring


def verify(host, name, app, row, request):
    """An answer permits what it should, and nothing else."""
    lines = host.answer(app, request)
    found = [v for n, v in lines if n == "access-control-allow-origin"]
    origin = dict(host_headers(request)).get("origin")
    governed = name not in ("without", "passed through")
    echo = "*" if row.origins == ["*"] else origin
    wanted = [echo] if row.permitted and governed else []
    assert found == wanted, (host.title, name, row.name, lines)
    if row.preflight and row.permitted and governed:
        allowed = dict(lines)["access-control-allow-methods"]
        assert "PUT" in allowed, (host.title, name, row.name, lines)


def host_headers(request):
    """The request's headers, whatever kind of request it is."""
    if "headers" in request:
        return [(n.decode(), v.decode()) for n, v in request["headers"]]
    return [
        (key[len("HTTP_") :].replace("_", "-").lower(), value)
        for key, value in request.items()
        if key.startswith("HTTP_")
    ]


def measure(host, row, rounds):
    """The nanoseconds of each turn, by contestant."""
    apps = host.contestants(row.origins, bool(row.block))
    made = (host.request(row.method, each) for each in row.requests())
    if callable(row.sent):
        supply = made
        first = list(itertools.islice(made, 100))
    else:
        # Made once: all that libcors may remember, so that it does.
        first = list(itertools.islice(made, len(row.sent)))
        supply = itertools.cycle(first)
    for name, app in apps.items():
        for request in first:
            verify(host, name, app, row, request)
    counts = {}
    for name, app in apps.items():
        # Short turns: on a busy machine some of them are left alone.
        count = spent = 1
        while spent < 200_000:
            count *= 2
            turn = list(itertools.islice(supply, count))
            spent = host.turn(app, turn)
        counts[name] = count
    times = {name: [] for name in apps}
    for _ in range(rounds):
        for name, app in apps.items():
            turn = list(itertools.islice(supply, counts[name]))
            times[name].append(host.turn(app, turn) / counts[name])
    return times


def table(host, rounds):
    print(f"\n### {host.title}\n")
    head = None
    for row in ROWS:
        times = measure(host, row, rounds)
        if head is None:
            head = list(times)
            print("| ns |", " | ".join(head), "|")
            print("|---" * (len(head) + 1) + "|")
        cells = [row.name]
        for name, turns in times.items():
            whole = row.answered or name == "without"
            if row.block and name not in ("without", "libcors"):
                cells.append("")
                continue
            less = [0] if whole else times["without"]
            cells.append(
                f"{min(turns) - min(less):,.0f}"
                f" ({statistics.median(turns) - statistics.median(less):,.0f})"
            )
        print("|", " | ".join(cells), "|", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    logging.disable(logging.CRITICAL)

    names = ["libcors", "starlette", "flask", "flask-cors", "django"]
    names.append("django-cors-headers")
    versions = [f"{n} {importlib.metadata.version(n)}" for n in names]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print("; ".join([python, *versions]))
    for host in (Asgi(), Flask(), Django()):
        table(host, rounds)


if __name__ == "__main__":
    main()
