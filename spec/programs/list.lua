-- SPDX-License-Identifier: MIT
--- The programs that wms is shown in.  What they need is Debian's; programs that can live together share a root file
--- system.
--
--    lua     the Lua that it has, as LUA_VERSION of the Makefile names it
--    root    a row of `roots`
--    user    whose program it is, if not root's
--    quick   its spec is a part of `make test`, with less in it; the others' are of `make programs` alone
local WMS = "libuv1 libcurl4 libxml2 libssl3 libjansson4 libsystemd0" -- what wms itself is linked with
   .. " lua5.4 lua-argparse openssh-client" -- its program `wms`, and what reaches far Linux hosts
   .. " curl" -- what the examples are tried with

return {
   -- nginx's Lua module and whatever is linked with Debian's own LuaJIT (Neovim, Knot Resolver) exclude each other.
   roots = {
      web = "nginx libnginx-mod-http-lua haproxy " .. WMS,
      chat = "weechat-headless weechat-lua weechat-plugins " .. WMS,
      apps = "neovim prosody lua-unbound go-sendxmpp knot-resolver knot-resolver-module-http lua-cqueues lua5.3 lua-lgi "
         .. WMS,
      mail = "rspamd fonts-glyphicons-halflings " .. WMS, -- the font is configured
   },
   programs = {
      nginx = { lua = "jit", root = "web", quick = true },
      haproxy = { lua = "5.3", root = "web", quick = true },
      weechat = { lua = "5.3", root = "chat", user = "carol" },
      neovim = { lua = "jit", root = "apps", user = "carol" },
      prosody = { lua = "5.4", root = "apps" },
      knot = { lua = "jit", root = "apps" },
      rspamd = { lua = "jit", root = "mail" },
      glib = { lua = "5.3", root = "apps" },
   },
   wms = WMS,
}
