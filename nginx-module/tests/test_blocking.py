"""What `block` names never reaches the application, whatever stands in the
configuration. The vectors are in tests/hosts."""

import http.client
import itertools
import socket
import ssl
import subprocess

import pytest

from conftest import (
    API, APP, ATTACKS, BLOCK, BLOCKED_BODY, OWN, STRANGER, assert_blocked,
    open_websocket, open_websocket_http2, wait_until,
)
from test_http2 import ask

PROXY = """
    cors_policy api.json;
    location / { proxy_pass http://%BACKEND%; }
"""


@pytest.mark.memory
def test_attacks_do_not_reach_the_application(serve, backend):
    site = serve(PROXY, {"api.json": BLOCK})
    for method, lines in ATTACKS:
        assert_blocked(site.request(method, "/", lines, b"x=1"))
    assert backend.hits == []
    for method, lines in OWN:
        assert site.request(method, "/", lines).status == 200
    assert len(backend.hits) == len(OWN)


def test_without_block_they_do(serve, backend):
    site = serve(PROXY)
    for method, lines in ATTACKS:
        assert site.request(method, "/", lines).status in (200, 501)
    assert len(backend.hits) == len(ATTACKS) - 1
    assert "[warn]" not in site.errors


OBSTACLES = [
    'auth_basic "private"; auth_basic_user_file %FOLDER%/users;',
    "auth_request /auth;",
    "mirror /auth;",
    "deny all;",
    "limit_except GET { deny all; }",
    "return 405;",
    "return 200;",
    "return 301 https://elsewhere.example$request_uri;",
    "rewrite ^ /elsewhere last;",
    "rewrite ^ /elsewhere break;",
    "try_files /nothing @app;",
    "limit_req zone=few;",
    "client_max_body_size 1;",
    "post_action /auth;",
]


@pytest.mark.parametrize("obstacle", OBSTACLES)
@pytest.mark.parametrize("level", ["server", "location"])
def test_nothing_stands_before_it(nginx, serve, backend, level, obstacle):
    nginx.write("users", "")
    policy = "cors_policy api.json;"
    site = serve(
        f"""
        {policy if level == "server" else ""}
        location /api/ {{
            {policy if level == "location" else ""}
            {obstacle}
            proxy_pass http://%BACKEND%;
        }}
        location = /auth {{ proxy_pass http://%BACKEND%; }}
        location = /elsewhere {{ proxy_pass http://%BACKEND%; }}
        location @app {{ proxy_pass http://%BACKEND%; }}
        """,
        {"api.json": BLOCK},
        http="limit_req_zone $binary_remote_addr zone=few:64k rate=1r/m;",
    )
    for _ in range(3):
        answer = site.request("POST", "/api/x", {"Origin": STRANGER})
        assert_blocked(answer)
    assert backend.hits == []


PAGES = ["403 = @app", "403 @app", "403 /page", "403 =200 /page",
         "403 http://%BACKEND%/"]
EVERY_PAGE = "recursive_error_pages on; proxy_intercept_errors on;"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("more", ["", EVERY_PAGE])
def test_an_error_page_never_hands_it_to_the_application(
    serve, backend, page, more
):
    site = serve(
        f"""
        cors_policy api.json;
        error_page {page};
        {more}
        location / {{ proxy_pass http://%BACKEND%; }}
        location /page {{ proxy_pass http://%BACKEND%; }}
        location @app {{ proxy_pass http://%BACKEND%; }}
        """,
        {"api.json": BLOCK},
    )
    for method, lines in ATTACKS:
        assert_blocked(site.request(method, "/", lines))
    assert backend.hits == []


