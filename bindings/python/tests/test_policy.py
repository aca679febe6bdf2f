"""What can be given to a Policy, and what comes back."""

import copy
import errno
import gc
import os
import pickle
import subprocess
import sys
import threading
import traceback
import weakref
from collections import ChainMap, OrderedDict, UserDict, UserList, deque
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict

import pytest

from libcors import (
    Decision,
    Policy,
    PolicyError,
    PolicyWarning,
    Reason,
    Severity,
    Verdict,
    _decision,
    _native,
    _policy,
)

APP = "https://app.example.com"
API = {
    "allow_origins": [APP, "https://*.preview.example.com"],
    "allow_credentials": True,
    "allow_methods": ["PUT"],
    "allow_headers": ["*"],
    "max_age": 600,
}
TWO_FAULTS = """{
  "allow_origins": [
    "https://app.example.com/"
  ],
  "allow_methods": ["put"]
}
"""


# --- What is taken


@pytest.mark.parametrize(
    "policy",
    [
        {"allow_origins": [APP]},
        '{"allow_origins": ["https://app.example.com"]}',
        b'{"allow_origins": ["https://app.example.com"]}',
        b'\xef\xbb\xbf{"allow_origins": ["https://app.example.com"]}',
    ],
)
def test_a_policy_is_a_dict_or_its_text(policy):
    assert Policy(policy).evaluate(method="GET", origin=APP) == Decision(
        verdict=Verdict.ALLOWED,
        reason=Reason.NONE,
        status=0,
        headers=(
            (b"access-control-allow-origin", APP.encode()),
            (b"vary", b"origin"),
        ),
        culprit=None,
        pattern=APP,
    )


class Origins(TypedDict):
    allow_origins: list


@pytest.mark.parametrize(
    "policy",
    [
        MappingProxyType({"allow_origins": [APP]}),
        ChainMap({"allow_origins": [APP]}, {"allow_origins": ["*"]}),
        UserDict(allow_origins=[APP]),
        OrderedDict(allow_origins=(APP,)),
        Origins(allow_origins=[APP]),
        {"allow_origins": {APP}},
        {"allow_origins": frozenset([APP])},
        {"allow_origins": {APP: 1}.keys()},
        {"allow_origins": deque([APP])},
        {"allow_origins": UserList([APP])},
        {
            "allow_origins": {APP},
            "dangerously_allow": MappingProxyType({"insecure_origins": set()}),
        },
    ],
)
def test_a_policy_may_have_any_kind_of_mapping_and_list(policy):
    decision = Policy(policy).evaluate(method="GET", origin=APP)
    assert decision.verdict is Verdict.ALLOWED
    decision = Policy(policy).evaluate(method="GET", origin="https://b.test")
    assert decision.verdict is Verdict.REFUSED


def test_a_set_has_the_same_order_in_each_process():
    program = (
        "import libcors\n"
        "policy = libcors.Policy({'allow_origins': {'*'},"
        " 'allow_methods': {'PUT', 'DELETE', 'PATCH', 'QUERY'}})\n"
        "print(policy.evaluate(method='OPTIONS', origin='https://a.test',"
        " request_method='PUT').headers)\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
        for seed in range(4)
    }
    assert len(seen) == 1


@pytest.mark.parametrize(
    "text",
    [
        "cors.json",
        b"cors.json",
        "policies/x.json",
        "./my policies/cors",
        "/etc/cors/policy",
        "cors",
        "C:\\cors.json",
        " cors.json\n",
    ],
)
def test_the_path_of_a_file_is_told_from_a_text(text):
    with pytest.raises(PolicyError) as caught:
        Policy(text)
    (found,) = caught.value.diagnostics
    path = os.fsdecode(text).strip()
    assert (found.code, found.line) == ("json-syntax", 1)
    assert found.message == (
        f'expected JSON, found "{path}", which looks like a path'
    )
    assert found.help == "use Policy.from_file to load a file"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "{'allow_origins': ['*']}",
        '{"allow_origins": ["*"],}',
        "[",
        '"cors.json',
        "allow_origins: ['*']",
        "allow_origins: ",
        "allow_origins:\n  - a\n",
        "# a comment",
        "// a comment",
        "https://app.example.com",
        "*",
        "${CORS}",
        "$CORS",
        "a\0b",
        b"\x80",
        "x" * 5000,
    ],
)
def test_what_is_no_path_keeps_the_engines_words(text):
    with pytest.raises(PolicyError) as caught:
        Policy(text)
    assert "from_file" not in str(caught.value)


