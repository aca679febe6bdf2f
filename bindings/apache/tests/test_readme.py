"""The README's examples do what it says, as they are printed there."""

import re
from pathlib import Path

from conftest import API, APP, STRANGER

README = Path(__file__).parents[1] / "README.md"


def blocks():
    text = README.read_text(encoding="utf-8")
    return re.findall(r"^```apache\n(.*?)^```$", text, re.M | re.S)


def test_the_synopsis_and_the_log_do_what_they_say(apache, serve):
    synopsis, log = blocks()
    # The module is loaded from where it was built.
    synopsis = re.sub(r"LoadModule .*\n", "", synopsis)
    synopsis = synopsis.replace("/var/www", "%FOLDER%/html")
    (apache.folder / "logs").mkdir()
    for folder in ["public", "internal"]:
        (apache.folder / "html" / folder).mkdir()
    site = serve(re.sub(r" +#.*", "", synopsis) + log, {
        "conf/cors.json": API, "conf/public.json": {"allow_origins": ["*"]},
    })
    assert site.get("/x", origin=APP).cors["allow-origin"] == APP
    assert site.get("/public/", origin=APP).cors == {"allow-origin": "*"}
    assert site.get("/internal/", origin=APP).cors == {}
    assert site.preflight("/", "PATCH").status == 204
    site.stop()
    lines = (site.folder / "logs" / "cors.log").read_text().splitlines()
    ends = [
        f'404 "{APP}" allowed none -',
        f'404 "{APP}" - - -',
        f'204 "{APP}" preflight_refused method_not_allowed PATCH',
    ]
    assert all(any(line.endswith(end) for line in lines) for end in ends)


def test_every_line_that_the_module_replaces_may_be_left_over(serve):
    lines = re.findall(r"`((?:SetEnvIf|Header|Rewrite\w+) [^`]*)`",
                       README.read_text(encoding="utf-8"))
    assert len(lines) >= 8
    text = "\n".join(lines).replace("…", '"PATCH, X-Own"')
    site = serve(f"""
        CorsPolicy api.json
        <Location "/">
            RewriteEngine On
            {text}
        </Location>
    """)
    for origin in [APP, STRANGER, "https://www.example.com"]:
        answer = site.get("/", origin=origin)
        assert ("allow-origin" in answer.cors) == (origin == APP)
        assert "max-age" not in answer.cors
        assert answer.varies_by == ["origin"]
        preflight = site.preflight("/", origin=origin)
        assert preflight.status == (204 if origin == APP else 403)
        assert preflight.cors.get("max-age") in (None, "600")
