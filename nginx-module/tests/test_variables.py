"""What a log, a header or a limit can know about a decision."""

import pathlib
import shutil
import socket
import threading

import pytest

from conftest import API, APP, STRANGER

SITE = "cors_policy api.json; location / { return 200; }"


@pytest.mark.memory
def test_a_log_says_why(serve):
    site = serve(SITE)
    site.get("/none")
    site.get("/allowed", origin=APP)
    site.get("/pattern", origin="https://a.preview.example.com")
    site.get("/refused", origin=STRANGER)
    site.get("/malformed", origin="https://app.example.com/")
    site.preflight("/allowed", "PUT", "content-type")
    site.preflight("/origin", origin=STRANGER)
    site.preflight("/method", "PATCH")
    site.preflight("/header", "PUT", "content-type,X-Other,x-more")
    site.preflight("/bad-method", "P@TCH")
    site.preflight("/bad-headers", "PUT", "a b")
    assert site.log == [
        "GET /none not_cors none - - | - - -",
        f"GET /allowed allowed none - {APP} | - - -",
        "GET /pattern allowed none - https://*.preview.example.com | - - -",
        "GET /refused refused origin_not_allowed - - | - - -",
        "GET /malformed refused origin_malformed - - | - - -",
        f"OPTIONS /allowed preflight_allowed none - {APP} | - - -",
        "OPTIONS /origin preflight_refused origin_not_allowed - - | - - -",
        f"OPTIONS /method preflight_refused method_not_allowed PATCH {APP}"
        " | - - -",
        f"OPTIONS /header preflight_refused header_not_allowed X-Other {APP}"
        " | - - -",
        f"OPTIONS /bad-method preflight_refused method_malformed - {APP}"
        " | - - -",
        f"OPTIONS /bad-headers preflight_refused headers_malformed - {APP}"
        " | - - -",
    ]


@pytest.mark.memory
def test_the_error_log_explains_a_refusal_at_level_info(serve):
    site = serve(SITE)
    site.get("/", origin=APP)
    assert "[info]" not in "".join(
        line for line in site.errors.splitlines() if " cors: " in line
    )
    site.preflight("/", "PUT", "x-other")
    lines = [line for line in site.errors.splitlines() if " cors: " in line]
    assert len(lines) == 1
    assert "[info]" in lines[0]
    assert "x-other" in lines[0]


def test_an_origin_cannot_write_into_the_error_log(serve):
    site = serve(SITE)
    site.get("/", headers={"Origin": "https://a.example/\x1b[2J"})
    assert "origin" in site.errors.lower()
    assert "\x1b" not in site.errors


def test_the_application_can_be_told(serve, backend):
    site = serve("""
        cors_policy api.json;
        location / { add_header X-Verdict "$cors_verdict $cors_reason" always;
                     return 404; }
    """)
    assert site.get("/", origin=APP).all("x-verdict") == ["allowed none"]
    refused = site.get("/", origin=STRANGER).all("x-verdict")
    assert refused == ["refused origin_not_allowed"]


def test_a_limit_can_count_what_was_refused(serve):
    site = serve(
        """
        cors_policy api.json;
        location / { limit_req zone=refused; try_files /none @app; }
        location @app { return 200; }
        """,
        http="""
            map $cors_verdict $refused { refused $binary_remote_addr; }
            limit_req_zone $refused zone=refused:64k rate=1r/m;
        """,
    )
    statuses = [site.get("/", origin=APP).status for _ in range(3)]
    assert statuses == [200, 200, 200]
    statuses = [site.get("/", origin=STRANGER).status for _ in range(3)]
    assert statuses == [200, 503, 503]


@pytest.mark.memory
def test_variables_last_through_internal_redirects(serve):
    site = serve("""
        location / { cors_policy api.json; error_page 404 /page; }
        location /page { cors_policy off; return 200; }
    """)
    site.get("/missing", origin=APP)
    assert site.log == [f"GET /page allowed none - {APP} | - - -"]


def test_where_no_policy_governs_there_is_no_value(serve):
    site = serve("""
        cors_policy api.json;
        location /off { cors_policy off; return 200; }
        if ($cors_verdict) { return 400; }
    """)
    assert site.get("/off", origin=APP).status == 200
    assert site.log == ["GET /off - - - - | - - -"]


