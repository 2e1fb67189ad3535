-- SPDX-License-Identifier: MIT
--- What is documented is there, and what is there is documented: names, options, error codes.
local kit = require "spec.support.kit"
local wms = kit.wms
local fault, set = kit.fault, kit.set

local COMMANDS = {
   "sessions", "unlock", "lock", "disconnect", "close", "unlock_all", "lock_all", "disconnect_all", "close_all", "call",
   "bind", "message", "message_all", "thumbnail", "thumbnail_all", "reboot", "power_off", "wake",
}
local FUNCTIONS = { "start", "new", "configure", "memory", "load", "bindings", "unbind", "driver", "servers", "watch" }
local REQUEST = { "pollfd", "events", "timeout", "step", "done", "result", "wait", "cancel", "close" }
local WATCH = { "next", "each", "sessions", "servers", "pollfd", "events", "timeout", "step", "wait", "done", "close" }
local DRIVER = { "pollfd", "events", "timeout", "step", "wait", "watch", "forget", "news", "alarm", "clock" }
local KEEPER = { "run", "wait", "step", "done", "result", "stop", "close", "pollfd", "events", "timeout" }
local LOOP = { "call", "wait", "start", "watch", "keep", "stop", "pending" }
local POLL = { "pollfd", "turn", "run" } -- of wms.loop.poll, beside these
local LOOP_WATCH = { "next", "each", "sessions", "servers", "done", "close" }
local HANDLE = { "open", "lock", "unlock", "drop", "picture", "fail", "refuse", "log", "session", "close" }

local function text_of(path)
   local file = io.open(path)
   local text = file and file:read("*a")
   if file then
      file:close()
   end
   return text
end

