"""A policy's Timing-Allow-Origin is on every response but that to a preflight,
and replaces the application's; without one, the application's passes."""

import os

import pytest

from conftest import (
    API, APP, SENT_TIMING, TIMED, TIMING, TIMING_VALUE, timing,
)

POLICIES = {"api.json": API, "timed.json": TIMED}
OWN_VALUE = ", ".join(value for _, value in SENT_TIMING)


def value(*args, **kwargs):
    """The same with its fields joined, as httpd joins some itself."""
    status, fields = timing(*args, **kwargs)
    return status, ", ".join(fields)


@pytest.mark.memory
def test_it_is_on_what_httpd_itself_responds(apache, serve):
    apache.write("users", "")
    apache.write("html/folder/file", "content")
    program = apache.write("cgi/program", "#!/bin/sh\n")
    os.chmod(program, 0o755)
    site = serve("""
        CorsPolicy timed.json
        Redirect 301 /301 https://elsewhere.example/
        RewriteEngine On
        RewriteRule ^/302 /there [R=302]
        <Location "/401">
            AuthType Basic
            AuthName "private"
            AuthUserFile %FOLDER%/users
            Require valid-user
        </Location>
        <Location "/403">
            Require all denied
        </Location>
        <Location "/404">
            ErrorDocument 404 /folder/file
        </Location>
        ProxyPass /503 http://%DEAD%/
        <Location "/cgi/">
            LimitRequestBody 1
        </Location>
        ScriptAlias /cgi/ %FOLDER%/cgi/
    """, POLICIES)
    for path, status in [
        ("/301", 301), ("/302", 302), ("/401", 401), ("/403", 403),
        ("/404", 404), ("/missing", 404), ("/503", 503), ("/folder", 301),
        ("/folder/file", 200), ("/%zz", 400),
    ]:
        for method in "GET", "HEAD":
            assert value(site, path, method) == (status, TIMING_VALUE)
    assert value(site, "/folder/file", "OPTIONS") == (200, TIMING_VALUE)
    etag = site.get("/folder/file").all("etag")[0]
    assert value(
        site, "/folder/file", **{"If-None-Match": etag}
    ) == (304, TIMING_VALUE)
    assert value(
        site, "/folder/file", Range="bytes=99-"
    ) == (416, TIMING_VALUE)
    answer = site.request("POST", "/cgi/program", {"Origin": APP}, b"too long")
    assert (answer.status, answer.all(TIMING)) == (413, [TIMING_VALUE])


@pytest.mark.parametrize("policy", ["timed.json", "api.json", "off"])
def test_it_replaces_that_of_the_application(serve, backend, policy):
    statuses = [200, 204, 302, 304, 404, 500]
    for status in statuses:
        backend.answers[f"/{status}"] = (status, SENT_TIMING)
    site = serve(
        f"CorsPolicy {policy}\nProxyPass / http://%BACKEND%/", POLICIES
    )
    for status in statuses:
        for method in "GET", "HEAD", "OPTIONS":
            assert value(site, f"/{status}", method) == (
                status, TIMING_VALUE if policy == "timed.json" else OWN_VALUE
            )


@pytest.mark.parametrize("table", ["", "always"])
def test_it_replaces_that_of_mod_headers(apache, serve, table):
    apache.write("html/timed/file", "content")
    apache.write("html/plain/file", "content")
    site = serve(f"""
        Header {table} add Timing-Allow-Origin https://evil.example
        Header {table} add timing-allow-origin *
        <Location "/timed">
            CorsPolicy timed.json
        </Location>
        <Location "/plain">
            CorsPolicy api.json
        </Location>
    """, POLICIES)
    own = "https://evil.example, *"
    assert value(site, "/timed/file") == (200, TIMING_VALUE)
    assert value(site, "/timed/missing") == (404, TIMING_VALUE)
    assert value(site, "/plain/file") == (200, own)
    assert value(site, "/plain/missing") == (404, own if table else "")
    # The policy says nothing of preflights.
    for path in "/timed/file", "/plain/file":
        answer = site.preflight(path)
        assert answer.status == 204
        assert ", ".join(answer.all(TIMING)) == (own if table else "")


def test_mod_headers_cannot_take_it_away(apache, serve):
    apache.write("html/file", "content")
    site = serve("""
        CorsPolicy timed.json
        Header unset Timing-Allow-Origin
        Header always unset Timing-Allow-Origin
    """, POLICIES)
    assert value(site, "/file") == (200, TIMING_VALUE)
    assert value(site, "/missing") == (404, TIMING_VALUE)