@pytest.mark.parametrize(
    "start", ["return 403;", "deny all;", "return 418;", "try_files /x =404;"]
)
@pytest.mark.parametrize("equals", ["", "=", "=200"])
def test_an_application_behind_an_error_page_is_guarded(
    serve, backend, start, equals
):
    """Here the error's page has the policy, and what sends there has none."""
    site = serve(
        f"""
        location / {{
            {start}
            error_page 403 404 418 {equals} @app;
        }}
        location @app {{
            cors_policy api.json;
            proxy_pass http://%BACKEND%;
        }}
        """,
        {"api.json": BLOCK},
    )
    for method, lines in [*ATTACKS, (
        "OPTIONS", {"Origin": STRANGER, "Upgrade": "websocket"}
    )]:
        assert_blocked(site.request(method, "/", lines))
    assert backend.hits == []
    assert site.request("POST", "/", {"Origin": APP}).status in (
        200, 403, 404, 418
    )
    assert backend.hits == ["POST /"]


def test_a_location_without_block_takes_what_others_post(serve, backend):
    """Identity providers post with the origin null."""
    site = serve(
        PROXY + """
        location = /login/callback {
            cors_policy off;
            proxy_pass http://%BACKEND%;
        }
        """,
        {"api.json": BLOCK},
    )
    lines = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}
    assert site.request("POST", "/login/callback", lines).status == 200
    assert_blocked(site.request("POST", "/login", lines))
    assert backend.hits == ["POST /login/callback"]


def test_a_subrequest_is_not_the_clients_request(serve, backend):
    site = serve(
        """
        location / { auth_request /auth; proxy_pass http://%BACKEND%; }
        location = /auth {
            cors_policy api.json;
            proxy_pass http://%BACKEND%;
        }
        """,
        {"api.json": BLOCK},
    )
    assert site.request("POST", "/", {"Origin": STRANGER}).status == 200
    assert len(backend.hits) == 2


@pytest.mark.parametrize("body", ["length", "chunked"])
def test_the_connection_is_kept_and_the_body_is_no_request(
    serve, backend, body
):
    site = serve(PROXY, {"api.json": BLOCK})
    inner = "POST /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    framing = {
        "length": f"Content-Length: {len(inner)}\r\n\r\n{inner}",
        "chunked": "Transfer-Encoding: chunked\r\n\r\n"
                   f"{len(inner):x}\r\n{inner}\r\n0\r\n\r\n",
    }[body]
    answer = site.raw(
        f"POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: {STRANGER}\r\n"
        f"{framing}"
        "GET /next HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    assert answer.startswith("HTTP/1.1 403 ")
    assert answer.count("HTTP/1.1 ") == 2
    assert backend.hits == ["GET /next"]


def test_http_1_0_gets_the_same(serve, backend):
    site = serve(PROXY, {"api.json": BLOCK})
    answer = site.raw(
        f"POST / HTTP/1.0\r\nOrigin: {STRANGER}\r\n\r\n".encode()
    )
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 403 ")
    assert body == BLOCKED_BODY
    assert backend.hits == []


def test_http_2_gets_the_same(nginx, serve):
    nginx.port_options = " http2"
    site = serve(
        "cors_policy api.json; location / { return 200; }",
        {"api.json": BLOCK},
    )
    status, headers = ask(site, "/", f"Origin: {STRANGER}", method="POST")
    assert status == 403
    assert "cache-control: no-store" in headers
    assert "content-type: text/plain" in headers
    authority = f"localhost:{site.port}"
    for line in "Sec-Fetch-Site: same-origin", f"Origin: {APP}", \
            f"Origin: http://127.0.0.1:{site.port}":
        # :authority, since HTTP/2 has no Host.
        assert ask(site, "/", line, method="POST")[0] == 200, authority


def test_http_2_opens_no_websocket(nginx, serve, backend):
    """An extended CONNECT, which nginx does not offer."""
    nginx.port_options = " http2"
    site = serve(PROXY, {"api.json": BLOCK})
    for origin in STRANGER, APP:
        lines = {"origin": origin}
        assert open_websocket_http2(site.port, "/", lines) == (400, None)
    assert backend.hits == []
    # It is the server that answered, and which serves other requests.
    assert ask(site, "/", f"Origin: {APP}")[0] == 200


# --- the scheme


@pytest.mark.parametrize("tls", [False, True])
def test_a_page_on_http_is_not_of_the_site_on_https(nginx, serve, tls):
    certificate = nginx.folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
         "-keyout", certificate, "-out", certificate],
        check=True, capture_output=True,
    )
    nginx.port_options = " ssl" if tls else ""
    site = serve(
        f"""
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        cors_policy api.json;
        location / {{ return 200; }}
        """,
        {"api.json": BLOCK},
    )

    def status(scheme):
        with socket.create_connection(("127.0.0.1", site.port)) as plain:
            context = ssl._create_unverified_context()
            connection = context.wrap_socket(plain) if tls else plain
            connection.sendall(
                "POST / HTTP/1.0\r\nHost: site.example\r\n"
                f"Origin: {scheme}://site.example\r\n\r\n".encode()
            )
            return connection.recv(12).decode().split()[1]

    assert status("https") == "200"
    assert status("http") == ("403" if tls else "200")


