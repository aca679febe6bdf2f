# SPDX-License-Identifier: MIT OR Apache-2.0
"""The keywords of other middlewares: an error that prints the policy that
means the same."""

import datetime
import json
import warnings

import pytest
from servers import APP, STRANGER, gunicorn, uvicorn
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware as StarletteMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import libcors.asgi
import libcors.wsgi
from libcors import Policy, PolicyError

CLASSES = [libcors.asgi.CORSMiddleware, libcors.wsgi.CORSMiddleware]


def printed(keywords, middleware=CLASSES[0]):
    """The policy in the message, which loads without a warning, and the
    notes."""
    with pytest.raises(TypeError) as caught:
        middleware(None, **keywords)
    head, *lines = str(caught.value).splitlines()
    assert head.startswith("CORSMiddleware takes a policy, not ")
    assert all(name in head for name in keywords)
    assert 'use policy="cors.json" with this file:' in head
    end = lines.index("}") + 1
    text = "\n".join(lines[:end])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Policy(text)
    return json.loads(text), lines[end:]


STARLETTE = [
    {"allow_origins": [APP]},
    {"allow_origins": ["*"]},
    {"allow_origins": (APP,), "allow_credentials": True},
    {"allow_origins": [APP], "allow_methods": ["GET", "PUT", "PATCH"]},
    {"allow_origins": [APP], "allow_methods": ["*"]},
    {"allow_origins": [APP], "allow_methods": ("OPTIONS", "DELETE")},
    {"allow_origins": [APP], "allow_headers": ["X-Token"]},
    {"allow_origins": [APP], "allow_headers": ["*"]},
    {
        "allow_origins": [APP],
        "allow_headers": ["content-type", "Authorization"],
        "expose_headers": ["X-Total"],
        "max_age": 5,
    },
    {
        "allow_origins": [APP],
        "allow_credentials": True,
        "allow_methods": ["*"],
        "allow_headers": ["*"],
        "allow_origin_regex": None,
        "allow_private_network": False,
    },
]


@pytest.mark.parametrize("keywords", STARLETTE)
def test_the_policy_permits_what_starlette_permits(keywords):
    policy, notes = printed(keywords)
    assert notes == []
    app = Starlette(routes=[Route("/", PlainTextResponse("x"))])
    theirs = TestClient(StarletteMiddleware(app, **keywords))
    ours = TestClient(libcors.asgi.CORSMiddleware(app, policy))
    for origin in (APP, STRANGER):
        for headers in ({"Origin": origin}, {"Origin": origin, "Cookie": "a"}):
            assert read(ours, headers) == read(theirs, headers)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            for name in (None, "content-type", "x-token", "authorization"):
                asked = {
                    "Origin": origin,
                    "Access-Control-Request-Method": method,
                }
                if name:
                    asked["Access-Control-Request-Headers"] = name
                mine, other = passes(ours, asked), passes(theirs, asked)
                # These need no permission, whatever Starlette says.
                assert mine == other or (mine and method in ("GET", "POST"))


def read(client, headers):
    """What a page may read of an answer."""
    answer = client.get("/", headers=headers).headers
    origin = answer.get("access-control-allow-origin")
    return origin and (
        origin in ("*", headers["Origin"]),
        answer.get("access-control-allow-credentials"),
        answer.get("access-control-expose-headers", "").lower(),
    )


def passes(client, asked):
    """Whether a browser would take the answer to a preflight for a yes, and
    how long it would keep it."""
    answer = client.options("/", headers=asked)

    def names(kind):
        value = answer.headers.get(f"access-control-allow-{kind}", "")
        return {name.strip().lower() for name in value.split(",")}

    origin = answer.headers.get("access-control-allow-origin")
    credentials = "access-control-allow-credentials" in answer.headers
    method = asked["Access-Control-Request-Method"].lower()
    header = asked.get("Access-Control-Request-Headers")
    star = "*" if not credentials else None
    return (
        answer.status_code in (200, 204)
        and origin in ("*", asked["Origin"])
        and (method in ("get", "post") or names("methods") & {method, star})
        and (
            not header
            or header in names("headers")
            or (star in names("headers") and header != "authorization")
        )
        and answer.headers["access-control-max-age"]
    ) not in (False, None, set())


