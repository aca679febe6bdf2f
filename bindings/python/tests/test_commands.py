# SPDX-License-Identifier: MIT OR Apache-2.0
"""The commands that frameworks bring along: `litestar run` and `sanic`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from litestar import Litestar, get
from litestar.middleware import DefineMiddleware
from litestar.testing import TestClient
from servers import ACTUAL, API, APP, STRANGER, served

import libcors
from libcors import Policy
from libcors.asgi import CORSMiddleware

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("options", [["--app=litestar_example:app"], []])
def test_litestar_run(tmp_path, options):
    block = re.search(
        r"^```python\n# litestar_example.py\n(.*?)^```$", README, re.M | re.S
    )
    policy = re.search(r"^```json\n(.*?)^```$", README, re.M | re.S)
    (tmp_path / "cors.json").write_text(policy[1])
    # It looks for app.py by itself.
    name = "litestar_example.py" if options else "app.py"
    (tmp_path / name).write_text(block[1])
    arguments = ["litestar", *options, "run", "--fd=%d"]
    with served(tmp_path, *arguments) as site:
        preflight = site.preflight("/items/1")
        assert preflight.status == 204
        assert preflight.cors["allow-origin"] == APP
        assert site.preflight("/items/1", origin=STRANGER).status == 403
        for path, status in [
            ("/items/4", 200),
            ("/items/0", 500),
            ("/items/none", 404),
            ("/nothing", 404),
        ]:
            answer = site.request("PUT", path, [("Origin", APP)])
            assert answer.status == status
            assert answer.cors["allow-origin"] == APP


def test_the_sanic_command_takes_no_asgi_application(tmp_path):
    (tmp_path / "cors.json").write_text('{"allow_origins": ["*"]}')
    (tmp_path / "program.py").write_text(
        "from sanic import Sanic\n"
        "from libcors.asgi import CORSMiddleware\n"
        "app = CORSMiddleware(Sanic('program'), policy='cors.json')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sanic", "program:app", "--single-process"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert b"CORSMiddleware" in done.stdout
    assert done.returncode != 0


def test_a_policy_is_loaded_once_for_all_of_litestar_s_routes(monkeypatch):
    loads, made = [], []
    load, init = Policy._load, CORSMiddleware.__init__
    monkeypatch.setattr(
        Policy, "_load", lambda *a, **n: (loads.append(1), load(*a, **n))[1]
    )
    monkeypatch.setattr(
        CORSMiddleware,
        "__init__",
        lambda *a, **n: (made.append(1), init(*a, **n))[1],
    )

    def handler(number):
        @get(f"/{number}", name=f"h{number}", sync_to_thread=False)
        def hello() -> str:
            return "hello"

        return hello

    policy = libcors.Policy(API)
    app = Litestar(
        [handler(number) for number in range(50)],
        middleware=[DefineMiddleware(CORSMiddleware, policy=policy)],
    )
    assert len(made) >= 50
    assert len(loads) == 1
    with TestClient(app) as client:
        answer = client.get("/7", headers={"Origin": APP})
        headers = answer.headers
        assert headers["access-control-allow-origin"] == ACTUAL["allow-origin"]
        # Its middlewares are those of routes: where there is none, they are
        # not asked.
        answer = client.get("/nothing", headers={"Origin": APP})
        assert "access-control-allow-origin" not in answer.headers
