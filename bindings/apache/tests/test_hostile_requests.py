"""Requests that nobody sends by accident."""

import pytest

from conftest import APP, STRANGER

PROXY = """
    CorsPolicy api.json
    ProxyPass / http://%BACKEND%/
"""


@pytest.mark.parametrize("byte", [b"\0", b"\x01", b"\x7f", b"\xff", b"\r"])
@pytest.mark.parametrize("parser", ["Strict", "Unsafe"])
def test_a_byte_that_does_not_belong_there_is_no_way_in(serve, byte, parser):
    """httpd's strings end at a NUL: what is behind it must not be lost."""
    site = serve(f"HttpProtocolOptions {parser}" + PROXY)
    for origin in [
        APP.encode() + byte + b".evil.example", byte + APP.encode()
    ]:
        answer = site.raw(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: " + origin
            + b"\r\nConnection: close\r\n\r\n"
        )
        assert answer.split()[1] in ("200", "400")
        assert "access-control" not in answer


@pytest.mark.parametrize("parser", ["Strict", "Unsafe"])
def test_a_folded_line_is_no_way_in(serve, parser):
    site = serve(f"HttpProtocolOptions {parser}" + PROXY)
    answer = site.raw(
        f"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: {APP}\r\n "
        f"{STRANGER}\r\nConnection: close\r\n\r\n".encode()
    )
    assert "access-control" not in answer


@pytest.mark.memory
def test_a_preflight_of_hundreds_of_lines_is_answered(serve):
    site = serve(
        PROXY, main="LimitRequestFields 0\nLimitRequestFieldSize 65536"
    )
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
    site = serve(PROXY, main="LimitRequestFieldSize 300000")
    answer = site.preflight("/", "PUT", "," * 200000)
    assert answer.status == 403
    assert answer.cors == {}


def test_names_that_only_look_alike_are_not_read(serve):
    site = serve(PROXY)
    assert site.get("/", headers={"Origim": APP, "X-Origin": APP}).cors == {}
    answer = site.request("OPTIONS", "/", {
        "Origin": APP, "Access-Control-Request-Methods": "PUT"
    })
    assert answer.status == 200
