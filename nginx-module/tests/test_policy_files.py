"""A bad policy never goes live, and says what is wrong with it."""

import pytest

from conftest import API, APP, STRANGER, wait_until

TWO_FAULTS = """{
  "allow_origins": [
    "https://app.example.com/"
  ],
  "allow_methods": ["put"]
}
"""

LOCATION = "location / { cors_policy bad.json; }"


def directive_line(nginx):
    """Where in nginx.conf the policy is named."""
    lines = (nginx.folder / "nginx.conf").read_text().splitlines()
    number = next(
        number for number, line in enumerate(lines, 1) if "cors_policy" in line
    )
    return f" in {nginx.folder}/nginx.conf:{number}"


def emergencies(text):
    return [line for line in text.splitlines() if "[emerg]" in line]


@pytest.mark.memory
def test_every_fault_is_shown_with_its_place(nginx):
    nginx.configure(LOCATION, {"bad.json": TWO_FAULTS})
    code, text = nginx.check()
    assert code == 1
    first, second, last = emergencies(text)
    file = f'cors policy "{nginx.folder}/bad.json"'
    assert f"{file}:3:5: " in first
    assert "(origin-trailing-slash)" in first
    assert f"{file}:5:21: " in second
    assert f"{file} could not be loaded: policy" in last
    place = directive_line(nginx)
    assert all(line.endswith(place) for line in (first, second, last))


