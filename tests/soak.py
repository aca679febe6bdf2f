#!/usr/bin/env python3
"""soak.py --nginx=NGINX [--module=MODULE] [--minutes=N] [--folder=FOLDER]

Sends normal and hostile requests to one nginx, while it reloads, its policies
change and its workers are killed, and judges every answer. Needs nothing but
Python. Exits with 1 if anything was wrong; the folder then has the logs.
"""

import argparse
import collections
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

CLIENTS = 4

APP = "https://app.example.com"
BOTH = "https://both.example.com"
OTHER = "https://other.example.com"
STRANGER = "https://stranger.example"

#: What the application says of CORS by itself.
OWN = "https://own.example"

#: main.json is one of these, in turn; ? stands for the number of the reload.
MAIN = [
    {
        "allow_origins": [APP, BOTH, "https://*.preview.example.com"],
        "allow_credentials": True,
        "allow_methods": ["PUT", "DELETE"],
        "allow_headers": ["Authorization", "Content-Type"],
        "expose_headers": ["X-Policy-?"],
        "max_age": 600,
    },
    {
        "allow_origins": [OTHER, BOTH, "https://**.example.net:8443"],
        "allow_methods": ["*"],
        "allow_headers": ["*"],
        "expose_headers": ["X-Policy-?"],
        "max_age": 60,
    },
]
PUBLIC = {"allow_origins": ["*"], "allow_methods": ["PUT"],
          "expose_headers": ["X-A"]}
OLD = dict(MAIN[0], preflight_status=200, expose_headers=["X-Old"])

APPLICATION = """
daemon off;
user root;
worker_processes 1;
pid %FOLDER%/application.pid;
error_log %FOLDER%/application-error.log;
events { worker_connections 1024; }
http {
    %TEMP%
    access_log off;
    large_client_header_buffers 8 64k;
    server {
        listen unix:%FOLDER%/application;
        add_header Access-Control-Allow-Origin %OWN% always;
        add_header Access-Control-Allow-Origin %OWN% always;
        add_header Access-Control-Allow-Methods "*" always;
        add_header Vary Accept-Encoding always;
        location / { return 200 "application\\n"; }
        location /smuggled {
            access_log %FOLDER%/smuggled.log;
            return 200 "smuggled\\n";
        }
    }
}
"""

NGINX = """
%LOAD%
daemon off;
user root;
worker_processes 2;
worker_shutdown_timeout 10s;
pid %FOLDER%/nginx.pid;
error_log %FOLDER%/error.log notice;
events { worker_connections 1024; }
http {
    %TEMP%
    # Of requests nothing else than what must not happen.
    error_log %FOLDER%/error.log crit;
    client_header_timeout 5s;
    client_body_timeout 5s;
    default_type text/plain;
    log_format cors "$request_method $uri $cors_verdict $cors_reason"
                    " $cors_culprit $cors_pattern $cors_report_verdict"
                    " $cors_report_reason $cors_report_culprit";
    access_log /dev/null cors;
    large_client_header_buffers 8 32k;
    limit_req_zone $server_port zone=few:64k rate=50r/s;

    server {
        listen 127.0.0.1:%PORT% backlog=1024;
        root %FOLDER%/html;
        cors_policy main.json;
        cors_report_only old.json;

        location /api/ { return 200 "nginx\\n"; }
        location /explained/ { error_log /dev/null info; return 200 "n\\n"; }
        location /public/ { cors_policy public.json; return 200 "nginx\\n"; }
        location /old/ { cors_policy old.json; return 200 "nginx\\n"; }
        location /proxy/ { proxy_pass http://unix:%FOLDER%/application:; }
        location /off/ {
            cors_policy off;
            proxy_pass http://unix:%FOLDER%/application:;
        }
        location /off-moved/ { cors_policy off; rewrite ^ /proxy/ last; }
        location /private/ {
            auth_basic "private";
            auth_basic_user_file %FOLDER%/users;
            proxy_pass http://unix:%FOLDER%/application:;
        }
        location /limited/ {
            limit_req zone=few;
            limit_req_status 429;
            return 200 "nginx\\n";
        }
        location /missing/ { error_page 404 405 = @page; }
        location /dead/ {
            error_page 502 /public/;
            proxy_pass http://127.0.0.1:%DEAD%;
        }
        location /file/ { alias %FOLDER%/html/; error_page 405 /public/; }
        location @page {
            cors_policy public.json;
            proxy_pass http://unix:%FOLDER%/application:;
        }
        location /smuggled {
            access_log %FOLDER%/smuggled.log;
            return 200 "smuggled\\n";
        }
    }
}
"""

