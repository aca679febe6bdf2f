"""Preflights that nginx answers by itself, before it comes to the policy.

The log does not claim that the policy answered them. Browsers reject every
status but 2xx.
"""

import re
import subprocess

import pytest

from conftest import API, APP, PREFLIGHT_VARY, STRANGER

OTHER = "https://other.example.com"

POLICIES = {
    "api.json": API,
    "other.json": {"allow_origins": [OTHER], "allow_methods": ["PUT"]},
}

#: Where nginx answers first, the path, the status, and whose headers it has.
PLACES = [
    ("location /api/ { cors_policy api.json; proxy_pass http://%BACKEND%; }",
     "/api", 301, "location"),
    ("location /api/ { cors_policy api.json; internal; }",
     "/api/", 404, "location"),
    ("return 403; location / { cors_policy api.json; }", "/", 403, "server"),
    ("return 301 https://elsewhere.example; location /"
     " { cors_policy api.json; }", "/", 301, "server"),
    ("if ($request_method = OPTIONS) { return 405; }"
     "location / { cors_policy api.json; }", "/", 405, "server"),
    ("rewrite ^ https://elsewhere.example permanent;"
     "location / { cors_policy api.json; }", "/", 301, "server"),
    ("return 200; location / { cors_policy api.json; }", "/", 200, "server"),
    ("return 204; location / { cors_policy api.json; }", "/", 204, "server"),
]


def told(site):
    return [
        re.split(" while |, client:", line.partition(" cors: ")[2])[0]
        for line in site.errors.splitlines() if " cors: " in line
    ]


def line(status):
    rejected = "" if status < 300 else ", which browsers reject,"
    return (f"the preflight got status {status}{rejected}"
            " before the policy could answer it")


@pytest.mark.parametrize(("server", "path", "status", "place"), PLACES)
def test_the_log_claims_no_answer_of_the_policy(
    serve, backend, server, path, status, place
):
    site = serve(f"cors_policy other.json; {server}", POLICIES)
    for origin, own in [(APP, "location"), (OTHER, "server")]:
        answer = site.preflight(path, origin=origin)
        assert answer.status == status
        assert ("allow-origin" in answer.cors) == (own == place)
        assert PREFLIGHT_VARY in answer.vary
    assert site.preflight(path, origin=STRANGER).cors == {}
    site.get(path, origin=STRANGER)
    assert backend.hits == []
    own, other = ["none", "origin_not_allowed"]
    if place == "server":
        own, other = other, own
    assert [row.split()[2:4] for row in site.log] == [
        ["preflight_unanswered", own],
        ["preflight_unanswered", other],
        ["preflight_unanswered", "origin_not_allowed"],
        ["refused", "origin_not_allowed"],
    ]
    assert told(site)[:-1] == 3 * [line(status)]
    assert "at once" not in site.errors


def raw_preflight(site, *lines, origin=APP):
    return site.raw("\r\n".join([
        "OPTIONS / HTTP/1.1", "Host: localhost", f"Origin: {origin}",
        "Access-Control-Request-Method: PUT", *lines, "\r\n",
    ]).encode())


@pytest.mark.parametrize(("lines", "status"), [
    (["Content-Length: 5", "Connection: close"], 413),
    (["Content-Length: none"], 400),
])
def test_a_preflight_that_is_malformed_or_too_large(serve, lines, status):
    site = serve("""
        cors_policy api.json;
        lingering_timeout 100ms;
        location / { client_max_body_size 1; }
    """)
    answer = raw_preflight(site, *lines)
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert f"access-control-allow-origin: {APP}\r\n" in answer
    assert site.log == [
        f"OPTIONS / preflight_unanswered none - {APP} | - - -"
    ]
    assert told(site) == [line(status)]


