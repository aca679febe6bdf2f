# SPDX-License-Identifier: MIT OR Apache-2.0
"""One CORS policy file, one matcher, the same decision in every server.

    from libcors import Policy

    policy = Policy.from_file("cors.json")
    decision = policy.evaluate(method="GET", origin="https://app.example.com")
    decision.headers   # what to add to the response
    decision.status    # if not 0, respond at once with this status

`libcors.asgi` and `libcors.wsgi` have middlewares that do this.
"""

from __future__ import annotations

from typing import Final

from ._decision import Decision, Reason, Verdict
from ._diagnostic import Diagnostic, PolicyError, PolicyWarning, Severity
from ._policy import Policy, public_suffix_list_date
from ._version import VERSION

__all__ = [
    "Decision",
    "Diagnostic",
    "Policy",
    "PolicyError",
    "PolicyWarning",
    "Reason",
    "Severity",
    "Verdict",
    "__version__",
    "public_suffix_list_date",
]

__version__: Final = VERSION

# Pickles, tracebacks and repr() show the names that users import.
for _public in (
    Decision,
    Diagnostic,
    Policy,
    PolicyError,
    PolicyWarning,
    Reason,
    Severity,
    Verdict,
    public_suffix_list_date,
):
    _public.__module__ = __name__
del _public
