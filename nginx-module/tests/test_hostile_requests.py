"""Requests that nobody sends by accident."""

import pytest

from conftest import APP, STRANGER

PROXY = """
    cors_policy api.json;
    location / { proxy_pass http://%BACKEND%; }
"""


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        APP + "/",
        APP + ":443",
        APP + ".evil.example",
        APP + ".",
        APP.upper(),
        APP + " " + APP,
        APP + ",",
        "https://evil.preview.example.com.evil.example",
        "https://.preview.example.com",
        "https://a.b.preview.example.com",
        "http://app.example.com",
        "//app.example.com",
        "https://user@app.example.com",
        "https://app.example.com\\@evil.example",
        "https://app.example.com%00.evil.example",
        "https://\xe4.preview.example.com",
        "https://\x1b.preview.example.com",
        "https://" + "a" * 5000 + ".preview.example.com",
    ],
)
def test_an_origin_that_is_not_allowed_is_never_echoed(serve, origin):
    site = serve(PROXY)
    for answer in (
        site.get("/", headers={"Origin": origin}),
        site.preflight("/", origin=origin),
    ):
        assert answer.cors == {}
        assert "origin" in answer.vary[0]
        if len(origin) > 1:
            assert all(origin not in value for _, value in answer.lines)


@pytest.mark.parametrize(
    "origins", [[APP, APP], [APP, STRANGER], [APP, ""], ["", APP], ["", ""]]
)
def test_two_origin_lines_are_not_one_origin(serve, origins):
    site = serve(PROXY)
    assert site.get("/", headers={"Origin": origins}).cors == {}
    refused = site.preflight("/", origin=origins)
    assert refused.status == 403
    assert refused.cors == {}


def test_two_requested_methods_are_refused(serve):
    answer = serve(PROXY).preflight("/", ["PUT", "PUT"])
    assert answer.status == 403
    assert answer.cors == {}


def test_spaces_and_tabs_around_values_do_not_count(serve):
    answer = serve(PROXY).raw(
        f"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin:\t {APP} \t\r\n"
        "access-control-request-METHOD: \tPUT\t\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    assert answer.startswith("HTTP/1.1 204 ")
    assert f"access-control-allow-origin: {APP}\r\n" in answer


@pytest.mark.memory
def test_a_preflight_of_hundreds_of_lines_is_answered(serve):
    site = serve("large_client_header_buffers 16 32k;" + PROXY)
    line = "Access-Control-Request-Headers: authorization\r\n"
    head = (
        f"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {APP}\r\n"
        "Access-Control-Request-Method: PUT\r\nConnection: close\r\n"
    )
    for lines, status in [(100, 204), (500, 403)]:
        answer = site.raw(f"{head}{line * lines}\r\n".encode())
        assert answer.startswith(f"HTTP/1.1 {status} ")


@pytest.mark.memory
def test_a_header_list_without_end_is_refused(serve):
    site = serve("large_client_header_buffers 4 256k;" + PROXY)
    answer = site.preflight("/", "PUT", "," * 200000)
    assert answer.status == 403
    assert answer.cors == {}


def test_names_that_only_look_alike_are_not_read(serve):
    site = serve("underscores_in_headers on;" + PROXY)
    assert site.get("/", headers={"Origim": APP, "X-Origin": APP}).cors == {}
    answer = site.request("OPTIONS", "/", {
        "Origin": APP, "Access_Control_Request_Method": "PUT"
    })
    assert answer.status == 200