#: Where requests go: the policy that governs, the statuses of an actual
#: request, and whether the application's Vary comes along.
PLACES = {
    "/api/": ("main", {200}, False),
    "/explained/": ("main", {200}, False),
    "/public/": ("public", {200}, False),
    "/old/": ("old", {200}, False),
    "/proxy/": ("main", {200}, True),
    "/off/": ("off", {200}, True),
    "/off-moved/": ("off", {200}, True),
    "/private/": ("main", {401}, False),
    "/limited/": ("main", {200, 429}, False),
    "/missing/": ("main", {200}, True),
    "/dead/": ("main", {502}, False),
    "/file/page": ("main", {200, 206, 304, 405, 416}, False),
}

METHODS = ["GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
           "OPTIONS", "OPTIONS", "OPTIONS", "PURGE", "PROPFIND", "X-OWN_A"]

SAFELISTED = "GET,HEAD,POST"


def requested_methods():
    """A value and whether it is well-formed."""
    token = random.choice(["PUT", "PUT", "DELETE", "GET", "HEAD", "POST",
                           "PATCH", "put", "get", "TRACE", "connect", "Track",
                           "*", "X" * 64, "!#$%&'*+-.^_`|~", "OPTIONS"])
    return random.choice([(token, True)] * 6 + [
        ("", False), ("PU T", False), ("X" * 65, False), ("P/T", False),
        ("PUT,PUT", False), ("P\xdcT", False), ("PUT" * 2000, False),
    ])


def requested_headers():
    """A value and its names, or None where it is malformed."""
    if random.random() < 0.15:
        return random.choice([
            ("a b", None), ("(x)", None), ("\xe4", None), ("x" * 257, None),
            ("," * 5000, None), ("a/b,x-a", None), ('"a"', None),
        ])
    names = random.sample(
        ["Authorization", "content-type", "Content-Type", "AUTHORIZATION",
         "X-A", "x-own", "Cookie", "Sec-Fetch-Mode", "*", "x" * 256],
        random.choice([0, 1, 1, 2, 2, 4]),
    )
    if random.random() < 0.7:
        names = [n for n in names if n.lower() in ("authorization",
                                                  "content-type", "x-a")]
    separator = random.choice([",", ", ", " ,\t", ",,", " , ,"])
    return separator.join(names), [name.lower() for name in names]


def origins():
    """The lines of Origin, and the main policies that allow them."""
    label = "".join(random.choices("abcxyz0189", k=random.randint(1, 30)))
    allowed = [
        (APP, {0}), (BOTH, {0, 1}), (OTHER, {1}),
        (f"https://{label}.preview.example.com", {0}),
        (f"https://{label}.{label}.example.net:8443", {1}),
    ]
    refused = [
        STRANGER, "null", "http://app.example.com", APP + ":444",
        f"https://{label}.{label}.preview.example.com",
        f"https://{label}.example.net", f"https://{label}.example.com",
        APP + ".evil.example", f"https://evil.example/{APP}",
    ]
    malformed = [
        "", "*", APP + "/", APP + ",", f"{APP} {APP}", APP.upper(), "//x",
        APP + "\\@evil.example", "https://\xe4.preview.example.com",
        "https://.preview.example.com", "https://" + "a" * 5000 + ".example",
        "https://app.example.com\t.evil.example", "https://[::1", ",",
    ]
    kind = random.random()
    if kind < 0.4:
        line, allowing = random.choice(allowed)
        return [line], allowing
    if kind < 0.6:
        return [random.choice(refused)], set()
    if kind < 0.75:
        return [random.choice(malformed)], set()
    if kind < 0.85:
        return [random.choice(allowed)[0] for _ in range(2)], set()
    return [], set()


