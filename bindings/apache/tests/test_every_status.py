"""The headers are on every response, whatever its status and its maker.

Without them a script sees only "CORS error" where it should see a 401 or a
502.
"""

import os
import socket

import pytest

from conftest import APP, STRANGER

ALLOWED = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "expose-headers": "x-request-id",
}


def assert_decorated(site, path, status, method="GET", **request):
    """With permission for the app, without for a stranger."""
    answer = site.request(method, path, origin=APP, **request)
    assert answer.status == status
    assert answer.cors == ALLOWED
    assert answer.vary == ["origin"]
    refused = site.request(method, path, origin=STRANGER, **request)
    assert refused.status == status
    assert refused.cors == {}
    assert refused.vary == ["origin"]
    return answer


def test_a_404_of_httpd_carries_the_headers(serve):
    answer = assert_decorated(serve("CorsPolicy api.json"), "/missing", 404)
    assert "<h1>Not Found</h1>" in answer.body
    assert answer.all("content-type") == ["text/html; charset=iso-8859-1"]


def test_a_status_of_the_application_carries_the_headers(serve, backend):
    site = serve("CorsPolicy api.json\nProxyPass / http://%BACKEND%/")
    for status in [200, 201, 204, 401, 404, 422, 429, 500, 502, 503, 599]:
        own = [("Access-Control-Allow-Origin", "*")]
        backend.answers[f"/{status}"] = (status, own)
        for method in ["GET", "HEAD", "POST"]:
            assert_decorated(site, f"/{status}", status, method)


def test_a_status_of_mod_rewrite_carries_the_headers(serve):
    """In a server, where it comes before us, and in a section."""
    statuses = [301, 302, 400, 403, 410, 429, 500]
    rules = "RewriteEngine On\n" + "\n".join(
        f"RewriteRule ({status})$ /there [R={status}]" for status in statuses
    )
    site = serve(f"""
        CorsPolicy api.json
        {rules}
        <Directory %FOLDER%/html/section>
            {rules}
        </Directory>
    """)
    for status in statuses:
        assert_decorated(site, f"/{status}", status)
        assert_decorated(site, f"/section/{status}", status)


def test_a_redirect_of_mod_alias_carries_the_headers(serve):
    site = serve("""
        <Location "/old">
            CorsPolicy api.json
        </Location>
        Redirect 301 /old https://elsewhere.example/
    """)
    answer = assert_decorated(site, "/old", 301)
    assert answer.all("location") == ["https://elsewhere.example/"]


def test_a_slash_redirect_carries_the_headers(apache, serve):
    apache.write("html/folder/file", "content")
    assert_decorated(serve("CorsPolicy api.json"), "/folder", 301)


@pytest.mark.memory
def test_a_401_of_basic_authentication_carries_the_headers(apache, serve):
    apache.write("users", "")
    site = serve("""
        CorsPolicy api.json
        <Location "/">
            AuthType Basic
            AuthName "private"
            AuthUserFile %FOLDER%/users
            Require valid-user
        </Location>
    """)
    answer = assert_decorated(site, "/", 401)
    assert answer.all("www-authenticate") == ['Basic realm="private"']


def test_a_403_of_access_control_carries_the_headers(serve):
    site = serve("""
        CorsPolicy api.json
        <Location "/">
            Require all denied
        </Location>
    """)
    assert_decorated(site, "/", 403)


def test_a_503_of_a_dead_upstream_carries_the_headers(serve):
    site = serve("CorsPolicy api.json\nProxyPass / http://%DEAD%/")
    assert_decorated(site, "/", 503)


def test_a_502_of_a_slow_upstream_carries_the_headers(serve):
    # The backlog of a socket takes the connection; nobody answers it.
    with socket.create_server(("127.0.0.1", 0)) as slow:
        site = serve(f"""
            CorsPolicy api.json
            ProxyPass / http://127.0.0.1:{slow.getsockname()[1]}/ timeout=1
        """)
        answer = site.get("/", origin=APP)
        assert (answer.status, answer.cors) == (502, ALLOWED)


