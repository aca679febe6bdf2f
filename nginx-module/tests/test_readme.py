"""The README's nginx example does what it says, as it is printed there."""

import re
from pathlib import Path

from conftest import APP

README = Path(__file__).parents[2] / "README.md"


def block(language):
    """The one fenced block of a language."""
    blocks = re.findall(
        rf"^```{language}\n(.*?)^```$",
        README.read_text(encoding="utf-8"),
        re.M | re.S,
    )
    assert len(blocks) == 1
    return blocks[0]


def test_the_example_of_the_readme_answers_a_preflight(serve):
    location = re.search(r"location /api/ \{.*?\n        \}", block("nginx"),
                         re.S)[0]
    # Where the example has an application.
    location = location.replace("127.0.0.1:3000", "%DEAD%")
    site = serve(location, {"cors.json": block("json")})
    answer = site.preflight("/api/x", origin=APP, method="PUT")
    assert answer.status == 204
    assert answer.cors["allow-credentials"] == "true"
    answer = site.get("/api/x", origin=APP)
    assert answer.status == 502
    assert answer.cors["allow-origin"] == APP
