# The commands that people, CI and packagers use:
#
#   make demo           builds, shows requests and answers, serves on
#                       127.0.0.1:8080 until Ctrl-C (DEMO_ONCE=1: stops then);
#                       PORT=n is for another port
#   make test           everything that CI runs
#   make test-all       the long ones too, for more than an hour
#   make soak MINUTES=n hostile load on an nginx that reloads and is killed
#   make bench          libcors beside its peers, and the module beside what
#                       nginx has itself; writes benches/README.md
#   make lib            target/release/libcors.so, libcors.a, include/cors.h
#   make install        headers, libraries, libcors.pc, CMake's files, and the
#                       command `cors` with manual pages and completions, below
#                       PREFIX=/usr/local, with DESTDIR=dir before it;
#                       make uninstall takes them away
#   make nginx-module   nginx-module/build/ngx_http_cors_module.so, for the
#                       nginx that is installed; for another one:
#                       make nginx-module NGINX_SRC=its-source-tree
#   make python         bindings/python/dist/, a wheel for every Python
#   make bench-python   what the Python middlewares cost, beside others
#   make cli            target/release/cors, the command
#   make browser-results  tests/browsers/RESULTS.md, what browsers do
#   make test-fresh     the README's commands on a new machine (root only)
#   make deb            build/deb/, the Debian package of the nginx module
#   make apache-module  build/apache/mod_cors.so, for the Apache httpd that is
#                       installed, or with APXS=its-apxs for another one
#   make clean
#
# NGINX=path tests and demonstrates another nginx. What is needed from Debian
# is named before it is installed; no service is started.

BUILD  = build
MODULE = nginx-module/build/ngx_http_cors_module.so
NEED   = nginx-module/packages.sh

# rustup's place, for shells that have not read ~/.cargo/env.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: all lib install uninstall test-install test-cpp test-clang \
        test-examples documents test-vite test-walk test-abi check-cargo-c \
        nginx-module demo test test-all soak clean rust \
        header-check test-rust test-soak test-nginx-asan test-nginx-valgrind \
        bench bench-peers bench-nginx bench-instructions bench-engine \
        bench-nginx-instructions \
        test-c test-nginx test-nginx-release test-nginx-static nginx module \
        test-nginx-suite test-fresh test-deb test-hosts lint \
        apache-module test-apache test-apache-valgrind \
        fuzz test-fuzz public-suffix-list \
        nginx-release pytest deb python test-python python-venv bench-python \
        cli test-cli browsers browsers-all test-browsers test-browsers-all \
        browser-results

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

# Programs that were linked with target/release/libcors.so look for it by its
# soname. libcors.pc names the libraries that the archive asks for: it holds
# Rust's standard library, and no other crate adds to them. rustc says where it
# has written them, which only matters if it fails.
lib: rust
	cargo build --release
	@ln -sf libcors.so target/release/$(SONAME)
	@rm -f $(SONAME_0_1) && \
	    $(CC) -shared -nostdlib -Wl,-soname,$(notdir $(SONAME_0_1)) \
	        -Wl,--no-as-needed,-rpath,'$$ORIGIN' -o $(SONAME_0_1) \
	        target/release/libcors.so
	@told=$$(rustc --crate-type staticlib --crate-name empty \
	    --print native-static-libs=$(STATIC_LIBS) \
	    -o target/release/empty.a - 2>&1 </dev/null) && \
	    rm target/release/empty.a || { echo "$$told" >&2; exit 1; }

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
SONAME := $(shell sed -n 's/^const SONAME.*"\(.*\)";/\1/p' build.rs)
# Programs that were linked with 0.1 ask for this. It is empty and loads the
# library. A link would not do: ldconfig knows a file by its soname only.
SONAME_0_1  = target/release/libcors.so.0.1
STATIC_LIBS = target/release/native-static-libs

# --- Installation

PREFIX     = /usr/local
BINDIR     = $(PREFIX)/bin
LIBDIR     = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
MANDIR     = $(PREFIX)/share/man

