# SPDX-License-Identifier: ISC
# Builds EcoRelay.  For GNU make and BSD make, after ./configure; ./bootstrap
# does all of it, from the packages that are needed to the target it is given.

TOP =		.
include config.mk

PROGS =		hubd bridged relayd channeld hubctl
TESTDIRS =	t/lib t/bin t/unit t/regress t/soak
DIRS =		lib $(PROGS) share $(TESTDIRS) t/fuzz t/bench t/demo t/hosts
DIST =		ecorelay-$(VERSION)
FUZZ_SECONDS =	20

all: $(PROGS)

lib:
	cd lib && $(MAKE)

$(PROGS): lib
	cd $@ && $(MAKE)

bridged: hubd

# The tests are linked with the archives that the programs are made of.
t/lib: lib
	@test -n "$(CHECK_LIBS)" || { \
	    echo "configure has not found Check, which the tests need" >&2; \
	    exit 1; }
	cd t/lib && $(MAKE)

t/bin: lib hubd
	cd t/bin && $(MAKE)

t/unit t/regress t/soak: t/lib $(PROGS)
	cd $@ && $(MAKE)

tests: t/bin t/unit t/regress t/soak

check: tests
	@bad=0; (cd t/hosts && $(MAKE)) || bad=1; sh t/run || bad=1; exit $$bad

# With real AI hosts, where they are installed; hosts-install does that, with
# the script that runs them (HOSTS_SH), from npm: 1.5 GB.  It makes a home, so
# that two tests do not both install what OpenCode needs in one.
hosts: tests
	cd t/hosts && $(MAKE)
	TEST_JOBS=2 sh t/run t/hosts/*.sh t/hosts/real/*.sh

HOSTS_SH =	../shared/hosts/hosts.sh
hosts-install:
	@bad=0; for host in claude codex copilot gemini opencode; do \
	    $(HOSTS_SH) install $$host || bad=1; done; \
	    dir=$$(mktemp -d) && $(HOSTS_SH) home opencode $$dir 0 - || bad=1; \
	    rm -rf $$dir; exit $$bad

fuzz: $(PROGS)
	cd t/fuzz && $(MAKE)
	sh t/fuzz/run $(FUZZ_SECONDS)

demo: all
	cd t/demo && $(MAKE)
	./t/demo/demo

bench: all
	cd t/bench && $(MAKE)
	./t/bench/bench

# As long, with as many sessions and the random numbers as you like: see
# t/soak/soak.c; `make check` runs it for a moment only.
SOAK_SECONDS =	600
SOAK_SESSIONS =	200
soak: t/soak
	SOAK_SECONDS=$(SOAK_SECONDS) SOAK_SESSIONS=$(SOAK_SESSIONS) \
	    SOAK_SEED=$(SOAK_SEED) ./t/soak/soak.t

lint:
	sh t/lint

# For clang-tidy.
lint-flags:
	@echo $(DEFS) -std=gnu11 -I. -Ilib -It/lib -Ihubd -Ibridged -Irelayd -Ichanneld -Ihubctl \
	    $(LIB_CFLAGS) $(CHECK_CFLAGS) $(CPPFLAGS)

# For t/asroot.
emptydir:
	@echo $(EMPTYDIR)

install: all
	for d in $(PROGS) man etc share; do \
	    (cd $$d && $(MAKE) install) || exit 1; \
	done

uninstall:
	for d in $(PROGS) man etc share; do \
	    (cd $$d && $(MAKE) uninstall) || exit 1; \
	done

# A tarball of what git has, with configure made: the same to the byte wherever
# it is made from a commit, by the same autoconf.  Files have the time of the
# commit, so that make does not take configure for old.
GIT_ARCHIVE =	git -c tar.umask=0022 archive --format=tar
dist:
	@test -z "`git status --porcelain`" || \
	    echo "dist: what is not committed is not in it" >&2
	rm -rf $(DIST) $(DIST).tar $(DIST).tar.gz
	mkdir $(DIST)
	git show HEAD:./configure.ac > $(DIST)/configure.ac
	cd $(DIST) && autoconf && autoheader
	$(GIT_ARCHIVE) --prefix=$(DIST)/ --add-file=$(DIST)/configure \
	    --add-file=$(DIST)/config.h.in -o $(DIST).tar HEAD
	gzip -9n $(DIST).tar
	rm -rf $(DIST)

distcheck: dist
	sh t/dist/tarball $(DIST).tar.gz

# For Debian and what is made of it; the package comes to deb/.
deb: dist
	sh etc/mkdeb $(DIST).tar.gz deb

debcheck: deb
	sh t/dist/deb deb

clean:
	for d in $(DIRS); do (cd $$d && $(MAKE) clean) || exit 1; done

# What a release has stays; it may have to do without autoconf.
distclean: clean
	rm -rf config.h config.log config.mk config.status autom4te.cache \
	    t/hosts/node_modules $(DIST) $(DIST).tar.gz deb

maintainer-clean: distclean
	rm -f configure configure~ config.h.in config.h.in~

configure: configure.ac
	autoconf

config.h.in: configure.ac
	autoheader
	@touch $@

config.status: configure config.h.in
	if test -f config.status; then sh ./config.status --recheck; \
	    else sh ./configure; fi

config.mk: config.mk.in config.status
	sh ./config.status
	@touch $@

.PHONY: all lib $(PROGS) $(TESTDIRS) tests check hosts hosts-install fuzz \
    demo bench soak lint lint-flags emptydir install uninstall dist distcheck \
    deb debcheck clean distclean maintainer-clean
