-- SPDX-License-Identifier: MIT
--- Which specs could notice that a line of src is broken: by the file's folder, the likeliest ones first.  A spec that is
--- not named here belongs to the folders whose word its name begins with, and else to the ground that all hosts stand on.
local specs = {}

-- What they say does not depend on a line of src, or takes minutes and says nothing that others do not say.
local NEVER = { "^build$", "^examples$", "^isolation$", "^mutants" }

-- First words of names, and what they belong to.
local KINDS = {
   { "multipoint", "multipoint" }, { "bind$", "multipoint" }, { "wtsapi", "wtsapi" }, { "wts", "wts" },
   { "logind", "logind" }, { "locker", "logind" }, { "ssh", "logind" },
}

-- By folder or file: kinds of specs in the order in which they are run, after the names that come first.
local TABLE = {
   ["src/core/"] = { first = "unit memory callback request provider call misuse",
      "ground", "multipoint", "wts", "wtsapi", "logind" },
   ["src/core/bindfile.c"] = { first = "unit bindings multipoint_secrets bind", "ground", "multipoint" },
   ["src/core/binding.c"] = { first = "unit bindings bind multipoint_identity", "ground", "multipoint" },
   ["src/core/record.c"] = { first = "unit bindings call multipoint_secrets", "ground", "multipoint" },
   ["src/core/value.c"] = { first = "unit call bindings", "ground", "multipoint" },
   ["src/core/target.c"] = { first = "unit names misuse memory", "ground", "multipoint", "wts", "logind" },
   ["src/core/blocking.c"] = { first = "blocking fork threads", "ground", "wts" },
   ["src/core/loop.c"] = { first = "request loops memory provider", "ground", "multipoint", "wts", "logind" },
   ["src/memory/"] = { first = "memory callback request", "ground" },
   ["src/lua/"] = { first = "misuse memory callback call bindings request", "ground", "multipoint" },
   ["src/multipoint/"] = {
      first = "multipoint multipoint_call multipoint_answers multipoint_faults multipoint_trust bind multipoint_text "
         .. "multipoint_validity multipoint_secrets multipoint_wire",
      "multipoint" },
   ["src/logind/"] = { first = "logind_odd logind_ids logind_room", "logind", last = "fork stress lifetime loops oom" },
   ["src/wts/"] = { first = "wts_odd wts_fork wts_oom", "wts" },
   ["src/wtsapi/"] = { first = "wtsapi_answers wtsapi_multipoint", "wtsapi", "wts" },
}

local function words(text)
   local list = {}
   for word in (text or ""):gmatch("%S+") do
      list[#list + 1] = word
   end
   return list
end

local function kind_of(name)
   for _, pattern in ipairs(NEVER) do
      if name:find(pattern) then
         return nil
      end
   end
   for _, kind in ipairs(KINDS) do
      if name:find("^" .. kind[1]) then
         return kind[2]
      end
   end
   return "ground"
end

--- The names of the specs for a file, in order; `all` is a list of what there is: "memory" is spec/memory_spec.lua.  What
-- `named` has, a text of names, is among them wherever it belongs.
function specs.of(file, all, named)
   local row = TABLE[file] or TABLE[file:match("^.*/")] or { "ground" }
   local here, list, seen = {}, {}, {}
   for _, name in ipairs(all) do
      here[name] = true
   end
   local function add(name)
      if here[name] and not seen[name] then
         seen[name] = true
         list[#list + 1] = name
      end
   end
   for _, name in ipairs(words(named)) do
      add(name)
   end
   for _, name in ipairs(words(row.first)) do
      add(name)
   end
   for _, kind in ipairs(row) do
      for _, name in ipairs(all) do
         if kind_of(name) == kind then
            add(name)
         end
      end
   end
   for _, name in ipairs(words(row.last)) do
      add(name)
   end
   return list
end

-- Specs that start programs which have the engine in them say so in one of these ways; all others need the modules alone.
local PROGRAMS = { "process%.program", "support%.wtsapi", "/examples", "wtsapi%.missing", "spec/[a-z_]+'" }

--- Whether a spec of that text needs more than what `make all` makes.
function specs.needs_programs(text)
   for _, pattern in ipairs(PROGRAMS) do
      if text:find(pattern) then
         return true
      end
   end
   return false
end

return specs
