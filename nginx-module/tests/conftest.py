"""Starts nginx with the module, a configuration and some policies, and fails
the test where nginx has written something alarming to its error log.

    def test_a_thing(serve):
        site = serve("location / { return 200; }", {"api.json": API})
        answer = site.get("/", origin=APP)

In a configuration %BACKEND% is the address of the `backend` fixture, %DEAD%
one where nothing listens, %FOLDER% the test's folder.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

from web_server import (    # noqa: E402, F401
    API, APP, ATTACKS, BLOCK, BLOCKED_BODY, OWN, PREFLIGHT_VARY, SENT_TIMING,
    STRANGER, TIMED, TIMING, TIMING_VALUE, Answer, Backend, Server,
    assert_blocked, free_port, open_websocket, open_websocket_http2, timing,
    wait_until,
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
        "--faulty-module",
        help="the module with a library that has a bug (make faulty)",
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


class Nginx(Server):
    """An nginx that runs in a folder of its own."""

    def __init__(self, options, folder):
        super().__init__(folder)
        self.binary = options.getoption("--nginx")
        self.module = options.getoption("--module")
        if self.module:
            self.module = pathlib.Path(self.module).resolve()
        #: In the order in which they are loaded.
        self.modules = [self.module] if self.module else []
        self.port_options = ""
        self.process = None
        self.wrapper = []
        self.environment = dict(os.environ)
        self.leaks = options.getoption("--leaks")
        self.look_at_memory(options.getoption("--valgrind"))
        self.expected = []
        self.words = {}

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


@pytest.fixture
def backend():
    application = Backend()
    yield application
    application.stop()
