"""The sdist, the wheel that is built from it, and what building needs."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]
VERSION = re.search(
    r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M
)[1]

USE = """
from libcors import Decision, Policy, Reason, Verdict, __version__

policy = Policy({"allow_origins": ["https://a.example"]})
decision: Decision = policy.evaluate(method="GET", origin="https://a.example")
assert decision.verdict is Verdict.ALLOWED and decision.reason is Reason.NONE
pairs: tuple[tuple[bytes, bytes], ...] = decision.headers
print(__version__)
"""


def run(*command, **options):
    done = subprocess.run(
        command, text=True, stdout=subprocess.PIPE, **options
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def cargo(tmp_path_factory):
    """An environment in which the dependencies are built already, if they are
    here. It is a copy: cargo gives the libraries of all crates called libcors
    one place."""
    target = tmp_path_factory.mktemp("target")
    built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    if (built / "release").exists():
        shutil.copytree(built / "release", target / "release")
    return {**os.environ, "CARGO_TARGET_DIR": str(target)}


@pytest.fixture(scope="module")
def dist(tmp_path_factory, cargo):
    """The folder with both, built as `python -m build` does: the wheel from
    the sdist, which has to hold all that is needed."""
    folder = tmp_path_factory.mktemp("dist")
    run(
        *(sys.executable, "-m", "build", PACKAGE, "--outdir", folder),
        env=cargo,
    )
    return folder


def test_the_sdist_holds_the_crate_and_nothing_that_is_built(dist):
    (sdist,) = dist.glob("*.tar.gz")
    assert sdist.name == f"libcors-{VERSION}.tar.gz"
    with tarfile.open(sdist) as archive:
        files = {member.name.split("/", 1)[1]: member for member in archive}
    assert all(member.isfile() for member in files.values())
    assert {
        "LICENSE-MIT",
        "PKG-INFO",
        "hatch_build.py",
        "rust/Cargo.lock",
        "rust/include/cors.h",
        "rust/src/ffi.rs",
        "rust/src/origin/public_suffix_list.txt",
        "src/libcors/py.typed",
    } <= files.keys()
    assert not [name for name in files if name.endswith((".so", ".pyc"))]
    assert not [name for name in files if "target/" in name]


def test_the_wheel_is_for_every_python(dist):
    (wheel,) = dist.glob("*.whl")
    assert re.fullmatch(
        rf"libcors-{re.escape(VERSION)}-py3-none-linux_\w+\.whl", wheel.name
    )
    info = f"libcors-{VERSION}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
        own = {
            f"libcors/{file.relative_to(PACKAGE / 'src/libcors')}"
            for file in (PACKAGE / "src/libcors").rglob("*")
            if file.suffix in {".py", ".typed", ".so"}
        }
        assert {name for name in names if name.startswith("libcors/")} == own
        licenses = {
            "LICENSE-APACHE": ROOT / "LICENSE-APACHE",
            "LICENSE-MIT": ROOT / "LICENSE-MIT",
            "public_suffix_list.LICENSE.md": ROOT
            / "src/origin/public_suffix_list.LICENSE.md",
        }
        for name, file in licenses.items():
            text = archive.read(f"{info}/licenses/{name}")
            assert text == file.read_bytes()
        version = archive.read("libcors/_version.py").decode()
        points = archive.read(f"{info}/entry_points.txt").decode()
    assert f'VERSION = "{VERSION}"' in version
    assert "hook-dirs = libcors._pyinstaller:hook_dirs" in points
    assert metadata["Version"] == VERSION
    assert metadata.get_all("License-File") == sorted(licenses)
    assert metadata["Requires-Python"] == ">=3.9"
    assert not metadata.get_all("Requires-Dist")


@pytest.mark.parametrize("suffix", ["whl", "tar.gz"])
def test_it_installs(dist, cargo, suffix, tmp_path):
    (package,) = dist.glob(f"*.{suffix}")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    run(python, "-m", "pip", "install", "-q", package, env=cargo)
    assert run(python, "-I", "-c", USE, cwd=tmp_path) == f"{VERSION}\n"


def test_the_wheel_s_types_are_seen(dist, tmp_path):
    (wheel,) = dist.glob("*.whl")
    venv.create(tmp_path / "venv")
    (packages,) = tmp_path.glob("venv/lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    use = tmp_path / "use.py"
    mypy = [sys.executable, "-m", "mypy", "--strict", use]
    mypy += ["--python-executable", tmp_path / "venv/bin/python"]
    use.write_text(USE)
    run(*mypy, cwd=tmp_path)
    use.write_text(USE + "decision.status + decision.culprit\n")
    done = subprocess.run(mypy, cwd=tmp_path, stdout=subprocess.PIPE)
    assert b"Unsupported operand types" in done.stdout


@pytest.mark.parametrize("form", ["--onedir", "--onefile"])
def test_pyinstaller_finds_the_engine(dist, tmp_path, form):
    (wheel,) = dist.glob("*.whl")
    # The wheel in front of the package that the tests use, with its metadata,
    # which names the hook.
    packages = tmp_path / "packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    program = tmp_path / "program.py"
    program.write_text(
        USE + "from libcors.wsgi import CORSMiddleware\n"
        "try:\n"
        "    CORSMiddleware(None, allow_origins=['*'])\n"
        "except TypeError as error:\n"
        "    print(error)\n"
    )
    run(
        *(sys.executable, "-m", "PyInstaller", form, "--log-level=ERROR"),
        *(f"--specpath={tmp_path}", f"--workpath={tmp_path}/work"),
        *(f"--distpath={tmp_path}/out", program),
        cwd=tmp_path,
        env=environment,
    )
    where = "program/program" if form == "--onedir" else "program"
    printed = run(tmp_path / "out" / where, cwd=tmp_path, env={})
    assert printed.startswith(f"{VERSION}\nCORSMiddleware takes a policy")


def build_fails(environment):
    """The output of a build that has to fail."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "-nw", PACKAGE],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode != 0
    return done.stdout


def test_without_rust_the_build_says_what_is_needed(tmp_path):
    output = build_fails({"PATH": "/nowhere", "HOME": str(tmp_path)})
    assert "Rust 1." in output
    assert "or newer is needed, from https://rustup.rs" in output


def test_with_an_old_rust_the_build_says_what_is_needed(tmp_path):
    cargo = tmp_path / "cargo"
    cargo.write_text("#!/bin/sh\necho 'cargo 1.63.0 (fd9c4297c 2022-07-01)'\n")
    cargo.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    output = build_fails({"PATH": path, "HOME": str(tmp_path)})
    assert f"{cargo} is 1.63.0: rustup update" in output
    assert "Traceback" not in output


def test_a_build_that_fails_shows_cargo_s_own_words(tmp_path):
    cargo = tmp_path / "target"
    cargo.write_text("a file where cargo wants a folder")
    output = build_fails({**os.environ, "CARGO_TARGET_DIR": str(cargo)})
    assert "cargo could not build libcors" in output
    assert str(cargo) in output
