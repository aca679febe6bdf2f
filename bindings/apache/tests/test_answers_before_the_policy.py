"""Where httpd answers a request before its place is known, the policy that is
known by then answers a preflight."""

import os

import pytest

from conftest import API, APP, STRANGER
from test_preflights import assert_allowed, assert_refused

OTHER = {"allow_origins": [STRANGER]}

ELSEWHERE = "https://elsewhere.example/"


def assert_answered(site, path):
    """Preflights are; other requests get what httpd answers, decorated."""
    assert_allowed(site.preflight(path))
    assert_allowed(site.preflight(path, "PUT", "authorization"))
    assert_refused(site.preflight(path, origin=STRANGER))
    answer = site.get(path, origin=APP)
    assert answer.cors["allow-origin"] == APP
    assert "origin" in answer.varies_by
    assert site.get(path, origin=STRANGER).cors == {}
    return answer


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
@pytest.mark.parametrize(
    "section", ['Location "/api/"', 'LocationMatch "^/a.i"']
)
@pytest.mark.parametrize(
    ("redirect", "status"),
    [
        (f"Redirect 308 {ELSEWHERE}", 308),
        (f"Redirect {ELSEWHERE}", 302),
        (f"Redirect permanent {ELSEWHERE}", 301),
        (f"RedirectMatch 307 .* {ELSEWHERE}", 307),
        ("Redirect gone", 410),
        ("Redirect 403", 403),
        ("Redirect 503", 503),
    ],
)
def test_a_redirect_in_a_location(
    apache, serve, mpm, section, redirect, status
):
    apache.mpm = mpm
    site = serve(f"""
        <{section}>
            CorsPolicy api.json
            {redirect}
        </{section.split()[0]}>
    """)
    answer = assert_answered(site, "/api/x")
    assert answer.status == status
    located = answer.all("location")
    assert [line[:len(ELSEWHERE)] for line in located] == (
        [ELSEWHERE] if status in (301, 302, 307, 308) else []
    )


@pytest.mark.parametrize("section", ["", '<Location "/">'])
@pytest.mark.parametrize(
    ("directives", "status"),
    [
        (f"Redirect 301 /old {ELSEWHERE}", 301),
        (f"RedirectMatch 308 ^/old {ELSEWHERE}", 308),
        ("Redirect gone /old", 410),
        (f"RewriteEngine On\nRewriteRule ^/old {ELSEWHERE} [R=307,L]", 307),
        ("RewriteEngine On\nRewriteRule ^/old - [F]", 403),
        ("RewriteEngine On\nRewriteRule ^/old - [G]", 410),
        ("RewriteEngine On\nRewriteRule ^/old - [R=405]", 405),
        (f"RewriteEngine On\nRewriteRule ^/old {ELSEWHERE}"
         " [R=302,CO=a:b:localhost]", 302),
    ],
)
def test_a_redirect_of_the_server(serve, section, directives, status):
    site = serve(f"""
        {section}
        CorsPolicy api.json
        {"</Location>" if section else ""}
        {directives}
    """)
    assert assert_answered(site, "/old/x").status == status
    assert site.preflight("/old").all("location") == []


def test_a_redirect_of_userdir(serve):
    site = serve(f"CorsPolicy api.json\nUserDir {ELSEWHERE}*/")
    assert assert_answered(site, "/~someone/").status == 302


@pytest.mark.memory
@pytest.mark.parametrize("page", ["/page", '"no"', ELSEWHERE])
def test_no_error_document_takes_it_over(serve, backend, page):
    site = serve(f"""
        ProxyPass /page http://%BACKEND%/
        ErrorDocument 410 {page}
        ErrorDocument 204 {page}
        ErrorDocument 403 {page}
        <Location "/api/">
            CorsPolicy api.json
            Redirect gone
        </Location>
    """)
    assert_allowed(site.preflight("/api/x"))
    assert_refused(site.preflight("/api/x", origin=STRANGER))
    assert backend.hits == []


@pytest.mark.parametrize("places", [
    ("CorsPolicy api.json", "CorsPolicy off"),
    ("", "CorsPolicy off"),
    ("", ""),
])
def test_where_no_policy_governs_the_redirect_stays(serve, places):
    outer, inner = places
    site = serve(f"""
        {outer}
        <Location "/api/">
            {inner}
            Redirect 308 {ELSEWHERE}
        </Location>
    """)
    answer = site.preflight("/api/x")
    assert answer.status == 308
    assert answer.all("location")[0].startswith(ELSEWHERE)
    assert answer.cors == {}


def test_what_is_no_preflight_is_redirected(serve):
    site = serve(f"""
        <Location "/api/">
            CorsPolicy api.json
            Redirect 308 {ELSEWHERE}
        </Location>
    """)
    asks = {"Access-Control-Request-Method": "PUT"}
    for headers in [{}, {"Origin": APP}, asks]:
        answer = site.request("OPTIONS", "/api/x", headers)
        assert answer.status == 308
        assert ("allow-origin" in answer.cors) == ("Origin" in headers)