@pytest.mark.parametrize("name", [
    "verdict", "reason", "culprit", "pattern",
    "report_verdict", "report_reason", "report_culprit",
])
def test_a_name_that_a_configuration_already_defines_still_starts(
    serve, name
):
    for http, server in [
        (f'map $uri $cors_{name} {{ default "mine"; }}', ""),
        ("", f'set $cors_{name} "mine";'),
    ]:
        site = serve(
            f"""
            cors_policy api.json;
            {server}
            location / {{ return 200 "$cors_{name}"; }}
            """,
            http=http,
        )
        assert site.get("/", origin=APP).body == "mine"
        site.stop()


def has(nginx, directive):
    """Newer than Debian's."""
    binary = pathlib.Path(shutil.which(nginx.binary)).read_bytes()
    return directive.encode() + b"\0" in binary


OPENINGS = {
    "websocket": (
        "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        """
            proxy_pass http://127.0.0.1:%s;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        """,
    ),
    "connect": (
        "CONNECT localhost:443 HTTP/1.1\r\n", b"", "tunnel_pass 127.0.0.1:%s;",
    ),
}


@pytest.mark.memory
@pytest.mark.parametrize("kind", OPENINGS)
def test_the_log_of_a_tunnel_shows_the_origin_that_was_allowed(
    nginx, serve, kind
):
    """Such a connection reuses the buffer of the request header.

    It does where more data follows the request than that buffer holds.
    """
    if kind == "connect" and not has(nginx, "tunnel_pass"):
        pytest.skip("this nginx has no tunnel_pass")
    opening, agreed, inside = OPENINGS[kind]
    data = b"x" * 3000

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def echo():
            peer, _ = listener.accept()
            peer.settimeout(10)
            with peer:
                if agreed:
                    peer.recv(65536)
                peer.sendall(agreed)
                while part := peer.recv(65536):
                    peer.sendall(part)

        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        site = serve(
            f"""
            cors_policy api.json;
            access_log %FOLDER%/sent.log sent;
            location / {{ {inside % port} }}
            """,
            http="""
                log_format sent "$sent_http_access_control_allow_origin";
            """,
        )
        with socket.create_connection(("127.0.0.1", site.port)) as client:
            client.settimeout(10)
            client.sendall(
                f"{opening}Host: localhost:443\r\nOrigin: {APP}\r\n\r\n"
                .encode() + data
            )
            received = b""
            while not received.endswith(data):
                received += client.recv(65536)
        thread.join()
        site.stop()
    assert (site.folder / "sent.log").read_text() == f"{APP}\n"


def test_early_hints_of_the_application_permit_nothing(nginx, serve):
    if not has(nginx, "early_hints"):
        pytest.skip("this nginx has no early_hints")
    hints = (
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n"
        "Access-Control-Allow-Origin: *\r\nTiming-allow-origin: *\r\n\r\n"
    )
    final = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    timed = API | {"timing_allow_origins": ["*"]}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def answer():
            for _ in range(4):
                peer, _ = listener.accept()
                with peer:
                    peer.recv(65536)
                    peer.sendall((hints + final).encode())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        site = serve(f"""
            early_hints 1;
            proxy_pass_request_headers on;
            location / {{
                cors_policy api.json;
                proxy_http_version 1.1;
                proxy_pass http://127.0.0.1:{listener.getsockname()[1]};
            }}
            location /timed/ {{
                cors_policy timed.json;
                proxy_http_version 1.1;
                proxy_pass http://127.0.0.1:{listener.getsockname()[1]};
            }}
            location /off/ {{
                cors_policy off;
                proxy_http_version 1.1;
                proxy_pass http://127.0.0.1:{listener.getsockname()[1]};
            }}
        """, {"api.json": API, "timed.json": timed})
        for path, origin, number, timings in [
            ("/", APP, 0, 1), ("/", STRANGER, 0, 1), ("/off/", APP, 1, 1),
            ("/timed/", APP, 0, 0),
        ]:
            seen = site.raw(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                f"Origin: {origin}\r\nConnection: close\r\n\r\n".encode()
            )
            early, _, rest = seen.partition("\r\n\r\n")
            assert early.startswith("HTTP/1.1 103 ")
            assert "Link: </a.css>; rel=preload" in early
            assert early.lower().count("access-control-") == number
            assert early.lower().count("timing-allow-origin") == timings
            permitted = f"access-control-allow-origin: {APP}\r\n" in rest
            assert permitted == (origin == APP and path != "/off/")
        thread.join()