class Request:
    """A request of which it is known what its answer must be."""

    def __init__(self, body=None):
        self.place = random.choice(list(PLACES))
        self.method = random.choice(METHODS)
        self.origins, self.allowing = origins()
        self.asked = requested_methods() if random.random() < 0.7 else None
        self.names = requested_headers() if random.random() < 0.5 else None
        self.body = body

    def data(self, last, version="1.1"):
        lines = [f"X-Filler-{n}: {'f' * random.randint(0, 100)}"
                 for n in range(random.choice([0, 0, 0, 3, 25]))]
        lines += [f"{name('Origin')}: {line}" for line in self.origins]
        if self.asked:
            lines.append(name("Access-Control-Request-Method") + ":"
                         + random.choice(["", " ", "\t "]) + self.asked[0])
        if self.names:
            lines.append(
                f"{name('Access-Control-Request-Headers')}: {self.names[0]} "
            )
        if self.place.startswith("/file") and random.random() < 0.5:
            lines.append(random.choice([
                "Range: bytes=0-3", "Range: bytes=900000-",
                "Range: bytes=0-1,5-6", "If-None-Match: *",
            ]))
        random.shuffle(lines)
        lines.insert(0, "Host: localhost")
        if version == "1.0":
            lines.remove("Host: localhost")
        elif last:
            lines.append("Connection: close")
        body = b""
        if self.body is not None:
            if random.random() < 0.5:
                lines.append("Transfer-Encoding: chunked")
                half = len(self.body) // 2
                parts = [self.body[:half], self.body[half:], b""]
                body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts
                                if p or p is parts[-1])
            else:
                lines.append(f"Content-Length: {len(self.body)}")
                body = self.body
        head = f"{self.method} {self.place} HTTP/{version}\r\n"
        return (head + "".join(f"{line}\r\n" for line in lines)
                + "\r\n").encode("latin-1") + body

    def expected(self, number):
        """The allowed statuses, the CORS headers and the names in Vary, if
        main.json has this number."""
        policy, statuses, vary = PLACES[self.place]
        preflight = (self.method == "OPTIONS" and self.origins and self.asked)
        own = {"accept-encoding"} if vary else set()
        if policy == "off":
            return statuses, {"allow-origin": [OWN, OWN],
                              "allow-methods": ["*"]}, own
        if self.method == "OPTIONS":
            names = {"origin", "access-control-request-method",
                     "access-control-request-headers"}
        else:
            names = set() if policy == "public" else {"origin"}
        cors = {}
        if not preflight:
            document = {"main": MAIN[number % 2], "public": PUBLIC,
                        "old": OLD}[policy]
            if policy == "public":
                cors["allow-origin"] = ["*"]
            elif self.allows(policy, number):
                cors["allow-origin"] = self.origins
                if document.get("allow_credentials"):
                    cors["allow-credentials"] = ["true"]
            if cors:
                exposed = document["expose_headers"][0].lower()
                cors["expose-headers"] = [exposed.replace("?", str(number))]
            return statuses, cors, own | names
        return (*self.expected_preflight(policy, number), names)

    def allows(self, policy, number):
        return (0 if policy == "old" else number % 2) in self.allowing

    def expected_preflight(self, policy, number):
        document = {"main": MAIN[number % 2], "public": PUBLIC,
                    "old": OLD}[policy]
        asked, well_formed = self.asked
        # An empty header asks for nothing, as an absent one does.
        names = self.names[1] if self.names else []
        if policy != "public" and not self.allows(policy, number):
            return {403}, {}
        if not well_formed:
            return {403}, {}
        methods = document["allow_methods"]
        forbidden = asked.upper() in ("CONNECT", "TRACE", "TRACK")
        good = asked in ("GET", "HEAD", "POST") or (
            not forbidden and asked != "*" if methods == ["*"]
            else asked in methods
        )
        if good and names is None:
            return {403}, {}
        allowed = document.get("allow_headers", [])
        culprit = None
        if good:
            for each in names:
                if allowed == ["*"]:
                    fine = each not in ("*", "authorization", "cookie",
                                        "sec-fetch-mode")
                else:
                    fine = each in [a.lower() for a in allowed]
                if not fine:
                    culprit = each
                    break
        cors = {"allow-origin": ["*"] if policy == "public"
                else self.origins}
        if document.get("allow_credentials"):
            cors["allow-credentials"] = ["true"]
        if methods == ["*"]:
            cors["allow-methods"] = [SAFELISTED if asked == "*" else "*"]
        else:
            cors["allow-methods"] = [",".join([SAFELISTED, *methods])]
        if allowed == ["*"]:
            if culprit not in ("*", "authorization"):
                cors["allow-headers"] = ["*"]
        elif allowed:
            cors["allow-headers"] = [",".join(allowed).lower()]
        if good and culprit is None and "max_age" in document:
            cors["max-age"] = [str(document["max_age"])]
        return {document.get("preflight_status", 204)}, cors

    def fault(self, answer, oldest, newest):
        """What is wrong with an answer, or None."""
        for number in range(oldest, newest + 1):
            statuses, cors, vary = self.expected(number)
            if (answer.status in statuses and answer.cors == cors
                    and answer.vary == vary):
                return None
        asked = [show(self.origins), show(self.asked), show(self.names)]
        return (f"{self.method} {self.place} {asked}: {answer}, "
                f"not {statuses} {cors} {vary} ({oldest}..{newest})")


