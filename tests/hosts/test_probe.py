"""What `cors probe` says about each host: whether it blocks, and whether what
it lets through reaches the application."""

import json
import subprocess

from web_server import API, BLOCK

EVIL = "http://evil.example"


def probe(request, site, origin, *options):
    """Its exit status, and the report."""
    url = f"http://127.0.0.1:{site.port}{site.path('/items')}"
    done = subprocess.run(
        [request.config.getoption("--cors"), "probe", url, "--origin", origin,
         "--format=json", *options],
        capture_output=True, text=True, check=False, timeout=60,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def results(report):
    return [
        f"{exchange['sender']} {exchange['result']}"
        for exchange in report["exchanges"]
    ]


def test_probe_tells_a_form_that_is_blocked(host, request):
    site = host.serve(BLOCK)
    status, report = probe(request, site, EVIL, "--form", "--post")
    assert results(report) == [
        "page blocked", "unrelated blocked", "sandbox blocked", "own passed"
    ]
    assert (status, report["outcome"]) == (1, "blocked")
    post = f"POST {site.path('/items')}"
    assert site.reached() == [post]
    own = f"http://127.0.0.1:{site.port}"
    status, report = probe(request, site, own, "--form", "--post")
    assert (status, results(report)[0]) == (0, "own passed")
    assert site.reached() == [post] * 2


def test_probe_tells_a_websocket_that_is_blocked(host, request):
    site = host.serve(BLOCK)
    status, report = probe(request, site, EVIL, "--websocket")
    assert results(report) == [
        "page blocked", "unrelated blocked", "sandbox blocked", "own passed"
    ]
    assert status == 1
    assert site.reached() == [f"GET {site.path('/items')}"]


def test_probe_warns_of_a_host_that_blocks_nothing(host, request):
    site = host.serve(API)
    for options in ("--form", "--post"), ("--websocket",):
        status, report = probe(request, site, EVIL, *options)
        assert results(report) == [
            "page passed", "unrelated passed", "sandbox passed", "own passed"
        ]
        assert (status, report["outcome"]) == (0, "allowed")
        codes = [
            finding["code"] for exchange in report["exchanges"]
            for finding in exchange["findings"]
        ]
        assert codes == ["cross-site-not-blocked"] * 2
    assert len(site.reached()) == 8
