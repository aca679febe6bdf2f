"""Starts Apache httpd with the module, a configuration and some policies, and
fails the test where httpd has written something alarming to its error log.

    def test_a_thing(serve):
        site = serve("CorsPolicy api.json", {"api.json": API})
        answer = site.get("/", origin=APP)

The text is the content of a virtual host. In it %BACKEND% is the address of
the `backend` fixture, %DEAD% one where nothing listens, %FOLDER% the test's
folder.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from web_server import (    # noqa: E402, F401
    API, APP, ATTACKS, BLOCK, BLOCKED_BODY, OWN, PREFLIGHT_VARY, SENT_TIMING,
    STRANGER, TIMED, TIMING, TIMING_VALUE, Answer, Backend, Server,
    assert_blocked, free_port, open_websocket, open_websocket_http2, timing,
    wait_until,
)

#: httpd writes the names of one Vary without spaces.
PREFLIGHT_VARY = PREFLIGHT_VARY.replace(" ", "")

MODULES = """
    mpm_%MPM% unixd log_config authn_core authn_file authz_core authz_host
    authz_user auth_basic access_compat allowmethods alias mime dir env
    setenvif headers rewrite deflate include negotiation cgi proxy proxy_http
    proxy_wstunnel cache cache_disk http2 userdir vhost_alias speling actions
    dav dav_fs
    status
"""

CONFIGURATION = """
%LOAD%
LoadModule cors_module %MODULE%
ServerRoot %FOLDER%
ServerName localhost
Listen 127.0.0.1:%PORT%
PidFile httpd.pid
DefaultRuntimeDir %FOLDER%
Mutex sem
User "#65534"
Group "#65534"
StartServers 1
<IfModule !mpm_prefork_module>
    ThreadsPerChild 16
    MinSpareThreads 1
    MaxSpareThreads 64
    MaxRequestWorkers 128
</IfModule>
GracefulShutdownTimeout 1
ErrorLog error.log
LogLevel warn cors:info
TypesConfig /dev/null
LogFormat "%m %U %{cors-verdict}n %{cors-reason}n %{cors-culprit}n" cors
LogFormat "%m %U %{cors-verdict}n | %{cors-report-verdict}n\
 %{cors-report-reason}n %{cors-report-culprit}n" report
CustomLog access.log cors
%MAIN%

<VirtualHost *:%PORT%>
    DocumentRoot %FOLDER%/html
    %SERVER%
