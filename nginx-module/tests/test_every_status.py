"""The headers are on every response, whatever its status and its maker.

Without them a script sees only "CORS error" where it should see a 401 or a
502.
"""

import socket

import pytest

from conftest import APP, STRANGER

ALLOWED = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "expose-headers": "x-request-id",
}


def assert_decorated(site, path, status, **request):
    """With permission for the app, without for a stranger."""
    answer = site.get(path, origin=APP, **request)
    assert answer.status == status
    assert answer.cors == ALLOWED
    assert answer.vary == ["origin"]
    refused = site.get(path, origin=STRANGER, **request)
    assert refused.status == status
    assert refused.cors == {}
    assert refused.vary == ["origin"]
    return answer


def test_a_404_of_nginx_carries_the_headers(serve):
    assert_decorated(serve("cors_policy api.json;"), "/missing", 404)


def test_a_status_that_nginx_returns_carries_the_headers(serve):
    statuses = [200, 201, 301, 302, 400, 404, 410, 429, 451, 500, 502, 503, 504]
    site = serve("cors_policy api.json;" + "".join(
        f"location /{status} {{ return {status}; }}" for status in statuses
    ))
    for status in statuses:
        assert_decorated(site, f"/{status}", status)


def test_a_status_of_the_application_carries_the_headers(serve, backend):
    site = serve("""
        cors_policy api.json;
        location / { proxy_pass http://%BACKEND%; }
    """)
    for status in [201, 204, 401, 404, 422, 500, 503, 599]:
        own = [("Access-Control-Allow-Origin", "*")]
        backend.answers[f"/{status}"] = (status, own)
        assert_decorated(site, f"/{status}", status)


def test_a_401_of_auth_basic_carries_the_headers(nginx, serve):
    nginx.write("users", "")
    site = serve("""
        cors_policy api.json;
        location / {
            auth_basic "private";
            auth_basic_user_file %FOLDER%/users;
        }
    """)
    answer = assert_decorated(site, "/", 401)
    assert answer.all("www-authenticate") == ['Basic realm="private"']


def test_a_401_of_auth_request_carries_the_headers(serve, backend):
    backend.answers["/auth"] = (401, [("Access-Control-Allow-Origin", "*")])
    site = serve("""
        cors_policy api.json;
        location / { auth_request /auth; return 200; }
        location = /auth { proxy_pass http://%BACKEND%; }
        location /open { proxy_pass http://%BACKEND%; auth_request /auth; }
    """)
    assert_decorated(site, "/open", 401)


def test_a_403_of_deny_carries_the_headers(serve):
    site = serve("cors_policy api.json; location / { deny all; }")
    assert_decorated(site, "/", 403)


@pytest.mark.memory
def test_a_502_of_a_dead_upstream_carries_the_headers(serve):
    site = serve("""
        cors_policy api.json;
        location / { proxy_pass http://%DEAD%; }
    """)
    assert_decorated(site, "/", 502)


def test_a_504_of_a_slow_upstream_carries_the_headers(serve):
    # The backlog of a socket takes the connection; nobody answers it.
    with socket.create_server(("127.0.0.1", 0)) as slow:
        site = serve(f"""
            cors_policy api.json;
            location / {{
                proxy_pass http://127.0.0.1:{slow.getsockname()[1]};
                proxy_read_timeout 100ms;
            }}
        """)
        assert_decorated(site, "/", 504)


def test_a_413_carries_the_headers(serve):
    site = serve("""
        cors_policy api.json;
        location / { client_max_body_size 1; proxy_pass http://%BACKEND%; }
    """)
    answer = site.request("POST", "/", {"Origin": APP}, body=b"too long")
    assert answer.status == 413
    assert answer.cors == ALLOWED
    assert answer.vary == ["origin"]


@pytest.mark.memory
def test_a_400_carries_the_headers_if_the_origin_was_read(serve):
    site = serve("cors_policy api.json;")
    answer = site.raw(
        f"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: {APP}\r\n"
        "Content-Length: none\r\n\r\n".encode()
    )
    assert answer.startswith("HTTP/1.1 400 ")
    assert answer.count(f"access-control-allow-origin: {APP}\r\n") == 1
    assert answer.count("vary: origin\r\n") == 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\r\n\r\n\0",
    ],
)
def test_what_is_hardly_a_request_is_survived(serve, request_bytes):
    site = serve("cors_policy api.json;")
    assert "access-control" not in site.raw(request_bytes)
    assert site.get("/missing", origin=APP).cors == ALLOWED


