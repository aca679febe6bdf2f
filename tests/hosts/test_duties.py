"""What a host does with a decision, one duty after the other, in the order of
bindings/README.md."""

import re

import pytest

from facts import BODIES, OWN_TIMING, STATUSES
from web_server import (
    API, APP, BLOCK, BLOCKED_BODY, STRANGER, TIMED, TIMING, TIMING_VALUE,
    open_websocket,
)

REQUESTED = "Access-Control-Request-Method"
HEADERS = "Access-Control-Request-Headers"
PREFLIGHT = [("Origin", APP), (REQUESTED, "PUT")]

ACTUAL = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "expose-headers": "x-request-id",
}
ANSWER = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "allow-methods": "GET,HEAD,POST,PUT,DELETE",
    "allow-headers": "authorization,content-type",
    "max-age": "600",
}
VARY_ALL = ["origin", REQUESTED.lower(), HEADERS.lower()]

PATHS = [*STATUSES, "/missing"]


# 1. The request is what the client sent.


@pytest.mark.parametrize(("lines", "allowed"), [
    ([("Origin", APP)], True),
    ([("Origin", f" \t{APP} \t")], True),
    ([("ORIGIN", APP)], True),
    ([("Origin", APP), ("Origin", APP)], False),
    ([("Origin", APP), ("Origin", STRANGER)], False),
    ([("Origin", STRANGER), ("Origin", APP)], False),
    ([("Origin", APP), ("Origin", "")], False),
    ([("Origin", ""), ("Origin", APP)], False),
    ([("Origin", ""), ("Origin", "")], False),
    ([("Origin", "")], False),
    ([("Origin", f"{APP},{APP}")], False),
    ([("Origin", APP + "x" * 300)], False),
    ([("Origin_", APP)], False),
    ([("Origim", APP)], False),
    ([("X-Origin", APP)], False),
])
def test_the_origin_is_passed_on_as_it_came(host, lines, allowed):
    if host.unable("GET", [value for _, value in lines]):
        pytest.skip(host.adapter.unable.__doc__)
    site = host.serve(API)
    answer = site.request("GET", "/health", lines)
    assert answer.cors == (ACTUAL if allowed else {})


@pytest.mark.parametrize(("lines", "allowed"), [
    ([(HEADERS, "authorization"), (HEADERS, "content-type")], True),
    ([(HEADERS, "authorization"), (HEADERS, "x-other")], False),
    ([(HEADERS, "")], True),
    ([(HEADERS, "content-type," * 315)], True),
    ([(HEADERS, "authorization"), (HEADERS, ""),
      (HEADERS, "\t content-type \t")], True),
])
def test_several_lines_of_requested_headers_are_one_list(host, lines, allowed):
    if host.unable("OPTIONS", [value for _, value in lines]):
        pytest.skip(host.adapter.unable.__doc__)
    site = host.serve(API)
    answer = site.request("OPTIONS", "/health", PREFLIGHT + lines)
    assert answer.status == 204
    assert ("max-age" in answer.cors) == allowed


@pytest.mark.parametrize("lines", [
    [(HEADERS, "authorization"), (HEADERS, "@")],
    [(HEADERS, "content-type," * 316)],
    [(REQUESTED, "PUT")],
])
def test_what_is_malformed_together_is_refused(host, lines):
    site = host.serve(API)
    answer = site.request("OPTIONS", "/health", PREFLIGHT + lines)
    assert (answer.status, answer.cors) == (403, {})


@pytest.mark.parametrize(("method", "lines"), [
    ("OPTIONS", [("Origin", APP)]),
    ("OPTIONS", [(REQUESTED, "PUT")]),
    ("OPTIONS", []),
    ("OPTIONS", [("Origin", APP), ("Access-Control-Request-Methods", "PUT")]),
    ("GET", PREFLIGHT),
    ("PUT", PREFLIGHT),
])
def test_the_method_is_the_requests_own(host, method, lines):
    """These are no preflights, and OPTIONS has a Vary of its own."""
    site = host.serve(API)
    answer = site.request(method, "/health", lines)
    assert set(answer.varies_by) == set(
        VARY_ALL if method == "OPTIONS" else ["origin"]
    )
    assert "allow-methods" not in answer.cors
    assert site.reached() == [f"{method} {site.path('/health')}"]


