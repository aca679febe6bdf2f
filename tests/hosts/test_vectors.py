"""Every shared vector that HTTP can carry, through every host: to an
application that knows nothing of CORS, and to one that has headers of its
own."""

from facts import BODIES, OWN
from web_vectors import LINES, cors, read, tokens


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
    if not reached and answer.body or \
            method == "GET" and reached and answer.body.encode() != BODIES[path]:
        yield f"body {answer.body!r}"
    if by_name(cors(lines)) != by_name(cors(expect["headers"])):
        yield f"headers {cors(lines)}"
    vary, expected = tokens(lines), tokens(expect["headers"])
    if path == "/items" and reached and answer.status == 200:
        expected = tokens([["vary", OWN["Vary"]]]) + expected
    if len(set(vary)) != len(vary) or not set(expected) <= set(vary):
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
    assert sum(left_out.values()) <= 60, left_out
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
