# SPDX-License-Identifier: MIT OR Apache-2.0
"""The README's examples do what it says, as they are printed there."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from servers import (
    APP,
    PREFLIGHT_VARY,
    STRANGER,
    gunicorn,
    hypercorn,
    uvicorn,
)

from libcors import Policy

PACKAGE = Path(__file__).parents[1]
README = (PACKAGE / "README.md").read_text("utf-8")
MIGRATING = (PACKAGE / "MIGRATING.md").read_text("utf-8")

#: What the README's policy permits to APP.
ACTUAL = {"allow-origin": APP, "allow-credentials": "true"}
PREFLIGHT = {
    **ACTUAL,
    "allow-methods": "GET,HEAD,POST,PUT,DELETE",
    "allow-headers": "content-type,authorization",
    "max-age": "7200",
}


@pytest.fixture
def folder(tmp_path):
    """A folder with the policy and all examples, by the names that they
    have."""
    policy = re.search(r"^```json\n(.*?)^```$", README, re.M | re.S)[1]
    (tmp_path / "cors.json").write_text(policy)
    blocking = re.search(
        r"^```json site.json\n(.*?)^```$", README, re.M | re.S
    )
    (tmp_path / "site.json").write_text(blocking[1])
    blocks = re.findall(
        r"^```python\n# (\S+)\n(.*?)^```$", README + MIGRATING, re.M | re.S
    )
    assert len(blocks) == 10
    for name, block in blocks:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(block)
    return tmp_path


def assert_preflight(site, path):
    answer = site.preflight(path, "PUT", "authorization,content-type")
    assert answer.status == 204
    assert answer.cors == PREFLIGHT
    assert answer.vary == [PREFLIGHT_VARY]
    assert answer.body == b""
    assert site.preflight(path, origin=STRANGER).status == 403


def test_fastapi(folder):
    with uvicorn("fastapi_example:app", folder) as site:
        assert_preflight(site, "/items/1")
        for path, status in [
            ("/items/4", 200),
            ("/items/0", 500),
            ("/items/none", 422),
            ("/nothing", 404),
        ]:
            answer = site.request("PUT", path, [("Origin", APP)])
            assert answer.status == status
            assert answer.cors == ACTUAL
            assert answer.vary == ["origin"]
            answer = site.request("PUT", path, [("Origin", STRANGER)])
            assert answer.status == status
            assert answer.cors == {}
        assert answer.vary == ["origin"]
    assert "ZeroDivisionError" in site.log


def test_starlette(folder):
    with uvicorn("starlette_example:app", folder) as site:
        assert_preflight(site, "/")
        answer = site.get("/", Origin=APP)
        assert answer.body == b"hello"
        assert answer.cors == ACTUAL


def test_flask(folder):
    with gunicorn("flask_example:app", folder) as site:
        assert_preflight(site, "/")
        for path, status in [("/", 200), ("/nothing", 404)]:
            answer = site.get(path, Origin=APP)
            assert answer.status == status
            assert answer.cors == ACTUAL
            assert answer.vary == ["origin"]


def test_a_policy_for_some_paths(folder):
    with gunicorn("paths_example:app", folder) as site:
        assert_preflight(site, "/api/x")
        assert site.get("/api/x", Origin=APP).cors == ACTUAL
        answer = site.get("/x", Origin=APP)
        assert (answer.cors, answer.vary) == ({}, [])


def post(site, path, origin):
    lines = [("Origin", origin), ("Content-Length", "0")]
    return site.request("POST", path, lines)


SHOP = "https://shop.example"


def test_report_only(folder):
    with uvicorn("report_only_example:app", folder) as site:
        answer = post(site, "/", SHOP)
        # GET is the only method of the example.
        assert (answer.status, answer.cors) == (405, {})
        assert site.get("/", Origin=APP).cors == ACTUAL
        assert_preflight(site, "/")
        logged = "report only: path '/': blocked: the policy blocks the method"
        assert logged in site.log


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn"])
def test_an_endpoint_for_other_sites(folder, server):
    run = {"uvicorn": uvicorn, "hypercorn": hypercorn}[server]
    with run("callback_example:app", folder) as site:
        for origin in (SHOP, "null"):
            answer = post(site, "/login/callback", origin)
            assert (answer.status, answer.body) == (200, b"signed in")
            assert answer.cors == {}
            for path in ("/transfer", "/login/callback/", "//login/callback"):
                assert post(site, path, origin).status == 403
        answer = post(site, "/transfer", APP)
        assert (answer.status, answer.body) == (200, b"transferred")


def test_an_endpoint_with_a_policy_of_its_own(folder):
    program = folder / "callback_example.py"
    with program.open("a") as file:
        file.write(
            "\nsite = CORSMiddleware("
            f"site, policy={{'allow_origins': [{SHOP!r}]}})\n"
        )
    with uvicorn("callback_example:app", folder) as site:
        answer = post(site, "/login/callback", SHOP)
        assert answer.body == b"signed in"
        assert answer.cors == {"allow-origin": SHOP}
        assert post(site, "/login/callback", "null").body == b"signed in"
        assert post(site, "/transfer", SHOP).status == 403


def test_the_warning_of_a_blocked_request_is_as_printed(folder):
    printed = re.search(r"^  (path '/': .*) \[…\]$", README, re.M)[1]
    program = folder / "blocked_example.py"
    program.write_text(
        "from starlette_example import *\napp.policy = 'site.json'\n"
    )
    with uvicorn("blocked_example:app", folder) as site:
        answer = post(site, "/", SHOP)
        assert answer.status == 403
        assert printed in site.log
        text = answer.body.decode().strip()
        assert f'"{text}"' in README.replace("\n", " ")


def test_flasks_own_client_asks_the_middleware(folder):
    program = (
        "from flask_example import app\n"
        "client = app.test_client()\n"
        f"answer = client.get('/', headers={{'Origin': {APP!r}}})\n"
        f"assert answer.headers['Access-Control-Allow-Origin'] == {APP!r}\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True)


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_django(folder, server):
    wsgi = (folder / "mysite" / "wsgi.py").read_text()
    (folder / "mysite" / "wsgi.py").unlink()
    subprocess.run(
        [sys.executable, "-m", "django", "startproject", "mysite", folder],
        check=True,
    )
    asgi = wsgi.replace("wsgi", "asgi")
    (folder / "mysite" / "wsgi.py").write_text(wsgi)
    (folder / "mysite" / "asgi.py").write_text(asgi)
    settings = folder / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + "\nALLOWED_HOSTS = ['*']\n")
    urls = folder / "mysite" / "urls.py"
    urls.write_text(
        "from django.urls import path\n"
        "urlpatterns = [path('fails/', lambda request: 1 / 0)]\n"
    )
    run, name = {
        "gunicorn": (gunicorn, "mysite.wsgi"),
        "uvicorn": (uvicorn, "mysite.asgi:application"),
    }[server]
    with run(name, folder) as site:
        assert_preflight(site, "/")
        for path, status in [("/fails/", 500), ("/nothing", 404)]:
            answer = site.get(path, Origin=APP)
            assert answer.status == status
            assert answer.cors == ACTUAL
            assert "origin" in ", ".join(answer.vary)


def test_the_tests_that_ask_the_policy_pass(folder):
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_policy_example.py"],
        cwd=folder,
        check=True,
    )


def test_the_error_is_shown_as_it_is_printed(folder):
    policy = (folder / "cors.json").read_text()
    wrong = policy.replace("app.example.com", "app.example.com/", 1)
    (folder / "cors.json").write_text(wrong)
    program = "import libcors; libcors.Policy.from_file('cors.json')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    block = re.search(
        r"^```\n(libcors.PolicyError.*?)^```$", README, re.M | re.S
    )
    assert done.stderr.endswith(block[1])


def test_the_error_of_foreign_keywords_is_shown_as_it_is_printed(folder):
    program = (
        "from libcors.asgi import CORSMiddleware\n"
        "CORSMiddleware(None, allow_origins=['*'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    block = re.search(r"^```\n(TypeError.*?)^```$", MIGRATING, re.M | re.S)
    assert done.stderr.endswith(block[1])


def test_what_to_write_instead_loads():
    members = re.findall(r"`(\"\w+\": [^`\n]+)`", MIGRATING)
    assert len(members) >= 15
    for member in members:
        origin = "" if "allow_origins" in member else f'"{APP}"'
        origin = '"null"' if "null_origin" in member else origin
        policy = f'"allow_origins": [{origin}], {member}'
        Policy("{" + (policy if origin else member) + "}")


def test_sighup_loads_the_policy_anew_while_requests_run(folder):
    def permitted(origin):
        return "allow-origin" in site.get("/", Origin=origin).cors

    def wait_until(condition):
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    path = folder / "cors.json"
    good = path.read_text()
    with uvicorn("reload_example:app", folder) as site:
        assert permitted(APP)
        path.write_text(good.replace("app.example.com", "new.example.com"))
        os.kill(site.pid, signal.SIGHUP)
        wait_until(lambda: permitted("https://new.example.com"))
        assert not permitted(APP)
        path.write_text(good.replace("app.example.com", "app.example.com/"))
        os.kill(site.pid, signal.SIGHUP)
        wait_until(lambda: "origin-trailing-slash" in site.log)
        assert permitted("https://new.example.com")
