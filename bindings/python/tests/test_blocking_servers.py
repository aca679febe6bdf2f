# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is blocked in real servers: over real connections, by a library that
has a bug, and if no decision can be made. The log of the application is the
witness of what has reached it."""

import contextlib
import shutil
import socket
from pathlib import Path

import h2.connection
import h2.events
import pytest
from servers import (
    API,
    APP,
    STRANGER,
    Answer,
    daphne,
    gunicorn,
    hypercorn,
    uvicorn,
)
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import libcors

ROOT = Path(__file__).resolve().parents[3]
FAULTY = ROOT / "build/faulty/release/libcors.so"
#: A decision about this origin is a panic in that library.
PANIC = "https://panic.test"

#: `broken` does not get as far as a decision.
PROGRAM = f"""
import libcors.asgi
import libcors.wsgi

LOG = open("reached.log", "a", buffering=1)
POLICY = {API!r}
BLOCK = {{**POLICY, "block": ["unsafe_methods", "websockets"]}}


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    print(scope.get("method", "WEBSOCKET"), scope["path"], file=LOG)
    if scope["type"] == "websocket":
        await receive()
        await send({{"type": "websocket.accept"}})
        message = await receive()
        await send({{"type": "websocket.send", "text": message["text"]}})
        await receive()
        return
    await send({{"type": "http.response.start", "status": 200}})
    await send({{"type": "http.response.body", "body": b"application"}})


def wsgi_application(environ, start_response):
    print(environ["REQUEST_METHOD"], environ["PATH_INFO"], file=LOG)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"application"]


asgi = libcors.asgi.CORSMiddleware(application, BLOCK)
wsgi = libcors.wsgi.CORSMiddleware(wsgi_application, BLOCK)
open_asgi = libcors.asgi.CORSMiddleware(application, POLICY)
open_wsgi = libcors.wsgi.CORSMiddleware(wsgi_application, POLICY)
"""
BROKEN = """
from libcors import _native
from program import *


def raises(*_arguments):
    raise MemoryError("planted")


