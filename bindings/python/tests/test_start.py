# SPDX-License-Identifier: MIT OR Apache-2.0
"""A policy that is wrong shows when the server starts, with everything that
is wrong in it, however the middleware is put around the application."""

import pytest
from servers import APP, gunicorn, hypercorn, uvicorn

POLICY = """{
    "allow_origins": ["https://a.example/", "https://B.example"],
    "allow_methods": ["put"]
}
"""
ERRORS = [
    "the policy is rejected",
    "cors.json:2:23: error: ",
    "[origin-trailing-slash]",
    "cors.json:2:45: error: ",
    "[origin-case]",
    "cors.json:3:23: error: ",
    "[method-case]",
]

HEAD = """
from fastapi import FastAPI
from libcors import Policy
from libcors.asgi import CORSMiddleware
"""
PROGRAMS = {
    "loaded first": """
policy = Policy.from_file("cors.json")
app = FastAPI()
app.add_middleware(CORSMiddleware, policy=policy)
""",
    "wrapped": 'app = CORSMiddleware(FastAPI(), policy="cors.json")\n',
    "added": """
app = FastAPI()
app.add_middleware(CORSMiddleware, policy="cors.json")
""",
}

SERVERS = {
    "uvicorn": lambda folder: uvicorn("program:app", folder),
    "uvicorn-lifespan": lambda folder: uvicorn(
        "program:app", folder, "--lifespan=on"
    ),
    "hypercorn": lambda folder: hypercorn("program:app", folder),
    "gunicorn-uvicorn": lambda folder: gunicorn(
        "program:app", folder, "--worker-class=uvicorn_worker.UvicornWorker"
    ),
    "gunicorn-asgi": lambda folder: gunicorn(
        "program:app", folder, "--worker-class=asgi"
    ),
}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_all_that_is_wrong_shows_before_any_request(tmp_path, server, program):
    (tmp_path / "cors.json").write_text(POLICY)
    (tmp_path / "program.py").write_text(HEAD + PROGRAMS[program])
    with SERVERS[server](tmp_path) as site:
        for text in ERRORS:
            site.wait_for(text)
        if program != "added":
            # It does not serve without a policy.
            site.wait_until_it_ends()


@pytest.mark.parametrize("server", SERVERS)
def test_a_missing_file_shows_with_its_whole_path(tmp_path, server):
    (tmp_path / "program.py").write_text(HEAD + PROGRAMS["added"])
    with SERVERS[server](tmp_path) as site:
        site.wait_for(f"No such file or directory: '{tmp_path}/cors.json'")


def test_what_a_module_raises_is_shown_once(tmp_path):
    (tmp_path / "cors.json").write_text(POLICY)
    (tmp_path / "program.py").write_text(HEAD + PROGRAMS["wrapped"])
    with uvicorn("program:app", tmp_path) as site:
        site.wait_until_it_ends()
        assert site.log.count("[method-case]") == 1


@pytest.mark.parametrize("server", SERVERS)
def test_requests_are_not_answered_without_the_policy(tmp_path, server):
    (tmp_path / "cors.json").write_text(POLICY)
    (tmp_path / "program.py").write_text(HEAD + PROGRAMS["added"])
    with SERVERS[server](tmp_path) as site:
        if server == "uvicorn-lifespan":
            site.wait_until_it_ends()
        else:
            assert site.get("/openapi.json", Origin=APP).status == 500
