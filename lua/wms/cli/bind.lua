-- SPDX-License-Identifier: MIT
--- `wms bind`: no password leaves before somebody has said that the certificates are the hosts'.
local fingerprints = require "wms.fingerprints"
local literal = require "wms.cli.literal"
local plan = require "wms.cli.plan"
local prompt = require "wms.cli.prompt"
local run = require "wms.cli.run"
local terminal = require "wms.cli.terminal"
local text = require "wms.cli.text"
local wms = require "wms"

local bind = {}

local HOW = "On the host, in a PowerShell: Get-ChildItem Cert:\\LocalMachine\\My | Format-List Subject, Thumbprint"

--- Completes the plan with the list of fingerprints; returns what is wrong with it.
function bind.complete(made, given)
   if not given.fingerprints then
      return nil
   end
   local list, why = fingerprints.load(given.fingerprints)
   if not list then
      why = why:find(";", 1, true) and why or why .. "; give a file with lines such as 'lab01 SHA256:...'"
      return ("--fingerprints: %s"):format(why)
   end
   made.options[#made.options + 1] = { "fingerprints",
      literal.source(("assert(require(\"wms.fingerprints\").load(%s))"):format(literal.of(given.fingerprints))) }
   return nil
end

--- Asks the hosts for their certificates: a bind without fingerprints does no more.  Those of which something came, and the
--- outcomes of the others.
local function ask_hosts(made, progress)
   local options = plan.values(made)
   options.password, options.thumbprint = nil, nil
   local result = run.command(wms, "bind", options, progress)
   local shown, others = {}, {}
   for _, outcome in ipairs(result.outcomes) do
      local list = outcome.value and outcome.value.fingerprint and outcome.error.code == "UNTRUSTED" and shown or others
      list[#list + 1] = outcome
   end
   return shown, others, result.interrupted
end

local function describe(shown)
   local lines = {}
   for _, outcome in ipairs(shown) do
      lines[#lines + 1] = ("The host %s shows this certificate:"):format(text.clean(outcome.server))
      lines[#lines + 1] = ("  SHA-256  %s"):format(text.clean(outcome.value.fingerprint):sub(1, 48))
      lines[#lines + 1] = ("           %s"):format(text.clean(outcome.value.fingerprint):sub(49))
      lines[#lines + 1] = ("  SHA-1    %s"):format(text.clean(outcome.value.thumbprint or "-"))
   end
   return table.concat(lines, "\n") .. "\n"
end

--- A fingerprint in one form, or nil.
local function normal(answer)
   local list = fingerprints.parse("host " .. answer)
   return list and list.host
end

--- Whether somebody says that these are the hosts' certificates: by yes, or by typing the fingerprint of one.
local function is_confirmed(shown)
   local question = describe(shown) .. HOW .. "\n" .. (#shown == 1
      and "Is it the host's? (yes/no/its SHA-256) " or "Are they the hosts'? (yes/no) ")
   return prompt.choose(question, function(answer)
      if answer == "yes" or answer == "no" then
         return answer == "yes"
      elseif #shown == 1 and normal(answer) then
         return normal(answer) == normal(shown[1].value.fingerprint)
      end
      return nil
   end) or false
end

local function add_all(list, others)
   for _, item in ipairs(others) do
      list[#list + 1] = item
   end
   return list
end

--- Binds with what is known of the certificates.
local function bind_them(made, given, progress, more)
   local password, why = prompt.password(given)
   if not password then
      return nil, why
   end
   local options = plan.values(made)
   options.password = password
   for name, value in pairs(more or {}) do
      options[name] = value
   end
   return run.command(wms, "bind", options, progress)
end

--- Whether nothing has to be asked of who sits there.
local function is_known(given)
   return given.fingerprint or given.fingerprints
end

--- Carries the plan out.  Returns a result as run.command does, with `list` (a text) for --show; or nil, and the misuse.
function bind.run(made, given, progress)
   if given.key_name then
      return run.command(wms, "bind", plan.values(made), progress())
   end
   if is_known(given) then
      return bind_them(made, given, progress())
   end
   if not given.show then
      if not terminal.can_ask() then
         return nil, "there is no terminal to ask whether the certificate is the host's; give --fingerprint SHA256 or "
            .. "--fingerprints FILE"
      end
   end
   local shown, others, interrupted = ask_hosts(made, progress())
   if given.show then
      return { outcomes = others, list = fingerprints.format(shown), interrupted = interrupted }
   elseif interrupted or #shown == 0 then
      return { outcomes = add_all(shown, others), interrupted = interrupted }
   elseif not is_confirmed(shown) then
      return { outcomes = add_all(shown, others) }
   end
   local by_server, servers = {}, {}
   for i, outcome in ipairs(shown) do
      by_server[outcome.server], servers[i] = outcome.value.fingerprint, outcome.server
   end
   local result, why = bind_them(made, given, progress(), { server = servers, fingerprints = by_server })
   if result then
      add_all(result.outcomes, others)
   end
   return result, why
end

return bind