# 2. and 3. A preflight is answered at once, without a body.


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [200, 204])
def test_preflights_are_answered_before_the_application(host, path, status):
    site = host.serve(API | {"preflight_status": status})
    answer = site.request("OPTIONS", path, PREFLIGHT)
    assert (answer.status, answer.body) == (status, "")
    assert answer.cors == ANSWER
    assert answer.varies_by == VARY_ALL

    refused = site.request(
        "OPTIONS", path, [("Origin", STRANGER), *PREFLIGHT[1:]]
    )
    assert (refused.status, refused.body) == (403, "")
    assert refused.cors == {}
    assert refused.varies_by == VARY_ALL
    assert site.reached() == []


def test_spaces_and_tabs_around_a_requested_method_do_not_count(host):
    site = host.serve(API)
    lines = [("Origin", APP), (REQUESTED.upper(), "\t PUT \t")]
    assert site.request("OPTIONS", "/items", lines).cors == ANSWER


def test_a_method_that_is_refused_gets_the_list_and_no_body(host):
    site = host.serve(API)
    answer = site.request(
        "OPTIONS", "/items", [("Origin", APP), (REQUESTED, "PURGE")]
    )
    assert (answer.status, answer.body) == (204, "")
    expected = {k: v for k, v in ANSWER.items() if k != "max-age"}
    assert answer.cors == expected
    assert site.reached() == []


def test_a_header_that_comes_twice_is_sent_twice(host):
    site = host.serve(API | {"allow_methods": ["*"]})
    answer = site.request(
        "OPTIONS", "/items", [("Origin", APP), (REQUESTED, "PURGE")]
    )
    methods = answer.all("access-control-allow-methods")
    assert ", ".join(methods) == "GET,HEAD,POST, PURGE"


