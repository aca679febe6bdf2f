"""The application behind nginx and Apache: it answers as every adapter's does,
and records what reached it."""

import http.server
import threading

from facts import BODIES, OWN, STATUSES
from web_server import websocket_accept


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
                if path == "/socket" and "Upgrade" in self.headers:
                    self.echo()
                    return
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

            def echo(self):
                """Opens a WebSocket and sends one message back."""
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                key = self.headers["Sec-WebSocket-Key"]
                self.send_header("Sec-WebSocket-Accept", websocket_accept(key))
                self.end_headers()
                # A text of two bytes, with a mask of zeros.
                self.wfile.write(b"\x81\x02" + self.rfile.read(8)[6:])
                self.close_connection = True

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
