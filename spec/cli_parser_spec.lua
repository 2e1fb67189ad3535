-- SPDX-License-Identifier: MIT
--- What reads plain command lines sooner reads them as argparse does.
local commands = require "wms.cli.commands"
local parser = require "wms.cli.parser"
local quick = require "wms.cli.quick"

--- What was given, without what only the parser has: lists that are empty, flags of commands, and the same before commands.
local function given_of(result)
   local copy = {}
   for name, value in pairs(result) do
      local empty = type(value) == "table" and next(value) == nil
      if not (empty or name:find("^root_") or name:find("^is_")) then
         copy[name] = value
      end
   end
   return copy
end

local TEXTS = {
   time = { "5", "1h30m", "0.5", "90s" }, wait = { "0", "5", "2m" }, count = { "0", "3" }, descriptor = { "0", "3" },
   positive = { "1", "30", "0" }, moment = { "11:30", "2030-12-01 11:30", "2030-12-01T07:05", "24:00" },
   condition = { "user=alice", "locked=yes", "idle=30m", "a=b=c" }, argument = { "a=1", "b=true", "c=[1]", "d=" },
   switch = { "on", "off", "yes" }, names = { "a.b,c.d", "", "a" }, account = { "eve", "S\\eve", "\\", "" },
   allowance = { "alice=lock", "*=lock,unlock", "a=", "alice", "*=Lock" },
   endpoint = { "a.example:8443", "a:1@127.0.0.1", "a:1@::1", "a:0", "a", "a:1@lab", "" },
   text = { "lab01", "@room1", "!lab02", "lab[01-30]", "3", "a b", "", "x=y", "\195\164" },
}
local ODD = { "--", "-", "-x", "--nonsense", "--ver", "-an", "-slab", "--json=1", "", "-5", "list", "help", "--verify=x",
   "--timeout=", "--warn=1", "--demo", "--config", "--version", "--server=a=b" }

describe("a plain command line #once", function()
   local state = 1

   --- A number from 1 to `most`; the same ones in each run.
   local function random(most)
      state = (state * 16807) % 2147483647
      return state % most + 1
   end

   local function pick(list)
      return list[random(#list)]
   end

   local function add_option(words, names)
      local option = commands.options[pick(names)]
      local flags = {}
      for flag in option.flags:gmatch("%S+") do
         flags[#flags + 1] = flag
      end
      local flag = pick(flags)
      local text = pick(option.choices or TEXTS[option.kind == "warning" and "time" or option.kind or "text"])
      if option.value and flag:find("^%-%-") and random(3) == 1 then
         words[#words + 1] = flag .. "=" .. text
         return
      end
      words[#words + 1] = flag
      if option.value and not option.implied then
         words[#words + 1] = text
      end
      if option.kind == "warning" then
         words[#words + 1] = pick(TEXTS.text)
      end
   end

   local function line()
      local words, command = {}, pick(commands.list)
      if random(4) == 1 then
         add_option(words, { "demo", "lua", "config" })
      end
      words[#words + 1] = command.name
      for _ = 1, random(5) - 1 do
         add_option(words, (random(12) == 1 or #command.options == 0) and commands.everywhere or command.options)
         if random(3) == 1 then
            local argument = command.arguments and pick(command.arguments)
            words[#words + 1] = pick(TEXTS[argument and argument.kind or "text"])
         end
      end
      if random(5) == 1 then
         table.insert(words, random(#words + 1), pick(ODD))
      end
      return words
   end

   it("is read as argparse reads it", function()
      local plain = 0
      for _ = 1, 4000 do
         local words = line()
         local given, command = quick.parse(words)
         if given then
            plain = plain + 1
            local same, of, name = parser.parse(words)
            local shown = "wms " .. table.concat(words, "|")
            assert(same, shown .. ": " .. tostring(of) .. tostring(name))
            assert.equal(of, command, shown)
            assert.same(given_of(same), given_of(given), shown)
         end
      end
      assert.is_true(plain > 1000, plain .. " were plain")
   end)

   it("is each example of the help", function()
      for _, command in ipairs(commands.list) do
         for _, example in ipairs(command.examples) do
            local words = {}
            for word in example[1]:gsub(" >.*$", ""):gsub("'", ""):gsub('"[^"]*"', "text"):gmatch("%S+") do
               words[#words + 1] = word
            end
            table.remove(words, 1)
            local _, found = quick.parse(commands.joined(words))
            assert.equal(command.name, found and found.name, example[1])
         end
      end
   end)
end)
