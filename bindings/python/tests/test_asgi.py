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
    STRANGER,
    Answer,
)

from libcors.asgi import CORSMiddleware

ASKED = {
    "origin": APP,
    "access-control-request-method": "PUT",
    "access-control-request-headers": "authorization,content-type",
}


def scope(method="GET", headers=(), kind="http", path="/"):
    """What a server hands to an application; headers is a dict or lines."""
    lines = headers.items() if isinstance(headers, dict) else headers
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
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


def test_a_method_may_be_any_text():
    answer = ask(governed(says()), "\u20ac", {"origin": APP})
    assert answer.cors == ACTUAL


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