def test_a_file_that_is_no_json_is_shown_with_its_place(nginx):
    nginx.configure(LOCATION, {"bad.json": '{\n "allow_origins": [\n'})
    code, text = nginx.check()
    assert code == 1
    [error, *_] = emergencies(text)
    assert f'cors policy "{nginx.folder}/bad.json":2:20: ' in error
    assert "the file ends inside an array; add the missing ]" in error


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.json", "No such file or directory"),
        ("html", "not a regular file"),
        ("''", "not a regular file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(nginx, name, reason):
    nginx.configure(f"location / {{ cors_policy {name}; }}")
    code, text = nginx.check()
    assert code == 1
    assert text.count(reason) == 1
    file = f"{nginx.folder}/" + name.strip("'")
    assert f'cors policy "{file}": {reason}' in text
    assert all(
        line.endswith(directive_line(nginx)) for line in emergencies(text)
    )


def test_a_doubtful_policy_is_a_warning(nginx):
    policy = {"allow_origins": [APP, APP]}
    nginx.configure("cors_policy bad.json;", {"bad.json": policy})
    code, text = nginx.check()
    assert code == 0
    assert emergencies(text) == []
    assert '[warn]' in text
    assert f'cors policy "{nginx.folder}/bad.json":1:' in text


def test_a_file_named_in_many_places_is_loaded_once(nginx):
    nginx.configure(
        """
        cors_policy bad.json;
        location /1/ { cors_policy bad.json; }
        location /2/ { cors_policy %FOLDER%/bad.json; }
        location /3/ { cors_report_only bad.json; }
        """,
        {"bad.json": {"allow_origins": [APP, APP]}},
    )
    code, text = nginx.check()
    assert code == 0
    assert text.count("[warn]") == 1


def test_the_file_is_looked_for_beside_nginx_conf(serve):
    site = serve("cors_policy sub/api.json;", {"sub/api.json": API})
    assert site.get("/", origin=APP).cors["allow-origin"] == APP


@pytest.mark.parametrize("name", ["cors_policy", "cors_report_only"])
def test_a_directive_may_stand_only_once_in_a_place(nginx, name):
    for first, second in [("api.json", "off"), ("off", "api.json")]:
        nginx.configure(
            f"location / {{ {name} {first}; {name} {second}; }}",
            {"api.json": API},
        )
        code, text = nginx.check()
        assert code == 1
        assert f'"{name}" directive is duplicate' in text


@pytest.mark.parametrize("name", ["cors_policy", "cors_report_only"])
def test_a_directive_is_refused_where_it_would_work_by_halves(nginx, name):
    for place in ["if ($arg_a) { %s }", "limit_except GET { %s }"]:
        inner = place % f"{name} api.json;"
        nginx.configure(f"location / {{ {inner} }}", {"api.json": API})
        code, text = nginx.check()
        assert code == 1
        assert f'"{name}" directive is not allowed here' in text


@pytest.mark.parametrize("off", ["off", "OFF", "Off"])
def test_off_is_taken_in_any_case(nginx, off):
    """As nginx takes "off" of its own directives."""
    nginx.configure(f"cors_policy {off}; cors_report_only {off};")
    assert nginx.check()[0] == 0


INVALID = [
    ("on", ""),
    ("ON", ""),
    ("'{\"allow_origins\": [\"*\"]}'", " (put the policy into a file)"),
    ("$policy", " (variables are not supported)"),
    ("policies/$host.json", " (variables are not supported)"),
    ("${policy}", " (variables are not supported)"),
    ("*", " (list the origins in the policy file)"),
    ("null", " (list the origins in the policy file)"),
    ("https://app.example.com", " (list the origins in the policy file)"),
]


@pytest.mark.parametrize("name", ["cors_policy", "cors_report_only"])
@pytest.mark.parametrize(("value", "hint"), INVALID)
def test_what_is_no_file_name_is_named(nginx, name, value, hint):
    nginx.configure(f"location / {{ cors_policy off; }} {name} {value};")
    code, text = nginx.check()
    assert code == 1
    [line] = emergencies(text)
    assert line.endswith(
        f'invalid value "{value.strip(chr(39))}" in "{name}" directive, it '
        f'must be a file name or "off"{hint}{directive_line(nginx)}'
    )


@pytest.mark.parametrize("value", ["on", "*", "$policy", "https://app", "{}"])
def test_a_file_may_have_any_name(nginx, value):
    nginx.configure(f"cors_policy '{value}';", {value: API})
    assert nginx.check()[0] == 0


def test_a_policy_in_braces_is_a_block_to_nginx(nginx):
    nginx.configure("cors_policy {'allow_origins': ['*']};")
    code, text = nginx.check()
    assert code == 1
    assert 'directive "cors_policy" is not terminated by ";"' in text


@pytest.mark.parametrize("arguments", ["", " api.json api.json"])
def test_a_directive_takes_one_argument(nginx, arguments):
    nginx.configure(f"cors_policy{arguments};", {"api.json": API})
    code, text = nginx.check()
    assert code == 1
    assert 'invalid number of arguments in "cors_policy"' in text


@pytest.mark.memory
def test_a_failed_reload_keeps_the_old_policy(serve):
    site = serve("cors_policy api.json;")
    site.expect("api.json")

    site.write("api.json", TWO_FAULTS)
    site.reload()
    wait_until(lambda: "could not be loaded" in site.errors, "the reload to fail")
    assert site.get("/", origin=APP).cors["allow-origin"] == APP

    site.write("api.json", API | {"allow_origins": [STRANGER]})
    site.reload()
    wait_until(
        lambda: site.get("/", origin=STRANGER).cors
        and not site.get("/", origin=APP).cors,
        "the new policy",
    )


@pytest.mark.memory
def test_policies_come_and_go_with_reloads(serve):
    site = serve("cors_policy api.json;")
    for _ in range(5):
        site.configure("return 200;")
        site.reload()
        wait_until(lambda: not site.get("/", origin=APP).cors, "no policy")
        site.configure("cors_policy api.json; return 200;")
        site.reload()
        wait_until(lambda: site.get("/", origin=APP).cors, "a policy")


def test_a_large_policy_is_no_slower_to_serve(serve):
    origins = [f"https://tenant{n}.example.com" for n in range(20000)]
    site = serve("cors_policy api.json;", {
        "api.json": {"allow_origins": origins}
    })
    for origin in (origins[0], origins[-1]):
        answer = site.get("/", origin=origin)
        assert answer.cors == {"allow-origin": origin}
    assert site.get("/", origin="https://tenant20000.example.com").cors == {}


def test_nginx_without_a_cors_directive_is_left_as_it_was(serve, backend):
    backend.answers["/"] = (200, [("Access-Control-Allow-Origin", "*")])
    site = serve("location / { proxy_pass http://%BACKEND%; }")
    assert site.get("/", origin=APP).cors == {"allow-origin": "*"}
    assert site.preflight("/").status == 200
    assert site.log == ["GET / - - - - | - - -", "OPTIONS / - - - - | - - -"]


@pytest.mark.memory
def test_without_a_master_process_it_is_the_same(serve):
    site = serve("cors_policy api.json;", main="master_process off;")
    assert site.get("/", origin=APP).cors["allow-origin"] == APP
