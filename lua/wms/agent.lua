-- SPDX-License-Identifier: MIT
--- Hosts that serve themselves on NATS, and wishes for them: how a room is to be, which each host keeps without the machine
--- that asked.
---
---     local agent = require "wms.agent"
---     -- on each host (`wms agent` does it):
---     assert(agent.serve{ policy = { alice = { "sessions", "lock", "unlock" } } }):run()
---     -- on the teacher's machine:
---     assert(agent.wish{ server = "@room1", locked = true, message = "Exam", until_time = "11:30", restore = true })
---     assert(agent.end_wish "@room1")
---
--- docs/hosts-nats.md describes it, docs/district.md how it is set up.
local Agent = require "wms.agent.serving"
local room = require "wms.agent.room"
local settings = require "wms.agent.settings"
local wishes = require "wms.agent.wishes"
local wms = require "wms"

local agent = {}

local SERVE = { "host", "server", "policy", "beat", "file", "on_report" }

--- Raises misuse that was found deeper for whoever has called the function.
local function raising(fun, ...)
   local results = { pcall(fun, ...) }
   if not results[1] then
      local why = results[2]
      error(type(why) == "table" and why.misuse or why, type(why) == "table" and 3 or 0)
   end
   return (table.unpack or unpack)(results, 2, 4) -- luacheck: ignore 113 143
end

local function misuse(format, ...)
   error({ misuse = ("bad argument #1 to 'serve' (%s)"):format(format:format(...)) }, 0)
end

local function check_text(given, name)
   local value = given[name]
   if value ~= nil and (type(value) ~= "string" or value == "" or value:find("%z")) then
      misuse("%s: %s; give a text", name, type(value) == "string" and "empty, or with a NUL in it" or "a " .. type(value))
   end
end

--- Who may do what: { NAME = { VERB, … }, ["*"] = … }.
local function check_policy(policy)
   if type(policy) ~= "table" then
      misuse('policy: %s; give who may do what, such as { alice = { "sessions", "lock" } }',
         policy == nil and "missing" or "a " .. type(policy))
   end
   for who, verbs in pairs(policy) do
      if type(who) ~= "string" or not (who == "*" or who:find("^[%w_-]+$")) then
         misuse('policy: %s: no name; give those of letters, digits, "-" and "_", or "*" for everybody', tostring(who))
      elseif type(verbs) ~= "table" then
         misuse('policy: %s: a %s; give a list of what is allowed, such as { "sessions", "lock" }', who, type(verbs))
      end
      for _, verb in ipairs(verbs) do
         if type(verb) ~= "string" then
            misuse("policy: %s: a %s in the list; give names of verbs", who, type(verb))
         end
      end
   end
end

local function read(given)
   if type(given) ~= "table" then
      misuse("%s; give a table of options", given == nil and "nothing" or "a " .. type(given))
   end
   local known = {}
   for _, name in ipairs(SERVE) do
      known[name] = true
   end
   for name in pairs(given) do
      if not known[name] then
         misuse("%s: no such option; use %s", tostring(name), table.concat(SERVE, ", "))
      end
   end
   for _, name in ipairs{ "host", "server", "file" } do
      check_text(given, name)
   end
   check_policy(given.policy)
   if given.on_report ~= nil and type(given.on_report) ~= "function" then
      misuse("on_report: a %s; give a function", type(given.on_report))
   end
   local host = (given.host or settings.own_name()):lower()
   if not host:find("^%w[%w.-]*$") then
      misuse("host: %s is no host's name; give one of letters, digits, '-' and '.'", host)
   end
   return { host = host, server = given.server or "logind://", policy = given.policy, beat = given.beat, file = given.file,
      on_report = given.on_report or function() end }
end

--- Begins to serve; returns the agent at once, or nil, message, err.  Raises misuse.
---@param options wms.AgentOptions
---@return wms.Agent? agent
---@return string? message
---@return wms.Error? err
function agent.serve(options)
   return raising(function()
      local plan = read(options)
      return wishes.checked("serve", Agent.new, plan)
   end)
end

--- Wishes how hosts are to be, whatever was wished before.
---@param options wms.WishOptions
---@return wms.Outcome[]? outcomes one for each host: the store has it
---@return string? message
---@return wms.Error? err
function agent.wish(options)
   return raising(function() return wishes.checked("wish", wms.call, wishes.put(options)) end)
end

--- Takes wishes back: each host puts back what it has changed, if the wish had `restore`.
---@param options table|string|string[] servers, or a table with them
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function agent.end_wish(options)
   return raising(function() return wishes.checked("end_wish", wms.call, wishes.delete(options)) end)
end

--- How hosts are wished to be, and how they are.
---@param options table|string|string[] servers, or a table with them
---@return wms.RoomRow[]? rows
---@return string? message
---@return wms.Error? err
function agent.status(options)
   return raising(function()
      local given = type(options) == "table" and options[1] == nil and options or { server = options }
      return room.status{ server = given.server or given.computer_name or given.servers or "localhost",
         timeout = given.timeout, concurrency = given.concurrency }
   end)
end

--- Makes the store for presence and wishes on the NATS servers; what is there already stays.
---@param options? { replicas?: integer, timeout?: number }
---@return true? done
---@return string? message
---@return wms.Error? err
function agent.prepare(options)
   return raising(function()
      local given = options or {}
      local made, message, err = wishes.checked("prepare", wms.call, { server = "nats://localhost", interface = "store",
         operation = "prepare", arguments = { replicas = given.replicas }, timeout = given.timeout })
      return made and true or nil, message, err
   end)
end

return agent
