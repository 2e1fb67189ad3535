-- SPDX-License-Identifier: MIT
--- No circles between the files of a folder, but for those that are named here: by the names that an object takes from
-- another one, and by what a file includes.
local process = require "spec.support.process"

local build = os.getenv("WMS_BUILD") or "build"

--- How many files may need each other, all of them in a circle.  In the core: item, select, verify, warning, waking,
--- errand, which are one state machine; engine, request, settle, watch, watched, since requests and watches keep their
--- engine; binding, link.  In nats: the parts of an agent, which have one header
--- (serving.h), and of the connection, which have another one (carrier.h).
local ALLOWED = { core = 6, memory = 0, multipoint = 2, net = 0, veyon = 0, nats = 11, lua = 0, logind = 0, wts = 0,
   wtsapi = 0 }

local function lines(command)
   return process.run(command):gmatch("[^\n]+")
end

local function link(graph, from, to)
   if from ~= to then
      graph[from] = graph[from] or {}
      graph[from][to] = true
   end
end

--- What each file of a folder takes from the others.
local function by_names(folder, graph)
   local objects = folder == "lua" and build .. "/5.4/obj" or build .. "/obj/" .. folder
   local defined, wanted = {}, {}
   -- Of the sources that there are: an object may have outlived its own.
   local command = "for source in src/%s/*.c; do nm -A %s/$(basename $source .c).o; done"
   for line in lines(command:format(folder, objects)) do
      local file, kind, name = line:match("([%w_]+)%.o:.*%s(%a) (%S+)$")
      if kind == "U" then
         wanted[#wanted + 1] = { file, name }
      elseif kind and kind:find("[TDRBVW]") then
         defined[name] = file
      end
   end
   for _, want in ipairs(wanted) do
      local file = defined[want[2]]
      if file then
         link(graph, want[1], file)
      end
   end
end

local function by_includes(folder, graph)
   for line in lines(([[grep -E '^#include "' src/%s/*.c src/%s/*.h]]):format(folder, folder)) do
      local file, included = line:match("([%w_]+)%.[ch]:#include \"(.*)%.h\"")
      local of, name = included:match("^(.*)/(.*)$")
      if not of or of == folder then
         link(graph, file, name or included)
      end
   end
end

--- Sets of files each of which leads to all others of its set: Tarjan's algorithm.
local function circles(graph)
   local index, low, stack, on, list, count = {}, {}, {}, {}, {}, 0
   local function visit(node)
      count = count + 1
      index[node], low[node] = count, count
      stack[#stack + 1], on[node] = node, true
      for other in pairs(graph[node] or {}) do
         if not index[other] then
            visit(other)
            low[node] = math.min(low[node], low[other])
         elseif on[other] then
            low[node] = math.min(low[node], index[other])
         end
      end
      if low[node] == index[node] then
         local set = {}
         repeat
            local other = table.remove(stack)
            on[other] = nil
            set[#set + 1] = other
         until other == node
         table.sort(set)
         list[#list + 1] = #set > 1 and set or nil
      end
   end
   for node in pairs(graph) do
      if not index[node] then
         visit(node)
      end
   end
   return list
end

describe("the files of #once", function()
   it("the search finds circles", function()
      local found = circles{ a = { b = true }, b = { c = true, d = true }, c = { a = true }, d = { e = true }, e = {} }
      assert.same({ { "a", "b", "c" } }, found)
   end)

   for folder, most in pairs(ALLOWED) do
      it(("%s are in circles of at most %d"):format(folder, most), function()
         local graph = {}
         by_names(folder, graph)
         by_includes(folder, graph)
         assert.is_truthy(next(graph))
         for _, set in ipairs(circles(graph)) do
            assert.is_true(#set <= most, table.concat(set, ", "))
         end
      end)
   end
end)