def show(value):
    """Not all of what is very long."""
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}..."


def name(text):
    """The name of a header, in any case."""
    return random.choice([text, text.lower(), text.upper()])


class Answer:
    """A response: status, CORS headers, names in Vary."""

    def __init__(self, status, lines):
        self.status = status
        self.cors = {}
        self.vary = set()
        for line, value in lines:
            if line.startswith("access-control-"):
                self.cors.setdefault(line[15:], []).append(value)
            if line == "vary":
                self.vary |= {each.strip().lower()
                              for each in value.split(",")}

    def __str__(self):
        return f"{self.status} {self.cors} {self.vary}"


class Broken(Exception):
    """What came is no HTTP."""


def parse(data, methods):
    """The responses to requests of some methods. The last one may be cut."""
    answers = []
    for method in itertools.chain(methods, itertools.repeat("GET")):
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return answers, data
        first, *lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [^\r\n]*", first)
        if not match or any(": " not in line and not line.endswith(":")
                            for line in lines):
            raise Broken(repr(data[:300]))
        lines = [line.split(":", 1) for line in lines]
        lines = [(line.lower(), value.strip()) for line, value in lines]
        headers = dict(lines)
        status = int(match[1])
        if method == "HEAD" or status in (204, 304):
            data = rest
        elif headers.get("transfer-encoding") == "chunked":
            while True:
                size, end, rest = rest.partition(b"\r\n")
                if not end:
                    return answers, data
                if not re.fullmatch(rb"[0-9a-f]+", size):
                    raise Broken(repr(data[:300]))
                size = int(size, 16)
                if len(rest) < size + 2:
                    return answers, data
                rest = rest[size + 2:]
                if size == 0:
                    break
            data = rest
        elif "content-length" in headers:
            length = int(headers["content-length"])
            if len(rest) < length:
                return answers, data
            data = rest[length:]
        else:
            data = b""
        answers.append(Answer(status, lines))
        if not data:
            return answers, b""
    return answers, data


HOSTILE_PATHS = ["/api/", "/proxy/", "/public/", "/", "/missing/",
                 "/api/%2e%2e/..%2f..", "/api/%00", "http://x/api/", "*",
                 "//api//", "/" + "a" * 3000]


