-- SPDX-License-Identifier: MIT
--- Whether a command line means what it seems to: exclusions that take nothing out, choices that nobody meets, and the
--- question before sessions or hosts are ended.
local choose = require "wms.cli.choose"
local misuse = require "wms.cli.misuse"
local plan = require "wms.cli.plan"
local text = require "wms.cli.text"

local meant = {}

local MOST = 5 -- names in one sentence

--- Some of a list, and how many more there are.
local function some(list)
   local named = table.concat(list, ", ", 1, math.min(MOST, #list))
   return text.clean(#list > MOST and ("%s and %d more"):format(named, #list - MOST) or named)
end

-- ---- hosts ------------------------------------------------------------------------------------------------------------

local function count(servers)
   local list = misuse.tried(require("wms").servers, servers) or {}
   return #list, list
end

--- The exclusions within one text, such as lab[1-9]!lab07: { before =, exclusion = }.
local function within(item)
   local list, depth = {}, 0
   for at = 1, #item do
      local letter = item:sub(at, at)
      depth = depth + (letter == "[" and 1 or letter == "]" and -1 or 0)
      if letter == "!" and depth == 0 and at > 1 and not item:find("[^:/]/.*!") then -- in a path it means nothing
         local last, inner = at + 1, 0
         while last <= #item do
            local other = item:sub(last, last)
            inner = inner + (other == "[" and 1 or other == "]" and -1 or 0)
            if inner == 0 and other:find("[,!&^]") then
               break
            end
            last = last + 1
         end
         list[#list + 1] = { before = item:sub(1, at - 1), exclusion = item:sub(at, last - 1) }
      end
   end
   return list
end

--- The exclusions among servers that take nothing out.
local function idle_exclusions(servers)
   local positive, idle = {}, {}
   for _, item in ipairs(servers) do
      if item:sub(1, 1) ~= "!" then
         positive[#positive + 1] = item
         for _, part in ipairs(within(item)) do
            local before = count(part.before)
            if before > 0 and before == count(part.before .. part.exclusion) then
               idle[#idle + 1] = part.exclusion
            end
         end
      end
   end
   local whole = count(positive)
   for _, item in ipairs(servers) do
      if item:sub(1, 1) == "!" then
         local both = { item }
         for _, one in ipairs(positive) do
            both[#both + 1] = one
         end
         if whole > 0 and count(both) == whole then
            idle[#idle + 1] = item
         end
      end
   end
   return idle
end

--- Looks at exclusions among the hosts: raises misuse where the command ends something; else returns a note, or nil.
function meant.check_hosts(made)
   local idle = idle_exclusions(made.servers)
   if #idle == 0 then
      return nil
   end
   local why = ("-s '%s': it takes nothing out"):format(some(idle))
   if made.command.ends then
      misuse.raise(why .. "; give a host that is among the others ('wms hosts' shows them), or leave it out",
         made.command.name)
   end
   return why
end

-- ---- sessions ---------------------------------------------------------------------------------------------------------

local EXEMPT = "exempt, as an administrator's session is: neither --all nor a user's name commands it"
local OWN = "your own session, which only --self and its id end"

--- Whether a command that names no ids leaves a session alone.
local function is_exempt(made, session)
   return session.is_orchestratable == false or (made.command.ends and session.is_own) or false
end

--- Counters for what was chosen, and a function that is told of each session.
local function counters_of(made)
   local where, see_where = choose.counters(made.chosen.where or {})
   local except, see_except = choose.counters(made.chosen.except or {})
   local is_listing = made.command.listing
   return { where = where, except = except }, function(session)
      local exempt = not is_listing and is_exempt(made, session)
      see_where(session, exempt)
      see_except(session, exempt)
      for _, counter in ipairs(exempt and where or {}) do
         counter.is_own = session.is_orchestratable ~= false
      end
   end
end

local function is_idle(counter, is_where)
   return counter.count == 0 and (is_where or counter.exempt == 0)
end

--- What is said of a counter that met nobody.
local function note_of(counter, what)
   if counter.exempt > 0 then
      what = counter.is_own and OWN or EXEMPT
   elseif counter.near then
      what = ("%s; did you mean '%s'%s?"):format(what, text.clean(counter.near),
         counter.differs_in_case and " (case counts)" or "")
   end
   return ("%s: %s"):format(text.clean(counter.flag), what)
end

--- What nobody met: lines for people, with the numbers of users that were named and are `not_found`, or `exempt`.
local function notes_of(counters)
   local notes = { not_found = 0, exempt = 0 }
   for _, counter in ipairs(counters.where) do
      if is_idle(counter, true) then
         notes[#notes + 1] = note_of(counter, counter.is_user and "no such user is logged on" or "nobody is meant by it")
         local name = counter.exempt > 0 and "exempt" or "not_found"
         notes[name] = notes[name] + (counter.is_user and 1 or 0)
      end
   end
   for _, counter in ipairs(counters.except) do
      notes[#notes + 1] = is_idle(counter, false) and note_of(counter, "it takes nobody out") or nil
   end
   return notes
end

local function has_idle(counters)
   for name, list in pairs(counters) do
      for _, counter in ipairs(list) do
         if is_idle(counter, name == "where") then
            return true
         end
      end
   end
   return false
end

--- The servers that have not failed as a whole.
local function answering(made, outcomes)
   local failed, list = {}, {}
   for _, outcome in ipairs(outcomes) do
      failed[outcome.server] = failed[outcome.server] or (outcome.error and not outcome.session_id)
   end
   local servers = misuse.tried(require("wms").servers, #made.servers > 0 and made.servers or "localhost")
   for _, server in ipairs(servers or {}) do
      list[#list + 1] = not failed[server] and server or nil
   end
   return list
end

--- All sessions of some servers, those included that no command is about.
local function list_sessions(made, settings, servers, progress)
   local given = plan.values(made)
   local listing = { server = servers, timeout = given.timeout, deadline = given.deadline,
      concurrency = given.concurrency, activity = given.activity }
   listing.where = listing.activity and function() return true end or nil -- activity wants one
   return require("wms.cli.run").call(settings, "sessions", listing,
      progress and { name = progress.name, servers = progress.servers }) -- nobody is warned meanwhile
end

--- Tells counters of sessions that exist; they have counted already those that were met.
local function look_again(counters, see, sessions)
   local met = {}
   for _, list in pairs(counters) do
      for _, counter in ipairs(list) do
         met[counter] = counter.count
      end
   end
   for _, session in ipairs(sessions) do
      see(session)
   end
   for counter, count_before in pairs(met) do
      counter.count = count_before
   end
end

--- Replaces the choice among the options by functions that do the same, and count.  Returns a function that tells the
--- notes about a result, { lines, not_found =, exempt = }: it lists the sessions where somebody was not met, since a
--- command is told of none that are exempt.
function meant.watch(made, options)
   local counters, see = counters_of(made)
   for name, conditions in pairs(made.chosen) do
      local is_meant, first = choose.matcher(conditions, name == "where"), name == "where" or not made.chosen.where
      options[name] = function(session)
         if first then
            see(session)
         end
         return is_meant(session)
      end
   end
   return function(result, settings, progress)
      if has_idle(counters) and not made.command.listing then
         local servers = not made.seen and answering(made, result.outcomes) or {}
         local seen = made.seen or (#servers > 0 and list_sessions(made, settings, servers, progress).items) or {}
         look_again(counters, see, seen)
      end
      return notes_of(counters)
   end
end

--- Whether what ends sessions has to look at them first: for the question, if it is asked, or since an exclusion may be
--- mistyped.
function meant.has_to_look(made, is_sure)
   return made.chosen.except ~= nil or (made.chosen.where ~= nil and not is_sure)
end

--- Lists the sessions that a command would end.  Returns them; or nil, and the result of the command, which is at its end:
--- when no host has told any, or nobody is meant.  An `--except` that takes nobody out is told with the question: whom it
--- spares may be away.  Where it would take somebody out but for the case of letters, it is misuse.
function meant.look(made, settings, progress)
   local counters, see = counters_of(made)
   local is_meant = made.chosen.where and choose.matcher(made.chosen.where, true)
   local is_spared = made.chosen.except and choose.matcher(made.chosen.except, false)
   local result = list_sessions(made, settings, plan.values(made).server, progress)
   local chosen = {}
   for _, session in ipairs(result.items) do
      see(session)
      if (not is_meant or is_meant(session)) and not (is_spared and is_spared(session))
         and not is_exempt(made, session) and not session.spared then
         chosen[#chosen + 1] = session
      end
   end
   local failed = { outcomes = result.outcomes, interrupted = result.interrupted }
   if result.interrupted or (#result.items == 0 and #result.outcomes > 0) then
      return nil, failed
   end
   for _, counter in ipairs(counters.except) do
      if is_idle(counter, false) and counter.differs_in_case then
         misuse.raise(note_of(counter, "it takes nobody out, so nothing was done"), made.command.name)
      end
   end
   made.seen = result.items
   chosen.notes = notes_of(counters)
   if #chosen == 0 then
      failed.notes = chosen.notes
      return nil, failed
   end
   return chosen
end

-- ---- the question -----------------------------------------------------------------------------------------------------

--- How many sessions on how many hosts, and whose.
local function describe(sessions)
   local names, known, hosts, seen = {}, {}, 0, {}
   for _, session in ipairs(sessions) do
      hosts = hosts + (seen[session.server] and 0 or 1)
      seen[session.server] = true
      local name = tostring(session.user_name or session.session_id)
      names[#names + 1] = not known[name] and name or nil
      known[name] = true
   end
   return ("%s on %s: %s"):format(text.count(#sessions, "session"), text.count(hosts, "host"), some(names))
end

--- What nobody has met, in front of a question.
local function warnings(notes)
   local lines = {}
   for i, note in ipairs(notes) do
      lines[i] = note .. (note:find("%?$") and "\n" or ".\n")
   end
   return table.concat(lines)
end

--- The question of a command that ends sessions or hosts, or nil where it is not needed.  `sessions`: those that are
--- meant, if they were looked at.
function meant.question(made, sessions)
   local command = made.command
   local _, servers = count(#made.servers > 0 and made.servers or "localhost")
   local what
   local unit = command.target == "stations" and "station" or "session"
   if command.target == "servers" then
      what = some(servers)
   elseif sessions then
      return ("%s%s %s."):format(warnings(sessions.notes), command.question, describe(sessions))
   elseif made.all then
      what = (made.chosen.where or made.chosen.except) and "all of the chosen sessions on " .. some(servers)
         or ("all %ss on %s"):format(unit, some(servers))
   elseif #servers > 1 then
      local ids = #made.ids > 0 and made.ids[1] ~= "self" and some(made.ids)
      what = ("%s on each of %d hosts, %s"):format(ids and unit .. " " .. ids or "your own session", #servers,
         some(servers))
   end
   local question = command.question
   if command.place and question:find("%s", 1, true) then
      question = question:format(text.clean(plan.values(made)[command.place]))
   end
   return what and ("%s %s."):format(question, what) or nil
end

return meant
