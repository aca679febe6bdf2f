"""Every output filter that nginx has: none of them changes the response to a
preflight, and none of them takes the headers off another response.

Some of them replace a response as a whole, such as image_filter, which takes
anything that is not an image for an error.
"""

import itertools
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import API, APP, STRANGER

#: What is set for each of the filters, as far as it can be.
DIRECTIVES = {
    "addition": ["add_before_body /inner; add_after_body /inner;"
                 " addition_types *;"],
    "charset": ["charset utf-8; source_charset koi8-r; charset_types *;"
                " override_charset on;"],
    "chunked": ["chunked_transfer_encoding on;",
                "chunked_transfer_encoding off;"],
    "copy": ["output_buffers 1 1k; postpone_output 0;"],
    "gunzip": ["gunzip on;"],
    "gzip": ["gzip on; gzip_types *; gzip_min_length 0; gzip_proxied any;"
             " gzip_http_version 1.0; gzip_vary on;"],
    "header": ["server_tokens off;"],
    "headers": ["add_header X-Own yes always; expires 1h;"
                " add_header Access-Control-Allow-Origin * always;",
                "add_trailer X-Own yes always;"],
    "image": ["image_filter test;", "image_filter size;",
              "image_filter resize 9 9;"],
    "not_modified": ["if_modified_since before;"],
    "postpone": [],
    "range_body": [],
    "range_header": ["max_ranges 1; proxy_force_ranges on;"],
    "slice": ["slice 1k;"],
    "ssi": ["ssi on; ssi_types *;"],
    "sub": ["sub_filter a b; sub_filter_types *; sub_filter_once off;"],
    "userid": ["userid on;"],
    "v2": [],
    "v3": [],
    "write": ["limit_rate 1k;"],
    "xslt": ["xslt_stylesheet %FOLDER%/sheet.xslt; xslt_types *;"],
}

EVERY = [
    each for kind in DIRECTIVES.values() for each in kind
    if "chunked_transfer_encoding off" not in each and "image" not in each
]

#: Those that Debian has as modules of their own.
LOADABLE = ["image", "xslt"]

#: Asks for what the filters do.
LINES = ["Accept-Encoding: gzip", "Range: bytes=5-9", "TE: trailers"]

#: What fails for a response without a tag and a date.
CONDITIONS = """If-Match: "other"
If-None-Match: *
If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT
If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT
""".splitlines()

#: What a filter may add to an answer.
ADDED = {"x-own: yes", "server: nginx", "cache-control: max-age=3600"}

HTTP = "charset_map koi8-r utf-8 { C0 D18E; }"

SHEET = """<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><p/></xsl:template>
</xsl:stylesheet>
"""

#: One pixel.
GIF = bytes.fromhex(
    "474946383961010001008000000000 00ffffff2c000000000100010000020244"
    "01003b".replace(" ", "")
)


def filters_of(binary):
    """The names of the filters that are in an nginx."""
    data = pathlib.Path(shutil.which(binary)).read_bytes()
    return {
        name.decode()
        for name in re.findall(rb"ngx_http_(\w+?)_filter_module\0", data)
    }


@pytest.fixture
def start(request, nginx, serve):
    """As serve, with the filters of a text, loaded before or after ours."""
    folder = request.config.getoption("--other-modules")
    there = filters_of(nginx.binary)
    nginx.write("sheet.xslt", SHEET)

    def run(server, order="first", **more):
        for name, texts in DIRECTIVES.items():
            if name in there or not any(each in server for each in texts):
                continue
            if name not in LOADABLE:
                pytest.skip(f"this nginx was built without {name}")
            if not folder:
                pytest.skip(f"{name} is not in --other-modules")
            path = pathlib.Path(folder).resolve() / "usr/lib/nginx/modules"
            place = 1 if order == "first" else 0
            nginx.modules.insert(
                place, path / f"ngx_http_{name}_filter_module.so"
            )
        if order == "last" and len(nginx.modules) < 2:
            pytest.skip("the filter is built in and knows no order")
        return serve(server, http=HTTP, **more)

    return run


def test_every_filter_of_this_nginx_is_in_the_list(nginx):
    ours = {"cors_answer"}
    assert filters_of(nginx.binary) - ours <= set(DIRECTIVES)


CASES = [
    (204, APP, 204), (200, APP, 200), (204, STRANGER, 403),
]


def settings():
    for name, texts in DIRECTIVES.items():
        for text, order in itertools.product(texts, ["first", "last"]):
            if order == "first" or name in LOADABLE:
                yield pytest.param(text, order, id=f"{text[:24]}-{order}")


