"""Which policy governs a request."""

import pytest

from conftest import API, APP, STRANGER

OTHER = {"allow_origins": [STRANGER]}


def allowed(site, path):
    """The origins that may read it; the same for requests and preflights."""
    actual, preflights = [], []
    for origin in [APP, STRANGER]:
        answer = site.get(path, origin=origin)
        if answer.cors:
            assert answer.cors["allow-origin"] == origin
            actual.append(origin)
        preflight = site.preflight(path, "POST", origin=origin)
        if preflight.cors:
            assert preflight.status == 204
            preflights.append(origin)
    assert actual == preflights
    return actual


def start(serve, text, **parts):
    return serve(text, {"api.json": API, "other.json": OTHER}, **parts)


def test_an_inner_place_replaces_the_policy_of_an_outer_one(apache, serve):
    for path in ["a/b/c", "a/d", "e"]:
        apache.write(f"html/{path}", "content")
    site = start(serve, """
        CorsPolicy api.json
        <Directory %FOLDER%/html/a>
            CorsPolicy other.json
        </Directory>
        <Directory %FOLDER%/html/a/b>
            CorsPolicy off
        </Directory>
        <Files c>
            Header set X-Files yes
        </Files>
        <Location "/a/d">
            CorsPolicy api.json
        </Location>
    """)
    assert allowed(site, "/e") == [APP]
    assert allowed(site, "/a/d") == [APP]
    assert allowed(site, "/a/other") == [STRANGER]
    assert allowed(site, "/a/b/c") == []
    answer = site.get("/a/b/c", origin=APP)
    assert answer.vary == []
    assert answer.all("x-files") == ["yes"]


@pytest.mark.parametrize(
    "section",
    [
        '<Location "/a">', '<LocationMatch "^/a">', '<Directory %FOLDER%/html>',
        '<Files "a*">', '<If "%{REQUEST_URI} =~ m#^/a#">',
        '<Proxy "http://%BACKEND%/">',
    ],
)
def test_every_section_can_have_a_policy(apache, serve, section):
    apache.write("html/a", "content")
    name = section.split()[0][1:]
    proxy = "ProxyPass / http://%BACKEND%/" if name == "Proxy" else ""
    site = start(serve, f"{proxy}\n{section}\nCorsPolicy api.json\n</{name}>")
    assert allowed(site, "/a") == [APP]


def test_a_virtual_host_inherits_the_policy_of_the_main_server(serve):
    # Behind the virtual host of the template there are others.
    site = start(
        serve,
        """
        ServerName localhost
        </VirtualHost>
        <VirtualHost *:%PORT%>
        ServerName other.example
        CorsPolicy other.json
        </VirtualHost>
        <VirtualHost *:%PORT%>
        ServerName off.example
        CorsPolicy off
        """,
        main="""
        CorsPolicy api.json
        <Location "/closed">
            CorsPolicy off
        </Location>
        """,
    )

    def answer(host, path="/"):
        return site.request("GET", path, {"Host": host}, origin=APP).cors

    assert answer("localhost")["allow-origin"] == APP
    assert answer("other.example") == {}
    assert answer("off.example") == {}
    assert answer("localhost", "/closed") == {}
    stranger = site.request(
        "GET", "/", {"Host": "other.example"}, origin=STRANGER
    )
    assert stranger.cors == {"allow-origin": STRANGER}


def test_off_is_not_unset(serve, backend):
    """What is off leaves the application's headers, also where the request
    goes on to a place that has a policy."""
    own = [("Access-Control-Allow-Origin", "https://own.example")]
    backend.answers["/app"] = (200, own)
    site = start(serve, """
        ProxyPass /app http://%BACKEND%/app
        <Location "/app">
            CorsPolicy api.json
        </Location>
        <Directory %FOLDER%/html>
            RewriteEngine On
            RewriteRule ^(off|unset)$ /app [PT]
        </Directory>
        <Location "/off">
            CorsPolicy off
        </Location>
    """)
    off = site.get("/off", origin=APP)
    assert off.body == "application\n"
    assert off.cors == {"allow-origin": "https://own.example"}
    assert off.vary == []
    unset = site.get("/unset", origin=APP)
    assert unset.body == "application\n"
    assert unset.cors["allow-origin"] == APP
    assert site.preflight("/unset").status == 204
    assert site.preflight("/off").status == 200
    assert backend.hits == ["GET /app", "GET /app", "OPTIONS /app"]


@pytest.mark.parametrize("page", ["CorsPolicy off", "CorsPolicy other.json", ""])
@pytest.mark.parametrize("target", ["/error.html", "/app"])
def test_an_error_document_keeps_the_policy_of_the_request(
    apache, serve, page, target
):
    apache.write("html/error.html", "sorry")
    site = start(serve, f"""
        ProxyPass /app http://%BACKEND%/
        <Location "/api">
            CorsPolicy api.json
            ErrorDocument 404 {target}
        </Location>
        <Location "{target}">
            {page}
        </Location>
    """)
    answer = site.get("/api/missing", origin=APP)
    # An application says a status of its own.
    assert (answer.status, answer.body) == (
        (200, "application\n") if target == "/app" else (404, "sorry")
    )
    assert answer.cors["allow-origin"] == APP
    assert answer.vary == ["origin"]
    answer = site.get("/api/missing", origin=STRANGER)
    assert answer.cors == {}
    assert answer.vary == ["origin"]


