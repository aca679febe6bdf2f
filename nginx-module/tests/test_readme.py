"""The README's nginx example does what it says, as it is printed there."""

import re
from pathlib import Path

from conftest import APP

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
        {"cors.json": block(README, "json"),
         "public.json": {"allow_origins": ["*"]}},
        http=http,
    )
    assert site.get("/", origin=APP).cors["allow-origin"] == APP
    assert site.get("/public/", origin=APP).cors == {"allow-origin": "*"}
    assert site.get("/internal/", origin=APP).cors == {}
    assert site.preflight("/", "PATCH").status == 204
    site.stop()
    log = (site.folder / "own").read_text().splitlines()
    assert log[0].endswith(f'200 "{APP}" allowed none -')
    assert log[-1].endswith(f'204 "{APP}" preflight_refused'
                            " method_not_allowed PATCH")
