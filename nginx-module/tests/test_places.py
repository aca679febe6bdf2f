"""Which policy governs a request: that of the first location that sets one."""

import pytest

from conftest import API, APP, STRANGER, free_port

OTHER = "https://other.example.com"

POLICIES = {
    "api.json": API,
    "other.json": {"allow_origins": [OTHER], "allow_methods": ["PATCH"]},
}


def allowed(site, path, origin, method="GET"):
    answer = site.request(method, path, {"Origin": origin})
    return answer.cors.get("allow-origin") == origin


def test_the_policy_of_the_http_block_is_inherited(serve):
    site = serve("", http="cors_policy api.json;")
    assert allowed(site, "/", APP)


def test_a_location_replaces_the_whole_policy_of_the_server(serve):
    site = serve(
        """
        cors_policy api.json;
        location /other/ { cors_policy other.json; }
        """,
        POLICIES,
    )
    assert allowed(site, "/", APP) and not allowed(site, "/", OTHER)
    assert allowed(site, "/other/", OTHER)
    assert not allowed(site, "/other/", APP)
    answer = site.preflight("/other/", "PATCH", origin=OTHER)
    assert answer.status == 204
    assert answer.cors == {
        "allow-origin": OTHER, "allow-methods": "GET,HEAD,POST,PATCH"
    }
    assert site.preflight("/other/").status == 403


def test_off_stops_the_policy_of_the_server(serve, backend):
    backend.answers["/off/"] = (200, [
        ("Access-Control-Allow-Origin", "https://mine.example"),
        ("Vary", "Cookie"),
    ])
    site = serve("""
        cors_policy api.json;
        location /off/ { cors_policy off; proxy_pass http://%BACKEND%; }
    """)
    answer = site.get("/off/", origin=APP)
    assert answer.cors == {"allow-origin": "https://mine.example"}
    assert answer.vary == ["Cookie"]
    assert site.preflight("/off/").status == 200
    assert backend.hits == ["GET /off/", "OPTIONS /off/"]


def test_a_place_without_a_policy_is_left_alone(serve, backend):
    backend.answers["/"] = (200, [("Access-Control-Allow-Origin", "*"),
                                  ("Access-Control-Allow-Origin", "*")])
    site = serve("""
        location / { proxy_pass http://%BACKEND%; }
        location /api/ { cors_policy api.json; }
    """)
    answer = site.get("/", origin=APP)
    assert answer.all("access-control-allow-origin") == ["*", "*"]
    assert answer.vary == []
    assert site.preflight("/").status == 200
    assert backend.hits == ["GET /", "OPTIONS /"]


@pytest.mark.parametrize(
    "inner",
    [
        "try_files $uri /app;",
        "try_files $uri @app;",
        "error_page 404 /app;",
        "error_page 404 = /app;",
        "error_page 404 @app;",
        "error_page 404 =200 @app;",
        "rewrite ^ /app last;",
        "index app;",
        "proxy_pass http://%BACKEND%/redirect;",
    ],
)
@pytest.mark.parametrize("target", ["", "cors_policy api.json;"])
def test_off_is_not_undone_by_moving_on_to_another_location(
    nginx, serve, backend, inner, target
):
    backend.answers["/redirect"] = (200, [("X-Accel-Redirect", "/app")])
    nginx.write("html/private/app", "a file")
    site = serve(f"""
        cors_policy api.json;
        location /private/ {{ cors_policy off; {inner} }}
        location = /private/app {{ {target} }}
        location = /app {{ {target} proxy_pass http://%BACKEND%; }}
        location @app {{ {target} proxy_pass http://%BACKEND%; }}
    """)
    path = "/private/" if "index" in inner else "/private/missing"
    answer = site.get(path, origin=APP)
    assert answer.status in (200, 404)
    assert answer.cors == {}
    assert answer.vary == []
    assert site.preflight(path).cors == {}


