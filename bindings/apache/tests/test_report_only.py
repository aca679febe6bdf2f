"""A candidate policy is tried on live traffic and changes nothing."""

import pytest

from conftest import API, APP, ATTACKS, BLOCK, OWN, STRANGER

CANDIDATE = {"allow_origins": [STRANGER], "preflight_status": 200}
POLICIES = {"api.json": API, "new.json": CANDIDATE}
LOG = "CustomLog report.log report\n"


def reports(site):
    """What is in the log, once every request is in it; sorted, as threads
    write it."""
    site.stop()
    return sorted((site.folder / "report.log").read_text().splitlines())


def answers(site):
    """All that a client can see of some requests."""
    seen = []
    for path in ("/", "/missing", "/old"):
        for origin in (APP, STRANGER, "null", "malformed/"):
            for answer in (
                site.get(path, origin=origin),
                site.request("POST", path, {"Origin": origin}),
                site.preflight(path, origin=origin),
                site.preflight(path, "PATCH", "x-other", origin=origin),
            ):
                # Each start of httpd has another order in Allow.
                lines = [line for line in answer.lines
                         if line[0] not in ("date", "allow")]
                seen.append((answer.status, lines, answer.body))
    return seen


@pytest.mark.parametrize("server", [
    "CorsPolicy api.json",
    "CorsPolicy off",
    '<Location "/missing">\nCorsPolicy api.json\n</Location>',
    "",
])
def test_a_candidate_changes_nothing(serve, backend, server):
    backend.answers["/"] = (200, [("Access-Control-Allow-Origin", "*")])
    rest = """
        Redirect /old https://elsewhere.example/
        ProxyPass /missing !
        ProxyPass / http://%BACKEND%/
    """
    site = serve(server + rest, POLICIES)
    without = answers(site)
    site.stop()
    hits = list(backend.hits)
    backend.hits.clear()
    candidate = POLICIES | {"new.json": CANDIDATE | {"block": BLOCK["block"]}}
    site = serve(f"CorsReportOnly new.json\n{server}{rest}", candidate)
    assert answers(site) == without
    assert backend.hits == hits


@pytest.mark.memory
def test_the_log_says_what_the_candidate_would_have_done(serve):
    site = serve(LOG + "CorsReportOnly new.json\nCorsPolicy api.json",
                 POLICIES)
    site.get("/", origin=STRANGER)
    site.get("/", origin=APP)
    site.preflight("/", "PATCH")
    site.preflight("/", "PATCH", origin=STRANGER)
    assert reports(site) == [
        "GET / allowed | refused origin_not_allowed -",
        "GET / refused | allowed none -",
        "OPTIONS / preflight_refused | preflight_refused method_not_allowed"
        " PATCH",
        "OPTIONS / preflight_refused | preflight_refused origin_not_allowed"
        " -",
    ]
    assert site.errors.count("CorsReportOnly: refused: ") == 1
    assert site.errors.count("CorsPolicy: refused: ") == 1


def test_a_candidate_reports_and_blocks_nothing(serve, backend):
    site = serve(
        LOG + "CorsPolicy api.json\nCorsReportOnly new.json\n"
        "ProxyPass / http://%BACKEND%/",
        {"api.json": API, "new.json": BLOCK},
    )
    for path, requests in ("/attack", ATTACKS), ("/own", OWN):
        for method, lines in requests:
            assert site.request(method, path, lines).status in (200, 501)
    # The application knows no PROPFIND.
    assert len(backend.hits) == len(ATTACKS) + len(OWN) - 1
    for line in reports(site):
        assert (" | blocked " in line) == (" /attack " in line)
    assert site.errors.count("CorsReportOnly: blocked: ") == len(ATTACKS)


def test_the_first_section_that_sets_one_applies(apache, serve):
    apache.write("html/page", "content")
    site = serve(
        LOG + """
        CorsReportOnly api.json
        RewriteEngine On
        Redirect /old https://elsewhere.example/
        <Location "/off/">
            CorsReportOnly off
            ErrorDocument 404 /page
        </Location>
        <Location "/new/">
            CorsReportOnly new.json
            ErrorDocument 404 /page
            RequestHeader unset Origin
        </Location>
        <Location "/old">
            CorsReportOnly new.json
        </Location>
        """,
        POLICIES,
    )
    for path in "/", "/off/", "/new/", "/old":
        site.get(path, origin=APP)
    # %U is the path that was asked for.
    assert reports(site) == [
        "GET / - | allowed none -",
        "GET /new/ - | refused origin_not_allowed -",
        "GET /off/ - | - - -",
        "GET /old - | refused origin_not_allowed -",
    ]


def test_it_is_checked_as_corspolicy_is(apache):
    apache.configure("CorsReportOnly on", {})
    assert "CorsReportOnly: expected a file or \"off\", found \"on\"" in (
        apache.check()[1]
    )
    apache.expect("CorsReportOnly")
    apache.configure("CorsReportOnly api.json", {"api.json": "{}"})
    code, text = apache.check()
    assert code == 1
    assert f'CorsReportOnly "{apache.folder}/api.json"' in text
    assert "could not be loaded: policy rejected" in text
    apache.configure("CorsReportOnly off\nCorsReportOnly off", {})
    assert "CorsReportOnly may be set only once" in apache.check()[1]


def test_a_bug_in_the_library_changes_nothing(request, apache, serve, backend):
    """In this library, a decision about the origin panics."""
    module = request.config.getoption("--faulty-module")
    if not module:
        pytest.skip("needs --faulty-module")
    apache.module = (request.config.invocation_params.dir / module).resolve()
    apache.expect("cors_evaluate() failed")
    site = serve(
        "CorsReportOnly api.json\nProxyPass / http://%BACKEND%/",
        {"api.json": BLOCK},
    )
    answer = site.request("POST", "/", {"Origin": "https://panic.test"})
    assert answer.status == 200
    assert backend.hits == ["POST /"]
