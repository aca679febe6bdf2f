"""A host under test: a server that answers on a port, and a client."""

import http.client
import pathlib
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from web_server import Answer    # noqa: E402

class Site:
    """A server that runs, with one application behind each of its policies.

    An adapter makes a Site of its process and of what only it knows: where the
    names of requests that reached the application are, how decisions are
    logged, and below which path the application of policy n is.
    """

    def __init__(self, process, port, reached, decisions, path="/{policy}"):
        self.process = process
        self.port = port
        self._reached = reached
        self._decisions = decisions
        self._path = path
        self._connection = None
        self._before = 0

    def begin(self):
        """Forgets what other tests have done."""
        self.disconnect()
        self._before = len(self._reached())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.disconnect()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)

    def request(self, method, path, lines=(), policy=0, body=None):
        """Sends one request, on a connection that is kept if the server
        keeps it; `lines` are pairs of a name and a value."""
        kept = self._connection is not None
        try:
            return self._request(method, path, lines, policy, body)
        except (BrokenPipeError, ConnectionResetError,
                http.client.RemoteDisconnected):
            # The server may close a connection whose last body it has not
            # read.
            self.disconnect()
            if not kept:
                raise
            return self._request(method, path, lines, policy, body)

    def _request(self, method, path, lines, policy, body):
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=20
            )
        connection = self._connection
        lines = list(lines)
        connection.putrequest(
            method, self.path(path, policy), skip_accept_encoding=True,
            skip_host="Host" in dict(lines),
        )
        if body is not None or method in ("POST", "PUT", "PATCH"):
            lines.append(("Content-Length", str(len(body or b""))))
        for name, value in lines:
            connection.putheader(name, value)
        connection.endheaders(body)
        # Servers may send headers and body apart, and the body only once the
        # headers are acknowledged. Linux resets this option by itself.
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        response = connection.getresponse()
        answer = Answer(response)
        if response.will_close:
            self.disconnect()
        return answer

    def path(self, path, policy=0):
        """Where a path of the application is."""
        return self._path.format(policy=policy) + path

    def disconnect(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def raw(self, data):
        """Sends bytes and returns all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.settimeout(20)
            connection.sendall(data)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
            return received.decode("latin-1")

    def reached(self):
        """The requests of this test that reached the application:
        "GET /0/items"."""
        return self._reached()[self._before:]

    def decisions(self):
        """Verdict and reason of each request, oldest first, as the server's
        log has them once it has stopped."""
        self.stop()
        return self._decisions()


def run(command, **options):
    return subprocess.Popen([str(word) for word in command], **options)


def says(command, **options):
    """What a command says that fails, as it has to."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True,
        check=False, timeout=30, **options,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def wait_for_port(port, process, log):
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, log()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, f"nobody listens; {log()}"
        time.sleep(0.01)
