"""nginx with the module, in front of an application."""

import os
import pathlib

from application import Application
from host import Site, run, says, wait_for_port
from web_server import free_port

CONFIGURATION = """
%(load)s
daemon off;
user root;
worker_processes 1;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 64; }
http {
    client_body_temp_path temp_body;
    proxy_temp_path temp_proxy;
    fastcgi_temp_path temp_fastcgi;
    uwsgi_temp_path temp_uwsgi;
    scgi_temp_path temp_scgi;
    log_format cors "$cors_verdict $cors_reason";
    access_log access.log cors;
    keepalive_requests 1000000;
    map $http_connection $upgrading { default close; Upgrade upgrade; }
    large_client_header_buffers 4 64k;
    server {
        listen 127.0.0.1:%(port)d;
        %(locations)s
    }
}
"""

LOCATION = """
    location /%(number)d/ {
        cors_policy %(number)d.json;
        proxy_pass http://127.0.0.1:%(port)d;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $upgrading;
    }
"""

#: For an nginx with AddressSanitizer: every module has a variable of the same
#: name, and what nginx leaves ends with the process.
ENVIRONMENT = os.environ | {
    "ASAN_OPTIONS": "detect_odr_violation=0:detect_leaks=0"
}

EXCEPTIONS = {}
MANY_POLICIES = True
OPENS_WEBSOCKETS = True


def command(options, folder):
    return [options.nginx, "-p", folder, "-e", "stderr", "-c",
            folder / "nginx.conf"]


def configure(options, folder, policies, backend):
    port = free_port()
    for number, policy in enumerate(policies):
        (folder / f"{number}.json").write_text(policy)
    module = options.nginx_module and pathlib.Path(
        options.nginx_module
    ).resolve()
    (folder / "nginx.conf").write_text(CONFIGURATION % {
        "load": f"load_module {module};" if module else "",
        "port": port,
        "locations": "".join(
            LOCATION % {"number": number, "port": backend}
            for number in range(len(policies))
        ),
    })
    return port


def start(options, folder, policies):
    application = Application()
    port = configure(options, folder, policies, application.port)
    process = run(command(options, folder), env=ENVIRONMENT)
    wait_for_port(port, process, (folder / "error.log").read_text)

    def decisions():
        return (folder / "access.log").read_text().splitlines()

    return Site(process, port, lambda: application.reached, decisions)


def refuses(options, folder, policy):
    """What it says at a start with a bad policy."""
    configure(options, folder, [policy], 1)
    return says([*command(options, folder), "-t"], env=ENVIRONMENT)
