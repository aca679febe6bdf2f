#!/usr/bin/env python3
"""instructions.py --nginx=NGINX --module=MODULE [--folder=FOLDER]

How many instructions the module adds to a request, counted by callgrind, of
which a dump is asked before and after the requests. Instructions do not depend
on the machine's load, so that a small change can be seen. Compared is with the
same nginx that has not loaded the module. Exits with 1 if a target is missed.
FOLDER has a profile of each row.
"""

import argparse
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

NUMBER, WARM_UP = 1000, 200

APP = "https://app.example.com"

POLICY = {
    "allow_origins": [APP, "https://*.preview.example.com"],
    "allow_credentials": True,
    "allow_methods": ["PUT", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type"],
    "expose_headers": ["X-Request-Id"],
    "max_age": 600,
}

BLOCK = POLICY | {"block": ["unsafe_methods", "websockets"]}

CONFIGURATION = """
%LOAD%
daemon off;
master_process off;
user root;
pid %FOLDER%/pid;
error_log %FOLDER%/error.log;
events { worker_connections 64; }
http {
    %HTTP%
    client_body_temp_path %FOLDER%/temp-1;
    proxy_temp_path %FOLDER%/temp-2;
    fastcgi_temp_path %FOLDER%/temp-3;
    uwsgi_temp_path %FOLDER%/temp-4;
    scgi_temp_path %FOLDER%/temp-5;
    access_log off;
    keepalive_requests 1000000;
    keepalive_timeout 600s;
    server {
        listen 127.0.0.1:%PORT%;
        location / { %INSIDE% }
        %BESIDE%
    }
}
"""

#: What browsers send besides.
LINES = """Host: api.example.com
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0
Accept: */*
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate, br, zstd
Referer: https://app.example.com/
Connection: keep-alive
Sec-Fetch-Dest: empty
Sec-Fetch-Mode: cors
Sec-Fetch-Site: same-site
"""


def request(method, *lines):
    text = f"{method} /api/users/17 HTTP/1.1\n{LINES}"
    text += "".join(f"{line}\n" for line in lines) + "\n"
    return text.replace("\n", "\r\n").encode()


GET = request("GET", f"Origin: {APP}")
STRANGER = request("GET", "Origin: https://stranger.example")
WILDCARD = request("GET", "Origin: https://pr-17.preview.example.com")
NO_CORS = request("GET")
POST = request("POST", "Content-Length: 0", "Origin: https://stranger.example")
PREFLIGHT = request(
    "OPTIONS", f"Origin: {APP}", "Access-Control-Request-Method: PUT",
    "Access-Control-Request-Headers: authorization,content-type",
)

ANSWER = 'return 200 "application\\n";'
ELSEWHERE = "location /elsewhere/ { cors_policy api.json; }"
OFF = "cors_policy off; " + ANSWER
ON = "cors_policy api.json; " + ANSWER
BLOCKS = "cors_policy block.json; " + ANSWER
# As long as CORS_BLOCKED_BODY.
FORBIDDEN = 'return 403 "%s";' % (61 * "x")

#: What is measured: its name, the request, what is in its location and beside
#: it, what answers it where the module is not loaded, and how many
#: instructions it may add: as many as nginx-module/README.md says.
CASES = [
    ("no cors directive at all", GET, ANSWER, "", ANSWER, 0),
    ("a location without a policy", GET, ANSWER, ELSEWHERE, ANSWER, 80),
    ("a location with \"off\"", GET, OFF, ELSEWHERE, ANSWER, None),
    ("a request without Origin", NO_CORS, ON, "", ANSWER, 628),
    ("a refused origin", STRANGER, ON, "", ANSWER, 1121),
    ("an allowed origin", GET, ON, "", ANSWER, 1174),
    ("an origin allowed by a wildcard", WILDCARD, ON, "", ANSWER, 1898),
    ("a preflight", PREFLIGHT, ON, "", "return 204;", 1763),
    ("a request without Origin, with block", NO_CORS, BLOCKS, "", ANSWER, 740),
    ("an allowed origin, with block", GET, BLOCKS, "", ANSWER, 1204),
    ("a blocked POST", POST, BLOCKS, "", FORBIDDEN, 1058),
]

#: Two measurements of the same differ by less: what the clock costs, and what
#: malloc() finds.
NOISE = 30

#: Sizes of an environment, which nginx copies: by what lies in the heap before
#: a request, malloc() takes 200 instructions more or less. The median counts.
PADDINGS = 100, 4000, 20000


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = options.folder.resolve()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "api.json").write_text(json.dumps(POLICY))
        (self.folder / "block.json").write_text(json.dumps(BLOCK))
        self.known = {}

    def per_request(self, data, module, inside, beside):
        key = data, module, inside, beside
        if key not in self.known:
            [self.known[key]] = self.count([[data]], *key[1:])
        return self.known[key]

    def count(self, *arguments, paddings=PADDINGS, **more):
        """As count_once, the medians."""
        counts = [self.count_once(*arguments, padding=padding, **more)
                  for padding in paddings]
        return list(map(statistics.median, zip(*counts)))

    def count_once(self, kinds, module, inside, beside="", http="",
                   number=NUMBER, check=None, padding=PADDINGS[0]):
        """The instructions of one request of each kind. The requests of a kind
        are sent in turn. check is called with each request and answer of
        the warm-up."""
        port = self.configure(module, inside, beside, http)
        nginx = subprocess.Popen(
            ["valgrind", "--tool=callgrind", f"--log-file={self.folder}/log",
             f"--callgrind-out-file={self.folder}/callgrind", "--vgdb=yes",
             f"--vgdb-prefix={self.folder}/vgdb", *self.command()],
            stderr=subprocess.PIPE,
            env=os.environ | {"PADDING": padding * "."},
        )
        dumps = itertools.count(1)
        try:
            with connect(nginx, port) as connection:
                counts = []
                for requests in kinds:
                    answers = send(connection, requests, WARM_UP)
                    for pair in zip(requests, answers) if check else ():
                        check(*pair)
                    self.dump(nginx, next(dumps))
                    # Of a dump itself.
                    nothing = self.dump(nginx, next(dumps))
                    send(connection, requests, number)
                    count = self.dump(nginx, next(dumps)) - nothing
                    counts.append(count / number)
            self.end(nginx)
        finally:
            nginx.kill()
        return counts

    def configure(self, module, inside, beside="", http=""):
        """Writes nginx.conf and returns the port in it."""
        port = free_port()
        text = CONFIGURATION
        for word, value in {
            "LOAD": f"load_module {module};" if module else "",
            "INSIDE": inside, "BESIDE": beside, "HTTP": http,
            "FOLDER": self.folder, "PORT": port,
        }.items():
            text = text.replace(f"%{word}%", str(value))
        (self.folder / "nginx.conf").write_text(text)
        return port

    def command(self):
        return [self.options.nginx, "-p", str(self.folder), "-e", "stderr",
                "-c", str(self.folder / "nginx.conf")]

    def dump(self, nginx, number):
        """The instructions since the last dump."""
        time.sleep(0.1)    # until nginx waits again
        subprocess.run(
            ["vgdb", f"--pid={nginx.pid}",
             f"--vgdb-prefix={self.folder}/vgdb", "dump"],
            check=True, capture_output=True, timeout=60,
        )
        text = (self.folder / f"callgrind.{number}").read_text()
        return int(re.search(r"^totals: (\d+)", text, re.M)[1])

    def end(self, nginx):
        """Says it again where a signal fell between nginx's look at its
        signals and its wait for events."""
        for _ in range(60):
            nginx.send_signal(signal.SIGQUIT)
            try:
                return nginx.wait(timeout=1)
            except subprocess.TimeoutExpired:
                pass
        raise SystemExit("nginx does not end")


