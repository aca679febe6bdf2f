"""What the sources of these servers say of themselves: the command that
compiles them, with what `make install` installs, and the file they miss."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SERVERS = ROOT / "build" / "examples"


@pytest.mark.parametrize("name", ["c-libmicrohttpd", "cpp-httplib",
                                  "rust-axum"])
def test_a_missing_policy_is_named(name, tmp_path):
    done = subprocess.run(
        [SERVERS / name, "missing.json", "0"], capture_output=True, text=True,
        timeout=10, cwd=tmp_path, check=False,
    )
    assert done.returncode == 1
    if name == "cpp-httplib":
        assert f"{tmp_path}/missing.json: No such file" in done.stderr
    assert re.search("missing.json.*No such file", done.stderr)


@pytest.mark.parametrize("source", ["c-libmicrohttpd/server.c",
                                    "cpp-httplib/server.cpp"])
def test_it_is_compiled_as_its_source_says(source, tmp_path):
    """Staged, so that ldconfig is not run."""
    prefix = tmp_path / "prefix"
    subprocess.run(
        ["make", "install", f"PREFIX={prefix}", "COMMAND=",
         f"DESTDIR={tmp_path / 'stage'}"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )
    (tmp_path / "stage" / prefix.relative_to("/")).rename(prefix)
    text = (ROOT / "examples" / source).read_text()
    command = re.search(r"^//   (c\S+ server.*)$", text, re.M)[1]
    program = tmp_path / "a.out"
    subprocess.run(
        ["sh", "-ec", f"{command} -o {program}"],
        cwd=(ROOT / "examples" / source).parent, check=True,
        env=os.environ | {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")},
    )
    done = subprocess.run(
        [program, "missing.json", "0"], capture_output=True, text=True,
        timeout=10, cwd=tmp_path, check=False,
        env={"LD_LIBRARY_PATH": str(prefix / "lib")},
    )
    assert done.returncode == 1
    assert "No such file" in done.stderr
