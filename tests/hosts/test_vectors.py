"""Every shared vector that HTTP can carry, through every host: to an
application that knows nothing of CORS, and to one that has headers of its
own."""

import collections
import json
import pathlib

from facts import BODIES, OWN, OWN_TIMING
from web_server import BLOCKED_BODY

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "vectors"

LINES = {
    "origin": "Origin",
    "request_method": "Access-Control-Request-Method",
    "request_headers": "Access-Control-Request-Headers",
    "host": "Host",
    "fetch_site": "Sec-Fetch-Site",
    "upgrade": "Upgrade",
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
                elif case["request"].get("scheme") == "https":
                    left_out["these hosts have no TLS"] += 1
                else:
                    cases.append((number, case))
    return policies, cases, left_out


def tokens(lines):
    return [
        token.strip().lower()
        for name, value in lines if name == "vary"
        for token in value.split(",")
    ]


def cors(lines):
    return [line for line in lines if line[0].startswith("access-control-")]


def timing(lines):
    return ", ".join(
        value for name, value in lines if name == "timing-allow-origin"
    )


def by_name(lines):
    return sorted(map(tuple, lines), key=lambda line: line[0])


def faults(method, path, expect, answer):
    """What is wrong with a response; servers may change the order of headers
    with different names."""
    reached = expect["status"] == 0
    lines = answer.lines
    if not reached and answer.status != expect["status"]:
        yield f"status {answer.status}"
    # Some servers answer OPTIONS, and methods they do not know, by themselves.
    if reached and method in ("GET", "HEAD") and answer.status != 200:
        yield f"status {answer.status}"
    blocked = expect["verdict"] == "blocked"
    refusal = BLOCKED_BODY.encode() if blocked else b""
    body = BODIES[path] if reached else refusal
    if (method == "GET" or not reached) and answer.body.encode() != body:
        yield f"body {answer.body!r}"
    if blocked:
        for name, value in ("cache-control", "no-store"), \
                ("content-type", "text/plain"):
            if answer.all(name) != [value]:
                yield f"{name} {answer.all(name)}"
    if by_name(cors(lines)) != by_name(cors(expect["headers"])):
        yield f"headers {cors(lines)}"
    expected = timing(expect["headers"])
    own = path == "/items" and reached and answer.status == 200
    if timing(lines) != (expected or (OWN_TIMING if own else "")):
        yield f"timing {timing(lines)}"
    vary, expected = tokens(lines), tokens(expect["headers"])
    if own:
        expected = tokens([["vary", OWN["Vary"]]]) + expected
    if len(set(vary)) != len(vary) or set(vary) != set(expected):
        yield f"vary {vary}"


def judge(site, policy, cases, host):
    """Sends each case twice; what is wrong, and what must have been decided."""
    wrong, decided = [], []
    for case in cases:
        request, expect = case["request"], case["expect"]
        values = [request[key] for key in LINES if key in request]
        if host.unable(request["method"], values):
            continue
        lines = [
            (line, request[key].encode())
            for key, line in LINES.items() if key in request
        ]
        for path in "/health", "/items":
            decided.append(expect)
            answer = site.request(request["method"], path, lines, policy)
            wrong += [
                f"{case['name']} ({path}): {fault}, not {expect}"
                for fault in faults(request["method"], path, expect, answer)
            ]
    return wrong, decided


def test_the_shared_vectors(host):
    policies, cases, left_out = read()
    # Nothing else is left out: the vectors say why HTTP cannot carry these.
    assert sum(left_out.values()) <= 75, left_out
    groups = [(text, []) for text in policies]
    for number, case in cases:
        groups[number][1].append(case)
    many = host.adapter.MANY_POLICIES
    logs = "test_the_log_has_verdict_and_reason" not in host.adapter.EXCEPTIONS
    wrong, asked = [], 0
    for part in [groups] if many else [[group] for group in groups]:
        decided = []
        with host.start(*(policy for policy, _ in part)) as site:
            for number, (_, group) in enumerate(part):
                more, decisions = judge(site, number, group, host)
                wrong += more
                decided += decisions
            # A preflight never reaches the application; all else does, once.
            passed = [each for each in decided if each["status"] == 0]
            assert len(site.reached()) == len(passed)
            if logs:
                assert sorted(site.decisions()) == sorted(
                    f"{each['verdict']} {each['reason']}" for each in decided
                )
        asked += len(decided)
    assert not wrong, f"{len(wrong)} wrong: " + "\n".join(wrong[:20])
    assert asked >= 3000
