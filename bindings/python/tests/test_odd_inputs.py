"""Whatever is given: a decision or a clear error, never a crash."""

import json
import re
import unicodedata
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libcors import Decision, Policy, PolicyError, PolicyWarning, Verdict

POLICIES = [
    Policy({"allow_origins": ["*"], "allow_headers": ["*"]}),
    Policy(
        {
            "allow_origins": ["https://*.example.com", "https://a.example"],
            "allow_credentials": True,
            "allow_methods": ["*"],
            "allow_headers": ["*"],
            "expose_headers": ["x-a"],
        }
    ),
]

#: Texts with lone surrogates, NUL and all else that a str can hold.
texts = st.text(st.characters(), max_size=40)
parts = st.none() | st.one_of(
    texts,
    st.binary(max_size=40),
    st.sampled_from(["OPTIONS", "https://a.example", "PUT", "x-a", "", "\0"]),
    st.builds(str.__mul__, texts, st.integers(1, 500)),
)
requests = st.fixed_dictionaries(
    {
        "method": parts | st.just("OPTIONS"),
        "origin": parts | st.just("https://a.example"),
        "request_method": parts | st.just("PUT"),
        "request_headers": parts,
    }
)


def encoded(part):
    if isinstance(part, str):
        return part.encode("utf-8", "surrogatepass")
    return part


@pytest.mark.parametrize("policy", POLICIES)
@given(request=requests)
@settings(max_examples=300, deadline=None)
def test_any_text_is_decided(policy, request):
    decision = policy.evaluate(**request)
    assert isinstance(decision, Decision)
    assert decision.verdict != Verdict.UNKNOWN
    sent = {key: encoded(part) for key, part in request.items()}
    assert policy.evaluate(**sent) == decision
    for _, value in decision.headers:
        assert re.fullmatch(rb"[\t\x20-\x7e]*", value)
    allowed = dict(decision.headers).get(b"access-control-allow-origin")
    assert allowed in (None, b"*", sent["origin"])
    words = policy.explain(**request)
    assert re.fullmatch(r"[\x20-\x7e]+", words)
    assert words.startswith(f"{decision.verdict}: ")


def test_huge_texts_are_decided():
    huge = "a" * 5_000_000
    for policy in POLICIES:
        decision = policy.evaluate(
            method=huge,
            origin=huge,
            request_method=huge,
            request_headers=huge,
        )
        assert decision.status == 0


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | st.sampled_from(["*", "null", "https://a.example", "https://*.com"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts, inner, max_size=4)
        | st.tuples(inner)
    ),
    max_leaves=8,
)
documents = st.dictionaries(
    texts
    | st.sampled_from(
        [
            "allow_origins",
            "allow_credentials",
            "allow_methods",
            "allow_headers",
            "expose_headers",
            "max_age",
            "preflight_status",
            "dangerously_allow",
        ]
    ),
    values,
    max_size=6,
)


def load(policy):
    """The diagnostics; a policy or at least one error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PolicyWarning)
        try:
            found, shown = Policy(policy).warnings, None
        except PolicyError as error:
            found, shown = error.diagnostics, str(error)
    errors = [each for each in found if each.severity == "error"]
    assert bool(errors) == bool(shown)
    assert not shown or len(shown.splitlines()) == len(found) + 1
    for each in found:
        assert each.code
        assert len(str(each).splitlines()) == 1
        assert not any(map(control, f"{each}{each.pointer}"))
    return found


def control(character):
    return unicodedata.category(character) == "Cc"


@given(documents)
@settings(max_examples=300, deadline=None)
def test_any_dict_loads_or_says_why(document):
    in_dict = load(document)
    in_text = load(json.dumps(document))
    assert [(d.code, d.message) for d in in_dict] == [
        (d.code, d.message) for d in in_text
    ]


@given(
    texts
    | st.binary()
    | st.builds(json.dumps, documents)
    | st.builds(lambda d: json.dumps(d, ensure_ascii=False), documents)
)
@settings(max_examples=300, deadline=None)
def test_any_text_loads_or_says_why(text):
    load(text)
