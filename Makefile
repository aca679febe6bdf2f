# The commands that people, CI and packagers use; `make help` prints them.
#
#   make demo           build everything, show requests and responses, and serve
#                       127.0.0.1:8080 until Ctrl-C; PORT=n for another port,
#                       DEMO_ONCE=1 to stop after the responses
#   make test           every short test
#   make deps           install what `make test` needs: list the missing Debian
#                       packages, ask (not with YES=1), and fill build/.
#                       FOR='groups' for less or more: tools/packages.sh.
#                       demo and test do this first, all others only check
#
#   make lib            target/release/libcors.so, libcors.a, include/cors.h
#   make cli            the command `cors`
#   make install        headers, libraries, and files for pkg-config and CMake;
#                       `cors` if it is built. PREFIX=/usr/local DESTDIR=
#   make uninstall      remove them
#   make nginx-module   nginx-module/build/ngx_http_cors_module.so for the
#                       installed nginx, or for another one:
#                       NGINX_SRC=its-source-tree NGINX=its-binary
#   make apache-module  build/apache/mod_cors.so for the installed httpd
#   make python         bindings/python/dist/, a wheel for every Python
#   make deb            build/deb/, the Debian package of the nginx module
#
#   make test-…         a part of make test; CONTRIBUTING.md lists the parts
#   make lint           formatting, compiler warnings, spelling
#   make test-all       the long tests too, for more than an hour
#   make soak           hostile load on an nginx that reloads; MINUTES=n
#   make fuzz           SECONDS=n, TARGET=one of fuzz/fuzz_targets
#   make bench          benches/README.md
#   make clean
#
# Each part has a Makefile of its own, with more targets.

# rustup's directory, for shells that have not read ~/.cargo/env.
export PATH := $(PATH):$(HOME)/.cargo/bin

AGAIN = +@$(MAKE) --no-print-directory
PART  = $(AGAIN) -C

.PHONY: all help deps rust faulty demo test test-all header-check test-rust \
        test-go test-rust-version coverage test-fresh test-deb clean

all: lib
.DEFAULT_GOAL = all

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

FOR = test
# $(call fill,PART,GROUPS): what a part puts into build/ for one of the groups.
fill = $(if $(filter $(2),$(FOR)),$(PART) $(1) deps)
deps:
	@tools/rust.sh
	@tools/packages.sh install $(FOR)
	$(call fill,tools,lint test all)
	$(call fill,nginx-module,nginx-tests test all)
	$(call fill,bindings/python,python test all)
	$(call fill,tests,browsers test all)
	$(call fill,benches,bench all)

rust:
	@tools/packages.sh check rust
	@tools/rust.sh

# build/faulty/release/libcors.{so,a}, in which a decision about the origin
# https://panic.test panics: for tests of what servers do then.
faulty: rust
	RUSTFLAGS='--cfg cors_faulty' cargo build --release --lib \
	    --target-dir build/faulty

demo:
	$(AGAIN) deps FOR=demo
	$(AGAIN) lib
	$(PART) nginx-module demo

# header-check is first: any build would make a stale header current.
TESTS = header-check lint test-rust test-cli test-c test-abi test-cpp \
        test-install test-examples test-vite test-walk test-fuzz test-nginx \
        test-nginx-release test-nginx-static test-nginx-asan \
        test-nginx-valgrind test-soak test-apache test-python test-hosts \
        test-browsers
# Debian's Go is too old for it.
GO = $(if $(shell go doc net/http.CrossOriginProtection 2>/dev/null),test-go)
test:
	$(AGAIN) deps
	$(AGAIN) $(TESTS) $(GO)

test-all:
	$(AGAIN) deps FOR=all
	$(AGAIN) $(TESTS) RELOADS=400 VALGRIND_TESTS=
	PUBLIC_SUFFIX_RULES=all cargo test --release --lib public_suffixes
	PROPTEST_CASES=300000 cargo test --release --lib helps
	PROPTEST_CASES=2500000 cargo test --release --lib tests::blocking
	$(AGAIN) test-go test-rust-version test-c-long test-cpp-long test-clang \
	    test-apache-valgrind test-browsers-all test-nginx-suite test-deb \
	    test-fresh soak

include bindings/c/install.mk

# build.rs writes the header again if src/ffi.rs has changed.
header-check: rust
	@mkdir -p build && cp include/cors.h build/cors.h
	cargo build --release
	@diff -u build/cors.h include/cors.h || { echo \
	    "include/cors.h was stale and has been written again: commit it" >&2; \
	    exit 1; }

test-rust: rust
	cargo test -p libcors -p libcors-browser

# What `block` decides, compared with Go, 1.25 or later.
test-go: rust
	@go doc net/http.CrossOriginProtection >/dev/null || { \
	    echo "Missing: Go 1.25 or later, from https://go.dev" >&2; exit 1; }
	cargo test --lib go_answers -- --ignored