def hostile_request(origin):
    """Bytes that are no request, or hardly one."""
    path = random.choice(HOSTILE_PATHS)
    head = f"OPTIONS {path} HTTP/1.1\r\nHost: localhost\r\n".encode()
    line = f"Origin: {origin}\r\n".encode("latin-1")
    ask = b"Access-Control-Request-Method: PUT\r\n"
    end = b"Connection: close\r\n\r\n"
    inner = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    control = bytes([random.choice([*range(1, 9), 11, 12, *range(14, 32),
                                    127, 255])])
    whole = head + line + ask + end
    return random.choice([
        lambda: whole[:random.randrange(len(whole))],
        lambda: head + b"Origin: " + control + line[8:] + ask + end,
        lambda: head + line[:-2] + control + b"\r\n" + ask + end,
        lambda: head + line[:-2] + b"\0.evil.example\r\n" + ask + end,
        lambda: head + line + ask[:-2] + control + b"\r\n" + end,
        lambda: head + b"Ori" + control + b"gin: x\r\n" + line + ask + end,
        lambda: head + line + ask + b"no colon at all\r\n" + end,
        lambda: head + line + ask + b": no name\r\n" + end,
        lambda: head + line + b" folded: yes\r\n" + ask + end,
        lambda: head + b"Origin : " + line[8:] + ask + end,
        lambda: whole.replace(b"\r\n", b"\n"),
        lambda: whole.replace(b"\r\n", b"\r"),
        lambda: head + line * 300 + ask + end,
        lambda: head + line + ask * 300 + end,
        lambda: head + line + ask + b"X: " + b"x" * 40000 + b"\r\n" + end,
        lambda: head + line + ask + b"".join(
            b"X-%d: y\r\n" % n for n in range(2000)) + end,
        lambda: head + line + ask + b"Access-Control-Request-Headers: "
                + b"," * 7000 + b"\r\n" + end,
        lambda: head + line + b"Content-Length: 5\r\n"
                b"Transfer-Encoding: chunked\r\n" + end + b"0\r\n\r\n",
        lambda: head + line + b"Content-Length: 1\r\nContent-Length: 2\r\n"
                + end + b"xx",
        lambda: head + line + b"Content-Length: -1\r\n" + end,
        lambda: head + line + b"Content-Length: 9" + b"9" * 30 + b"\r\n" + end,
        lambda: head + line + ask + b"Transfer-Encoding: chunked\r\n" + end
                + b"zz\r\n" + inner,
        lambda: head + line + ask + b"Transfer-Encoding: identity\r\n" + end,
        lambda: head + line + ask + b"Content-Length: 100000\r\n" + end
                + inner * random.randrange(3),
        lambda: head + line + b"Expect: 100-continue\r\nContent-Length: 3\r\n"
                + end,
        lambda: head.replace(b"1.1", random.choice([b"0.9", b"1.2", b"2.0",
                                                    b"9", b"1.11"]))
                + line + ask + end,
        lambda: b"options / HTTP/1.1\r\n" + line + ask + end,
        lambda: b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n" + line + end,
        lambda: b"TRACE /api/ HTTP/1.1\r\nHost: x\r\n" + line + end,
        lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 50,
        lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + whole,
        lambda: b"GET /api/\r\n",
        lambda: b"\r\n" * 50 + whole,
        lambda: random.randbytes(random.randrange(1, 3000)),
        lambda: head + line + ask + random.randbytes(200) + end,
    ])()


def free_ports(number):
    """Below those that Linux gives to whoever asks for any."""
    found = []
    while len(found) < number:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found


