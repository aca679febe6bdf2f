# SPDX-License-Identifier: MIT OR Apache-2.0
"""The CSRF protection of frameworks behind a policy with `block`: it decides
on everything that is not blocked as it does alone."""

import contextlib
import urllib.parse

import pytest
from servers import APP, STRANGER, Answer, gunicorn, uvicorn

PROGRAM = f"""
import asgi_csrf
import django
import libcors.asgi
import libcors.wsgi
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import path
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

POLICY = {{
    "allow_origins": [{APP!r}],
    "allow_credentials": True,
    "block": ["unsafe_methods", "websockets"],
}}


def view(request):
    if request.method == "POST":
        return HttpResponse("changed")
    return HttpResponse(get_token(request))


urlpatterns = [path("", view)]
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="secret",
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
    CSRF_TRUSTED_ORIGINS=[{APP!r}],
    LOGGING_CONFIG=None,
)
django.setup()


async def endpoint(request):
    if request.method == "POST":
        return PlainTextResponse("changed")
    return PlainTextResponse(request.scope["csrftoken"]())


routes = [Route("/", endpoint, methods=["GET", "POST"])]
starlette_alone = asgi_csrf.asgi_csrf(
    Starlette(routes=routes), signing_secret="secret", always_protect=["/"]
)
starlette = libcors.asgi.CORSMiddleware(starlette_alone, POLICY)
django_asgi_alone = get_asgi_application()
django_asgi = libcors.asgi.CORSMiddleware(django_asgi_alone, POLICY)
django_wsgi_alone = get_wsgi_application()
django_wsgi = libcors.wsgi.CORSMiddleware(django_wsgi_alone, POLICY)
"""


@contextlib.contextmanager
def serve(name, folder, program=PROGRAM):
    folder.mkdir()
    (folder / "program.py").write_text(program)
    server = gunicorn if "wsgi" in name else uvicorn
    with server(f"program:{name}", folder) as site:
        yield site


def send(site, method, body=b"", **headers):
    with contextlib.closing(site.connection()) as connection:
        connection.request(method, "/", body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("django_wsgi", "csrfmiddlewaretoken"),
        ("django_asgi", "csrfmiddlewaretoken"),
        ("starlette", "csrftoken"),
    ],
)
def test_it_decides_on_what_is_not_blocked(name, field, tmp_path):
    one, two = tmp_path / "with", tmp_path / "alone"
    with serve(name, one) as site, serve(f"{name}_alone", two) as alone:
        answers = {}
        for origin in (None, "own", APP, STRANGER, "null"):
            for has_token in (True, False):
                answers[origin, has_token] = [
                    post(each, field, origin, has_token)
                    for each in (site, alone)
                ]
    for (origin, _), (answer, expected) in answers.items():
        if origin in (STRANGER, "null"):
            assert answer.status == 403
            assert answer.body.startswith(b"This request was blocked")
        else:
            assert answer.status == expected.status
            assert answer.body == expected.body
    # Both of them decide: a page of the site needs the token, and so does one
    # that the policy lists.
    for origin in (None, "own", APP):
        assert answers[origin, True][0].body == b"changed"
        assert answers[origin, False][0].status == 403


def test_django_has_to_trust_an_allowed_origin_too(tmp_path):
    program = PROGRAM.replace(f"    CSRF_TRUSTED_ORIGINS=[{APP!r}],\n", "")
    assert program != PROGRAM
    with serve("django_wsgi", tmp_path / "site", program) as site:
        answer = post(site, "csrfmiddlewaretoken", APP, True)
        assert answer.status == 403
        assert b"CSRF verification failed" in answer.body


def post(site, field, origin, has_token):
    form = send(site, "GET")
    cookie = form.all("set-cookie")[0].split(";")[0]
    headers = {
        "Cookie": cookie,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    if origin:
        headers["Origin"] = origin
    if origin == "own":
        headers["Origin"] = f"http://127.0.0.1:{site.port}"
    values = {field: form.body.decode()} if has_token else {"a": "b"}
    body = urllib.parse.urlencode(values)
    return send(site, "POST", body, **headers)
