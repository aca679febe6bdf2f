# SPDX-License-Identifier: MIT OR Apache-2.0
"""The README's table of frameworks: each line, put at the end of a program of
that framework, does in a real server what the table says."""

import re
from pathlib import Path

import pytest
from servers import APP, STRANGER, gunicorn, hypercorn, uvicorn

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")

#: Applications in which /fails raises what nobody handles.
PROGRAMS = {
    "FastAPI": """
from fastapi import FastAPI
app = FastAPI()

@app.get("/")
def hello():
    return "hello"

@app.get("/fails")
def fails():
    1 / 0
""",
    "Starlette": """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def hello(request):
    return PlainTextResponse("hello")

async def fails(request):
    1 / 0

app = Starlette(routes=[Route("/", hello), Route("/fails", fails)])
""",
    "Litestar": """
from litestar import Litestar, get

@get("/", sync_to_thread=False)
def hello() -> str:
    return "hello"

@get("/fails", sync_to_thread=False)
def fails() -> None:
    1 / 0

app = Litestar([hello, fails])
""",
    "Quart": """
from quart import Quart
app = Quart(__name__)

@app.get("/")
async def hello():
    return "hello"

@app.get("/fails")
async def fails():
    1 / 0
""",
    "Sanic": """
from sanic import Sanic, text
app = Sanic("program")

@app.get("/")
async def hello(request):
    return text("hello")

@app.get("/fails")
async def fails(request):
    1 / 0
""",
    "Falcon, ASGI": """
import falcon.asgi

class Hello:
    async def on_get(self, request, response):
        response.text = "hello"

class Fails:
    async def on_get(self, request, response):
        1 / 0

app = falcon.asgi.App()
app.add_route("/", Hello())
app.add_route("/fails", Fails())
""",
    "Falcon, WSGI": """
import falcon

class Hello:
    def on_get(self, request, response):
        response.text = "hello"

class Fails:
    def on_get(self, request, response):
        1 / 0

app = falcon.App()
app.add_route("/", Hello())
app.add_route("/fails", Fails())
""",
    "Flask": """
from flask import Flask
app = Flask(__name__)

@app.get("/")
def hello():
    return "hello"

@app.get("/fails")
def fails():
    1 / 0
""",
    "Pyramid": """
from pyramid.config import Configurator
from pyramid.response import Response

config = Configurator()
config.add_route("hello", "/")
config.add_route("fails", "/fails")
config.add_view(lambda request: Response("hello"), route_name="hello")
config.add_view(lambda request: 1 / 0, route_name="fails")
""",
}
DJANGO = """
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="secret"
)
urlpatterns = [
    path("", lambda request: HttpResponse("hello")),
    path("fails", lambda request: 1 / 0),
]
"""
PROGRAMS["Django, ASGI"] = (
    DJANGO + "from django.core.asgi import get_asgi_application\n"
)
PROGRAMS["Django, WSGI"] = (
    DJANGO + "from django.core.wsgi import get_wsgi_application\n"
)
WSGI = {"Django, WSGI", "Falcon, WSGI", "Flask", "Pyramid"}

#: What the table says of an exception.
HEADERS = {"with the headers": True, "without them": False}


def rows():
    return list(each_row())


def each_row():
    table = re.search(
        r"^\| framework \|.*?\n\|[-|]+\n(.*?)\n\n", README, re.M | re.S
    )
    for line in table[1].splitlines():
        framework, code, said = [each.strip() for each in line.split("|")][1:4]
        yield pytest.param(
            framework.split(", added")[0],
            [each.strip("`") for each in code.split("<br>")],
            HEADERS[said],
            id=framework,
        )


def program(folder, framework, lines):
    kind = "wsgi" if framework in WSGI else "asgi"
    (folder / "cors.json").write_text('{"allow_origins": ["%s"]}' % APP)  # noqa: UP031
    (folder / "program.py").write_text(
        "from libcors import Policy\n"
        f"from libcors.{kind} import CORSMiddleware\n"
        'policy = Policy.from_file("cors.json")\n'
        f"{PROGRAMS[framework]}\n" + "\n".join(lines) + "\n"
    )
    # "app" in "app = ...", "app.wsgi_app = ..." and "app.add_middleware(...".
    return re.match(r"\w+", lines[-1])[0]


def servers(framework):
    return (gunicorn,) if framework in WSGI else (uvicorn, hypercorn)


@pytest.mark.parametrize(("framework", "lines", "with_headers"), rows())
def test_the_table_says_what_happens(tmp_path, framework, lines, with_headers):
    app = program(tmp_path, framework, lines)
    for server in servers(framework):
        with server(f"program:{app}", tmp_path) as site:
            for path, status in (("/", 200), ("/nothing", 404)):
                answer = site.get(path, Origin=APP)
                assert answer.status == status
                assert answer.cors == {"allow-origin": APP}
                answer = site.get(path, Origin=STRANGER)
                assert answer.cors == {}
                assert "origin" in ", ".join(answer.vary)
            preflight = site.preflight("/", "GET")
            assert preflight.status == 204
            assert preflight.cors["allow-origin"] == APP
            answer = site.get("/fails", Origin=APP)
            assert answer.status == 500
            expected = {"allow-origin": APP} if with_headers else {}
            assert answer.cors == expected


def test_the_table_has_every_framework():
    assert {row.values[0] for row in rows()} == PROGRAMS.keys()
