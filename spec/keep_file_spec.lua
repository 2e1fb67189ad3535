-- SPDX-License-Identifier: MIT
--- wms.keep and the file in which its state outlives it.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local shared = require "spec.support.keeping"
local keep_rooms = require "wms.keep"
local record = require "wms.keep.record"
local wms = kit.wms

describe("wms.keep in a file", function()
   local keep, sweep = kit.keeper()
   local await, of, is_locked, lua = shared.await, shared.of, shared.is_locked, shared.lua
   local folder

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   after_each(function()
      sweep()
      kit.reset()
   end)

   local function lab(...)
      return shared.lab(keep, ...)
   end

   local function keeping(options)
      return shared.begin(keep, options)
   end

   local serial = 0
   local path

   before_each(function()
      serial = serial + 1
      path = folder .. "/state" .. serial
   end)

   local function text_of()
      local file = io.open(path)
      local text = file and file:read("*a")
      if file then
         file:close()
      end
      return text
   end

   local function put(text)
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      process.run("chmod 600 " .. path)
   end

   local function fault(options)
      local nothing, message, err = keep_rooms(options)
      if nothing then
         nothing:close()
      end
      assert.is_nil(nothing)
      assert.equal(message, tostring(err))
      return err.code, message
   end

   it("says what is kept and what was changed, and is gone at the end", function()
      local host, server = lab()
      local keeper, told = keeping{ server = server, locked = true, restore = true, file = path, after = 1000 }
      await(keeper, function() return #of(told, "acted") == 2 end)
      local state = assert(record.read(text_of()))
      assert.same({ true, { server }, "Exam", true }, { state.locked, state.servers, state.message, state.restore })
      assert.same({ 1, 2 }, kit.pluck(state.changed, "session_id"))
      assert.is_true(math.abs(state.ends - os.time() - 1000) < 60)
      assert.equal("600", process.run("stat -c %a " .. path):match("%d+"))
      keeper:stop()
      assert(keeper:run())
      assert.is_nil(text_of())
      assert.is_false(host:session(1).locked)
   end)

   it("goes on: the same time, and what the former one has changed is put back", function()
      local host, server = lab({ { session_id = 1 }, { session_id = 2 }, { session_id = 3, locked = true } })
      local first, told = keeping{ server = server, locked = true, restore = true, file = path, after = 1000 }
      await(first, function() return #of(told, "acted") == 2 end)
      first:close()
      host:unlock(2)
      local second, told_too = keeping{ server = server, locked = true, after = 5, file = path }
      assert.is_true(math.abs(second.ends - os.time() - 1000) < 60)
      await(second, is_locked(host, 2))
      assert.equal("resumed", told_too[1].kind)
      assert.equal(2, told_too[1].changed)
      second:stop()
      assert.equal(2, assert(second:run()).restored)
      assert.same({ false, false, true }, { host:session(1).locked, host:session(2).locked, host:session(3).locked })
   end)

   it("needs no more than its name to go on, and ends at once when its time is over", function()
      local host, server = lab({ { session_id = 1, locked = true } })
      put(record.write{ locked = true, servers = { server }, message = "Exam", ends = 1000, restore = true, limit = 3,
         grace = 20, changed = { { server = server, session_id = 1 }, { server = server, session_id = 9 } } })
      local keeper, told = keeping{ file = path }
      assert.equal(true, told[1] == nil or told[1].over)
      local summary = assert(keeper:run())
      assert.same({ "time", 1 }, { summary.reason, summary.restored })
      assert.is_true(told[1].over)
      assert.is_false(host:session(1).locked)
      assert.is_nil(text_of())
   end)

   it("waits at the end of its time for a host that is not there yet", function()
      local name = kit.name()
      local server = "memory://" .. name
      put(record.write{ locked = true, servers = { server }, message = "Exam", ends = 1000, restore = true, limit = 3,
         grace = 20, changed = { { server = server, session_id = 1 } } })
      local keeper, told = keeping{ file = path }
      await(keeper, function() return of(told, "waiting")[1] end)
      local host = keep(wms.memory(name, { sessions = { { session_id = 1, locked = true } } }))
      assert(keeper:run())
      assert.is_false(host:session(1).locked)
   end)

   it("spares another session that has got the id", function()
      local host, server = lab({ { session_id = 1, locked = true } })
      put(record.write{ locked = true, servers = { server }, message = "Exam", ends = 1000, restore = true, limit = 3,
         grace = 20, changed = { { server = server, session_id = 1, identity = "another" } } })
      assert.equal(0, assert(keeping{ file = path }:run()).restored)
      assert.is_true(host:session(1).locked)
   end)

   it("is one keeper's at a time", function()
      local _, server = lab()
      local keeper = keeping{ server = server, locked = true, file = path }
      local code, message = fault{ server = server, locked = true, message = "Exam", file = path }
      assert.equal("BUSY", code)
      assert.truthy(message:find(path, 1, true))
      keeper:close()
      keeping{ server = server, locked = true, file = path }
   end)

   it("that keeps another room is refused, and stays", function()
      local _, server = lab()
      keeping{ server = server, locked = true, file = path, where = { user_name = "alice" } }:close()
      local text = text_of()
      for _, other in ipairs{
         { server = "memory://other", locked = true, message = "Exam" },
         { server = server, locked = false },
         { server = server, locked = true, message = "Exam", where = { user_name = "bob" } },
         { server = server, locked = true, message = "Exam", where = function() end },
      } do
         other.file = path
         assert.equal("BUSY", fault(other))
      end
      assert.equal(text, text_of())
      keeping{ server = server, locked = true, file = path, where = { user_name = { "alice" } } }
   end)

   it("wants a function again that it cannot keep", function()
      local host, server = lab()
      local function only_bob(session)
         return session.user_name == "bob"
      end
      keeping{ server = server, locked = true, file = path, where = only_bob }:close()
      kit.misuse("keep", { "where", "function" }, function() keep_rooms{ file = path } end)
      local keeper = keeping{ file = path, where = only_bob }
      await(keeper, is_locked(host, 2))
      assert.is_false(host:session(1).locked)
   end)

   it("that is none of ours, of a later version, or torn, is refused with what to do, and stays", function()
      local _, server = lab()
      local whole = record.write{ locked = true, servers = { server }, restore = false, limit = 3, grace = 2,
         changed = {} }
      for _, text in ipairs{ "hello\n", "wms-keep 2\nend\n", whole:sub(1, -2), whole:gsub("end\n", ""),
         whole .. "more\n", whole:gsub("restore", "restored"), whole:gsub("limit 3", "limit x"), "\0",
         whole:gsub("locked true", "locked maybe"), (whole:gsub("end\n", "changed a b c\nend\n")) } do
         put(text)
         local code, message = fault{ server = server, locked = true, message = "Exam", file = path }
         assert.equal("INTERNAL", code)
         assert.truthy(message:find(path, 1, true) and message:find("remove it", 1, true), message)
         assert.equal(text, text_of())
      end
      put("")
      assert.is_false(keeping{ server = server, locked = true, file = path }:done())
   end)

   it("that others may read, or another user's, a link, a folder, and a place where none can be are refused", function()
      local _, server = lab()
      local options = { server = server, locked = true, message = "Exam", file = path }
      put("")
      process.run("chmod 640 " .. path)
      local code, message = fault(options)
      assert.equal("UNTRUSTED", code)
      assert.truthy(message:find("chmod 600", 1, true), message)
      put("")
      if select(2, process.run("chown 12345 " .. path)) == 0 then
         code, message = fault(options)
         assert.equal("UNTRUSTED", code)
         assert.truthy(message:find("another user", 1, true), message)
      end
      process.run(("rm -f %s && ln -s %s/else %s"):format(path, folder, path))
      assert.equal("UNTRUSTED", fault(options))
      process.run(("rm %s && mkdir %s"):format(path, path))
      assert.equal("ACCESS_DENIED", fault(options))
      options.file = "/proc/no/such/place"
      assert.equal("ACCESS_DENIED", fault(options))
   end)

   it("has a name of its own in the folder for states #once", function()
      local output, code = process.run(("XDG_STATE_HOME=%s/states; export XDG_STATE_HOME; "):format(folder) .. lua[[
         local wms, keep = require "wms", require "wms.keep"
         wms.memory("lab", {})
         assert(keep{ server = "memory://lab", locked = false, file = "room1" }):close()
      ]])
      assert.equal(0, code, output)
      local modes = process.run(("stat -c %%a %s/states/wms/room1.keep %s/states/wms | xargs"):format(folder, folder))
      assert.equal("600 700", modes:match("%d+ %d+"))
   end)

   it("writes what it reads", function()
      local state = { locked = false, servers = { "memory://lab", "lab[1-3]" }, message = "100 %\n\0\195\164 x",
         ends = 1764500000.5, restore = true, limit = 7, grace = 0.25, ending = true,
         where = { user_name = { "a b", "" }, station_id = { 3 }, is_admin = { false } }, except = "function",
         changed = { { server = "memory://lab", session_id = 3, identity = "x y" },
            { server = "s", session_id = "c2" } } }
      local given = {}
      for name, value in pairs(state) do
         given[name] = value
      end
      given.except = print
      assert.same(state, record.read(record.write(given)))
   end)

   it("goes on after SIGKILL #once", function()
      local script = [[
         local wms, keep = require "wms", require "wms.keep"
         local locked = %s
         local host = wms.memory("lab", { sessions = { { session_id = 1, locked = locked },
            { session_id = 2, locked = true } } })
         local keeper = assert(keep{ server = "memory://lab", locked = true, message = "Exam", restore = true, file = %q,
            after = 1000, on_report = function(report)
               if report.kind == "acted" and report.reason ~= "restore" then
                  os.execute("kill -9 $PPID")
               end
            end })
         if locked then
            keeper:wait(0.3)
            keeper:stop()
         end
         assert(keeper:run())
         print(host:session(1).locked, host:session(2).locked)
      ]]
      local output, code = process.run(lua(script:format("nil", path)))
      assert.truthy(code ~= 0 and not output:find("false"), output)
      assert.same({ 1 }, kit.pluck(record.read(text_of()).changed, "session_id"))
      output, code = process.run(lua(script:format("true", path)))
      assert.equal(0, code, output)
      assert.equal("false\ttrue", output:match("%S+\t%S+"))
      assert.is_nil(text_of())
   end)

   it("on a full disk is not begun; one that fills up meanwhile is told, and keeps its former state #once", function()
      local disk = folder .. "/disk"
      local _, code = process.run(("mkdir -p %s && mount -t tmpfs -o size=64k tmpfs %s"):format(disk, disk))
      if code ~= 0 then
         pending("needs the right to mount")
      end
      finally(function() process.run("umount " .. disk) end)
      local host, server = lab()
      local options = { server = server, locked = true, message = "Exam", restore = true, file = disk .. "/state" }
      process.run(("dd if=/dev/zero of=%s/fill bs=1k 2>&1"):format(disk))
      local told
      assert.equal("ACCESS_DENIED", fault(options))
      process.run(("rm %s/fill"):format(disk))
      options.message = nil
      local keeper
      keeper, told = keeping(options)
      process.run(("dd if=/dev/zero of=%s/fill bs=1k 2>&1"):format(disk))
      await(keeper, function() return #of(told, "acted") == 2 end)
      assert.is_true(host:session(1).locked)
      assert.equal("ACCESS_DENIED", of(told, "file")[1].error.code)
      assert.equal(1, #of(told, "file"))
      keeper:close()
      local text = process.run(("cat %s/state"):format(disk))
      assert.same({}, assert(record.read(text)).changed)
   end)
end)