# --- WebSockets


def opened(site, path, origin):
    lines = {"Host": "site.example", "Origin": origin}
    return open_websocket(site.port, path, lines)


@pytest.mark.memory
def test_a_blocked_websocket_never_reaches_the_upstream(serve, backend):
    site = serve(
        """
        cors_policy api.json;
        location / {
            proxy_pass http://%BACKEND%;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
        }
        """,
        {"api.json": BLOCK},
    )
    for origin in STRANGER, "null", "https://sub.site.example":
        assert opened(site, "/", origin) == (403, None)
    assert backend.hits == []
    own = [APP, "https://site.example", "http://site.example"]
    for number, origin in enumerate(own):
        assert opened(site, f"/{number}", origin) == (101, "hi")
    assert backend.hits == [f"GET /{number}" for number in range(len(own))]


# --- what is said of it


def test_the_logs_say_what_was_blocked(serve):
    site = serve(
        "cors_policy api.json; location / { return 200; }",
        {"api.json": BLOCK}, log="warn",
    )
    site.request("POST", "/", {"Origin": f"{STRANGER}"})
    site.request("POST", "/", {"Origin": 'x"\x7f\x1b'.replace("\x1b", "")})
    site.request("POST", "/", {"Sec-Fetch-Site": "cross-site"})
    site.request("POST", "/", {"Sec-Fetch-Site": "same-origin",
                               "Origin": STRANGER})
    assert [line.split(" | ")[0] for line in site.log] == [
        "POST / blocked origin_not_allowed - -",
        "POST / blocked origin_malformed - -",
        "POST / blocked cross_site - -",
        "POST / same_origin none - -",
    ]
    assert site.errors.count("[warn]") == 3
    assert "cors: blocked: " in site.errors
    assert f'no pattern matches the origin "{STRANGER}"' in site.errors
    assert "\x7f" not in site.errors


def test_a_candidate_reports_and_blocks_nothing(serve, backend):
    site = serve(
        """
        cors_policy api.json;
        cors_report_only new.json;
        location / { proxy_pass http://%BACKEND%; }
        """,
        {"api.json": API, "new.json": BLOCK},
    )
    for method, lines in [*ATTACKS, *OWN]:
        assert site.request(method, "/", lines).status in (200, 501)
    wait_until(lambda: len(backend.hits) == len(ATTACKS) + len(OWN) - 1,
               "the application")
    verdicts = [line.split(" | ")[1].split()[0] for line in site.log]
    assert verdicts[:len(ATTACKS)] == ["blocked"] * len(ATTACKS)
    assert "blocked" not in verdicts[len(ATTACKS):]
    assert "cors report only: blocked" in site.errors


# --- failure is closed


@pytest.fixture
def faulty(request, nginx):
    """An nginx whose module can fail: faults.h, and `make faulty`."""
    module = request.config.getoption("--faulty-module")
    if not module:
        pytest.skip("needs --faulty-module")
    nginx.modules = [module]
    return nginx


def each_fault(nginx, serve, *arguments, **parts):
    """Servers in which the first allocation of a request fails, the second,
    and so on, until none does."""
    nginx.expect("no memory for a decision")
    for number in itertools.count(1):
        faults = nginx.errors.count("cors fault:")
        yield serve(*arguments, **parts, main=f"env CORS_FAULT={number};")
        nginx.stop()
        if nginx.errors.count("cors fault:") == faults:
            return


