"""The applications behind uvicorn and gunicorn; `POLICIES` files are beside
this file, what reached an application is written to reached.log, and the
decisions to decisions.log."""

import glob

import libcors.asgi
import libcors.wsgi

from facts import BODIES, OWN, STATUSES

LOG = open("reached.log", "a", buffering=1)  # noqa: SIM115
DECISIONS = open("decisions.log", "a", buffering=1)  # noqa: SIM115
COUNT = len(glob.glob("*.json"))


def respond(method, path):
    print(method, path, file=LOG)
    last = "/" + path.rsplit("/", 1)[-1]
    status = STATUSES.get(last, 404)
    body = BODIES.get(last, b"")
    headers = [("Content-Length", str(len(body)))]
    headers += list(OWN.items()) if last == "/items" else []
    return status, headers, b"" if method == "HEAD" else body


async def asgi_application(scope, receive, send):
    if scope["type"] == "websocket":
        respond("GET", scope["path"])
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": message["text"]})
        await receive()
        return
    status, headers, body = respond(scope["method"], scope["path"])
    await send({
        "type": "http.response.start", "status": status,
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers],
    })
    await send({"type": "http.response.body", "body": body})


def wsgi_application(environ, start_response):
    status, headers, body = respond(
        environ["REQUEST_METHOD"], environ["PATH_INFO"]
    )
    start_response(f"{status} Status", headers)
    return [body]


ASGI = [
    libcors.asgi.CORSMiddleware(asgi_application, f"{number}.json")
    for number in range(COUNT)
]
WSGI = [
    libcors.wsgi.CORSMiddleware(wsgi_application, f"{number}.json")
    for number in range(COUNT)
]


def number(path):
    return int(path.split("/")[1])


def log(decision):
    print(decision.verdict, decision.reason, file=DECISIONS)


async def asgi(scope, receive, send):
    if scope["type"] != "lifespan":
        await ASGI[number(scope["path"])](scope, receive, send)
        if scope["type"] == "http":
            log(scope["libcors"])


def wsgi(environ, start_response):
    body = WSGI[number(environ["PATH_INFO"])](environ, start_response)
    log(environ["libcors.decision"])
    return body
