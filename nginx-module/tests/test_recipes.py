"""What README.md of the module advises, as it is printed there. test_readme.py
has its first example."""

import re
import socket
import ssl
import subprocess
import textwrap
from pathlib import Path

import pytest

from conftest import (
    API, APP, STRANGER, assert_blocked, open_websocket, wait_until,
)

MANUAL = Path(__file__).parents[1] / "README.md"
BLOCKING_MD = MANUAL.parents[1] / "BLOCKING.md"
PREVIEW = "https://a.preview.example.com"

#: What each fenced block after the first is recognized by.
CANDIDATE = "log_format candidate"
CACHE = "proxy_ignore_headers Vary;"
KEY = "proxy_cache_key"
BLOCKING = "cors_policy site.json;"
RUN_HERE = [CANDIDATE, CACHE, KEY, BLOCKING]
#: By test_readme.py.
RUN_THERE = ["if ($cors_verdict = refused)"]


def blocks(document=MANUAL, language="nginx"):
    text = document.read_text(encoding="utf-8")
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.M | re.S)
    return [textwrap.dedent(each) for each in found]


def recipe(mark):
    [found] = [each for each in blocks()[1:] if mark in each]
    return found


def test_every_block_is_run_by_a_test():
    for block in blocks()[1:]:
        marks = RUN_HERE + RUN_THERE
        assert [mark for mark in marks if mark in block], block


def test_the_log_of_a_candidate(serve):
    site = serve(
        """
        cors_policy api.json;
        cors_report_only next.json;
        access_log %FOLDER%/own candidate;
        location / { return 200; }
        """,
        {"api.json": API,
         "next.json": {"allow_origins": [APP, STRANGER]}},
        http=recipe(CANDIDATE),
    )
    site.get("/", origin=STRANGER)
    site.preflight("/", "PUT")
    site.stop()
    assert (site.folder / "own").read_text().splitlines() == [
        f"{STRANGER} refused allowed none -",
        f"{APP} preflight_allowed preflight_refused method_not_allowed PUT",
    ]


# --- proxy_cache in front of an application that sends Vary: Origin

def cached(serve, backend, location, vary="Origin"):
    """A server, and a function that asks it: the state of nginx's cache and
    what the answer permits."""
    # The application permits one origin, as if it had been asked from there.
    backend.answers["/api/x"] = (200, [
        ("Cache-Control", "max-age=60"),
        ("Access-Control-Allow-Origin", STRANGER),
        ("Vary", vary),
    ])
    location = location.replace("127.0.0.1:3000", "%BACKEND%")
    location = location.replace("cors.json", "api.json")
    site = serve(
        f"add_header X-Cache $upstream_cache_status; {location}",
        http="proxy_cache_path %FOLDER%/cache keys_zone=api:1m;",
    )

    def ask(origin=None, **headers):
        if origin:
            headers["origin"] = origin
        answer = site.get("/api/x", **headers)
        assert answer.status == 200
        assert answer.body == "application\n"
        assert "origin" in answer.varies_by
        allowed = answer.cors.get("allow-origin")
        assert allowed == (origin if origin in (APP, PREVIEW) else None)
        return answer.all("x-cache")[0]

    return ask


def test_origins_share_a_cached_response(serve, backend):
    ask = cached(serve, backend, recipe(CACHE))
    assert [
        ask(APP), ask(PREVIEW), ask(STRANGER), ask(), ask(APP)
    ] == ["MISS", "HIT", "HIT", "HIT", "HIT"]
    assert backend.hits == ["GET /api/x"]


def test_whoever_asks_first_leaves_nothing_behind_for_others(serve, backend):
    ask = cached(serve, backend, recipe(CACHE))
    assert [ask(STRANGER), ask(APP), ask()] == ["MISS", "HIT", "HIT"]


def test_hiding_the_origin_does_not_make_them_share(serve, backend):
    """As the manual says: the copy is chosen by what the client sent."""
    location = recipe(CACHE).replace(CACHE, 'proxy_set_header Origin "";')
    ask = cached(serve, backend, location)
    assert [ask(APP), ask(PREVIEW), ask(APP)] == ["MISS", "MISS", "HIT"]
    assert backend.hits == ["GET /api/x"] * 2


def test_what_else_the_application_varies_by_belongs_into_the_key(
    serve, backend
):
    location = recipe(CACHE).replace(CACHE, CACHE + recipe(KEY))
    ask = cached(serve, backend, location, vary="Origin, Accept-Language")
    assert [
        ask(APP, accept_language="en"), ask(PREVIEW, accept_language="en"),
        ask(APP, accept_language="de"), ask(PREVIEW, accept_language="de"),
    ] == ["MISS", "HIT", "MISS", "HIT"]


# --- block

def test_what_the_manual_blocks(serve, backend):
    commands = re.findall(
        r"^\$ (curl .*-d x=1.*)\n([^$\n].*\n)", blocks(language="console")[1],
        re.M,
    )
    assert len(commands) == blocks(language="console")[1].count("$ ") == 4
    site = serve(
        recipe(BLOCKING).replace("127.0.0.1:3000", "%BACKEND%"),
        {"site.json": blocks(language="json")[1]},
    )
    for command, output in commands:
        command = command.replace("localhost", f"localhost:{site.port}")
        done = subprocess.run(command, shell=True, capture_output=True,
                              check=True, text=True)
        assert done.stdout == output
    assert backend.hits == ["POST /", "POST /login/callback"]
    for origin, answer in [(STRANGER, (403, None)), (APP, (101, "hi"))]:
        assert open_websocket(site.port, "/", {"Origin": origin}) == answer
    assert backend.hits[2:] == ["GET /"]


