# SPDX-License-Identifier: MIT OR Apache-2.0
"""The WSGI middleware around applications that say things in every way that
PEP 3333 lets them: alone, and with wsgiref.validate on both sides."""

import sys
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from servers import (
    ACTUAL,
    API,
    APP,
    STRANGER,
    Answer,
)

from libcors.wsgi import CORSMiddleware

ASKED = {
    "HTTP_ORIGIN": APP,
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT",
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "authorization,content-type",
}


@pytest.fixture(params=["alone", "validated"], autouse=True)
def check(request, monkeypatch):
    """Each test runs twice: wsgiref.validate changes what the middleware and
    the application see of each other."""
    if request.param == "alone":
        monkeypatch.setitem(globals(), "validator", lambda app: app)


def environ(method="GET", headers=None):
    result = {"REQUEST_METHOD": method, "QUERY_STRING": "", **(headers or {})}
    setup_testing_defaults(result)
    return result


def ask(app, method="GET", headers=None, validated=True, doubles=False):
    """What a server makes of an application's answer. One that doubles keeps
    the headers of a response that another one replaces, as gunicorn does."""
    started = []
    body = []

    def start_response(status, headers, exc_info=None):
        if exc_info and body:
            raise exc_info[1]
        if started and not exc_info:
            raise AssertionError("started twice")
        if started and doubles:
            headers = started[0][1] + headers
        started[:] = [(int(status.split()[0]), headers)]
        return body.append

    checked = validator(app) if validated else app
    iterable = checked(environ(method, headers), start_response)
    try:
        for piece in iterable:
            body.append(piece)
    finally:
        if hasattr(iterable, "close"):
            iterable.close()
    return Answer(*started[0], b"".join(body))


def says(headers=(), status="200 OK"):
    plain = (
        [] if status[:3] in ("204", "304") else [("Content-Type", "text/x")]
    )

    def app(environ, start_response):
        start_response(status, [*plain, *headers])
        return [b"application"]

    return validator(app)


def unreachable(environ, start_response):
    raise AssertionError("the application was asked")


def governed(app, **changes):
    return CORSMiddleware(app, policy={**API, **changes})


@pytest.mark.parametrize("origin", ["\u20ac", "\ud800"])
def test_an_origin_that_pep_3333_forbids_is_refused(origin):
    answer = ask(governed(says()), headers={"HTTP_ORIGIN": origin})
    assert answer.cors == {}
    assert answer.vary == ["origin"]


@pytest.mark.parametrize(
    ("changes", "origin", "line"),
    [
        ({}, STRANGER, "403 Forbidden"),
        ({"preflight_status": 200}, APP, "200 OK"),
    ],
)
def test_other_preflights_have_an_empty_body(changes, origin, line):
    started = []
    app = validator(governed(unreachable, **changes))
    asked = environ("OPTIONS", {**ASKED, "HTTP_ORIGIN": origin})
    body = app(asked, lambda *arguments: started.append(arguments))
    # One piece: hypercorn answers nothing to an iterable without any.
    assert list(body) == [b""]
    body.close() if hasattr(body, "close") else None
    status, headers = started[0]
    assert status == line
    assert ("content-length", "0") in headers
    assert ("content-type", "text/plain") in headers


def test_the_applications_list_stays_as_it_is():
    headers = [("Content-Type", "text/plain")]

    def app(environ, start_response):
        start_response("200 OK", headers)
        return [b""]

    for _ in range(2):
        ask(governed(app), headers={"HTTP_ORIGIN": APP})
    assert headers == [("Content-Type", "text/plain")]


def test_write_is_the_servers():
    def app(environ, start_response):
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"written ")
        return [b"returned"]

    answer = ask(governed(validator(app)), headers={"HTTP_ORIGIN": APP})
    assert answer.cors == ACTUAL
    assert answer.body == b"written returned"


def test_a_generator_that_starts_late_keeps_its_close():
    closed = []

    def app(environ, start_response):
        try:
            start_response("200 OK", [("Content-Type", "text/plain")])
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    app = governed(app)
    answer = ask(app, headers={"HTTP_ORIGIN": APP})
    assert answer.cors == ACTUAL
    assert answer.body == b"ab"
    iterable = app(environ(), lambda *_: lambda _: None)
    next(iterable)
    iterable.close()
    assert closed == [True, True]


def test_the_iterable_is_the_applications_own():
    class File(list):
        """What a server sends with sendfile knows it by its class."""

    body = File([b"x"])

    def app(environ, start_response):
        start_response("200 OK", [])
        return body

    assert governed(app)(environ(), lambda *_: None) is body


PLAIN = [("Content-Type", "text/plain")]


def changes_its_mind(start_response):
    start_response("200 OK", [*PLAIN, ("X-First", "1")])
    try:
        raise LookupError("late")
    except LookupError:
        start_response(
            "500 Internal Server Error",
            [*PLAIN, ("Vary", "cookie")],
            sys.exc_info(),
        )


def before_it_returns(environ, start_response):
    changes_its_mind(start_response)
    return [b"sorry"]


def in_its_generator(environ, start_response):
    changes_its_mind(start_response)
    yield b"sorry"


def in_a_generator_after_the_start(environ, start_response):
    start_response("200 OK", [*PLAIN, ("X-First", "1")])

    def body():
        try:
            raise LookupError("late")
        except LookupError:
            status = "500 Internal Server Error"
            headers = [*PLAIN, ("Vary", "cookie")]
            start_response(status, headers, sys.exc_info())
        yield b"sorry"

    return body()


@pytest.mark.parametrize("doubles", [False, True])
@pytest.mark.parametrize(
    "app",
    [before_it_returns, in_its_generator, in_a_generator_after_the_start],
)
def test_exc_info_replaces_the_headers(app, doubles):
    answer = ask(
        governed(app),
        headers={"HTTP_ORIGIN": APP},
        doubles=doubles,
    )
    assert answer.status == 500
    assert answer.cors == ACTUAL
    assert answer.vary == ["cookie", "origin"]
    assert answer.all("x-first") == []
    assert answer.body == b"sorry"


def test_exc_info_is_raised_when_the_body_has_begun():
    def wrote(environ, start_response):
        write = start_response("200 OK", PLAIN)
        write(b"some")
        changes_its_mind_again(start_response)
        return [b""]

    def yielded(environ, start_response):
        start_response("200 OK", PLAIN)
        yield b"some"
        changes_its_mind_again(start_response)

    def changes_its_mind_again(start_response):
        try:
            raise LookupError("too late")
        except LookupError:
            start_response("500 Sorry", PLAIN, sys.exc_info())

    for app in (wrote, yielded):
        with pytest.raises(LookupError, match="too late"):
            ask(governed(app), validated=False)


def test_a_second_start_without_exc_info_is_the_servers_to_judge():
    def app(environ, start_response):
        start_response("200 OK", PLAIN)
        start_response("201 Created", PLAIN)
        return [b"x"]

    with pytest.raises(AssertionError, match="started twice"):
        ask(governed(app), validated=False)


def test_an_application_that_never_starts_is_the_servers_to_judge():
    def app(environ, start_response):
        return [b"x"]

    started = []
    body = governed(app)(environ(), lambda *_: started.append(_))
    assert list(body) == [b"x"]
    assert started == []


def test_a_body_without_pieces_is_started():
    def app(environ, start_response):
        start_response("204 No Content", [])
        yield from ()

    answer = ask(governed(app), headers={"HTTP_ORIGIN": APP})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.cors == ACTUAL
