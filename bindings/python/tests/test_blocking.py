# SPDX-License-Identifier: MIT OR Apache-2.0
"""What `block` keeps from the application, what is logged, and what happens
if no decision can be made."""

import asyncio
import types

import pytest
import test_asgi
from conftest import ASKED
from hypothesis import given
from hypothesis import strategies as st
from servers import ACTUAL, API, APP, PREFLIGHT, PREFLIGHT_VARY, STRANGER

import libcors.asgi
from libcors import Policy, Reason, Verdict, _host, _native

BLOCK = {**API, "block": ["unsafe_methods", "websockets"]}
SITE = "https://www.example.net"
HOST = "www.example.net"
WEBSOCKET = {"Connection": "Upgrade", "Upgrade": "WebSocket"}
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "\xe9"]
SAFE = ["GET", "HEAD", "OPTIONS"]

ATTACKS = [
    {"Origin": STRANGER},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": [APP, APP]},
    {"Origin": STRANGER, "Host": HOST},
    {"Origin": f"{SITE}.evil.example", "Host": HOST},
    {
        "Origin": "http://www.example.net",
        "Host": HOST,
        "Sec-Fetch-Site": "cross-site",
    },
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ["same-origin", "same-origin"]},
    {"Sec-Fetch-Site": ""},
]
OWN = [
    {},
    {"Origin": APP},
    {"Origin": SITE, "Host": HOST},
    {"Origin": SITE, "Host": f" {HOST.upper()}:443\t"},
    {"Origin": SITE, "Host": HOST, "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
]
#: These prove nothing of a WebSocket.
SAME_ORIGIN = [
    {"Origin": "null", "Sec-Fetch-Site": " same-origin\t"},
    {"Origin": STRANGER, "Sec-Fetch-Site": "same-origin"},
]


# wsgiref.validate does not know all methods.
pytestmark = pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")


@pytest.fixture
def guarded(kind):
    return lambda app, **named: kind.middleware(app, policy=BLOCK, **named)


def assert_blocked(answer):
    assert answer.status == 403
    assert answer.body.startswith(b"This request was blocked")
    assert answer.all("content-length") == [str(len(answer.body))]
    assert answer.all("content-type") == ["text/plain"]
    assert answer.all("cache-control") == ["no-store"]
    assert (answer.cors, answer.vary) == ({}, ["origin"])


@pytest.mark.parametrize("method", UNSAFE)
def test_an_attack_never_reaches_the_application(kind, guarded, method):
    app = guarded(kind.unreachable)
    for headers in ATTACKS:
        assert_blocked(kind.ask(app, method, headers))


@pytest.mark.parametrize("method", UNSAFE)
def test_what_is_no_attack_reaches_it(kind, guarded, method):
    app = guarded(kind.says())
    for headers in OWN + SAME_ORIGIN:
        assert kind.ask(app, method, headers).body == b"application"


@pytest.mark.parametrize("method", SAFE)
def test_reading_is_not_blocked(kind, guarded, method):
    app = guarded(kind.says())
    for headers in ATTACKS:
        answer = kind.ask(app, method, headers)
        assert (answer.status, answer.cors) == (200, {})


def test_a_preflight_is_answered_as_ever(kind, guarded):
    app = guarded(kind.unreachable)
    answer = kind.ask(app, "OPTIONS", ASKED)
    assert (answer.status, answer.cors) == (204, PREFLIGHT)
    refused = kind.ask(app, "OPTIONS", {**ASKED, "Origin": STRANGER})
    assert (refused.status, refused.body) == (403, b"")


def test_an_upgrade_that_the_server_passes_on_is_blocked(kind, guarded):
    for method in ("GET", "OPTIONS"):
        for headers in ATTACKS + SAME_ORIGIN:
            app = guarded(kind.unreachable)
            assert_blocked(kind.ask(app, method, {**headers, **WEBSOCKET}))
        for headers in OWN:
            answer = kind.ask(
                guarded(kind.says()), method, {**headers, **WEBSOCKET}
            )
            assert answer.body == b"application"


def test_of_two_middlewares_each_one_blocks(kind, guarded):
    app = kind.middleware(guarded(kind.unreachable), policy=API)
    assert kind.ask(app, "POST", {"Origin": STRANGER}).status == 403
    app = guarded(kind.middleware(kind.unreachable, policy=API))
    assert_blocked(kind.ask(app, "POST", {"Origin": STRANGER}))


def test_a_new_policy_blocks_from_the_next_request_on(kind):
    app = kind.middleware(kind.says(), policy=API)
    assert kind.ask(app, "POST", {"Origin": STRANGER}).status == 200
    app.policy = BLOCK
    assert_blocked(kind.ask(app, "POST", {"Origin": STRANGER}))
    app.policy = API
    assert kind.ask(app, "POST", {"Origin": STRANGER}).status == 200


# --- The decision in the request


@pytest.mark.parametrize(
    ("policy", "method", "headers", "verdict"),
    [
        (API, "GET", {}, "not_cors"),
        (API, "POST", {"Origin": APP}, "allowed"),
        (API, "POST", {"Origin": STRANGER}, "refused"),
        (API, "POST", {"Origin": STRANGER, "Host": HOST}, "refused"),
        (API, "POST", {"Origin": SITE, "Host": HOST}, "same_origin"),
        (API, "POST", {"Origin": SITE, "Host": f"{HOST}:443"}, "same_origin"),
        (API, "POST", {"Origin": SITE, "Host": f" {HOST}"}, "same_origin"),
        (API, "POST", {"Origin": SITE, "Host": [HOST, HOST]}, "refused"),
        (
            API,
            "POST",
            {"Origin": STRANGER, "Sec-Fetch-Site": "same-origin"},
            "same_origin",
        ),
        (
            API,
            "POST",
            {"Origin": STRANGER, "Sec-Fetch-Site": ["same-origin"] * 2},
            "refused",
        ),
        (API, "OPTIONS", ASKED, "preflight_allowed"),
        (BLOCK, "GET", {"Origin": STRANGER}, "refused"),
        (BLOCK, "POST", {"Origin": STRANGER}, "blocked"),
        (BLOCK, "POST", {"Origin": SITE, "Host": HOST}, "same_origin"),
    ],
)
def test_the_request_has_the_decision(kind, policy, method, headers, verdict):
    requests = []
    app = kind.middleware(kind.says(), policy)

    kind.ask(kind.recording(app, requests), method, headers)
    assert requests[0][kind.decision].verdict == verdict


texts = st.sampled_from(
    ["a.example", "A.example", "[::1]", "b", "", ".", "null", "same-origin"]
)


@given(
    scheme=st.sampled_from(["https", "http", "ftp", "app"]),
    name=texts,
    port=st.sampled_from(["", ":80", ":443", ":8443"]),
    host=texts,
    host_port=st.sampled_from(["", ":80", ":443", ":8443", ",a.example"]),
    fetch_site=st.sampled_from(
        [None, b"", b"same-origin", b"same-site", b"cross-site", b"none"]
    ),
    client=st.sampled_from([None, b"http", b"https"]),
)
def test_no_request_of_the_site_itself_is_overlooked(
    scheme, name, port, host, host_port, fetch_site, client
):
    """What the engine takes for the site's own, it is asked about."""
    origin = f"{scheme}://{name}{port}".encode()
    host = f"{host}{host_port}".encode()
    decision = Policy(API).evaluate(
        method="POST",
        origin=origin,
        host=host,
        fetch_site=fetch_site,
        scheme=client,
    )
    if decision.verdict is Verdict.SAME_ORIGIN:
        assert _host.may_be_own(origin, host, fetch_site)


# --- WebSockets


def open_websocket(app, headers, extension):
    """The messages that the server gets, as the application opens."""
    messages = []
    scope = test_asgi.scope(headers=headers, kind="websocket")
    del scope["method"]
    if extension:
        scope["extensions"] = {"websocket.http.response": {}}

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    return messages


async def accepts(scope, receive, send):
    await send({"type": "websocket.accept"})


def websocket_headers(headers):
    return [
        (name.lower(), line)
        for name, value in headers.items()
        for line in ([value] if isinstance(value, str) else value)
    ]


def test_a_websocket_is_denied_before_it_is_accepted():
    app = libcors.asgi.CORSMiddleware(test_asgi.unreachable, policy=BLOCK)
    for headers in ATTACKS + SAME_ORIGIN:
        lines = websocket_headers(headers)
        assert open_websocket(app, lines, False) == [
            {"type": "websocket.close"}
        ]
        start, body = open_websocket(app, lines, True)
        assert start["type"] == "websocket.http.response.start"
        assert start["status"] == 403
        assert (b"cache-control", b"no-store") in start["headers"]
        assert body["type"] == "websocket.http.response.body"
        assert body["body"].startswith(b"This request was blocked")


@pytest.mark.parametrize("extension", [False, True])
def test_other_websockets_open(extension):
    app = libcors.asgi.CORSMiddleware(accepts, policy=BLOCK)
    for headers in OWN:
        lines = websocket_headers(headers)
        messages = open_websocket(app, lines, extension)
        assert messages == [{"type": "websocket.accept"}]


@pytest.mark.parametrize("block", [[], ["unsafe_methods"]])
def test_websockets_open_if_the_policy_does_not_block_them(block):
    app = libcors.asgi.CORSMiddleware(accepts, policy={**API, "block": block})
    for headers in ATTACKS:
        messages = open_websocket(app, websocket_headers(headers), False)
        assert messages == [{"type": "websocket.accept"}]


# --- What is logged


def test_a_blocked_request_is_logged_once_a_minute(
    kind, guarded, caplog, monkeypatch
):
    now = [1000.0]
    clock = types.SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(_host, "time", clock)
    app = guarded(kind.says())
    for _ in range(3):
        kind.ask(app, "POST", {"Origin": STRANGER})
        kind.ask(app, "POST", {"Origin": APP})
        kind.ask(app, "GET", {"Origin": STRANGER})
        kind.ask(app, "OPTIONS", {**ASKED, "Origin": STRANGER})
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("libcors", "WARNING")
    assert record.getMessage().startswith(
        "path '/': blocked: the policy blocks the method \"POST\", and no"
        f' pattern matches the origin "{STRANGER}". '
    )
    for change in ("Origin", "method", "path", "minute"):
        caplog.clear()
        if change == "minute":
            now[0] += 60
        kind.ask(
            app,
            "PUT" if change == "method" else "POST",
            {"Origin": "null" if change == "Origin" else STRANGER},
            **({"path": "/other"} if change == "path" else {}),
        )
        assert len(caplog.records) == 1, change


def test_the_clients_text_is_escaped(kind, guarded, caplog):
    app = guarded(kind.says())
    text = "\x1b[2J\r\nCRITICAL root: \u202e\xff"
    for headers in ({"Origin": f"{STRANGER}{text[:-2]}"}, {"Origin": "null"}):
        kind.ask(app, f"P{text}", headers, path=f"/{text}")
    assert len(caplog.records) == 2
    for record in caplog.records:
        message = record.getMessage()
        assert message.isascii()
        assert message.isprintable()
        assert "CRITICAL root" in message


def test_what_is_remembered_of_logged_requests_has_a_bound(
    kind, guarded, caplog
):
    app = guarded(kind.says())
    for number in range(_host.LOGGED_MAX + 10):
        origin = f"https://{number}.example/" + "x" * 10_000
        kind.ask(app, "POST", {"Origin": origin})
    assert len(caplog.records) == _host.LOGGED_MAX + 10
    assert len(app._logged) == 10
    assert all(isinstance(key, int) for key in app._logged)


def test_a_blocked_websocket_is_logged(caplog):
    app = libcors.asgi.CORSMiddleware(test_asgi.unreachable, policy=BLOCK)
    open_websocket(app, {"origin": STRANGER}, True)
    assert "the policy blocks WebSocket handshakes" in caplog.text


# --- Report only


def test_report_only_changes_nothing(kind, guarded):
    own = [("Access-Control-Allow-Origin", "*"), ("Vary", "Cookie")]
    app = kind.says(own)
    reported = guarded(app, report_only=True)
    for method in UNSAFE + SAFE:
        for headers in [*ATTACKS, *OWN, ASKED, WEBSOCKET]:
            expected = kind.ask(app, method, headers)
            answer = kind.ask(reported, method, headers)
            assert vars(answer) == vars(expected)


def test_report_only_says_what_would_happen(kind, guarded, caplog):
    requests = []
    app = guarded(kind.says(), report_only=True)

    recording = kind.recording(app, requests)
    sent = [
        ("GET", {}, "not_cors"),
        ("GET", {"Origin": APP}, "allowed"),
        ("POST", {"Origin": SITE, "Host": HOST}, "same_origin"),
        ("OPTIONS", ASKED, "preflight_allowed"),
        ("GET", {"Origin": STRANGER}, "refused"),
        ("POST", {"Origin": STRANGER}, "blocked"),
        ("OPTIONS", {**ASKED, "Origin": STRANGER}, "preflight_refused"),
    ]
    for method, headers, _ in sent:
        kind.ask(recording, method, headers, path="/p")
    verdicts = [request["libcors.report_only"].verdict for request in requests]
    assert verdicts == [verdict for _, _, verdict in sent]
    assert not any(kind.decision in request for request in requests)
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 3
    assert all(text.startswith("report only: path '/p': ") for text in texts)
    assert "blocked: the policy blocks the method" in texts[1]


def test_a_candidate_is_tried_beside_a_policy(kind, caplog):
    old = kind.middleware(kind.says(), policy=API)
    new = kind.middleware(old, policy=BLOCK, report_only=True)
    answer = kind.ask(new, "POST", {"Origin": STRANGER})
    assert (answer.status, answer.cors) == (200, {})
    assert answer.vary == ["origin"]
    assert kind.ask(new, headers={"Origin": APP}).cors == ACTUAL
    assert kind.ask(new, "OPTIONS", ASKED).cors == PREFLIGHT
    assert "report only" in caplog.text


@pytest.mark.parametrize("extension", [False, True])
@pytest.mark.parametrize(
    "policy", [BLOCK, API, {**API, "block": ["unsafe_methods"]}]
)
def test_report_only_lets_websockets_open(extension, policy, caplog):
    app = libcors.asgi.CORSMiddleware(accepts, policy=policy, report_only=True)
    messages = open_websocket(app, {"origin": STRANGER}, extension)
    assert messages == [{"type": "websocket.accept"}]
    said = "report only: path '/': blocked: the policy blocks WebSocket"
    assert (said in caplog.text) == (policy is BLOCK)
    assert len(caplog.records) == (policy is BLOCK)


def test_a_policy_that_is_wrong_is_no_candidate(kind):
    with pytest.raises(ValueError, match="rejected"):
        kind.middleware(kind.says(), policy={}, report_only=True)


# --- No decision


@pytest.fixture(params=["evaluate", "members"])
def broken(request, monkeypatch):
    """Makes a middleware unable to decide."""

    def raises(*_arguments):
        raise MemoryError("planted")

    def broken(app):
        monkeypatch.setattr(_native, "evaluate", raises)
        if request.param == "members":
            monkeypatch.setattr(app, "_members", raises)
            monkeypatch.setattr(app, "_policy", NoPolicy(app.policy))
        return app

    return broken


class NoPolicy:
    """What is left of one."""

    def __init__(self, policy):
        self._blocks = policy._blocks


def assert_unavailable(answer):
    assert (answer.status, answer.body) == (503, b"")
    assert answer.all("content-length") == ["0"]
    assert answer.all("cache-control") == ["no-store"]
    assert (answer.cors, answer.vary) == ({}, ["origin"])


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("origin", [None, APP, SITE, STRANGER])
def test_without_a_decision_nothing_unsafe_reaches_the_application(
    kind, guarded, broken, caplog, method, origin
):
    app = broken(guarded(kind.unreachable))
    headers = {"Host": HOST, **({"Origin": origin} if origin else {})}
    assert_unavailable(kind.ask(app, method, headers))
    assert "no decision on a request" in caplog.text
    assert "MemoryError: planted" in caplog.text


@pytest.mark.parametrize("method", SAFE)
def test_without_a_decision_reading_passes_without_permission(
    kind, guarded, method, monkeypatch
):
    app = guarded(kind.says([("Access-Control-Allow-Origin", "*")]))
    unasked = guarded(kind.unreachable)
    monkeypatch.setattr(_native, "evaluate", None)
    for headers in ({}, {"Origin": APP}, ASKED):
        answer = kind.ask(app, method, headers)
        assert (answer.status, answer.cors) == (200, {})
        assert answer.vary == [PREFLIGHT_VARY]
    for headers in ({}, {"Origin": APP}):
        assert_unavailable(kind.ask(unasked, method, {**headers, **WEBSOCKET}))


@pytest.mark.parametrize("method", UNSAFE + SAFE)
def test_a_policy_that_blocks_nothing_permits_nothing(
    kind, broken, caplog, method
):
    own = [("Access-Control-Allow-Origin", "*")]
    app = broken(kind.middleware(kind.says(own), policy=API))
    answer = kind.ask(app, method, {"Origin": APP})
    assert answer.body == b"application"
    assert (answer.cors, answer.vary) == ({}, [PREFLIGHT_VARY])
    assert "MemoryError: planted" in caplog.text


@pytest.mark.parametrize("extension", [False, True])
def test_without_a_decision_no_websocket_opens(broken, extension):
    app = libcors.asgi.CORSMiddleware(test_asgi.unreachable, policy=BLOCK)
    messages = open_websocket(broken(app), {"origin": APP}, extension)
    if extension:
        assert messages[0]["type"] == "websocket.http.response.start"
        assert messages[0]["status"] == 503
    else:
        assert messages == [{"type": "websocket.close"}]


def test_without_a_decision_report_only_still_changes_nothing(
    kind, guarded, broken
):
    app = broken(guarded(kind.says(), report_only=True))
    answer = kind.ask(app, "POST", {"Origin": APP})
    assert (answer.status, answer.vary) == (200, [])


def test_what_fails_once_is_decided_the_next_time(kind, guarded, monkeypatch):
    app = guarded(kind.says())
    with monkeypatch.context() as context:
        context.setattr(_native, "evaluate", None)
        assert_unavailable(kind.ask(app, "POST", {"Origin": APP}))
    assert kind.ask(app, "POST", {"Origin": APP}).cors == ACTUAL


def test_a_failed_call_is_logged_and_not_remembered(caplog, monkeypatch):
    """Its status is not OK, and its decision fails closed."""
    evaluate = _native.evaluate

    def fails(_policy, request, decision):
        return evaluate(None, request, decision)

    policy = Policy(API)
    with monkeypatch.context() as context:
        context.setattr(_native, "evaluate", fails)
        for _ in range(2):
            decision = policy.evaluate(method="GET", origin=APP)
            assert decision.verdict is Verdict.REFUSED
            assert decision.reason is Reason.NONE
    assert caplog.messages == ["cors_evaluate() failed: bad argument"] * 2
    decision = policy.evaluate(method="GET", origin=APP)
    assert decision.verdict is Verdict.ALLOWED
