# SPDX-License-Identifier: MIT OR Apache-2.0
"""The policies of the vectors, each in front of two applications: a silent
one, and one that sends CORS headers of its own. `/7/silent` is the seventh
policy's; `/reached` tells which cases have reached an application."""

import json
import warnings
from pathlib import Path

import libcors.asgi
import libcors.wsgi

VECTORS = Path(__file__).resolve().parents[3] / "vectors"

#: What the second application says of CORS. None of it may come through, and
#: its Vary is completed, not repeated.
OWN = [
    ("Access-Control-Allow-Origin", "https://evil.example"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Allow-Private-Network", "true"),
    ("access-control-expose-headers", "*"),
    ("Vary", "Accept-Encoding, Origin"),
]

BODY = b"application\n"


def groups():
    for path in sorted(VECTORS.glob("*.json")):
        yield from json.loads(path.read_text()).get("groups", [])


#: The texts of the policies, each only once.
POLICIES = list(
    dict.fromkeys(json.dumps(group["policy"]) for group in groups())
)

reached = []


def answer(path, name):
    """The headers and the body for a request that has come so far."""
    if path == "/reached":
        return [], json.dumps(reached).encode()
    reached.append(name)
    return OWN if path.endswith("/loud") else [], BODY


async def asgi_app(scope, receive, send):
    name = dict(scope["headers"]).get(b"x-case", b"").decode()
    headers, body = answer(scope["path"], name)
    lines = [(k.lower().encode(), v.encode()) for k, v in headers]
    lines.append((b"content-length", b"%d" % len(body)))
    await send(
        {"type": "http.response.start", "status": 200, "headers": lines}
    )
    await send({"type": "http.response.body", "body": body})


def wsgi_app(environ, start_response):
    headers, body = answer(environ["PATH_INFO"], environ.get("HTTP_X_CASE"))
    length = ("Content-Length", str(len(body)))
    start_response("200 OK", [*headers, length])
    # Not every gunicorn leaves it out.
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def governed(app, middleware):
    return {
        str(number): middleware(app, policy=json.loads(text))
        for number, text in enumerate(POLICIES)
    }


with warnings.catch_warnings():
    # Some of the policies are doubtful; that is what they are about.
    warnings.simplefilter("ignore", libcors.PolicyWarning)
    asgi_apps = governed(asgi_app, libcors.asgi.CORSMiddleware)
    wsgi_apps = governed(wsgi_app, libcors.wsgi.CORSMiddleware)


async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    app = asgi_apps.get(scope["path"].split("/")[1], asgi_app)
    await app(scope, receive, send)


def wsgi(environ, start_response):
    app = wsgi_apps.get(environ["PATH_INFO"].split("/")[1], wsgi_app)
    return app(environ, start_response)
