# SPDX-License-Identifier: ISC
# How a directory of tests is built: each .c file is a Check program of its
# own, NAME.t, linked with the harness and with the code of our programs.

include ../../config.mk

INCS =		-I$(TOP) -I$(TOP)/lib -I$(TOP)/t/lib -I$(TOP)/hubd \
		-I$(TOP)/channeld -I$(TOP)/hubctl $(CHECK_CFLAGS)
PROGS =		$(TOP)/hubd/libhubd.a $(TOP)/channeld/libchanneld.a \
		$(TOP)/hubctl/libhubctl.a
LIBBRIDGED =	$(TOP)/bridged/libbridged.a
LIBRELAYD =	$(TOP)/relayd/librelayd.a
LIBTEST =	$(TOP)/t/lib/libtest.a
TEST_LIBS =	$(CHECK_LIBS) $(EVENT_LIBS) $(JANSSON_LIBS) $(SQLITE_LIBS) \
		$(EDIT_LIBS) $(LIBS)

DIR_DEPS =	none.d

# Adding a test is adding a file: the names are found here and given to make
# once more, as no way to find them is common to all makes.
all:
	@$(MAKE) tests DIR_TESTS="`ls *.c | sed 's/c$$/t/' | xargs`" \
	    DIR_DEPS="`ls *.c | sed 's/c$$/d/' | xargs`"

tests: $(DIR_TESTS)

# Two programs may have functions of one name.  A file that includes
# "../../PROGRAM/x.h" is linked with that program only, the others with all
# but those that need OpenSSL: bridged and relayd.
.c.t:
	progs=`sed -n -e 's,^.include "../../\([a-z]*d\)/.*,$(TOP)/\1/lib\1.a,p' \
	    -e 's,^.include "../../\(hubctl\)/.*,$(TOP)/\1/lib\1.a,p' $< | \
	    sort -u`; \
	ssl=; if grep -q -e '"../../bridged/' -e '"../../relayd/' \
	    -e '"../../lib/psk.h"' $<; then ssl='$(SSL_LIBS)'; fi; \
	$(COMPILE) $(DEPFLAGS) -MT $@ -MF $*.d -o $@ $< $(HARDEN_LDFLAGS) \
	    $(LDFLAGS) $(LIBTEST) $${progs:-$(PROGS)} $(LIBECORELAY) $$ssl \
	    $(TEST_LIBS)

$(DIR_TESTS): $(LIBTEST) $(PROGS) $(LIBBRIDGED) $(LIBRELAYD) $(LIBECORELAY) \
    ../../config.mk

clean:
	rm -rf *.t *.d *.o *.dSYM

.PHONY: all tests clean

-include $(DIR_DEPS)
