"""Requests that nobody sends by accident."""

import pytest

from conftest import APP

PROXY = """
    cors_policy api.json;
    location / { proxy_pass http://%BACKEND%; }
"""


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
