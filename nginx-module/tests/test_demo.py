"""make demo, with whatever port, and what it says if the port is taken."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from web_server import free_port, wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo(request, tmp_path):
    """The command line of the demo with a port."""
    module = request.config.getoption("--module")
    if not module:
        pytest.skip("the demo loads the module, which is built in here")

    def command(port):
        return [
            ROOT / "examples/nginx/demo.sh",
            request.config.getoption("--nginx"), module, tmp_path / "demo",
            str(port),
        ]
    return command


#: For an nginx with AddressSanitizer: other tests look for leaks.
ENVIRONMENT = {
    **os.environ, "ASAN_OPTIONS": "detect_odr_violation=0:detect_leaks=0",
}


def once(command):
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=30,
        env={**ENVIRONMENT, "DEMO_ONCE": "1"},
    )


def test_it_shows_five_answers_and_the_log_on_the_port_that_it_is_given(demo):
    port = free_port()
    done = once(demo(port))
    assert done.returncode == 0, done.stderr
    statuses = re.findall(r"^HTTP/1\.1 (\d+)", done.stdout, re.M)
    assert statuses == ["200", "200", "204", "403", "404"]
    urls = re.findall(r"^\$ curl .* (http:\S+?)/items/\d$", done.stdout, re.M)
    assert urls == [f"http://127.0.0.1:{port}"] * 5
    log = done.stdout.split("### The access log")[1].splitlines()[1:]
    assert [line.split()[-3:-1] for line in log] == [
        ["allowed", "none"],
        ["refused", "origin_not_allowed"],
        ["preflight_allowed", "none"],
        ["preflight_refused", "origin_not_allowed"],
        ["allowed", "none"],
    ]


def test_it_serves_until_it_is_interrupted(demo, tmp_path):
    port = free_port()
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            demo(port), stdout=output, stderr=output, env=ENVIRONMENT
        )
    try:
        wait_until(lambda: "until Ctrl-C" in log.read_text(), "the demo")
        with socket.create_connection(("127.0.0.1", port)):
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    finally:
        process.kill()
        process.wait()


def test_a_taken_port_is_named_with_the_command_for_another(demo):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = once(demo(port))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"port {port} on 127.0.0.1 is already in use; use another one, such"
        f" as: make demo PORT={port + 1 if port < 65535 else 8080}\n"
    )


def test_a_port_that_is_only_reserved_is_named_too(demo):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        done = once(demo(port))
    assert done.returncode == 1
    assert f"if it cannot have port {port}, use another" in done.stderr


@pytest.mark.parametrize(
    "port", ["0", "080", "65536", "99999999999999999999", "-1", "http", "8 0"]
)
def test_what_is_no_port_is_refused(demo, port):
    done = once(demo(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"PORT must be a number between 1 and 65535, not '{port}'\n"
    )


def test_make_hands_the_port_over():
    done = subprocess.run(
        ["make", "-n", "demo", "PORT=8123"], cwd=ROOT, capture_output=True,
        text=True, check=True,
    )
    line = next(line for line in done.stdout.splitlines() if "demo.sh" in line)
    assert line.endswith(" '8123'")
