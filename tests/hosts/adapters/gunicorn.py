"""The WSGI middleware of the Python package, in gunicorn."""

import python_server

EXCEPTIONS = {}
MANY_POLICIES = True
refuses = python_server.refuses


def start(options, folder, policies):
    # Threads keep connections open, and so thousands of requests are fast.
    return python_server.start(
        options, folder, policies, "gunicorn", "program:wsgi",
        "--bind=fd://%d", "--worker-class=gthread", "--threads=2",
    )
