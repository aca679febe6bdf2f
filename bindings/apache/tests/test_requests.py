"""What browsers get for actual requests, whatever else sets headers."""

import os
import subprocess

import pytest

from conftest import API, APP, PREFLIGHT_VARY, STRANGER

PROXY = """
    CorsPolicy api.json
    ProxyPass / http://%BACKEND%/
"""

ALLOWED = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "expose-headers": "x-request-id",
}

OWN = [
    ("Access-Control-Allow-Origin", "*"),
    ("ACCESS-CONTROL-ALLOW-ORIGIN", STRANGER),
    ("access-control-allow-methods", "PATCH"),
    ("Access-Control-Allow-Private-Network", "true"),
]


@pytest.mark.memory
def test_the_last_of_many_headers_is_replaced_too(serve, backend):
    many = [(f"X-Number-{n}", str(n)) for n in range(40)]
    lines = []
    for n, line in enumerate(many):
        lines += [line, (f"Access-Control-Number-{n % 3}", str(n))]
    backend.answers["/"] = (200, [*lines, *OWN])
    answer = serve(PROXY).get("/", origin=APP)
    assert answer.cors == ALLOWED
    assert answer.all("x-number-39") == ["39"]


@pytest.mark.parametrize("status", [200, 404, 500])
def test_the_headers_of_a_cgi_program_are_replaced(apache, serve, status):
    program = apache.write("cgi/program", f"""#!/bin/sh
        echo "Status: {status}"
        echo "Content-Type: text/plain"
        echo "Access-Control-Allow-Origin: *"
        echo "Access-Control-Allow-Origin: {STRANGER}"
        echo "Vary: Accept"
        echo
        echo program
    """)
    os.chmod(program, 0o755)
    site = serve("""
        CorsPolicy api.json
        ScriptAlias /cgi/ %FOLDER%/cgi/
    """)
    answer = site.get("/cgi/program", origin=APP)
    assert answer.status == status
    assert answer.body == "program\n"
    assert answer.cors == ALLOWED
    assert answer.varies_by == ["accept", "origin"]


def test_a_cgi_program_that_writes_the_whole_response_is_left_alone(
    apache, serve
):
    program = apache.write("cgi/nph-program", """#!/bin/sh
        printf 'HTTP/1.0 200 OK\\r\\nAccess-Control-Allow-Origin: *\\r\\n\\r\\n'
    """)
    os.chmod(program, 0o755)
    site = serve("CorsPolicy api.json\nScriptAlias /cgi/ %FOLDER%/cgi/")
    answer = site.get("/cgi/nph-program", origin=APP)
    assert answer.cors == {"allow-origin": "*"}
    assert site.preflight("/cgi/nph-program").status == 204


@pytest.mark.parametrize("action", ["set", "append", "add", "merge"])
@pytest.mark.parametrize("table", ["", "always"])
def test_mod_headers_cannot_double_the_headers(serve, action, table):
    site = serve(f"""
        CorsPolicy api.json
        Header {table} {action} Access-Control-Allow-Origin *
        Header {table} {action} Access-Control-Allow-Credentials true
        Header {table} {action} X-Kept yes
        ProxyPass /app http://%BACKEND%/
    """)
    for path, status in [("/app", 200), ("/missing", 404)]:
        answer = site.get(path, origin=APP)
        assert answer.status == status
        assert answer.cors == ALLOWED
        if table == "always" or status == 200:
            assert answer.all("x-kept") == ["yes"]
        assert site.get(path, origin=STRANGER).cors == {}


def test_mod_headers_cannot_take_the_headers_away(serve):
    site = serve("""
        Header always unset Access-Control-Allow-Origin
        Header unset Access-Control-Allow-Origin
        Header unset Vary
    """ + PROXY)
    answer = site.get("/", origin=APP)
    assert answer.cors == ALLOWED
    assert answer.vary == ["origin"]


def test_a_request_is_decided_on_as_it_came(serve, backend):
    """Also where mod_headers hides the origin from the application."""
    site = serve("RequestHeader unset Origin" + PROXY)
    assert site.get("/", origin=APP).cors == ALLOWED
    assert site.preflight("/").status == 204


def test_what_mod_headers_changes_early_is_how_it_came(serve):
    site = serve("RequestHeader unset Origin early" + PROXY)
    assert site.get("/", origin=APP).cors == {}


def test_an_origin_that_mod_headers_adds_is_a_second_one(serve):
    site = serve(f"RequestHeader add Origin {APP} early" + PROXY)
    assert site.get("/", origin=APP).cors == {}
    assert site.get("/").cors == ALLOWED


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        (["Origin"], "Origin"),
        (["Accept-Encoding"], "Accept-Encoding,origin"),
        (["Accept-Encoding", "Cookie, ORIGIN"],
         "Accept-Encoding,Cookie,ORIGIN"),
        (["X-Origin"], "X-Origin,origin"),
        (["*"], "*"),
        (["Accept, *"], "Accept,*"),
        (["Accept", "*"], "Accept,*"),
        ([""], "origin"),
    ],
)
def test_vary_gets_what_is_missing(serve, backend, own, merged):
    backend.answers["/"] = (200, [("Vary", value) for value in own])
    site = serve(PROXY)
    for headers in [{}, {"Origin": APP}, {"Origin": STRANGER}]:
        assert site.request("GET", "/", headers).vary == [merged]


