"""What `block` names never reaches the application, whatever stands in the
configuration. The vectors are in tests/hosts."""

import http.client
import itertools
import pathlib
import subprocess

import pytest

from conftest import (
    API, APP, ATTACKS, BLOCK, OWN, STRANGER, assert_blocked, open_websocket,
    open_websocket_http2, wait_until,
)

POLICY = {"api.json": BLOCK}
PROXY = """
    CorsPolicy api.json
    ProxyPass / http://%BACKEND%/
"""
WEBSOCKETS = """
    CorsPolicy api.json
    ProxyPass / http://%BACKEND%/ upgrade=websocket
"""
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket"}


def assert_all_blocked(site, path="/"):
    for method, lines in ATTACKS:
        assert_blocked(site.request(method, path, lines, b"x=1"))


@pytest.mark.memory
def test_attacks_do_not_reach_the_application(serve, backend):
    site = serve(PROXY, POLICY)
    assert_all_blocked(site)
    assert backend.hits == []
    for method, lines in OWN:
        assert site.request(method, "/", lines).status == 200
    assert len(backend.hits) == len(OWN)


def test_without_block_they_do(serve, backend):
    site = serve(PROXY)
    for method, lines in ATTACKS:
        assert site.request(method, "/", lines).status in (200, 501)
    # The application knows no PROPFIND.
    assert len(backend.hits) == len(ATTACKS) - 1
    assert "blocked" not in site.errors


#: What guards a section, answers in it, or hands a request on.
IN_A_SECTION = [
    'AuthType Basic\nAuthName "private"\nAuthUserFile %FOLDER%/users\n'
    "Require valid-user",
    "Require all denied",
    "Require method GET",
    "Order Deny,Allow\nDeny from all",
    "AllowMethods GET",
    "<LimitExcept GET>\nRequire all denied\n</LimitExcept>",
    "<Limit POST DELETE PROPFIND>\nRequire all denied\n</Limit>",
    "LimitRequestBody 1",
    "Redirect 308 https://elsewhere.example/",
    "Redirect gone",
    "RewriteEngine On\nRewriteRule ^ - [F]",
    "RewriteEngine On\nRewriteRule ^ /elsewhere [PT]",
    "RewriteEngine On\nRewriteRule ^ http://%BACKEND%/elsewhere [P]",
    "SetHandler proxy:http://%BACKEND%",
    "SetHandler server-status",
    "FallbackResource /elsewhere",
    "RequestHeader unset Origin\nRequestHeader unset Sec-Fetch-Site",
]


@pytest.mark.parametrize("directives", IN_A_SECTION)
@pytest.mark.parametrize("level", ["server", "section"])
def test_nothing_in_a_section_comes_before_it(
    apache, serve, backend, level, directives
):
    apache.write("users", "")
    policy = "CorsPolicy api.json"
    site = serve(
        f"""
        {policy if level == "server" else ""}
        ProxyPass /elsewhere http://%BACKEND%/
        ProxyPass /api/ http://%BACKEND%/
        <Location "/api/">
            {policy if level == "section" else ""}
            {directives}
        </Location>
        """,
        POLICY,
    )
    assert_all_blocked(site, "/api/x")
    assert backend.hits == []


#: What comes to the application, or answers, before httpd knows the file.
OF_A_SERVER = [
    "ProxyPass / http://%BACKEND%/",
    "ProxyPass / http://%BACKEND%/ mapping=servlet",
    "ProxyPass / http://%BACKEND%/ upgrade=websocket",
    "ProxyPass / ws://%BACKEND%/",
    "ProxyPassMatch ^/(.*) http://%BACKEND%/$1",
    "RewriteEngine On\nRewriteRule ^/(.*) http://%BACKEND%/$1 [P]",
    "RewriteEngine On\nRewriteCond %{HTTP:Upgrade} websocket\n"
    "RewriteRule ^/(.*) ws://%BACKEND%/$1 [P]",
    "RewriteEngine On\nRewriteRule ^/ - [F]",
    "Redirect 307 / https://elsewhere.example/",
    "RedirectMatch 308 . https://elsewhere.example/",
]


@pytest.mark.parametrize("directives", OF_A_SERVER)
@pytest.mark.parametrize("section", ["", '<Location "/">'])
def test_nothing_of_a_server_comes_before_it(
    serve, backend, section, directives
):
    site = serve(
        f"""
        {directives}
        {section}
        CorsPolicy api.json
        {"</Location>" if section else ""}
        """,
        POLICY,
    )
    assert_all_blocked(site)
    for origin in STRANGER, "null":
        lines = {"Origin": origin}
        assert open_websocket(site.port, "/", lines) == (403, None)
    assert backend.hits == []