def test_a_413_carries_the_headers(apache, serve):
    program = apache.write("cgi/program", "#!/bin/sh\n")
    os.chmod(program, 0o755)
    site = serve("""
        CorsPolicy api.json
        LimitRequestBody 1
        ScriptAlias /cgi/ %FOLDER%/cgi/
    """)
    answer = site.request(
        "POST", "/cgi/program", {"Origin": APP}, body=b"too long"
    )
    assert answer.status == 413
    assert answer.cors == ALLOWED


def test_a_405_carries_the_headers(apache, serve):
    apache.write("html/file", "content")
    answer = assert_decorated(
        serve("CorsPolicy api.json\nTraceEnable off"), "/file", 405, "TRACE"
    )
    assert answer.all("allow") != []


@pytest.mark.parametrize(
    "line", ["Content-Length: none", "Transfer-Encoding: other", "X Y: z"]
)
def test_a_request_that_is_wrong_carries_the_headers(serve, line):
    """The policy of the server counts: no place is known."""
    site = serve("CorsPolicy api.json")
    answer = site.raw(
        f"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: {APP}\r\n"
        f"{line}\r\n\r\n".encode()
    )
    assert answer.split()[1] in ("400", "501")
    assert answer.count("vary: origin\r\n") == 1
    # httpd stops reading at a line that is none.
    if line != "X Y: z":
        assert answer.count(f"access-control-allow-origin: {APP}\r\n") == 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /../.. HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
)
def test_what_is_hardly_a_request_is_survived(serve, request_bytes):
    site = serve("CorsPolicy api.json")
    assert "access-control-allow" not in site.raw(request_bytes)
    assert site.get("/missing", origin=APP).cors == ALLOWED


def test_a_header_that_is_too_long_is_survived(serve):
    site = serve("CorsPolicy api.json")
    answer = site.get("/", origin=APP, x_long="x" * 10000)
    assert answer.status == 400
    assert answer.vary == ["origin"]


@pytest.mark.parametrize("directive", ["on", "extended"])
def test_trace_shows_nothing_to_scripts(serve, directive):
    """httpd answers it before any filter is there, and no browser sends it."""
    site = serve(f"CorsPolicy api.json\nTraceEnable {directive}")
    answer = site.request("TRACE", "/", origin=APP)
    assert answer.status == 200
    assert answer.cors == {}


def test_a_304_carries_the_headers(apache, serve):
    apache.write("html/file", "content")
    site = serve("CorsPolicy api.json")
    etag = site.get("/file").all("etag")[0]
    assert_decorated(site, "/file", 304, if_none_match=etag)


def test_a_206_carries_the_headers(apache, serve):
    apache.write("html/file", "content")
    site = serve("CorsPolicy api.json")
    answer = assert_decorated(site, "/file", 206, range="bytes=1-2")
    assert answer.body == "on"
    several = assert_decorated(site, "/file", 206, range="bytes=0-1,3-4")
    assert "multipart/byteranges" in several.all("content-type")[0]


@pytest.mark.memory
def test_a_416_carries_the_headers_once(apache, serve):
    """httpd begins the response anew behind our filter."""
    apache.write("html/file", "content")
    site = serve("CorsPolicy api.json")
    assert_decorated(site, "/file", 416, range="bytes=100-")


def test_a_response_that_httpd_refuses_to_send_carries_the_headers(
    serve, backend
):
    """As does the 500 that takes its place: httpd clears all headers."""
    backend.answers["/"] = (200, [("X-Bad", "a\x01b")])
    site = serve("CorsPolicy api.json\nProxyPass / http://%BACKEND%/")
    assert_decorated(site, "/", 500)
    assert "AH02430" in site.errors


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_head_request_carries_the_headers_of_get(apache, serve, method):
    apache.write("html/file", "content")
    site = serve("CorsPolicy api.json")
    assert_decorated(site, "/file", 200, method)
    assert_decorated(site, "/missing", 404, method)


def test_http_1_0_carries_the_headers(apache, serve):
    apache.write("html/file", "content")
    answer = serve("CorsPolicy api.json").raw(
        f"GET /file HTTP/1.0\r\nOrigin: {APP}\r\n\r\n".encode()
    )
    assert answer.count(f"access-control-allow-origin: {APP}\r\n") == 1
    assert answer.endswith("content")
