"""What the adapters of the servers in examples/ share. They are started with
a policy and the port 0, print their address, and log to stderr the requests
that reach their application and what was decided."""

import re
import subprocess

from host import Site, run, says


def start(options, folder, policies, name):
    [policy] = policies
    (folder / "cors.json").write_text(policy)
    log = folder / "stderr.log"
    with log.open("w") as stderr:
        process = run(
            [options.examples / name, folder / "cors.json", 0],
            stdout=subprocess.PIPE, stderr=stderr, text=True,
        )
    line = process.stdout.readline()
    port = int(re.fullmatch(r"http://127.0.0.1:(\d+)/\n", line)[1])

    def lines(kind):
        return [
            line.partition(" ")[2] for line in log.read_text().splitlines()
            if line.startswith(f"{kind} ")
        ]

    return Site(
        process, port, lambda: lines("reached"), lambda: lines("decided"),
        path="",
    )


def refuses(options, folder, policy, name):
    """What it says at a start with a bad policy."""
    (folder / "cors.json").write_text(policy)
    return says([options.examples / name, folder / "cors.json", 0])