describe("every name", function()
   local keep, sweep = kit.keeper()
   after_each(sweep)

   it("of the module is a function, and there are no others", function()
      local documented = set(COMMANDS)
      for _, name in ipairs(FUNCTIONS) do
         documented[name] = true
      end
      for name in pairs(documented) do
         assert.equal("function", type(wms[name]), name)
      end
      for name in pairs(wms) do
         assert.truthy(documented[name] or name == "_VERSION", "undocumented: " .. tostring(name))
      end
      assert.truthy(wms._VERSION:find("%d+%.%d+%.%d+"), wms._VERSION)
   end)

   it("of a client is there", function()
      local client = wms.new{ server = "memory://nobody" }
      for _, name in ipairs(COMMANDS) do
         assert.equal("function", type(client[name]), name)
      end
      assert.equal("function", type(client.start))
      assert.equal("function", type(client.watch))
      for _, name in ipairs{ "new", "configure", "memory", "load", "bindings", "unbind", "explode", "__gc", "__close",
         "__index" } do
         local ok, value = pcall(function() return client[name] end)
         assert.is_true(not ok or value == nil, name)
      end
   end)

   it("of a request and of a host's handle is there", function()
      local name = kit.name()
      local host = keep(wms.memory(name, {}))
      local request = keep(wms.start("sessions", "memory://" .. name))
      for _, method in ipairs(REQUEST) do
         assert.equal("function", type(request[method]), method)
      end
      for _, method in ipairs(HANDLE) do
         assert.equal("function", type(host[method]), method)
      end
      local watch = keep(wms.watch("memory://" .. name))
      for _, method in ipairs(WATCH) do
         assert.equal("function", type(watch[method]), method)
      end
      local keeper = keep(require "wms.keep"{ server = "memory://" .. name, locked = false })
      for _, method in ipairs(KEEPER) do
         assert.equal("function", type(keeper[method]), method)
      end
      for _, method in ipairs(DRIVER) do
         assert.equal("function", type(wms.driver()[method]), method)
      end
      local loop = require "wms.loop.poll"
      local loop_watch = keep(loop.watch("memory://" .. name))
      for _, method in ipairs(LOOP_WATCH) do
         assert.equal("function", type(loop_watch[method]), method)
      end
      local others = set(POLL)
      for _, name_of in ipairs(LOOP) do
         assert.equal("function", type(loop[name_of]), name_of)
         others[name_of] = true
      end
      for name_of in pairs(loop) do
         assert.is_true(others[name_of], "undocumented: " .. name_of)
      end
      for _, method in ipairs{ "__gc", "__close", "__index", "__metatable", "unref" } do
         local ok, value = pcall(function() return host[method] end)
         assert.is_true(not ok or value == nil, method)
      end
      assert.are_not.equal("table", type(getmetatable(host)))
   end)

   it("that editors are told of is one of these", function()
      local types = text_of("lua/wms/types.lua")
      assert.truthy(types and types:find("%-%-%-@meta"), "lua/wms/types.lua")
      local ours = { ["wms."] = set(COMMANDS), ["request:"] = set(REQUEST), ["host:"] = set(HANDLE),
         ["driver:"] = set(DRIVER), ["watch:"] = set(WATCH), ["keeper:"] = set(KEEPER), ["loop."] = set(LOOP),
         ["loop_watch:"] = set(LOOP_WATCH) }
      for _, name in ipairs(FUNCTIONS) do
         ours["wms."][name] = true
      end
      local told = { ["wms."] = {}, ["request:"] = {}, ["host:"] = {}, ["driver:"] = {}, ["watch:"] = {},
         ["keeper:"] = {}, ["loop."] = {}, ["loop_watch:"] = {} }
      for owner, name in types:gmatch("\nfunction ([%w_]+[.:])([%w_]+)%(") do
         assert.truthy(told[owner], owner)
         told[owner][name] = true
      end
      assert.same(ours, told)
      local codes = { INTERNAL = true }
      for code in pairs(kit.codes) do
         codes[code] = true
      end
      local listed = {}
      for code in types:match("%-%-%-@alias wms%.Code ([^\n]+)"):gmatch('"([%u_]+)"') do
         listed[code] = true
      end
      assert.same(codes, listed)
   end)

   --- The fields of a class of lua/wms/types.lua.
   local function fields(class)
      local list = {}
      local block = text_of("lua/wms/types.lua"):match("\n%-%-%-@class wms%." .. class .. "%f[%W][^\n]*\n(.-)\n\n")
      for name in ("\n" .. block):gmatch("\n%-%-%-@field ([%w_]+)") do
         list[#list + 1] = name
      end
      assert.is_true(#list > 0, class)
      return list
   end

   it("of an option that editors are told of is an option", function()
      finally(kit.reset)
      wms.configure{ allow = function() return false end } -- should one get through, this machine is not ended
      for _, class in ipairs{ "Options", "SelectOptions", "LockOptions" } do
         for _, option in ipairs(fields(class)) do
            local ok, message = pcall(wms.lock, { [option] = function() end, nonsense = 1 })
            assert.is_false(ok)
            assert.truthy(message:find("nonsense") or message:find(option, 1, true), message)
            ok, message = pcall(wms.lock, { [option] = print })
            assert.is_false(ok)
            assert.is_nil(message:find(option .. ": no such option", 1, true), message)
         end
      end
      for command, class in pairs{ call = "CallOptions", bind = "BindOptions", message = "MessageOptions",
         close = "CloseOptions", thumbnail = "ThumbnailOptions", reboot = "ServerOptions", power_off = "ServerOptions",
         wake = "WakeOptions", watch = "WatchOptions",
      } do
         for _, option in ipairs(fields(class)) do
            local ok, message = pcall(wms[command], { [option] = print, nonsense = 1 })
            assert.is_false(ok)
            assert.is_nil(message:find(option .. ": no such option", 1, true), message)
         end
      end
      assert.truthy(select(2, pcall(wms.lock, { nonsense = 1 })):find("nonsense: no such option", 1, true))
      for _, option in ipairs(fields("Configuration")) do
         local _, message = pcall(wms.configure, { [option] = {} })
         assert.is_nil(tostring(message):find("no such option", 1, true), option)
      end
   end)

   it("of a session's property that editors are told of can be given to an embedded host", function()
      local samples = { session_id = 5, station_id = 5, server = "ignored", logon_time = 1700000000.25,
         idle_since = 1700000001 }
      local name = kit.name()
      local host = keep(wms.memory(name))
      local session, wanted = {}, {}
      for _, field in ipairs(fields("Session")) do
         local value = samples[field]
         if value == nil then
            value = (field:find("^is_") or field == "locked") and true or "text"
         end
         session[field], wanted[field] = value, value
      end
      wanted.server = "memory://" .. name
      host:open(session)
      assert.same({ wanted }, wms.sessions("memory://" .. name))
   end)

   it("is in the manual", function()
      local manual = ""
      for path in io.popen("ls README.md docs/*.md"):lines() do
         manual = manual .. assert(text_of(path), path)
      end
      local reference = assert(text_of("docs/lua.md"), "docs/lua.md")
      for _, list in ipairs{ COMMANDS, FUNCTIONS } do
         for _, name in ipairs(list) do
            assert.truthy(reference:find("wms." .. name, 1, true), name)
         end
      end
      for _, list in ipairs{ REQUEST, HANDLE, WATCH } do
         for _, name in ipairs(list) do
            assert.truthy(reference:find("%f[%w_]" .. name .. "%f[^%w_]"), name)
         end
      end
      local embedding = {}
      for _, list in ipairs{ DRIVER, LOOP, POLL, LOOP_WATCH } do
         for _, name in ipairs(list) do
            embedding[#embedding + 1] = name
         end
      end
      for _, name in ipairs(embedding) do
         assert.truthy(text_of("docs/embedding.md"):find("%f[%w_]" .. name .. "%f[^%w_]"), name)
      end
      for name in manual:gmatch("%f[%w_]wms%.([%l_]+)%f[^%w_]") do
         local file = set{ "h", "so", "pc", "lua", "example", "loop", "provider", "config", "inventory",
            "fingerprints", "keep", "screens", "system", "multipoint", "agent", "nkeys" }[name]
         assert.truthy(wms[name] or file, "the manual has a name that is not there: wms." .. name)
      end
   end)
end)

describe("every error code", function()
   local host, server

   before_each(function()
      local name = kit.name()
      server = "memory://" .. name
      host = wms.memory(name, { sessions = {
         { session_id = 1 }, { session_id = 2, is_admin = true }, { session_id = 3, locked = true, relock_after = 0 },
         { session_id = 4, locked = true, relock_after = 0.05 },
      } })
   end)

   after_each(function()
      kit.reset()
      host:close()
   end)

   local function unlock(id, options)
      options = options or {}
      options.session_ids, options.server = id, options.server or server
      return wms.unlock(options)
   end

   local function answered(code)
      return function()
         host:fail("unlock", code)
         return unlock(1)
      end
   end

   local PROVOKE = {
      NOT_FOUND = function() return unlock(99) end,
      ACCESS_DENIED = function() return unlock(2) end,
      UNREACHABLE = function() return unlock(1, { server = "memory://nobody" }) end,
      TIMEOUT = function()
         host:fail("unlock", "TIMEOUT")
         return unlock(1, { timeout = 0.05 })
      end,
      UNSUPPORTED = answered("UNSUPPORTED"),
      NOT_BOUND = answered("NOT_BOUND"),
      UNTRUSTED = answered("UNTRUSTED"),
      PROTOCOL = answered("PROTOCOL"),
      BUSY = answered("BUSY"),
      UNVERIFIED = function() return unlock(3, { verify = 0.1 }) end,
      REVERTED = function() return unlock(4, { verify = 5, stable = 5 }) end,
      CANCELLED = function()
         host:fail("unlock", "TIMEOUT")
         local request = wms.start("unlock", { session_ids = 1, server = server })
         request:cancel()
         return request:result()
      end,
   }

   -- These need another process, or an allocator that fails.
   local ELSEWHERE = {
      FORKED = "spec/fork_spec.lua", NO_MEMORY = "spec/c/oom.c", NO_PROVIDER = "spec/isolation_spec.lua",
   }

   it("is provoked here, or elsewhere", function()
      for code in pairs(kit.codes) do
         assert.truthy(PROVOKE[code] or text_of(ELSEWHERE[code]):find(code, 1, true), code)
      end
   end)

   for code, provoke in pairs(PROVOKE) do
      it(code .. " can be met", function()
         local err = fault(provoke())
         assert.equal(code, err.code)
         assert.equal(code, err.outcomes[1].error.code)
         assert.truthy(err.message:find(err.server, 1, true), "the server is not in: " .. err.message)
      end)
   end
end)