HEADERS    = include/cors.h include/cors.hpp
CMAKE      = libcorsConfig.cmake libcorsConfigVersion.cmake
LIBRARIES  = target/release/libcors.so target/release/libcors.a $(SONAME_0_1)
# Installed where it has been built. It writes its own manual and completions.
COMMAND    = $(wildcard target/release/cors)
MANUAL     = $(MANDIR)/man1
PAGES      = cors $(addprefix cors-,check completions diff explain man probe \
                 schema)
COMPLETION.bash = $(PREFIX)/share/bash-completion/completions/cors
COMPLETION.zsh  = $(PREFIX)/share/zsh/site-functions/_cors
COMPLETION.fish = $(PREFIX)/share/fish/vendor_completions.d/cors.fish
INSTALLED  = $(addprefix $(INCLUDEDIR)/,$(notdir $(HEADERS))) \
             $(addprefix $(LIBDIR)/,libcors.a libcors.so $(SONAME) \
                 $(notdir $(SONAME_0_1)) libcors.so.$(VERSION) pkgconfig/libcors.pc \
                 $(CMAKE:%=cmake/libcors/%)) \
             $(BINDIR)/cors $(PAGES:%=$(MANUAL)/%.1) \
             $(COMPLETION.bash) $(COMPLETION.zsh) $(COMPLETION.fish)

# Root may have no Rust: what `make lib` has built is not built anew.
$(LIBRARIES) $(STATIC_LIBS) &: Cargo.toml Cargo.lock build.rs \
        $(shell find src -type f)
	$(MAKE) lib
	@touch $(LIBRARIES) $(STATIC_LIBS)

# -lgcc_s is left out: a C compiler adds what unwinds by itself, and there is
# no such archive for -static. CMake's files find the headers from where they
# are, so that what is installed can be moved.
FILL_IN = sed -e 's|@PREFIX@|$(PREFIX)|' \
    -e 's|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|' \
    -e 's|@INCLUDEDIR@|$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)|' \
    -e 's|@VERSION@|$(VERSION)|' -e 's|@SONAME@|$(SONAME)|' \
    -e "s|@STATIC_LIBS@|$$(sed 's/-lgcc_s *//' $(STATIC_LIBS))|" \
    -e "s|@FROM_CMAKE@|$$(realpath -ms --relative-to=$(LIBDIR)/cmake/libcors \
        $(INCLUDEDIR))|"

install: $(LIBRARIES) $(STATIC_LIBS)
	install -d $(addprefix $(DESTDIR),$(INCLUDEDIR) $(LIBDIR)/pkgconfig \
	    $(LIBDIR)/cmake/libcors)
	install -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)
	install -m 644 target/release/libcors.a $(DESTDIR)$(LIBDIR)
	install -m 644 target/release/libcors.so \
	    $(DESTDIR)$(LIBDIR)/libcors.so.$(VERSION)
	install -m 644 $(SONAME_0_1) $(DESTDIR)$(LIBDIR)
	ln -sf libcors.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf libcors.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libcors.so
	@$(foreach file,pkgconfig/libcors.pc $(CMAKE:%=cmake/libcors/%), \
	    echo $(LIBDIR)/$(file) && $(FILL_IN) bindings/c/$(notdir $(file)).in \
	    >$(DESTDIR)$(LIBDIR)/$(file) &&) true
ifneq ($(COMMAND),)
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(MANUAL) \
	    $(dir $(COMPLETION.bash) $(COMPLETION.zsh) $(COMPLETION.fish)))
	install -m 755 $(COMMAND) $(DESTDIR)$(BINDIR)
	$(COMMAND) man $(DESTDIR)$(MANUAL)
	chmod 644 $(PAGES:%=$(DESTDIR)$(MANUAL)/%.1)
	$(foreach each,bash zsh fish,$(COMMAND) completions $(each) | \
	    install -m 644 /dev/stdin $(DESTDIR)$(COMPLETION.$(each)) &&) true
else
	@echo "The command cors is not built, and not installed."
endif
	@test -n '$(DESTDIR)' || test "$$(id -u)" != 0 || PATH="$$PATH:/sbin" ldconfig

uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	@test ! -d $(DESTDIR)$(LIBDIR)/cmake/libcors || \
	    rmdir $(DESTDIR)$(LIBDIR)/cmake/libcors