def connect(nginx, port):
    deadline = time.monotonic() + 300
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            connection.settimeout(60)
            return connection
        except ConnectionRefusedError:
            if nginx.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(nginx.stderr.read().decode()) from None
            time.sleep(0.01)


def send(connection, requests, number):
    """Sends so many, the requests in turn, and returns the answers."""
    answers = []
    for data in itertools.islice(itertools.cycle(requests), number):
        connection.sendall(data)
        answers.append(connection.recv(65536))
        if len(answers[-1]) != len(answers[0]):
            raise SystemExit(f"not as before: {answers[-1]}")
    return answers


def free_port():
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nginx", required=True)
    parser.add_argument("--module", required=True, type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path,
                        default=pathlib.Path("build/instructions"))
    options = parser.parse_args()
    bench = Bench(options)
    missed = False
    print(f"{'instructions per request':38}{'without':>9}{'with':>9}"
          f"{'added':>8}{'at most':>9}", flush=True)
    for name, data, inside, beside, other, target in CASES:
        # With the same locations: nginx looks through them, too.
        other_beside = beside.replace("cors_policy api.json;", "")
        before = bench.per_request(data, None, other, other_beside)
        after = bench.per_request(
            data, options.module.resolve(), inside, beside
        )
        # Of all requests: callgrind_annotate shows where they go.
        (bench.folder / "callgrind.3").rename(bench.folder / name)
        added = after - before
        limit = "" if target is None else f"{target:,}"
        over = target is not None and added > target + NOISE
        print(f"{name:38}{before:9,.0f}{after:9,.0f}{added:8,.0f}{limit:>9}"
              f"{'  missed' if over else ''}", flush=True)
        missed = missed or over
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
