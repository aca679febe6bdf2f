"""Every vector that HTTP can carry, sent through nginx to an application:
one that knows nothing of CORS, and one that sends headers of its own."""

import json

import pytest

from conftest import free_port
from web_vectors import OWN, check, read

APPLICATION = """
    log_format case escape=json
        '["$http_x_case","$cors_verdict","$cors_reason",'
        '"$cors_culprit","$cors_pattern"]';
    log_format reached "$http_x_case";

    server {
        listen 127.0.0.1:%(port)d;
        access_log %%FOLDER%%/reached.log reached;
        keepalive_requests 1000000;
        large_client_header_buffers 4 64k;
        location /silent { return 200 "application\\n"; }
        location /loud { %(headers)s return 200 "application\\n"; }
    }
"""

LOCATION = """
    location /%(number)d/ {
        cors_policy %(number)d.json;
        proxy_pass http://127.0.0.1:%(port)d/;
    }
"""


@pytest.mark.memory
def test_every_vector_is_decided_in_front_of_an_application(serve):
    policies, cases, left_out = read()
    # Nothing else is left out: the vectors say why HTTP cannot carry these.
    assert sum(left_out.values()) <= 60, left_out
    assert len(cases) >= 1500

    port = free_port()
    headers = "".join(f'add_header {k} "{v}" always;' for k, v in OWN.items())
    site = serve(
        """
        keepalive_requests 1000000;
        large_client_header_buffers 4 64k;
        access_log %FOLDER%/cases.log case;
        """ + "".join(
            LOCATION % {"number": number, "port": port}
            for number in policies.values()
        ),
        {f"{number}.json": text for text, number in policies.items()},
        http=APPLICATION % {"port": port, "headers": headers},
    )

    keys = ("verdict", "reason", "culprit", "pattern")
    check(site, cases, keys, "", json.loads)