class Soak:
    """The nginx, its clients and what came of them."""

    def __init__(self, options):
        self.options = options
        self.folder = options.folder.resolve()
        self.counts = collections.Counter()
        self.wrong = []
        self.lock = threading.Lock()
        self.running = True
        #: The numbers of the policies that may answer now.
        self.oldest = self.newest = 0
        #: Raised before and after all that may cut connections.
        self.reloading = self.killing = 0
        self.killed = set()
        binary = pathlib.Path(shutil.which(options.nginx))
        self.sanitized = b"__asan_init" in binary.read_bytes()
        #: The second one is for nobody.
        self.port, self.dead = free_ports(2)

    # --- nginx

    def prepare(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "html").mkdir(parents=True)
        (self.folder / "html" / "page").write_text("a page\n" * 100)
        (self.folder / "users").write_text("")
        (self.folder / "smuggled.log").write_text("")
        self.write_policy(0)
        (self.folder / "public.json").write_text(json.dumps(PUBLIC))
        (self.folder / "old.json").write_text(json.dumps(OLD))
        module = self.options.module
        words = {
            "TEMP": " ".join(
                f"{kind}_temp_path {self.folder}/temp-{kind};"
                for kind in ("client_body", "proxy", "fastcgi", "uwsgi",
                             "scgi")
            ),
            "LOAD": f"load_module {module.resolve()};" if module else "",
            "FOLDER": self.folder, "PORT": self.port, "OWN": OWN,
            "DEAD": self.dead,
        }
        for file, text in [("nginx.conf", NGINX),
                           ("application.conf", APPLICATION)]:
            for word, value in words.items():
                text = text.replace(f"%{word}%", str(value))
            (self.folder / file).write_text(text)

    def start(self, configuration):
        # Every nginx module has a variable of the same name.
        environment = dict(os.environ)
        environment["ASAN_OPTIONS"] = "detect_leaks=0:detect_odr_violation=0"
        with open(self.folder / f"{configuration}.stderr", "w") as stderr:
            return subprocess.Popen(
                [self.options.nginx, "-p", str(self.folder), "-e", "stderr",
                 "-c", str(self.folder / configuration)],
                stderr=stderr, env=environment,
            )

    def write_policy(self, number):
        """Never half of one."""
        text = json.dumps(MAIN[number % 2]).replace("?", str(number))
        (self.folder / "new.json").write_text(text)
        (self.folder / "new.json").rename(self.folder / "main.json")

    def workers(self):
        path = f"/proc/{self.nginx.pid}/task/{self.nginx.pid}/children"
        return {int(word) for word in pathlib.Path(path).read_text().split()}

    def wait(self, condition, what):
        deadline = time.monotonic() + 30
        while not condition():
            if time.monotonic() > deadline or self.nginx.poll() is not None:
                raise SystemExit(f"waited in vain for {what}")
            time.sleep(0.005)

    def memory(self):
        """Of the master and of the largest worker, in kB."""
        def resident(pid):
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                return 0
            found = re.search(r"VmRSS:\s*(\d+)", status)
            return int(found[1]) if found else 0
        return (resident(self.nginx.pid),
                max(map(resident, self.workers()), default=0))

    def kill(self):
        victims = list(self.workers())
        victim = random.choice(victims)
        self.killing += 1
        self.killed.add(victim)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            self.killed.discard(victim)    # it had just left
        self.wait(lambda: victim not in self.workers(), "its end")
        self.wait(lambda: len(self.workers()) >= 2, "another worker")
        self.counts["kills"] += 1
        self.killing += 1

    def reload(self, kill):
        self.wait(lambda: len(self.workers()) >= 2, "the workers")
        old = self.workers()
        self.reloading += 1
        self.newest += 1
        self.write_policy(self.newest)
        self.nginx.send_signal(signal.SIGHUP)
        # From now on a worker that comes back has the new policy.
        self.wait(lambda: len(self.workers() - old) >= 2, "the new workers")
        if kill:
            self.kill()
        self.wait(lambda: not self.workers() & old, "the old workers to leave")
        self.oldest = self.newest
        self.reloading += 1
        self.counts["reloads"] += 1

    # --- Clients

    def client(self):
        while self.running:
            reloading, killing = self.reloading, self.killing
            oldest = self.oldest
            try:
                fault = random.choices(
                    [self.single, self.pipeline, self.hostile], [5, 3, 3]
                )[0]()
            except Broken as error:
                fault = (f"no HTTP: {error}", "wrong")
            except OSError as error:
                fault = (f"failed: {error!r}", "cut")
            if fault is None:
                continue
            if callable(fault):
                fault = fault(oldest, self.newest)
            if fault is None:
                continue
            text, kind = fault
            # A killed worker takes its connections with it; one that leaves
            # does not wait for the next request on a connection.
            calm = killing == self.killing and killing % 2 == 0
            still = reloading == self.reloading and reloading % 2 == 0
            if kind == "cut" and not calm:
                self.count("cut by a kill")
            elif kind == "short" and not (calm and still):
                self.count("closed by a reload or kill")
            else:
                with self.lock:
                    self.wrong.append(text)

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] += number

    def talk(self, data, slow=False, half_close=False):
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.settimeout(20)
            received = b""
            try:
                if slow:
                    for start in range(0, len(data), 40):
                        connection.sendall(data[start:start + 40])
                        time.sleep(0.002)
                else:
                    connection.sendall(data)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65536):
                    received += chunk
            except (ConnectionResetError, BrokenPipeError):
                if not received:
                    raise
            return received

    def exchange(self, requests, data, slow=False):
        received = self.talk(data, slow)
        answers, rest = parse(received, [r.method for r in requests])
        self.count("requests", len(answers))

        def judge(oldest, newest):
            for request, answer in zip(requests, answers):
                fault = request.fault(answer, oldest, newest)
                if fault:
                    return fault, "wrong"
                if request.origins and request.asked and (
                        request.method == "OPTIONS"):
                    self.count("preflights")
            if len(answers) > len(requests):
                return f"{len(answers)} answers to {data}", "wrong"
            if len(answers) < len(requests) or rest:
                kind = "cut" if len(requests) == 1 or rest else "short"
                return (f"{len(answers)} answers, then {rest[:200]}, to "
                        f"{data[:2000]}", kind)
            return None

        return judge

    def single(self):
        """One request, one connection."""
        request = Request(random.choice([None] * 5 + [b"hello"]))
        version = random.choice(["1.1"] * 5 + ["1.0"])
        if version == "1.0":
            request.body = None
        return self.exchange([request], request.data(True, version),
                             slow=random.random() < 0.02)

    def pipeline(self):
        """Several at once, with bodies that look like requests."""
        inner = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
        requests = [
            Request(random.choice([None, None, inner, inner * 20]))
            for _ in range(random.randint(2, 6))
        ]
        data = b"".join(
            request.data(request is requests[-1]) for request in requests
        )
        return self.exchange(requests, data)

    def hostile(self):
        """Whatever comes back, nothing is permitted that no policy permits."""
        allowed = random.random() < 0.4
        if allowed:
            origin = random.choice([APP, BOTH, OTHER])
        else:
            origin = random.choice([STRANGER, "null", APP + "/", "*"])
        data = hostile_request(origin)
        self.count("hostile")
        try:
            received = self.talk(data, half_close=True)
        except ConnectionResetError:
            return None    # there was more to read than nginx wanted
        text = received.decode("latin-1").lower()
        permitted = re.findall(
            r"^access-control-allow-origin:[ \t]*(.*?)\r?$", text, re.M
        )
        answers = text.count("http/1.1 ")
        good = {"*", origin} if allowed else {"*"}
        if b"/public/" not in data and b"/missing/" not in data:
            good.discard("*")
        if set(permitted) - good:
            return f"{data[:2000]}: {received[:2000]}", "wrong"
        if len(permitted) > answers or "smuggled" in text:
            return f"{data[:2000]}: {received[:2000]}", "wrong"
        return None

    # --- The run

    def trouble(self, begin, end):
        """Reloads and kills; then a quiet time."""
        quiet = begin + 0.75 * (end - begin)
        shown = begin
        at_start = at_quiet = None
        while (now := time.monotonic()) < end:
            if now - shown >= 5:
                shown = now
                self.progress(now - begin)
            if at_start is None and now - begin >= min(10, (end - begin) / 10):
                at_start = self.memory()
            if now < quiet:
                time.sleep(random.choice([0.02, 0.1, 0.3, 1]))
                random.choice([
                    lambda: self.reload(False), lambda: self.reload(False),
                    lambda: self.reload(True), self.kill,
                ])()
            else:
                if at_quiet is None:
                    time.sleep(min(5, (end - quiet) / 4))
                    at_quiet = self.memory()
                time.sleep(0.2)
        return at_start or self.memory(), at_quiet, self.memory()

    def progress(self, seconds):
        master, worker = self.memory()
        print(
            f"{seconds:5.0f} s  {self.counts['requests']:9,} requests  "
            f"{self.counts['hostile']:8,} hostile  {len(self.wrong)} wrong  "
            f"{self.counts['reloads']:4} reloads  {self.counts['kills']:4} "
            f"kills  master {master:,} kB  worker {worker:,} kB", flush=True,
        )

    def run(self):
        self.prepare()
        application = self.start("application.conf")
        self.nginx = self.start("nginx.conf")
        clients = [threading.Thread(target=self.client)
                   for _ in range(CLIENTS)]
        begin = time.monotonic()
        sizes = None
        try:
            self.wait(lambda: len(self.workers()) == 2, "nginx")
            self.wait((self.folder / "application").exists, "the application")
            for client in clients:
                client.start()
            sizes = self.trouble(begin, begin + 60 * self.options.minutes)
        finally:
            self.running = False
            for client in clients:
                if client.ident:
                    client.join()
            for process in (self.nginx, application):
                process.send_signal(signal.SIGQUIT)
            for process in (self.nginx, application):
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
        return self.report(time.monotonic() - begin, *sizes)

    def report(self, seconds, at_start, at_quiet, at_end):
        errors = (self.folder / "error.log").read_text(errors="replace")
        crashes = [
            line for line in errors.splitlines()
            if re.search(r"exited on signal|exited with code [1-9]|panicked|"
                         r"AddressSanitizer:", line)
            and not any(f"worker process {pid} exited on signal 9" in line
                        for pid in self.killed)
        ]
        alerts = [
            line for line in errors.splitlines()
            if re.search(r"\[(alert|crit|emerg)\]", line)
            and "exited on signal" not in line
        ]
        smuggled = (self.folder / "smuggled.log").read_text().splitlines()
        grown = at_end[1] - at_quiet[1]
        rows = [
            ("duration", f"{seconds:.0f} s"),
            ("answers judged", f"{self.counts['requests']:,}"),
            ("  of them preflights", f"{self.counts['preflights']:,}"),
            ("hostile connections", f"{self.counts['hostile']:,}"),
            ("reloads, each with another policy",
             f"{self.counts['reloads']:,}"),
            ("workers killed by us", f"{self.counts['kills']:,}"),
            ("connections that a kill cut",
             f"{self.counts['cut by a kill']:,}"),
            ("connections closed early by a reload or kill",
             f"{self.counts['closed by a reload or kill']:,}"),
            ("wrong answers", f"{len(self.wrong):,}"),
            ("smuggled requests", f"{len(smuggled):,}"),
            ("worker crashes", f"{len(crashes):,}"),
            ("alerts in the error log", f"{len(alerts):,}"),
            ("master: memory at start, before the quiet end, at end",
             "{:,} / {:,} / {:,} kB".format(at_start[0], at_quiet[0],
                                            at_end[0])),
            ("largest worker, the same",
             "{:,} / {:,} / {:,} kB".format(at_start[1], at_quiet[1],
                                            at_end[1])),
        ]
        width = max(len(row) for row, _ in rows)
        print()
        for row, value in rows:
            print(f"{row:{width}}  {value}")
        for line in (self.wrong + crashes + alerts)[:10]:
            print(f"\n{line[:3000]}")
        faults = [*self.wrong, *smuggled, *crashes, *alerts]
        # In the quiet time nothing is loaded, and requests leave nothing.
        # AddressSanitizer keeps what was freed.
        if grown > 300 and not self.sanitized:
            faults.append("a worker grew")
            print(f"\nA worker grew by {grown} kB while nothing was reloaded.")
        if self.counts["requests"] == 0 or self.counts["reloads"] == 0:
            faults.append("nothing happened")
        return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nginx", required=True)
    parser.add_argument("--module", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--folder", type=pathlib.Path,
                        default=pathlib.Path("build/soak"))
    parser.add_argument("--seed", type=int,
                        default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"Seed {options.seed}: {options.minutes * 60:.0f} seconds",
          flush=True)
    random.seed(options.seed)
    sys.exit(Soak(options).run())


if __name__ == "__main__":
    main()
