"""One suite for every host: what bindings/README.md says that a host does.

    tools/pytest.sh tests/hosts --hosts=nginx,uvicorn

A host is an adapter: adapters/NAME.py has `start`, `refuses`, the flag
MANY_POLICIES (whether one server takes several), and EXCEPTIONS, a dict of
test names with the reason why this host cannot pass them. OPENS_WEBSOCKETS is
set if its application can open one. A server that does
not take some requests also has `unable`, which says which and why.
"""

import importlib
import json
import pathlib
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE / "adapters"), str(ROOT / "tests")]

HOSTS = ["nginx", "apache", "uvicorn", "gunicorn", "c", "cpp", "axum"]


def pytest_addoption(parser):
    option = parser.addoption
    option("--hosts", default=",".join(HOSTS), help="the hosts to test")
    option("--nginx", default="nginx", help="the nginx to test")
    option("--nginx-module",
           default=ROOT / "nginx-module/build/ngx_http_cors_module.so",
           help="the module that was built for it; empty if it is built in")
    option("--httpd", default="apache2", help="the Apache httpd to test")
    option("--httpd-modules", default="/usr/lib/apache2/modules",
           help="the directory of its modules")
    option("--apache-module", default=ROOT / "build/apache/mod_cors.so",
           help="mod_cors.so")
    option("--python", default=ROOT / "build/python/bin/python",
           help="a Python with libcors, uvicorn and gunicorn")
    option("--cors", default=ROOT / "target/debug/cors",
           help="the command cors")
    option("--examples", default=ROOT / "build/examples", type=pathlib.Path,
           help="the directory of the example servers")


def pytest_generate_tests(metafunc):
    if "host" in metafunc.fixturenames:
        hosts = metafunc.config.option.hosts.split(",")
        # One host after the other, so that its servers serve many tests.
        metafunc.parametrize("host", hosts, indirect=True, scope="session")


def pytest_collection_modifyitems(items):
    for item in items:
        if "host" in item.fixturenames:
            name = item.callspec.params["host"]
            exceptions = importlib.import_module(name).EXCEPTIONS
            reason = exceptions.get(item.originalname)
            if reason:
                item.add_marker(pytest.mark.skip(reason=f"{name}: {reason}"))


class Host:
    """An adapter, with the options of this run and directories of its own."""

    def __init__(self, name, options):
        self.name = name
        self.adapter = importlib.import_module(name)
        self.options = options
        self.folders = []
        #: The servers that tests share, by the policy.
        self.sites = {}

    def folder(self):
        folder = tempfile.TemporaryDirectory(prefix="cors-host.")
        self.folders.append(folder)
        return pathlib.Path(folder.name)

    def start(self, *policies):
        """A server of the test's own, which it stops."""
        texts = [
            policy if isinstance(policy, str) else json.dumps(policy)
            for policy in policies
        ]
        return self.adapter.start(self.options, self.folder(), texts)

    def serve(self, policy):
        """A server that all tests with this policy share."""
        key = json.dumps(policy)
        if key not in self.sites:
            self.sites[key] = self.start(policy)
        self.sites[key].begin()
        return self.sites[key]

    def check(self):
        """What a test has stopped must not fail the next one."""
        stopped = [
            key for key, site in self.sites.items()
            if site.process.poll() is not None
        ]
        for key in stopped:
            self.sites.pop(key).stop()
        assert not stopped, f"{self.name} has stopped"

    def stop(self):
        for site in self.sites.values():
            site.stop()
        for folder in self.folders:
            folder.cleanup()

    def unable(self, method, values):
        """Whether the server itself does not take such a request."""
        unable = getattr(self.adapter, "unable", None)
        return unable is not None and unable(method, values)

    def refuses(self, policy):
        return self.adapter.refuses(self.options, self.folder(), policy)


@pytest.fixture(scope="session")
def host(request):
    host = Host(request.param, request.config.option)
    yield host
    host.stop()


@pytest.fixture(autouse=True)
def still_running(request):
    yield
    if "host" in request.fixturenames:
        request.getfixturevalue("host").check()