@pytest.mark.parametrize("page", [
    "/page", '"text"', "http://%BACKEND%/", "/page\nProxyErrorOverride On",
])
@pytest.mark.parametrize("status", ["", "Redirect 403", "Require all denied"])
def test_no_error_document_hands_it_to_the_application(
    serve, backend, page, status
):
    site = serve(
        f"""
        ProxyPass / http://%BACKEND%/
        ErrorDocument 403 {page}
        <Location "/api/">
            CorsPolicy api.json
            {status}
        </Location>
        """,
        POLICY,
    )
    assert_all_blocked(site, "/api/x")
    assert backend.hits == []


def test_an_error_document_that_is_the_application_is_guarded(serve, backend):
    """Here it has the policy, and what leads there has none. httpd makes a GET
    of it, so only the opening of a WebSocket can be blocked."""
    site = serve(
        """
        ProxyPass /page http://%BACKEND%/ upgrade=websocket
        ErrorDocument 403 /page
        <Location "/api/">
            Require all denied
        </Location>
        <Location "/page">
            CorsPolicy api.json
        </Location>
        """,
        POLICY,
    )
    assert open_websocket(site.port, "/api/", {"Origin": STRANGER}) == (
        403, None
    )
    assert backend.hits == []
    site.request("POST", "/api/", {"Origin": STRANGER})
    assert backend.hits == ["GET /"]


def test_a_section_without_block_takes_what_others_post(serve, backend):
    """Identity providers post with the origin null."""
    site = serve(
        PROXY + """
        <Location "/login/callback">
            CorsPolicy off
        </Location>
        """,
        POLICY,
    )
    lines = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}
    assert site.request("POST", "/login/callback", lines).status == 200
    assert_blocked(site.request("POST", "/login", lines))
    assert backend.hits == ["POST /login/callback"]


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
@pytest.mark.parametrize("body", ["length", "chunked"])
def test_the_body_is_no_request(apache, serve, backend, mpm, body):
    apache.mpm = mpm
    site = serve(PROXY, POLICY)
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


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_page_on_http_is_not_of_the_site_on_https(serve, scheme):
    """ServerName says that TLS ends in front of httpd."""
    site = serve(f"ServerName {scheme}://site.example\nCorsPolicy api.json",
                 POLICY)

    def status(origin, **more):
        lines = {"Host": "site.example", "Origin": f"{origin}://site.example"}
        return site.request("POST", "/", lines | more).status

    assert status("https") != 403
    assert (status("http") == 403) == (scheme == "https")
    lines = {"Host": "site.example", "Origin": "http://site.example"}
    opened = site.request("GET", "/", lines | UPGRADE).status
    assert (opened == 403) == (scheme == "https")


# --- WebSockets, and HTTP/2


@pytest.mark.memory
@pytest.mark.parametrize("proxied", [
    "ProxyPass / http://%BACKEND%/ upgrade=websocket",
    "ProxyPass / ws://%BACKEND%/",
    "RewriteEngine On\nRewriteRule ^/(.*) ws://%BACKEND%/$1 [P]",
])
def test_a_blocked_websocket_never_reaches_the_application(
    serve, backend, proxied
):
    site = serve(f"CorsPolicy api.json\n{proxied}", POLICY)

    def opened(path, origin):
        lines = {"Host": "site.example", "Origin": origin}
        return open_websocket(site.port, path, lines)

    for origin in STRANGER, "null", "https://sub.site.example":
        assert opened("/", origin) == (403, None)
    assert backend.hits == []
    own = [APP, "https://site.example", "http://site.example"]
    for number, origin in enumerate(own):
        assert opened(f"/{number}", origin) == (101, "hi")
    assert backend.hits == [f"GET /{number}" for number in range(len(own))]


def http2(site, method, *lines):
    """The version, the status and the body."""
    text = subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "-X", method,
         "-w", "\n%{http_version} %{http_code}",
         *(word for line in lines for word in ("-H", line)),
         f"http://127.0.0.1:{site.port}/"],
        capture_output=True, text=True, check=True,
    ).stdout
    body, _, end = text.rpartition("\n")
    return *end.split(), body


def test_http_2_gets_the_same(serve, backend):
    site = serve("Protocols h2c http/1.1" + PROXY, POLICY)
    for line in f"Origin: {STRANGER}", "Origin: null", \
            "Sec-Fetch-Site: same-site":
        version, status, body = http2(site, "POST", line)
        assert (version, status) == ("2", "403")
        assert body.startswith("This request was blocked")
    assert backend.hits == []
    # :authority, since HTTP/2 has no Host.
    for line in f"Origin: http://127.0.0.1:{site.port}", f"Origin: {APP}", \
            "Sec-Fetch-Site: same-origin":
        assert http2(site, "POST", line)[:2] == ("2", "200")
    assert backend.hits == ["POST /"] * 3


