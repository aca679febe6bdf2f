"""Every vector that HTTP can carry, sent through httpd to an application: one
that knows nothing of CORS, and one that sends headers of its own."""

import pytest

from conftest import free_port
from web_vectors import OWN, check, read

APPLICATION = """
    Listen 127.0.0.1:%(port)d
    LimitRequestFieldSize 65536
    LogFormat "%%{X-Case}i" reached
    LogFormat "%%{X-Case}i %%{cors-verdict}n %%{cors-reason}n \\
%%{cors-culprit}n" case
    <VirtualHost *:%(port)d>
        CustomLog reached.log reached
        MaxKeepAliveRequests 0
        ErrorDocument 200 "application\\n"
        RewriteEngine On
        RewriteRule ^ - [R=200]
        <Location "/loud">
            %(headers)s
        </Location>
    </VirtualHost>
"""

LOCATION = """
    <Location "/%(number)d/">
        CorsPolicy %(number)d.json
        ProxyPass http://127.0.0.1:%(port)d/
    </Location>
"""


@pytest.mark.memory
def test_every_vector_is_decided_in_front_of_an_application(serve):
    policies, cases, left_out = read()
    # Nothing else is left out: the vectors say why HTTP cannot carry these.
    assert sum(left_out.values()) <= 60, left_out
    assert len(cases) >= 1500

    port = free_port()
    headers = "\n".join(f'Header always set {k} "{v}"' for k, v in OWN.items())
    site = serve(
        "MaxKeepAliveRequests 0\nCustomLog cases.log case\n" + "".join(
            LOCATION % {"number": number, "port": port}
            for number in policies.values()
        ),
        {f"{number}.json": text for text, number in policies.items()},
        main=APPLICATION % {"port": port, "headers": headers},
    )

    check(site, cases, ("verdict", "reason", "culprit"), "-", str.split)
