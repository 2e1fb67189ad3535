-- SPDX-License-Identifier: MIT
--- The manual leads somewhere: its links, its length, and its tables, which say what the code's tables say.
local kit = require "spec.support.kit"
local wms, set, sorted = kit.wms, kit.set, kit.sorted

local function text_of(path)
   local file = assert(io.open(path), path)
   local text = file:read("*a")
   file:close()
   return text
end

local function list_of(command)
   local list = {}
   local pipe = io.popen(command)
   for line in pipe:lines() do
      list[#list + 1] = line
   end
   pipe:close()
   return list
end

local PAGES = list_of("ls README.md CONTRIBUTING.md SECURITY.md docs/*.md")
local EXAMPLES = list_of("ls examples/*/*/README.md") -- they belong to the example beside them, and are found from its page

--- Without what is shown as code: what is in there is no link and no heading.
local function prose(text)
   return (("\n" .. text):gsub("\n```.-\n```", ""))
end

--- As GitHub names a heading in a link.
local function anchor(heading)
   return (heading:gsub("%[(.-)%]%(.-%)", "%1"):lower():gsub("[^%w%s_-]", ""):gsub("%s", "-"))
end

local function anchors(text)
   local found = {}
   for heading in prose(text):gmatch("\n#+ ([^\n]+)") do
      found[anchor(heading)] = true
   end
   return found
end

--- The rows below the header that begins with this: of each, what stands in backquotes in the first column.
local function rows(path, header)
   local text = text_of(path)
   local _, at = text:find("\n" .. header, 1, true)
   assert(at, path .. ": no table with the header " .. header)
   local found = {}
   for row in text:sub(at + 1):match("^[^\n]*\n|%-[^\n]*\n(.-)\n\n"):gmatch("[^\n]+") do
      for name in row:match("^|([^|]*)|"):gmatch("`([^`]+)`") do
         found[#found + 1] = name
      end
   end
   return found
end

--- The words of a list X(NAME, "word") or X(NAME, number, ...) in the public header, or another one of ours.
local HEADER = "src/include/wms.h"

local function macro(path, name, pattern)
   local body = assert(text_of(path):match("\n#define " .. name .. "%(X%)(.-[^\\])\n"), name)
   local found = {}
   for word in body:gmatch(pattern) do
      found[#found + 1] = word
   end
   assert(#found > 0, name)
   return found
end

describe("the manual #once", function()
   it("begins with a README of at most 150 lines", function()
      local _, lines = text_of("README.md"):gsub("\n", "")
      assert.is_true(lines <= 150, lines .. " lines")
   end)

   local function no_dead_links(pages)
      for _, path in ipairs(pages) do
         local folder = path:match("^(.*/)") or ""
         for link in prose(text_of(path)):gmatch("%]%(([^)%s]+)%)") do
            if not link:find("^%a+://") then
               local file, part = link:match("^([^#]*)#?(.*)$")
               local target = file == "" and path or folder .. file
               local up
               repeat
                  target, up = target:gsub("[^/.]+/%.%./", "", 1)
               until up == 0
               assert.truthy(io.open(target), path .. ": " .. link)
               if part ~= "" then
                  assert.truthy(anchors(text_of(target))[part], path .. ": no such heading: " .. link)
               end
            end
         end
      end
   end

   it("has no link that leads nowhere", function()
      no_dead_links(PAGES)
      no_dead_links(EXAMPLES)
   end)

   it("leads from the README to every page", function()
      local readme = text_of("README.md")
      for _, path in ipairs(PAGES) do
         assert.truthy(path == "README.md" or readme:find("](" .. path, 1, true), path)
      end
   end)

   it("names files that are there", function()
      for _, path in ipairs(PAGES) do
         for name in text_of(path):gmatch("%f[%w/]([%w]+/[%w_/]+%.%l+)%f[^%w_]") do
            if name:find("^src/") or name:find("^spec/") or name:find("^examples/") or name:find("^bench/") then
               assert.truthy(name:find("NAME", 1, true) or io.open(name), path .. ": " .. name)
            end
         end
      end
   end)
end)

describe("wms-config(5) #once", function()
   --- The names that a file of settings may have, as the complaint about another one lists them.
   local function known(text)
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      local _, message = require("wms.config").read(path)
      os.remove(path)
      local names = {}
      for name in message:match("; use ([%l_, ]+)$"):gmatch("[%l_]+") do
         names[#names + 1] = name
      end
      return names
   end

   it("has every setting, and no other", function()
      local names = known("return { nonsense = {} }")
      for _, name in ipairs(known("return { defaults = { nonsense = 1 } }")) do
         names[#names + 1] = name
      end
      local told = {}
      for name in text_of("docs/man/wms-config.5"):gmatch("\n%.It Li ([%l_]+)\n") do
         told[#told + 1] = name
      end
      assert.same(sorted(names), sorted(told))
   end)

   it("has an example that is right", function()
      local example = text_of("docs/man/wms-config.5"):match("\n%.Bd %-literal\n(.-)\n%.Ed\n")
      example = example:gsub("   hosts = [^\n]+\n", ""):gsub("   inventories = [^\n]+\n", "") -- files that are not there
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(example)
      file:close()
      local settings, message = require("wms.config").load(path)
      os.remove(path)
      assert.is_table(settings, message)
      kit.reset()
   end)
end)

describe("a table of the reference #once", function()
   it("has every function, and no other", function()
      local told = {}
      for _, text in ipairs(rows("docs/lua.md", "| function | does |")) do
         told[assert(text:match("^wms%.([%l_]+)"), text)] = true
      end
      local there = {}
      for name, value in pairs(wms) do
         there[name] = type(value) == "function" or nil
      end
      assert.same(there, told)
   end)

   it("has every function that stands for a cmdlet in the README as well", function()
      local _, functions = text_of("README.md"):gsub("\n| `%u%l+%-WmsSession` | `wms%.", "")
      assert.equal(5, functions)
   end)

   it("has every option, and no other", function()
      local told = {}
      for _, header in ipairs{ "| option | value | default |", "| option | of |", "| option of `wms.watch` | |" } do
         for _, name in ipairs(rows("docs/lua.md", header)) do
            told[#told + 1] = name
         end
      end
      assert.same(sorted(macro("src/lua/lwms.h", "OPTIONS", 'X%([%u_]+, "([%l_]+)",')), sorted(told))
   end)

   it("has every state, and no other", function()
      assert.same(sorted(macro(HEADER, "WMS_STATES", 'X%([%u_]+, "(%l+)"%)')),
         sorted(rows("docs/lua.md", "| state | means |")))
   end)

   it("has every kind of event, and no other", function()
      assert.same(sorted(macro(HEADER, "WMS_EVENTS", 'X%([%u_]+, "(%l+)"%)')),
         sorted(rows("docs/lua.md", "| kind | what has happened |")))
   end)

   it("has every error code, and no other", function()
      local told = rows("docs/lua.md", "| code | means | what to do |")
      assert.same(sorted(macro(HEADER, "WMS_ERRORS", "X%(([%u_]+), %-%d+")), sorted(told))
   end)

   it("has every property of a session, and no other", function()
      local there = { "session_id", "server", "station_id" }
      for part in text_of(HEADER):gmatch("\n#define (WMS_SESSION_%u+_%d)%(X%)") do
         for _, name in ipairs(macro(HEADER, part, 'X%([%l_]+, "([%l_]+)"%)')) do
            there[#there + 1] = name
         end
      end
      assert.same(sorted(there), sorted(rows("docs/lua.md", "| property | |")))
   end)

   it("has every option of wms.keep, and every kind of report", function()
      local told = set(rows("docs/keep.md", "| option of `wms.keep` | |"))
      local _, message = pcall(require "wms.keep", { nonsense = 1 })
      for name in message:match("; use ([%l_, ]+)"):gmatch("[%l_]+") do
         assert.truthy(told[name], name)
      end
      local kinds = {}
      for kind in text_of("lua/wms/keep/report.lua"):match("\nlocal TEXTS = (%b{})"):gmatch("\n   ([%l_]+) = function") do
         kinds[#kinds + 1] = kind
      end
      assert.same(sorted(kinds), sorted(rows("docs/keep.md", "| report | when, and what else is in it |")))
   end)

   it("has every option of a bind", function()
      local told = set(rows("docs/hosts-multipoint.md", "| option of `wms.bind` | |"))
      for _, name in ipairs(rows("docs/hosts-veyon.md", "| option of `wms.bind` | |")) do
         told[name] = true
      end
      local _, message = pcall(wms.bind, { nonsense = 1 })
      for name in message:match("; use ([%l_, ]+)"):gmatch("[%l_]+") do
         assert.truthy(told[name], name)
      end
   end)
end)
