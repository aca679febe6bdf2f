"""The servers of this folder, over HTTP: what a host of libcors does.

Each is started with a policy and the port 0, and prints its address.
"""

import collections
import http.client
import json
import pathlib
import re
import signal
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SERVERS = ROOT / "build" / "examples"
POLICY = ROOT / "examples" / "nginx" / "cors.json"
APP = "https://app.example.com"

LINES = {
    "origin": "Origin",
    "request_method": "Access-Control-Request-Method",
    "request_headers": "Access-Control-Request-Headers",
}

PREFLIGHT = [("Origin", APP), (LINES["request_method"], "PUT")]
VARY = ["accept-encoding", "origin"]
VARY_ALL = ["origin", *(LINES[key].lower() for key in list(LINES)[1:])]


@pytest.fixture(params=["c-libmicrohttpd", "cpp-httplib", "rust-axum"])
def server(request):
    return SERVERS / request.param


class Running:
    """A server that runs, and one connection to it at a time."""

    def __init__(self, program, policy):
        self.process = subprocess.Popen(
            [program, policy, "0"], stdout=subprocess.PIPE, text=True,
        )
        line = self.process.stdout.readline()
        self.port = int(re.fullmatch(r"http://127.0.0.1:(\d+)/\n", line)[1])
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection:
            self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(10) == -signal.SIGTERM

    def ask(self, method, path, lines=()):
        """The status, the headers with lower-case names, and the body."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=10
            )
        self.connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in lines:
            self.connection.putheader(name, value)
        if method not in ("GET", "HEAD", "OPTIONS"):
            self.connection.putheader("Content-Length", "0")
        self.connection.endheaders()
        response = self.connection.getresponse()
        headers = [[k.lower(), v] for k, v in response.getheaders()]
        body = response.read()
        if response.will_close:
            self.connection.close()
            self.connection = None
        return response.status, headers, body


def cors(headers):
    """Servers may change the order, but for headers of one name."""
    return sorted(
        (h for h in headers if h[0].startswith("access-control-")),
        key=lambda header: header[0],
    )


def vary(headers):
    return [
        token.strip().lower()
        for name, value in headers if name == "vary"
        for token in value.split(",")
    ]


@pytest.mark.parametrize("path, expected, own", [
    ("/items", 200, VARY),
    ("/secret", 401, ["origin"]),
    ("/fault", 500, ["origin"]),
    ("/missing", 404, ["origin"]),
])
def test_every_status_has_the_policys_headers(server, path, expected, own):
    with Running(server, POLICY) as running:
        status, headers, body = running.ask("GET", path, [("Origin", APP)])
        assert status == expected
        assert body == (b"[]\n" if status == 200 else b"")
        assert cors(headers) == [
            ["access-control-allow-origin", APP],
            ["access-control-expose-headers", "x-request-id"],
        ]
        assert vary(headers) == own

        # Nor does what the application says come through elsewhere.
        for lines in [], [("Origin", "https://evil.example")]:
            status, headers, _ = running.ask("GET", path, lines)
            assert status == expected
            assert cors(headers) == []
            assert vary(headers) == own


@pytest.mark.parametrize("path", ["/items", "/secret", "/fault", "/missing"])
def test_preflights_are_answered_before_the_application(server, path):
    with Running(server, POLICY) as running:
        status, headers, body = running.ask("OPTIONS", path, PREFLIGHT)
        assert (status, body) == (204, b"")
        assert cors(headers) == [
            ["access-control-allow-headers", "authorization,content-type"],
            ["access-control-allow-methods",
             "GET,HEAD,POST,PUT,PATCH,DELETE"],
            ["access-control-allow-origin", APP],
            ["access-control-max-age", "7200"],
        ]
        assert vary(headers) == VARY_ALL

        evil = [("Origin", "https://evil.example"), *PREFLIGHT[1:]]
        status, headers, body = running.ask("OPTIONS", path, evil)
        assert (status, cors(headers), body) == (403, [], b"")


@pytest.mark.parametrize("lines, expected", [
    ([("Origin", APP), ("Origin", APP)], 403),
    ([("Origin", f" \t{APP} \t")], 204),
    ([("Origin", "")], 403),
    ([("Origin", APP + "x" * 300)], 403),
    ([("Origin", APP), (LINES["request_headers"], "authorization"),
      (LINES["request_headers"], "content-type")], 204),
    ([("Origin", APP), (LINES["request_headers"], "authorization"),
      (LINES["request_headers"], "@")], 403),
    ([("Origin", APP), (LINES["request_headers"], "content-type," * 315)],
     204),
    ([("Origin", APP), (LINES["request_headers"], "content-type," * 316)],
     403),
])
def test_lines_are_joined_and_stripped(server, lines, expected):
    if server.name == "cpp-httplib" and ("Origin", "") in lines:
        expected = 404  # it drops a header without a value
    with Running(server, POLICY) as running:
        assert running.ask("OPTIONS", "/items", lines + PREFLIGHT[1:])[0] \
            == expected


def test_a_bad_policy_stops_the_start(server, tmp_path):
    policy = tmp_path / "cors.json"
    policy.write_text('{\n  "allow_origins": ["https://a.example/"]\n}\n')
    done = subprocess.run([server, policy, "0"], capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 1
    assert re.search(r"2(:|, column )21: .*https://a\.example/", done.stderr)
    assert done.stdout == ""


def vectors():
    groups = collections.defaultdict(list)
    for path in sorted((ROOT / "vectors").glob("*.json")):
        for group in json.loads(path.read_text()).get("groups", []):
            groups[json.dumps(group["policy"])] += [
                case for case in group["cases"] if "not_over_http" not in case
            ]
    assert sum(map(len, groups.values())) >= 1500
    return groups


def gets_through_httplib(request):
    """Not so: methods that cpp-httplib answers with 400 before the server is
    asked, headers without a value, which it drops, and percent signs, which
    it takes for an encoding."""
    values = [request[key] for key in LINES if key in request]
    return (
        request["method"] in {"GET", "HEAD", "POST", "PUT", "DELETE",
                              "OPTIONS", "PATCH"}
        and all(value and "%" not in value for value in values)
    )


def test_the_shared_vectors(server, tmp_path):
    wrong, asked, policy = [], 0, tmp_path / "cors.json"
    httplib = server.name == "cpp-httplib"
    for text, cases in vectors().items():
        policy.write_text(text)
        with Running(server, policy) as running:
            for case in cases:
                request, expect = case["request"], case["expect"]
                method = request["method"]
                if httplib and not gets_through_httplib(request):
                    continue
                asked += 1
                status, headers, body = running.ask(method, "/items", [
                    (LINES[key], value.encode())
                    for key, value in request.items() if key in LINES
                ])
                if expect["status"]:
                    faults = status != expect["status"] or body != b""
                else:
                    faults = method in ("GET", "HEAD") and status != 200
                faults |= cors(headers) != cors(expect["headers"])
                faults |= not set(vary(expect["headers"])) <= {*vary(headers)}
                faults |= len({*vary(headers)}) != len(vary(headers))
                if faults:
                    wrong.append((case["name"], status, headers, expect))
    assert not wrong, "\n".join(map(str, wrong))
    assert asked >= 1500
