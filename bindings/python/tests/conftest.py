# SPDX-License-Identifier: MIT OR Apache-2.0
"""The two middlewares, each driven in two ways."""

import pytest
import test_asgi
import test_wsgi
from servers import APP

from libcors.asgi import CORSMiddleware as ASGIMiddleware
from libcors.wsgi import CORSMiddleware as WSGIMiddleware

#: A preflight.
ASKED = {
    "Origin": APP,
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization,content-type",
}


class ASGI:
    """Called as it is."""

    middleware = ASGIMiddleware
    #: Where the decision is in a request.
    decision = "libcors"
    unreachable = staticmethod(test_asgi.unreachable)

    @staticmethod
    def says(headers=(), status=200):
        return test_asgi.says(
            [(name.encode(), value.encode()) for name, value in headers],
            status,
        )

    @staticmethod
    def fails(error):
        async def app(scope, receive, send):
            raise error

        return app

    @staticmethod
    def recording(app, requests):
        async def recording(scope, receive, send):
            requests.append(scope)
            await app(scope, receive, send)

        return recording

    @staticmethod
    def ask(app, method="GET", headers=None, path="/"):
        lines = [
            (name.lower(), line)
            for name, value in (headers or {}).items()
            for line in ([value] if isinstance(value, str) else value)
        ]
        return test_asgi.ask(app, method, lines, path=path)


class ASGIRef(ASGI):
    """Called by asgiref, as Django's server does."""


class WSGI:
    """Called as it is."""

    middleware = WSGIMiddleware
    decision = "libcors.decision"
    unreachable = staticmethod(test_wsgi.unreachable)

    @staticmethod
    def says(headers=(), status=200):
        return test_wsgi.says(headers, f"{status} Words")

    @staticmethod
    def fails(error):
        def app(environ, start_response):
            raise error

        return app

    @staticmethod
    def recording(app, requests):
        def recording(environ, start_response):
            requests.append(environ)
            return app(environ, start_response)

        return recording

    @staticmethod
    def ask(app, method="GET", headers=None, path="/"):
        environ = {
            # Servers join the lines of one header with commas.
            "HTTP_" + name.upper().replace("-", "_"): (
                value if isinstance(value, str) else ",".join(value)
            )
            for name, value in (headers or {}).items()
        }
        environ.update(SCRIPT_NAME="", PATH_INFO=path)
        return test_wsgi.ask(app, method, environ)


class WSGIValidated(WSGI):
    """With wsgiref.validate on both sides."""


@pytest.fixture(params=[ASGI, ASGIRef, WSGI, WSGIValidated])
def kind(request, monkeypatch):
    if request.param is ASGIRef:
        monkeypatch.setattr(test_asgi, "sent", test_asgi.sent_by_asgiref)
    if request.param is WSGI:
        monkeypatch.setattr(test_wsgi, "validator", lambda app: app)
    return request.param
