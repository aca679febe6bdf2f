# SPDX-License-Identifier: MIT OR Apache-2.0
"""One decision has the same words everywhere: Policy.explain, which is
cors_explain of the C ABI, says what `cors explain` has from the Rust API."""

import json
import subprocess
from pathlib import Path

import pytest
from test_vectors import decisions, quietly

CLI = Path(__file__).resolve().parents[3] / "cli"

#: What is asked of Policy.explain, by the names on the wire.
LINES = {
    "origin": "origin",
    "access-control-request-method": "request_method",
    "access-control-request-headers": "request_headers",
}


@pytest.fixture(scope="module")
def command():
    build = ["cargo", "build", "--quiet", "--locked", "-p", "libcors-cli"]
    subprocess.run(build, cwd=CLI, check=True)
    return CLI.parent / "target" / "debug" / "cors"


def test_the_command_has_the_same_words(command, tmp_path):
    wrong, reasons, count = [], set(), 0
    # Some of them, for the time that it takes.
    for text, script in sorted(scripts())[::3]:
        file = tmp_path / "cors.json"
        file.write_text(text)
        done = subprocess.run(
            [command, "explain", file, "--format=json", *script],
            capture_output=True,
            check=False,
        )
        # Some are no origin that a page could have.
        if done.returncode == 2:
            continue
        policy = quietly(text)
        for exchange in json.loads(done.stdout)["exchanges"]:
            sent = dict(exchange["sent"]["headers"])
            words = policy.explain(
                method=exchange["sent"]["method"],
                **{
                    part: sent[name].encode()
                    for name, part in LINES.items()
                    if name in sent
                },
            )
            expected = in_one_line(exchange)
            if words != expected:
                wrong.append(f"{words}\nnot\n{expected}")
            reasons.add(exchange["decision"]["reason"])
            count += 1
    assert not wrong, "\n".join(wrong)
    assert count >= 400
    assert reasons >= {
        "none",
        "origin_not_allowed",
        "origin_malformed",
        "method_not_allowed",
        "header_not_allowed",
    }


def scripts():
    """The vectors' requests, as arguments of the command."""
    found = set()
    for policy, case in decisions():
        request = case["request"]
        if not {"origin", "method"} <= request.keys():
            continue
        method = request.get("request_method", request["method"])
        names = request.get("request_headers", "").split(",")
        script = [f"--origin={request['origin']}", f"--method={method}"]
        script += [f"--header={name.strip()}" for name in names if name]
        if "\0" not in "".join(script):
            found.add((json.dumps(policy), tuple(script)))
    return found


def in_one_line(exchange):
    """As Policy.explain has it."""
    decision, response = exchange["decision"], exchange["response"]
    parts = [f"{decision['verdict']}: {decision['cause']}"]
    if decision["hint"]:
        parts.append(decision["hint"])
    if response["status"]:
        parts.append(f"Answer {response['status']} at once.")
    lines = [f"{name}: {value}" for name, value in response["headers"]]
    if lines:
        parts.append(f"Headers: {'; '.join(lines)}")
    return " ".join(parts)
