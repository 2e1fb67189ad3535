-- SPDX-License-Identifier: MIT
--- What every program shows that unlocks rooms when it gets POST /rooms/ROOM/unlock: all of spec/programs/serving.lua, and
--- that it does so for whoever has the token.
--
--     http.spec("nginx", { token =, refused =, processes = function(school) … end, … })
--
--    token      the file that holds the token, behind which nothing else follows
--    refused    the status of what has another method
--    unit       optional: its systemd unit, which is to be reloaded; the processes are others then
--    prepare    optional: commands that leave it one worker, so that one that blocks is noticed, and let it listen at a
--               second place, 127.0.0.1:8089: /careless logs everybody off, and says how that went; /collect collects
--               garbage, and says how many KiB Lua has then
--
-- and what serving.spec takes, where that is something else than what follows from these.
local assert = require "luassert"
local kit = require "spec.support.kit"
local serving = require "spec.programs.serving"

local http = {}

local URL, SECOND = "http://127.0.0.1:8080", "http://127.0.0.1:8089"

local function unlock_url(room)
   return ("%s/rooms/%s/unlock"):format(URL, room)
end

--- What it is asked without the token, and with it, for what there is not: a list of functions for serving.spec.
local function strangers(with_token, refused)
   local function refuses(status, room, options)
      return function(school)
         local got, body = school:request(unlock_url(room), options and options(school) or { method = "POST" }):answer()
         assert.equal(status, got, body)
         return "refused"
      end
   end
   local function bearing(text)
      return function(school)
         local headers = with_token(school).headers
         headers[1] = headers[1]:gsub("%S+$", text)
         return { method = "POST", headers = headers }
      end
   end
   return {
      refuses(401, "room1"),
      refuses(401, "room1", bearing ""),
      refuses(401, "room1", bearing "x%0"),
      refuses(refused, "room1", function(school) return with_token(school, { method = "GET" }) end),
      refuses(404, "room9", with_token),
   }
end

--- Reloads it: its processes are others then, and the old ones end when they have done what they have begun.
local function reload(school, program)
   local old, new = program.processes(school), nil
   school.machine:check("systemctl", "reload", program.unit)
   kit.await(function()
      new = program.processes(school)
      return #new > 0 and new[1] ~= old[1]
   end, nil, 60)
   return function()
      kit.await(function() return select(2, school.machine:run("test", "-e", "/proc/" .. old[1])) ~= 0 end, nil, 60)
      assert.same(new, program.processes(school))
   end
end

function http.spec(name, program)
   local token, prepared

   --- The options of a request with the token.
   local function with_token(school, more)
      token = token or school.machine:check("cat", program.token):match("(%S+)%s*$")
      local options = { method = "POST", headers = { "Authorization: Bearer " .. token } }
      for key, value in pairs(more or {}) do
         options[key] = value
      end
      return options
   end

   local defaults = {
      well = "200",
      says = "lab01%.school%.example 1 bob verified",
      strangers = strangers(with_token, program.refused),

      start = function(school, again) -- it is there from the beginning, and comes back by itself
         if again and not prepared then
            prepared = true
            school:sh(program.prepare)
         end
      end,

      unlock = function(school, room, count, parallel)
         return school:requests(count, unlock_url(room), with_token(school, { parallel = parallel }))
      end,

      others = function(school, count)
         return school:requests(count, URL .. "/")
      end,

      reload = program.unit and function(school)
         return reload(school, program)
      end,

      careless = function(school)
         return select(2, school:request(SECOND .. "/careless"):answer())
      end,

      collect = function(school)
         return tonumber((select(2, school:request(SECOND .. "/collect"):answer())))
      end,
   }
   serving.spec(name, setmetatable({ refused = "refused" }, { __index = function(_, key)
      return program[key] or defaults[key]
   end }))
end

return http