# --- The command

cli: rust
	cargo build --release --locked -p libcors-cli

test-cli: rust
	@$(NEED) openssl=openssl
	cargo fmt -p libcors-cli --check
	cargo clippy --locked -p libcors-cli --all-targets -- -D warnings
	cargo test --locked -p libcors-cli

# What browsers do with nginx, and whether the command foretells it: Chromium;
# test-browsers-all: Firefox and WebKitGTK too, where they can be installed.
# ONLY='statuses' takes the cases whose "group: name" matches.
BROWSERS = $(BUILD)/browsers
ONLY     =
RUN_BROWSERS = . $(BUILD)/nginx/found && \
    node tests/browsers/run.mjs --nginx="$$NGINX" --module=$(MODULE) \
        --cors=target/debug/cors --modules=$(BROWSERS) \
        --folder=$(BROWSERS)/run --only="$(ONLY)"

browsers: module
	cargo build --locked -p libcors-cli
	@$(NEED) chromium=chromium node=nodejs npm=npm openssl=openssl \
	    fonts-dejavu-core
	@mkdir -p $(BROWSERS)
	@cp tests/browsers/package.json tests/browsers/package-lock.json \
	    $(BROWSERS)
	@cd $(BROWSERS) && npm ci --ignore-scripts --no-audit --no-fund --silent

test-browsers: browsers
	@$(RUN_BROWSERS) chromium

browsers-all: browsers
	@$(NEED) firefox-esr=firefox-esr || true
	@$(NEED) libwebkit2gtk-4.1-0 Xvfb=xvfb || true

test-browsers-all: browsers-all
	@$(RUN_BROWSERS) chromium firefox webkit

browser-results: browsers-all
	@$(RUN_BROWSERS) --document=tests/browsers/RESULTS.md \
	    chromium firefox webkit

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

# A newer nginx than Debian's, for tests.
RELEASE = $(BUILD)/nginx-release

nginx-release: rust
	@nginx-module/nginx-release.sh $(RELEASE)/found

PORT = 8080
demo: module
	@$(NEED) curl=curl
	@. $(BUILD)/nginx/found && \
	    examples/nginx/demo.sh "$$NGINX" $(MODULE) $(BUILD)/demo '$(PORT)'

# --- Apache httpd

# Neither of its two packages here starts a server; apache2 itself would.
APXS = apxs

apache-module: lib
	@$(NEED) $(APXS)=apache2-dev
	$(MAKE) -C bindings/apache APXS=$(APXS)

# --- Tests

test: lint header-check test-rust test-cli test-c test-abi test-cpp test-install \
      test-examples test-vite test-walk test-fuzz test-nginx \
      test-nginx-release test-nginx-static test-nginx-asan \
      test-nginx-valgrind test-soak test-apache test-python test-hosts \
      test-browsers

test-all:
	$(MAKE) test RELOADS=400 VALGRIND_TESTS=
	PUBLIC_SUFFIX_RULES=all cargo test --release --lib public_suffixes
	PROPTEST_CASES=300000 cargo test --release --lib helps
	$(MAKE) -C bindings/c valgrind asan hostile
	$(MAKE) test-apache-valgrind
	$(MAKE) -C bindings/cpp valgrind asan tsan
	$(MAKE) test-clang
	$(MAKE) test-browsers-all
	$(MAKE) test-nginx-suite
	$(MAKE) test-deb
	$(MAKE) test-fresh
	$(MAKE) soak

# Spelling, by typos, which pip installs.
lint:
	@python3 -c 'import ensurepip' 2>/dev/null || $(NEED) python3-venv
	@test -x $(BUILD)/lint/bin/pip || python3 -m venv $(BUILD)/lint
	@$(BUILD)/lint/bin/pip install -q --disable-pip-version-check \
	    typos==1.52.0
	$(BUILD)/lint/bin/typos

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
	cargo fmt -p libcors -p libcors-browser --check
	cargo clippy -p libcors -p libcors-browser --all-targets -- -D warnings
	cargo test -p libcors -p libcors-browser