_native.evaluate = raises
"""

#: How a server denies a WebSocket: with the middleware's own response, or, if
#: it does not have the extension, its own. uvicorn without a library for
#: WebSockets takes the handshake for a GET, and so do WSGI's servers.
ASGI = {
    "uvicorn": (uvicorn, "--ws=websockets", "own"),
    "uvicorn-sansio": (uvicorn, "--ws=websockets-sansio", "own"),
    "uvicorn-wsproto": (uvicorn, "--ws=wsproto", "own"),
    "uvicorn-without": (uvicorn, "--ws=none", "get"),
    "hypercorn": (hypercorn, "--log-level=info", "own"),
    "daphne": (daphne, "-v1", "server"),
    "gunicorn-uvicorn": (
        gunicorn,
        "--worker-class=uvicorn_worker.UvicornWorker",
        "own",
    ),
    "gunicorn-asgi": (gunicorn, "--worker-class=asgi", "server"),
}
WSGI = {
    "gunicorn": (gunicorn, "--worker-class=gthread", "get"),
    "gunicorn-sync": (gunicorn, "--worker-class=sync", "get"),
}
SERVERS = {**ASGI, **WSGI}


class Served:
    def __init__(self, site, folder, denies):
        self.site = site
        self.denies = denies
        self._reached = folder / "reached.log"
        self.begin()

    def begin(self):
        self._before = len(self._lines())

    def _lines(self):
        if not self._reached.exists():
            # It is made when the first worker starts.
            return []
        return self._reached.read_text().splitlines()

    @property
    def reached(self):
        return self._lines()[self._before :]

    def send(self, method, origin, body=b"", **headers):
        connection = self.site.connection()
        with contextlib.closing(connection):
            if origin is not None:
                headers["Origin"] = origin
            connection.request(method, "/x", body, headers)
            response = connection.getresponse()
            return Answer(
                response.status, response.getheaders(), response.read()
            )

    def open(self, origin, **headers):
        """The response to the opening of a WebSocket that is denied, else the
        message that comes back."""
        url = f"ws://127.0.0.1:{self.site.port}/x"
        try:
            with connect(
                url, origin=origin, additional_headers=headers, proxy=None
            ) as websocket:
                websocket.send("hi")
                return websocket.recv(timeout=20)
        except InvalidStatus as error:
            response = error.response
            return Answer(
                response.status_code, response.headers.raw_items(), b""
            )


@contextlib.contextmanager
def serve(name, folder, module="program", app=""):
    (folder / "program.py").write_text(PROGRAM)
    (folder / "broken.py").write_text(BROKEN)
    server, option, denies = SERVERS[name]
    kind = "wsgi" if name in WSGI else "asgi"
    with server(f"{module}:{app}{kind}", folder, option) as site:
        yield Served(site, folder, denies)


@pytest.fixture(params=SERVERS, scope="module")
def shared(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with serve(request.param, folder) as served:
        yield served


@pytest.fixture
def served(shared):
    shared.begin()
    return shared


def own(served):
    return f"http://127.0.0.1:{served.site.port}"


METHODS = ["POST", "PUT", "PATCH", "DELETE"]


def test_an_attack_never_reaches_the_application(served):
    for method in METHODS:
        for origin in (STRANGER, "null", f"{APP}.evil.example"):
            for site in ("cross-site", None):
                headers = {"Sec-Fetch-Site": site} if site else {}
                answer = served.send(method, origin, b"a=b", **headers)
                assert answer.status == 403
                assert answer.body.startswith(b"This request was blocked")
                assert answer.all("content-type") == ["text/plain"]
                assert answer.all("cache-control") == ["no-store"]
                assert (answer.cors, answer.vary) == ({}, ["origin"])
    assert served.reached == []
    assert "path '/x': blocked: the policy blocks the" in served.site.log


def test_other_requests_do(served):
    for method in METHODS:
        for origin in (None, APP, own(served)):
            answer = served.send(method, origin, b"a=b")
            assert (answer.status, answer.body) == (200, b"application")
    assert served.send("GET", STRANGER).body == b"application"
    expected = [f"{method} /x" for method in METHODS for _ in range(3)]
    assert served.reached == [*expected, "GET /x"]


def test_a_websocket_of_another_site_does_not_open(served):
    for origin in (STRANGER, "null", "http://127.0.0.1:1"):
        for site in ("same-origin", "cross-site"):
            answer = served.open(origin, **{"Sec-Fetch-Site": site})
            assert answer.status == 403
            if served.denies != "server":
                assert answer.all("cache-control") == ["no-store"]
                assert answer.vary == ["origin"]
            assert answer.cors == {}
    assert served.reached == []
    assert "the policy blocks WebSocket handshakes" in served.site.log


def test_other_websockets_do(served):
    for origin in (None, APP, own(served)):
        if served.denies == "get":
            assert served.open(origin).status == 200
        else:
            assert served.open(origin) == "hi"
    word = "GET" if served.denies == "get" else "WEBSOCKET"
    assert served.reached == [f"{word} /x"] * 3


def over_http2(port, pseudo, origin):
    """The status of the response to a request without a body."""
    client = h2.connection.H2Connection()
    client.initiate_connection()
    lines = {
        **pseudo,
        ":scheme": "http",
        ":authority": f"127.0.0.1:{port}",
        ":path": "/x",
        "sec-websocket-version": "13",
        "origin": origin,
    }
    # The stream of a WebSocket goes on.
    client.send_headers(1, lines.items(), ":protocol" not in lines)
    address = ("127.0.0.1", port)
    with socket.create_connection(address, timeout=20) as connection:
        while True:
            connection.sendall(client.data_to_send())
            received = connection.recv(65536)
            assert received
            for event in client.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    return int(dict(event.headers)[b":status"])


def test_over_http2(tmp_path):
    post = {":method": "POST"}
    websocket = {":method": "CONNECT", ":protocol": "websocket"}
    with serve("hypercorn", tmp_path) as served:
        port = served.site.port
        for origin in (STRANGER, "null", "http://127.0.0.1:1"):
            for pseudo in (post, websocket):
                assert over_http2(port, pseudo, origin) == 403
        assert served.reached == []
        for origin in (APP, own(served)):
            for pseudo in (post, websocket):
                assert over_http2(port, pseudo, origin) == 200
        assert served.reached == ["POST /x", "WEBSOCKET /x"] * 2


@pytest.mark.parametrize("name", ["uvicorn", "gunicorn"])
def test_a_page_on_http_is_not_of_a_site_whose_proxy_ends_tls(name, tmp_path):
    with serve(name, tmp_path) as served:
        https = {"X-Forwarded-Proto": "https"}
        assert served.send("POST", own(served)).status == 200
        assert served.send("POST", own(served), **https).status == 403
        page = own(served).replace("http", "https")
        assert served.send("POST", page, **https).status == 200
        assert served.open(own(served), **https).status == 403
        assert served.reached == ["POST /x"] * 2


@pytest.mark.parametrize("name", SERVERS)
def test_a_bug_in_the_library_opens_nothing(name, tmp_path):
    """`make faulty` builds this library."""
    shutil.copytree(
        Path(libcors.__file__).parent,
        tmp_path / "libcors",
        ignore=shutil.ignore_patterns("__pycache__", "libcors.so"),
    )
    shutil.copy(FAULTY, tmp_path / "libcors/libcors.so")
    with serve(name, tmp_path) as served:
        for method in METHODS:
            answer = served.send(method, PANIC, b"a=b")
            assert (answer.status, answer.cors) == (403, {})
            assert answer.all("cache-control") == ["no-store"]
        assert served.open(PANIC).status == 403
        assert served.reached == []
        failed = "cors_evaluate() failed: internal error"
        assert served.site.log.count(failed) == len(METHODS) + 1
        # What would have been decided is not known.
        assert "path '/x'" not in served.site.log
        answer = served.send("GET", PANIC)
        assert (answer.status, answer.cors) == (200, {})
        # The process has survived all of it.
        assert served.send("POST", APP, b"a=b").status == 200
        assert served.reached == ["GET /x", "POST /x"]
        # Each time anew.
        for _ in range(2):
            served.send("POST", PANIC)
        assert served.site.log.count(failed) == len(METHODS) + 4


@pytest.mark.parametrize("name", SERVERS)
def test_without_a_decision_nothing_unsafe_is_served(name, tmp_path):
    with serve(name, tmp_path, "broken") as served:
        for origin in (None, APP, STRANGER, own(served)):
            for method in METHODS:
                answer = served.send(method, origin, b"a=b")
                assert answer.status == 503
                assert answer.all("cache-control") == ["no-store"]
                assert (answer.cors, answer.body) == ({}, b"")
            denied = served.open(origin)
            expected = 403 if served.denies == "server" else 503
            assert denied.status == expected
        assert served.reached == []
        assert "MemoryError: planted" in served.site.log
        answer = served.send("GET", APP)
        assert (answer.body, answer.cors) == (b"application", {})
        assert served.reached == ["GET /x"]


@pytest.mark.parametrize("name", ["uvicorn", "gunicorn"])
def test_a_policy_without_block_serves_on_without_permission(name, tmp_path):
    with serve(name, tmp_path, "broken", "open_") as served:
        for method in ("GET", *METHODS):
            answer = served.send(method, APP)
            assert (answer.body, answer.cors) == (b"application", {})
