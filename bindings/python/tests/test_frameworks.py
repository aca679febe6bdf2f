# SPDX-License-Identifier: MIT OR Apache-2.0
"""Applications as people write them, with FastAPI, Starlette, Flask and
Django: what their frameworks do to a response on its way."""

import asyncio
import contextlib

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from flask import Flask, Response, session
from servers import ACTUAL, API, APP, PREFLIGHT, STRANGER, Answer
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import (
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient

import libcors.asgi
import libcors.wsgi

ASKED = {
    "Origin": APP,
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization,content-type",
}


def governed(app):
    return libcors.asgi.CORSMiddleware(app, policy=API)


def ask(app, method="GET", path="/", headers=None):
    """An answer as a server would send it. An exception that the framework
    raises again for the server's log, after its 500, is no matter here."""
    client = TestClient(
        app, raise_server_exceptions=False, follow_redirects=False
    )
    answer = client.request(method, path, headers=headers or {"Origin": APP})
    return Answer(
        answer.status_code, answer.headers.multi_items(), answer.content
    )


class Fault(Exception):
    pass


def fastapi():
    app = FastAPI()

    @app.get("/items/{number}")
    async def item(number: int):
        if number == 0:
            raise HTTPException(418, headers={"X-Why": "tea"})
        if number == 1:
            raise Fault("handled")
        if number == 2:
            raise LookupError("not handled")
        return {"number": number}

    @app.exception_handler(Fault)
    async def handle(request, fault):
        return JSONResponse({"fault": str(fault)}, status_code=409)

    return app


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/items/7", 200),
        ("/items/seven", 422),
        ("/items/0", 418),
        ("/items/1", 409),
        ("/items/2", 500),
        ("/nothing", 404),
        ("/items/7/", 307),
        ("/docs", 200),
    ],
)
def test_every_answer_of_fastapi_has_the_headers(path, status):
    answer = ask(governed(fastapi()), path=path)
    assert answer.status == status
    assert answer.cors == ACTUAL
    assert answer.vary == ["origin"]
    answer = ask(governed(fastapi()), path=path, headers={"Origin": STRANGER})
    assert answer.cors == {}
    assert answer.vary == ["origin"]


def test_the_users_handler_of_everything_keeps_its_answer():
    app = fastapi()

    @app.exception_handler(Exception)
    async def handle(request, exception):
        return JSONResponse({"sorry": str(exception)}, status_code=503)

    answer = ask(governed(app), path="/items/2")
    assert answer.status == 503
    assert b"not handled" in answer.body
    assert answer.cors == ACTUAL


def test_as_an_added_middleware_it_misses_the_500_alone():
    app = fastapi()
    app.add_middleware(libcors.asgi.CORSMiddleware, policy=API)
    for path in ("/items/7", "/items/seven", "/items/0", "/items/1", "/no"):
        assert ask(app, path=path).cors == ACTUAL
    assert ask(app, "OPTIONS", headers=ASKED).cors == PREFLIGHT
    answer = ask(app, path="/items/2")
    assert (answer.status, answer.cors) == (500, {})


def test_a_preflight_comes_before_authentication():
    class Locked:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            await PlainTextResponse("no", 401)(scope, receive, send)

    app = governed(Starlette(middleware=[Middleware(Locked)]))
    assert ask(app, "OPTIONS", headers=ASKED).cors == PREFLIGHT
    answer = ask(app)
    assert answer.status == 401
    assert answer.cors == ACTUAL


def starlette(**options):
    done = []

    async def hello(request):
        return PlainTextResponse("hello " * 1000)

    async def redirect(request):
        return RedirectResponse("/elsewhere")

    async def unchanged(request):
        return PlainTextResponse(None, 304, headers={"ETag": '"7"'})

    async def stream(request):
        async def pieces():
            for number in range(3):
                await asyncio.sleep(0)
                yield f"{number}\n"

        task = BackgroundTask(done.append, "background")
        return StreamingResponse(pieces(), background=task)

    async def own(request):
        return PlainTextResponse(
            "own",
            headers={
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Max-Age": "1",
                "Vary": "Accept, Origin",
            },
        )

    async def socket(websocket):
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    async def lifespan(app):
        done.append("startup")
        yield {"pool": 7}
        done.append("shutdown")

    routes = [
        Route("/", hello),
        Route("/redirect", redirect),
        Route("/unchanged", unchanged),
        Route("/stream", stream),
        Route("/own", own),
        WebSocketRoute("/socket", socket),
    ]
    app = Starlette(
        routes=[*routes, Mount("/mounted", routes=routes)], **options
    )
    app.router.lifespan_context = contextlib.asynccontextmanager(lifespan)
    return app, done


