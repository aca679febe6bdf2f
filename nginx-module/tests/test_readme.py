"""The README's nginx example does what it says, as it is printed there."""

import re
import subprocess
import sys
from pathlib import Path

from conftest import APP, STRANGER

README = Path(__file__).parents[2] / "README.md"
MANUAL = Path(__file__).parents[1] / "README.md"


def block(document, language):
    """The first fenced block of a language."""
    text = document.read_text(encoding="utf-8")
    return re.search(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)[1]


def test_the_example_of_the_readme_answers_a_preflight(serve):
    location = re.search(r"location /api/ \{.*?\n        \}", block(README, "nginx"),
                         re.S)[0]
    # Where the example has an application.
    location = location.replace("127.0.0.1:3000", "%DEAD%")
    site = serve(location, {"cors.json": block(README, "json")})
    answer = site.preflight("/api/x", origin=APP, method="PUT")
    assert answer.status == 204
    assert answer.cors["allow-credentials"] == "true"
    answer = site.get("/api/x", origin=APP)
    assert answer.status == 502
    assert answer.cors["allow-origin"] == APP


def test_the_synopsis_of_the_manual_does_what_it_says(serve):
    synopsis = block(MANUAL, "nginx")
    http = re.search(r"log_format.*?;\n", synopsis, re.S)[0]
    server = re.search(r"server \{\n(.*?)\n    \}\n\}", synopsis, re.S)[1]
    server = server.replace("/var/log/nginx/access.log cors", "%FOLDER%/own")
    server = server.replace("127.0.0.1:3000", "%BACKEND%")
    http = http.replace("log_format cors", "log_format manual")
    server = server.replace("%FOLDER%/own", "%FOLDER%/own manual")
    site = serve(
        server,
        {"cors.json": block(MANUAL, "json"),
         "public.json": {"allow_origins": ["*"]}},
        http=http,
    )
    shown = block(MANUAL, "console")
    commands = re.findall(r"^\$ (.*)\n((?:[^$\n].*\n)*)", shown, re.M)
    assert len(commands) == shown.count("$ ") == 3
    for command, output in commands:
        command = command.replace("localhost/", f"localhost:{site.port}/")
        done = subprocess.run(command, shell=True, capture_output=True,
                              check=True)
        assert done.stdout.decode().replace("\r", "") == output
    assert site.get("/", origin=APP).cors["allow-origin"] == APP
    assert site.get("/public/", origin=APP).cors == {"allow-origin": "*"}
    assert site.get("/internal/", origin=APP).cors == {}
    assert site.preflight("/", "PATCH").status == 204
    site.stop()
    log = (site.folder / "own").read_text().splitlines()
    assert log[0].endswith(f'200 "{APP}" allowed none -')
    assert log[1].endswith(f'204 "{APP}" preflight_allowed none -')
    assert log[-1].endswith(f'204 "{APP}" preflight_refused'
                            " method_not_allowed PATCH")


def test_if_turns_refused_requests_away(serve, backend):
    text = MANUAL.read_text(encoding="utf-8")
    location = re.search(
        r"^location /api/ \{\n[^}]*\$cors_verdict = refused.*?^\}", text,
        re.M | re.S,
    )[0]
    site = serve(
        location.replace("127.0.0.1:3000", "%BACKEND%"),
        {"cors.json": block(README, "json")},
    )
    assert site.get("/api/").status == 200
    assert site.get("/api/", origin=APP).status == 200
    answer = site.get("/api/", origin=STRANGER)
    assert answer.status == 403
    assert answer.vary == ["origin"]
    assert site.preflight("/api/").status == 204
    assert backend.hits == ["GET /api/", "GET /api/"]


def test_the_bench_holds_the_module_to_the_figures_of_the_manual():
    folder = str(MANUAL.parents[1] / "benches")
    sys.path.insert(0, folder)
    try:
        from instructions import CASES
    finally:
        sys.path.remove(folder)
    table = MANUAL.read_text(encoding="utf-8").split("| request | added |")[1]
    rows = dict(re.findall(r"^\| (.*?) \| (-?[\d,]+)\b.*\|$",
                           table.split("\n\n")[0], re.M))
    for name, figure in rows.items():
        [most] = [case[5] for case in CASES if case[0] == name]
        assert most is not None
        assert int(figure.replace(",", "")) <= most
        if most > 100:
            assert figure == f"{most:,}"
