"""What browsers get for actual requests."""

import pytest

from conftest import APP, STRANGER

PROXY = """
    cors_policy api.json;
    location / { proxy_pass http://%BACKEND%; }
"""

ALLOWED = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "expose-headers": "x-request-id",
}


@pytest.mark.memory
def test_the_last_of_many_headers_is_replaced_too(serve, backend):
    many = [(f"X-Number-{n}", str(n)) for n in range(40)]
    backend.answers["/"] = (200, [
        ("ACCESS-CONTROL-ALLOW-ORIGIN", STRANGER), *many,
        ("Access-Control-Allow-Origin", "*"), ("Vary", "Origin"), *many,
        ("access-control-allow-methods", "PATCH"),
    ])
    answer = serve(PROXY).get("/", origin=APP)
    assert answer.cors == ALLOWED
    assert answer.vary == ["Origin"]
    assert answer.all("x-number-39") == ["39", "39"]


def test_add_header_cannot_double_the_headers(serve):
    site = serve("""
        cors_policy api.json;
        add_header Access-Control-Allow-Origin * always;
        add_header Access-Control-Allow-Credentials true always;
        add_header X-Kept yes always;
        location / { return 200; }
        location /missing { return 404; }
    """)
    for path in ["/", "/missing"]:
        answer = site.get(path, origin=APP)
        assert answer.cors == ALLOWED
        assert answer.all("x-kept") == ["yes"]
        assert site.get(path, origin=STRANGER).cors == {}


def test_expires_and_other_headers_of_nginx_stay(serve):
    site = serve("""
        cors_policy api.json;
        location / { expires 1h; add_header X-Kept yes; return 200; }
    """)
    answer = site.get("/", origin=APP)
    assert answer.all("cache-control") == ["max-age=3600"]
    assert answer.all("x-kept") == ["yes"]


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (["Origin"], ["Origin"]),
        (["ORIGIN"], ["ORIGIN"]),
        (["Accept-Encoding, Origin"], ["Accept-Encoding, Origin"]),
        (["Accept-Encoding ,\torigin"], ["Accept-Encoding ,\torigin"]),
        (["*"], ["*"]),
        (["Accept-Encoding"], ["Accept-Encoding", "origin"]),
        (["X-Origin"], ["X-Origin", "origin"]),
        (["Origin-Agent, Origins"], ["Origin-Agent, Origins", "origin"]),
        ([""], ["", "origin"]),
        ([",,"], [",,", "origin"]),
    ],
)
def test_vary_gets_only_what_is_missing(serve, backend, present, expected):
    backend.answers["/"] = (200, [("Vary", value) for value in present])
    assert serve(PROXY).get("/", origin=APP).vary == expected


@pytest.mark.parametrize(
    ("present", "missing"),
    [
        ("Origin",
         "access-control-request-method, access-control-request-headers"),
        ("Access-Control-Request-Method",
         "origin, access-control-request-headers"),
        ("Access-Control-Request-Headers, Origin",
         "access-control-request-method"),
    ],
)
def test_vary_on_options_gets_only_what_is_missing(
    serve, backend, present, missing
):
    backend.answers["/"] = (200, [("Vary", present)])
    answer = serve(PROXY).request("OPTIONS", "/", origin=APP)
    assert answer.vary == [present, missing]


def test_gzip_vary_and_our_vary_stand_side_by_side(nginx, serve):
    nginx.write("html/long.txt", "long enough to be compressed\n" * 100)
    site = serve("""
        cors_policy api.json;
        gzip on; gzip_types text/plain; gzip_vary on; gzip_proxied any;
    """)
    answer = site.get("/long.txt", origin=APP)
    assert sorted(answer.vary) == ["Accept-Encoding", "origin"]


@pytest.mark.memory
def test_a_cached_response_is_decided_on_for_each_origin(serve, backend):
    backend.answers["/"] = (200, [
        ("Cache-Control", "max-age=60"),
        ("Access-Control-Allow-Origin", STRANGER),
    ])
    site = serve(
        """
        cors_policy api.json;
        location / {
            proxy_pass http://%BACKEND%;
            proxy_cache one;
            add_header X-Cache $upstream_cache_status;
        }
        """,
        http="proxy_cache_path %FOLDER%/cache keys_zone=one:1m;",
    )
    first = site.get("/", origin=APP)
    again = site.get("/", origin="https://a.preview.example.com")
    refused = site.get("/", origin=STRANGER)
    states = [answer.all("x-cache")[0] for answer in (first, again, refused)]
    assert states == ["MISS", "HIT", "HIT"]
    assert first.cors["allow-origin"] == APP
    assert again.cors["allow-origin"] == "https://a.preview.example.com"
    assert refused.cors == {}
    assert backend.hits == ["GET /"]


def test_subrequests_add_nothing_of_their_own(nginx, serve):
    nginx.write("html/page.html", '<!--#include virtual="/part" -->')
    site = serve("""
        cors_policy api.json;
        location = /page.html { ssi on; ssi_types *; }
        location = /part { return 200 "part $cors_verdict"; }
    """)
    answer = site.get("/page.html", origin=APP)
    assert answer.body == "part allowed"
    assert answer.cors == ALLOWED
    assert answer.vary == ["origin"]


def test_http_1_0_gets_the_same(serve):
    site = serve("cors_policy api.json; location / { return 200; }")
    answer = site.raw(f"GET / HTTP/1.0\r\nOrigin: {APP}\r\n\r\n".encode())
    assert f"access-control-allow-origin: {APP}\r\n" in answer


@pytest.mark.memory
def test_pipelined_requests_are_decided_on_one_by_one(serve):
    site = serve("cors_policy api.json; location / { return 200; }")
    head = "GET / HTTP/1.1\r\nHost: localhost\r\n"
    answer = site.raw(
        f"{head}Origin: {APP}\r\n\r\n{head}\r\n"
        f"{head}Origin: {STRANGER}\r\n\r\n"
        f"{head}Origin: {APP}\r\nConnection: close\r\n\r\n".encode()
    )
    parts = answer.split("HTTP/1.1 200 OK")[1:]
    permitted = ["access-control-allow-origin" in part for part in parts]
    assert permitted == [True, False, False, True]


def test_trailers_are_left_alone(serve):
    """Browsers do not read permissions in them."""
    site = serve("""
        cors_policy api.json;
        add_trailer Access-Control-Allow-Origin *;
        location / { return 200 text; }
    """)
    answer = site.raw(
        f"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: {APP}\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    head, _, rest = answer.partition("\r\n\r\n")
    assert head.count("access-control-allow-origin") == 1
    assert rest.endswith("0\r\nAccess-Control-Allow-Origin: *\r\n\r\n")
