-- SPDX-License-Identifier: MIT
--- Keys of NATS' users: the files, and what they are called by servers.
local kit = require "spec.support.kit"
local nkeys = require "wms.nkeys"
local process = require "spec.support.process"

describe("wms.nkeys #once", function()
   local folder

   local function write(name, text)
      local file = assert(io.open(folder .. "/" .. name, "wb"))
      file:write(text)
      file:close()
      return folder .. "/" .. name
   end

   setup(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   teardown(function()
      process.run("rm -r " .. folder)
   end)

   local test = kit.needing(pending, function()
      return select(2, process.run("command -v openssl")) ~= 0 and "openssl is not installed" or nil
   end)

   -- A pair that NATS' own tool has made: its documentation's.
   local SEED, PUBLIC = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
      "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"

   test("knows the public key of a seed", function()
      assert.equal(PUBLIC, nkeys.public(write("known.nk", SEED)))
      assert.equal(PUBLIC, nkeys.public(write("line.nk", SEED .. "\n")))
      assert.is_true(nkeys.is_public(PUBLIC))
      for _, text in ipairs{ SEED, "", PUBLIC:sub(1, -2), PUBLIC:gsub("D", "E", 1) .. "", PUBLIC:lower(), 3 } do
         assert.is_false(nkeys.is_public(text))
      end
   end)

   test("makes a key in a new file of its owner alone, which no command line shows", function()
      local path = folder .. "/it's new.nk"
      local key = assert(nkeys.make(path))
      assert.is_true(nkeys.is_public(key))
      assert.equal(key, nkeys.public(path))
      assert.equal("600\n", (process.run("stat -c %a " .. process.quote(path))))
      local seed = assert(io.open(path)):read("*a")
      local same, why = nkeys.make(path)
      assert.is_nil(same)
      assert.truthy(why:find("is there already; give another file", 1, true))
      assert.equal(seed, assert(io.open(path)):read("*a"))
      assert.not_equal(key, nkeys.make(folder .. "/other.nk"))
   end)

   it("refuses what is no seed", function()
      for i, text in ipairs{ "", "hello", PUBLIC, SEED:sub(1, -2), SEED .. "A", (SEED:gsub("X", "Y", 1)),
         "SA" .. SEED:sub(3) } do
         local key, why = nkeys.public(write("wrong" .. i, text))
         assert.is_nil(key)
         assert.truthy(why:find("no user's seed is in it", 1, true), why)
      end
      assert.is_nil((nkeys.public(folder .. "/nowhere")))
      assert.is_nil((nkeys.make(folder .. "/nowhere/x.nk")))
   end)

   it("says what is misuse", function()
      kit.misuse("make", { "path", "nil" }, function() nkeys.make(nil) end)
      kit.misuse("public", { "path", "empty" }, function() nkeys.public("") end)
   end)
end)