# A short run of every fuzz target; `make fuzz SECONDS=1800 TARGET=origin` is
# a long one.
fuzz: rust
	@$(NEED) g++=g++
	$(MAKE) -C fuzz run

test-fuzz: SECONDS = 20
test-fuzz: rust
	@$(NEED) g++=g++
	$(MAKE) -C fuzz run SECONDS=$(SECONDS)

test-c: lib
	@$(NEED) g++=g++ valgrind=valgrind
	$(MAKE) -C bindings/c test work helgrind

test-cpp: lib
	@$(NEED) g++=g++ valgrind=valgrind nlohmann-json3-dev
	$(MAKE) -j2 -C bindings/cpp test helgrind

# C and C++ again, and their headers' warnings, with the other compiler.
test-clang: lib
	@$(NEED) clang=clang nlohmann-json3-dev
	$(MAKE) -C bindings/c test CC=clang CXX=clang++ BUILD=../../build/c-clang
	$(MAKE) -C bindings/cpp test CXX=clang++ BUILD=../../build/cpp-clang

# The C ABI against that of the last release.
test-abi:
	@$(NEED) cc=gcc abidiff=abigail-tools
	bindings/c/abi/test.sh $(BUILD)/abi

# Servers in C, C++ and Rust, over HTTP.
test-examples: lib pytest
	@$(NEED) g++=g++ pkg-config=pkg-config libmicrohttpd-dev \
	    libcpp-httplib-dev
	$(MAKE) -C examples test PYTHON="$(PYTHON)"

# What a document shows of nginx, Chromium and the command, done again.
VITE = $(BUILD)/vite
DOCUMENT = . $(BUILD)/nginx/found && \
    node tests/documents.mjs "$$NGINX" $(MODULE) target/debug/cors \
        $(BROWSERS)

documents: browsers
	@mkdir -p $(VITE)
	@find examples/vite -maxdepth 1 -type f -exec cp -t $(VITE) {} +
	@cd $(VITE) && npm ci --ignore-scripts --no-audit --no-fund --silent

test-vite: documents
	@$(DOCUMENT) $(VITE) examples/vite/README.md

test-walk: documents
	@$(NEED) python3=python3
	@rm -rf $(VITE)/walk && mkdir $(VITE)/walk
	@$(DOCUMENT) $(VITE)/walk cli/WALKTHROUGH.md

# What make install gives, and programs that are built with it.
test-install: lib
	@$(NEED) cmake=cmake g++=g++ pkg-config=pkg-config readelf=binutils
	bindings/c/install.sh $(BUILD)/install

# Debian's Python where the first one in the path has no pytest.
PYTHON = $$(python3 -c 'import pytest' 2>/dev/null && echo python3 || \
            echo /usr/bin/python3)

# How many times test_reloads.py reloads.
RELOADS = 40

PYTEST = "$(PYTHON)" -m pytest nginx-module/tests -q -p no:cacheprovider \
         --reloads=$(RELOADS)

pytest:
	@python3 -c 'import pytest' 2>/dev/null || $(NEED) python3-pytest
	@$(NEED) nm=binutils curl=curl

test-nginx: module pytest
	@. $(BUILD)/nginx/found && \
	    others=$$(nginx-module/other-modules.sh "$$NGINX" \
	        $(BUILD)/nginx/modules) && \
	    $(PYTEST) --nginx="$$NGINX" --module=$(MODULE) \
	        --other-modules="$$others"

test-nginx-release: lib nginx-release pytest
	@. $(RELEASE)/found && \
	    nginx-module/build.sh "$$NGINX_SRC" "$$NGINX" $(RELEASE)/module && \
	    $(PYTEST) --nginx="$$NGINX" \
	        --module=$(RELEASE)/module/ngx_http_cors_module.so

test-nginx-static: lib nginx-release pytest
	@nginx-module/nginx-release.sh $(RELEASE)/static static
	@. $(RELEASE)/static && $(PYTEST) --nginx="$$NGINX" --module=