@pytest.mark.parametrize("prefix", ["", "/mounted"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/redirect", 307), ("/unchanged", 304), ("/own", 200)],
)
def test_every_answer_of_starlette_has_the_headers(prefix, path, status):
    app, _ = starlette()
    answer = ask(governed(app), path=prefix + path)
    assert answer.status == status
    assert answer.cors == ACTUAL
    vary = ["Accept, Origin"] if path == "/own" else ["origin"]
    assert answer.vary == vary


def test_a_stream_and_its_background_task_end():
    app, done = starlette()
    answer = ask(governed(app), path="/stream")
    assert answer.body == b"0\n1\n2\n"
    assert answer.cors == ACTUAL
    assert done == ["background"]


def test_head_is_get_without_a_body():
    app, _ = starlette()
    answer = ask(governed(app), "HEAD")
    assert answer.body == b""
    assert answer.all("content-length") == ["6000"]
    assert answer.cors == ACTUAL


@pytest.mark.parametrize("added", [True, False])
def test_gzip_outside_and_inside(added):
    options = {"middleware": [Middleware(GZipMiddleware)]} if added else {}
    app, _ = starlette(**options)
    app = governed(app) if added else GZipMiddleware(governed(app))
    headers = {"Origin": APP, "Accept-Encoding": "gzip"}
    answer = ask(app, headers=headers)
    assert answer.all("content-encoding") == ["gzip"]
    assert answer.cors == ACTUAL
    vary = ", ".join(answer.vary).lower().split(", ")
    assert sorted(vary) == ["accept-encoding", "origin"]


def test_websockets_and_lifespan_work():
    app, done = starlette()
    headers = {"Origin": STRANGER}
    with TestClient(governed(app)) as client:
        with client.websocket_connect("/socket", headers=headers) as socket:
            assert socket.receive_text() == "hello"
        assert done == ["startup"]
    assert done == ["startup", "shutdown"]


def test_a_mounted_application_can_have_a_policy_of_its_own():
    inner, _ = starlette()
    app = Starlette(routes=[Mount("/api", app=governed(inner))])
    assert ask(app, path="/api/").cors == ACTUAL
    assert ask(app, "OPTIONS", "/api/", headers=ASKED).cors == PREFLIGHT
    assert ask(app, path="/else").cors == {}


def flask():
    app = Flask(__name__)
    app.secret_key = "secret"

    @app.route("/items/<int:number>", methods=["GET", "PUT", "OPTIONS"])
    def item(number):
        if number == 1:
            raise Fault("handled")
        if number == 2:
            raise LookupError("not handled")
        return {"number": number}

    @app.errorhandler(Fault)
    def handle(fault):
        return {"fault": str(fault)}, 409

    @app.get("/session")
    def visit():
        session["visits"] = 1
        return "visited"

    @app.get("/stream")
    def stream():
        return Response(f"{number}\n" for number in range(3))

    @app.get("/own")
    def own():
        return "own", {"Access-Control-Allow-Origin": "*", "Vary": "*"}

    @app.get("/stops")
    def stops():
        def pieces():
            yield "first"
            raise LookupError("while streaming")

        return Response(pieces())

    app.wsgi_app = libcors.wsgi.CORSMiddleware(app.wsgi_app, policy=API)
    return app


@pytest.mark.parametrize(
    ("path", "status", "vary"),
    [
        ("/items/7", 200, ["origin"]),
        ("/items/1", 409, ["origin"]),
        ("/items/2", 500, ["origin"]),
        ("/items/x", 404, ["origin"]),
        ("/session", 200, ["Cookie", "origin"]),
        ("/stream", 200, ["origin"]),
        ("/own", 200, ["*"]),
    ],
)
def test_every_answer_of_flask_has_the_headers(path, status, vary):
    client = flask().test_client()
    answer = client.get(path, headers={"Origin": APP})
    answer = Answer(answer.status_code, list(answer.headers), answer.data)
    assert answer.status == status
    assert answer.cors == ACTUAL
    assert answer.vary == vary
    if path == "/stream":
        assert answer.body == b"0\n1\n2\n"


def test_flask_does_not_see_preflights_but_other_options():
    client = flask().test_client()
    answer = client.options("/items/2", headers=ASKED)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    answer = client.options("/items/7", headers={"Origin": APP})
    assert answer.json == {"number": 7}


def test_an_exception_in_a_stream_reaches_the_server():
    client = flask().test_client()
    answer = client.get("/stops", headers={"Origin": APP})
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    with pytest.raises(LookupError, match="while streaming"):
        answer.get_data()
