# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the two middlewares have in common, each driven in two ways."""

import pytest
from conftest import ASKED
from servers import ACTUAL, API, APP, PREFLIGHT, PREFLIGHT_VARY, STRANGER

from libcors import Policy, PolicyError


@pytest.fixture
def governed(kind):
    return lambda app, **changes: kind.middleware(
        app, policy={**API, **changes}
    )


def test_an_allowed_origin_gets_its_headers(kind, governed):
    answer = kind.ask(governed(kind.says()), headers={"Origin": APP})
    assert answer.status == 200
    assert answer.cors == ACTUAL
    assert answer.vary == ["origin"]
    assert answer.body == b"application"


@pytest.mark.parametrize(
    "origin",
    [None, STRANGER, "", [APP, APP], "\xff\0", "a\0b", "\r\n", "x" * 100_000],
)
def test_others_get_vary_alone(kind, governed, origin):
    headers = {} if origin is None else {"Origin": origin}
    answer = kind.ask(governed(kind.says()), headers=headers)
    assert answer.status == 200
    assert answer.cors == {}
    assert answer.vary == ["origin"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_the_method_of_an_actual_request_does_not_matter(
    kind, governed, method
):
    answer = kind.ask(governed(kind.says()), method, {"Origin": APP})
    assert answer.cors == ACTUAL


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT"])
def test_the_engine_is_asked_with_the_request_s_own_method(kind, method):
    asked = []

    class Recording(Policy):
        def _decide(self, method, *others):
            asked.append(method)
            return super()._decide(method, *others)

    app = kind.middleware(kind.says(), Recording(API))
    for headers in ({}, {"Origin": APP}):
        kind.ask(app, method, headers)
    assert asked == [method, method]


@pytest.mark.parametrize("status", [200, 204, 304, 401, 404, 422, 500, 599])
def test_the_status_does_not_matter(kind, governed, status):
    own = [("Access-Control-Allow-Origin", "*")]
    app = governed(kind.says(own, status))
    answer = kind.ask(app, headers={"Origin": APP})
    assert answer.status == status
    assert answer.cors == ACTUAL


def test_a_preflight_is_answered_before_the_application(kind, governed):
    answer = kind.ask(governed(kind.unreachable), "OPTIONS", ASKED)
    assert answer.status == 204
    assert answer.cors == PREFLIGHT
    assert answer.vary == [PREFLIGHT_VARY]
    assert answer.body == b""
    # RFC 9110, section 8.6: a 204 has none.
    assert answer.all("content-length") == []


@pytest.mark.parametrize(
    ("changes", "origin", "status"),
    [({}, STRANGER, 403), ({"preflight_status": 200}, APP, 200)],
)
def test_other_preflights_say_that_they_are_empty(
    kind, governed, changes, origin, status
):
    app = governed(kind.unreachable, **changes)
    answer = kind.ask(app, "OPTIONS", {**ASKED, "Origin": origin})
    assert answer.status == status
    assert answer.cors == ({} if status == 403 else PREFLIGHT)
    assert answer.vary == [PREFLIGHT_VARY]
    assert answer.body == b""
    assert answer.all("content-length") == ["0"]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("OPTIONS", {"Origin": APP}),
        ("OPTIONS", {"Access-Control-Request-Method": "PUT"}),
        ("OPTIONS", {}),
        ("GET", ASKED),
    ],
)
def test_what_is_no_preflight_reaches_the_application(
    kind, governed, method, headers
):
    answer = kind.ask(governed(kind.says()), method, headers)
    assert answer.body == b"application"
    assert "allow-methods" not in answer.cors
    vary = PREFLIGHT_VARY if method == "OPTIONS" else "origin"
    assert answer.vary == [vary]


def test_lines_of_one_header_are_joined_and_stripped(kind, governed):
    method, listed = list(ASKED)[1:]
    asked = {
        "Origin": f" {APP}\t",
        method: " PUT ",
        listed: ["\tauthorization", "", " content-type\t"],
    }
    app = governed(kind.unreachable)
    assert kind.ask(app, "OPTIONS", asked).cors == PREFLIGHT
    more = {**asked, listed: [*asked[listed], "x-other"]}
    assert "max-age" not in kind.ask(app, "OPTIONS", more).cors
    twice = {**asked, method: ["PUT", "PUT"]}
    assert kind.ask(app, "OPTIONS", twice).status == 403


def test_the_headers_of_the_application_are_replaced(kind, governed):
    own = [
        ("Access-Control-Allow-Origin", "*"),
        ("X-First", "1"),
        ("access-control-allow-origin", STRANGER),
        ("ACCESS-CONTROL-ALLOW-PRIVATE-NETWORK", "true"),
        ("Allow", "GET"),
        ("X-Second", "2"),
    ]
    app = governed(kind.says(own))
    answer = kind.ask(app, headers={"Origin": APP})
    assert answer.cors == ACTUAL
    names = [name for name, _ in answer.lines]
    kept = [name for name in names if name in ("x-first", "allow", "x-second")]
    assert kept == ["x-first", "allow", "x-second"]
    for headers in ({"Origin": STRANGER}, {}):
        assert kind.ask(app, headers=headers).cors == {}