# Faults in memory; then leaks.
ASAN = $(BUILD)/nginx-asan
test-nginx-asan: lib nginx-release pytest
	@. $(RELEASE)/found && \
	    nginx-module/nginx-asan.sh $(ASAN) "$$NGINX_SRC"
	@for leaks in "" --leaks; do \
	    $(PYTEST) --nginx=$(ASAN)/nginx/nginx $$leaks \
	        --module=$(ASAN)/nginx/ngx_http_cors_module.so || exit; \
	done
	nginx-module/soak.py --nginx=$(ASAN)/nginx/nginx --minutes=0.34 \
	    --module=$(ASAN)/nginx/ngx_http_cors_module.so \
	    --folder=$(ASAN)/soak

# A few tests; all of them with VALGRIND_TESTS= in a quarter of an hour.
VALGRIND_TESTS = -m memory
test-nginx-valgrind: module pytest
	@$(NEED) valgrind=valgrind
	@. $(BUILD)/nginx/found && \
	    $(PYTEST) --nginx="$$NGINX" --module=$(MODULE) --valgrind \
	        --reloads=5 $(VALGRIND_TESTS)

# nginx's own test suite without the module, and with a policy at http level.
# NGINX_TESTS is a checkout of it, at SUITE_COMMIT if the list of expected
# differences, nginx-module/nginx-suite.txt, is to fit.
SUITE        = $(BUILD)/nginx-suite
SUITE_COMMIT = 76bb761cdcaeb6cb024d605c2ef91bf8d8a602d7
NGINX_TESTS  =
ifeq ($(NGINX_TESTS),)
test-nginx-suite:
	@echo "test-nginx-suite: skipped, it needs NGINX_TESTS=dir, made by:" \
	    "git clone https://github.com/nginx/nginx-tests dir &&" \
	    "git -C dir checkout $(SUITE_COMMIT)"
else
test-nginx-suite: lib nginx-release
	@$(NEED) perl libcryptx-perl libfcgi-perl libio-socket-ssl-perl \
	    python3=python3 unshare=util-linux ip=iproute2
	@. $(RELEASE)/found && nginx-module/nginx-suite.sh $(SUITE) "$$NGINX_SRC"
	nginx-module/nginx_suite.py --suite='$(NGINX_TESTS)' \
	    --nginx=$(SUITE)/nginx/nginx --folder=$(SUITE)/run \
	    --module=$(SUITE)/nginx/ngx_http_cors_module.so
endif

test-apache: apache-module pytest
	@[ $(APXS) != apxs ] || $(NEED) apache2-bin
	$(MAKE) -C bindings/apache test APXS=$(APXS) PYTHON="$(PYTHON)"

test-apache-valgrind: apache-module pytest
	@[ $(APXS) != apxs ] || $(NEED) apache2-bin
	@$(NEED) valgrind=valgrind
	$(MAKE) -C bindings/apache valgrind APXS=$(APXS) PYTHON="$(PYTHON)"

# Every host but the examples, which test-examples tests, in the one suite.
test-hosts: module apache-module python-venv pytest
	@[ $(APXS) != apxs ] || $(NEED) apache2-bin
	@. $(BUILD)/nginx/found && \
	    "$(PYTHON)" -m pytest tests/hosts -q -p no:cacheprovider \
	        --hosts=nginx,apache,uvicorn,gunicorn --nginx="$$NGINX" \
	        --nginx-module=$(MODULE) --python=$(VENV)/bin/python

MINUTES = 20
soak: module
	@. $(BUILD)/nginx/found && \
	    nginx-module/soak.py --nginx="$$NGINX" --module=$(MODULE) \
	        --minutes=$(MINUTES) --folder=$(BUILD)/soak

test-soak: module
	@$(MAKE) soak MINUTES=0.34

# --- Benches: benches/README.md

# How often each peer is measured, and each pair of nginx.
ROUNDS = 7
PAIRS  = 9

bench: bench-peers bench-nginx
	@test -x $(BUILD)/bench/plots/bin/python || \
	    python3 -m venv $(BUILD)/bench/plots
	@$(BUILD)/bench/plots/bin/pip install -q matplotlib
	$(BUILD)/bench/plots/bin/python benches/report.py

bench-peers: lib
	@$(NEED) libjansson-dev python3-venv valgrind
	benches/peers/run.py --rounds=$(ROUNDS)

