-- SPDX-License-Identifier: MIT
--- What a command line means: one call of the module.
---
--- A plan:
---    command   the row of wms.cli.commands
---    call      the name of the module's function
---    options   its options in order: { name, value }, where a value may be a literal.source
---    servers   what was given as servers; empty: nothing
---    ids       those of sessions that were given, as words
---    lasting   of a command that lasts: { events = (a list of kinds, or nil), count =, during = }
---    chosen    { where =, except = }, each nil or a list of conditions: { name, value, option = (that gave it) }
local commands = require "wms.cli.commands"
local literal = require "wms.cli.literal"

local plan = {}

local NO_HOSTS = "no hosts; give them as -s HOST (-s localhost is this machine)"

local function in_quotes(flag)
   return function(list)
      return ("put the text in quotes, and give %s \"%s\""):format(flag, table.concat(list, " "))
   end
end

local function by_comma(list)
   return "users are given as -u " .. table.concat(list, ",")
end

local function warned(list)
   return in_quotes("--warn " .. table.remove(list, 1))(list)
end

-- By flag: what to say of words that stand behind its value.
local MEANT = { ["-m"] = in_quotes("-m"), ["--message"] = in_quotes("-m"), ["--title"] = in_quotes("--title"),
   ["--warn"] = warned, ["-u"] = by_comma, ["--user"] = by_comma }