@pytest.mark.parametrize("middleware", CLASSES)
@pytest.mark.parametrize(
    ("keywords", "policy", "notes"),
    [
        # Starlette
        (
            {"allow_origins": ["*"], "allow_credentials": True},
            {"allow_origins": ["*"], "allow_headers": ["Content-Type"]},
            ['allow_credentials cannot be combined with "*"'],
        ),
        (
            {"allow_origin_regex": r"https://.*\.example\.com"},
            {"allow_origins": [APP], "allow_headers": ["Content-Type"]},
            [
                "allow_origin_regex cannot be translated",
                f"{APP} is an example",
            ],
        ),
        (
            {"allow_origins": [APP], "allow_private_network": True},
            {"allow_origins": [APP], "allow_headers": ["Content-Type"]},
            ["allow_private_network has no equivalent"],
        ),
        (
            {"allow_origins": {APP}, "allow_origns": [APP]},
            {"allow_origins": [APP], "allow_headers": ["Content-Type"]},
            ["allow_origns has no equivalent: it is unknown"],
        ),
        # flask-cors
        (
            {"supports_credentials": True, "origins": APP},
            {
                "allow_origins": [APP],
                "allow_credentials": True,
                "allow_methods": ["DELETE", "PATCH", "PUT"],
                "allow_headers": ["*", "Authorization"],
            },
            [],
        ),
        (
            {
                "origins": [APP],
                "methods": ["GET", "put"],
                "allow_headers": "X-A, X-B",
                "expose_headers": ["X-C"],
                "max_age": datetime.timedelta(hours=1),
                "resources": r"/api/*",
                "send_wildcard": True,
                "vary_header": True,
                "always_send": True,
                "automatic_options": True,
                "intercept_exceptions": True,
            },
            {
                "allow_origins": [APP],
                "allow_methods": ["PUT"],
                "allow_headers": ["X-A", "X-B"],
                "expose_headers": ["X-C"],
                "max_age": 3600,
            },
            [
                "resources has no equivalent: a policy is for all paths",
                "send_wildcard has no equivalent",
                "vary_header has no equivalent",
                "always_send has no equivalent",
                "automatic_options has no equivalent",
                "intercept_exceptions has no equivalent",
            ],
        ),
        # django-cors-headers
        (
            {
                "CORS_ALLOWED_ORIGINS": [APP],
                "CORS_ALLOW_CREDENTIALS": True,
                "CORS_URLS_REGEX": "^/api/.*$",
            },
            {
                "allow_origins": [APP],
                "allow_credentials": True,
                "allow_methods": ["DELETE", "PATCH", "PUT"],
                "allow_headers": [
                    "Authorization",
                    "Content-Type",
                    "User-Agent",
                    "X-CSRFToken",
                    "X-Requested-With",
                ],
                "max_age": 86400,
            },
            ["CORS_URLS_REGEX has no equivalent"],
        ),
        (
            {
                "CORS_ALLOW_ALL_ORIGINS": True,
                "CORS_ALLOW_METHODS": ("GET", "PUT"),
                "CORS_ALLOW_HEADERS": ("x-a",),
                "CORS_EXPOSE_HEADERS": ["x-b"],
                "CORS_PREFLIGHT_MAX_AGE": 60,
                "CORS_ALLOWED_ORIGIN_REGEXES": [],
                "CORS_ALLOW_PRIVATE_NETWORK": True,
            },
            {
                "allow_origins": ["*"],
                "allow_methods": ["PUT"],
                "allow_headers": ["x-a"],
                "expose_headers": ["x-b"],
                "max_age": 60,
            },
            ["CORS_ALLOW_PRIVATE_NETWORK has no equivalent"],
        ),
    ],
)
def test_each_keyword_has_a_key_or_a_note(middleware, keywords, policy, notes):
    found, said = printed(keywords, middleware)
    if {"allow_origins", "allow_origin_regex"} & keywords.keys():
        policy = {**policy, "max_age": 600}
    assert found == policy
    assert len(said) == len(notes)
    for line, note in zip(said, notes):
        assert line.startswith(f"note: {note}")


def test_what_is_wrong_with_the_values_is_said_at_once():
    with pytest.raises(TypeError, match="origin-trailing-slash"):
        CLASSES[0](None, allow_origins=[f"{APP}/"])
    with pytest.raises(TypeError, match="loopback"):
        CLASSES[0](
            None,
            allow_origins=["http://localhost:3000"],
            allow_credentials=True,
        )


def test_starlettes_second_parameter_is_a_list():
    for origins in (["*"], ("*",), {"*"}):
        with pytest.raises(TypeError, match='"allow_origins": \\["\\*"\\]'):
            CLASSES[0](None, origins)


@pytest.mark.parametrize("middleware", CLASSES)
def test_other_mistakes_are_named(middleware):
    with pytest.raises(TypeError, match="needs a policy; add policy="):
        middleware(None)
    with pytest.raises(TypeError, match="and report_only, not polcy"):
        middleware(None, polcy="cors.json")
    with pytest.raises(TypeError, match=r"not allow_origins$"):
        middleware(None, policy="cors.json", allow_origins=["*"])
    with pytest.raises(PolicyError):
        middleware(None, policy={"allow_origins": []})


PROGRAMS = {
    "wrapped": "app = CORSMiddleware(FastAPI(), allow_origins=['*'])",
    "added": (
        "app = FastAPI()\n"
        "app.add_middleware(CORSMiddleware, allow_origins=['*'])"
    ),
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_a_server_shows_it_at_its_start(tmp_path, server, program):
    (tmp_path / "program.py").write_text(
        "from fastapi import FastAPI\n"
        "from libcors.asgi import CORSMiddleware\n" + PROGRAMS[program]
    )
    if server == "uvicorn":
        site = uvicorn("program:app", tmp_path)
    else:
        worker = "--worker-class=uvicorn_worker.UvicornWorker"
        site = gunicorn("program:app", tmp_path, worker)
    with site as running:
        running.wait_for("CORSMiddleware takes a policy, not allow_origins")
        running.wait_for('"allow_origins": ["*"]')
