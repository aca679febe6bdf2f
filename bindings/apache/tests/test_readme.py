"""The README's examples do what it says, as they are printed there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import API, APP, ROOT, STRANGER, open_websocket

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(language="apache"):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S)


def shown(start):
    """The indented lines that begin with one that starts so."""
    return re.search(rf"^    {start}.*\n(?:    .*\n)*", TEXT, re.M)[0]


def test_the_synopsis_and_the_log_do_what_they_say(apache, serve):
    synopsis, _, _, log = blocks()
    # The module is loaded from where it was built.
    synopsis = re.sub(r"LoadModule .*\n", "", synopsis)
    synopsis = synopsis.replace("/var/www", "%FOLDER%/html")
    (apache.folder / "logs").mkdir()
    for folder in ["public", "internal"]:
        (apache.folder / "html" / folder).mkdir()
    own = "https://own.example"
    site = serve(f"""
        <Location "/internal/">
            Header always set Access-Control-Allow-Origin {own}
        </Location>
    """ + synopsis + log, {
        "conf/cors.json": API, "conf/public.json": {"allow_origins": ["*"]},
    })
    assert site.get("/x", origin=APP).cors["allow-origin"] == APP
    assert site.get("/public/", origin=APP).cors == {"allow-origin": "*"}
    assert site.get("/internal/", origin=APP).cors == {"allow-origin": own}
    assert site.preflight("/", "PATCH").status == 204
    site.stop()
    lines = (site.folder / "logs" / "cors.log").read_text().splitlines()
    ends = [
        f'404 "{APP}" allowed none -',
        f'404 "{APP}" - - -',
        f'204 "{APP}" preflight_refused method_not_allowed PATCH',
    ]
    assert all(any(line.endswith(end) for line in lines) for end in ends)


def test_the_log_of_a_candidate(apache, serve):
    (apache.folder / "logs").mkdir()
    site = serve(blocks()[1], {"conf/next.json": API})
    site.get("/", origin=APP)
    site.get("/", origin=STRANGER)
    site.stop()
    log = (site.folder / "logs/candidate.log").read_text().splitlines()
    assert sorted(log) == [
        f'GET / "{APP}" allowed none',
        f'GET / "{STRANGER}" refused origin_not_allowed',
    ]


def test_what_it_blocks(serve, backend):
    [policy], [shown_commands] = blocks("json"), blocks("console")
    commands = re.findall(r"^\$ (curl .*-d x=1.*)\n([^$\n].*\n)",
                          shown_commands, re.M)
    assert len(commands) == shown_commands.count("$ ") == 4
    site = serve(blocks()[2].replace("127.0.0.1:3000", "%BACKEND%"),
                 {"conf/site.json": policy})
    address = f"http://127.0.0.1:{site.port}"
    for command, output in commands:
        # In Host, too, as if the port were the scheme's.
        command = command.replace("http://localhost",
                                  f"-H 'Host: localhost' {address}", 1)
        done = subprocess.run(command, shell=True, capture_output=True,
                              check=True, text=True)
        assert done.stdout == output
    assert backend.hits == ["POST /", "POST /login/callback"]
    for origin, answer in [(STRANGER, (403, None)), (APP, (101, "hi"))]:
        assert open_websocket(site.port, "/", {"Origin": origin}) == answer
    assert backend.hits[2:] == ["GET /"]


def test_every_line_that_the_module_replaces_may_be_left_over(serve):
    lines = re.findall(r"`((?:SetEnvIf|Header|Rewrite\w+) [^`]*)`", TEXT)
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


def test_the_messages_are_those_that_are_shown(apache):
    policy = {"cors.json": '{ "allow_origins": ["https://app.example.com/"] }'}

    def said(argument):
        apache.configure(f"CorsPolicy {argument}", policy)
        code, text = apache.check()
        assert code == 1
        # Without the time, and what httpd says of the process.
        text = re.sub(r"^\[.*?\] (\[cors:error\]) \[pid [^]]*\] ", r"\1 ",
                      text, flags=re.M)
        text = text.replace(f"{apache.folder}/cors", "/etc/apache2/cors")
        return re.sub(r"on line \d+ of .*:", "on line 7 of"
                      " /etc/apache2/sites-enabled/api.conf:", text)

    expected = re.sub("^    ", "", shown(r"\[cors:error\]"), flags=re.M)
    assert said("cors.json") == expected
    for line in shown("CorsPolicy: expected").splitlines():
        argument = re.search(r"https://[^\"]*|\$\{\w+\}", line)[0]
        assert said(argument).endswith(line.strip() + "\n")


def unpacked_apache2():
    """Debian's package apache2, which would start a server if installed."""
    folder = ROOT / "build" / "apache" / "debian"
    if not (folder / "usr/sbin/a2enmod").exists():
        if not shutil.which("apt-get"):
            pytest.skip("a2enmod is Debian's")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run(["apt-get", "download", "-qq", "apache2"], cwd=folder,
                       check=True)
        [package] = folder.glob("*.deb")
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    return folder


def test_the_module_is_installed_and_loaded_as_it_says(apache):
    """Below a folder, where root would have httpd's own."""
    root = apache.folder / "root"
    modules = root / "usr/lib/apache2/modules"
    commands = root / "bin"
    configuration = root / "etc/apache2"
    for folder in [modules, commands, configuration / "mods-available",
                   configuration / "mods-enabled", root / "var"]:
        folder.mkdir(parents=True)
    (configuration / "envvars").write_text("")
    apxs = shutil.which("apxs")
    for name, script in {
        "sudo": 'exec "$@"', "apxs": f'{apxs} -S LIBEXECDIR={modules} "$@"',
    }.items():
        (commands / name).write_text(f"#!/bin/sh\n{script}\n")
        (commands / name).chmod(0o755)

    sbin = unpacked_apache2() / "usr/sbin"
    recipe = shown("sudo make") + shown("echo")
    recipe = re.sub(r"/(?:etc|usr/lib)/apache2/", rf"{root}\g<0>", recipe)
    subprocess.run(
        ["sh", "-ec", recipe], cwd=ROOT, check=True, capture_output=True,
        env={
            "PATH": f"{commands}:{sbin}:{os.environ['PATH']}",
            "APACHE_CONFDIR": str(configuration),
            "APACHE_STATE_DIRECTORY": str(root / "var"),
        },
    )
    assert (modules / "mod_cors.so").read_bytes()
    apache.module = modules / "mod_cors.so"
    apache.configure("CorsPolicy api.json", {"api.json": API})
    written = apache.folder / "httpd.conf"
    text = written.read_text()
    own = f"LoadModule cors_module {apache.module}"
    assert own in text
    enabled = configuration / "mods-enabled"
    written.write_text(text.replace(own, f"IncludeOptional {enabled}/*.load"))
    assert apache.start().get("/", origin=APP).cors["allow-origin"] == APP
