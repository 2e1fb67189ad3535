-- SPDX-License-Identifier: MIT
--- The settings of a host's agent, a file that returns a table:
---
---     return {
---        nats = { servers = { "tls://nats1.school.example:4222" }, nkey = "agent.nk", tls = { ca = "ca.pem" } },
---        policy = { alice = { "sessions", "lock", "unlock", "message" }, ["*"] = { "sessions" } },
---        host = "lab01.school.example",               -- this machine's name, if it is not given
---        server = "logind://",                        -- whose sessions they are
---     }
---
--- It is read with nothing of Lua's at hand.  Paths in it are beside it, unless they begin with a slash.
local files = require "wms.files"

local settings = {}

settings.PATH = "/etc/wms/agent.lua"

local FIELDS = { "nats", "policy", "host", "server", "beat" }
local PATHS = { "nkey", "credentials", "password_file" }
local TLS_PATHS = { "ca", "certificate", "key" }

--- This machine's name, as it calls itself.
function settings.own_name()
   local file = io.open "/proc/sys/kernel/hostname"
   local name = file and file:read("*l")
   if file then
      file:close()
   end
   return name or "localhost"
end

local function list_of(names)
   return table.concat(names, ", ")
end

--- A copy, with the paths of these fields beside the file.
local function with_paths(given, names, path)
   local copy = {}
   for name, value in pairs(given) do
      copy[name] = value
   end
   for _, name in ipairs(names) do
      copy[name] = type(copy[name]) == "string" and files.beside(path, copy[name]) or copy[name]
   end
   return copy
end

--- A table `nats` in which paths are beside the file that has it, unless they begin with a slash.
function settings.beside(nats, path)
   nats = with_paths(nats, PATHS, path)
   nats.tls = type(nats.tls) == "table" and with_paths(nats.tls, TLS_PATHS, path) or nats.tls
   return nats
end

--- Reads a file of settings.
---@param path? string
---@return table? settings
---@return string? message the file, and what is wrong with it
function settings.read(path)
   path = path or settings.PATH
   local text, why = files.read(path)
   if not text then
      return nil, why
   end
   local given
   given, why = files.evaluate(text, path)
   if type(given) ~= "table" then
      return nil, why or ("%s: it returns a %s; return a table, as in `return { policy = {} }`"):format(path, type(given))
   end
   local known = {}
   for _, name in ipairs(FIELDS) do
      known[name] = true
   end
   for name in pairs(given) do
      if not known[name] then
         return nil, ("%s: %s: no such field; use %s"):format(path, tostring(name), list_of(FIELDS))
      end
   end
   if type(given.nats) ~= "table" then
      return nil, ("%s: nats: %s; give the servers and this host's key, as { servers = { \"tls://HOST:4222\" }, "
         .. "nkey = \"agent.nk\" }"):format(path, given.nats == nil and "missing" or "a " .. type(given.nats))
   end
   given.nats = settings.beside(given.nats, path)
   given.path = path
   return given
end

-- ---- a new file --------------------------------------------------------------------------------------------------------

local HEAD = [[
-- What this host does on NATS, and for whom: see "wms agent" in wms(1) and docs/hosts-nats.md.
return {
%s}
]]

local function quoted(text)
   return ("%q"):format(text)
end

--- A name as a key of a table.
local function key_of(name)
   local compile = loadstring or load -- luacheck: ignore 113
   local is_word = name:find("^[%a_][%w_]*$") and compile(("return { %s = 1 }"):format(name)) -- and none of Lua's own
   return is_word and name or ("[%s]"):format(quoted(name))
end

local function list_text(names)
   local parts = {}
   for i, name in ipairs(names) do
      parts[i] = quoted(name)
   end
   return "{ " .. table.concat(parts, ", ") .. " }"
end

--- The text of a file: { host =, servers = (a list of URLs), nkey =, ca =, allow = (a list of { WHO, { VERB, … } }) }.
function settings.text(made)
   local lines = { ("   host = %s,"):format(quoted(made.host)), ("   nats = { servers = %s, nkey = %s%s },"):format(
      list_text(made.servers), quoted(made.nkey), made.ca and (", tls = { ca = %s }"):format(quoted(made.ca)) or "") }
   lines[#lines + 1] = "   policy = {"
   for _, pair in ipairs(made.allow or {}) do
      lines[#lines + 1] = ("      %s = %s,"):format(key_of(pair[1]), list_text(pair[2]))
   end
   if #(made.allow or {}) == 0 then
      lines[#lines + 1] = "      -- alice = { \"sessions\", \"lock\", \"unlock\", \"message\" },"
   end
   lines[#lines + 1] = "   },"
   return HEAD:format(table.concat(lines, "\n") .. "\n")
end

return settings
