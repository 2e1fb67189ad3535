# SPDX-License-Identifier: MIT
# install.mk - man pages, install and uninstall.

# ---- man pages, of the manual's pages ------------------------------------------------------------
# wms(1) and wms-config(5) are in docs/man as they are; what follows from the table of commands is in them
# (mk/cli/pages.lua).  wms(3) and wms.provider(3) are made of pages of the manual:
# Their first line, a title, gives way to NAME; `##` are sections.  The date is the last release's, so
# that each build makes the same.  .nh: names are not hyphenated.

LOWDOWN   = lowdown
man_names = $B/man/wms.3 $B/man/wms.provider.3
has_lowdown = $(call once,lowdown,command -v '$(LOWDOWN)')
man_pages = $(if $(wildcard docs/c.md),$(if $(has_lowdown),$(man_names)))

$B/man/wms.3: docs/c.md
$B/man/wms.3: about = the C interface of a session engine
$B/man/wms.3: see_also = wms.provider(3)
$B/man/wms.provider.3: docs/provider.md
$B/man/wms.provider.3: about = how to write a provider for wms
$B/man/wms.provider.3: see_also = wms(3)

$(man_names): $B/man/%.3: CHANGELOG.md
	$(call say,MAN,$@)
	$Q mkdir -p $(@D) && { printf '# NAME\n\n%s - %s\n\n# DESCRIPTION\n' '$*' '$(about)' && \
	    sed -e 1d -e 's/^## /# /' $(filter docs/%,$^) && \
	    printf '\n# SEE ALSO\n\n%s\n' '$(see_also)'; } | \
	    '$(LOWDOWN)' -s -Tman --nroff-nolinks --out-no-smarty -m title=$* -m section=3 \
	    -m source='wms $(version)' -m date='$(released)' | sed '/^\.TH/a .nh' >$@

.PHONY: man
man: $(man_pages)
	@$(if $(man_pages),:,echo 'man pages need lowdown (Debian and Fedora: lowdown)' >&2; exit 1)

# ---- install -------------------------------------------------------------------------------------

