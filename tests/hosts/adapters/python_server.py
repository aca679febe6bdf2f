"""What the adapters of Python's servers share: the program that they serve,
on a socket that listens already, so that no port is guessed."""

import pathlib
import shutil
import socket

from host import Site, run, says

HERE = pathlib.Path(__file__).resolve().parent


def prepare(folder, policies):
    shutil.copy(HERE / "python_program.py", folder / "program.py")
    shutil.copy(HERE.parent / "facts.py", folder)
    for number, policy in enumerate(policies):
        (folder / f"{number}.json").write_text(policy)


def start(options, folder, policies, server, *arguments):
    prepare(folder, policies)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    # What is accepted inherits this; uvicorn sets it for ports alone.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    descriptor = listener.fileno()
    with listener, (folder / "server.log").open("w") as log:
        port = listener.getsockname()[1]
        process = run(
            [options.python, "-m", server,
             *(word.replace("%d", str(descriptor)) for word in arguments)],
            cwd=folder, pass_fds=[descriptor], stdout=log, stderr=log,
        )

    def lines(name):
        # It is made when the first worker starts.
        path = folder / name
        return path.read_text().splitlines() if path.exists() else []

    return Site(
        process, port, lambda: lines("reached.log"),
        lambda: lines("decisions.log"),
    )


def refuses(options, folder, policy):
    """What it says at a start with a bad policy."""
    prepare(folder, [policy])
    return says([options.python, "-c", "import program"], cwd=folder)
