# SPDX-License-Identifier: MIT OR Apache-2.0
"""The ASGI middleware around applications that say things in every way that
the ASGI specification lets them: called as it is, and by asgiref, which finds
out of which version an application is, and runs it as Django's server does."""

import asyncio
import copy

import pytest
from asgiref.compatibility import guarantee_single_callable, is_double_callable
from asgiref.testing import ApplicationCommunicator
from servers import (
    ACTUAL,
    API,
    APP,
    PREFLIGHT,
    PREFLIGHT_VARY,
    STRANGER,
    Answer,
)

from libcors import Policy, PolicyError
from libcors.asgi import CORSMiddleware

ASKED = {
    "origin": APP,
    "access-control-request-method": "PUT",
    "access-control-request-headers": "authorization,content-type",
}


def scope(method="GET", headers=(), kind="http"):
    """What a server hands to an application; headers is a dict or lines."""
    lines = headers.items() if isinstance(headers, dict) else headers
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": "/",
        "headers": [(n.encode(), v.encode("latin-1")) for n, v in lines],
    }


@pytest.fixture(params=["called", "asgiref"], autouse=True)
def driver(request, monkeypatch):
    """Each test runs twice."""
    if request.param == "asgiref":
        monkeypatch.setitem(globals(), "sent", sent_by_asgiref)


def sent_by_asgiref(app, *arguments, **named):
    assert not is_double_callable(app)
    app = guarantee_single_callable(app)
    messages = []

    async def run():
        request = {"type": "http.request", "body": b"", "more_body": False}
        communicator = ApplicationCommunicator(app, scope(*arguments, **named))
        await communicator.send_input(request)
        await communicator.wait()
        while not communicator.output_queue.empty():
            messages.append(communicator.output_queue.get_nowait())

    asyncio.run(run())
    return messages


def sent(app, *arguments, **named):
    """The messages that an application sends to a request."""
    messages = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        messages.append(message)

    asyncio.run(app(scope(*arguments, **named), receive, send))
    return messages


def ask(app, *arguments, **named):
    start, *rest = sent(app, *arguments, **named)
    assert start["type"] == "http.response.start"
    assert {message["type"] for message in rest} == {"http.response.body"}
    return Answer(
        start["status"],
        [(n.decode(), v.decode()) for n, v in start["headers"]],
        b"".join(message["body"] for message in rest),
    )


def says(headers=(), status=200):
    """An application that answers with these headers, as they are."""

    async def app(scope, receive, send):
        start = {"type": "http.response.start", "status": status}
        if headers is not None:
            start["headers"] = headers() if callable(headers) else headers
        await send(start)
        await send({"type": "http.response.body", "body": b"application"})

    return app


async def unreachable(scope, receive, send):
    raise AssertionError("the application was asked")


def governed(app, **changes):
    return CORSMiddleware(app, policy={**API, **changes})


def test_an_allowed_origin_gets_its_headers():
    answer = ask(governed(says()), headers={"origin": APP})
    assert answer.status == 200
    assert answer.cors == ACTUAL
    assert answer.vary == ["origin"]
    assert answer.body == b"application"


@pytest.mark.parametrize("headers", [{"origin": STRANGER}, {"origin": ""}, {}])
def test_others_get_vary_alone(headers):
    answer = ask(governed(says()), headers=headers)
    assert answer.cors == {}
    assert answer.vary == ["origin"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "FOO"])
def test_the_method_of_an_actual_request_does_not_matter(method):
    assert ask(governed(says()), method, {"origin": APP}).cors == ACTUAL


@pytest.mark.parametrize("status", [200, 204, 304, 401, 404, 422, 500, 599])
def test_the_status_does_not_matter(status):
    answer = ask(governed(says(status=status)), headers={"origin": APP})
    assert answer.status == status
    assert answer.cors == ACTUAL


def test_a_preflight_is_answered_before_the_application():
    app = governed(unreachable)
    start, body = sent(app, "OPTIONS", ASKED)
    assert start["status"] == 204
    assert body == {"type": "http.response.body", "body": b""}
    answer = ask(app, "OPTIONS", ASKED)
    assert answer.cors == PREFLIGHT
    assert answer.vary == [PREFLIGHT_VARY]
    # RFC 9110, section 8.6: a 204 has none.
    assert answer.all("content-length") == []


def test_a_refused_origin_gets_403_and_nothing_else():
    asked = {**ASKED, "origin": STRANGER}
    answer = ask(governed(unreachable), "OPTIONS", asked)
    assert answer.status == 403
    assert answer.lines == [("vary", PREFLIGHT_VARY), ("content-length", "0")]


