# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every vector that HTTP can carry, sent through uvicorn and gunicorn to an
application: one that knows nothing of CORS, and one that sends headers of its
own."""

import collections
import contextlib
import json
from pathlib import Path

import pytest
from servers import exchange, gunicorn, uvicorn
from vectors_app import BODY, OWN, POLICIES, groups

HERE = Path(__file__).parent

LINES = {
    "origin": "Origin",
    "request_method": "Access-Control-Request-Method",
    "request_headers": "Access-Control-Request-Headers",
}


def read():
    """The cases with the numbers of their policies, and why some cannot be
    sent: the vectors say so."""
    cases, left_out = [], collections.Counter()
    for group in groups():
        number = POLICIES.index(json.dumps(group["policy"]))
        for case in group["cases"]:
            if "not_over_http" in case:
                left_out[case["not_over_http"]] += 1
            else:
                cases.append((number, case))
    return cases, left_out


def tokens(values):
    return [
        token.strip().lower() for value in values for token in value.split(",")
    ]


def cors(lines):
    return [
        [name, value]
        for name, value in lines
        if name.startswith("access-control-")
    ]


def faults(case, answer, loud):
    """What is wrong with an answer."""
    expect = case["expect"]
    reached = expect["status"] == 0
    silent = not reached or case["request"]["method"] == "HEAD"
    if answer.status != (expect["status"] or 200):
        yield f"status {answer.status}"
    if answer.body != (b"" if silent else BODY):
        yield f"body {answer.body}"
    if cors(answer.lines) != cors(expect["headers"]):
        yield f"headers {cors(answer.lines)}"
    # The application's Vary comes first, where it was asked.
    vary = tokens(dict(OWN)["Vary"].split(",")) if loud and reached else []
    wanted = [value for name, value in expect["headers"] if name == "vary"]
    vary += [token for token in tokens(wanted) if token not in vary]
    if tokens(answer.vary) != vary:
        yield f"vary {tokens(answer.vary)}"


@pytest.mark.parametrize(
    "server",
    [
        # httptools knows its own list of methods; PURGE and the like are none.
        pytest.param(
            lambda folder: uvicorn(
                "vectors_app:asgi", folder, "--http=h11", f"--app-dir={HERE}"
            ),
            id="uvicorn",
        ),
        pytest.param(
            lambda folder: gunicorn(
                "vectors_app:wsgi", folder, f"--pythonpath={HERE}"
            ),
            id="gunicorn",
        ),
    ],
)
def test_every_vector_is_decided_in_front_of_an_application(server, tmp_path):
    cases, left_out = read()
    # Nothing else is left out.
    assert sum(left_out.values()) <= 60, left_out
    assert len(cases) >= 1500

    wrong, wanted = [], []
    with (
        server(tmp_path) as site,
        contextlib.closing(site.connection()) as connection,
    ):
        for index, (number, case) in enumerate(cases):
            request = case["request"]
            for application in ("silent", "loud"):
                name = f"{index}-{application}"
                lines = [
                    (line, request[key].encode())
                    for key, line in LINES.items()
                    if key in request
                ]
                answer = exchange(
                    connection,
                    request["method"],
                    f"/{number}/{application}",
                    [("X-Case", name), *lines],
                )
                wrong += [
                    f"{case['name']} ({application}): {fault},"
                    f" not {case['expect']}"
                    for fault in faults(case, answer, application == "loud")
                ]
                if case["expect"]["status"] == 0:
                    wanted.append(name)
        reached = json.loads(exchange(connection, "GET", "/reached").body)
    assert not wrong, "\n".join(wrong)
    # A preflight never reaches the application; all else does, once.
    assert reached == wanted