def test_what_the_document_on_blocking_advises(serve, backend):
    candidate, locations = blocks(BLOCKING_MD)
    [site_json] = blocks(BLOCKING_MD, "json site.json")
    log_format, server = re.fullmatch(
        r"(log_format .*?;\n)\s*server \{\n(.*)\}\n", candidate, re.S
    ).groups()
    attack = {"Origin": STRANGER, "Sec-Fetch-Site": "cross-site"}
    callback = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}

    # A candidate blocks nothing.
    site = serve(
        server.replace("listen 80;", "")
        .replace("/var/log/nginx/", "%FOLDER%/")
        .replace("127.0.0.1:3000", "%BACKEND%"),
        {"site.json": site_json}, http=log_format,
    )
    assert site.request("POST", "/items", attack).status == 200
    assert site.request("POST", "/items", {"Origin": APP}).status == 200
    assert backend.hits == ["POST /items"] * 2
    log = site.folder / "candidate.log"
    wait_until(lambda: log.read_text().count("\n") == 2, "the log")
    host = f"127.0.0.1:{site.port}"
    assert log.read_text() == (
        f'POST /items "{STRANGER}" "cross-site" "{host}" blocked'
        " origin_not_allowed\n"
        f'POST /items "{APP}" "-" "{host}" allowed none\n'
    )
    site.stop()
    backend.hits.clear()

    # In place of the old policy, it does.
    site = serve(locations.replace("127.0.0.1:3000", "%BACKEND%"),
                 {"site.json": site_json})
    assert_blocked(site.request("POST", "/items", attack))
    assert_blocked(site.request("POST", "/login", callback))
    assert backend.hits == []
    assert site.request("POST", "/items", {"Origin": APP}).status == 200
    assert site.request("POST", "/login/callback", callback).status == 200
    assert backend.hits == ["POST /items", "POST /login/callback"]


# --- Migrating from map, if and add_header

def test_lines_that_are_left_over_do_no_harm(serve, backend):
    """The table's left side, all of it, beside a policy."""
    text = MANUAL.read_text(encoding="utf-8")
    table = text.split("| before | now |")[1].split("\n\n")[0]
    old_map, pattern, *lines = re.findall(r"^\| `(.*?)` \|", table, re.M)
    headers = " ".join(
        f"{line.removesuffix(';')};".replace("…", "PATCH") for line in lines
        if line.startswith(("add_header ", "proxy_hide_header "))
    )
    [preflight] = [line for line in lines if line.startswith("if ")]
    assert headers.count(";") == len(lines) - 1
    add = re.sub(r"proxy_hide_header [^;]*;", "", headers)
    backend.answers["/"] = (200, [("Access-Control-Allow-Origin", "*")])
    site = serve(
        f"""
        cors_policy api.json;
        location / {{
            {headers}
            {preflight.replace("…", add)}
            proxy_pass http://%BACKEND%;
        }}
        """,
        http=old_map.replace("…", f"{pattern} $http_origin;"),
    )
    # The old pattern allows it, and the policy does not.
    other = "https://other.example.com"
    assert site.get("/", origin=APP).cors == {
        "allow-origin": APP,
        "allow-credentials": "true",
        "expose-headers": "x-request-id",
    }
    assert site.get("/", origin=other).cors == {}
    answer = site.preflight("/", "PUT")
    assert answer.status == 204
    assert answer.cors == {
        "allow-origin": APP,
        "allow-credentials": "true",
        "allow-methods": "GET,HEAD,POST,PUT,DELETE",
        "allow-headers": "authorization,content-type",
        "max-age": "600",
    }
    answer = site.preflight("/", "PUT", origin=other)
    assert answer.status == 403
    assert answer.cors == {}


# --- ssl_verify_client

@pytest.fixture
def certificate(tmp_path):
    """Of the server, of a client, and of whoever has signed both."""
    path = tmp_path / "pair.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-keyout", path, "-out", tmp_path / "one.pem"],
        check=True, capture_output=True,
    )
    path.write_text(path.read_text() + (tmp_path / "one.pem").read_text())
    return path


def over_tls(site, request, certificate=None):
    """The status of the answer to a request."""
    context = ssl._create_unverified_context()
    if certificate:
        context.load_cert_chain(certificate)
    with (
        socket.create_connection(("127.0.0.1", site.port), 10) as connection,
        context.wrap_socket(connection) as stream,
    ):
        stream.sendall(request.encode())
        return int(stream.recv(4096).split()[1])


@pytest.mark.parametrize("verify", ["optional", "on"])
def test_client_certificates_must_be_optional_for_preflights(
    nginx, serve, certificate, verify
):
    assert "`ssl_verify_client on`" in MANUAL.read_text(encoding="utf-8")
    nginx.port_options = " ssl"
    site = serve(f"""
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        ssl_client_certificate {certificate};
        ssl_verify_client {verify};
        cors_policy api.json;
        location / {{
            if ($ssl_client_verify != SUCCESS) {{ return 403; }}
            return 200;
        }}
    """)
    head = f"Host: localhost\r\nOrigin: {APP}\r\nConnection: close\r\n"
    preflight = (f"OPTIONS / HTTP/1.1\r\n{head}"
                 "Access-Control-Request-Method: PUT\r\n\r\n")
    get = f"GET / HTTP/1.1\r\n{head}\r\n"
    if verify == "optional":
        assert over_tls(site, preflight) == 204
        assert over_tls(site, get) == 403
    else:
        assert over_tls(site, preflight) == 400
    assert over_tls(site, get, certificate) == 200