@pytest.mark.parametrize("form", [str, os.fsencode, Path])
def test_a_file_is_named_in_every_form_of_a_path(tmp_path, form):
    file = tmp_path / "p\u00e9licy.json"
    file.write_text('{"allow_origins": ["*"]}')
    policy = Policy.from_file(form(file))
    assert policy.evaluate().headers == (
        (b"access-control-allow-origin", b"*"),
    )


@pytest.mark.parametrize(
    "policy", [None, 1, ["https://a.example"], bytearray(b"{}"), Path("a")]
)
def test_another_type_is_a_type_error(policy):
    with pytest.raises(TypeError, match="expected a policy as") as caught:
        Policy(policy)
    assert f"found {type(policy).__name__}; use Policy.from" in str(
        caught.value
    )


def circle():
    policy = {}
    policy["allow_origins"] = policy
    return policy


def deep():
    policy = {}
    for _ in range(100_000):
        policy = {"allow_origins": policy}
    return policy


@pytest.mark.parametrize(
    ("policy", "error", "text"),
    [
        ({"allow_origins": [APP.encode()]}, TypeError, "bytes is not JSON"),
        ({"allow_origins": bytearray(b"a")}, TypeError, "bytearray is not"),
        ({"allow_origins": object()}, TypeError, "object is not JSON"),
        ({"allow_origins": iter([APP])}, TypeError, "iterator is not JSON"),
        ({("a", "b"): 1}, TypeError, "keys must be"),
        (circle(), ValueError, "Circular"),
        (deep(), ValueError, "nested too deeply"),
        ({"max_age": float("nan")}, PolicyError, "json-syntax"),
        ({1: 2}, PolicyError, "unknown-key"),
        ({"allow_origins": ["\ud800"]}, PolicyError, "json-"),
        ('{"allow_origins": ["\ud800"]}', PolicyError, "json-encoding"),
        ("", PolicyError, "json-syntax"),
        (b"\0", PolicyError, "json-syntax"),
        ("[" * 100_000, PolicyError, "json-"),
        ("cors.json", PolicyError, "json-syntax"),
    ],
)
def test_what_is_no_policy_is_a_clear_error(policy, error, text):
    with pytest.raises(error, match=text):
        Policy(policy)


def test_a_file_that_cannot_be_read_is_an_os_error(tmp_path):
    missing = tmp_path / "missing.json"
    with pytest.raises(FileNotFoundError) as caught:
        Policy.from_file(missing)
    assert caught.value.filename == str(missing)
    assert str(missing) in str(caught.value)
    with pytest.raises(OSError, match="not a regular file"):
        Policy.from_file(tmp_path)
    with pytest.raises(ValueError, match="NUL in the path"):
        Policy.from_file("a\0b")
    with pytest.raises(TypeError):
        Policy.from_file(1)