@pytest.mark.parametrize(
    "inner",
    [
        "try_files $uri /app;",
        "try_files $uri @app;",
        "error_page 404 = /app;",
        "error_page 404 = @app;",
        "rewrite ^ /app last;",
        "index app;",
        "proxy_pass http://%BACKEND%/redirect;",
    ],
)
@pytest.mark.parametrize(
    "target", ["", "cors_policy other.json;", "cors_policy off;"]
)
def test_the_first_policy_governs_the_whole_request(
    nginx, serve, backend, inner, target
):
    backend.answers["/redirect"] = (200, [("X-Accel-Redirect", "/app")])
    nginx.write("html/first/app", "a file")
    site = serve(
        f"""
        location /first/ {{ cors_policy api.json; {inner} }}
        location = /first/app {{ {target} }}
        location = /app {{ {target} proxy_pass http://%BACKEND%; }}
        location @app {{ {target} proxy_pass http://%BACKEND%; }}
        """,
        POLICIES,
    )
    path = "/first/" if "index" in inner else "/first/missing"
    answer = site.get(path, origin=APP)
    assert answer.status == 200
    assert answer.cors["allow-origin"] == APP
    assert answer.vary == ["origin"]
    assert not allowed(site, path, OTHER)
    assert not allowed(site, path, STRANGER)
    hits = list(backend.hits)
    assert site.preflight(path).status == 204
    assert site.preflight(path, origin=OTHER).status == 403
    assert backend.hits == hits


@pytest.mark.parametrize(
    "inner", ["try_files $uri /app;", "try_files $uri @app;",
              "error_page 404 405 = @app;", "rewrite ^ /app last;"]
)
def test_a_location_without_a_policy_leaves_the_decision_to_the_next(
    serve, backend, inner
):
    site = serve(f"""
        location / {{ {inner} }}
        location = /app {{ cors_policy api.json;
                           proxy_pass http://%BACKEND%; }}
        location @app {{ cors_policy api.json;
                         proxy_pass http://%BACKEND%; }}
    """)
    assert allowed(site, "/missing", APP)
    assert not allowed(site, "/missing", STRANGER)
    hits = list(backend.hits)
    assert site.preflight("/missing").status == 204
    assert backend.hits == hits


def test_an_error_page_with_a_policy_does_not_answer_preflights(
    serve, backend
):
    site = serve("""
        location / { error_page 405 @page; return 405; }
        location @page { cors_policy api.json;
                         proxy_pass http://%BACKEND%; }
    """)
    answer = site.preflight("/")
    assert answer.status == 405
    assert answer.body == "application\n"


@pytest.mark.parametrize(
    "policy", ["", "cors_policy off;", "cors_policy api.json;"]
)
def test_a_subrequest_does_not_decide_for_the_request(serve, policy):
    site = serve(
        f"""
        location / {{ {policy} auth_request /auth; try_files /none @app; }}
        location = /auth {{ cors_policy other.json;
                            proxy_pass http://%BACKEND%; }}
        location @app {{ proxy_pass http://%BACKEND%; }}
        """,
        POLICIES,
    )
    assert not allowed(site, "/", OTHER)
    assert allowed(site, "/", APP) == ("api" in policy)


def test_an_if_block_does_not_change_the_policy(serve):
    site = serve("""
        location / {
            cors_policy api.json;
            if ($arg_a) { add_header X-Inner yes; return 200; }
            if ($arg_b) { rewrite ^ /b break; }
        }
    """)
    for path in ["/?a=1", "/?b=1", "/"]:
        assert allowed(site, path, APP)
        assert not allowed(site, path, STRANGER)
        assert site.preflight(path).status == 204


def test_a_server_without_a_policy_is_left_alone(serve):
    port = free_port()
    site = serve(
        "cors_policy api.json;",
        http=f"server {{ listen 127.0.0.1:{port}; return 404; }}",
    )
    assert allowed(site, "/", APP)
    site.port = port
    answer = site.get("/", origin=APP)
    assert answer.cors == {}
    assert answer.vary == []


@pytest.mark.memory
def test_virtual_servers_have_policies_of_their_own(serve):
    site = serve(
        "cors_policy api.json; server_name first;",
        POLICIES,
        http="""
            server {
                listen 127.0.0.1:%PORT%;
                server_name second;
                cors_policy other.json;
            }
        """,
    )
    for host, yes, no in [("first", APP, OTHER), ("second", OTHER, APP)]:
        for origin in (yes, no):
            headers = {"Host": host, "Origin": origin}
            answer = site.request("GET", "/", headers)
            assert bool(answer.cors) == (origin == yes)