bench-nginx: module
	@$(NEED) valgrind=valgrind wrk=wrk
	@. $(BUILD)/nginx/found && \
	    benches/nginx/run.py --nginx="$$NGINX" --module=$(MODULE) \
	        --pairs=$(PAIRS)

# The engine alone. The scenarios are written by benches/peers/scenarios.py.
FILTER =
bench-engine: rust
	cd benches/engine && CARGO_TARGET_DIR=$(CURDIR)/$(BUILD)/bench/engine \
	    cargo bench --locked -- $(FILTER)

# The instructions of a decision, beside those of another revision.
BASE = HEAD~1
bench-instructions: rust
	@$(NEED) valgrind=valgrind libjansson-dev
	benches/compare_instructions.py $(BASE)

# What the module adds to a request.
bench-nginx-instructions: module
	@$(NEED) valgrind=valgrind
	@. $(BUILD)/nginx/found && \
	    nginx-module/instructions.py --nginx="$$NGINX" --module=$(MODULE) \
	        --folder=$(BUILD)/instructions

# The package as pip installs it for those who work on it.
VENV = $(abspath $(BUILD)/python)

python-venv: rust
	@python3 -c 'import ensurepip' 2>/dev/null || $(NEED) python3-venv
	@test -x $(VENV)/bin/pip || python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check \
	    -r bindings/python/tests/requirements.txt -e bindings/python

# PyInstaller asks for Python's shared library, which Debian's has apart.
test-python: python-venv
	@case $$(command -v python3) in /usr/bin/*) \
	    $(NEED) libpython$$(python3 -c \
	        'import sys; print("%d.%d" % sys.version_info[:2])');; \
	esac
	cd bindings/python && $(VENV)/bin/ruff check && \
	    $(VENV)/bin/ruff format --check && $(VENV)/bin/mypy && \
	    $(VENV)/bin/python -m pytest -q -p no:cacheprovider

# What the middlewares cost, beside those of others.
bench-python: python-venv
	$(VENV)/bin/pip install -q --disable-pip-version-check \
	    -r benches/python/requirements.txt
	$(VENV)/bin/python benches/python/middlewares.py

# --- Packages

python: python-venv
	$(VENV)/bin/pip wheel -q --disable-pip-version-check --no-deps \
	    -w bindings/python/dist bindings/python
	@ls bindings/python/dist/*.whl

# For Debian's nginx, installed or not.
deb: rust
	@NGINX= NGINX_SRC= nginx-module/nginx.sh $(BUILD)/nginx/found
	@. $(BUILD)/nginx/found && \
	    nginx-module/deb.sh $(BUILD)/deb "$$NGINX" "$$NGINX_SRC"

# The package, with and without an installed nginx, on new machines.
test-deb:
	tools/fresh.sh deb
	tools/fresh.sh --nginx deb

# The README's commands on new machines, without and with an installed nginx,
# and its way to a module in that one. make test takes most of the time:
# FRESH=demo leaves it out.
FRESH = demo test
test-fresh:
	tools/fresh.sh $(FRESH)
	tools/fresh.sh --nginx $(FRESH) recipe

# The list that says where strangers can register names, from its package on
# PyPI. The changelog says what a new one refuses.
public-suffix-list:
	@mkdir -p $(BUILD)/public-suffix-list
	python3 -m pip download -q --no-deps -d $(BUILD)/public-suffix-list \
	    publicsuffixlist
	cd $(BUILD)/public-suffix-list && python3 -m zipfile -e *.whl .
	tools/public_suffix_list.py \
	    $(BUILD)/public-suffix-list/publicsuffixlist/public_suffix_list.dat

# Before a release: cargo-c, which takes long to build, installs the same
# files, under the same soname.
check-cargo-c: lib
	@$(NEED) libssl-dev pkg-config=pkg-config
	@command -v cargo-cinstall >/dev/null || cargo install cargo-c --locked
	bindings/c/cargo-c.sh $(BUILD)/cargo-c

clean:
	rm -rf $(BUILD) nginx-module/build bindings/python/dist
	cargo clean
