# SPDX-License-Identifier: MIT OR Apache-2.0
"""What only a real server and a real connection show."""

import contextlib
import threading
import time

import pytest
from servers import (
    ACTUAL,
    API,
    APP,
    PREFLIGHT,
    STRANGER,
    gunicorn,
    hypercorn,
    uvicorn,
)

PROGRAM = f"""
import asyncio
import sys
import time
from wsgiref.validate import validator

import libcors.asgi
import libcors.wsgi

POLICY = {API!r}
OTHER = {{**POLICY, "allow_origins": [{STRANGER!r}]}}


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/fails":
        raise LookupError("bare")
    if path == "/swap":
        # By another thread, while this one serves.
        await asyncio.to_thread(setattr, asgi, "policy", OTHER)
    status = 304 if path == "/unchanged" else 200
    await send({{"type": "http.response.start", "status": status}})
    for piece in (b"a", b"b") if status == 200 else ():
        if path == "/stream":
            await asyncio.sleep(0.1)
        body = {{"type": "http.response.body", "body": piece}}
        await send({{**body, "more_body": True}})
    await send({{"type": "http.response.body", "body": b""}})


def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/fails":
        raise LookupError("bare")
    if path == "/swap":
        wsgi.policy = inner.policy = OTHER
    status = "304 Not Modified" if path == "/unchanged" else "200 OK"
    plain = [("Content-Type", "text/plain")]
    start_response(status, plain if status == "200 OK" else [])
    if path == "/changes":
        try:
            raise LookupError("late")
        except LookupError:
            start_response("503 Sorry", plain, sys.exc_info())
    for piece in (b"a", b"b") if status == "200 OK" else ():
        if path == "/stream":
            time.sleep(0.1)
        yield piece
    # hypercorn answers nothing to an iterable without a piece.
    yield b""


inner = libcors.wsgi.CORSMiddleware(validator(wsgi), POLICY)
validated = validator(inner)
asgi = libcors.asgi.CORSMiddleware(asgi, POLICY)
wsgi = libcors.wsgi.CORSMiddleware(wsgi, POLICY)
"""

ASGI = {
    "uvicorn-h11": lambda folder: uvicorn(
        "program:asgi", folder, "--http=h11"
    ),
    "uvicorn-httptools": lambda folder: uvicorn(
        "program:asgi", folder, "--http=httptools", "--loop=uvloop"
    ),
    "hypercorn-asgi": lambda folder: hypercorn("program:asgi", folder),
    "gunicorn-uvicorn": lambda folder: gunicorn(
        "program:asgi", folder, "--worker-class=uvicorn_worker.UvicornWorker"
    ),
    "gunicorn-asgi": lambda folder: gunicorn(
        "program:asgi", folder, "--worker-class=asgi"
    ),
}
WSGI = {
    "gunicorn-threads": lambda folder: gunicorn("program:wsgi", folder),
    "gunicorn-sync": lambda folder: gunicorn(
        "program:wsgi", folder, "--worker-class=sync", "--threads=1"
    ),
    "gunicorn-validated": lambda folder: gunicorn("program:validated", folder),
    "hypercorn-wsgi": lambda folder: hypercorn("wsgi:program:wsgi", folder),
}
SERVERS = {**ASGI, **WSGI}


@contextlib.contextmanager
def started(name, folder):
    (folder / "program.py").write_text(PROGRAM)
    with SERVERS[name](folder) as site:
        yield site


@pytest.fixture(params=SERVERS, scope="module")
def site(request, tmp_path_factory):
    with started(request.param, tmp_path_factory.mktemp("server")) as site:
        yield site


def test_requests_of_every_kind(site):
    answer = site.preflight("/", "PUT", "authorization,content-type")
    assert (answer.status, answer.cors) == (204, PREFLIGHT)
    assert answer.body == b""
    assert answer.all("content-length") == []
    assert answer.all("transfer-encoding") == []

    answer = site.preflight("/", origin=STRANGER)
    assert (answer.status, answer.cors) == (403, {})
    assert answer.all("content-length") == ["0"]

    for path in ("/", "/stream"):
        answer = site.get(path, Origin=APP)
        assert (answer.status, answer.body) == (200, b"ab")
        assert answer.cors == ACTUAL
    for method, path in (("HEAD", "/"), ("GET", "/unchanged")):
        answer = site.request(method, path, [("Origin", APP)])
        assert answer.body == b""
        assert answer.cors == ACTUAL


def test_lines_of_one_header_are_joined(site):
    lines = [
        ("Origin", APP),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization"),
        ("Access-Control-Request-Headers", "content-type"),
    ]
    assert site.request("OPTIONS", "/", lines).cors == PREFLIGHT
    lines.append(("Access-Control-Request-Headers", "x-other"))
    assert "max-age" not in site.request("OPTIONS", "/", lines).cors
    twice = [("Origin", STRANGER), ("Origin", APP)]
    assert site.request("GET", "/", twice).cors == {}


def test_a_header_that_only_looks_like_one_is_none(site):
    received = site.raw(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Origin_: " + APP.encode() + b"\r\n\r\n"
    )
    assert received.startswith("HTTP/1.1 200")
    assert "access-control" not in received.lower()


@pytest.mark.parametrize("site", WSGI, indirect=True)
def test_a_response_that_replaces_another_doubles_nothing(site):
    answer = site.get("/changes", Origin=APP)
    assert answer.status == 503
    assert answer.cors == ACTUAL
    assert answer.vary == ["origin"]
    assert answer.all("content-type") == ["text/plain"]


def test_an_exception_of_a_bare_application_is_the_servers(site):
    answer = site.get("/fails", Origin=APP)
    assert (answer.status, answer.cors) == (500, {})
    assert "LookupError: bare" in site.log
    assert site.get("/", Origin=APP).cors == ACTUAL


@pytest.mark.parametrize("name", SERVERS)
def test_a_policy_is_swapped_while_requests_run(name, tmp_path):
    with started(name, tmp_path) as site:
        swap(site)


def swap(site):
    wrong, stop = [], threading.Event()

    def visit(origin):
        permitted = origin == APP
        while not stop.is_set():
            answer = site.get("/", Origin=origin)
            if answer.status != 200 or answer.cors not in (
                {},
                {**ACTUAL, "allow-origin": origin},
            ):
                wrong.append(answer.lines)
            # From the one policy to the other, and never back.
            now = answer.cors != {}
            if now is not permitted and now is (origin == APP):
                wrong.append(f"{origin} back again")
            permitted = now

    threads = [
        threading.Thread(target=visit, args=(origin,))
        for origin in (APP, STRANGER)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    answer = site.get("/swap", Origin=APP)
    # It began under the old one.
    assert answer.cors == ACTUAL
    time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert site.get("/", Origin=APP).cors == {}
    allowed = site.get("/", Origin=STRANGER).cors
    assert allowed == {**ACTUAL, "allow-origin": STRANGER}
