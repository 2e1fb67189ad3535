-- SPDX-License-Identifier: MIT
--- How hosts are wished to be, and how they are: one row for each.
local wishes = require "wms.agent.wishes"
local wms = require "wms"

local room = {}

local AWAY = { UNREACHABLE = true, TIMEOUT = true }

--- What is wrong, by server, of a command that has failed.
local function errors_of(outcomes)
   local errors = {}
   for _, outcome in ipairs(outcomes or {}) do
      if outcome.error and not outcome.session_id then
         errors[outcome.server] = outcome.error
      end
   end
   return errors
end

--- Counts the sessions that a wish is about.
local function count(by_server, sessions)
   for _, session in ipairs(sessions) do
      local row = by_server[session.server]
      if row and session.is_orchestratable == false then
         row.exempt = row.exempt + 1
      elseif row then
         row.sessions = row.sessions + 1
         row.locked = row.locked + (session.locked and 1 or 0)
         row.unknown = row.unknown + (session.locked == nil and 1 or 0)
      end
   end
end

--- Whether it is as wished: true, false, or nil where that is not known, or nothing is wished.
local function is_as_wished(row)
   local wish = row.wish
   if not wish or row.error or row.unknown > 0 then
      return nil
   end
   return row.locked == (wish.locked and row.sessions or 0)
end

--- Puts together what two commands have returned: rows in the order of the servers, { server =, wish = (see wishes.read),
--- sessions =, locked =, unknown =, exempt = (numbers of sessions; those that are exempt are not among the others),
--- as_wished =, offline =, error =, wish_error = }.
function room.rows(servers, wished, sessions, failures)
   local list, by_server, errors = {}, {}, errors_of(failures)
   for i, server in ipairs(servers) do
      local err = errors[server]
      list[i] = { server = server, sessions = 0, locked = 0, unknown = 0, exempt = 0, error = err,
         offline = err ~= nil and AWAY[err.code] or false }
      by_server[server] = list[i]
   end
   count(by_server, sessions or {})
   for _, outcome in ipairs(wished or {}) do
      local row = by_server[outcome.server]
      if row and outcome.error then
         row.wish_error = outcome.error
      elseif row then
         row.wish = wishes.read(outcome.value or {})
      end
   end
   for _, row in ipairs(list) do
      row.as_wished = is_as_wished(row)
      if row.error then
         row.sessions, row.locked, row.unknown, row.exempt = nil, nil, nil, nil
      end
   end
   return list
end

--- Which of the servers have wishes.
function room.with_agent(servers)
   local list = {}
   for _, server in ipairs(servers) do
      list[#list + 1] = server:find("^nats://") and server or nil
   end
   return list
end

--- Asks the hosts.  Returns the rows.
function room.status(given)
   local servers = wishes.checked("status", wms.servers, given.server)
   local manner = { timeout = given.timeout, concurrency = given.concurrency }
   local with_agent = room.with_agent(servers)
   local listing, message, err = wms.start("sessions", { server = servers, timeout = manner.timeout,
      concurrency = manner.concurrency })
   if not listing then
      return nil, message, err
   end
   local wished
   if #with_agent > 0 then
      local list, _, fault = wms.call(wishes.get(manner, with_agent))
      wished = list or fault.outcomes
   end
   listing:wait()
   local sessions, why, fault = listing:result()
   listing:close()
   if not sessions and not fault.outcomes then
      return nil, why, fault
   end
   return room.rows(servers, wished, sessions or fault.sessions, fault and fault.outcomes)
end

return room