@pytest.mark.parametrize("origin", [APP, STRANGER])
def test_a_body_that_looks_like_a_request_is_not_taken_for_one(host, origin):
    site = host.serve(API)
    inner = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    received = site.raw(
        f"OPTIONS {site.path('/items')} HTTP/1.1\r\nHost: localhost\r\n"
        f"Origin: {origin}\r\n{REQUESTED}: PUT\r\n"
        f"Content-Length: {len(inner)}\r\n\r\n{inner}"
        f"GET {site.path('/health')} HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    # The second request is answered, or the connection closed before it.
    answers = received.count("HTTP/1.1 ")
    assert answers in (1, 2)
    reached = [] if answers == 1 else [f"GET {site.path('/health')}"]
    assert site.reached() == reached


SITE = "https://localhost"

#: What other sites' pages can make a browser send, and what the site's own
#: pages, those of a listed origin, and clients that are no browsers send.
ATTACKS = [
    [("Origin", STRANGER)],
    [("Origin", "null")],
    [("Origin", "null"), ("Sec-Fetch-Site", "cross-site")],
    [("Origin", "https://www.localhost"), ("Sec-Fetch-Site", "same-site")],
    [("Origin", "http://localhost"), ("Sec-Fetch-Site", "cross-site")],
    [("Origin", f"{SITE}:8443"), ("Sec-Fetch-Site", "same-site")],
    [("Origin", APP), ("Origin", APP)],
    [("Origin", STRANGER), ("Sec-Fetch-Site", "same-origin"),
     ("Sec-Fetch-Site", "same-origin")],
    [("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", "same-site")],
    [("Sec-Fetch-Site", "SAME-ORIGIN")],
]
OWN_REQUESTS = [
    [("Origin", APP)],
    [("Origin", APP), ("Sec-Fetch-Site", "cross-site")],
    [("Origin", SITE)],
    [("Origin", "http://localhost")],
    [("Origin", SITE), ("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", " none\t")],
    [],
]
#: What is the site's own of a request, but proves nothing of a WebSocket's.
SAME_ORIGIN = [
    [("Sec-Fetch-Site", "same-origin"), *lines]
    for lines in ([], [("Origin", "null")], [("Origin", STRANGER)])
]


@pytest.mark.parametrize("path", PATHS)
def test_a_blocked_request_never_reaches_the_application(host, path):
    site = host.serve(BLOCK)
    host_line = ("Host", "localhost")
    for method in "POST", "PUT", "DELETE":
        for lines in ATTACKS:
            answer = site.request(method, path, [host_line, *lines], body=b"x")
            assert answer.status == 403, lines
            assert answer.body == BLOCKED_BODY
            assert answer.all("content-type") == ["text/plain"]
            assert answer.all("cache-control") == ["no-store"]
            assert answer.cors == {}
            assert answer.varies_by == ["origin"]
    assert site.reached() == []
    own = OWN_REQUESTS + SAME_ORIGIN
    for lines in own:
        site.request("POST", path, [host_line, *lines], body=b"x")
    assert site.reached() == [f"POST {site.path(path)}"] * len(own)


def test_without_block_every_request_reaches_the_application(host):
    site = host.serve(API)
    for lines in ATTACKS:
        site.request("POST", "/items", [("Host", "localhost"), *lines])
    assert site.reached() == [f"POST {site.path('/items')}"] * len(ATTACKS)


def test_reading_is_not_blocked(host):
    site = host.serve(BLOCK)
    for method in "GET", "HEAD", "OPTIONS":
        for lines in ATTACKS:
            site.request(method, "/health", lines)
    assert len(site.reached()) == 3 * len(ATTACKS)


def test_a_blocked_websocket_does_not_open(host):
    opens = getattr(host.adapter, "OPENS_WEBSOCKETS", False)
    site = host.serve(BLOCK)

    def opened(lines, site):
        # It may be the last request of a connection.
        return open_websocket(site.port, site.path("/socket"), dict(lines))

    for lines in ATTACKS + SAME_ORIGIN:
        if len(dict(lines)) == len(lines):
            assert opened(lines, site) == (403, None)
    assert site.reached() == []
    for lines in OWN_REQUESTS:
        status, message = opened(lines, site)
        assert (status, message) == (101, "hi") if opens else status != 403
    own = [f"GET {site.path('/socket')}"] * len(OWN_REQUESTS)
    assert site.reached() == own
    if opens:
        free = host.serve(API)
        assert opened(ATTACKS[0], free) == (101, "hi")


# 4. Every response has the decision's headers, and no others of CORS.


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_the_decisions_headers(host, path, method):
    site = host.serve(API)
    for lines, cors in [
        ([("Origin", APP)], ACTUAL),
        ([("Origin", STRANGER)], {}),
        ([("Origin", "null")], {}),
        ([], {}),
    ]:
        answer = site.request(method, path, lines)
        assert answer.status == STATUSES.get(path, 404)
        assert answer.cors == cors
        own = ["accept-encoding"] if path == "/items" else []
        assert answer.varies_by == [*own, "origin"]
        body = BODIES.get(path) if method == "GET" else b""
        assert body is None or answer.body.encode() == body


def test_a_public_policy_sends_the_same_to_everybody(host):
    site = host.serve({"allow_origins": ["*"]})
    for lines in [], [("Origin", APP)], [("Origin", "null")]:
        answer = site.request("GET", "/health", lines)
        assert answer.cors == {"allow-origin": "*"}
        assert answer.vary == []


def test_a_wildcard_echoes_the_origin_that_asked(host):
    origin = "https://pr-17.preview.example.com"
    site = host.serve(API)
    answer = site.request("GET", "/items", [("Origin", origin)])
    assert answer.cors["allow-origin"] == origin


@pytest.mark.parametrize("path", PATHS)
def test_timing_allow_origin_of_the_policy_replaces_any_other(host, path):
    site = host.serve(TIMED)
    for method in "GET", "HEAD", "OPTIONS":
        for lines in [("Origin", APP)], [("Origin", STRANGER)], []:
            answer = site.request(method, path, lines)
            assert answer.all(TIMING) == [TIMING_VALUE]
    assert len(site.reached()) == 9
    assert site.request("OPTIONS", path, PREFLIGHT).all(TIMING) == []


def test_without_one_the_applications_timing_allow_origin_passes(host):
    site = host.serve(API)
    for lines in [("Origin", APP)], [("Origin", STRANGER)], []:
        answer = site.request("GET", "/items", lines)
        assert ", ".join(answer.all(TIMING)) == OWN_TIMING
        assert site.request("GET", "/health", lines).all(TIMING) == []


# 6. The decision can be logged.


def test_the_log_has_verdict_and_reason(host):
    with host.start(API) as site:
        site.request("GET", "/items")
        site.request("GET", "/items", [("Origin", APP)])
        site.request("GET", "/items", [("Origin", STRANGER)])
        site.request("GET", "/items", [("Origin", f"{APP}/")])
        site.request("OPTIONS", "/items", PREFLIGHT)
        site.request("OPTIONS", "/items", [("Origin", APP), (REQUESTED, "X")])
        assert site.decisions() == [
            "not_cors none",
            "allowed none",
            "refused origin_not_allowed",
            "refused origin_malformed",
            "preflight_allowed none",
            "preflight_refused method_not_allowed",
        ]


# 7. A bad policy never starts the host.


def test_a_bad_policy_stops_the_start_and_says_why(host):
    said = host.refuses(
        '{\n  "allow_origins": ["https://a.example/"],\n  "x": 1\n}\n'
    )
    assert re.search(r"\b2(:|, column )21\b", said), said
    assert "https://a.example" in said
    # All of them at once.
    assert re.search(r"\b3(:|, column )[38]\b", said), said