def test_old_browsers_can_have_200():
    app = governed(unreachable, preflight_status=200)
    answer = ask(app, "OPTIONS", ASKED)
    assert answer.status == 200
    assert answer.all("content-length") == ["0"]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("OPTIONS", {"origin": APP}),
        ("OPTIONS", {"access-control-request-method": "PUT"}),
        ("OPTIONS", {}),
        ("GET", ASKED),
        ("options", ASKED),
    ],
)
def test_what_is_no_preflight_reaches_the_application(method, headers):
    answer = ask(governed(says()), method, headers)
    assert answer.body == b"application"
    assert "allow-methods" not in answer.cors
    vary = PREFLIGHT_VARY if method == "OPTIONS" else "origin"
    assert answer.vary == [vary]


def test_lines_of_one_header_are_joined_and_stripped():
    name = "access-control-request-headers"
    lines = [
        ("origin", f" {APP}\t"),
        ("access-control-request-method", " PUT "),
        (name, "authorization"),
        (name, ""),
        (name, " content-type\t"),
    ]
    app = governed(unreachable)
    assert ask(app, "OPTIONS", lines).cors == PREFLIGHT
    refused = ask(app, "OPTIONS", [*lines, (name, "x-other")])
    assert "max-age" not in refused.cors
    two = [*lines, ("access-control-request-method", "PUT")]
    assert ask(app, "OPTIONS", two).status == 403


def test_two_origins_are_malformed():
    twice = [("origin", APP), ("accept", "*/*"), ("origin", APP)]
    answer = ask(governed(says()), headers=twice)
    assert answer.cors == {}
    assert answer.vary == ["origin"]


@pytest.mark.parametrize("origin", ["\xff", "a\0b", "x" * 100_000, "\r\n"])
def test_odd_origins_are_refused(origin):
    answer = ask(governed(says()), headers={"origin": origin})
    assert answer.status == 200
    assert answer.cors == {}


def test_the_headers_of_the_application_are_replaced():
    own = [
        (b"Access-Control-Allow-Origin", b"*"),
        (b"x-first", b"1"),
        (b"access-control-allow-origin", STRANGER.encode()),
        (b"ACCESS-CONTROL-ALLOW-PRIVATE-NETWORK", b"true"),
        (b"X-Second", b"2"),
    ]
    app = governed(says(own))
    answer = ask(app, headers={"origin": APP})
    assert answer.cors == ACTUAL
    assert [n for n, _ in answer.lines if n.startswith("x-")] == [
        "x-first",
        "x-second",
    ]
    for headers in ({"origin": STRANGER}, {}):
        assert ask(app, headers=headers).cors == {}


@pytest.mark.parametrize(
    ("own", "method", "vary"),
    [
        ([b"accept-encoding"], "GET", ["accept-encoding", "origin"]),
        ([b"Cookie, Origin"], "GET", ["Cookie, Origin"]),
        ([b"a", b" ORIGIN ,b"], "GET", ["a", " ORIGIN ,b"]),
        ([b"*"], "GET", ["*"]),
        ([b"accept, *"], "OPTIONS", ["accept, *"]),
        ([b""], "GET", ["", "origin"]),
        ([b"xorigin"], "GET", ["xorigin", "origin"]),
        (
            [b"Access-Control-Request-Method"],
            "OPTIONS",
            [
                "Access-Control-Request-Method",
                "origin, access-control-request-headers",
            ],
        ),
        ([PREFLIGHT_VARY.encode()], "OPTIONS", [PREFLIGHT_VARY]),
    ],
)
@pytest.mark.parametrize("name", [b"vary", b"Vary", b"VARY"])
def test_of_vary_only_what_is_missing_is_added(own, method, vary, name):
    app = governed(says([(name, value) for value in own]))
    assert ask(app, method, {"origin": APP}).vary == vary


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT", "\u20ac"])
def test_the_engine_is_asked_with_the_request_s_own_method(method):
    asked = []

    class Recording(Policy):
        def _decide(self, method, *others):
            asked.append(method)
            return super()._decide(method, *others)

    app = CORSMiddleware(says(), Recording(API))
    for headers in ({}, {"origin": APP}):
        ask(app, method, headers)
    assert asked == [method, method]


def test_any_origin_needs_no_vary():
    app = CORSMiddleware(says(), policy={"allow_origins": ["*"]})
    for headers in ({}, {"origin": APP}):
        answer = ask(app, headers=headers)
        assert answer.cors == {"allow-origin": "*"}
        assert answer.vary == []
    assert ask(app, "OPTIONS").vary == [PREFLIGHT_VARY]