def test_the_vary_of_a_preflight_names_each_header_once(serve, backend):
    backend.answers["/"] = (200, [
        ("Vary", "Origin, Access-Control-Request-Method")
    ])
    answer = serve(PROXY).request("OPTIONS", "/", origin=APP)
    assert answer.varies_by == [*PREFLIGHT_VARY.split(",")]


def test_vary_of_everything_in_the_other_table_counts(serve):
    site = serve("Header always set Vary *" + PROXY)
    assert site.get("/", origin=APP).vary == ["*"]


def test_compression_and_the_policy_both_vary(apache, serve):
    apache.write("html/page.html", "content " * 100)
    site = serve("CorsPolicy api.json\nSetOutputFilter DEFLATE")
    for encoding in ["gzip", "identity"]:
        answer = site.request("HEAD", "/page.html", {
            "Origin": APP, "Accept-Encoding": encoding
        })
        assert answer.cors == ALLOWED
        assert sorted(answer.varies_by) == ["accept-encoding", "origin"]


CACHE = """
    CacheRoot %FOLDER%/cache
    CacheEnable disk /
    CacheIgnoreNoLastMod on
    CacheDefaultExpire 100
    ProxyPass / http://%BACKEND%/
"""


@pytest.fixture
def cached(apache, serve):
    (apache.folder / "cache").mkdir(mode=0o777)
    os.chmod(apache.folder / "cache", 0o777)

    def start(text, policies=None):
        return serve(CACHE + text, policies)

    return start


@pytest.mark.parametrize("own", [[], OWN, [("Cache-Control", "max-age=9")]])
@pytest.mark.parametrize("quick", ["off", "on"])
def test_one_cached_response_serves_all_origins(cached, backend, own, quick):
    """A cache keeps the application's headers; ours are made behind it."""
    backend.answers["/"] = (200, [*own, ("ETag", '"1"')])
    site = cached(f"CacheQuickHandler {quick}\nCorsPolicy api.json")
    for origin in [APP, STRANGER, "https://pr-1.preview.example.com"]:
        answer = site.get("/", origin=origin)
        assert answer.status == 200
        assert answer.body == "application\n"
        assert answer.cors.get("allow-origin") == (
            None if origin == STRANGER else origin
        )
        assert answer.vary == ["origin"]
        again = site.get("/", origin=origin, if_none_match='"1"')
        assert again.status == 304
        assert again.cors == answer.cors
    assert backend.hits == ["GET /"]


@pytest.mark.parametrize("server", ["CorsPolicy open.json", ""])
def test_a_cache_that_answers_before_the_place_is_known_permits_nothing(
    cached, backend, apache, server
):
    """Else it would be the server's policy, or the application's headers."""
    apache.expect("use CacheQuickHandler off")
    backend.answers["/closed/"] = (200, [*OWN, ("ETag", '"1"')])
    site = cached(
        f"""
        {server}
        <Location "/closed/">
            CorsPolicy api.json
        </Location>
        """,
        {"open.json": {"allow_origins": ["*"]}, "api.json": API},
    )
    assert site.get("/closed/", origin=STRANGER).cors == {}
    for headers in [{}, {"If-None-Match": '"1"'}]:
        answer = site.request("GET", "/closed/", headers, origin=STRANGER)
        assert answer.cors == {}
        assert "origin" in answer.varies_by
    assert backend.hits == ["GET /closed/"]
    assert "use CacheQuickHandler off" in site.errors


@pytest.fixture
def http2(serve):
    def ask(path, *lines, method="GET"):
        """The status and the headers, in lower case as HTTP/2 has them."""
        command = ["curl", "-sS", "-i", "--http2-prior-knowledge"]
        command += ["-X", method]
        for line in lines:
            command += ["-H", line]
        command.append(f"http://127.0.0.1:{site.port}{path}")
        text = subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout
        status, *headers = text.split("\n\n")[0].splitlines()
        assert status.startswith("HTTP/2 ")
        return int(status.split()[1]), headers

    site = serve("Protocols h2c http/1.1" + PROXY)
    return ask


@pytest.mark.memory
def test_http_2_gets_the_same_headers(http2):
    status, headers = http2("/", f"Origin: {APP}")
    assert status == 200
    assert headers.count(f"access-control-allow-origin: {APP}") == 1
    assert headers.count("vary: origin") == 1
    status, headers = http2("/", f"Origin: {STRANGER}")
    assert status == 200
    assert "access-control" not in "".join(headers)


def test_http_2_gets_its_preflights_answered(http2):
    lines = [
        f"Origin: {APP}",
        "Access-Control-Request-Method: PUT",
        "Access-Control-Request-Headers: authorization",
        "Access-Control-Request-Headers: content-type",
    ]
    status, headers = http2("/", *lines, method="OPTIONS")
    assert status == 204
    assert "access-control-allow-methods: GET,HEAD,POST,PUT,DELETE" in headers
    lines[0] = f"Origin: {STRANGER}"
    status, headers = http2("/", *lines, method="OPTIONS")
    assert status == 403
    assert not any(line.startswith("access-control") for line in headers)