def status_of(site, method, lines):
    """None if the connection is closed without a response."""
    try:
        return site.request(method, "/", lines).status
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return None


@pytest.mark.parametrize("server", [
    """
        location / {
            cors_policy api.json;
            cors_report_only api.json;
            proxy_pass http://%BACKEND%;
            error_page 403 404 444 500 502 503 504 = @app;
            recursive_error_pages on;
            post_action @app;
        }
        location @app { proxy_pass http://%BACKEND%; }
    """,
    """
        location / {
            return 418;
            error_page 418 @guarded;
        }
        location @guarded {
            cors_policy api.json;
            cors_report_only api.json;
            proxy_pass http://%BACKEND%;
        }
    """,
    """
        location / {
            cors_policy api.json;
            cors_report_only api.json;
            client_max_body_size 1;
            post_action @app;
        }
        location @app { proxy_pass http://%BACKEND%; }
    """,
])
def test_no_failed_allocation_lets_a_request_through(
    faulty, serve, backend, server
):
    """Whatever waits for errors behind the location, or in front of it."""
    asked = [
        *ATTACKS,
        ("POST", {"Origin": [STRANGER, STRANGER], "Content-Length": "3"}),
        ("OPTIONS", {"Origin": STRANGER, "Upgrade": "websocket"}),
    ]
    seen = []
    for site in each_fault(faulty, serve, server, {"api.json": BLOCK}):
        statuses = {status_of(site, *request) for request in asked}
        # nginx itself rejects the body before it asks.
        assert statuses <= {403, 413, 503, None}
        assert backend.hits == []
        seen.append(statuses)
    # The context, the request, the response; then no allocation is left.
    assert seen[0] <= {413, None}
    assert any(503 in statuses for statuses in seen)
    assert len(seen) > 8
    assert seen[-1] <= {403, 413}
    for function in (
        "ngx_pool_cleanup_add", "ngx_palloc", "ngx_pstrdup",
        "ngx_array_push_n", "ngx_list_push", "ngx_http_send_response",
    ):
        assert f"cors fault: {function}()" in faulty.errors


def test_a_candidate_that_fails_changes_nothing(faulty, serve, backend):
    sites = each_fault(
        faulty, serve,
        """
        cors_report_only api.json;
        location / { proxy_pass http://%BACKEND%; }
        """,
        {"api.json": BLOCK},
    )
    # Without memory for the context, nothing is known of other policies.
    assert status_of(next(sites), "POST", {"Origin": STRANGER}) is None
    for site in sites:
        assert status_of(site, "POST", {"Origin": STRANGER}) == 200
        assert status_of(site, *ATTACKS[-1]) == 200
    assert faulty.errors.count("report only: no memory") > 2


def test_a_bug_in_the_library_opens_nothing(faulty, serve, backend):
    """In this library, a decision about the origin panics."""
    faulty.expect("cors_evaluate() failed")
    site = serve(
        PROXY + """
        location /cors/ {
            cors_policy cors.json;
            proxy_pass http://%BACKEND%;
        }
        """,
        {"api.json": BLOCK, "cors.json": API},
    )
    lines = {"Origin": "https://panic.test"}
    websocket = lines | {"Connection": "Upgrade", "Upgrade": "websocket"}
    for asked in ("POST", lines), ("PUT", lines), ("GET", websocket):
        assert_blocked(site.request(asked[0], "/", asked[1]))
    assert backend.hits == []
    for method, path in [("GET", "/"), ("HEAD", "/"), ("OPTIONS", "/"),
                         ("GET", "/cors/"), ("POST", "/cors/")]:
        answer = site.request(method, path, lines)
        assert (answer.status, answer.cors) == (200, {})
    # The worker has survived all of it.
    assert site.request("POST", "/", {"Origin": APP}).status == 200
    assert site.errors.count("cors_evaluate() failed") == 8
