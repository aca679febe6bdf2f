"""The ASGI middleware of the Python package, in uvicorn."""

import python_server

EXCEPTIONS = {
    "test_the_log_has_verdict_and_reason":
        "the middleware does not hand on its decision yet",
}
MANY_POLICIES = True
OPENS_WEBSOCKETS = True
refuses = python_server.refuses


def start(options, folder, policies):
    # httptools, the other parser, answers methods that it does not know itself.
    return python_server.start(
        options, folder, policies, "uvicorn", "program:asgi", "--fd=%d",
        "--http=h11",
    )