@pytest.mark.parametrize("offered", ["H2WebSockets On", ""])
def test_http_2_opens_no_blocked_websocket(serve, backend, offered):
    """An extended CONNECT: httpd makes the opening of HTTP/1.1 out of it."""
    site = serve(WEBSOCKETS, POLICY,
                 main=f"Protocols h2c http/1.1\n{offered}")
    status, _ = open_websocket_http2(site.port, "/", {"origin": STRANGER})
    # Else mod_http2 resets the stream.
    assert status == (403 if offered else None)
    assert backend.hits == []
    if offered:
        assert open_websocket_http2(site.port, "/", {"origin": APP}) == (
            200, "hi"
        )
        assert backend.hits == ["GET /"]


# --- what is said of it


def test_the_logs_say_what_was_blocked(serve):
    site = serve("CorsPolicy api.json", POLICY, main="LogLevel cors:warn")
    site.request("POST", "/", {"Origin": STRANGER})
    site.request("POST", "/", {"Origin": 'x"\\'})
    site.request("POST", "/", {"Sec-Fetch-Site": "cross-site"})
    site.request("POST", "/", {"Sec-Fetch-Site": "same-origin",
                               "Origin": STRANGER})
    # Threads write it.
    assert sorted(site.log) == [
        "POST / blocked cross_site -",
        "POST / blocked origin_malformed -",
        "POST / blocked origin_not_allowed -",
        "POST / same_origin none -",
    ]
    assert site.errors.count("CorsPolicy: blocked: ") == 3
    assert f'no pattern matches the origin "{STRANGER}"' in site.errors


# --- failure is closed


@pytest.fixture
def faulty(request, apache):
    """An httpd whose module can fail: faults.h, and `make faulty`."""
    module = request.config.getoption("--faulty-module")
    if not module:
        pytest.skip("needs --faulty-module")
    apache.module = pathlib.Path(module).resolve()
    return apache


def test_a_bug_in_the_library_opens_nothing(faulty, serve, backend):
    """In this library, a decision about the origin panics."""
    faulty.expect("cors_evaluate() failed")
    site = serve(
        WEBSOCKETS + """
        ErrorDocument 403 /page
        <Location "/cors/">
            CorsPolicy cors.json
        </Location>
        """,
        POLICY | {"cors.json": API},
    )
    lines = {"Origin": "https://panic.test"}
    for method, more in ("POST", {}), ("PUT", {}), ("GET", UPGRADE):
        assert_blocked(site.request(method, "/", lines | more))
    assert backend.hits == []
    for path in "/", "/cors/":
        answer = site.request("GET", path, lines)
        assert (answer.status, answer.cors) == (200, {})
    answer = site.request("POST", "/cors/", lines)
    assert (answer.status, answer.cors) == (200, {})
    # The child has survived all of it.
    assert site.request("POST", "/", {"Origin": APP}).status == 200
    assert site.errors.count("cors_evaluate() failed") == 6


def test_a_failed_allocation_ends_the_child_and_not_the_guard(
    faulty, serve, backend
):
    """httpd aborts if a pool has no memory."""
    asked = [
        ("POST", {"Origin": STRANGER}),
        ("GET", {"Origin": STRANGER} | UPGRADE),
    ]

    def closed(site, method, lines):
        try:
            assert site.request(method, "/", lines).status == 403
            return False
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return True

    for number in itertools.count(1):
        faulty.environment["CORS_FAULT"] = str(number)
        faulty.write("error.log", "")
        site = serve(
            WEBSOCKETS + "ErrorDocument 403 /page\nErrorDocument 500 /page",
            # httpd takes a second to replace a child.
            POLICY, main="StartServers 3",
        )
        seen = {closed(site, method, lines) for method, lines in asked}
        assert backend.hits == []
        faulted = "cors fault: " in site.errors
        assert seen == {faulted}
        if faulted:
            # Each has ended, as it should.
            wait_until(
                lambda: site.errors.count("exit signal Abort") == len(asked),
                "the end of the children",
            )
            site.first = set()
        site.stop()
        if not faulted:
            break
    # The request's configuration, its header fields, the response.
    assert number > 6


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_response_before_the_section_is_known_opens_nothing(
    apache, serve, backend, method
):
    """A cache asks for a decision without a policy."""
    apache.expect("a cache responds before the section is known")
    backend.answers["/x"] = (200, [("Cache-Control", "max-age=60")])
    site = serve(
        """
        CacheEnable disk /
        CacheRoot %FOLDER%/cache
        ProxyPass / http://%BACKEND%/ upgrade=websocket
        <Location "/">
            CorsPolicy api.json
        </Location>
        """,
        POLICY,
    )
    apache.folder.joinpath("cache").mkdir()
    assert site.get("/x").status == 200
    seen = list(backend.hits)
    lines = {"Origin": STRANGER} | (UPGRADE if method == "GET" else {})
    for path in "/x", "/y":
        assert site.request(method, path, lines).cors == {}
    assert backend.hits == seen
