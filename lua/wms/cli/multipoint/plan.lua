-- SPDX-License-Identifier: MIT
--- What a command line with one of MultiPoint's nouns means: one call of wms.multipoint, checked as that checks it.
local commands = require "wms.cli.commands"
local line_plan = require "wms.cli.plan"
local misuse = require "wms.cli.misuse"
local near = require "wms.cli.near"
local options = require "wms.multipoint.options"
local prompt = require "wms.cli.prompt"
local rows = require "wms.cli.multipoint.rows"

local plan = {}

local function add(made, name, value)
   made.options[#made.options + 1] = { name, value }
end

--- What to say where neither ids nor all are given.
local function no_targets(command, is_of_stations)
   if command.entry.fun.single and command.fun ~= "close_app" then
      return "no session; give its id ('wms list' shows it)"
   end
   return ("no %s; give their ids ('wms %s' shows them)%s"):format(is_of_stations and "stations" or "sessions",
      is_of_stations and "stations" or "list", commands.option_for_all(command) and ", or --all" or "")
end

--- Ids as numbers; one that is too long to be an id stays as it is, and is refused.
local function as_numbers(ids)
   local list = {}
   for i, id in ipairs(ids) do
      list[i] = #tostring(id) < 15 and tonumber(id) or id
   end
   return list
end

--- Which stations or sessions; returns what is wrong.
local function add_targets(made, command, given, ids)
   local fun = command.entry.fun
   local station = fun.on ~= "session"
   local of_session = given.session or {}
   if #of_session > 0 and #ids > 0 then
      return "--session cannot be combined with ids of stations; give one of them"
   elseif #of_session > 0 then
      ids, station = of_session, false
   end
   local for_all = commands.option_for_all(command)
   local is_all = for_all and given[for_all]
   if #ids > 0 and is_all then
      return ("--all cannot be combined with ids of %s; give one of them"):format(station and "stations" or "sessions")
   elseif #ids > 0 then
      made.ids, ids = ids, as_numbers(ids)
      add(made, station and "station_ids" or "session_ids", #ids == 1 and ids[1] or ids)
   elseif is_all then
      made.all = true
      made.call = fun.all and fun.name .. "_all" or made.call
   elseif not command.listing then
      return no_targets(command, station)
   end
   return nil
end

--- The name of a field as it stands on the command line.
local function word_of(command, name)
   if name == "server" then
      return "-s"
   elseif name == "station_ids" or name == "session_ids" then
      return "ID"
   elseif name == command.place then
      return name:upper()
   end
   for _, field in ipairs(command.entry.fun.takes or {}) do
      if field.name == name then
         return "--" .. name:gsub("_", "-")
      end
   end
   return nil
end

-- Patterns of the module's texts that speak of Lua, and what this program says.
local WORDS = {
   { "only view has one", "not together with --all" }, { "host = false", "--no-host" }, { ", or false .*$", "" },
   { "the text that share returns", "--all, or the text that 'wms desktops share' prints" },
   { ", a list of sites$", "" },
}

--- Misuse of the module in this program's words; nil: it is none.
local function translate(command, why)
   local inner = why:match("bad argument #%d+ to '[^']*' %((.*)%)$")
   if not inner then
      return nil
   end
   local head, rest = inner:match("^([^:;]*)(.*)$")
   for _, pair in ipairs(WORDS) do
      rest = rest:gsub(pair[1], pair[2])
   end
   rest = rest:gsub("there is (%w+) already", function(name)
      return ("there is %s already"):format(word_of(command, name) or name)
   end)
   return misuse.words(head:gsub("[%w_]+", function(name) return word_of(command, name) end) .. rest)
end

--- The value of a field: nil when it is not given.
local function value_of(command, given, field)
   if field.name == command.place then
      return given[command.place]
   end
   local value
   for _, name in ipairs(command.options) do
      local option = commands.options[name]
      if option.field and option.field.name == field.name and not option.secret and given[name] ~= nil then
         if value ~= nil then
            return nil, ("%s and %s do not go together; give one of them"):format("--" .. field.name:gsub("_", "-"),
               option.flags)
         end
         value = given[name]
         if option.off then
            value = false
         end
      end
   end
   return value
end

--- Whether a password is wanted; returns also what is wrong with what is given for one.
local function wants_password(made, command, given)
   local secret
   for _, name in ipairs(command.options) do
      local option = commands.options[name]
      secret = option.secret and { name = name, option = option } or secret
   end
   local has_source = given.password_fd ~= nil or given.credential ~= nil
   local source = given.password_fd and "--password-fd" or "--credential"
   if not secret then
      if has_source and type(made.logon) ~= "table" then
         return nil, ("%s: no password is wanted; give --logon, too, or leave it out"):format(source)
      end
      return type(made.logon) == "table"
   elseif secret.option.without then
      if given[secret.name] and has_source then
         return nil, ("%s and %s do not go together; give one of them"):format(secret.option.flags, source)
      end
      return not given[secret.name]
   end
   return given[secret.name] or has_source
end

--- Completes a plan by what a command is about; returns what is wrong, or nil.
function plan.complete(made, command, given, ids)
   local fun = command.entry.fun
   local why
   if fun.on then
      why = add_targets(made, command, given, ids)
   end
   if command.fun == "close_app" then
      return why or require("wms.cli.multipoint.close").plan(made, command, given)
   end
   return why or plan.add_fields(made, command, given)
end

--- Adds what a function takes beside ids; returns what is wrong.
function plan.add_fields(made, command, given)
   for _, field in ipairs(command.entry.fun.takes or {}) do
      local value, fault = value_of(command, given, field)
      if fault then
         return fault
      elseif value ~= nil and field.kind == "table" and value then
         made.logon = { user = value.user, domain = value.domain, password = "" }
         add(made, field.name, made.logon)
      elseif value ~= nil then
         add(made, field.name, value)
      end
   end
   local why
   made.wants_password, why = wants_password(made, command, given)
   return why
end

--- What is wrong with a word that is no id, and what to give.
function plan.no_id(command, item)
   local what = command.entry.fun.on and (command.target == "stations" and "station" or "session")
   local actions = command.actions
   for _, word in ipairs(actions or {}) do
      if near.is(item, word) then
         return ("unknown command '%s %s'; did you mean '%s %s'?"):format(command.name, item, command.name, word)
      end
   end
   if what and (item == "all" or item == "") then
      local instead = command.listing and "leave it out for all"
         or commands.option_for_all(command) and "give --all for all"
      return ("'%s' is no id; %s"):format(item, (instead and instead .. ", or " or "give ") .. "ids of " .. what .. "s")
   elseif actions then
      return ("'%s' is %sno command of %s; give hosts as -s HOST, or one of %s"):format(item,
         what and ("no id of a %s, and "):format(what) or "", command.name, table.concat(actions, ", "))
   end
   return ("'%s' is no %s; give hosts as -s HOST"):format(item, what and "id of a " .. what or "group")
end

--- Names of the options that the function of a plan takes.
local function known_names(made)
   local known = {}
   for _, name in ipairs(options.names(rows.entries[made.call])) do
      known[name] = true
   end
   return known
end

--- Takes out what its function does not take.
local function keep_known(made)
   local known, list = known_names(made), {}
   for _, pair in ipairs(made.options) do
      list[#list + 1] = known[pair[1]] and pair or nil
   end
   made.options = list
end

--- What wms.multipoint says is wrong with a plan, or nil; nothing is sent.
function plan.check(made)
   if made.close then -- it lists first
      keep_known(made)
   end
   local values = line_plan.values(made)
   if made.wants_password and not made.logon then
      values.password = ""
   end
   local fine, why = pcall(options.read, rows.entries[made.call], values)
   if fine then
      return nil
   end
   why = type(why) == "table" and why.misuse or why
   return translate(made.command, tostring(why)) or error(why, 0)
end

--- Gives a plan the retries and so on that the settings have for all commands.
function plan.add_defaults(made, settings)
   local known, given = known_names(made), {}
   for _, pair in ipairs(made.options) do
      given[pair[1]] = true
   end
   for _, name in ipairs{ "retries", "on_error" } do
      if settings.client[name] ~= nil and known[name] and not given[name] then
         add(made, name, settings.client[name])
      end
   end
end

--- Puts the password of an account into a plan.
local function put_password(made, password)
   if made.logon then
      made.logon.password = password
   else
      add(made, "password", password)
   end
end

--- Asks for the password that a plan wants; raises misuse where nobody can be asked.  Returns false: there is none.
function plan.ask(made, given)
   if not made.wants_password then
      return true
   elseif given.what_if then
      put_password(made, "")
      return true
   end
   local name = made.logon and made.logon.user or given[made.command.place]
   local password, why = prompt.account_password(given, name, not made.logon)
   if not password then
      return why and misuse.raise(why, made.command.name) or false
   end
   put_password(made, password)
   return true
end

--- The same for a script, which asks when it runs.
function plan.ask_later(made, given)
   if made.wants_password then
      put_password(made, require("wms.cli.script").account_password(given))
   end
end

return plan
