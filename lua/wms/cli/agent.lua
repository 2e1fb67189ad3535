-- SPDX-License-Identifier: MIT
--- `wms agent`: serves this host on NATS until it is ended, and says each action; and what is needed for that once.
local columns = require "wms.cli.columns"
local exits = require "wms.cli.exits"
local lasting = require "wms.cli.lasting"
local misuse = require "wms.cli.misuse"
local nkeys = require "wms.nkeys"
local output = require "wms.cli.output"
local service = require "wms.cli.service"
local settings = require "wms.agent.settings"
local system = require "wms.system"
local terminal = require "wms.cli.terminal"
local text = require "wms.cli.text"
local wms = require "wms"

local agent = {}

local driver = require("wms.loop.waiting").driver

local NAME = "agent"
local SAME = 1 -- seconds in which further signals are the first one still
local STOP = 10 -- seconds that its end may take
local MOST_ERRORS = 1000 -- in a row, after which it ends

-- ---- what it says ------------------------------------------------------------------------------------------------------

local BAD = { away = "red", failed = "red", fight = "yellow", file = "red", unwatched = "red", lost = "red" }

--- A line on the error stream, with its time where no journal knows it.
local function say(self, line, colour)
   local prefix = self.has_clock and "" or os.date("%Y-%m-%d %H:%M:%S") .. "  "
   line = text.clean(misuse.words(line))
   io.stderr:write(prefix, colour and columns.colour(line, colour, self.look.colour) or line, "\n")
end

local function take(self, report)
   if report.kind ~= "wish" or not report.over then
      service.status(report.message)
   end
   local colour = BAD[report.kind] or report.error and "red" or nil
   if colour or not self.quiet then
      say(self, report.message, colour)
   end
end

--- What the engine says: who has asked for what, and what came of it.
local function logger(self)
   return function(level, line)
      if line:find("^memory://wms%.keep: ") then -- where wms.keep tries its options
         return
      elseif level == "warning" then
         say(self, line, "yellow")
      elseif level == "info" and not self.quiet then
         say(self, line)
      end
   end
end

-- ---- serving -----------------------------------------------------------------------------------------------------------

--- The settings, or misuse.
local function load(given)
   local found, why = settings.read(given.settings)
   if not found then
      misuse.raise(("--settings: %s%s"):format(why, given.settings == nil and not why:find(";", 1, true)
         and "; 'wms agent enroll' makes them, or give --settings FILE" or why:find(";", 1, true) and ""
         or "; give a file that can be read"), NAME)
   end
   return found
end

--- Calls it, and lets its misuse be that of the file of settings.
local function checked(found, fun, ...)
   local results = { pcall(fun, ...) }
   if not results[1] then
      local inner = tostring(results[2]):match("bad argument #%d+ to '[%w_]+' %((.*)%)$")
      if inner then
         misuse.raise(("%s: %s"):format(found.path, inner), NAME)
      end
      error(results[2], 0)
   end
   return results[2], results[3], results[4]
end

local function refuse_others(given, name)
   for _, other in ipairs{ "demo", "lua", "config" } do
      if given[other] then
         misuse.raise(("--%s: an agent has settings of its own; leave it out"):format(other), name)
      end
   end
end

--- Runs it until it is over.  Returns the exit code of the signal that has ended it, or BROKEN, or nil.
local function run(self, running)
   local errors, last, stopped, at = 0, nil, nil, nil
   while not running:done() do
      service.alive()
      local fine, code = pcall(function()
         local signalled = lasting.wait(service.pause())
         system.tell_log()
         return signalled
      end)
      if not fine then -- lack of memory, for one: the agent goes on
         errors = errors + 1
         if code ~= last then
            last = code
            say(self, tostring(code), "red")
         end
         if errors >= MOST_ERRORS then
            running:close()
            return exits.BROKEN
         end
      else
         errors, last = 0, nil
         local now = driver:clock()
         if code and not stopped then
            stopped, at = code, now
            service.stopping(STOP)
            running:stop()
         elseif code and now - at > SAME then
            running:close()
            return code
         end
      end
   end
   return stopped
end