local function add(made, name, value)
   made.options[#made.options + 1] = { name, value }
end

--- The words from `first` on up to the next flag.
local function plain_words(words, first)
   local list = {}
   while words[first] and words[first]:sub(1, 1) ~= "-" do
      list[#list + 1], first = words[first], first + 1
   end
   return list
end

--- What an option was meant to have, as it is to be given, where the word stands behind its value; nil: it does not.
local function meant_value(words, item)
   local flag, list, at
   for i, word in ipairs(words) do
      if word == item and flag and i > at then
         return MEANT[flag](list)
      elseif word:sub(1, 1) == "-" then
         local name, value = word:match("^(%-%-[^=]+)=(.*)$")
         flag = name or word
         list, at = plain_words(words, i + 1), i + (flag == "--warn" and 2 or name and 0 or 1)
         if value then
            table.insert(list, 1, value)
         end
         flag = MEANT[flag] and flag or nil
      end
   end
   return nil
end

--- What is wrong with a word that is no id, and what to give.
local function no_id(command, given, item)
   if command.entry then
      return require("wms.cli.multipoint.plan").no_id(command, item)
   elseif command.actions then
      return ("'%s' is no @GROUP; give hosts as -s %s"):format(item, item)
   end
   local value = meant_value(given.words or {}, item)
   if item == "all" or item == "" then
      return ("'%s' is no id; give --all for all sessions, or ids as 'wms list' shows them"):format(item)
   elseif value then
      return ("'%s' is no id; %s"):format(item, value)
   elseif commands.has(command, "message") and not given.message
      and (item:find("%s") or given.all or given.user or given.where) then
      return ("'%s' is no id; give -m \"%s\""):format(item, item)
   elseif item:find("^[%w_-]+$") then
      return ("%s is no id: hosts are named by -s %s, users by -u %s; give one of them, or --all"):format(item, item, item)
   end
   return ("'%s' is no id; give --all for all, and hosts as -s HOST"):format(item)
end

--- Whether a word may be an id of what a command is about.
local function is_id(command, word)
   if command.entry then
      return command.entry.fun.on and word:find("^%d+$")
   end
   return word == "self" or word:find("^c?%d+$")
end

--- Servers stand behind -s, or where ids stand and begin with @ or !@.
local function gather(command, given)
   local servers, ids = {}, {}
   for _, list in ipairs{ given.server or {}, given.servers or {} } do
      for _, item in ipairs(list) do
         servers[#servers + 1] = item
      end
   end
   for _, item in ipairs(given.servers or {}) do
      if item:find("^%d+$") then
         return nil, ("SERVER: '%s' is no host's name; give %s"):format(item,
            commands.has(command, "id") and "a session's id as --id " .. item or "a host, such as localhost")
      end
   end
   for _, item in ipairs(given.ids or given.id or {}) do
      if item:find("^!?@") then
         servers[#servers + 1] = item
      else
         for id in (item .. ","):gmatch("(.-),") do
            if not is_id(command, id) then
               return nil, (command.entry and "" or "ID: ") .. no_id(command, given, item)
            end
            ids[#ids + 1] = id
         end
      end
   end
   return servers, ids
end

--- Which sessions: the options of the module that say so.
local function add_sessions(made, command, given, ids)
   local chosen = #(given.user or {}) + #(given.where or {}) > 0
   local excepted = #(given.except or {}) > 0
   for _, id in ipairs(ids) do
      if id == "self" and #ids > 1 then
         return "'self' cannot be combined with ids of sessions; give one of them"
      end
   end
   if #ids > 0 and given.self then
      return "--self cannot be combined with ids of sessions; give one of them"
   elseif #ids > 0 or given.self then
      if given.all or chosen or excepted then
         local other = given.all and "--all" or #(given.user or {}) > 0 and "--user" or chosen and "--where" or "--except"
         return ("%s cannot be combined with %s; give one of them"):format(other,
            given.self and "--self" or "ids of sessions")
      end
      made.call = command.call
      add(made, "session_ids", given.self and "self" or #ids == 1 and ids[1] or ids)
      return nil
   end
   if not (command.listing or given.all or chosen) then
      return excepted and "--except takes from all; give --all, too"
         or "no sessions; give their ids ('wms list' shows them), --all, -u NAME, or --where"
   end
   made.call = command.listing and command.call or command.call .. "_all"
   made.all = true
   local timed = given.activity
   local lists = { where = {}, except = {} }
   for name, list in pairs(lists) do
      for _, condition in ipairs(given[name] or {}) do
         list[#list + 1] = { condition[1], condition[2], option = name }
      end
   end
   for _, name in ipairs(given.user or {}) do
      table.insert(lists.where, { "user", name, option = "user" })
   end
   for name, list in pairs(lists) do
      if #list > 0 then
         made.chosen[name] = list
         local source, more = require("wms.cli.choose")[name](list)
         if not source then
            return ("--%s: %s"):format(name, more)
         end
         made[name] = source
         timed = timed or more
         if more and command.lasts then
            return ("--%s: idle: nothing tells when that changes; leave it out"):format(name)
         end
      end
   end
   for _, name in ipairs{ "where", "except" } do
      if made[name] then
         add(made, name, made[name])
      end
   end
   if timed then
      add(made, "activity", true)
   end
   return nil
end

--- The arguments of `wms call`.
local function add_call(made, given)
   add(made, "interface", given.interface)
   add(made, "operation", given.operation)
   local arguments = {}
   for _, pair in ipairs(given.values) do
      if arguments[pair[1]] ~= nil then
         return ("%s is given twice; leave one of them out"):format(pair[1])
      end
      arguments[pair[1]] = pair[2]
   end
   if next(arguments) ~= nil then
      add(made, "arguments", arguments)
   end
   return nil
end

local function missing(command, given, servers)
   for _, name in ipairs(command.required or {}) do
      local option = commands.options[name]
      if name == "server" and #servers == 0 then
         local may_be_here = command.target == "servers" and command.call ~= "bind" and command.call ~= "call"
         return may_be_here and not command.entry and NO_HOSTS or "no hosts; give them as -s HOST"
      elseif name ~= "server" and given[name] == nil and given[(command.instead or {})[name]] == nil then
         local other = commands.options[(command.instead or {})[name]]
         return ("%s is missing; give %s %s%s"):format(option.flags:match("%-%-%S+"), option.flags:match("^%S+"),
            option.value, other and (", or %s %s for Veyon hosts"):format(other.flags, other.value) or "")
      end
   end
   return nil
end

--- The plan for a command with what was given (`words`: the command line as it stands, if that is known); or nil, and what
--- is wrong.  `place`: a function that tells where servers are, for those that were given.
function plan.make(command, given, place)
   local servers, ids = gather(command, given)
   if not servers then
      return nil, ids
   end
   servers = place and place(servers) or servers
   local made = { command = command, call = command.call, options = {}, servers = servers, ids = ids, chosen = {},
      lasting = { events = #(given.event or {}) > 0 and given.event or nil, count = given.count, during = given.during } }
   if #servers > 0 then
      local as_list = #servers > 1 or command.call == "bind" or command.call == "call"
         or command.entry -- which have outcomes then
      add(made, "server", as_list and servers or servers[1])
   end
   local why = missing(command, given, servers)
   if command.entry and not commands.has(command, "where") then
      local more = require("wms.cli.multipoint.plan").complete(made, command, given, ids)
      why = why and more and why .. "; " .. more or why or more
   elseif command.target == "sessions" then
      local more = add_sessions(made, command, given, ids)
      why = why and more and why .. "; " .. more or why or more
      if command.entry and not why then
         why = require("wms.cli.multipoint.plan").add_fields(made, command, given)
      end
   elseif not why and command.call == "call" then
      why = add_call(made, given)
   end
   if not why and command.ends and (made.all or command.target == "servers") and #servers == 0 then
      why = NO_HOSTS
   end
   if why then
      return nil, why
   end
   for _, name in ipairs(command.options) do
      local option = commands.options[name]
      if option.option and not option.field and name ~= "server" and name ~= "activity" and given[name] ~= nil then
         add(made, option.option, given[name])
      end
   end
   if given.unlocked then
      add(made, "locked", false)
   end
   if given.wish_end and not given.nats then
      return nil, "--end alone; give --nats, too: what is kept here ends by Ctrl-C"
   elseif given.nats then
      made.call = given.wish_end and "end_wish" or "wish"
   end
   if given.warn and commands.has(command, "warn") then
      add(made, "warn", { seconds = given.warn[1], message = given.warn[2] })
   end
   if command.entry then
      why = require("wms.cli.multipoint.plan").check(made)
      if why then
         return nil, why
      end
   end
   return made
end

--- The options as a table for the module.
function plan.values(made)
   local options = {}
   for _, pair in ipairs(made.options) do
      options[pair[1]] = literal.value(pair[2])
   end
   return options
end

return plan
