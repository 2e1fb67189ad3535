-- SPDX-License-Identifier: MIT
--- What is done to the disk when a binding is kept, as strace sees it.
local process = require "spec.support.process"

describe("a binding that is kept", function()
   it("is out of others' sight before a byte is in it, and on the disk before it replaces the old one #once", function()
      if select(2, process.run("strace -f -o /dev/null true")) ~= 0 then
         pending("strace cannot be used here")
      end
      local folder = process.run("mktemp -d"):match("%S+")
      local build = os.getenv("WMS_BUILD") or "build"
      local text = [[
         package.cpath = os.getenv("CALLER") .. ";" .. package.cpath
         local wms = require "wms"
         assert(wms.bind{ server = "caller://host", user_name = "admin", fingerprint = "AB", password = "right" })]]
      local output, code = process.run(("ASAN_OPTIONS=detect_leaks=0 CALLER=%s XDG_CONFIG_HOME=%s strace -f -y -o %s/calls"
         .. " -e trace=openat,fchmod,write,fsync,renameat,renameat2,unlinkat %s -e %s;"
         .. " code=$?; cat %s/calls; exit $code"):format(
         process.quote(build .. "/spec/?.so"), folder, folder, process.lua(), process.quote(text), folder))
      process.run("rm -rf " .. folder)
      assert.equal(0, code, output)
      local calls, at = {}, nil
      for line in output:gmatch("[^\n]+") do
         local name, rest = line:match("^%d+ +(%w+)%((.*)$")
         if name and rest:find("bindings", 1, true) and (rest:find(".new-", 1, true) or name == "fsync") then
            local mode = name == "openat" and rest:match("(0%d%d%d?)%)") or name == "fchmod" and rest:match(", (0%d+)")
            calls[#calls + 1] = name .. (mode and " " .. mode or "")
            at = name:find("^renameat") and #calls or at
         end
      end
      assert(at, output)
      -- The trial, whose file goes; then the binding itself, and the folder that it is named in.
      assert.same({ "openat 0600", "fchmod 0600", "write", "unlinkat" }, { calls[1], calls[2], calls[3], calls[4] })
      assert.same({ "openat 0600", "fchmod 0600", "write", "fsync" }, { calls[5], calls[6], calls[7], calls[8] })
      assert.same({ 9, "fsync" }, { at, calls[10] })
   end)
end)
