"""The ASGI middleware of the Python package, in uvicorn."""

import python_server

EXCEPTIONS = {}
MANY_POLICIES = True
OPENS_WEBSOCKETS = True
refuses = python_server.refuses


def start(options, folder, policies):
    # httptools, the other parser, answers methods that it does not know itself.
    return python_server.start(
        options, folder, policies, "uvicorn", "program:asgi", "--fd=%d",
        "--http=h11",
    )