PAIRS = [(b"content-type", b"text/plain"), (b"Vary", b"cookie"), (b"", b"")]


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        (),
        PAIRS,
        tuple(PAIRS),
        [list(pair) for pair in PAIRS],
        lambda: iter(PAIRS),
        lambda: (list(pair) for pair in PAIRS),
        dict(PAIRS).items(),
    ],
)
def test_headers_may_be_any_iterable_or_none(headers):
    answer = ask(governed(says(headers)), headers={"origin": APP})
    assert answer.cors == ACTUAL
    assert "origin" in answer.vary


def test_the_applications_message_stays_as_it_is():
    headers = [(b"content-type", b"text/plain")]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    before = copy.deepcopy(start)

    async def app(scope, receive, send):
        await send(start)
        await send({"type": "http.response.body", "body": b""})

    app = governed(app)
    for origin in (APP, STRANGER, APP):
        ask(app, headers={"origin": origin})
    assert start == before
    assert start["headers"] is headers


def test_other_messages_pass_as_they_are():
    messages = [
        {"type": "http.response.early_hint", "links": [b"</a>"]},
        {"type": "http.response.start", "status": 200, "trailers": True},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b"},
        {"type": "http.response.trailers", "headers": [(b"vary", b"x")]},
    ]

    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    result = sent(governed(app), headers={"origin": APP})
    assert [*result[:1], *result[2:]] == [messages[0], *messages[2:]]
    assert result[1]["trailers"] is True
    assert (b"vary", b"origin") in result[1]["headers"]


def test_an_exception_is_the_servers():
    async def fails(scope, receive, send):
        raise LookupError("before")

    async def fails_later(scope, receive, send):
        await says()(scope, receive, send)
        raise LookupError("after")

    with pytest.raises(LookupError, match="before"):
        sent(governed(fails), headers={"origin": APP})
    with pytest.raises(LookupError, match="after"):
        sent(governed(fails_later), headers={"origin": APP})


def test_what_send_raises_reaches_the_application():
    seen = []

    async def app(scope, receive, send):
        try:
            await send({"type": "http.response.start", "status": 200})
        except OSError as error:
            seen.append(error)

    async def gone(_message):
        raise ConnectionResetError

    asyncio.run(governed(app)(scope(headers={"origin": APP}), None, gone))
    assert len(seen) == 1


@pytest.mark.parametrize("kind", ["lifespan", "websocket", "something.new"])
def test_other_protocols_pass_untouched(kind):
    seen = []

    async def app(*arguments):
        seen.append(arguments)

    arguments = (scope(headers=ASKED, kind=kind), object(), object())
    before = copy.deepcopy(arguments[0])
    asyncio.run(governed(app)(*arguments))
    assert [id(each) for each in seen[0]] == [id(each) for each in arguments]
    assert arguments[0] == before


def test_servers_see_an_asgi_3_application():
    assert asyncio.iscoroutinefunction(governed(says()).__call__)


def test_a_policy_is_a_path_a_dict_or_a_policy(tmp_path):
    path = tmp_path / "cors.json"
    path.write_text('{"allow_origins": ["%s"]}' % APP)  # noqa: UP031
    source = {"allow_origins": [APP]}
    for policy in (str(path), path, source, Policy(source)):
        app = CORSMiddleware(says(), policy)
        answer = ask(app, headers={"origin": APP})
        assert answer.cors == {"allow-origin": APP}
        assert isinstance(app.policy, Policy)
    with pytest.raises(FileNotFoundError):
        CORSMiddleware(says(), policy=tmp_path / "none.json")
    for wrong in (None, [APP], 7):
        with pytest.raises(TypeError):
            CORSMiddleware(says(), policy=wrong)


def test_a_policy_that_is_refused_changes_nothing():
    app = governed(says())
    before = app.policy
    with pytest.raises(PolicyError):
        app.policy = {"allow_origins": ["https://a.example/"]}
    assert app.policy is before
    assert ask(app, headers={"origin": APP}).cors == ACTUAL


def test_a_request_ends_under_the_policy_that_it_began_with():
    app = governed(says())

    async def swaps(scope, receive, send):
        app.policy = {"allow_origins": [STRANGER]}
        await says()(scope, receive, send)

    app.app = swaps
    assert ask(app, headers={"origin": APP}).cors == ACTUAL
    assert ask(app, headers={"origin": APP}).cors == {}
    answer = ask(app, headers={"origin": STRANGER})
    assert answer.cors == {"allow-origin": STRANGER}


def test_of_two_middlewares_the_outer_one_decides():
    inner = CORSMiddleware(says(), policy={"allow_origins": ["*"]})
    outer = governed(inner)
    assert ask(outer, headers={"origin": APP}).cors == ACTUAL
    assert ask(outer, headers={"origin": STRANGER}).cors == {}
    assert ask(governed(governed(says()))).vary == ["origin"]