# Which regions of the engine its tests reach; the lines that they do not are
# in build/coverage/missed.txt.
coverage: rust
	tests/coverage.sh build/coverage

# With the oldest Rust that Cargo.toml promises.
test-rust-version:
	@tools/rust.sh build

# The README's commands on new machines, and the Debian package on others.
FRESH = demo test
test-fresh:
	tools/fresh.sh $(FRESH)
	tools/fresh.sh --nginx $(FRESH) recipe

test-deb:
	tools/fresh.sh deb
	tools/fresh.sh --nginx deb

clean:
	rm -rf build nginx-module/build bindings/python/dist
	cargo clean

# All other targets belong to a part: what is made first, the packages that are
# checked, then the part and its own target.
define rule
.PHONY: $(1)
$(1): $(2)
	$(if $(3),@tools/packages.sh check $(3))
	$$(PART) $(4)
endef
row = $(eval $(call rule,$(strip $1),$(strip $2),$(strip $3),$(strip $4)))

$(call row, cli,                  rust,   rust,         cli)
$(call row, test-cli,             rust,   cli,          cli test)
$(call row, lint,                 rust,   lint,         tools lint)
$(call row, deny,                 ,       ,             tools deny)
$(call row, public-suffix-list,   ,       ,             tools public-suffix-list)
$(call row, fuzz,                 rust,   fuzz,         fuzz run)
$(call row, test-fuzz,            rust,   fuzz,         fuzz run)

$(call row, test-c,               lib,    c,            bindings/c check)
$(call row, test-c-long,          lib,    c,            bindings/c long)
$(call row, test-abi,             lib,    abi,          bindings/c abi)
$(call row, test-install,         lib,    install,      bindings/c installed)
$(call row, check-cargo-c,        lib,    cargo-c,      bindings/c cargo-c)
$(call row, test-cpp,             lib,    cpp,          bindings/cpp -j2 check)
$(call row, test-cpp-long,        lib,    cpp,          bindings/cpp long)
$(call row, test-clang,           lib,    clang,        bindings/cpp clang)
$(call row, test-examples,        lib faulty cli-debug, examples, examples test)

$(call row, module,               lib,    module,       nginx-module)
$(call row, nginx-module,         lib,    module,       nginx-module NGINX_INSTALLED=1)
$(call row, test-nginx,           lib faulty, nginx-tests,  nginx-module test)
$(call row, test-nginx-release,   lib,    nginx-tests,  nginx-module test-release)
$(call row, test-nginx-static,    lib,    nginx-tests,  nginx-module test-static)
$(call row, test-nginx-asan,      lib cli-debug, nginx-tests,  nginx-module test-asan)
$(call row, test-nginx-valgrind,  lib,    nginx-tests,  nginx-module test-valgrind)
$(call row, test-nginx-suite,     lib,    ,             nginx-module test-suite)
$(call row, deb,                  rust,   deb,          nginx-module deb)

# With APXS=file, httpd is not Debian's.
APACHE = $(if $(APXS),rust,apache$(1))
$(call row, apache-module,        lib,    $(call APACHE,), bindings/apache)
$(call row, test-apache,          lib faulty, $(call APACHE,-tests), bindings/apache test)
$(call row, test-apache-valgrind, lib,    $(call APACHE,-tests), bindings/apache valgrind)
$(call row, python-package,       rust,   python,       bindings/python)
$(call row, python,               rust,   python,       bindings/python wheel)
$(call row, test-python,          rust faulty, python,      bindings/python test)

$(call row, cli-debug,            rust,   rust,         cli debug)
BROWSED = module apache-module python-package cli-debug
$(call row, test-browsers,        $(BROWSED), browsers apache-tests python, tests browsers)
$(call row, test-browsers-all,    $(BROWSED), browsers apache-tests python, tests browsers-all)
$(call row, browser-results,      $(BROWSED), browsers apache-tests python, tests browsers-results)
$(call row, test-vite,            module cli-debug, browsers, tests vite)
$(call row, test-walk,            module cli-debug, browsers, tests walk)
$(call row, test-hosts,           module apache-module python-package cli-debug, pytest, tests hosts)
$(call row, soak,                 module, ,             tests soak)
$(call row, test-soak,            module, ,             tests soak MINUTES=0.34)

$(call row, bench,                bench-peers bench-nginx, , benches report)
$(call row, bench-peers,          lib,    bench,        benches peers)
$(call row, bench-nginx,          module, bench,        benches nginx)
$(call row, bench-nginx-instructions, module, bench,    benches nginx-instructions)
$(call row, bench-engine,         rust,   ,             benches engine)
$(call row, bench-instructions,   rust,   bench,        benches instructions)
$(call row, bench-python,         python-package, ,     benches python)