def test_a_header_that_is_too_long_is_survived(serve):
    site = serve("cors_policy api.json;")
    answer = site.get("/", origin=APP, x_long="x" * 100000)
    assert answer.status == 400


def test_a_304_carries_the_headers(nginx, serve):
    nginx.write("html/file", "content")
    site = serve("cors_policy api.json;")
    etag = site.get("/file").all("etag")[0]
    assert_decorated(site, "/file", 304, if_none_match=etag)


def test_a_206_carries_the_headers(nginx, serve):
    nginx.write("html/file", "content")
    site = serve("cors_policy api.json;")
    answer = assert_decorated(site, "/file", 206, range="bytes=1-2")
    assert answer.body == "on"


def test_a_412_carries_the_headers(nginx, serve):
    """nginx clears the headers and every module's context before a 412."""
    nginx.write("html/file", "content")
    site = serve("""
        location / {
            cors_policy api.json;
            error_page 412 /error;
            if ($arg_a) { add_header Access-Control-Allow-Origin * always; }
        }
        location /error { cors_policy off; return 200; }
    """)
    assert_decorated(site, "/file", 412, if_match='"other"')
    assert_decorated(site, "/file?a=1", 412, if_match='"other"')


@pytest.mark.memory
def test_a_416_carries_the_headers_once(nginx, serve):
    nginx.write("html/file", "content")
    site = serve("cors_policy api.json;")
    assert_decorated(site, "/file", 416, range="bytes=100-")


def test_a_416_does_not_double_a_vary_that_nginx_wrote(nginx, serve):
    nginx.write("html/file", "content")
    site = serve("cors_policy api.json; add_header Vary Cookie always;")
    answer = site.get("/file", origin=APP, range="bytes=100-")
    assert answer.status == 416
    assert answer.cors == ALLOWED
    assert answer.vary.count("origin") == 1


@pytest.mark.parametrize("status", [404, 500, 502])
def test_an_error_page_in_a_file_keeps_the_headers(nginx, serve, status):
    nginx.write("html/error.html", "sorry")
    site = serve(f"""
        location / {{
            cors_policy api.json;
            error_page {status} /error.html;
            return {status};
        }}
        location = /error.html {{ internal; }}
    """)
    assert assert_decorated(site, "/", status).body == "sorry"


@pytest.mark.memory
def test_an_error_page_in_a_named_location_keeps_the_headers(serve, backend):
    site = serve("""
        location / {
            cors_policy api.json;
            error_page 404 = @app;
            return 404;
        }
        location @app { proxy_pass http://%BACKEND%; }
    """)
    assert assert_decorated(site, "/", 200).body == "application\n"
    assert backend.hits == ["GET /", "GET /"]


def test_an_error_of_the_application_shown_by_nginx_keeps_the_headers(
    nginx, serve, backend
):
    nginx.write("html/error.html", "sorry")
    backend.answers["/"] = (500, [("Access-Control-Allow-Origin", "*")])
    site = serve("""
        location / {
            cors_policy api.json;
            proxy_pass http://%BACKEND%;
            proxy_intercept_errors on;
            error_page 500 /error.html;
        }
        location = /error.html { internal; }
    """)
    assert assert_decorated(site, "/", 500).body == "sorry"


def test_a_slash_redirect_carries_the_headers(serve):
    site = serve("""
        location /api/ {
            cors_policy api.json;
            proxy_pass http://%BACKEND%;
        }
    """)
    assert_decorated(site, "/api", 301)


def test_a_return_of_the_server_carries_the_headers_of_its_policy(serve):
    site = serve("""
        cors_policy api.json;
        if ($arg_old) { return 301 /new; }
        location / { cors_policy off; return 200; }
    """)
    assert_decorated(site, "/?old=1", 301)
    assert site.get("/", origin=APP).cors == {}


def test_several_ranges_carry_the_headers(nginx, serve):
    nginx.write("html/file", "content")
    site = serve("cors_policy api.json;")
    answer = assert_decorated(site, "/file", 206, range="bytes=0-1,3-4")
    assert "multipart/byteranges" in answer.all("content-type")[0]
