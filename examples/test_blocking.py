"""What the servers do with requests that they block: they do not wait for a
body, do not take it for the next request, and stay closed if the library
fails."""

import json
import pathlib
import socket
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SERVERS = ROOT / "build" / "examples"
sys.path[:0] = [
    str(ROOT / "tests" / part) for part in ("", "hosts", "hosts/adapters")
]

import example    # noqa: E402
from web_server import (    # noqa: E402
    API, APP, BLOCK, BLOCKED_BODY, STRANGER, open_websocket,
)

NAMES = ["c-libmicrohttpd", "cpp-httplib", "rust-axum"]
BLOCK_JSON = json.dumps(BLOCK)
BODY = BLOCKED_BODY.encode()
BODY_LEN = 100_000_000


@pytest.fixture(params=NAMES)
def start(request, tmp_path):
    """Starts the server with a policy, as built in a directory."""
    sites = []

    def start(policy, examples=SERVERS):
        folder = tmp_path / str(len(sites))
        folder.mkdir()
        options = types.SimpleNamespace(examples=examples)
        sites.append(example.start(options, folder, [policy], request.param))
        sites[-1].begin()
        return sites[-1]

    yield start
    for site in sites:
        site.stop()


def head(method, body_len, more=""):
    return (
        f"{method} /items HTTP/1.1\r\nHost: localhost\r\nOrigin: {STRANGER}"
        f"\r\nContent-Length: {body_len}\r\n{more}\r\n"
    ).encode()


@pytest.mark.parametrize("more", ["", "Expect: 100-continue\r\n"])
def test_a_blocked_request_is_answered_before_its_body(start, more):
    """Nothing of the body is sent until the server has closed."""
    site = start(BLOCK_JSON)
    for method in "POST", "PUT", "PATCH", "DELETE":
        answer = site.raw(head(method, BODY_LEN, more))
        assert answer.startswith("HTTP/1.1 403 "), method
        assert answer.encode().endswith(b"\r\n\r\n" + BODY), method
        lines = answer.lower().split("\r\n")
        assert {"vary: origin", "cache-control: no-store"} <= set(lines)
    assert site.reached() == []


def test_a_large_body_of_a_blocked_request_is_not_read_to_its_end(start):
    site = start(BLOCK_JSON)
    sent = 0
    with socket.create_connection(("127.0.0.1", site.port), 20) as connection:
        connection.sendall(head("POST", BODY_LEN))
        try:
            while sent < BODY_LEN:
                sent += connection.send(bytes(1 << 20))
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert sent < BODY_LEN
    assert site.reached() == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("is_later", [False, True])
def test_a_blocked_body_is_not_taken_for_a_request(start, method, is_later):
    """Whether the body comes with the head or after the response."""
    site = start(BLOCK_JSON)
    inner = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    after = (
        inner + b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
        b"Connection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port), 20) as connection:
        connection.sendall(
            head(method, len(inner)) + (b"" if is_later else after)
        )
        received = b""
        while BODY not in received:
            received += connection.recv(65536)
        assert received.startswith(b"HTTP/1.1 403 ")
        try:
            if is_later:
                connection.sendall(after)
            while connection.recv(65536):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass    # It has been closed.
    # The second request is answered, or the connection closed before it.
    assert site.reached() in ([], ["GET /health"])


def test_a_body_of_a_request_that_passes_is_read(start):
    site = start(BLOCK_JSON)
    body = b"x" * 1_000_000
    for _ in range(2):
        answer = site.request("POST", "/items", [("Origin", APP)], body=body)
        assert answer.cors["allow-origin"] == APP
    assert site.reached() == ["POST /items"] * 2


def test_a_client_that_waits_with_its_body_is_told_to_send_it(start):
    site = start(BLOCK_JSON)
    with socket.create_connection(("127.0.0.1", site.port), 20) as connection:
        connection.sendall(
            b"POST /items HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        stream = connection.makefile("rb")
        assert stream.readline().startswith(b"HTTP/1.1 100 ")
        assert stream.readline() == b"\r\n"
        connection.sendall(b"hi")
        assert stream.readline().startswith(b"HTTP/1.1 ")
    assert site.reached() == ["POST /items"]


def test_a_bug_in_the_library_opens_nothing(start):
    """In this library, a decision about the origin panics."""
    lines = [("Origin", "https://panic.test")]
    for policy in BLOCK_JSON, json.dumps(API):
        site = start(policy, SERVERS / "faulty")
        answers = [
            site.request(method, "/items", lines)
            for method in ("POST", "PUT", "DELETE", "GET")
        ]
        assert not any(answer.cors for answer in answers)
        if policy == BLOCK_JSON:
            opened = open_websocket(site.port, "/socket", dict(lines))
            statuses = [answer.status for answer in answers[:3]] + [opened[0]]
            assert set(statuses) <= {403, 503}, statuses
            assert set(site.reached()) <= {"GET /items"}
        # It has survived all of it.
        answer = site.request("GET", "/items", [("Origin", APP)])
        assert answer.cors["allow-origin"] == APP
