"""Preflights are answered before anything else can get in their way."""

import socket

import pytest

from conftest import API, APP, PREFLIGHT_VARY, STRANGER, wait_until

PROXY = """
    cors_policy api.json;
    location / { proxy_pass http://%BACKEND%; }
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


@pytest.mark.memory
def test_lines_of_a_connection_that_may_be_upgraded_are_joined(serve):
    """They are copied."""
    site = serve(PROXY)

    def preflight(*split):
        return site.request("OPTIONS", "/", {
            "Origin": APP,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": list(split),
            "Connection": "upgrade",
            "Upgrade": "websocket",
        })

    assert_allowed(preflight("authorization", "", " content-type\t"))
    assert "max-age" not in preflight("authorization", "x-other").cors


@pytest.mark.parametrize(
    "obstacle",
    [
        'auth_basic "private"; auth_basic_user_file %FOLDER%/users;',
        "auth_request /auth;",
        "deny all;",
        "satisfy any; deny all; auth_request /auth;",
        "limit_except GET { deny all; }",
        "return 405;",
        "return 301 https://elsewhere.example$request_uri;",
        "if ($request_method = OPTIONS) { return 200; }",
        "rewrite ^ /elsewhere last;",
        "rewrite ^ /elsewhere break;",
        "try_files /nothing =404;",
        "limit_req zone=few;",
        "client_body_buffer_size 1;",
    ],
)
def test_nothing_in_a_location_stands_before_a_preflight(
    nginx, serve, backend, obstacle
):
    nginx.write("users", "")
    site = serve(
        f"""
        location /api/ {{
            cors_policy api.json;
            {obstacle}
            proxy_pass http://%BACKEND%;
        }}
        location = /auth {{ proxy_pass http://%BACKEND%; }}
        location = /elsewhere {{ return 405; }}
        """,
        http="limit_req_zone $binary_remote_addr zone=few:64k rate=1r/m;",
    )
    for _ in range(3):
        assert_allowed(site.preflight("/api/x"))
        assert_refused(site.preflight("/api/x", origin=STRANGER))
    assert backend.hits == []


def test_preflights_pass_where_all_connections_are_taken(serve):
    # The backlog of a socket takes the connection; nobody answers it.
    with socket.create_server(("127.0.0.1", 0)) as slow:
        site = serve(
            f"""
            cors_policy api.json;
            location / {{
                limit_conn few 1;
                proxy_pass http://127.0.0.1:{slow.getsockname()[1]};
            }}
            """,
            http="limit_conn_zone $binary_remote_addr zone=few:64k;",
        )
        with socket.create_connection(("127.0.0.1", site.port)) as first:
            first.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with slow.accept()[0]:
                assert site.get("/", origin=APP).status == 503
                assert_allowed(site.preflight("/"))
                assert_refused(site.preflight("/", origin=STRANGER))


def test_preflights_do_not_use_up_a_rate_limit(serve):
    site = serve(
        """
        cors_policy api.json;
        location / { limit_req zone=few; limit_req_status 429;
                     proxy_pass http://%BACKEND%; }
        """,
        http="limit_req_zone $binary_remote_addr zone=few:64k rate=1r/m;",
    )
    for _ in range(5):
        assert_allowed(site.preflight("/"))
    assert site.get("/", origin=APP).status == 200
    limited = site.get("/", origin=APP)
    assert limited.status == 429
    assert limited.cors["allow-origin"] == APP


@pytest.mark.parametrize(
    "page", ["403 = @app", "403 @app", "403 /page", "403 =200 /page"]
)
def test_an_error_page_never_hands_a_refused_preflight_to_the_application(
    serve, backend, page
):
    site = serve(f"""
        cors_policy api.json;
        error_page {page};
        location / {{ proxy_pass http://%BACKEND%; }}
        location /page {{ proxy_pass http://%BACKEND%; }}
        location @app {{ proxy_pass http://%BACKEND%; }}
    """)
    assert_refused(site.preflight("/", origin=STRANGER))
    assert backend.hits == []


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


@pytest.mark.memory
def test_a_body_that_comes_late_is_thrown_away(serve, backend):
    site = serve(PROXY)
    answer = site.raw(
        f"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {STRANGER}\r\n"
        "Access-Control-Request-Method: PUT\r\nContent-Length: 100000\r\n"
        "Connection: close\r\n\r\n".encode() + b"x" * 100000
    )
    assert answer.startswith("HTTP/1.1 403 ")
    assert answer.count("HTTP/1.1 ") == 1
    assert backend.hits == []


@pytest.mark.memory
def test_a_post_action_still_runs_after_a_preflight(serve, backend):
    site = serve("""
        location / {
            cors_policy api.json;
            post_action @account;
            return 200;
        }
        location @account { proxy_pass http://%BACKEND%; }
    """)
    assert_allowed(site.preflight("/"))
    wait_until(lambda: backend.hits == ["OPTIONS /"], "the account")
    assert_refused(site.preflight("/", origin=STRANGER))
    wait_until(lambda: backend.hits == 2 * ["OPTIONS /"], "the account")
