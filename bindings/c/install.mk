# What `make install` and `make uninstall` do, and the libraries for it: included
# by the Makefile at the root. README.md says what is installed.
#
#   PREFIX=/usr/local LIBDIR= INCLUDEDIR= BINDIR= MANDIR= DESTDIR=

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
SONAME  := $(shell sed -n 's/^const SONAME.*"\(.*\)";/\1/p' build.rs)
# Programs that were linked with 0.1 ask for this. It is empty and loads the
# library. A link would not do: ldconfig knows a file by its soname only.
SONAME_0_1  = target/release/libcors.so.0.1
STATIC_LIBS = target/release/native-static-libs

.PHONY: lib install uninstall

# Programs that were linked with target/release/libcors.so look for it by its
# soname. libcors.pc lists the libraries that the archive asks for: it contains
# Rust's standard library, and no other crate adds to them. rustc reports where
# it has written them, which only matters if it fails.
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

PREFIX     = /usr/local
BINDIR     = $(PREFIX)/bin
LIBDIR     = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
MANDIR     = $(PREFIX)/share/man

HEADERS    = include/cors.h include/cors.hpp
CMAKE      = libcorsConfig.cmake libcorsConfigVersion.cmake
LIBRARIES  = target/release/libcors.so target/release/libcors.a $(SONAME_0_1)
# Installed where it has been built. It writes its own manual and completions.
COMMAND    = $(wildcard target/command/cors)
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
        $(shell find src -path src/tests -prune -o -type f -print)
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
