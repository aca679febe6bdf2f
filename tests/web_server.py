"""What the tests of nginx and of Apache httpd share: a policy, a client, an
application behind the server."""

import base64
import contextlib
import hashlib
import http.client
import http.server
import itertools
import json
import pathlib
import random
import socket
import subprocess
import threading
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

#: The same for resource timing, and what everyone gets.
TIMED = API | {"timing_allow_origins": [APP, "https://rum.example"]}
TIMING = "timing-allow-origin"
TIMING_VALUE = f"{APP}, https://rum.example"

#: What an application may send: more than one, in any case.
SENT_TIMING = [
    ("Timing-Allow-Origin", "https://evil.example"),
    ("TIMING-ALLOW-ORIGIN", "*"),
    ("timing-allow-origin", "https://other.example"),
]

#: API with block, and the body of the response to what it blocks: cors.h's
#: CORS_BLOCKED_BODY.
BLOCK = API | {"block": ["unsafe_methods", "websockets"]}
BLOCKED_BODY = "This request was blocked, because it came from another site.\n"

#: Requests that pages of other sites can make browsers send.
ATTACKS = [
    ("POST", {"Origin": STRANGER}),
    ("POST", {"Origin": "null"}),
    ("POST", {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
    ("POST", {"Origin": "https://sub.localhost", "Host": "localhost",
              "Sec-Fetch-Site": "same-site"}),
    ("POST", {"Sec-Fetch-Site": "cross-site"}),
    ("DELETE", {"Origin": STRANGER}),
    ("PROPFIND", {"Origin": STRANGER}),
    ("GET", {"Origin": STRANGER, "Connection": "Upgrade",
             "Upgrade": "websocket"}),
]

#: Requests of the site itself, of those it trusts, and of no browser.
OWN = [
    ("POST", {"Origin": APP}),
    ("POST", {"Origin": "https://localhost", "Host": "localhost"}),
    ("POST", {"Origin": "http://localhost:8080", "Host": "localhost:8080"}),
    ("POST", {"Origin": "null", "Sec-Fetch-Site": "same-origin"}),
    ("POST", {"Sec-Fetch-Site": "none"}),
    ("DELETE", {}),
    ("GET", {"Origin": STRANGER}),
    ("HEAD", {"Origin": STRANGER}),
    ("GET", {"Origin": APP, "Connection": "Upgrade", "Upgrade": "websocket"}),
]

PREFLIGHT_VARY = (
    "origin, access-control-request-method, access-control-request-headers"
)

#: Below the ports that Linux gives to whoever asks for any.
PORTS = itertools.cycle(range(10000, 32000))
for _ in range(random.randrange(22000)):
    next(PORTS)


def free_port():
    """A port where nothing listens; never the same one twice."""
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (OSError, http.client.HTTPException):
            pass    # a worker that just leaves may close a connection
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def timing(site, path, method="GET", **headers):
    """The status, and what everyone gets, whatever the origin."""
    answers = [
        site.request(method, path, lines | headers)
        for lines in ({"Origin": APP}, {"Origin": STRANGER}, {})
    ]
    [status] = {answer.status for answer in answers}
    first, *others = [answer.all(TIMING) for answer in answers]
    assert others == [first, first]
    return status, first


def websocket_accept(key):
    """What proves that a server speaks WebSocket (RFC 6455, section 4.2.2)."""
    text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


def echo_websocket(handler):
    """Opens a WebSocket and sends one message of two bytes back."""
    key = handler.headers["Sec-WebSocket-Key"]
    handler.send_response(101)
    handler.send_header("Upgrade", "websocket")
    handler.send_header("Connection", "Upgrade")
    handler.send_header("Sec-WebSocket-Accept", websocket_accept(key))
    handler.end_headers()
    # It comes with a mask of zeros, and goes without one.
    handler.wfile.write(b"\x81\x02" + handler.rfile.read(8)[6:])
    handler.close_connection = True


def open_websocket(port, path, lines):
    """The status of the response to the opening of a WebSocket and, if it
    opens, what comes back of the message "hi"."""
    lines = {
        "Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **lines,
    }
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(10)
        asked = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection.sendall(f"GET {path} HTTP/1.1\r\n{asked}\r\n".encode())
        stream = connection.makefile("rb")
        status = int(stream.readline().split()[1])
        head = b""
        while (line := stream.readline()) not in (b"\r\n", b""):
            head += line
        if status != 101:
            return status, None
        assert websocket_accept(lines["Sec-WebSocket-Key"]).encode() in head
        # A masked text of two bytes; the mask is zero. Then a masked close.
        connection.sendall(b"\x81\x82\0\0\0\0hi")
        message = stream.read(4)
        connection.sendall(b"\x88\x80\0\0\0\0")
        return status, message[2:].decode()


def open_websocket_http2(port, path, lines):
    """As open_websocket, by an extended CONNECT over HTTP/2 without TLS. The
    status is None if the server resets the stream."""
    script = pathlib.Path(__file__).with_name("websocket_http2.mjs")
    fields = [word for line in lines.items() for word in line]
    words = subprocess.run(
        ["node", script, f"http://127.0.0.1:{port}", path, *fields],
        check=True, capture_output=True, text=True,
    ).stdout.split()
    status, message = [*words, None, None][:2]
    return status and int(status), message


class Answer:
    """A response: its status, its headers as lines, its body."""

    def __init__(self, response):
        self.status = response.status
        self.lines = [
            (name.lower(), value) for name, value in response.getheaders()
        ]
        self.body = response.read().decode()

    def all(self, name):
        return [value for line, value in self.lines if line == name]

    @property
    def cors(self):
        """Its CORS headers; each of them is there only once."""
        lines = [
            line for line in self.lines if line[0].startswith("access-control")
        ]
        assert len(lines) == len(dict(lines)), f"a header comes twice: {lines}"
        return {name.removeprefix("access-control-"): value
                for name, value in lines}

    @property
    def vary(self):
        return self.all("vary")

    @property
    def varies_by(self):
        """The names in all lines of Vary."""
        return [
            name.strip().lower()
            for value in self.vary for name in value.split(",")
        ]


def assert_blocked(answer):
    assert answer.status == 403
    assert answer.body == BLOCKED_BODY
    assert answer.cors == {}
    assert answer.vary == ["origin"]
    assert answer.all("cache-control") == ["no-store"]
    assert answer.all("content-type") == ["text/plain"]
    assert answer.all("content-length") == [str(len(BLOCKED_BODY))]


class Server:
    """A web server that runs in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        (folder / "html").mkdir()

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str):
            content = json.dumps(content)
        # Never half of it: the server may be reading the file, since workers
        # of the last but one configuration answer for some time.
        new = path.with_name(f"{path.name}.new")
        new.write_text(content)
        return new.replace(path)

    def request(self, method, path, headers=None, body=None, **named):
        """Sends one request; named headers have a _ for each -."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=10
        )
        try:
            lines = list((headers or {}).items())
            connection.putrequest(
                method, path, skip_host="Host" in (headers or {}),
                skip_accept_encoding=True,
            )
            lines += [
                (name.replace("_", "-"), value)
                for name, value in named.items()
            ]
            if body is not None:
                lines.append(("Content-Length", str(len(body))))
            for name, value in lines:
                values = value if isinstance(value, list) else [value]
                for each in values:
                    connection.putheader(name, each)
            connection.endheaders(body)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **named):
        return self.request("GET", path, **named)

    def preflight(self, path, method="PUT", headers=None, origin=APP):
        asked = {"Origin": origin, "Access-Control-Request-Method": method}
        if headers is not None:
            asked["Access-Control-Request-Headers"] = headers
        return self.request("OPTIONS", path, asked)

    def raw(self, data):
        """Sends bytes and returns all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.settimeout(10)
            connection.sendall(data)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received.decode()


class Backend:
    """An application: it records what it is asked and answers as it is told.

    `answers` maps a path to a status and header lines; all else gets a 200.
    """

    def __init__(self):
        self.hits = []
        self.answers = {}
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Else a body waits for the acknowledgement of its headers.
            disable_nagle_algorithm = True

            def answer(self):
                length = int(self.headers.get("Content-Length", 0))
                self.rfile.read(length)
                backend.hits.append(f"{self.command} {self.path}")
                if "Sec-WebSocket-Key" in self.headers:
                    return echo_websocket(self)
                status, lines = backend.answers.get(self.path, (200, []))
                body = b"" if status in (204, 304) else b"application\n"
                self.send_response(status)
                for name, value in lines:
                    self.send_header(name, value)
                if status not in (204, 304):
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer
            do_OPTIONS = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler
        )
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(
            target=self.server.serve_forever, args=(0.01,)
        )
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
