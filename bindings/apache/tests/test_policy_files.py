"""A bad policy never goes live, and says what is wrong with it."""

import pathlib
import re
import subprocess

import pytest

from conftest import API, APP, STRANGER, wait_until

TWO_FAULTS = """{
  "allow_origins": [
    "https://app.example.com/"
  ],
  "allow_methods": ["put"]
}
"""


@pytest.mark.parametrize("place", ["main", "server", "section"])
def test_every_fault_is_shown_with_its_place(apache, place):
    text = "CorsPolicy bad.json"
    server = "" if place == "main" else text
    if place == "section":
        server = f'<Location "/">\n{text}\n</Location>'
    main = text if place == "main" else ""
    apache.configure(server, {"bad.json": TWO_FAULTS}, main)
    code, text = apache.check()
    assert code == 1
    file = f'CorsPolicy "{apache.folder}/bad.json"'
    assert re.search(re.escape(file) + r":3:5: .*; use .*"
                     r" \(origin-trailing-slash\)\n", text)
    assert re.search(re.escape(file) + r":5:21: .*\(method-case\)\n", text)
    lines = (apache.folder / "httpd.conf").read_text().splitlines()
    number = next(
        n for n, line in enumerate(lines, 1) if "bad.json" in line
    )
    assert f"Syntax error on line {number} of " in text
    assert f'"{apache.folder}/bad.json" could not be loaded: policy' in text
    assert text.count("bad.json") == 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.json", "No such file or directory"),
     ("html", "not a regular file")],
)
def test_a_file_that_cannot_be_read_is_named(apache, name, reason):
    apache.configure(f"CorsPolicy {name}")
    code, text = apache.check()
    assert code == 1
    assert f'CorsPolicy "{apache.folder}/{name}": {reason}' in text
    assert text.count(reason) == 1


@pytest.mark.parametrize(
    ("argument", "rest"),
    [
        ("on", 'found "on"; use the name of a policy file'),
        ("ON", 'found "ON"; use the name of a policy file'),
        ("none", 'found "none"; use off'),
        ("false", 'found "false"; use off'),
        (APP, f'found an origin; add "{APP}" to allow_origins in a policy file'),
        ("*", 'found an origin; add "*" to allow_origins in a policy file'),
        ("${CORS_FILE}", "found the undefined variable ${CORS_FILE}; use "
         "Define or the environment to set it"),
        ("/etc/${CORS_FILE}.json", "found the undefined variable ${CORS_FILE}; "
         "use Define or the environment to set it"),
        ("%{DOCUMENT_ROOT}/cors.json", 'found "%{DOCUMENT_ROOT}/cors.json"; '
         "use a fixed name, which is not expanded for each request"),
        ("'{\"allow_origins\": [\"*\"]}'",
         "found JSON; use the name of a file that contains it"),
    ],
)
def test_what_is_no_file_is_named(apache, argument, rest):
    apache.configure(f"CorsPolicy {argument}")
    code, text = apache.check()
    assert code == 1
    assert text.splitlines()[-1] == f'CorsPolicy: expected a file or "off", {rest}'
    assert "[cors:error]" not in text


@pytest.mark.parametrize("name", ["on", "none", "*", "a://b", "${CORS_FILE}"])
def test_a_file_may_have_any_name(serve, name):
    site = serve(f"CorsPolicy {name}", {name: API})
    assert site.get("/", origin=APP).cors["allow-origin"] == APP


def test_a_variable_that_is_defined_is_a_file(serve):
    site = serve(
        "CorsPolicy ${CORS_FILE}", {"api.json": API}, "Define CORS_FILE api.json"
    )
    assert site.get("/", origin=APP).cors["allow-origin"] == APP


@pytest.mark.parametrize("off", ["off", "OFF", "Off", "oFF"])
def test_off_in_any_case_is_off(serve, backend, off):
    """No headers are added, and the application's own are not touched."""
    own = [("Access-Control-Allow-Origin", "https://own.example"),
           ("Vary", "Accept")]
    backend.answers["/"] = (200, own)
    site = serve(f"""
        CorsPolicy api.json
        ProxyPass / http://%BACKEND%/
        <Location "/">
            CorsPolicy {off}
        </Location>
    """)
    answer = site.get("/", origin=APP)
    assert answer.cors == {"allow-origin": "https://own.example"}
    assert answer.vary == ["Accept"]
    answer = site.preflight("/")
    assert answer.cors == {"allow-origin": "https://own.example"}
    assert backend.hits == ["GET /", "OPTIONS /"]