def preflight(site, path, origin, version, *more):
    """The lines of the answer, and what came after them. A request that
    follows on the connection gets its own answer."""
    lines = [f"Origin: {origin}", "Access-Control-Request-Method: PUT",
             *LINES, *more]
    if version == "2":
        command = ["curl", "-sS", "-i", "--http2-prior-knowledge",
                   "--max-time", "10", "-X", "OPTIONS"]
        for line in lines:
            command += ["-H", line]
        command.append(f"http://127.0.0.1:{site.port}{path}")
        text = subprocess.run(
            command, capture_output=True, text=True, check=True,
        ).stdout
        head, _, rest = text.partition("\n\n")
    else:
        lines = ["Host: localhost", *lines]
        if version == "1.0":
            lines.append("Connection: keep-alive")
        ask = "\r\n".join([f"OPTIONS {path} HTTP/{version}", *lines])
        text = site.raw(
            f"{ask}\r\n\r\nGET /next HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        head, _, rest = text.partition("\r\n\r\n")
        rest, found, _ = rest.partition("HTTP/1.1 404 Not Found\r\n")
        assert found, text
    status, *fields = head.splitlines()
    fields = {field.lower() for field in fields}
    return int(status.split()[1]), {
        field for field in fields
        if not field.startswith(("date:", "server:", "expires:", "set-cookie:"))
    } - ADDED, rest


@pytest.mark.parametrize("version", ["1.0", "1.1", "2"])
@pytest.mark.parametrize(("text", "order"), [
    *settings(), pytest.param(" ".join(EVERY), "first", id="all-first"),
    pytest.param(" ".join(EVERY), "last", id="all-last"),
])
def test_a_filter_leaves_the_response_to_a_preflight_alone(
    nginx, start, backend, text, order, version
):
    if version == "2":
        if "v2" not in filters_of(nginx.binary):
            pytest.skip("this nginx was built without HTTP/2")
        nginx.port_options = " http2"
    site = start(
        f"""
        location /204/ {{ cors_policy 204.json; {text}
                          proxy_pass http://%BACKEND%; }}
        location /200/ {{ cors_policy 200.json; {text}
                          proxy_pass http://%BACKEND%; }}
        location /plain/204/ {{ cors_policy 204.json; }}
        location /plain/200/ {{ cors_policy 200.json; }}
        location /inner {{ proxy_pass http://%BACKEND%; }}
        location /next {{ return 404; }}
        """,
        order,
        policies={"204.json": API, "200.json": API | {"preflight_status": 200}},
    )
    more = CONDITIONS if "if_modified_since" in text else []
    for wanted, origin, expected in CASES:
        seen = preflight(site, f"/{wanted}/", origin, version, *more)
        assert seen == preflight(site, f"/plain/{wanted}/", origin, version)
        assert seen[0] == expected
        assert seen[2] == ""
    assert backend.hits == []


ALLOWED = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "expose-headers": "x-request-id",
}

ORDERS = pytest.mark.parametrize("order", ["first", "last"])


def assert_decorated(site, path, status):
    answer = site.get(path, origin=APP)
    assert answer.status == status
    assert answer.cors == ALLOWED
    assert answer.vary == ["origin"]
    refused = site.get(path, origin=STRANGER)
    assert refused.status == status
    assert refused.cors == {}
    assert refused.vary == ["origin"]
    return answer


@ORDERS
@pytest.mark.parametrize(("text", "image", "other"), [
    ("image_filter test;", 200, 415),
    ("image_filter size;", 200, 200),
    ("image_filter resize 9 9;", 200, 415),
    ("image_filter resize 9 9; image_filter_buffer 1;", 415, 415),
])
def test_an_image_filter_keeps_the_headers(
    nginx, start, text, image, other, order
):
    (nginx.folder / "html/image.gif").write_bytes(GIF)
    site = start(
        f"""
        cors_policy api.json;
        location / {{ {text} }}
        location /app {{ {text} proxy_pass http://%BACKEND%; }}
        """,
        order,
    )
    for path, status in [("/image.gif", image), ("/app", other)]:
        for origin, number in [(APP, 3), (STRANGER, 0)]:
            command = ["curl", "-sS", "-o", site.folder / "body", "-D", "-",
                       "-H", f"Origin: {origin}",
                       f"http://127.0.0.1:{site.port}{path}"]
            head = subprocess.run(
                command, capture_output=True, text=True, check=True
            ).stdout
            assert head.startswith(f"HTTP/1.1 {status} ")
            assert head.count("access-control-") == number
            assert head.count("vary: origin") == 1


@ORDERS
def test_an_xslt_filter_keeps_the_headers(nginx, start, backend, order):
    nginx.write("html/page.xml", "<a/>")
    xslt = DIRECTIVES["xslt"][0]
    site = start(
        f"""
        cors_policy api.json;
        location / {{ {xslt} }}
        location /app {{ {xslt} proxy_pass http://%BACKEND%; }}
        """,
        order,
    )
    assert "<p/>" in assert_decorated(site, "/page.xml", 200).body
    assert_decorated(site, "/app", 500)


@pytest.mark.parametrize("text", [
    each for name, texts in DIRECTIVES.items() for each in texts
    if name not in ("image", "xslt", "slice")
    and "add_header" not in each and "gzip on" not in each
])
def test_every_other_filter_keeps_the_headers(start, backend, text):
    site = start(f"""
        cors_policy api.json;
        location / {{ {text} proxy_pass http://%BACKEND%; }}
        location /inner {{ return 200 inner; }}
    """)
    assert_decorated(site, "/", 200)
