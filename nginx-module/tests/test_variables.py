"""What a log, a header or a limit can know about a decision."""

import socket
import threading
import time

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


@pytest.mark.memory
def test_a_websocket_log_shows_the_origin_that_was_allowed(nginx, serve):
    """An upgraded connection reuses the buffer of the request header.

    It does where data follows the request at once and more is there when the
    application agrees.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo():
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                waiting.wait(10)
                peer.sendall(
                    b"HTTP/1.1 101 Switching Protocols\r\n"
                    b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
                )
                while data := peer.recv(65536):
                    peer.sendall(data)

        waiting = threading.Event()
        thread = threading.Thread(target=echo)
        thread.start()
        site = serve(
            f"""
            cors_policy api.json;
            access_log %FOLDER%/sent.log sent;
            location / {{
                proxy_pass http://127.0.0.1:{listener.getsockname()[1]};
                proxy_http_version 1.1;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection upgrade;
            }}
            """,
            http="""
                log_format sent "$sent_http_access_control_allow_origin";
            """,
        )
        with socket.create_connection(("127.0.0.1", site.port)) as client:
            client.settimeout(10)
            client.sendall(
                f"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: {APP}\r\n"
                "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
                "early".encode()
            )
            time.sleep(0.1)
            client.sendall(b"x" * 400)
            waiting.set()
            received = b""
            while not received.endswith(b"early" + b"x" * 400):
                received += client.recv(65536)
        thread.join()
        site.stop()
    assert (site.folder / "sent.log").read_text() == f"{APP}\n"
