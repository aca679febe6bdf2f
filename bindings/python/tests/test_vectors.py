"""Every shared vector, through Policy.evaluate and PolicyError."""

import json
import warnings
from pathlib import Path

import pytest

from libcors import Policy, PolicyError, PolicyWarning

VECTORS = Path(__file__).resolve().parents[3] / "vectors"


def decisions():
    for path in sorted(VECTORS.glob("*.json")):
        for group in json.loads(path.read_text()).get("groups", []):
            for case in group["cases"]:
                yield group["policy"], case


def quietly(policy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PolicyWarning)
        return Policy(policy)


@pytest.mark.parametrize("form", [str, str.encode])
def test_every_decision(form):
    policies, wrong, count = {}, [], 0
    for policy, case in decisions():
        text = json.dumps(policy)
        if text not in policies:
            policies[text] = quietly(policy)
        request = {key: form(text) for key, text in case["request"].items()}
        # The second answer is a remembered one.
        first, second = (policies[text].evaluate(**request) for _ in "12")
        expect = case["expect"]
        headers = [[n.decode(), v.decode()] for n, v in first.headers]
        found = {
            "verdict": first.verdict,
            "reason": first.reason,
            "status": first.status,
            "headers": headers,
            "culprit": first.culprit,
            "pattern": first.pattern,
        }
        if found != expect or second != first:
            wrong.append(f"{case['name']}: {found}, not {expect}")
        words = policies[text].explain(**request)
        if not words.startswith(f"{expect['verdict']}: "):
            wrong.append(f"{case['name']}: {words}")
        count += 1
    assert not wrong, "\n".join(wrong)
    assert count >= 1600


def test_every_policy():
    cases = json.loads((VECTORS / "policies.json").read_text())["cases"]
    wrong = []
    for case in cases:
        policy = case.get("policy", case.get("policy_text"))
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                found = Policy(policy).warnings
                assert len(warned) == len(found)
            except PolicyError as error:
                found = error.diagnostics
                assert not warned
        expected = case["diagnostics"]
        if case["name"] == "json: a file's name":
            # Python knows what was meant.
            expected = [{**expected[0], "help": "use Policy.from_file"}]
        if not agree(found, expected):
            wrong.append(f"{case['name']}: {found}")
    assert not wrong, "\n".join(wrong)
    assert len(cases) >= 500


def agree(found, expected):
    return len(found) == len(expected) and all(
        (d.severity, d.code, d.pointer)
        == (e["severity"], e["code"], e["pointer"])
        and e.get("help", "") in (d.help or "")
        for d, e in zip(found, expected)
    )
