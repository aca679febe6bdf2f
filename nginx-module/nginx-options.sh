# What the builds of nginx for tests have in common: sourced by nginx-asan.sh
# and nginx-release.sh.
options=(
    --with-compat
    --with-debug
    --with-http_addition_module
    --with-http_auth_request_module
    --with-http_gunzip_module
    --with-http_realip_module
    --with-http_slice_module
    --with-http_ssl_module
    --with-http_sub_module
    --with-http_v2_module
)
