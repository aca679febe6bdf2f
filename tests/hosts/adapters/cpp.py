"""The example server in C++ with cpp-httplib."""

import example

EXCEPTIONS = {}
MANY_POLICIES = False

METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}


def unable(method, values):
    """cpp-httplib answers other methods with 400 before the server is asked,
    drops a header without a value, and takes a percent sign for an
    encoding."""
    return method not in METHODS or any(
        value == "" or "%" in value for value in values
    )


def start(options, folder, policies):
    return example.start(options, folder, policies, "cpp-httplib")


def refuses(options, folder, policy):
    return example.refuses(options, folder, policy, "cpp-httplib")