@pytest.mark.parametrize("status", [200, 302, 404, 500])
@pytest.mark.parametrize(
    "own",
    [
        [],
        [("Timing-Allow-Origin", "https://evil.example")],
        [
            ("timing-allow-origin", "*"),
            ("X-First", "1"),
            ("Vary", "Cookie"),
            ("TIMING-ALLOW-ORIGIN", STRANGER),
            ("Trailer", "Expires"),
        ],
    ],
)
def test_timing_allow_origin_is_that_of_the_policy_if_it_has_one(
    kind, governed, own, status
):
    timing = "timing-allow-origin"
    others = [line for line in own if line[0].lower() != timing]
    with_timing = governed(
        kind.says(own, status),
        timing_allow_origins=[APP, "https://rum.example"],
    )
    applications = governed(kind.says(own, status))
    for method in ("GET", "OPTIONS"):
        for headers in ({"Origin": APP}, {"Origin": STRANGER}, {}):
            answer = kind.ask(with_timing, method, headers)
            assert answer.status == status
            assert answer.all(timing) == [f"{APP}, https://rum.example"]
            for name, value in others:
                assert value in answer.all(name.lower())
            answer = kind.ask(applications, method, headers)
            assert answer.all(timing) == [
                value for name, value in own if name.lower() == timing
            ]
    assert kind.ask(with_timing, "OPTIONS", ASKED).all(timing) == []


@pytest.mark.parametrize(
    ("own", "method", "vary"),
    [
        (["accept-encoding"], "GET", ["accept-encoding", "origin"]),
        (["Cookie, Origin"], "GET", ["Cookie, Origin"]),
        (["a", "b,ORIGIN ,c"], "GET", ["a", "b,ORIGIN ,c"]),
        (["*"], "GET", ["*"]),
        (["accept, *"], "OPTIONS", ["accept, *"]),
        ([""], "GET", ["", "origin"]),
        (["xorigin"], "GET", ["xorigin", "origin"]),
        (
            ["Access-Control-Request-Method"],
            "OPTIONS",
            [
                "Access-Control-Request-Method",
                "origin, access-control-request-headers",
            ],
        ),
        ([PREFLIGHT_VARY], "OPTIONS", [PREFLIGHT_VARY]),
    ],
)
@pytest.mark.parametrize("name", ["vary", "Vary", "VARY"])
def test_of_vary_only_what_is_missing_is_added(
    kind, governed, own, method, vary, name
):
    app = governed(kind.says([(name, value) for value in own]))
    assert kind.ask(app, method, {"Origin": APP}).vary == vary


def test_a_rule_for_any_origin_leaves_the_others_their_own(kind):
    rules = [
        {"allow_origins": [APP], "allow_credentials": True},
        {"allow_origins": ["*"]},
    ]
    app = kind.middleware(kind.says(), {"rules": rules})
    own = {"allow-origin": APP, "allow-credentials": "true"}
    for _ in range(2):
        for headers, expected in [
            ({"Origin": APP}, own),
            ({"Origin": STRANGER}, {"allow-origin": "*"}),
            ({"Origin": "null"}, {"allow-origin": "*"}),
            ({}, {"allow-origin": "*"}),
        ]:
            answer = kind.ask(app, headers=headers)
            assert answer.cors == expected
            assert answer.vary == ["origin"]
    assert kind.ask(app, "OPTIONS", ASKED).cors["allow-origin"] == APP


def test_any_origin_needs_no_vary(kind):
    app = kind.middleware(kind.says(), policy={"allow_origins": ["*"]})
    for headers in ({}, {"Origin": APP}):
        answer = kind.ask(app, headers=headers)
        assert answer.cors == {"allow-origin": "*"}
        assert answer.vary == []
    assert kind.ask(app, "OPTIONS").vary == [PREFLIGHT_VARY]


def test_an_exception_is_the_servers(kind, governed):
    with pytest.raises(LookupError, match="before"):
        kind.ask(
            governed(kind.fails(LookupError("before"))),
            headers={"Origin": APP},
        )


def test_a_policy_is_a_path_a_dict_or_a_policy(kind, tmp_path):
    path = tmp_path / "cors.json"
    path.write_text('{"allow_origins": ["%s"]}' % APP)  # noqa: UP031
    source = {"allow_origins": [APP]}
    for policy in (str(path), path, source, Policy(source)):
        app = kind.middleware(kind.says(), policy)
        answer = kind.ask(app, headers={"Origin": APP})
        assert answer.cors == {"allow-origin": APP}
        assert isinstance(app.policy, Policy)
    with pytest.raises(FileNotFoundError):
        kind.middleware(kind.says(), policy=tmp_path / "none.json")
    for wrong in (None, [APP], 7):
        with pytest.raises(TypeError):
            kind.middleware(kind.says(), policy=wrong)


def test_a_policy_can_be_swapped_and_a_wrong_one_changes_nothing(
    kind, governed
):
    app = governed(kind.says())
    before = app.policy
    with pytest.raises(PolicyError):
        app.policy = {"allow_origins": ["https://a.example/"]}
    assert app.policy is before
    assert kind.ask(app, headers={"Origin": APP}).cors == ACTUAL
    app.policy = {"allow_origins": [STRANGER]}
    assert kind.ask(app, headers={"Origin": APP}).cors == {}


def test_of_two_middlewares_the_outer_one_decides(kind, governed):
    inner = kind.middleware(kind.says(), policy={"allow_origins": ["*"]})
    outer = governed(inner)
    assert kind.ask(outer, headers={"Origin": APP}).cors == ACTUAL
    assert kind.ask(outer, headers={"Origin": STRANGER}).cors == {}
    assert kind.ask(governed(governed(kind.says()))).vary == ["origin"]