--- Carries the command out; returns the exit code.
function agent.run(given)
   refuse_others(given, NAME)
   local found = load(given)
   local self = { has_clock = service.is_there(), look = terminal.look(2), quiet = given.quiet }
   checked(found, wms.configure, { nats = found.nats, log = logger(self) })
   lasting.begin()
   local running, message = checked(found, require("wms.agent").serve, { host = found.host, server = found.server,
      policy = found.policy, beat = found.beat, file = given.file or "agent",
      on_report = function(report) take(self, report) end })
   if not running then
      say(self, message, "red")
      return exits.FAILED
   end
   service.ready()
   service.status("connecting")
   local code = run(self, running)
   if code then
      return code
   end
   return running:result() and exits.OK or exits.FAILED
end

-- ---- enrolling ---------------------------------------------------------------------------------------------------------

local function is_there(path)
   local file = io.open(path, "rb")
   if file then
      file:close()
   end
   return file ~= nil
end

local function complain(format, ...)
   io.stderr:write(text.clean(format:format(...)), "\n")
end

local function fail(format, ...)
   error({ lacking = format:format(...) }, 0)
end

local function folder_of(path)
   return path:match("^(.*)/[^/]*$") or "."
end

--- Writes a new file; its folder is made.
local function write(path, words)
   local file, why = io.open(path, "wb")
   if not file then
      fail("%s", why)
   end
   local fine, fault = file:write(words)
   file:close()
   return fine or fail("%s: %s", path, fault)
end

--- The key of this host: there, or made now.
local function provide_key(path)
   if is_there(path) then
      local key, why = nkeys.public(path)
      return key or fail("%s", why), false
   end
   os.execute(("umask 022; mkdir -p '%s'"):format(folder_of(path):gsub("'", "'\\''")))
   local key, why = nkeys.make(path)
   return key or fail("%s", why), true
end

--- The name that settings have for this host, or nil.
local function host_in(path)
   local found, why = settings.read(path)
   return found and found.host or not found and fail("%s", why) or nil
end

--- What a new file of settings would be refused for, before anything is made.
local function check_new(given, name)
   if not given.nats_servers then
      misuse.raise("--servers is missing; give where the NATS servers are, such as tls://nats1.school.example:4222", name)
   end
   local fine, why = pcall(wms.configure, { nats = { servers = given.nats_servers } })
   if not fine then
      misuse.raise(tostring(why):gsub("^.*%(nats: servers(.-)%)$", "--servers%1"):gsub("; who connects.*$", ""), name)
   end
   if given.ca and not is_there(given.ca) then
      misuse.raise(("--ca: %s cannot be read; give the certificate of the authority that vouches for the servers"):format(
         given.ca), name)
   end
end

--- The options that have no effect where settings are there already, for a sentence; nil: none was given.
local function unused(given, host)
   local flags = { given.host and given.host:lower() ~= host and "--host" or nil }
   for _, pair in ipairs{ { "nats_servers", "--servers" }, { "ca", "--ca" }, { "allow", "--allow" } } do
      if given[pair[1]] and #given[pair[1]] > 0 then
         flags[#flags + 1] = pair[2]
      end
   end
   return flags[1] and table.concat(flags, ", ")
end

--- Makes this host's key and settings, where there are none; prints its name and its public key.
function agent.enroll(given)
   local name = NAME .. " enroll"
   refuse_others(given, name)
   local path = given.settings or settings.PATH
   local key_path = folder_of(path) .. "/agent.nk"
   local has_settings = is_there(path)
   local host = (has_settings and host_in(path) or given.host or settings.own_name()):lower()
   if not host:find("^%w[%w.-]*$") then
      misuse.raise(("--host: '%s' is no host's name; give one such as lab01.school.example"):format(host), name)
   end
   if not has_settings then
      check_new(given, name)
   end
   local key, is_new = provide_key(key_path)
   if not has_settings then
      local ca = given.ca and (given.ca:find("^/") and given.ca or require("wms.files").beside(
         (os.getenv("PWD") or ".") .. "/x", given.ca)) or nil
      write(path, settings.text{ host = host, servers = given.nats_servers, nkey = "agent.nk", ca = ca,
         allow = given.allow })
   end
   output.write(host, " ", key, "\n")
   output.flush()
   complain(is_new and "%s has the secret part of the key; it stays on this host" or "the key is that of %s", key_path)
   local without = has_settings and unused(given, host)
   complain(has_settings and "%s is left as it is%s" or "%s has the settings: who may do what is in it", path,
      without and (": " .. without .. " changed nothing; edit it, then: systemctl restart wms-agent") or "")
   complain("Add the line above to the list of hosts of the servers' rights, and reload the servers; then: systemctl "
      .. "enable --now wms-agent")
   return exits.OK
end

return agent
