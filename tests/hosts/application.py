"""The application behind nginx and Apache: it answers as every adapter's does,
and records what reached it."""

import http.server
import threading

from facts import BODIES, OWN, STATUSES
from web_server import echo_websocket


class Application:
    def __init__(self):
        self.reached = []
        application = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Else a body waits for the acknowledgement of its headers.
            disable_nagle_algorithm = True

            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                application.reached.append(f"{self.command} {self.path}")
                path = "/" + self.path.rsplit("/", 1)[-1]
                if "Sec-WebSocket-Key" in self.headers:
                    return echo_websocket(self)
                status = STATUSES.get(path, 404)
                body = BODIES.get(path, b"")
                self.send_response(status)
                if path == "/items":
                    for name, value in OWN.items():
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def __getattr__(self, name):
                # Whatever the method is.
                if name.startswith("do_"):
                    return self.answer
                raise AttributeError(name)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler
        )
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(
            target=self.server.serve_forever, args=(0.01,), daemon=True
        ).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
