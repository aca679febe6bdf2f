"""Clients that send requests to a server while it reloads.

Every policy has a number, which its answers show.
"""

import collections
import http.client
import threading

from web_server import (
    API, APP, PREFLIGHT_VARY, STRANGER, Answer, wait_until,
)

CLIENTS = 3

#: Makes a policy large enough for its leak to be seen: it takes 65 kB.
TENANTS = [f"https://tenant{n}.example.com" for n in range(1500)]

PREFLIGHT = PREFLIGHT_VARY.split(", ")


def policy(number, origins=()):
    """Even ones have credentials and a list, odd ones are for everybody."""
    if number % 2 == 0:
        return API | {
            "allow_origins": [APP, *origins],
            "expose_headers": [f"x-policy-{number}"],
            "max_age": number,
        }
    return {
        "allow_origins": ["*"],
        "allow_methods": ["PATCH"],
        "expose_headers": [f"x-policy-{number}"],
        "max_age": number,
    }


def expected(number, method, origin):
    """Status, CORS headers and names in Vary under policy(number)."""
    preflight = method == "OPTIONS" and origin is not None
    exposed = {"expose-headers": f"x-policy-{number}"}
    if number % 2:
        cors = {"allow-origin": "*"}
        if preflight:
            # PUT is asked for, which is not in the list.
            cors["allow-methods"] = "GET,HEAD,POST,PATCH"
            return 204, cors, PREFLIGHT
        return 200, cors | exposed, []
    if origin != APP:
        return (403, {}, PREFLIGHT) if preflight else (
            200, {}, ["origin"])
    cors = {"allow-origin": APP, "allow-credentials": "true"}
    if preflight:
        cors["allow-methods"] = "GET,HEAD,POST,PUT,DELETE"
        cors["allow-headers"] = "authorization,content-type"
        cors["max-age"] = str(number)
        return 204, cors, PREFLIGHT
    return 200, cors | exposed, ["origin"]


REQUESTS = [
    ("GET", APP), ("OPTIONS", APP), ("GET", STRANGER), ("OPTIONS", STRANGER),
    ("GET", None),
]


class Load:
    """Clients that send requests all the time and judge every answer."""

    def __init__(self, site, keep_alive=False):
        self.site = site
        self.keep_alive = keep_alive
        #: The numbers of the oldest and the newest policy that may answer.
        self.oldest = self.newest = 0
        self.answers = collections.Counter()
        self.failed, self.wrong = [], []
        self.closed = 0
        self.running = True
        self.threads = [
            threading.Thread(target=self.run) for _ in range(CLIENTS)
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        for thread in self.threads:
            thread.join()

    def run(self):
        connection = self.connect()
        while self.running:
            for method, origin in REQUESTS:
                oldest = self.oldest
                used = connection.sock is not None
                try:
                    answer = self.ask(connection, method, origin)
                except (OSError, http.client.HTTPException) as error:
                    connection.close()
                    # A server may close a connection that waits for a request,
                    # while the request is under way: clients then try again.
                    if used:
                        self.closed += 1
                    else:
                        self.failed.append(repr(error))
                    continue
                if not self.keep_alive:
                    connection.close()
                self.judge(method, origin, answer, oldest, self.newest)
        connection.close()

    def connect(self):
        return http.client.HTTPConnection(
            "127.0.0.1", self.site.port, timeout=60
        )

    def ask(self, connection, method, origin):
        headers = {"Connection": "close"} if not self.keep_alive else {}
        if origin is not None:
            headers["Origin"] = origin
            if method == "OPTIONS":
                headers["Access-Control-Request-Method"] = "PUT"
        connection.request(method, "/", headers=headers)
        return Answer(connection.getresponse())

    def judge(self, method, origin, answer, oldest, newest):
        got = answer.status, answer.cors, answer.varies_by
        for number in range(oldest, newest + 1):
            if got == expected(number, method, origin):
                self.answers[method, origin] += 1
                return
        self.wrong.append((method, origin, oldest, newest, got))

    def wait_for_answers(self):
        """Until every kind of request was answered again."""
        seen = dict(self.answers)
        wait_until(
            lambda: all(
                self.answers[request] > seen.get(request, 0)
                for request in REQUESTS
            ),
            f"answers; failed: {self.failed[:3]}, wrong: {self.wrong[:3]}",
        )
