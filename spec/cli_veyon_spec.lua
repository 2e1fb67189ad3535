-- SPDX-License-Identifier: MIT
--- The program `wms` and Veyon hosts: what it takes, lists and says of them, and the commands of their manual page.
local busted = require "busted"
local cli = require "spec.support.cli"
local dkjson = require "dkjson"
local process = require "spec.support.process"
local support = require "spec.support.veyon"
local it, teardown = busted.it, busted.teardown

local function has(text, ...)
   for _, part in ipairs{ ... } do
      assert.is_truthy(text:find(part, 1, true), ("'%s' is not in:\n%s"):format(part, text))
   end
end

support.describe("wms and Veyon hosts #once", pending, function()
   teardown(cli.sweep)

   --- Binds to hosts of the specs' gateway; returns their servers.
   local function bind(count, key)
      local servers, words = {}, { "bind" }
      for i = 1, count do
         servers[i] = support.stranger().server
         words[#words + 1] = servers[i]
      end
      for _, word in ipairs{ "--key-name", "lab", "--key-file", key, "--gateway", support.gateway().url } do
         words[#words + 1] = word
      end
      local out, err, code = cli.run(words)
      assert.equal(0, code, out .. err)
      return servers
   end

   it("says how they are bound", function()
      for words, want in pairs{
         ["bind veyon://lab01"] = "--user is missing; give -u NAME, or --key-name NAME for Veyon hosts",
         ["bind veyon://lab01 --key-name lab"] = "--key-file: missing; give the path of the private key",
         ["bind veyon://lab01 --key-name lab --key-file key -u alice"] =
            "--user: a Veyon host is bound with --key-name and --key-file; leave it out",
         ["call Feature Screenshot -s veyon://lab01"] = "Screenshot ends Veyon's service; 'wms screens' shows pictures",
      } do
         local _, err, code = cli.run(words)
         assert.equal(2, code)
         has(err, want)
      end
      local _, err = cli.run "list veyon://nobody"
      has(err, "'wms bind' binds to it, once, with --key-name and --key-file", "wms bind veyon://nobody --key-name NAME")
   end)

   it("lists how they are bound", function()
      local key = support.key()
      local server = bind(1, key)[1]
      has((cli.run "bindings"), "KEY FILE", server, key, support.gateway().url)
      local record = dkjson.decode((cli.run "bindings --json"):match("[^\n]+"))
      assert.same({ server, "lab", key, support.gateway().url },
         { record.server, record.key_name, record.key_file, record.gateway })
   end)

   it("says once what is wrong with the key of a room, and what to do", function()
      local key = support.file("gone", support.pem)
      local servers = bind(3, key)
      local function list()
         local _, err, code = cli.run("list " .. table.concat(servers, " "))
         assert.equal(1, code)
         return err
      end
      process.run("chmod o+r " .. key)
      local err = list()
      has(err, table.concat(servers, ", ") .. ": the key file " .. key .. " is open to everybody; take that away")
      assert.is_nil(err:find("ertificate", 1, true))
      process.run("rm " .. key)
      err = list()
      has(err, table.concat(servers, ", ") .. ": the key file " .. key .. " cannot be read", "; put it there, or bind anew")
      assert.is_nil(err:find("Bind to it once", 1, true))
   end)

   it("says that a call was answered which returns nothing", function()
      local server = bind(1, support.key())[1]
      local words = "call Feature StartApp applications=xterm -s " .. server
      assert.same({ "", "1 answered\n", 0 }, { cli.run(words) })
      assert.same({ "", "", 0 }, { cli.run(words .. " -q") })
   end)

   it("take the commands of their manual page", function()
      local file = assert(io.open "docs/hosts-veyon.md")
      local page, count = file:read("*a"), 0
      file:close()
      local function try(words)
         words = words:gsub("^wms%s+", ""):gsub("^veyon%-gateway %-%- wms ", "")
         if words:find("^veyon%-gateway") or words:find("COMMAND", 1, true) then
            return
         end
         local _, err, code = cli.run(words .. " --lua")
         assert.equal(0, code, words .. ": " .. err)
         count = count + 1
      end
      for line in page:gmatch("\n    +(wms [^\n]+)") do
         try(line)
      end
      for words in page:gmatch("`(wms [^`\n]+ [^`\n]+)`") do
         try(words)
      end
      assert.is_true(count >= 5, count)
   end)
end)
