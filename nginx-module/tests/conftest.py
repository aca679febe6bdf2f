"""Starts nginx with the module, a configuration and some policies, and fails
the test where nginx has written something alarming to its error log.

    def test_a_thing(serve):
        site = serve("location / { return 200; }", {"api.json": API})
        answer = site.get("/", origin=APP)

In a configuration %BACKEND% is the address of the `backend` fixture, %DEAD%
one where nothing listens, %FOLDER% the test's folder.
"""

import contextlib
import http.client
import http.server
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent

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

PREFLIGHT_VARY = (
    "origin, access-control-request-method, access-control-request-headers"
)

CONFIGURATION = """
%LOAD%
daemon off;
user root;
worker_processes 1;
pid %FOLDER%/nginx.pid;
error_log %FOLDER%/error.log %LOG%;
%MAIN%

events {
    worker_connections 64;
}

http {
    client_body_temp_path %FOLDER%/temp_body;
    proxy_temp_path %FOLDER%/temp_proxy;
    fastcgi_temp_path %FOLDER%/temp_fastcgi;
    uwsgi_temp_path %FOLDER%/temp_uwsgi;
    scgi_temp_path %FOLDER%/temp_scgi;
    default_type text/plain;

    log_format cors "$request_method $uri $cors_verdict $cors_reason"
                    " $cors_culprit $cors_pattern | $cors_report_verdict"
                    " $cors_report_reason $cors_report_culprit";
    access_log %FOLDER%/access.log cors;
    %HTTP%

    server {
        listen 127.0.0.1:%PORT%%LISTEN%;
        root %FOLDER%/html;
        %SERVER%
    }
}
"""