@pytest.mark.parametrize("form", [str, os.fsencode, Path])
def test_the_error_of_a_missing_file_has_the_absolute_path(
    tmp_path, monkeypatch, form
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        Policy.from_file(form("sub/../missing.json"))
    assert caught.value.filename == str(tmp_path / "missing.json")
    assert caught.value.errno == errno.ENOENT
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(FileNotFoundError) as caught:
        Policy.from_file(form("missing.json"))
    assert caught.value.filename == "missing.json"


# --- Errors and warnings


def test_an_error_shows_every_place_and_fix(tmp_path):
    file = tmp_path / "cors.json"
    file.write_text(TWO_FAULTS)
    with pytest.raises(PolicyError) as caught:
        Policy.from_file(file)
    first, second = caught.value.diagnostics
    assert (first.code, first.severity, first.pointer, first.line) == (
        "origin-trailing-slash",
        Severity.ERROR,
        "/allow_origins/0",
        3,
    )
    assert (first.column, first.help) == (5, "use https://app.example.com")
    assert (second.code, second.line, second.column) == ("method-case", 5, 21)
    assert caught.value.file == str(file)
    shown = "".join(traceback.format_exception_only(PolicyError, caught.value))
    assert shown == (
        "libcors.PolicyError: the policy is rejected\n"
        f"  {file}:3:5: error: {first.message}; use "
        "https://app.example.com [origin-trailing-slash]\n"
        f'  {file}:5:21: error: {second.message}; use "PUT" [method-case]\n'
    )


def test_an_error_in_a_dict_is_placed_by_its_json_pointer():
    with pytest.raises(PolicyError) as caught:
        Policy({"allow_origins": [APP + "/"]})
    assert "\n  policy/allow_origins/0: error: " in str(caught.value)
    assert caught.value.diagnostics[0].line == 0


def test_an_error_can_be_pickled():
    with pytest.raises(PolicyError) as caught:
        Policy(TWO_FAULTS)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.diagnostics == caught.value.diagnostics


def test_a_hundred_errors_are_shown_and_the_rest_counted():
    with pytest.raises(PolicyError) as caught:
        Policy({"allow_origins": [""] * 1000})
    assert len(caught.value.diagnostics) == 100
    assert caught.value.diagnostics[-1].code == "more"


def test_a_warning_points_at_the_line_that_loads(tmp_path):
    text = '{"allow_origins": ["http://a.example"]}'
    file = tmp_path / "cors.json"
    file.write_text(text)
    with pytest.warns(PolicyWarning, match="policy:1:20: warning: ") as one:
        policy = Policy(text)
    with pytest.warns(PolicyWarning, match=f"{file}:1:20: ") as two:
        Policy.from_file(file)
    assert {each.filename for each in [*one, *two]} == {__file__}
    assert [each.code for each in policy.warnings] == ["origin-insecure"]
    assert policy.warnings[0].severity == Severity.WARNING


def test_what_is_raised_while_a_policy_reports_is_raised(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_policy, "read_diagnostic", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Policy("{}")
    with pytest.raises(KeyboardInterrupt):
        Policy({"allow_origins": ["http://a.example"]})


# --- Decisions


def test_verdict_and_reason_are_texts():
    decision = Policy(API).evaluate(
        method="OPTIONS", origin=APP, request_method="DELETE"
    )
    assert decision.verdict is Verdict.PREFLIGHT_REFUSED
    assert decision.verdict == "preflight_refused"
    assert str(decision.verdict) == f"{decision.verdict}"
    assert f"{decision.verdict} {decision.reason}" == (
        "preflight_refused method_not_allowed"
    )
    assert decision.culprit == "DELETE"


def test_a_decision_is_fixed_and_can_be_pickled():
    decision = Policy(API).evaluate(method="GET", origin=APP)
    with pytest.raises(AttributeError):
        decision.status = 200
    assert pickle.loads(pickle.dumps(decision)) == decision
    assert len({decision, copy.deepcopy(decision)}) == 1


def test_a_decision_outlives_its_policy_and_its_request():
    policy = Policy(API)
    decisions = [
        policy.evaluate(
            method="OPTIONS",
            origin=f"https://pr-{i}.preview.example.com",
            request_method="PUT",
            request_headers=f"x-{i}",
        )
        for i in range(2000)
    ]
    engine = weakref.ref(policy._engine)
    del policy
    # No cycle holds it: it is freed at once.
    assert engine() is None
    for i, decision in enumerate(decisions):
        headers = dict(decision.headers)
        assert headers[b"access-control-allow-origin"] == (
            b"https://pr-%d.preview.example.com" % i
        )
        assert headers[b"access-control-allow-headers"] == b"x-%d" % i


def test_texts_end_by_their_length_and_not_at_a_nul():
    policy = Policy({**API, "allow_headers": ["x-a"]})
    preflight = {"method": "OPTIONS", "origin": APP, "request_method": "PUT"}
    decision = policy.evaluate(**preflight, request_headers="x-a,x-b,x-c")
    # From the middle of the request.
    assert decision.culprit == "x-b"
    decision = policy.evaluate(**preflight, request_headers="x-a\0,x-b")
    assert decision.reason == Reason.HEADERS_MALFORMED
    decision = policy.evaluate(method="GET", origin=APP + "\0")
    assert decision.reason == Reason.ORIGIN_MALFORMED


def test_any_origin_is_remembered_once():
    policy = Policy({"allow_origins": ["*"], "allow_methods": ["PUT"]})
    asked = {"method": "OPTIONS", "request_method": "PUT"}
    for origin in ("https://a.example", "null", "", "x" * 9000, "\xff", "*"):
        assert policy.evaluate(method="GET", origin=origin) == Decision(
            Verdict.ALLOWED,
            Reason.NONE,
            0,
            ((b"access-control-allow-origin", b"*"),),
            None,
            "*",
        )
        decision = policy.evaluate(origin=origin, **asked)
        assert decision.verdict is Verdict.PREFLIGHT_ALLOWED
    assert policy._cached.cache_info().misses == 2
    assert policy.evaluate(method="GET").verdict is Verdict.NOT_CORS
    # Others are told apart.
    policy = Policy(
        {"allow_origins": ["https://*.a.example", "https://c.test:*"]}
    )
    for origin in ("*", "https://b.a.example", "https://c.test:1"):
        policy.evaluate(method="GET", origin=origin)
    assert policy._cached.cache_info().misses == 3


def test_decisions_are_remembered_up_to_a_bound():
    policy = Policy(API)
    one = policy.evaluate(method="GET", origin=APP)
    assert policy.evaluate(method=b"GET", origin=APP.encode()) is one
    assert policy._decide("GET", APP.encode()) is one
    for i in range(5000):
        policy.evaluate(method="GET", origin=f"https://{i}.example")
    assert policy._cached.cache_info().currsize == 1024

    before = policy._cached.cache_info().currsize
    for part in ("method", "origin", "request_method", "request_headers"):
        request = {"method": "OPTIONS", "origin": APP, part: "x" * 513}
        long = policy.evaluate(**request)
        assert policy.evaluate(**request) == long
        assert policy.evaluate(**request) is not long
    assert policy._cached.cache_info().currsize == before


def test_a_failed_call_permits_nothing():
    status, decision = _decision.evaluate(None, "GET", APP.encode())
    assert status != _native.OK
    assert decision.verdict == Verdict.REFUSED
    assert decision.status == 0
    assert [name for name, _ in decision.headers] == [b"vary"]


def test_another_type_in_a_request_is_named():
    policy = Policy(API)
    for part in ("method", "origin", "request_method", "request_headers"):
        for value in (1, [APP], bytearray(b"GET"), object()):
            for ask in (policy.evaluate, policy.explain):
                with pytest.raises(TypeError, match=f"{part} is str or bytes"):
                    ask(**{part: value})


# --- The life of a policy


def test_a_policy_is_shared_and_not_copied_nor_pickled():
    policy = Policy(API)
    assert copy.copy(policy) is policy
    assert copy.deepcopy({"policy": policy})["policy"] is policy
    with pytest.raises(TypeError, match="load it in the process"):
        pickle.dumps(policy)


def resident():
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_memory_stays_flat():
    origins = [f"https://a{i}.example" for i in range(2000)]
    text = '{"allow_origins": ["' + '", "'.join(origins) + '"]}'
    fault = '{"allow_origins": [' + '"", ' * 200 + '""]}'

    def work(rounds):
        for i in range(rounds):
            policy = Policy(text)
            policy.evaluate(method="GET", origin=f"https://a{i}.example")
            policy.explain(method="GET", origin=f"https://b{i}.example")
            with pytest.raises(PolicyError):
                Policy(fault)
        gc.collect()

    work(50)
    before = resident()
    work(300)
    # One policy of these takes more than 100 KB: 300 would be 30 MB.
    assert resident() - before < 8_000_000


def test_eight_threads_share_a_policy():
    policy = Policy(API)
    wrong = []
    together = threading.Barrier(8)

    def ask(thread):
        together.wait()
        for i in range(3000):
            # Beyond the bound of the cache, and the same in all threads.
            n = (i * (1 + thread % 3)) % 1500
            origin = f"https://pr-{n}.preview.example.com"
            decision = policy.evaluate(
                method="OPTIONS",
                origin=origin,
                request_method="PUT",
                request_headers=f"x-{n}",
            )
            headers = dict(decision.headers)
            if (
                headers[b"access-control-allow-origin"] != origin.encode()
                or headers[b"access-control-allow-headers"] != b"x-%d" % n
            ):
                wrong.append((origin, decision))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_threads_load_and_drop_policies_while_others_use_them():
    current = [Policy(API)]
    done = threading.Event()
    wrong = []

    def ask():
        i = 0
        while not done.is_set():
            i += 1
            decision = current[0].evaluate(
                method="GET", origin=f"https://pr-{i}.preview.example.com"
            )
            if decision.verdict != Verdict.ALLOWED:
                wrong.append(decision)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        current[0] = Policy(API)
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong


def run(program):
    return subprocess.run(
        [sys.executable, "-bb", "-X", "dev", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_policy_is_used_on_both_sides_of_a_fork():
    done = run(
        """
import os
from libcors import Policy
policy = Policy({"allow_origins": ["https://a.example"]})
policy.evaluate(method="GET", origin="https://a.example")
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        for i in range(1000):
            verdict = policy.evaluate(
                method="GET", origin="https://a.example" + "x" * (i % 2)
            ).verdict
            if verdict != ("refused" if i % 2 else "allowed"):
                os._exit(1)
        del policy
        os._exit(0)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children]
policy.evaluate(method="GET", origin="https://b.example")
print(codes)
"""
    )
    assert (done.stdout, done.stderr) == ("[0, 0, 0, 0]\n", "")


def test_the_interpreter_ends_quietly_with_a_policy_in_use():
    done = run(
        """
import threading
from libcors import Policy
policy = Policy({"allow_origins": ["https://a.example"]})
circle = [policy]
circle.append(circle)
def ask():
    i = 0
    while True:
        i += 1
        policy.evaluate(method="GET", origin="https://a.example:%d" % i)
for _ in range(4):
    threading.Thread(target=ask, daemon=True).start()
print("end")
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_policy_is_freed_when_dropped_and_not_when_the_process_ends():
    # Then a thread may still be deciding.
    done = run(
        """
from libcors import Policy, _native
_native.policy_free = lambda pointer: print("freed")
first = Policy({"allow_origins": ["https://a.example"]})
second = Policy({"allow_origins": ["https://a.example"]})
del first
print("end")
"""
    )
    assert (done.stdout, done.stderr) == ("freed\nend\n", "")


def test_text_and_bytes_are_never_compared():
    # -bb makes an error of it.
    done = run(
        """
from libcors import Policy
policy = Policy({"allow_origins": ["https://a.example"]})
for form in (str, str.encode, str):
    policy.evaluate(method=form("GET"), origin=form("https://a.example"))
policy._decide("GET", b"https://a.example")
print(policy._cached.cache_info().currsize)
"""
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
