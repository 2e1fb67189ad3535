-- SPDX-License-Identifier: MIT
--- The settings of a school in a file: groups of servers, and defaults.  A script reads it when it wants to; wms itself
--- never does.
---
--- The file is a Lua table, with no functions at hand:
---
---     return {
---        groups = { room1 = "lab[01-30].school.example", room2 = { "@room1", "!lab07.school.example" } },
---        hosts = { room3 = "room3.txt" },             -- lists of hosts; beside this file
---        inventories = { "ansible.json" },            -- what `ansible-inventory --list` has printed
---        wake = { ["lab01.school.example"] = { mac = "00:11:22:33:44:55", network = "10.1.255.255" } },
---        nats = { servers = "nats://nats1.school.example:4222", name = "alice", nkey = "/etc/wms/alice.nk" },
---        defaults = { timeout = 10, concurrency = 64, verify = 3, retries = 2 },
---     }
---
---     local config = require "wms.config"
---     local settings = assert(config.load())
---     local client = wms.new(settings.client)
---     client:unlock_all{ server = "@room1" }
local wms = require "wms"
local files = require "wms.files"

local config = {}

--- What a file of settings says.
---@class wms.Settings
---@field path? string the file; nil: there was none
---@field groups table<string, string|string[]> for wms.configure
---@field configure table other options for wms.configure
---@field client table options for wms.new

-- What `defaults` may have: the options of wms.configure, and the others, which are those of wms.new.
local FOR_CONFIGURE = { "timeout", "deadline", "concurrency", "connections", "answer_size", "proxy", "ssh_command" }
local FOR_CLIENT = { "verify", "stable", "retries", "on_error" }
local FIELDS = { "groups", "hosts", "inventories", "wake", "nats", "defaults" }

local function set(list)
   local keys = {}
   for _, name in ipairs(list) do
      keys[name] = true
   end
   return keys
end

--- Where the file is looked for: `$XDG_CONFIG_HOME/wms/config.lua` (or `~/.config/wms/config.lua`), then
--- `/etc/wms/config.lua`.  The first that is there counts, also one that may not be read, which is an error.
---@return string[]
function config.paths()
   local home = os.getenv("XDG_CONFIG_HOME")
   if not home or home:sub(1, 1) ~= "/" then
      home = os.getenv("HOME")
      home = home and home:sub(1, 1) == "/" and home .. "/.config" or nil
   end
   local paths = { "/etc/wms/config.lua" }
   if home then
      table.insert(paths, 1, home .. "/wms/config.lua")
   end
   return paths
end

local ENOENT, ENOTDIR = 2, 20

--- One that cannot be read is there: the next one would not say what the first one does.
local function is_there(path)
   local file, _, code = io.open(path, "rb")
   if file then
      file:close()
   end
   return file ~= nil or not (code == ENOENT or code == ENOTDIR)
end

--- A table by names, or nothing.
local function table_of(settings, field)
   local value = settings[field]
   if value ~= nil and type(value) ~= "table" then
      return nil, ("%s: a %s; give a table"):format(field, type(value))
   end
   return value or {}
end

--- The groups of the file, and of those that it names.
local function gather_groups(settings, path)
   local groups = {}
   local function add(name, members, whence)
      if groups[name] ~= nil then
         return ("%s: there is a group '%s' already; leave one of them out"):format(whence, tostring(name))
      end
      groups[name] = members
      return nil
   end

   for name, members in pairs(settings.groups) do
      groups[name] = members
   end
   for name, file in pairs(settings.hosts) do
      if type(file) ~= "string" then
         return nil, ("hosts: %s: a %s; give the path of a list of hosts"):format(tostring(name), type(file))
      end
      local list, why = require("wms.inventory").load_hosts(files.beside(path, file))
      why = not list and why or add(name, list, "hosts")
      if why then
         return nil, why
      end
   end
   for _, file in ipairs(settings.inventories) do
      if type(file) ~= "string" then
         return nil, ("inventories: a %s; give the path of what `ansible-inventory --list` has printed"):format(type(file))
      end
      local where = files.beside(path, file)
      local text, why = files.read(where)
      local found
      if text then
         found, why = require("wms.inventory").ansible(text)
         why = not found and where .. ": " .. why or nil
      end
      for name, members in pairs(found or {}) do
         why = why or add(name, members, where)
      end
      if why then
         return nil, why
      end
   end
   return groups
end

--- Splits `defaults` into what wms.configure and what wms.new take.
local function split_defaults(defaults)
   local for_configure, for_client = set(FOR_CONFIGURE), set(FOR_CLIENT)
   local configure, client = {}, {}
   for name, value in pairs(defaults) do
      if for_configure[name] then
         configure[name] = value
      elseif for_client[name] then
         client[name] = value
      else
         return nil, ("defaults: %s: no such option; use %s, %s"):format(tostring(name), table.concat(FOR_CONFIGURE, ", "),
            table.concat(FOR_CLIENT, ", "))
      end
   end
   return configure, client
end

--- Reads a file of settings and changes nothing.
---@param path? string the first of `config.paths()` that is there, if it is not given
---@return wms.Settings? settings without a file: empty ones
---@return string? message the file, and what is wrong with it
function config.read(path)
   local given = path ~= nil
   for _, candidate in ipairs(config.paths()) do
      path = path or (is_there(candidate) and candidate or nil)
   end
   if not given and not path then
      return { groups = {}, configure = {}, client = {} }
   end
   local text, why = files.read(path)
   if not text then
      return nil, why
   end
   local settings
   settings, why = files.evaluate(text, path)
   if type(settings) ~= "table" then
      return nil, why or ("%s: it returns a %s; return a table, as in `return { groups = {} }`"):format(path,
         type(settings))
   end
   local known, parts = set(FIELDS), {}
   for name in pairs(settings) do
      if not known[name] then
         return nil, ("%s: %s: no such field; use %s"):format(path, tostring(name), table.concat(FIELDS, ", "))
      end
   end
   for _, name in ipairs(FIELDS) do
      parts[name], why = table_of(settings, name)
      if not parts[name] then
         return nil, path .. ": " .. why
      end
   end
   local groups, configure, client
   groups, why = gather_groups(parts, path)
   if not groups then
      return nil, path .. ": " .. why
   end
   configure, client = split_defaults(parts.defaults)
   if not configure then
      return nil, path .. ": " .. client
   end
   configure.wake = next(parts.wake) ~= nil and parts.wake or nil
   configure.nats = next(parts.nats) ~= nil and require("wms.agent.settings").beside(parts.nats, path) or nil
   return { path = path, groups = groups, configure = configure, client = client }
end

--- Reads a file of settings, defines its groups, in place of all others, and sets its defaults.
---@param path? string as for `config.read`
---@return wms.Settings? settings `client` is for wms.new
---@return string? message the file, and what is wrong with it; nothing is changed then
function config.load(path)
   local settings, why = config.read(path)
   if not settings then
      return nil, why
   end
   local options = { groups = settings.groups }
   for name, value in pairs(settings.configure) do
      options[name] = value
   end
   local fine, fault = pcall(function()
      wms.new(settings.client)
      wms.configure(options)
   end)
   if not fine then
      fault = tostring(fault):match("bad argument #1 to '%w+' %((.*)%)$") or tostring(fault)
      return nil, (settings.path and settings.path .. ": " or "") .. fault
   end
   return settings
end

return config