scripts := $(wildcard lua/wms/*.lua)
folders := agent loop keep multipoint screens cli/shells cli/multipoint cli
services := wms-keep@.service wms-agent.service
deep    := $(wildcard $(folders:%=lua/wms/%/*.lua))

to_lib     = $(DESTDIR)$(libdir)
to_include = $(DESTDIR)$(includedir)
to_man     = $(DESTDIR)$(mandir)
to_bin     = $(DESTDIR)$(bindir)
to_cmod    = $(DESTDIR)$(INST_CMOD)
to_lua     = $(DESTDIR)$(INST_LUADIR)
to_unit    = $(DESTDIR)$(unitdir)

# The interpreter that runs the program `wms`, which has its modules' folders written into it.
interpreter = $(if $(filter /%,$(LUA)),$(LUA),/usr/bin/env $(LUA))
paths = package.path = "$(INST_LUADIR)/?.lua;" .. package.path\
    package.cpath = "$(INST_CMOD)/?.so;" .. package.cpath

# Where shells look for what completes a program's name, and what they find there: the texts in lua/wms/cli/shells.
datadir     = $(PREFIX)/share
completions = bash:bash-completion/completions/wms zsh:zsh/site-functions/_wms fish:fish/vendor_completions.d/wms.fish
completion_in = '$(DESTDIR)$(datadir)/$(lastword $(subst :, ,$1))'
completion_of = sed -e '1,/^return \[=\[$$/d' -e '/^\]=\]$$/d' lua/wms/cli/shells/$(firstword $(subst :, ,$1)).lua

.PHONY: install install-lua install-completions uninstall
install: install-lua install-completions $(libs) $(modules) $(man_pages)
	$Q install -d '$(to_bin)'
	$Q sed -e '1s|.*|$(hash)!$(interpreter)|' -e 's|^--@paths$$|$(paths)|' bin/wms >'$(to_bin)/wms'
	$Q chmod 755 '$(to_bin)/wms'
	$Q install -d '$(to_unit)'
	$Q for unit in $(services); do sed -e 's|@BINDIR@|$(bindir)|' mk/$$unit >'$(to_unit)/'$$unit && \
	    chmod 644 '$(to_unit)/'$$unit || exit; done
	$Q install -d '$(to_lib)/wms' '$(to_lib)/pkgconfig' '$(to_include)/wms'
	$Q install -m 644 src/include/wms.h '$(to_include)'
	$Q install -m 644 $(filter-out src/include/wms.h,$(headers)) '$(to_include)/wms'
	$Q install -m 644 $B/lib/libwms.a '$(to_lib)'
	$Q install -m 644 $B/$L/libwms-lua.a '$(to_lib)/libwms-lua$L.a'
	$Q install -m 755 $(sharedlib) '$(to_lib)'
	$Q ln -sf libwms.so.$(version) '$(to_lib)/libwms.so.$(soversion)'
	$Q ln -sf libwms.so.$(soversion) '$(to_lib)/libwms.so'
	$Q install -m 644 $B/lib/wms.pc '$(to_lib)/pkgconfig'
	$(if $(wtsapi),$Q install -m 755 $(wtsapi) '$(to_lib)')
	$(if $(modules),$Q install -m 755 $(modules) '$(to_lib)/wms')
	$Q install -d '$(to_man)/man1' '$(to_man)/man5'
	$Q install -m 644 docs/man/wms.1 '$(to_man)/man1'
	$Q install -m 644 docs/man/wms-config.5 '$(to_man)/man5'
	$(if $(man_pages),$Q install -d '$(to_man)/man3' && \
	    install -m 644 $(man_pages) '$(to_man)/man3')

install-completions:
	$Q $(foreach c,$(completions),install -d "$$(dirname $(call completion_in,$c))" && \
	    $(call completion_of,$c) >$(call completion_in,$c) &&) :

# Only what Lua needs: what a rock is made of.
install-lua: $(call products,$L)
	$Q install -d '$(to_cmod)/wms' '$(to_lua)/wms'
	$Q install -m 755 $B/$L/wms.so '$(to_cmod)'
	$(if $(modules),$Q install -m 755 $(modules) '$(to_cmod)/wms')
	$(if $(scripts),$Q install -m 644 $(scripts) '$(to_lua)/wms')
	$Q for folder in $(folders); do install -d '$(to_lua)/wms/'$$folder && \
	    install -m 644 lua/wms/$$folder/*.lua '$(to_lua)/wms/'$$folder || exit; done

# By name, whatever is found here now: the packages that a provider was built with may have gone.
uninstall:
	$Q rm -f '$(to_include)/wms.h' $(patsubst %,'$(to_include)/wms/%.h',lua provider memory) \
	    '$(to_lib)/libwms.a' '$(to_lib)/libwms-lua$L.a' '$(to_lib)/pkgconfig/wms.pc' \
	    '$(to_lib)'/libwms.so* '$(to_lib)/libwms-wtsapi.so' '$(to_cmod)/wms.so' \
	    '$(to_bin)/wms' $(services:%='$(to_unit)/%') '$(to_man)/man1/wms.1' '$(to_man)/man5/wms-config.5' '$(to_man)/man3/wms.3' '$(to_man)/man3/wms.provider.3'
	$Q rm -f $(foreach c,$(completions),$(call completion_in,$c))
	$Q rm -f $(foreach p,$(provider_names),'$(to_lib)/wms/$p.so' '$(to_cmod)/wms/$p.so') \
	    $(patsubst lua/wms/%,'$(to_lua)/wms/%',$(scripts) $(deep))
	$Q for folder in $(folders:%='$(to_lua)/wms/%') \
	    $(patsubst %,'$(DESTDIR)%/wms',$(includedir) $(libdir) $(INST_CMOD) $(INST_LUADIR)); do \
	    [ ! -d "$$folder" ] || rmdir --ignore-fail-on-non-empty "$$folder"; \
	    done # others' providers stay
