# SPDX-License-Identifier: MIT
# dist.mk - what is given away: the archive of the sources, the rockspec of a release, Debian's packages.

# ---- the archive of the sources ------------------------------------------------------------------
# Whoever makes it, wherever and whenever, gets the same bytes: the files that git tracks, in the order
# of their names, nobody's, as old as the last release in the changelog.  From an unpacked archive, too,
# where what lies beside the build is all there is.

dist      = $B/dist
dist_name = wms-$(version)
archive   = $(dist)/$(dist_name).tar.gz
released  = $(call once,released,sed -n 's/^$(hash)$(hash) \[[0-9.]*\] - //p' CHANGELOG.md | head -n 1)
given     = $(if $(wildcard .git),git ls-files -z -- ':!.gitignore',find . -path ./build -prune -o -type f \
    ! -name '*.so' ! -name '*.o' ! -name '*.rock' ! -path '*/__pycache__/*' -printf '%P\0')
as_given  = --format=ustar --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime='$(released) 00:00:00Z' \
    --null --no-recursion --transform='s|^|$(dist_name)/|'

.PHONY: dist rockspec
dist: $(dist)/wms-$(version)-1.rockspec FORCE
	$(call say,TAR,$(archive))
	$Q $(given) >$(dist)/files && LC_ALL=C sort -z -o $(dist)/files $(dist)/files && \
	    LC_ALL=C tar $(as_given) --files-from=$(dist)/files -cf $(dist)/$(dist_name).tar && \
	    gzip -9nf $(dist)/$(dist_name).tar && rm $(dist)/files

# ---- the rockspec of a release -------------------------------------------------------------------
# It follows from the other one: `make rockspec` writes it.  Where it is fetched from is told by URL, when the
# archive is made; LuaRocks takes it from there, and else from the file that was made.

rockspec_scm     = rockspec/wms-scm-1.rockspec
rockspec_release = rockspec/wms-$(version)-1.rockspec
# $(call release,URL)
release = sed -e 's|^version = .*|version = "$(version)-1"|' -e 's|^   url = .*|   url = "$(subst &,\&,$1)",|' \
    $(rockspec_scm)

rockspec:
	$Q $(call release,$(notdir $(archive))) >$(rockspec_release)
$(dist)/wms-$(version)-1.rockspec: FORCE
	$Q mkdir -p $(@D) && $(call release,$(or $(URL),file://$(abspath $(archive)))) >$@

# ---- Debian's packages ---------------------------------------------------------------------------
# mk/debian becomes debian/ in the unpacked archive, with a changelog of this version, and that a source package.

deb        = $B/deb
deb_tree   = $(deb)/$(dist_name)
# As the fields in its own control say, and as old as the archive's files.
deb_changelog = printf '%s\n' 'wms ($(version)-1) unstable; urgency=medium' '' \
    '  * Release $(version): see CHANGELOG.md.' '' \
    " -- $$(sed -n 's/^Maintainer: //p' mk/debian/control)  $$(LC_ALL=C date -u -R -d '$(released)')"

.PHONY: deb-source
deb-source: dist
	$(call say,DEB,$(deb)/wms_$(version)-1.dsc)
	$Q rm -rf $(deb) && mkdir -p $(deb) && tar -C $(deb) -xzf $(archive) && \
	    cp $(archive) $(deb)/wms_$(version).orig.tar.gz && cp -r $(deb_tree)/mk/debian $(deb_tree)/debian && \
	    $(deb_changelog) >$(deb_tree)/debian/changelog
	$Q cd $(deb) && dpkg-source --build $(dist_name) >dpkg-source.log 2>&1 || { cat dpkg-source.log >&2; exit 1; }

# Built, judged by lintian, installed and tried in a test host, which needs root, mmdebstrap, and some minutes for
# its root file system (0.9 GB), once: see spec/pack/deb.lua.
.PHONY: deb
deb:
	$(call deps,dist)
	$(again) all deb-source
	@WMS_BUILD=$B LUA_PATH='./lua/?.lua;./spec/?.lua;;' busted --lua=$(LUA) spec/pack/deb.lua
