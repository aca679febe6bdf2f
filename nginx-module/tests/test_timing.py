"""A policy's Timing-Allow-Origin is on every response but that to a preflight,
and replaces the application's; without one, the application's passes."""

import pytest

from conftest import (
    API, APP, SENT_TIMING, TIMED, TIMING, TIMING_VALUE, timing,
)

POLICIES = {"api.json": API, "timed.json": TIMED}


def test_it_is_on_what_nginx_itself_responds(nginx, serve):
    nginx.write("users", "")
    nginx.write("html/folder/file", "content")
    site = serve("""
        cors_policy timed.json;
        location /301 { return 301 /there; }
        location /401 { auth_basic a; auth_basic_user_file %FOLDER%/users; }
        location /403 { deny all; }
        location /413 { client_max_body_size 1; }
        location /429 { return 429; }
        location /502 { proxy_pass http://%DEAD%; }
        location /paged { error_page 404 =404 /page; return 404; }
        location /page { return 200 page; }
        location /folder { }
    """, POLICIES)
    for path, status in [
        ("/301", 301), ("/401", 401), ("/403", 403), ("/missing", 404),
        ("/429", 429), ("/502", 502), ("/paged", 404), ("/folder", 301),
        ("/folder/file", 200),
    ]:
        for method in "GET", "HEAD", "OPTIONS":
            is_file = path in ("/missing", "/folder", "/folder/file")
            expected = 405 if is_file and method == "OPTIONS" else status
            assert timing(site, path, method) == (expected, [TIMING_VALUE])
    modified = site.get("/folder/file").all("last-modified")[0]
    assert timing(
        site, "/folder/file", **{"If-Modified-Since": modified}
    ) == (304, [TIMING_VALUE])
    assert timing(
        site, "/folder/file", Range="bytes=99-"
    ) == (416, [TIMING_VALUE])
    answer = site.request("POST", "/413", {"Origin": APP}, b"12")
    assert (answer.status, answer.all(TIMING)) == (413, [TIMING_VALUE])
    raw = site.raw(b"GET / HTTP/9.9\r\n\r\n")
    assert f"\r\n{TIMING}: {TIMING_VALUE}\r\n" in raw


@pytest.mark.parametrize("policy", ["timed.json", "api.json", "off"])
def test_it_replaces_that_of_the_application(serve, backend, policy):
    statuses = [200, 204, 302, 304, 404, 500]
    for status in statuses:
        backend.answers[f"/{status}"] = (status, SENT_TIMING)
    site = serve(f"""
        cors_policy {policy};
        location / {{ proxy_pass http://%BACKEND%; }}
    """, POLICIES)
    for status in statuses:
        for method in "GET", "HEAD", "OPTIONS":
            own = [value for _, value in SENT_TIMING]
            assert timing(site, f"/{status}", method) == (
                status, [TIMING_VALUE] if policy == "timed.json" else own
            )


def test_it_replaces_that_of_add_header(serve, backend):
    added = """
        add_header Timing-Allow-Origin https://evil.example always;
        add_header timing-allow-origin * always;
    """
    site = serve(f"""
        {added}
        error_page 410 /page;
        location /timed {{
            cors_policy timed.json;
            location /timed/200 {{ return 200; }}
            location /timed/404 {{ return 404; }}
            location /timed/410 {{ return 410; }}
            location /timed/app {{ proxy_pass http://%BACKEND%; }}
        }}
        location /page {{ return 200 page; }}
        location /plain/ {{ cors_policy api.json; return 200; }}
    """, POLICIES)
    for path, status in [("200", 200), ("404", 404), ("410", 410),
                         ("app", 200)]:
        assert timing(site, f"/timed/{path}") == (status, [TIMING_VALUE])
    own = ["https://evil.example", "*"]
    assert timing(site, "/plain/") == (200, own)
    # The policy says nothing of preflights.
    for path in "/timed/200", "/plain/":
        answer = site.preflight(path)
        assert (answer.status, answer.all(TIMING)) == (204, own)


def test_a_report_only_policy_leaves_that_of_the_application(serve, backend):
    backend.answers["/"] = (200, SENT_TIMING)
    site = serve("""
        cors_policy api.json;
        cors_report_only timed.json;
        location / { proxy_pass http://%BACKEND%; }
    """, POLICIES)
    assert timing(site, "/") == (200, [value for _, value in SENT_TIMING])
    assert site.preflight("/").all(TIMING) == []