</VirtualHost>
"""


def pytest_addoption(parser):
    parser.addoption("--httpd", default="apache2", help="the httpd to test")
    parser.addoption(
        "--modules", default="/usr/lib/apache2/modules",
        help="the folder with its modules",
    )
    parser.addoption(
        "--module", default=str(ROOT / "build" / "apache" / "mod_cors.so"),
        help="the module that was built for it",
    )
    parser.addoption(
        "--faulty-module", help="one with a bug: Makefile, tests/faults.h",
    )
    parser.addoption(
        "--reloads", type=int, default=10, help="how many in test_restarts.py"
    )
    parser.addoption(
        "--valgrind", action="store_true", help="runs httpd under valgrind"
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "memory: among the few that always run under valgrind"
    )


class Apache(Server):
    """An httpd that runs in a folder of its own."""

    def __init__(self, options, folder):
        super().__init__(folder)
        self.binary = options.getoption("--httpd")
        self.modules = pathlib.Path(options.getoption("--modules"))
        self.module = pathlib.Path(options.getoption("--module")).resolve()
        self.valgrind = options.getoption("--valgrind")
        #: How long a start or an end may take, in seconds.
        self.patience = 60 if self.valgrind else 10
        self.mpm = "event"
        self.environment = dict(os.environ)
        self.process = None
        (folder / "memory").mkdir()
        #: Children that must be there until the end, and those that are not.
        self.first, self.lost = set(), set()
        self.expected = []
        self.words = {}

    def configure(self, server, policies=None, main=""):
        text = CONFIGURATION
        # What is not there is built in.
        load = "\n".join(
            f"LoadModule {name}_module {self.modules}/mod_{name}.so"
            for name in MODULES.replace("%MPM%", self.mpm).split()
            if (self.modules / f"mod_{name}.so").exists()
        )
        words = {"SERVER": server, "MAIN": main, **self.words, "LOAD": load}
        words |= {"MODULE": self.module, "PORT": self.port}
        words |= {"FOLDER": self.folder}
        for word, value in words.items():
            text = text.replace(f"%{word}%", str(value))
        self.write("httpd.conf", text)
        for name, policy in (policies or {}).items():
            self.write(name, policy)

    def command(self, *arguments):
        wrapper = []
        if self.valgrind:
            wrapper = [
                "valgrind", "--leak-check=full", "--keep-debuginfo=yes",
                # What httpd's pools hold is "possibly lost".
                "--errors-for-leak-kinds=definite",
                "--show-leak-kinds=definite", "--num-callers=30",
                f"--suppressions={HERE / 'valgrind.supp'}",
                f"--log-file={self.folder}/memory/valgrind.%p",
            ]
        return [
            *wrapper, self.binary, "-d", str(self.folder),
            "-f", str(self.folder / "httpd.conf"), *arguments,
        ]

    def check(self):
        """As apachectl configtest; its exit code and what it says."""
        done = subprocess.run(
            self.command("-t"), capture_output=True, text=True, check=False,
        )
        return done.returncode, done.stderr

    def start(self):
        starts = self.starts
        with open(self.folder / "stderr.log", "w") as stderr:
            # prefork ends by a signal to its whole group.
            self.process = subprocess.Popen(
                self.command("-D", "FOREGROUND"), stderr=stderr,
                start_new_session=True, env=self.environment,
            )
        # It listens before, and then reads its configuration once more.
        wait_until(
            lambda: self.runs(starts), "httpd to start", self.patience
        )
        self.first = self.children
        return self

    @property
    def children(self):
        """The processes that answer, as Linux knows them."""
        parent = self.process.pid
        listed = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
        alive = set()
        # Any of them may end meanwhile.
        with contextlib.suppress(OSError):
            for pid in listed.read_text().split():
                state = pathlib.Path(f"/proc/{pid}/stat").read_text()
                if state.rsplit(")", 1)[1].split()[0] != "Z":
                    alive.add(int(pid))
        return alive

    def runs(self, starts):
        """Whether it has started once more."""
        assert self.process.poll() is None, self.errors
        return self.starts > starts

    @property
    def starts(self):
        return self.errors.count("resuming normal operations")

    def reload(self, how=signal.SIGUSR1):
        """As apachectl graceful, which would not get past a bad policy."""
        self.first = set()
        starts = self.starts
        self.process.send_signal(how)
        wait_until(
            lambda: self.starts > starts, "httpd to restart", self.patience
        )

    def stop(self):
        if self.process is None:
            return
        # The log would not tell: the event MPM has faults of its own in a
        # child that ends, once in hundreds of stops, without our module too.
        self.lost |= self.first - self.children
        self.process.terminate()
        self.process.wait(timeout=self.patience)
        self.process = None

    def memory_faults(self):
        """The reports of valgrind that tell a fault."""
        reports = [
            path.read_text() for path in (self.folder / "memory").iterdir()
        ]
        return [
            report for report in reports
            if "ERROR SUMMARY: 0 errors" not in report
            # A child that was killed, as it was slow to leave, tells none.
            and "ERROR SUMMARY" in report
        ]

    @property
    def errors(self):
        """What is in the error log, or was said before it was open."""
        paths = [self.folder / "stderr.log", self.folder / "error.log"]
        return "".join(
            path.read_text() for path in paths if path.exists()
        )

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
            if re.search(r"\[cors:error\]|:(crit|alert|emerg)\]", line)
            and not any(text in line for text in self.expected)
        ]


@pytest.fixture
def apache(request):
    """An httpd that is not started yet."""
    # Its children are not root and must get there; to tmp_path they do not.
    with tempfile.TemporaryDirectory(prefix="mod_cors.") as folder:
        os.chmod(folder, 0o755)
        server = Apache(request.config, pathlib.Path(folder))
        yield server
        server.stop()
        assert not server.lost
        assert server.alarms() == []
        faults = server.memory_faults()
        assert not faults, "\n".join(faults)


@pytest.fixture
def serve(apache, backend):
    """Starts httpd with the content of a virtual host and some policies."""
    apache.words = {
        "BACKEND": f"127.0.0.1:{backend.port}",
        "DEAD": f"127.0.0.1:{free_port()}",
    }

    def start(server, policies=None, main=""):
        if policies is None:
            policies = {"api.json": API}
        apache.configure(server, policies, main)
        return apache.start()

    return start


@pytest.fixture
def backend():
    application = Backend()
    yield application
    application.stop()
