"""HTTP/2 has another parser and another writer of headers; curl speaks it."""

import subprocess

import pytest

from conftest import API, APP, STRANGER


@pytest.fixture
def site(nginx):
    nginx.port_options = " http2"
    nginx.configure(
        """
        cors_policy api.json;
        location / { return 200; }
        location /missing { return 404; }
        """,
        {"api.json": API},
    )
    _, text = nginx.check()
    if "ngx_http_v2_module" in text:
        pytest.skip("this nginx was built without HTTP/2")
    return nginx.start()


def ask(site, path, *lines, method="GET"):
    """The status and the headers, in lower case as HTTP/2 has them."""
    command = ["curl", "-sS", "-i", "--http2-prior-knowledge", "-X", method]
    for line in lines:
        command += ["-H", line]
    command.append(f"http://127.0.0.1:{site.port}{path}")
    text = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout
    status, *headers = text.split("\n\n")[0].splitlines()
    assert status.startswith("HTTP/2 ")
    return int(status.split()[1]), headers


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/missing", 404)])
def test_http_2_gets_the_same_headers(site, path, status):
    seen, headers = ask(site, path, f"Origin: {APP}")
    assert seen == status
    assert headers.count(f"access-control-allow-origin: {APP}") == 1
    assert headers.count("vary: origin") == 1
    seen, headers = ask(site, path, f"Origin: {STRANGER}")
    assert seen == status
    assert "access-control" not in "".join(headers)


@pytest.mark.memory
def test_http_2_gets_its_preflights_answered(site):
    lines = [
        f"Origin: {APP}",
        "Access-Control-Request-Method: PUT",
        "Access-Control-Request-Headers: authorization",
        "Access-Control-Request-Headers: content-type",
    ]
    status, headers = ask(site, "/", *lines, method="OPTIONS")
    assert status == 204
    assert "access-control-allow-methods: GET,HEAD,POST,PUT,DELETE" in headers
    lines[0] = f"Origin: {STRANGER}"
    status, headers = ask(site, "/", *lines, method="OPTIONS")
    assert status == 403
    assert not any(line.startswith("access-control") for line in headers)
