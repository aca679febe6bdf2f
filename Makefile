# The commands that people, CI and packagers use:
#
#   make demo           builds, shows requests and answers, serves on
#                       127.0.0.1:8080 until Ctrl-C (DEMO_ONCE=1: stops then)
#   make test           everything that CI runs
#   make lib            target/release/libcors.so, libcors.a, include/cors.h
#   make nginx-module   nginx-module/build/ngx_http_cors_module.so, for the
#                       nginx that is installed; for another one:
#                       make nginx-module NGINX_SRC=its-source-tree
#   make clean
#
# NGINX=path tests and demonstrates another nginx. What is needed from Debian
# is named before it is installed; no service is started.

BUILD  = build
MODULE = nginx-module/build/ngx_http_cors_module.so
NEED   = nginx-module/packages.sh

# rustup's place, for shells that have not read ~/.cargo/env.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: all lib nginx-module demo test clean rust header-check test-rust \
        test-c test-nginx nginx module

all: lib

# --- Libraries

RUST = $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

rust:
	@$(NEED) cc=gcc libc6-dev
	@have=$$(rustc --version 2>/dev/null | cut -d ' ' -f 2); \
	if [ -z "$$have" ]; then \
	    echo "Rust $(RUST) or newer is needed: https://rustup.rs" >&2; \
	    exit 1; \
	elif ! printf '%s\n' $(RUST) $$have | sort -C -V; then \
	    echo "Rust $(RUST) or newer is needed, and $$(command -v rustc)" \
	        "is $$have: rustup update, or https://rustup.rs" >&2; \
	    exit 1; \
	fi

lib: rust
	cargo build --release

# --- nginx

# Writes which nginx, and which source tree for it.
nginx:
	@NGINX='$(NGINX)' NGINX_SRC='$(NGINX_SRC)' \
	    nginx-module/nginx.sh $(BUILD)/nginx/found

module: lib nginx
	@. $(BUILD)/nginx/found && \
	    nginx-module/build.sh "$$NGINX_SRC" "$$NGINX"

nginx-module: export NGINX_INSTALLED = 1
nginx-module: module
	@echo $(MODULE)

demo: module
	@$(NEED) curl=curl
	@. $(BUILD)/nginx/found && \
	    examples/nginx/demo.sh "$$NGINX" $(MODULE) $(BUILD)/demo

# --- Tests

test: header-check test-rust test-c test-nginx

# build.rs writes the header anew where src/ffi.rs has changed. This comes
# first: any build would make a stale header current.
header-check: rust
	@mkdir -p $(BUILD)
	@cp include/cors.h $(BUILD)/cors.h
	cargo build --release
	@diff -u $(BUILD)/cors.h include/cors.h || { \
	    echo "include/cors.h was stale: it is written anew, commit it" >&2; \
	    exit 1; \
	}

test-rust: rust
	@cargo fmt --version >/dev/null 2>&1 && \
	    cargo clippy --version >/dev/null 2>&1 || \
	    rustup component add rustfmt clippy
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo test

test-c: lib
	@$(NEED) g++=g++
	$(MAKE) -C bindings/c test

# Debian's Python where the first one in the path has no pytest.
PYTHON = $$(python3 -c 'import pytest' 2>/dev/null && echo python3 || \
            echo /usr/bin/python3)

test-nginx: module
	@python3 -c 'import pytest' 2>/dev/null || $(NEED) python3-pytest
	@$(NEED) nm=binutils curl=curl
	@. $(BUILD)/nginx/found && "$(PYTHON)" -m pytest nginx-module/tests -q \
	    -p no:cacheprovider --nginx="$$NGINX" --module=$(MODULE)

clean:
	rm -rf $(BUILD) nginx-module/build
	cargo clean
