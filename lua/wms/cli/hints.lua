-- SPDX-License-Identifier: MIT
--- What to do about an error, for people, by its code.
local commands = require "wms.cli.commands"

local hints = {}

local AWAY = { UNREACHABLE = true, TIMEOUT = true, NOT_BOUND = true }
local PASSING = { UNREACHABLE = true, TIMEOUT = true, BUSY = true, NO_MEMORY = true }

-- A list: those that name an option are for the commands that have it.
local TEXTS = {
   NOT_FOUND = "'wms list' shows the sessions that there are.",
   ACCESS_DENIED = "Leave it out, or ask the host's administrator for the right.",
   UNREACHABLE = { "Is the host on, and its name right? Then try again.", "--retries 3 does so by itself." },
   TIMEOUT = { "Try again, or wait for longer: --timeout 90.", "--retries 3 tries by itself." },
   UNSUPPORTED = "This kind of host cannot do that; leave it out.",
   UNTRUSTED = "Compare the certificate with the host's before you bind anew.",
   PROTOCOL = "Something else answers there; is the address right?",
   UNVERIFIED = { "Look again in a moment.", "--verify=30 waits for longer." },
   REVERTED = "Somebody else changes it, such as a manager in Block All; end that, or try again.",
   BUSY = { "Try again in a moment.", "--retries 3 does so by itself." },
   NO_MEMORY = { "Ask for less at a time.", "--concurrency 4 asks four hosts at a time." },
}

-- What a Veyon host or its gateway, or a NATS server, is refused for, of which the message says what to do.
local SAID = { NOT_BOUND = true, UNTRUSTED = true, ACCESS_DENIED = true, PROTOCOL = true }

--- Whether it says itself what to do: behind a semicolon.
local function is_said(outcome)
   return SAID[outcome.error.code] and (outcome.server:find("^veyon://") or outcome.server:find("^nats://"))
      and outcome.error.message:find("; ", 1, true)
      and not outcome.error.message:find("call wms.bind once", 1, true)
end

--- A name that may be a user's, where a listing takes hosts; else "".
local function as_user(server, command)
   local name = command.listing and server:match("^[%w_-]+$")
   return name and ("A user is named by -u %s."):format(name) or ""
end

local NATS_SETTINGS = "It stands in the file of settings, in nats: see wms-config(5)."

local SPECIAL = {
   NOT_BOUND = function(server, command, _, _, message)
      local needs_management = command.entry and command.entry.fun.password == "management"
         and message:find("management", 1, true)
      if needs_management then
         return ("Bind to it once more, with it: wms bind %s -u Administrator --management."):format(server)
      end
      return command.call == "unbind" and "'wms bindings' lists the hosts that this account is bound to."
         or server:find("^veyon://")
            and ("Bind to it once: wms bind %s --key-name NAME --key-file FILE."):format(server)
         or ("Bind to it once: wms bind %s -u Administrator. %s"):format(server, as_user(server, command))
   end,
   NOT_FOUND = function(_, command, _, id)
      if command.entry then
         return id and "'wms list' shows the sessions that there are."
            or command.target == "stations" and "'wms stations' shows the stations that there are." or ""
      elseif command.call == "servers" then
         return "Mend the group, or leave it out."
      elseif command.call == "wake" then
         return "Name its card: --mac ADDRESS --network ADDRESS, or in the file of settings."
      end
      return type(id) == "string" and "'wms list' shows the sessions that there are. Hosts are named by -s HOST." or nil
   end,
   TIMEOUT = function(_, _, state)
      return state == "unknown" and "Look how it is ('wms list') before you try again." or nil
   end,
   -- Of the settings and the key of whoever asks: the message says of which; not what a host's own policy refuses.
   ACCESS_DENIED = function(server, _, _, _, message)
      local is_key = server:find("^nats://") and message:find("refuses the credentials", 1, true)
      local is_file = server:find("^nats://") and message:match(" file /")
      return is_key and "Has that server the public part of your key, and has it been reloaded since?"
         or is_file and NATS_SETTINGS or nil
   end,
   UNTRUSTED = function(server, _, _, _, message)
      return server:find("^nats://") and (message:match(" file /") and NATS_SETTINGS
         or message:find("expired", 1, true) and "Give the server a new one; is this machine's clock right?"
         or "In nats, in the file of settings: give the server's name as its certificate has it, and tls.ca.")
         or nil
   end,
   UNSUPPORTED = function(server, command)
      local is_other = server == "localhost" or server:find("^%a+://") and not server:find("^multipoint:")
      return command.entry and is_other and "Only MultiPoint hosts have that; name those alone." or nil
   end,
   UNREACHABLE = function(server, command, state, _, message)
      if state == "unknown" then
         return "Look how it is ('wms list') before you try again."
      elseif server == "localhost" then
         return "This machine has no systemd-logind, or no system bus; name other hosts by -s HOST."
      end
      if message:find("no WebAPI of Veyon listens", 1, true) then
         return "'wms veyon-gateway' starts it, or for a command alone: wms veyon-gateway -- wms ..."
      end
      local embedded = message:find("no embedded host", 1, true) and server:match("^memory://(.*)$")
      return embedded and as_user(embedded, command) or nil -- such a host is never off
   end,
}

--- Those of the sentences whose options a command has.
local function fitting(sentences, command)
   local list = {}
   for _, sentence in ipairs(sentences) do
      local flag = sentence:match("%-%-([%l-]+)")
      if not flag or commands.has(command, (flag:gsub("-", "_"))) then
         list[#list + 1] = sentence
      end
   end
   return table.concat(list, " ")
end

--- A group that has the name of a host that was not there, or nil.
local function group_of(outcome, groups)
   local name = outcome.server:gsub("^%a[%w+.-]*://", "")
   return (AWAY[outcome.error.code] and outcome.state ~= "unknown" and (groups or {})[name]) and name or nil
end

--- What to do, or nil.  `groups`: those of the settings.
function hints.of(outcome, command, groups)
   local code = outcome.error.code
   local group = group_of(outcome, groups)
   if group then
      return ("Did you mean '@%s'?"):format(group)
   end
   if is_said(outcome) then
      return nil
   elseif command.call == "bindings" then
      return nil -- it is about this account, and the message says what to do
   end
   local special = SPECIAL[code] and SPECIAL[code](outcome.server, command, outcome.state, outcome.session_id,
      outcome.error.message)
   local found = special or (command.lasts and PASSING[code] and "It is tried again and again.") or TEXTS[code]
   found = type(found) == "table" and fitting(found, command) or found
   return found and found ~= "" and found:match("^(.-)%s*$") or nil
end

return hints
