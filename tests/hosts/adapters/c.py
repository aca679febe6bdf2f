"""The example server in C with libmicrohttpd."""

import example

EXCEPTIONS = {}
MANY_POLICIES = False


def start(options, folder, policies):
    return example.start(options, folder, policies, "c-libmicrohttpd")


def refuses(options, folder, policy):
    return example.refuses(options, folder, policy, "c-libmicrohttpd")
