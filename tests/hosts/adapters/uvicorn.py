"""The ASGI middleware of the Python package, in uvicorn."""

import python_server

EXCEPTIONS = {
    "test_the_log_has_verdict_and_reason":
        "the middleware does not hand on its decision yet",
}
MANY_POLICIES = True
refuses = python_server.refuses


def unable(method, _):
    """httptools answers a method that it does not know with 400."""
    return method in ("OPTION", "OPTIONSX")


def start(options, folder, policies):
    return python_server.start(
        options, folder, policies, "uvicorn", "program:asgi", "--fd=%d"
    )
