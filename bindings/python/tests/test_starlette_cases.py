# SPDX-License-Identifier: MIT OR Apache-2.0
"""The situations that the tests of Starlette's CORSMiddleware are about
(tests/middleware/test_cors.py, August 2025, without the prefix test_cors_),
judged by the Fetch standard. A case that the standard decides is a test here;
a choice of Starlette's own is listed with ours.

The same, but for Vary on preflights, which some CDNs cache, and for lists
that leave out what needs no permission:

    allow_all_except_credentials
    allow_specific_origin
    preflight_allow_all_methods
    allow_all_methods
    allow_origin_regex              by a wildcard; https://.* is refused
    allow_origin_regex_fullmatch    a pattern always matches as a whole
    vary_header_defaults_to_origin
    vary_header_is_not_set_for_non_credentialed_request
    vary_header_is_properly_set_when_allow_origins_is_not_wildcard
    allowed_origin_does_not_leak_between_credentialed_requests

The same permissions, another answer:

    disallowed_preflight            403 instead of 400; where it is a header
                                    or a method, the policy's lists, for the
                                    browser to name it

Different:

    allow_all, preflight_allows_request_origin_if_origins_wildcard_and_...
        Any origin with credentials is refused at load: that any site may act
        for the visitor is never meant.
    credentialed_requests_return_specific_origin,
    vary_header_is_properly_set_for_credentialed_request
        Without allow_credentials, a browser keeps the response to a request
        with credentials from the page, whatever the origin in it. So it is
        "*" with cookies or without, and nothing varies.
"""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from libcors import PolicyError
from libcors.asgi import CORSMiddleware

EXAMPLE = "https://example.org"


def client(vary=None, **policy):
    """An application under a policy, as an added middleware."""
    headers = {"Vary": vary} if vary else None
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    def homepage(request):
        return PlainTextResponse("page", headers=headers)

    app = Starlette(routes=[Route("/", homepage, methods=methods)])
    app.add_middleware(CORSMiddleware, policy=policy)
    return TestClient(app)


def preflight(client, origin=EXAMPLE, method="GET", headers=None):
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers is not None:
        asked["Access-Control-Request-Headers"] = headers
    return client.options("/", headers=asked)


def permitted(answer):
    """The access-control-* headers of an answer."""
    prefix = "access-control-"
    return {
        name[len(prefix) :]: value
        for name, value in answer.headers.items()
        if name.startswith(prefix)
    }


def test_any_origin_without_credentials():
    page = client(
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["X-Status"],
    )
    answer = preflight(page, headers="X-Example")
    assert answer.status_code == 204
    assert permitted(answer) == {
        "allow-origin": "*",
        "allow-methods": "*",
        "allow-headers": "*",
    }
    # An actual request, one with cookies, and one from nowhere: a cache may
    # keep the one for the other.
    for headers in ({"Origin": EXAMPLE}, {}):
        for cookie in ({}, {"Cookie": "a=b"}, {}):
            answer = page.get("/", headers={**headers, **cookie})
            assert answer.text == "page"
            assert permitted(answer) == {
                "allow-origin": "*",
                "expose-headers": "x-status",
            }
            assert "vary" not in answer.headers


@pytest.mark.parametrize("methods", [["*"], ["POST"]])
def test_any_origin_with_credentials_is_refused_at_load(methods):
    with pytest.raises(PolicyError, match="origin-any-credentials"):
        CORSMiddleware(
            None,
            policy={
                "allow_origins": ["*"],
                "allow_methods": methods,
                "allow_credentials": True,
            },
        )


def test_one_origin():
    page = client(
        allow_origins=[EXAMPLE], allow_headers=["X-Example", "Content-Type"]
    )
    answer = preflight(page, headers="X-Example, Content-Type")
    assert answer.status_code == 204
    assert permitted(answer) == {
        "allow-origin": EXAMPLE,
        "allow-methods": "GET,HEAD,POST",
        "allow-headers": "x-example,content-type",
    }
    answer = page.get("/", headers={"Origin": EXAMPLE})
    assert answer.text == "page"
    assert permitted(answer) == {"allow-origin": EXAMPLE}
    assert answer.headers["vary"] == "origin"
    answer = page.get("/")
    assert permitted(answer) == {}
    # Else a cache hands this one to EXAMPLE.
    assert answer.headers["vary"] == "origin"


def test_a_preflight_that_is_refused():
    page = client(allow_origins=[EXAMPLE], allow_headers=["X-Example"])
    answer = preflight(page, "https://another.org", "POST", "X-Nope")
    assert answer.status_code == 403
    assert permitted(answer) == {}
    answer = preflight(page, headers="X-Nope-1, X-Nope-2")
    assert "x-nope" not in permitted(answer)["allow-headers"]


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
)
def test_any_method(method):
    page = client(allow_origins=["*"], allow_methods=["*"])
    answer = preflight(page, method=method)
    assert answer.status_code == 204
    assert permitted(answer)["allow-methods"] == "*"
    answer = page.request(method, "/", headers={"Origin": EXAMPLE})
    assert answer.status_code == 200
    assert permitted(answer) == {"allow-origin": "*"}


def test_patterns_match_as_a_whole():
    page = client(
        allow_origins=["https://**.example.org"],
        allow_headers=["X-Example"],
        allow_credentials=True,
    )
    for name in ("a", "b.a"):
        origin = f"https://{name}.example.org"
        allowed = {"allow-origin": origin, "allow-credentials": "true"}
        for cookie in ({}, {"Cookie": "a=b"}):
            answer = page.get("/", headers={"Origin": origin, **cookie})
            assert permitted(answer) == allowed
        answer = preflight(page, origin, headers="x-example")
        assert answer.status_code == 204
        assert permitted(answer).items() >= allowed.items()
    for origin in (
        "http://a.example.org",
        "https://a.example.org.hacker.com",
        "https://aexample.org",
        "https://a.exampleXorg",
    ):
        answer = page.get("/", headers={"Origin": origin})
        assert (answer.status_code, answer.text) == (200, "page")
        assert permitted(answer) == {}
        assert answer.headers["vary"] == "origin"
        answer = preflight(page, origin, headers="x-example")
        assert answer.status_code == 403
        assert permitted(answer) == {}


def test_vary_is_completed():
    page = client("Accept-Encoding", allow_origins=[EXAMPLE])
    answer = page.get("/", headers={"Origin": EXAMPLE})
    assert answer.headers["vary"] == "Accept-Encoding, origin"
    page = client("Accept-Encoding", allow_origins=["*"])
    for cookie in ({}, {"Cookie": "a=b"}):
        answer = page.get("/", headers={"Origin": EXAMPLE, **cookie})
        assert answer.headers["vary"] == "Accept-Encoding"
        assert permitted(answer) == {"allow-origin": "*"}