def test_a_rewrite_that_goes_on_is_governed_by_the_place_it_comes_to(serve):
    """As other requests are: a preflight and its request agree."""
    site = serve(
        """
        RewriteEngine On
        RewriteRule ^/v1/(.*) /api/$1 [PT]
        <Location "/v1/">
            CorsPolicy other.json
        </Location>
        <Location "/api/">
            CorsPolicy api.json
        </Location>
        """,
        {"api.json": {"allow_origins": [APP]}, "other.json": OTHER},
    )
    for path in ["/v1/x", "/api/x"]:
        assert site.preflight(path, "POST").status == 204
        assert site.preflight(path, "POST", origin=STRANGER).status == 403
        assert site.get(path, origin=APP).cors == {"allow-origin": APP}
        assert site.get(path, origin=STRANGER).cors == {}


@pytest.mark.memory
@pytest.mark.parametrize("outer", ["", "CorsPolicy other.json"])
@pytest.mark.parametrize(
    ("path", "status", "options"),
    [
        ("/link/x", 403, "Options None"),
        ("/fault/x", 500, "AllowOverride All"),
        (f"/{'x' * 300}", 403, "Options None"),
    ],
)
def test_a_path_on_which_httpd_fails(
    apache, serve, outer, path, status, options
):
    """Links that are not followed, .htaccess with a fault, names that are too
    long: found before the section is known, which a location's is all the
    same."""
    apache.expect("Invalid command")
    apache.write("html/target/x", "content")
    apache.write("html/fault/.htaccess", "NoSuchDirective")
    apache.write("html/fault/x", "content")
    os.symlink(apache.folder / "html/target", apache.folder / "html/link")
    site = serve(
        f"""
        {outer}
        <Directory %FOLDER%/html>
            {options}
        </Directory>
        <Location "/">
            CorsPolicy api.json
            ErrorDocument {status} "no"
        </Location>
        """,
        {"api.json": API, "other.json": OTHER},
    )
    assert assert_answered(site, path).status == status


@pytest.mark.parametrize("directives", [
    "DirectorySlash On\nDirectoryIndex index.html",
    "CheckSpelling On",
    "Options +MultiViews",
    "Action text/plain /cgi",
    "Script PUT /cgi",
    "FallbackResource /elsewhere",
    "ErrorDocument 404 /elsewhere",
    "SetHandler server-status",
    "Dav On",
])
def test_what_comes_after_the_policy(apache, serve, directives):
    """Hooks of later phases, and handlers, get no preflight at all."""
    apache.write("html/folder/file", "content")
    apache.write("html/folder/file.en", "content")
    site = serve(f"""
        DavLockDB %FOLDER%/dav
        <Directory %FOLDER%/html>
            CorsPolicy api.json
            {directives}
        </Directory>
    """)
    for path in ["", "/", "/fiel", "/file", "/none/none"]:
        path = "/folder" + path
        assert_allowed(site.preflight(path))
        assert_refused(site.preflight(path, origin=STRANGER))


@pytest.mark.parametrize("directives", [
    "ProxyPass / http://%DEAD%/",
    "ProxyPass / http://%DEAD%/ mapping=servlet",
    "ProxyPassMatch ^/(.*) http://%DEAD%/$1",
    "RewriteEngine On\nRewriteRule ^/(.*) http://%DEAD%/$1 [P]",
    "VirtualDocumentRoot %FOLDER%/html/%0",
    "AliasMatch ^/(.*) %FOLDER%/html/$1",
    "ScriptAlias / %FOLDER%/html/",
    "UserDir public_html",
])
def test_what_only_translates(serve, directives):
    site = serve(f"""
        {directives}
        <Location "/">
            CorsPolicy api.json
        </Location>
    """)
    for path in ["/x", "/~daemon/x", "/a;b/c"]:
        assert_allowed(site.preflight(path))
        assert_refused(site.preflight(path, origin=STRANGER))


def test_what_the_documentation_says_is_not_covered(apache, serve):
    """An encoded slash, a request that is malformed, and in a path on which
    httpd fails the policy of a <Directory>."""
    apache.write("html/target/x", "content")
    os.symlink(apache.folder / "html/target", apache.folder / "html/link")
    site = serve("""
        <Directory %FOLDER%/html>
            Options None
            CorsPolicy api.json
        </Directory>
    """)
    assert_allowed(site.preflight("/target/x"))
    answer = site.preflight("/link/x")
    assert (answer.status, answer.cors) == (403, {})
    assert site.preflight("/a%2Fb").status == 404
    assert site.get("/a%2Fb", origin=APP).status == 404
    assert site.preflight("/%zz").status == 400
