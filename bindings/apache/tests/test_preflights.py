"""Preflights are answered before anything else can get in their way."""

import pytest

from conftest import API, APP, PREFLIGHT_VARY, STRANGER

PROXY = """
    CorsPolicy api.json
    ProxyPass / http://%BACKEND%/
"""

ALLOWED = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "allow-methods": "GET,HEAD,POST,PUT,DELETE",
    "allow-headers": "authorization,content-type",
    "max-age": "600",
}


def assert_allowed(answer, status=204):
    assert answer.status == status
    assert answer.cors == ALLOWED
    assert answer.vary == [PREFLIGHT_VARY]
    assert answer.body == ""
    assert answer.all("content-type") == []


def assert_refused(answer):
    assert answer.status == 403
    assert answer.cors == {}
    assert answer.vary == [PREFLIGHT_VARY]
    assert answer.body == ""
    assert answer.all("content-type") == []


@pytest.mark.memory
@pytest.mark.parametrize("status", [200, 204])
def test_no_answer_has_a_body_and_only_a_204_has_no_length(serve, status):
    """RFC 9110, section 8.6."""
    site = serve(PROXY, {"api.json": API | {"preflight_status": status}})
    answer = site.preflight("/", "PUT", "authorization,content-type")
    assert_allowed(answer, status)
    assert answer.all("content-length") == (["0"] if status == 200 else [])
    assert answer.all("content-type") == []
    refused = site.preflight("/", origin=STRANGER)
    assert_refused(refused)
    assert refused.all("content-length") == ["0"]


@pytest.mark.parametrize(
    "obstacle",
    [
        'AuthType Basic\nAuthName "private"\n'
        "AuthUserFile %FOLDER%/users\nRequire valid-user",
        "Require all denied",
        "Require host elsewhere.example",
        "Order deny,allow\nDeny from all",
        "<LimitExcept GET>\nRequire all denied\n</LimitExcept>",
        "AllowMethods GET",
        "Redirect 301 /api/ https://elsewhere.example/",
        "RewriteEngine On\nRewriteRule .* - [F]",
        "RewriteEngine On\nRewriteRule .* - [R=405]",
        "RewriteEngine On\nRewriteRule .* /elsewhere [PT]",
        "LimitRequestBody 1",
        "RequestHeader unset Origin",
    ],
)
def test_nothing_in_a_place_stands_before_a_preflight(
    apache, serve, backend, obstacle
):
    apache.write("users", "")
    site = serve(f"""
        ProxyPass /api/ http://%BACKEND%/
        ProxyPass /page http://%BACKEND%/
        <Location "/api/">
            CorsPolicy api.json
            {obstacle}
        </Location>
    """)
    for _ in range(2):
        assert_allowed(site.preflight("/api/x"))
        assert_refused(site.preflight("/api/x", origin=STRANGER))
    assert backend.hits == []


@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("page", ["/page", '"no"', "https://elsewhere.example"])
def test_no_error_document_takes_an_answer_over(serve, backend, status, page):
    site = serve(
        f"""
        ErrorDocument {status} {page}
        ErrorDocument 403 {page}
        """ + PROXY,
        {"api.json": API | {"preflight_status": status}},
    )
    assert_allowed(site.preflight("/"), status)
    assert_refused(site.preflight("/", origin=STRANGER))
    assert backend.hits == []


def test_what_mod_headers_always_sets_is_on_preflight_answers(serve):
    site = serve("""
        Header always set Strict-Transport-Security max-age=1
        Header always set Access-Control-Allow-Origin *
        Header always merge Vary origin
    """ + PROXY)
    for origin, check in [(APP, assert_allowed), (STRANGER, assert_refused)]:
        answer = site.preflight("/", origin=origin)
        check(answer)
        assert answer.all("strict-transport-security") == ["max-age=1"]


def test_the_connection_is_kept_after_a_preflight(serve, backend):
    site = serve(PROXY)
    lines = f"Host: localhost\r\nOrigin: {APP}\r\n"
    ask = f"{lines}Access-Control-Request-Method: PUT\r\n"
    answer = site.raw(
        f"OPTIONS / HTTP/1.1\r\n{ask}\r\n"
        f"PUT / HTTP/1.1\r\n{lines}Content-Length: 2\r\n"
        f"Connection: close\r\n\r\nhi".encode()
    )
    assert answer.count("HTTP/1.1 204 No Content\r\n") == 1
    assert answer.count("HTTP/1.1 200 OK\r\n") == 1
    assert backend.hits == ["PUT /"]


def test_http_1_0_gets_its_preflights_answered(serve, backend):
    answer = serve(PROXY).raw(
        f"OPTIONS / HTTP/1.0\r\nOrigin: {APP}\r\n"
        "Access-Control-Request-Method: PUT\r\n\r\n".encode()
    )
    assert answer.split()[1] == "204"
    assert f"access-control-allow-origin: {APP}\r\n" in answer
    assert backend.hits == []


@pytest.mark.parametrize(
    ("status", "origin"), [(204, APP), (200, APP), (204, STRANGER)]
)
def test_a_chunked_body_that_looks_like_requests_is_none(
    serve, backend, status, origin
):
    site = serve(PROXY, {"api.json": API | {"preflight_status": status}})
    inner = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    body = f"{len(inner):x}\r\n{inner}\r\n0\r\n\r\n"
    answer = site.raw(
        f"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n"
        f"Access-Control-Request-Method: PUT\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n{body}"
        "GET /next HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    expected = 403 if origin == STRANGER else status
    assert answer.startswith(f"HTTP/1.1 {expected} ")
    assert answer.count("HTTP/1.1 ") == 2
    assert backend.hits == ["GET /next"]


def test_a_body_that_is_broken_ends_the_connection(serve, backend):
    answer = serve(PROXY).raw(
        f"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {APP}\r\n"
        "Access-Control-Request-Method: PUT\r\nTransfer-Encoding: chunked"
        "\r\n\r\nno chunk\r\n"
        "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    )
    assert answer.count("HTTP/1.1 ") == 1
    assert backend.hits == []


def test_a_body_that_comes_late_is_thrown_away(serve, backend):
    answer = serve(PROXY).raw(
        f"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {STRANGER}\r\n"
        "Access-Control-Request-Method: PUT\r\nContent-Length: 100000\r\n"
        "Connection: close\r\n\r\n".encode() + b"x" * 100000
    )
    assert answer.startswith("HTTP/1.1 403 ")
    assert answer.count("HTTP/1.1 ") == 1
    assert backend.hits == []


def test_a_client_that_expects_to_be_told_to_continue_is_answered(
    serve, backend
):
    answer = serve(PROXY).raw(
        f"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {APP}\r\n"
        "Access-Control-Request-Method: PUT\r\nContent-Length: 2\r\n"
        "Expect: 100-continue\r\nConnection: close\r\n\r\nhi".encode()
    )
    assert answer.count(" 204 No Content\r\n") == 1
    assert answer.count(f"access-control-allow-origin: {APP}\r\n") == 1
    assert backend.hits == []
