"""One suite for every host: what bindings/README.md says that a host does.

    pytest tests/hosts --hosts=nginx,uvicorn

A host is an adapter: adapters/NAME.py has `start`, `refuses`, the flag
MANY_POLICIES (whether one server takes several), and EXCEPTIONS, a dict of
test names with the reason why this host cannot pass them. A server that does
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
    option("--examples", default=ROOT / "build/examples", type=pathlib.Path,
           help="the directory of the example servers")


def pytest_generate_tests(metafunc):
    if "host" in metafunc.fixturenames:
        hosts = metafunc.config.option.hosts.split(",")
        metafunc.parametrize("host", hosts, indirect=True)


class Host:
    """An adapter, with the options of this run and folders of its own."""

    def __init__(self, name, options, folders):
        self.name = name
        self.adapter = importlib.import_module(name)
        self.options = options
        self.folders = folders

    def folder(self):
        folder = tempfile.TemporaryDirectory(prefix="cors-host.")
        self.folders.append(folder)
        return pathlib.Path(folder.name)

    def start(self, *policies):
        texts = [
            policy if isinstance(policy, str) else json.dumps(policy)
            for policy in policies
        ]
        return self.adapter.start(self.options, self.folder(), texts)

    def unable(self, method, values):
        """Whether the server itself does not take such a request."""
        unable = getattr(self.adapter, "unable", None)
        return unable is not None and unable(method, values)

    def refuses(self, policy):
        return self.adapter.refuses(self.options, self.folder(), policy)


@pytest.fixture
def host(request):
    folders = []
    host = Host(request.param, request.config.option, folders)
    reason = host.adapter.EXCEPTIONS.get(request.function.__name__)
    if reason:
        pytest.skip(f"{host.name}: {reason}")
    yield host
    for folder in folders:
        folder.cleanup()
