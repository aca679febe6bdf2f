"""Apache httpd with mod_cors, in front of an application."""

import os

from application import Application
from host import Site, run, says, wait_for_port
from web_server import free_port

MODULES = """mpm_event unixd log_config authz_core authz_host proxy proxy_http
             setenvif headers""".split()

CONFIGURATION = """
%(load)s
LoadModule cors_module %(module)s
ServerRoot %(folder)s
ServerName localhost
Listen 127.0.0.1:%(port)d
PidFile httpd.pid
DefaultRuntimeDir %(folder)s
Mutex sem
User "#65534"
Group "#65534"
StartServers 1
ErrorLog error.log
LimitRequestFieldSize 65536
MaxKeepAliveRequests 0
LogFormat "%%{cors-verdict}n %%{cors-reason}n" cors
CustomLog access.log cors
ProxyPass / http://127.0.0.1:%(backend)d/ upgrade=websocket
%(locations)s
"""

LOCATION = """
<Location /%(number)d/>
    CorsPolicy %(number)d.json
</Location>
"""

EXCEPTIONS = {}
MANY_POLICIES = True
OPENS_WEBSOCKETS = True


def unable(method, values):
    """httpd itself answers 400 to a Host with an empty port."""
    return any(value.endswith(":") for value in values)


def command(options, folder):
    return [options.httpd, "-d", folder, "-f", folder / "httpd.conf"]


def configure(options, folder, policies, backend):
    port = free_port()
    # The children are not root, and must get there.
    os.chmod(folder, 0o755)
    for number, policy in enumerate(policies):
        (folder / f"{number}.json").write_text(policy)
    modules = options.httpd_modules
    (folder / "httpd.conf").write_text(CONFIGURATION % {
        "load": "\n".join(
            f"LoadModule {name}_module {modules}/mod_{name}.so"
            for name in MODULES
            if os.path.exists(f"{modules}/mod_{name}.so")
        ),
        "module": options.apache_module,
        "folder": folder, "port": port, "backend": backend,
        "locations": "".join(
            LOCATION % {"number": number} for number in range(len(policies))
        ),
    })
    return port


def start(options, folder, policies):
    application = Application()
    port = configure(options, folder, policies, application.port)
    process = run([*command(options, folder), "-D", "FOREGROUND"])
    wait_for_port(port, process, lambda: (folder / "error.log").read_text())

    def decisions():
        return (folder / "access.log").read_text().splitlines()

    return Site(process, port, lambda: application.reached, decisions)


def refuses(options, folder, policy):
    """What it says at a start with a bad policy."""
    configure(options, folder, [policy], 1)
    return says([*command(options, folder), "-t"])
