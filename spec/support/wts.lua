-- SPDX-License-Identifier: MIT
--- The contract's adapters for `wts://`: libwms-wtsapi.so over the hosts of another adapter, which say what has happened.
local kit = require "spec.support.kit"
local wms = kit.wms

local wts = {}

local build = os.getenv("WMS_BUILD") or "build"

--- The library that implements the API for this process.  libwinpr looks for it at the first call, so everybody who calls
-- says this first.
function wts.prepare()
   local uv = require "luv"
   uv.os_setenv("WTSAPI_LIBRARY", wts.library())
   uv.os_setenv("XDG_CONFIG_HOME", wts.folder())
end

function wts.library()
   local here = require "luv".cwd()
   return ("%s/%s/lib/libwms-wtsapi.so"):format(here, build)
end

--- Where the bindings are that the library shares with `wms.bind`.
function wts.folder()
   return ("%s/%s/wts-config"):format(require "luv".cwd(), build)
end

--- The address of what another provider calls `server`.
function wts.address(server)
   return "wts:///" .. server
end

--- The address of a host of this name, which may be one already.
function wts.spelled(name)
   return name:find("://", 1, true) and name or "wts://" .. name
end

--- nil, or why there is no `wts`.
function wts.missing()
   if not wms.load "wts" then
      return "the provider wts is not built (see what `make` left out)"
   end
   return nil
end

--- `inner` is another provider's adapter, `can` what is left of what it can; `ready(host)`: to be called with each of its
-- hosts.
function wts.over(inner, can, ready)
   local adapter = { name = "wts over " .. inner.name, can = can }

   function adapter.missing()
      return wts.missing() or inner.missing()
   end

   function adapter.host(options)
      wts.prepare()
      local host = inner.host(options)
      if ready then
         ready(host)
      end
      host.server = wts.address(host.server)
      return host
   end

   function adapter.unreachable()
      wts.prepare()
      return wts.address("logind:///run/no-such-bus/socket")
   end

   adapter.sweep = inner.sweep
   return adapter
end

return wts
