"""The vectors that HTTP can carry, sent through a server to an application,
and what its answers must be."""

import collections
import http.client
import json
import pathlib

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"

LINES = {
    "origin": "Origin",
    "request_method": "Access-Control-Request-Method",
    "request_headers": "Access-Control-Request-Headers",
}

#: What the second application says of CORS. None of it may come through,
#: and its Vary is completed, not repeated.
OWN = {
    "Access-Control-Allow-Origin": "https://evil.example",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Private-Network": "true",
    "Access-Control-Expose-Headers": "*",
    "Vary": "Accept-Encoding, Origin",
}


def read():
    """The policies, each only once, and the cases with their numbers."""
    policies, cases, left_out = {}, [], collections.Counter()
    for path in sorted(VECTORS.glob("*.json")):
        for group in json.loads(path.read_text()).get("groups", []):
            text = json.dumps(group["policy"])
            number = policies.setdefault(text, len(policies))
            for case in group["cases"]:
                if "not_over_http" in case:
                    left_out[case["not_over_http"]] += 1
                else:
                    cases.append((number, case))
    return policies, cases, left_out


def check(site, cases, keys, absent, read_line):
    """Sends every case to the application that knows nothing of CORS, /silent
    below the case's number, and to the one that does, /loud; then stops the
    site and reads its logs: cases.log, a line of a name and the decision's
    `keys`, with `absent` for what is not there, and reached.log, the names of
    what the applications saw."""
    wrong, wanted, asked = [], {}, set()
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    for index, (number, case) in enumerate(cases):
        request, expect = case["request"], case["expect"]
        for application in ("silent", "loud"):
            name = f"{index}-{application}"
            answer = send(
                connection, f"/{number}/{application}", request, name
            )
            loud = application == "loud"
            wrong += [
                f"{case['name']} ({application}): {fault}, not {expect}"
                for fault in faults(request["method"], expect, answer, loud)
            ]
            wanted[name] = [expect[key] or absent for key in keys]
            if expect["status"] == 0:
                asked.add(name)
    connection.close()

    site.stop()
    text = (site.folder / "cases.log").read_text()
    logged = {name: rest for name, *rest in map(read_line, text.splitlines())}
    wrong += [
        f"{cases[int(name.split('-')[0])][1]['name']}: logged"
        f" {logged.get(name)}, not {rest}"
        for name, rest in wanted.items() if logged.get(name) != rest
    ]
    reached = (site.folder / "reached.log").read_text().split()
    assert not wrong, "\n".join(wrong)
    assert len(text.splitlines()) == len(wanted)
    # A preflight never reaches the application; all else does, once.
    assert sorted(reached) == sorted(asked)


def send(connection, path, request, name):
    connection.putrequest(request["method"], path, skip_accept_encoding=True)
    connection.putheader("X-Case", name)
    for key, line in LINES.items():
        if key in request:
            connection.putheader(line, request[key].encode())
    connection.endheaders()
    response = connection.getresponse()
    lines = [[k.lower(), v] for k, v in response.getheaders()]
    return response.status, lines, response.read()


def tokens(lines):
    return [
        token.strip().lower()
        for name, value in lines if name == "vary"
        for token in value.split(",")
    ]


def cors(lines):
    return [line for line in lines if line[0].startswith("access-control-")]


def faults(method, expect, answer, loud):
    """What is wrong with an answer."""
    status, lines, body = answer
    reached = expect["status"] == 0
    if status != (expect["status"] or 200):
        yield f"status {status}"
    if body != (b"application\n" if reached and method != "HEAD" else b""):
        yield f"body {body}"
    if cors(lines) != cors(expect["headers"]):
        yield f"headers {cors(lines)}"
    # The application's Vary comes first, where it was asked.
    vary = tokens([["vary", OWN["Vary"]]]) if loud and reached else []
    vary += [t for t in tokens(expect["headers"]) if t not in vary]
    if tokens(lines) != vary:
        yield f"vary {tokens(lines)}"