def test_an_error_document_that_is_missing_keeps_the_headers(serve):
    site = start(serve, "CorsPolicy api.json\nErrorDocument 404 /missing.html")
    answer = site.get("/", origin=APP)
    assert answer.status == 404
    assert "Additionally, a 404 Not Found" in answer.body
    assert answer.cors["allow-origin"] == APP


def test_an_error_of_the_application_shown_by_httpd_keeps_the_headers(
    apache, serve, backend
):
    apache.write("html/error.html", "sorry")
    backend.answers["/"] = (500, [("Access-Control-Allow-Origin", "*")])
    site = start(serve, """
        CorsPolicy api.json
        ProxyErrorOverride On
        ErrorDocument 500 /error.html
        ProxyPass /error.html !
        ProxyPass / http://%BACKEND%/
    """)
    answer = site.get("/", origin=APP)
    assert answer.status == 500
    assert answer.body == "sorry"
    assert answer.cors["allow-origin"] == APP


@pytest.mark.memory
def test_an_index_and_a_variant_have_the_policy_of_what_was_asked(
    apache, serve
):
    apache.write("html/folder/index.html", "index")
    apache.write("html/page.html.en", "page")
    site = start(serve, """
        CorsPolicy api.json
        AddType text/html .html
        AddLanguage en .en
        DirectoryIndex index.html
        <Directory %FOLDER%/html>
            Options +MultiViews
        </Directory>
        <Files index.html>
            CorsPolicy other.json
        </Files>
    """)
    for path, body in [("/folder/", "index"), ("/page.html", "page")]:
        answer = site.get(path, origin=APP)
        assert answer.body == body
        assert answer.cors["allow-origin"] == APP
        assert "origin" in answer.varies_by
        assert site.preflight(path).status == 204


@pytest.mark.memory
def test_a_subrequest_adds_nothing(apache, serve, backend):
    """What a page includes has no headers of its own, and no preflight."""
    backend.answers["/part"] = (200, [("Access-Control-Allow-Origin", "*")])
    apache.write(
        "html/page.shtml", '<!--#include virtual="/part" -->'
        '<!--#include virtual="/missing" -->'
    )
    site = start(serve, """
        ProxyPass /part http://%BACKEND%/part
        AddOutputFilter INCLUDES .shtml
        CorsPolicy api.json
        <Directory %FOLDER%/html>
            Options +Includes
        </Directory>
        <Location "/part">
            CorsPolicy other.json
        </Location>
    """)
    for origin in [APP, STRANGER]:
        answer = site.get("/page.shtml", origin=origin)
        assert answer.status == 200
        assert answer.body.startswith("application\n")
        assert ("allow-origin" in answer.cors) == (origin == APP)
        assert answer.vary == ["origin"]
    assert backend.hits == ["GET /part", "GET /part"]
    assert site.errors.count("[cors:info]") == 1


def test_httpd_without_the_directive_is_left_as_it_was(serve, backend):
    backend.answers["/"] = (200, [("Access-Control-Allow-Origin", "*")])
    site = serve("ProxyPass / http://%BACKEND%/", {})
    answer = site.get("/", origin=APP)
    assert answer.cors == {"allow-origin": "*"}
    assert answer.vary == []
    assert site.preflight("/").status == 200
    assert sorted(site.log) == ["GET / - - -", "OPTIONS / - - -"]


def test_the_log_tells_the_decision(serve, apache):
    apache.write("html/error.html", "sorry")
    site = start(serve, """
        CorsPolicy api.json
        ErrorDocument 404 /error.html
        <Location "/off">
            CorsPolicy off
        </Location>
    """)
    site.get("/")
    site.get("/missing", origin=APP)
    site.get("/", origin=STRANGER)
    site.get("/", origin=APP + "/")
    site.preflight("/")
    site.preflight("/", "PATCH")
    site.preflight("/", "PUT", "authorization,x-other")
    site.get("/off", origin=APP)
    # Several threads write it.
    assert sorted(site.log) == sorted([
        "GET / not_cors none -",
        "GET /missing allowed none -",
        "GET / refused origin_not_allowed -",
        "GET / refused origin_malformed -",
        "OPTIONS / preflight_allowed none -",
        "OPTIONS / preflight_refused method_not_allowed PATCH",
        "OPTIONS / preflight_refused header_not_allowed x-other",
        "GET /off - - -",
    ])
    refusals = [line for line in site.errors.splitlines() if "[cors:" in line]
    assert len(refusals) == 4
    text = f'CorsPolicy: refused: no pattern matches the origin "{STRANGER}"'
    assert any(text in line for line in refusals)
