"""Other modules that change the same headers: Debian's headers-more and lua.

Whatever they do and in whatever order the modules are loaded, there is one
Access-Control-Allow-Origin, and it is that of the policy.
"""

import itertools
import pathlib

import pytest

from conftest import APP, PREFLIGHT_VARY, STRANGER

ALLOWED = {
    "allow-origin": APP,
    "allow-credentials": "true",
    "expose-headers": "x-request-id",
}

#: Each of them has to be loaded after those that it needs.
FILES = {
    "headers-more": ["ngx_http_headers_more_filter_module.so"],
    "lua": ["ndk_http_module.so", "ngx_http_lua_module.so"],
}
FILES["both"] = FILES["headers-more"] + FILES["lua"]

#: What tries to change the answers.
MEDDLERS = [
    'more_set_headers "Access-Control-Allow-Origin: *"',
    'more_set_headers "access-control-allow-origin: https://evil.example"'
    ' "Access-Control-Allow-Credentials: false"',
    'more_set_headers "Access-Control-Allow-Private-Network: true"',
    'more_clear_headers "Access-Control-*"',
    'more_clear_headers Access-Control-Allow-Origin Vary',
    'more_set_headers -s "200 204 403 404" "Vary: Accept"',
    'header_filter_by_lua_block {'
    ' ngx.header["Access-Control-Allow-Origin"] = "*" }',
    'header_filter_by_lua_block {'
    ' ngx.header["Access-Control-Allow-Origin"] ='
    ' { "https://evil.example", "*" }'
    ' ngx.header["Access-Control-Allow-Credentials"] = nil }',
    'header_filter_by_lua_block {'
    ' ngx.header["Access-Control-Allow-Origin"] = nil'
    ' ngx.header["Vary"] = "Accept" }',
    'rewrite_by_lua_block {'
    ' ngx.header["Access-Control-Allow-Origin"] = "*" }',
    'access_by_lua_block {'
    ' ngx.header["Access-Control-Allow-Origin"] = "*" }',
]

#: Takes away or changes what the decision depends on.
THIEVES = [
    "more_clear_input_headers Origin",
    'more_set_input_headers "Origin: https://stranger.example"',
    'more_clear_input_headers "Access-Control-*" Origin',
    'rewrite_by_lua_block { ngx.req.clear_header("Origin") }',
    'access_by_lua_block {'
    ' ngx.req.set_header("Origin", "https://stranger.example") }',
    'header_filter_by_lua_block { ngx.req.clear_header("Origin") }',
]

ORDERS = ["first", "last"]


@pytest.fixture
def start(request, nginx, serve):
    """As serve, with one of the modules loaded before or after ours."""
    folder = request.config.getoption("--other-modules")
    if not folder:
        pytest.skip("no --other-modules: only Debian's nginx has them")
    if not nginx.module:
        pytest.skip("the module is built into this nginx")
    root = pathlib.Path(folder).resolve()

    def run(server, module, order):
        others = [
            root / "usr/lib/nginx/modules" / file for file in FILES[module]
        ]
        nginx.modules[1 if order == "first" else 0:0] = others
        http = ""
        if module != "headers-more":
            nginx.environment["LD_LIBRARY_PATH"] = ":".join(
                str(path.parent) for path in root.rglob("*.so.*")
            )
            http = f'lua_package_path "{root}/usr/share/lua/5.1/?.lua;;";'
        return serve(server, http=http)

    return run


def cases(directives):
    return [
        pytest.param(directive, order, id=f"{directive}-{order}")
        for directive, order in itertools.product(directives, ORDERS)
    ]


def place(directive):
    end = "" if directive.endswith("}") else ";"
    return f"""
        cors_policy api.json;
        {directive}{end}
        location / {{ proxy_pass http://%BACKEND%; }}
        location /file {{ try_files /nothing =404; }}
    """


def module_of(directive):
    return "lua" if "_by_lua_block" in directive else "headers-more"


@pytest.mark.parametrize(("directive", "order"), cases(MEDDLERS))
def test_nothing_doubles_or_removes_our_headers(start, directive, order):
    site = start(place(directive), module_of(directive), order)
    for path, status in [("/", 200), ("/file", 404)]:
        answer = site.get(path, origin=APP)
        assert answer.status == status
        assert answer.cors == ALLOWED
        assert [vary for vary in answer.vary if "Accept" not in vary] == [
            "origin"
        ]
        refused = site.get(path, origin=STRANGER)
        assert refused.cors == {}
        assert "origin" in refused.vary
    answer = site.preflight("/")
    assert answer.status == 204
    assert answer.cors["allow-origin"] == APP
    assert PREFLIGHT_VARY in answer.vary
    refused = site.preflight("/", origin=STRANGER)
    assert refused.status == 403
    assert refused.cors == {}


@pytest.mark.parametrize(("directive", "order"), cases(THIEVES))
def test_the_request_headers_are_read_once(start, directive, order):
    """Preflight and response agree, whatever becomes of the headers later."""
    site = start(place(directive), module_of(directive), order)
    assert site.preflight("/").status == 204
    assert site.preflight("/").cors["allow-origin"] == APP
    assert site.get("/", origin=APP).cors == ALLOWED
    assert site.preflight("/", origin=STRANGER).status == 403
    assert site.get("/", origin=STRANGER).cors == {}


@pytest.mark.parametrize("order", ORDERS)
def test_off_leaves_their_headers_alone(start, order):
    site = start(
        'cors_policy off; more_set_headers "Access-Control-Allow-Origin: *";'
        "location / { return 200; }",
        "headers-more", order,
    )
    answer = site.get("/", origin=APP)
    assert answer.cors == {"allow-origin": "*"}
    assert answer.vary == []


@pytest.mark.parametrize("order", ORDERS)
def test_lua_can_answer_requests_and_read_our_variables(start, order):
    site = start(
        """
        cors_policy api.json;
        location / {
            content_by_lua_block {
                ngx.header["Access-Control-Allow-Origin"] = "*"
                ngx.say(ngx.var.cors_verdict, " ", ngx.var.cors_reason)
            }
        }
        location /exit { access_by_lua_block { ngx.exit(401) } }
        location /exec { rewrite_by_lua_block { ngx.exec("/off") } }
        location = /off { cors_policy off; return 200; }
        """,
        "lua", order,
    )
    answer = site.get("/", origin=APP)
    assert answer.body == "allowed none\n"
    assert answer.cors == ALLOWED
    refused = site.get("/", origin=STRANGER)
    assert refused.body == "refused origin_not_allowed\n"
    assert refused.cors == {}
    for path, status in [("/exit", 401), ("/exec", 200)]:
        answer = site.get(path, origin=APP)
        assert answer.status == status
        assert answer.cors == ALLOWED
        assert site.preflight(path).status == 204


@pytest.mark.parametrize("order", ORDERS)
def test_several_of_them_at_once(start, order):
    site = start(
        """
        cors_policy api.json;
        add_header Access-Control-Allow-Origin * always;
        more_set_headers "Access-Control-Allow-Origin: *";
        header_filter_by_lua_block {
            ngx.header["Access-Control-Allow-Origin"] = { "*", "*" }
        }
        location / { proxy_pass http://%BACKEND%; }
        """,
        "both", order,
    )
    assert site.get("/", origin=APP).cors == ALLOWED
    assert site.get("/", origin=STRANGER).cors == {}
    assert site.preflight("/").status == 204
