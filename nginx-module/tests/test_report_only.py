"""A candidate policy is tried on live traffic and changes nothing."""

import pytest

from conftest import API, APP, STRANGER

CANDIDATE = {"allow_origins": [STRANGER], "preflight_status": 200}
POLICIES = {"api.json": API, "new.json": CANDIDATE}


def answers(site):
    """All that a client can see of some requests."""
    seen = []
    for path in ("/", "/missing"):
        for origin in (APP, STRANGER, "null", "malformed/"):
            for answer in (
                site.get(path, origin=origin),
                site.preflight(path, origin=origin),
                site.preflight(path, "PATCH", "x-other", origin=origin),
            ):
                lines = [line for line in answer.lines if line[0] != "date"]
                seen.append((answer.status, lines, answer.body))
    return seen


@pytest.mark.parametrize(
    "server",
    [
        "cors_policy api.json;",
        "cors_policy off;",
        "location /missing { cors_policy api.json; }",
        "",
    ],
)
def test_a_candidate_changes_nothing(nginx, serve, backend, server):
    backend.answers["/"] = (200, [("Access-Control-Allow-Origin", "*")])
    rest = """
        location = / { proxy_pass http://%BACKEND%; }
        proxy_set_header Host fixed;
    """
    site = serve(server + rest, POLICIES)
    without = answers(site)
    site.stop()
    hits = list(backend.hits)
    backend.hits.clear()
    site = serve("cors_report_only new.json;" + server + rest, POLICIES)
    assert answers(site) == without
    assert backend.hits == hits


@pytest.mark.memory
def test_the_log_says_what_the_candidate_would_have_done(serve):
    site = serve(
        """
        cors_policy api.json;
        cors_report_only new.json;
        location / { return 200; }
        """,
        POLICIES,
    )
    site.get("/", origin=APP)
    site.get("/", origin=STRANGER)
    site.get("/")
    site.preflight("/")
    site.preflight("/", "PATCH", origin=STRANGER)
    assert site.log == [
        f"GET / allowed none - {APP} | refused origin_not_allowed -",
        "GET / refused origin_not_allowed - - | allowed none -",
        "GET / not_cors none - - | not_cors none -",
        f"OPTIONS / preflight_allowed none - {APP}"
        " | preflight_refused origin_not_allowed -",
        "OPTIONS / preflight_refused origin_not_allowed - -"
        " | preflight_refused method_not_allowed PATCH",
    ]


def test_a_candidate_needs_no_policy_beside_it(serve, backend):
    site = serve(
        """
        cors_report_only new.json;
        location / { proxy_pass http://%BACKEND%; }
        """,
        POLICIES,
    )
    answer = site.get("/", origin=STRANGER)
    assert answer.cors == {}
    assert answer.vary == []
    answer = site.preflight("/", "POST", origin=STRANGER)
    assert answer.body == "application\n"
    assert backend.hits == ["GET /", "OPTIONS /"]
    assert site.log == [
        "GET / - - - - | allowed none -",
        "OPTIONS / - - - - | preflight_allowed none -",
    ]


def test_the_first_candidate_counts_and_off_stops_it(serve):
    site = serve(
        """
        location / { cors_report_only new.json; try_files /none /b; }
        location /b { cors_report_only api.json; cors_policy api.json;
                      return 200; }
        location /off { cors_report_only off; try_files /none /b; }
        """,
        POLICIES,
    )
    site.get("/", origin=STRANGER)
    site.get("/off", origin=APP)
    assert site.log == [
        "GET /b refused origin_not_allowed - - | allowed none -",
        f"GET /b allowed none - {APP} | - - -",
    ]


def test_a_bad_candidate_is_refused_like_a_bad_policy(nginx):
    nginx.configure("cors_report_only bad.json;", {"bad.json": "{}"})
    code, text = nginx.check()
    assert code == 1
    assert f'cors policy "{nginx.folder}/bad.json"' in text
