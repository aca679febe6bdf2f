"""The example server in Rust with axum."""

import example

EXCEPTIONS = {}
MANY_POLICIES = False
OPENS_WEBSOCKETS = True


def start(options, folder, policies):
    return example.start(options, folder, policies, "rust-axum")


def refuses(options, folder, policy):
    return example.refuses(options, folder, policy, "rust-axum")