@pytest.mark.parametrize(("lines", "page", "origin"), [
    (["Content-Length: 5", "Connection: close"], "", APP),
    (["Content-Length: 5", "Connection: close"], "error_page 413 /page;",
     OTHER),
    (["Content-Length: none"], "", OTHER),
    (["Content-Length: none"], "error_page 400 /page;", OTHER),
])
def test_whose_headers_a_413_and_a_400_have(serve, lines, page, origin):
    site = serve(f"""
        cors_policy other.json;
        lingering_timeout 100ms;
        location / {{ cors_policy api.json; client_max_body_size 1; {page} }}
        location /page {{ return 200; }}
    """, POLICIES)
    for each in (APP, OTHER):
        answer = raw_preflight(site, *lines, origin=each)
        found = f"access-control-allow-origin: {each}\r\n" in answer
        assert found == (each == origin)


def test_a_preflight_without_a_certificate(nginx, serve):
    key, certificate = nginx.folder / "key.pem", nginx.folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "9", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )
    nginx.port_options = " ssl"
    site = serve("""
        cors_policy api.json;
        location / { cors_policy other.json; }
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        ssl_client_certificate cert.pem;
        ssl_verify_client on;
    """, POLICIES)
    answer = subprocess.run(
        ["curl", "-sSki", "-X", "OPTIONS", "-H", f"Origin: {APP}",
         "-H", "Access-Control-Request-Method: PUT",
         f"https://127.0.0.1:{site.port}/"],
        capture_output=True, text=True, check=True,
    ).stdout
    assert answer.startswith("HTTP/1.1 400 ")
    assert f"access-control-allow-origin: {APP}" in answer
    assert site.log == [
        f"OPTIONS / preflight_unanswered none - {APP} | - - -"
    ]
    assert told(site) == [line(400)]


def test_a_policy_of_an_error_page_comes_too_late(serve, backend):
    site = serve("""
        location / { error_page 405 @page; return 405; }
        location @page { cors_policy api.json;
                         proxy_pass http://%BACKEND%; }
    """)
    assert site.preflight("/").status == 405
    assert site.preflight("/", origin=STRANGER).status == 405
    assert [row.split()[2] for row in site.log] == 2 * ["preflight_unanswered"]
    assert told(site) == 2 * [line(405)]


def test_a_candidate_would_not_have_answered_either(serve):
    site = serve(
        "cors_report_only api.json; location /api/ { proxy_pass http://%DEAD%;"
        " } location / { return 200; }"
    )
    assert site.preflight("/api").status == 301
    assert site.preflight("/").status == 200
    assert site.log == [
        "OPTIONS /api - - - - | preflight_unanswered none -",
        "OPTIONS / - - - - | preflight_allowed none -",
    ]
    assert told(site) == []


def test_the_error_log_tells_a_candidate_from_the_policy(serve):
    site = serve(
        "cors_report_only other.json; cors_policy api.json;"
        " location / { return 200; }",
        POLICIES,
    )
    site.get("/", origin=APP)
    assert told(site) == []
    assert site.errors.count(" cors report only: refused: ") == 1


@pytest.mark.parametrize("page", ["405 = @o", "405 =200 @o", "405 =202 @o"])
def test_an_error_that_becomes_a_success_answers_preflights(
    serve, backend, page
):
    site = serve(f"""
        location / {{ error_page {page}; }}
        location @o {{ cors_policy api.json; proxy_pass http://%BACKEND%; }}
    """)
    answer = site.preflight("/")
    assert answer.status == 204
    assert answer.cors["allow-methods"] == "GET,HEAD,POST,PUT,DELETE"
    assert site.preflight("/", origin=STRANGER).status == 403
    assert backend.hits == []
    assert [row.split()[2] for row in site.log] == [
        "preflight_allowed", "preflight_refused"
    ]


def test_an_error_page_at_a_path_turns_a_preflight_into_a_get(serve, backend):
    site = serve("""
        location / { error_page 405 =200 /o; }
        location = /o { cors_policy api.json; proxy_pass http://%BACKEND%; }
    """)
    answer = site.preflight("/")
    assert answer.status == 200
    assert "allow-methods" not in answer.cors
    assert backend.hits == ["GET /o"]