def pytest_addoption(parser):
    parser.addoption("--nginx", default="nginx", help="the nginx to test")
    parser.addoption(
        "--module",
        default=str(HERE.parent / "build" / "ngx_http_cors_module.so"),
        help="the module that was built for it; empty where it is built in",
    )
    parser.addoption(
        "--other-modules",
        help="a folder with Debian's headers-more and lua, unpacked",
    )
    parser.addoption(
        "--reloads", type=int, default=40, help="how many in test_reloads.py"
    )
    parser.addoption(
        "--valgrind", action="store_true", help="runs nginx under valgrind"
    )
    parser.addoption(
        "--leaks", action="store_true",
        help="an nginx with AddressSanitizer also looks for the module's leaks",
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "memory: among the few that always run under valgrind"
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


def wait_until(condition, what):
    deadline = time.monotonic() + 10
    while True:
        try:
            if condition():
                return
        except (OSError, http.client.HTTPException):
            pass    # a worker that just leaves may close a connection
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


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


class Nginx:
    """An nginx that runs in a folder of its own."""

    def __init__(self, options, folder):
        self.binary = options.getoption("--nginx")
        self.module = options.getoption("--module")
        if self.module:
            self.module = pathlib.Path(self.module).resolve()
        #: In the order in which they are loaded.
        self.modules = [self.module] if self.module else []
        self.folder = folder
        self.port = free_port()
        self.port_options = ""
        self.process = None
        self.wrapper = []
        self.environment = dict(os.environ)
        self.leaks = options.getoption("--leaks")
        self.look_at_memory(options.getoption("--valgrind"))
        self.expected = []
        self.words = {}
        (folder / "html").mkdir()

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str):
            content = json.dumps(content)
        # Never half of it: nginx may be reading the file, since workers of
        # the last but one configuration answer for some time.
        new = path.with_name(f"{path.name}.new")
        new.write_text(content)
        return new.replace(path)

    def configure(self, server, policies=None, http="", main="", log="info"):
        text = CONFIGURATION
        words = {"SERVER": server, "HTTP": http, "MAIN": main, **self.words}
        words["LOG"] = log
        load = " ".join(f"load_module {each};" for each in self.modules)
        words |= {"LOAD": load, "PORT": self.port}
        words |= {"FOLDER": self.folder, "LISTEN": self.port_options}
        for word, value in words.items():
            text = text.replace(f"%{word}%", str(value))
        self.write("nginx.conf", text)
        for name, policy in (policies or {}).items():
            self.write(name, policy)

    def look_at_memory(self, valgrind):
        """Lets valgrind, or AddressSanitizer where nginx was built with it,
        write reports into the folder memory."""
        (self.folder / "memory").mkdir()
        # Every nginx module has a variable of the same name.
        self.environment["ASAN_OPTIONS"] = (
            f"log_path={self.folder}/memory/asan:detect_odr_violation=0:"
            f"detect_leaks={int(self.leaks)}:handle_abort=1"
        )
        if self.leaks:
            self.environment["ASAN_OPTIONS"] += ":exitcode=0"
        if valgrind:
            self.wrapper = [
                "valgrind", "--trace-children=yes", "--leak-check=full",
                # What the pools of nginx hold is "possibly lost" where a
                # process ends without them: they point into their blocks.
                "--errors-for-leak-kinds=definite",
                "--show-leak-kinds=definite",
                "--keep-debuginfo=yes", "--num-callers=30",
                f"--suppressions={HERE / 'valgrind.supp'}",
                f"--log-file={self.folder}/memory/valgrind.%p",
            ]

    @property
    def sanitized(self):
        """Built with AddressSanitizer."""
        binary = pathlib.Path(shutil.which(self.binary))
        return b"__asan_init" in binary.read_bytes()

    def memory_faults(self):
        """The reports of valgrind and AddressSanitizer that tell a fault."""
        reports = []
        for path in sorted((self.folder / "memory").iterdir()):
            text = path.read_text(errors="replace")
            if path.name.startswith("valgrind"):
                if "ERROR SUMMARY: 0 errors" not in text:
                    # Without the last line it was killed, as some tests do.
                    if re.search(r"^==\d+== (?!Warning)\w.*\n==\d+==    at ",
                                 text, re.M):
                        reports.append(text)
            elif "LeakSanitizer" in text:
                # nginx leaves what ends with the process anyway. At the end
                # of a process its modules are unloaded and have no names.
                reports += [
                    leak for leak in re.split(r"\n(?=\w+ leak of)", text)[1:]
                    if "cors" in leak or "<unknown module>" in leak
                ]
            else:
                reports.append(text)
        return reports

    def command(self, *arguments):
        return [
            *self.wrapper, self.binary, "-p", str(self.folder), "-e", "stderr",
            "-c", str(self.folder / "nginx.conf"), *arguments,
        ]

    def check(self):
        """Runs nginx -t; its exit code and what it says."""
        # It ends without having freed its configuration.
        environment = dict(self.environment)
        environment["ASAN_OPTIONS"] += ":detect_leaks=0"
        command = [
            word.replace("--leak-check=full", "--leak-check=no")
            for word in self.command("-t")
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False,
            env=environment,
        )
        return done.returncode, done.stderr

    def start(self):
        with open(self.folder / "stderr.log", "w") as stderr:
            self.process = subprocess.Popen(
                self.command(), stderr=stderr, env=self.environment
            )
        wait_until(self.listens, "nginx to listen")
        return self

    def listens(self):
        assert self.process.poll() is None, (
            (self.folder / "stderr.log").read_text() + self.errors
        )
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def reload(self):
        """As nginx -s reload, which would not get past a bad policy."""
        # A signal that comes before the first worker is forgotten.
        wait_until(
            lambda: "start worker process" in self.errors, "the worker"
        )
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(timeout=60 if self.wrapper else 10)
        self.process = None

    @property
    def errors(self):
        path = self.folder / "error.log"
        return path.read_text() if path.exists() else ""

    @property
    def log(self):
        """The access log, line by line, once every request is in it."""
        self.stop()
        return (self.folder / "access.log").read_text().splitlines()

    def expect(self, text):
        """Alarming lines with this text are what the test is about."""
        self.expected.append(text)

    def alarms(self):
        return [
            line
            for line in self.errors.splitlines()
            if re.search(r"\[(alert|emerg|crit)\]", line)
            and not any(text in line for text in self.expected)
        ]

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


@pytest.fixture
def nginx(request, tmp_path):
    """An nginx that is not started yet."""
    server = Nginx(request.config, tmp_path)
    yield server
    server.stop()
    assert server.alarms() == []
    assert server.memory_faults() == []


@pytest.fixture
def serve(nginx, backend):
    """Starts nginx with the content of a server block and some policies."""
    nginx.words = {
        "BACKEND": f"127.0.0.1:{backend.port}",
        "DEAD": f"127.0.0.1:{free_port()}",
    }

    def start(server, policies=None, **parts):
        if policies is None:
            policies = {"api.json": API}
        nginx.configure(server, policies, **parts)
        return nginx.start()

    return start


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

            def answer(self):
                length = int(self.headers.get("Content-Length", 0))
                self.rfile.read(length)
                backend.hits.append(f"{self.command} {self.path}")
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


@pytest.fixture
def backend():
    application = Backend()
    yield application
    application.stop()
