-- SPDX-License-Identifier: MIT
--- Whether what is installed works from where it is, under the Lua that runs this:
---
---    lua installed.lua LIBRARY SCRIPTS VERSION
---
--- LIBRARY is the folder that has wms.so and wms/, SCRIPTS the one that has wms/*.lua; `require` has to find both there by
--- itself, or by LUA_PATH and LUA_CPATH. The first thing that is not as it should be is an error. It runs by itself, for
--- Debian's tests as well as for the specs.
local library, scripts, version = arg[1], arg[2], arg[3]

--- Where `require` would find a module: package.searchpath(), which Lua 5.1 has not.
local function find(name, path)
   for template in path:gmatch("[^;]+") do
      local file = template:gsub("%?", (name:gsub("%.", "/")))
      if io.open(file) then
         return file
      end
   end
   return "nowhere"
end

local function expect(what, wanted, got)
   if got ~= wanted then
      error(("%s: %s, not %s"):format(what, tostring(got), tostring(wanted)), 2)
   end
end

local function lines(command)
   local pipe = assert(io.popen(command))
   local text = pipe:read("*a")
   pipe:close()
   return text:gmatch("[^\n]+")
end

-- A provider that cannot be loaded is NO_PROVIDER; each of these is said by the provider itself. Nobody is asked: the bus
-- is not there, no host is bound to, and no session API is named.
local ASKED = {
   logind = { "logind:///run/no-such-bus", "UNREACHABLE" },
   multipoint = { "multipoint://127.0.0.1", "NOT_BOUND" },
   veyon = { "veyon://127.0.0.1", "NOT_BOUND" },
   wts = { "wts://", "UNSUPPORTED" },
}

expect("wms.so", library .. "/wms.so", find("wms", package.cpath))
local wms = require "wms"
expect("the version", version, wms._VERSION)

local host = wms.memory("lab", { sessions = { { session_id = 1, user_name = "alice", locked = true } } })
local outcomes = assert(wms.unlock_all{ server = "memory://lab", verify = 3 })
expect("the embedded host's session", "verified", outcomes[1] and outcomes[1].state)
host:close()

for name, ask in pairs(ASKED) do
   expect(name, ("%s/wms/%s.so"):format(library, name), find("wms." .. name, package.cpath))
   local _, _, err = wms.sessions{ server = ask[1], timeout = 5 }
   expect(name, ask[2], err and err.code)
end

-- The provider multipoint alone loads it, from its own folder. Lua finds no function for itself in it ("init"), but the
-- libraries that it needs (else "open").
local _, why, how = package.loadlib(library .. "/wms/multipoint-events.so", "luaopen_nothing")
if how ~= "init" then
   error("multipoint-events: " .. tostring(why))
end

-- Every script, but for the types, which are for editors, and the helpers of loops that are not here.
for file in lines("cd " .. scripts .. " && find wms -name '*.lua' | sort") do
   local name = file:gsub("%.lua$", ""):gsub("/", ".")
   expect(name, scripts .. "/" .. file, find(name, package.path))
   assert(loadfile(scripts .. "/" .. file))
   local loop = name:match("^wms%.loop%.(%a+)$")
   if not name:find("types$") and (not loop or loop == "poll" or pcall(require, loop)) then
      assert(type(require(name)) ~= "boolean", name)
   end
end

print(("%s: %s, %s"):format(rawget(_G, "jit") and "LuaJIT" or _VERSION, version, library))
