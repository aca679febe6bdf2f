# SPDX-License-Identifier: MIT OR Apache-2.0
"""uvicorn, hypercorn, daphne and gunicorn, each on a socket of its own, and a
client.

with uvicorn("main:app", folder) as site:
    answer = site.get("/", Origin=APP)
"""

import contextlib
import http.client
import socket
import subprocess
import sys
import time

#: The origin that most tests use, and one that no policy knows.
APP = "https://app.example.com"
STRANGER = "https://stranger.example"

#: The policy that most tests use.
API = {
    "allow_origins": [APP, "https://*.preview.example.com"],
    "allow_credentials": True,
    "allow_methods": ["PUT", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type"],
    "expose_headers": ["X-Request-Id"],
    "max_age": 600,
}

#: What it answers to APP, less Vary.
ACTUAL = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "expose-headers": "x-request-id",
}
PREFLIGHT = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "allow-methods": "GET,HEAD,POST,PUT,DELETE",
    "allow-headers": "authorization,content-type",
    "max-age": "600",
}

PREFLIGHT_VARY = (
    "origin, access-control-request-method, access-control-request-headers"
)


class Answer:
    """A response: its status, its headers as lines, its body."""

    def __init__(self, status, lines, body):
        self.status = status
        self.lines = [(name.lower(), value) for name, value in lines]
        self.body = body

    def all(self, name):
        return [value for line, value in self.lines if line == name]

    @property
    def cors(self):
        """Its CORS headers; each of them is there only once."""
        lines = [
            line for line in self.lines if line[0].startswith("access-control")
        ]
        assert len(lines) == len(dict(lines)), f"a header comes twice: {lines}"
        return {name[len("access-control-") :]: value for name, value in lines}

    @property
    def vary(self):
        return self.all("vary")


class Site:
    """A server that runs."""

    def __init__(self, port, process, log):
        self.port = port
        self.process = process
        self.pid = process.pid
        self.log_file = log

    @property
    def log(self):
        """What it has written to stdout and stderr."""
        return self.log_file.read_text()

    def wait_for(self, text):
        """Waits until it has written a text, without any request."""
        deadline = time.monotonic() + 30
        while text not in self.log:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def wait_until_it_ends(self):
        self.process.wait(timeout=30)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def request(self, method, path, lines=()):
        """Sends one request with header lines; a name may come twice."""
        with contextlib.closing(self.connection()) as connection:
            return exchange(connection, method, path, lines)

    def get(self, path, **headers):
        return self.request("GET", path, headers.items())

    def preflight(self, path, method="PUT", headers=None, origin=APP):
        """Sends a preflight with the headers of a browser's."""
        lines = [
            ("Connection", "keep-alive"),
            ("Accept", "*/*"),
            ("Access-Control-Request-Method", method),
            *([("Access-Control-Request-Headers", headers)] * bool(headers)),
            ("Origin", origin),
            ("User-Agent", "Mozilla/5.0"),
            ("Sec-Fetch-Mode", "cors"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Dest", "empty"),
            ("Referer", f"{origin}/"),
            ("Accept-Encoding", "gzip, deflate, br"),
            ("Accept-Language", "en"),
        ]
        return self.request("OPTIONS", path, lines)

    def raw(self, data):
        """Sends bytes and returns all that comes back."""
        address = ("127.0.0.1", self.port)
        with socket.create_connection(address, timeout=20) as connection:
            connection.sendall(data)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received.decode("latin-1")


def exchange(connection, method, path, lines=()):
    """One request and its answer on an open connection."""
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in lines:
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    return Answer(response.status, response.getheaders(), response.read())


def uvicorn(app, folder, *options):
    return served(
        folder, "uvicorn", app, "--app-dir", folder, "--fd=%d", *options
    )


def hypercorn(app, folder, *options):
    return served(folder, "hypercorn", app, "--bind=fd://%d", *options)


def daphne(app, folder, *options):
    return served(folder, "daphne", app, "--fd=%d", *options)


def gunicorn(app, folder, *options):
    # Threads keep connections open, and so thousands of requests are fast.
    return served(
        folder,
        "gunicorn",
        app,
        f"--chdir={folder}",
        "--bind=fd://%d",
        "--worker-class=gthread",
        "--threads=2",
        *options,
    )


@contextlib.contextmanager
def served(folder, server, *options):
    """Runs `python -m server` on a socket that listens already: no port is
    guessed, and who connects waits until it serves."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    # What is accepted inherits this; uvicorn sets it for ports alone.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    descriptor = listener.fileno()
    options = [
        str(option).replace("%d", str(descriptor)) for option in options
    ]
    log = folder / "server.log"
    with listener, log.open("w") as output:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", server, *options],
            cwd=folder,
            pass_fds=[descriptor],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Site(port, process, log)
    finally:
        process.terminate()
        process.wait(timeout=20)