def test_httpd_does_not_start_with_a_bad_policy(apache):
    apache.configure("CorsPolicy bad.json", {"bad.json": "{"})
    with pytest.raises(AssertionError, match=r'bad.json":1:2: '):
        apache.start()
    assert apache.process.wait() != 0
    apache.expect("bad.json")


@pytest.mark.memory
def test_a_doubtful_policy_is_a_warning(apache, serve):
    """Once, though httpd reads its configuration twice to start."""
    policies = {"api.json": {"allow_origins": [APP, APP]}}
    text = """
        CorsPolicy api.json
        <Location "/a">
            CorsPolicy %FOLDER%/api.json
        </Location>
    """
    apache.configure(text, policies)
    code, said = apache.check()
    assert code == 0
    assert said.count("(duplicate)") == 1
    assert f'CorsPolicy "{apache.folder}/api.json":1:' in said
    site = serve(text, policies)
    assert site.get("/", origin=APP).cors["allow-origin"] == APP
    assert site.get("/a", origin=APP).cors["allow-origin"] == APP
    assert site.errors.count("(duplicate)") == 1
    site.reload()
    wait_until(lambda: site.errors.count("(duplicate)") == 2, "a warning")


def test_the_file_is_looked_for_below_the_server_root(serve):
    site = serve("CorsPolicy sub/api.json", {"sub/api.json": API})
    assert site.get("/", origin=APP).cors["allow-origin"] == APP


@pytest.mark.parametrize(
    ("server", "fault"),
    [
        ("CorsPolicy api.json\nCorsPolicy off",
         "CorsPolicy may be set only once per context"),
        ("CorsPolicy off\nCorsPolicy api.json",
         "CorsPolicy may be set only once per context"),
        ("CorsPolicy", "CorsPolicy takes one argument"),
        ("CorsPolicy api.json api.json", "CorsPolicy takes one argument"),
        ('<Location "/">\n<LimitExcept GET>\nCorsPolicy api.json\n'
         "</LimitExcept>\n</Location>",
         "CorsPolicy cannot occur within <Limit> or <LimitExcept> se"),
    ],
)
def test_a_directive_that_is_wrong_is_refused(apache, server, fault):
    apache.configure(server, {"api.json": API})
    code, text = apache.check()
    assert code == 1
    assert fault in text


def test_htaccess_may_not_name_a_policy(apache, serve):
    """It would be loaded for each request."""
    apache.expect("CorsPolicy not allowed here")
    apache.write("html/.htaccess", "CorsPolicy off")
    site = serve("""
        CorsPolicy api.json
        <Directory %FOLDER%/html>
            AllowOverride All
        </Directory>
    """)
    answer = site.get("/", origin=APP)
    assert answer.status == 500
    assert answer.cors["allow-origin"] == APP
    assert "CorsPolicy not allowed here" in site.errors


def test_a_large_policy_is_no_slower_to_serve(serve):
    origins = [f"https://tenant{n}.example.com" for n in range(20000)]
    site = serve("CorsPolicy api.json", {"api.json": {"allow_origins": origins}})
    for origin in (origins[0], origins[-1]):
        assert site.get("/", origin=origin).cors == {"allow-origin": origin}
    assert site.get("/", origin="https://tenant20000.example.com").cors == {}


@pytest.mark.parametrize("mpm", ["prefork", "worker"])
def test_every_mpm_is_served(apache, serve, mpm):
    apache.mpm = mpm
    apache.write("html/file", "content")
    site = serve("CorsPolicy api.json")
    assert site.get("/file", origin=APP).cors["allow-origin"] == APP
    assert site.preflight("/file", origin=STRANGER).status == 403


def run(*command):
    return subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout


def test_only_the_modules_symbol_leaves_it(apache):
    """Rust's runtime must not meet that of another module."""
    listing = run("nm", "-D", "--defined-only", apache.module)
    names = {line.split()[-1] for line in listing.splitlines()}
    assert names == {"cors_module"}


def test_the_module_needs_no_library_beyond_the_compilers(apache):
    listing = run("readelf", "-d", apache.module)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", listing))
    loader = {name for name in needed if name.startswith("ld-")}
    assert needed - loader <= {"libgcc_s.so.1", "libc.so.6", "libm.so.6"}


def test_the_source_keeps_to_the_style_of_httpd():
    source = pathlib.Path(__file__).parent.parent / "mod_cors.c"
    for number, line in enumerate(source.read_text().split("\n"), 1):
        assert len(line) < 80, number
        assert "\t" not in line, number
        assert line == line.rstrip(), number
        assert not line.strip().startswith("//"), number
