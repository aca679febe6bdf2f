"""The application: without a policy, behind nginx and Apache, and with the ASGI
middleware.

    python application.py DIRECTORY

DIRECTORY/ports.json says where each listens. What reached the application is
written to application.log, with JSON instead of the status if the body is JSON,
and what came to the middleware to python.log, in the format of servers.mjs.
"""

import asyncio
import contextlib
import json
import pathlib
import sys

import uvicorn
from libcors.asgi import CORSMiddleware

HERE = pathlib.Path(__file__).resolve().parent
DIRECTORY = pathlib.Path(sys.argv[1])


class Log:
    def __init__(self, name):
        self.file = (DIRECTORY / f"{name}.log").open("a", buffering=1)

    def write(self, scope, last="-"):
        headers = {name.decode(): value.decode()
                   for name, value in scope["headers"]}
        print(
            scope.get("method", "GET"), scope["path"],
            *(headers.get(name, "-")
              for name in ("origin", "sec-fetch-site", "upgrade")),
            last, file=self.file,
        )


REACHED = Log("application")
CAME = Log("python")

#: The site's own pages are those of other sites.
FILES = {
    "/page": ("page.html", b"text/html"),
    "/sender.js": ("sender.js", b"text/javascript"),
}


async def content(receive):
    """Whether the body is JSON, whatever its Content-Type."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    try:
        return "JSON" if json.loads(body) else "-"
    except ValueError:
        return "-"


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        REACHED.write(scope)
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        return
    name, content_type = FILES.get(scope["path"], (None, b"text/plain"))
    if name:
        body = (HERE / name).read_bytes()
    else:
        REACHED.write(scope, await content(receive))
        body = b"done"
    await send({
        "type": "http.response.start", "status": 200,
        "headers": [(b"content-type", content_type),
                    (b"cache-control", b"no-store")],
    })
    await send({"type": "http.response.body", "body": body})


#: The policy is chosen by the path.
GUARDED = {
    place: CORSMiddleware(application, DIRECTORY / f"{place}.json")
    for place in ("guarded", "open", "listed")
} | {"callback": application}


async def guarded(scope, receive, send):
    place = scope["path"].split("/")[1]
    await GUARDED.get(place, GUARDED["guarded"])(scope, receive, send)


async def logged(scope, receive, send):
    """Logs what comes to the middleware, as nginx and Apache do."""
    status = "-"

    async def sends(message):
        nonlocal status
        if message["type"].endswith("response.start"):
            status = message["status"]
        if message["type"] == "websocket.accept":
            status = 101
        await send(message)

    await guarded(scope, receive, sends)
    CAME.write(scope, status)


class Server(uvicorn.Server):
    """One of several, so that a signal is for the process."""

    capture_signals = contextlib.nullcontext


async def main():
    ports = json.loads((DIRECTORY / "ports.json").read_text())
    servers = []
    for host, port, app, tls in ports:
        files = {
            "ssl_keyfile": DIRECTORY / "key.pem",
            "ssl_certfile": DIRECTORY / "certificate.pem",
        } if tls else {}
        app = {"plain": application, "guarded": logged}[app]
        servers.append(Server(uvicorn.Config(
            app, host=host, port=port, lifespan="off", log_level="warning",
            # Apache keeps its connections, and might use one that just ends.
            timeout_keep_alive=600, **files,
        )))
    await asyncio.gather(*(server.serve() for server in servers))


asyncio.run(main())
